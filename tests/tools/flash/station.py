"""A unit that is a folder: its own sshd, its own systemd (a stand-in), its own /opt, /etc and /var."""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import yaml

from edge.release import archive, manifest
from edge.release.layout import Layout
from tests.edge.mqtt.mosquitto import HOST, free_port
from tests.tools.flash.sshd import Sshd
from tests.tools.flash.systemd_standin import SystemdStandin

ROOT = Path(__file__).parents[3]
MARK = "KERBSIDE_TEST_UNIT"
SUDO = """#!/bin/sh
[ "$1" = -n ] && shift && exec "$@"
"""


class Station:
    """Bare until it is provisioned. `power` it, and `close` it in any case.

    `index`: a folder that is the package index which pip on the unit knows; without one, its image brought an environment, the workshop's.
    """

    def __init__(self, name: str, identity: Path, broker_port: int, model: str = "", index: Path | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="ks-")  # a short path: sockets lie in it
        folder = Path(self._folder.name)
        self.name, self.root, self.layout = name, folder / "unit", Layout(folder / "unit")
        self.health_port = free_port()
        self._bin = folder / "bin"
        environment = {"PATH": f"{self._bin}:{os.environ['PATH']}", MARK: str(folder), "OMP_NUM_THREADS": "1", "HOME": str(folder)}
        if index is not None:
            environment |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(index)}
        self.systemd = SystemdStandin(self.root, folder, environment)
        self.sshd = Sshd(folder / "ssh", identity, environment)
        self._programs()
        self._write("proc/device-tree/model", model)
        self.config = folder / "config.yaml"
        self.config.write_text(yaml.safe_dump(self._config(broker_port)))
        self.entry = {"host": HOST, "port": self.sshd.port, "identity": str(identity), "known_hosts": str(self.sshd.known_hosts)}
        self.entry |= {"root": str(self.root), "config": str(self.config), "sudo": True}
        self.entry |= {"environment": sys.prefix} if index is None else {}

    def power(self) -> None:
        """A boot."""
        self.systemd.start()
        self.sshd.start()

    def cut(self) -> None:
        """The power goes: every process of the unit ends where it is."""
        self.sshd.stop()
        self.systemd.crash()
        mark = f"{MARK}={self._folder.name}".encode()
        for entry in Path("/proc").glob("[0-9]*/environ"):
            try:
                if mark in entry.read_bytes():
                    os.kill(int(entry.parent.name), signal.SIGKILL)
            except OSError:
                continue  # it is gone, or not ours

    def close(self) -> None:
        self.cut()
        self._folder.cleanup()

    @property
    def journal(self) -> dict[str, Any]:
        return dict(json.loads(self.layout.journal.read_text())) if self.layout.journal.exists() else {}

    @property
    def runs(self) -> int:
        return self.layout.number(self.layout.current)

    def whole(self) -> int:
        """The release that `current` names, with every file of it as it was signed. Fails where it is not."""
        number = self.runs
        folder = self.layout.release(number)
        about = manifest.parse((folder / manifest.NAME).read_bytes())
        assert about.release == number and archive.differing(about, folder) == []
        assert (folder / ".venv/bin/python").exists()
        return number

    def _programs(self) -> None:
        """What the unit has on its PATH beside this machine's: systemctl, and what only root may do where we are not."""
        programs = {"systemctl": self.systemd.program(), "sudo": SUDO, "g++": "#!/bin/sh\n"}
        if os.geteuid() != 0:
            programs |= {"systemd-sysusers": "#!/bin/sh\n", "systemd-tmpfiles": "#!/bin/sh\n"}
        self._bin.mkdir(parents=True)
        for name, text in programs.items():
            (self._bin / name).write_text(text)
            (self._bin / name).chmod(0o755)
        (self._bin / "python3").symlink_to(getattr(sys, "_base_executable", sys.executable))

    def _config(self, broker_port: int) -> dict[str, Any]:
        models = {stage: {"model": f"{self.layout.program}/models/{name}.yaml"} for stage, name in MODELS.items()}
        var = self.root / "var/lib/kerbside"
        return {
            "device": {"id": self.name},
            "cameras": [{"id": "road", "source": str(pictures(self.root / "road")), "fps": 2, "loop": True, "realtime": True}],
            **models,
            "mqtt": {"host": HOST, "port": broker_port},
            "outbox": {"path": str(var / "outbox.db")},
            "audit": {"path": str(var / "audit.jsonl")},
            "health": {"port": self.health_port},
        }

    def _write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)


MODELS: Mapping[str, str] = {"detector": "detector", "enhancer": "lpsr", "reader": "reader"}


def pictures(folder: Path) -> Path:
    """Three frames of the sample clip, for a camera that is a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    capture = cv2.VideoCapture(str(ROOT / "samples/street.mp4"))
    for number in range(3):
        there, bgr = capture.read()
        assert there and cv2.imwrite(str(folder / f"{number}.jpg"), cv2.resize(bgr, (640, 360)))
    return folder


class Watcher:
    """Looks at a unit's `current` all the time, as a daemon that starts would: which it was, and every moment without one."""

    def __init__(self, station: Station) -> None:
        self.seen: set[int] = set()
        self.gaps: list[str] = []
        self.looks = 0
        self._station, self._stop = station, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)

    def _run(self) -> None:
        current = self._station.layout.current
        while not self._stop.is_set():
            self.looks += 1
            number = self._station.runs
            if not number or not (current / "edge/__main__.py").is_file() or not (current / ".venv/bin/python").exists():
                self.gaps.append(f"look {self.looks}: {os.readlink(current) if current.is_symlink() else 'nothing'}")
            self.seen.add(number)
            time.sleep(0.002)
