"""`python -m tools.watch`: what the units read, live, as JSON lines, or into a file."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from edge.mqtt import ConnectError, MqttConfig, MqttConfigError
from tools import broker
from tools.watch.follow import Wish, follow
from tools.watch.inbox import Inbox, InboxError
from tools.watch.screen import screen

DETAILS = """\
With --sqlite the broker keeps events while nobody watches (a session of 7 days, under a name kept in the file), and each event is committed
before the broker may forget it: table `event`, unique by id. Units are then told on <prefix>/<device>/ack: with mqtt.consumer_ack an event
is done only now. Table `source` tells, by outbox, the first and last sequence and how many came: what is missing
was lost or is on its way. The demo's embedded broker speaks MQTT 3.1.1 alone: --mqtt 3.1.1."""


def main(arguments: Sequence[str] | None = None) -> int:
    chosen = _parser().parse_args(arguments)
    stopped = threading.Event()
    broker.stop_on_signals(stopped)
    try:
        _watch(broker.config(chosen), chosen, stopped)
    except (MqttConfigError, ConnectError, InboxError) as error:
        print(f"watch: {broker.in_options(str(error))}", file=sys.stderr)
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
    broker.add_options(parser)
    parser.add_argument("--wait", action="store_true", help="keep trying where the first connection fails")
    parser.add_argument("--json", action="store_true", help="a line of JSON an event")
    parser.add_argument("--sqlite", type=Path, metavar="FILE", help="keep the events in this file, and tell the units so")
    parser.add_argument(
        "--no-ack", action="store_true", help="do not tell the units what is kept: a second watcher, beside the one that counts"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
