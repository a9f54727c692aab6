"""Kerbside's daemon: python -m edge --config config.yaml

Exit codes: 0 stopped or done; 1 the config is wrong; 2 the arguments are; 3 a model, camera or outbox cannot be used; 4 a stage failed.
"""

from __future__ import annotations

import argparse
import faulthandler
import logging
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from alpr import __version__
from alpr.contract import ContractError
from alpr.patterns import RegionError
from edge import demo, logs, memory
from edge.audit import AuditError
from edge.broker import EmbeddedBrokerError
from edge.cameras import CameraError
from edge.config import Config, ConfigError, check, load
from edge.config.file import ConfigFile
from edge.engines import EngineError
from edge.lists import ListError
from edge.mqtt import MqttConfigError
from edge.notify import Manager
from edge.outbox import OutboxError
from edge.pipeline import StageError
from edge.privacy import PrivacyError
from edge.reload import Reloader
from edge.service import Service
from edge.unit import Unit
from edge.web.access import AccessError

log = logging.getLogger("edge")
UNUSABLE = (
    ContractError,
    EngineError,
    CameraError,
    OutboxError,
    RegionError,
    MqttConfigError,
    PrivacyError,
    ListError,
    EmbeddedBrokerError,
)


def main(arguments: list[str] | None = None) -> int:
    args = _parser().parse_args(arguments)
    if args.check_config:
        return check(args.config)
    memory.settle()
    stop, reload = threading.Event(), threading.Event()
    for name, event in ((signal.SIGTERM, stop), (signal.SIGINT, stop), (signal.SIGHUP, reload)):
        signal.signal(name, partial(_set, event))
    with ExitStack() as stack:
        try:
            read = _reader(args, stack)
            config = read()
            logs.configure("warning" if args.demo else config.log.level, config.secrets())
            unit = Unit(config, np.random.default_rng(), stop)
        except ConfigError as error:
            print(error, file=sys.stderr)
            return 1
        except UNUSABLE as error:
            print(f"cannot start: {error}", file=sys.stderr)
            return 3
        stack.callback(unit.close)
        reloader = Reloader(unit, read)
        try:
            if config.web.enabled:
                stack.callback(_view(unit, args.config, read, reloader))
            return _run(unit, args, reloader, reload)
        except (AuditError, AccessError) as error:
            print(f"cannot start: {error}", file=sys.stderr)
            return 3


def _set(event: threading.Event, *_: object) -> None:
    event.set()


def _view(unit: Unit, path: Path, read: Callable[..., Config], reloader: Reloader) -> Callable[[], None]:
    """Open the live view → what closes it."""
    from edge.web.view import LiveView  # its library is loaded where the page is wanted, and nowhere else

    return LiveView(unit, ConfigFile(path, lambda text: read(text=text)), reloader).start().close


def _reader(args: argparse.Namespace, stack: ExitStack) -> Callable[..., Config]:
    """How to read the config, now and with every reload."""
    overrides: dict[str, Any] = {}
    source = args.source or (str(demo.CLIP) if args.demo else None)
    if source:
        paced = {"loop": True, "realtime": True} if args.view and args.demo and "://" not in source else {}
        overrides["cameras"] = [{"id": "camera", "source": source, **paced}]
    if args.view:
        overrides |= {"web.enabled": True, "web.edit": not (source or args.demo)}  # another camera's zones are not this config's
    if args.demo:
        broker = demo.embedded(overrides, Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kerbside-"))))
        stack.callback(broker.close)
    return partial(load, args.config, overrides)


def _run(unit: Unit, args: argparse.Namespace, reloader: Reloader, reload: threading.Event) -> int:
    manager = Manager(os.environ)
    if manager.watchdog_s:
        faulthandler.enable()  # the watchdog's SIGABRT leaves every thread's stack in the journal
    try:
        if args.demo:
            demo.run(unit, demo.CLIP.with_suffix(".truth.json") if not args.source else None)
        else:
            with Service(unit, manager, reloader, reload) as service:
                unit.start()
                manager.ready()
                unit.run(service.look)
                manager.stopping()
    except AuditError:  # told before anything runs: nothing to start anew
        raise
    except (StageError, OutboxError, RuntimeError) as error:
        log.critical("%s; exiting, for the service manager to start anew", error)
        return 4
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m edge", description="Read licence plates from cameras and publish them over MQTT.")
    parser.add_argument("--config", type=Path, default=Path("config.yaml"), help="what to do (default: %(default)s)")
    parser.add_argument("--check-config", action="store_true", help="say whether the config is good, and exit with 0 or 1")
    parser.add_argument("--source", help="instead of the config's cameras: a video, a folder, rtsp://…, /dev/video0, csi://0")
    parser.add_argument("--demo", action="store_true", help="an embedded broker, the sample clip unless --source is given, reads in words")
    parser.add_argument("--view", action="store_true", help="with the live view, by default on http://127.0.0.1:9109/")
    parser.add_argument("--version", action="version", version=f"kerbside {__version__}")
    return parser


if __name__ == "__main__":
    sys.exit(main())
