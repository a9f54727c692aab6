"""A stand-in for systemd with systemctl's own words: starts what the installed unit files say, below a unit's folder.

`systemctl` on that unit's PATH is a program of a few lines that hands its words to this one. The daemon is started, watched and started
again by tests.systemd.manager, which speaks sd_notify(3): READY, WATCHDOG.
"""

from __future__ import annotations

import configparser
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from tests.systemd.manager import Manager, Policy

DAEMON, GUARD, ENGINES, INSTALLER = "kerbside.service", "kerbside-probation.service", "kerbside-engines@", "kerbside-install@"
SYSTEMCTL = """#!{python} -IS
import json, socket, sys
if any(word.startswith("--root=") for word in sys.argv[1:]):
    sys.exit(0)  # the installer, into a folder: links that the stand-in does not need
with socket.socket(socket.AF_UNIX) as link:
    link.connect({address!r})
    link.sendall(json.dumps(sys.argv[1:]).encode() + b"\\n")
    code, said = json.loads(link.makefile().readline())
print(said, end="")
sys.exit(code)
"""


class Daemon(Manager):
    """The daemon, from its unit file as it is at each start."""

    def __init__(self, machine: SystemdStandin) -> None:
        super().__init__([], machine.folder, Policy.of(machine.unit(DAEMON)), machine.environment)
        self.asked = True  # somebody wants it to start now: its pause is not kept
        self.restarts = 0
        self._machine, self._stop_s = machine, 0.0

    @property
    def active(self) -> str:
        return "active" if self._process is not None and self.lives and self.life.ready_s is not None else "activating"

    @property
    def pid(self) -> int:
        return self._process.pid if self._process is not None else 0

    def restart(self) -> None:
        self.asked, self._stop_s = True, time.monotonic() + 10
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)

    def turn(self) -> None:
        if self.asked and self._process is None:
            self._restart_s = 0.0
        elif self.asked and self._process is not None and time.monotonic() > self._stop_s:
            self._process.kill()
        super().turn()

    def _start(self) -> None:
        self._command = self._machine.command(DAEMON)
        self.restarts = 0 if self.asked else self.restarts + 1
        self.asked = False
        super()._start()


class SystemdStandin:
    """Of one unit whose system lies below `root`. `start` is a boot, `crash` the power going."""

    def __init__(self, root: Path, folder: Path, environment: Mapping[str, str]) -> None:
        self.root, self.folder, self.environment = root, folder, dict(environment)
        self.engines: list[str] = []  # the instances that were asked for
        self.daemon: Daemon | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._up = threading.Event()
        self._thread: threading.Thread | None = None

    def program(self) -> str:
        """What `systemctl` is on this unit."""
        return SYSTEMCTL.format(python=sys.executable, address=str(self.folder / "systemctl.sock"))

    def unit(self, name: str) -> Path:
        return self.root / "etc/systemd/system" / name

    def command(self, name: str) -> list[str]:
        """A unit file's ExecStart= in its WorkingDirectory=, with this unit's folders for the system's."""
        lines = configparser.RawConfigParser(strict=False)
        lines.read(self.unit(name))
        folder, words = (self._below(lines["Service"][key]) for key in ("WorkingDirectory", "ExecStart"))
        root = f" --root {shlex.quote(str(self.root))}" if name == GUARD else ""
        words = words.replace(" guard", f"{root} guard") if root else words
        return ["/bin/sh", "-c", f"cd {shlex.quote(folder)} && exec {words}"]

    def start(self) -> None:
        self._up.set()
        self._thread = threading.Thread(target=self._run, name=f"systemd {self.root.name}", daemon=True)
        self._thread.start()

    def crash(self) -> None:
        """Everything ends at once, and nothing is told of it."""
        self._up.clear()
        if self._thread is not None:
            self._thread.join(30)
        with self._lock:
            for each in (self.daemon, self._guard):
                if isinstance(each, Daemon):
                    each.close()
                elif each is not None:
                    each.kill()
                    each.wait(10)
            self.daemon = self._guard = None
            for name in ("notify", "systemctl.sock"):
                (self.folder / name).unlink(missing_ok=True)

    def _run(self) -> None:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(self.folder / "systemctl.sock"))
            listener.listen(16)
            listener.settimeout(0.02)
            self._boot()
            while self._up.is_set():
                try:
                    link, _ = listener.accept()
                except TimeoutError:
                    link = None
                with self._lock:
                    if link is not None:
                        self._answer(link)
                    if self.daemon is not None:
                        self.daemon.turn()

    def _boot(self) -> None:
        """What is enabled: the daemon, and the guard where its condition holds."""
        with self._lock:
            if (self.root / "opt/kerbside-store/good").exists():
                self.daemon = Daemon(self)
                self._watch()

    def _answer(self, link: socket.socket) -> None:
        with link, link.makefile("rw") as talk:
            link.settimeout(10)
            words = [word for word in json.loads(talk.readline()) if word not in ("--no-block", "--quiet")]
            code, said = self._do(words)
            talk.write(json.dumps([code, said]) + "\n")

    def _do(self, words: list[str]) -> tuple[int, str]:
        if words[:2] == ["show", DAEMON]:
            daemon = self.daemon
            state = (daemon.active, daemon.pid, daemon.restarts) if daemon else ("inactive", 0, 0)
            return 0, "ActiveState={}\nMainPID={}\nNRestarts={}\n".format(*state)
        if words == ["restart", DAEMON]:
            self.daemon = self.daemon or Daemon(self)
            self.daemon.restart()
        elif words == ["start", GUARD]:
            self._watch()
        elif words[0] == "start" and words[1].startswith(ENGINES):
            self.engines.append(words[1])  # its ConditionPathExists= do not hold here: there is no GPU below the folder
        elif words[0] == "start" and words[1].startswith(INSTALLER):
            return self._install(words[1].removeprefix(INSTALLER).removesuffix(".service"))
        else:
            return 1, f"Unknown: {words}\n"
        return 0, ""

    def _install(self, release: str) -> tuple[int, str]:
        """Into this unit's folder; whoever asked waits for its end."""
        lines = configparser.RawConfigParser(strict=False)
        lines.read(self.unit(f"{INSTALLER}.service"))
        program = self._below(lines["Service"]["ExecStart"].replace("%i", release))
        environment = {**os.environ, **self.environment}
        with (self.folder / "install.log").open("ab") as log:
            done = subprocess.run([program, "--root", str(self.root)], env=environment, stdout=log, stderr=log, timeout=100)
        return done.returncode, f"Job for {INSTALLER}{release}.service failed.\n" if done.returncode else ""

    def _watch(self) -> None:
        if self._guard is None or self._guard.poll() is not None:
            environment = {**os.environ, **self.environment}
            with (self.folder / "guard.log").open("ab") as log:
                self._guard = subprocess.Popen(self.command(GUARD), env=environment, stdout=log, stderr=log)

    def _below(self, text: str) -> str:
        for folder in ("/opt/kerbside", "/etc/kerbside"):
            text = text.replace(folder, f"{self.root}{folder}")
        return text
