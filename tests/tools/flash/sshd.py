"""A real sshd as a child process, on a free port of this machine, with keys and a config of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.edge.mqtt.mosquitto import HOST, free_port
from tests.edge.waiting import until

PROGRAM = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
CONFIG = """
Port {port}
ListenAddress {host}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
PermitRootLogin prohibit-password
PrintMotd no
MaxStartups 50
SetEnv {environment}
"""

needs_sshd = pytest.mark.skipif(
    PROGRAM is None or not shutil.which("rsync") or not shutil.which("ssh-keygen"),
    reason="no sshd or rsync on this machine (apt-get install openssh-server openssh-client rsync)",
)


def keygen(path: Path) -> Path:
    """A pair of ssh keys → the private one."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True, timeout=60)
    return path


class Sshd:
    """Whoever has `identity` is let in, as the user that runs the tests, with `environment`."""

    def __init__(self, folder: Path, identity: Path, environment: Mapping[str, str]) -> None:
        self.port, self.folder = free_port(), folder
        self.known_hosts = folder / "known_hosts"
        folder.mkdir(parents=True, exist_ok=True)
        keygen(folder / "host_key")
        shutil.copyfile(identity.with_suffix(".pub"), folder / "authorized_keys")
        words = " ".join(f'"{name}={value}"' for name, value in environment.items())
        (folder / "sshd_config").write_text(CONFIG.format(port=self.port, host=HOST, folder=folder, environment=words))
        self.known_hosts.write_text(f"[{HOST}]:{self.port} {(folder / 'host_key.pub').read_text()}")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert PROGRAM is not None
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where sshd locks its unprivileged half in; a service makes it otherwise
        with (self.folder / "sshd.log").open("ab") as log:
            self._process = subprocess.Popen([PROGRAM, "-D", "-e", "-f", str(self.folder / "sshd_config")], stdout=log, stderr=log)
        until(self._answers, f"sshd on {self.port}", 60)

    def stop(self) -> None:
        """The listener; those who are let in already stay."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def _answers(self) -> bool:
        assert self._process is not None and self._process.poll() is None, (self.folder / "sshd.log").read_text()
        with socket.socket() as sock:
            return sock.connect_ex((HOST, self.port)) == 0
