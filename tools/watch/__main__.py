"""`python -m tools.watch`: what the units read, live, as JSON lines, or into a file."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge.mqtt import ConnectError, MqttConfig, MqttConfigError
from tools.watch.follow import Wish, follow
from tools.watch.inbox import Inbox, InboxError
from tools.watch.screen import screen

OPTIONS = {"ca_file": "ca", "cert_file": "cert", "key_file": "key", "password_file": "password-file", "version": "mqtt"}
"""The settings that are called otherwise on the command line."""
DETAILS = """\
With --sqlite the broker keeps events while nobody watches (a session of 7 days, under a name kept in the file), and each event is committed
before the broker may forget it: table `event`, unique by id. Units are then told on <prefix>/<device>/ack: with mqtt.consumer_ack an event
is done only now. Table `source` tells, by outbox, the first and last sequence and how many came: what is missing
was lost or is on its way. The demo's embedded broker speaks MQTT 3.1.1 alone: --mqtt 3.1.1."""


def main(arguments: Sequence[str] | None = None) -> int:
    chosen = _parser().parse_args(arguments)
    stopped = threading.Event()
    _stop_on_signals(stopped)
    try:
        config = _config(chosen)
        _watch(config, chosen, stopped)
    except (MqttConfigError, ConnectError, InboxError) as error:
        print(f"watch: {_in_options(str(error))}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _watch(config: MqttConfig, chosen: argparse.Namespace, stopped: threading.Event) -> None:
    inbox, shown = Inbox(chosen.sqlite), screen(chosen.json)
    try:
        keeps = chosen.sqlite is not None
        follow(config, Wish(chosen.device, keeps, keeps and not chosen.no_ack, chosen.wait), inbox, shown, stopped)
    finally:
        shown.close()
        inbox.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tools.watch", description=__doc__, epilog=DETAILS)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="1883, or 8883 with TLS")
    parser.add_argument("--prefix", default="kerbside", help="first level of the topics (%(default)s)")
    parser.add_argument("--device", default="+", help="one device; all of them unless given")
    parser.add_argument("--mqtt", choices=("5", "3.1.1"), default="5", help="version of the protocol (%(default)s)")
    parser.add_argument("--tls", action="store_true", help="implied by --ca and --cert")
    parser.add_argument("--ca", type=Path, metavar="FILE", help="who may sign the broker's certificate; else the system's authorities")
    parser.add_argument("--cert", type=Path, metavar="FILE", help="our certificate, for mutual TLS")
    parser.add_argument("--key", type=Path, metavar="FILE", help="its key")
    parser.add_argument("--user", default="")
    parser.add_argument("--password-file", type=Path, metavar="FILE")
    parser.add_argument("--wait", action="store_true", help="keep trying where the first connection fails")
    parser.add_argument("--json", action="store_true", help="a line of JSON an event")
    parser.add_argument("--sqlite", type=Path, metavar="FILE", help="keep the events in this file, and tell the units so")
    parser.add_argument(
        "--no-ack", action="store_true", help="do not tell the units what is kept: a second watcher, beside the one that counts"
    )
    return parser


def _config(chosen: argparse.Namespace) -> MqttConfig:
    tls: dict[str, Any] = {"ca_file": chosen.ca, "cert_file": chosen.cert, "key_file": chosen.key}
    return MqttConfig(
        host=chosen.host,
        port=chosen.port,
        version=chosen.mqtt,
        prefix=chosen.prefix,
        tls=chosen.tls or any(tls.values()),
        user=chosen.user,
        password_file=chosen.password_file,
        retry_first_s=0.5,
        retry_most_s=4.0,  # somebody is looking
        **tls,
    )


def _in_options(message: str) -> str:
    """The same message, with the names that a setting has on this command line."""
    for setting, option in OPTIONS.items():
        message = message.replace(f"mqtt.{setting}", f"--{option}")
    return message.replace("mqtt.", "--")


def _stop_on_signals(stopped: threading.Event) -> None:
    """The first Ctrl-C or SIGTERM asks to stop, a second one does not ask."""

    def stop(number: int, frame: object) -> None:
        stopped.set()
        signal.signal(number, signal.SIG_DFL)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)


if __name__ == "__main__":
    sys.exit(main())
