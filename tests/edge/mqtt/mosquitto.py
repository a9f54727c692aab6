"""Debian's mosquitto as a child process, and an ear of its own (plain paho, nothing of ours) to hear what really arrives."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tests.edge.waiting import until

HOST = "127.0.0.1"
PROGRAM = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")

needs_mosquitto = pytest.mark.skipif(PROGRAM is None, reason="no mosquitto on this machine (apt-get install mosquitto)")


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        return int(sock.getsockname()[1])


class Mosquitto:
    """A broker with its settings and files in `folder`; may be stopped and started again on the same port."""

    def __init__(self, folder: Path, *settings: str, keeps: bool = False, anonymous: bool = True, port: int = 0) -> None:
        self.port = port or free_port()
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        kept = (f"persistence {str(keeps).lower()}", f"persistence_location {folder}/")
        lines = (*kept, "user root", f"listener {self.port} {HOST}", f"allow_anonymous {str(anonymous).lower()}", *settings)
        (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Mosquitto:
        assert PROGRAM is not None
        log = (self.folder / "mosquitto.log").open("ab")
        self._process = subprocess.Popen([PROGRAM, "-c", str(self.folder / "mosquitto.conf")], stdout=log, stderr=log)
        log.close()
        until(self._answers, f"mosquitto on {self.port}: {(self.folder / 'mosquitto.log').read_text()}")
        return self

    @property
    def running(self) -> bool:
        return self._process is not None

    def stop(self, kill: bool = False) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
            self._process.wait(10)
            self._process = None

    def freeze(self, frozen: bool) -> None:
        """A broker that keeps its connections and says nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP if frozen else signal.SIGCONT)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "mosquitto.log").read_text()
        with socket.socket() as sock:
            return sock.connect_ex((HOST, self.port)) == 0


class Ear:
    """Everything that is published below a topic, as (topic, payload, retained)."""

    def __init__(self, port: int, topic: str = "#", **connect: Any) -> None:
        self.heard: list[tuple[str, bytes, bool]] = []
        self._subscribed = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *rest: client.subscribe(topic, 1)
        self._client.on_subscribe = lambda *rest: self._subscribed.set()
        self._client.on_message = self._hear
        if user := connect.get("user"):
            self._client.username_pw_set(*user)
        self._client.connect(HOST, port)
        self._client.loop_start()
        assert self._subscribed.wait(30)

    def _hear(self, client: Client, data: Any, message: MQTTMessage) -> None:
        self.heard.append((message.topic, message.payload, message.retain))

    def payloads(self, topic: str) -> list[bytes]:
        return [payload for heard, payload, _ in list(self.heard) if heard == topic]

    def wait_for(self, topic: str, count: int) -> list[bytes]:
        """The payloads of a topic, once there are so many different ones."""
        until(lambda: len(set(self.payloads(topic))) >= count, f"{count} messages on {topic}")
        return self.payloads(topic)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
