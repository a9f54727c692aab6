"""The broker on a command line: the options that say which, and the signals that end a watch."""

from __future__ import annotations

import argparse
import signal
import threading
from pathlib import Path
from typing import Any

from edge.mqtt import MqttConfig

OPTIONS = {"ca_file": "ca", "cert_file": "cert", "key_file": "key", "password_file": "password-file", "version": "mqtt"}
"""The settings that are called otherwise on a command line."""


def add_options(parser: argparse.ArgumentParser) -> None:
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


def config(chosen: argparse.Namespace) -> MqttConfig:
    """Raises MqttConfigError."""
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


def in_options(message: str) -> str:
    """The same message, with the names that a setting has on this command line."""
    for setting, option in OPTIONS.items():
        message = message.replace(f"mqtt.{setting}", f"--{option}")
    return message.replace("mqtt.", "--")


def stop_on_signals(stopped: threading.Event) -> None:
    """The first Ctrl-C or SIGTERM asks to stop, a second one does not ask."""

    def stop(number: int, frame: object) -> None:
        stopped.set()
        signal.signal(number, signal.SIG_DFL)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
