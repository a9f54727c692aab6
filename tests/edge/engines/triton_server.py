"""Triton's own server, from the nvidia-pytriton package, as a child process on a model repository."""

from __future__ import annotations

import os
import platform
import signal
import socket
import subprocess
import sys
import sysconfig
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import pytest

from tests.edge.waiting import until

HOST = "127.0.0.1"


class TritonServer:
    """A server on ports of its own; `start` again after `kill` serves on the same ones."""

    def __init__(self, repository: Path, folder: Path, *options: str) -> None:
        self.repository, self.folder, self.options = repository, folder, options
        self.http_port, self.grpc_port = _free_port(), _free_port()
        self.http, self.grpc = f"http://{HOST}:{self.http_port}", f"grpc://{HOST}:{self.grpc_port}"
        self.memory = f"kerbside-triton-{self.http_port}-"  # what the server and its models share is left behind by a quick end
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> TritonServer:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.kill()

    def start(self) -> None:
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(self._command(), env=_environment(), stdout=log, stderr=log, start_new_session=True)
        until(self._serves, "Triton serves", 60)

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it, and with it the process of each model, which outlives a server that crashed."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(20)
        with suppress(ProcessLookupError):  # none of them is left, as it should be
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process = None
        for path in Path("/dev/shm").glob(f"{self.memory}*"):
            path.unlink()

    def _serves(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "server.log").read_text()
        return all(_answers(port) for port in (self.http_port, self.grpc_port))

    def _command(self) -> list[str]:
        home = server_home()
        flags = {
            "model-repository": self.repository, "backend-directory": _backends(home, self.folder / "backends"),
            "http-address": HOST, "http-port": self.http_port, "grpc-address": HOST, "grpc-port": self.grpc_port,
            "allow-metrics": "false", "exit-on-error": "false",
            "exit-timeout-secs": 1,  # it waits for clients to hang up
            "backend-config": f"python,shm-region-prefix-name={self.memory}",
        }  # fmt: skip
        return [str(home / "bin/tritonserver"), *(f"--{name}={value}" for name, value in flags.items()), *self.options]


def server_home() -> Path:
    """The folder of the server's binary. Fails where it should be and is not: these tests are not skipped where they can run."""
    home = Path(sys.prefix) / "triton/pytriton/tritonserver"
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        pytest.skip("nvidia-pytriton has a server for x86-64 Linux alone")
    assert home.is_dir(), f"{home}: not there; make test installs requirements/triton.lock into it"
    return home


def _backends(home: Path, folder: Path) -> Path:
    """The Python back end beside the stub of this very Python: the package has one for each and no default."""
    python = folder / "python"
    if not python.exists():
        python.mkdir(parents=True)
        stub = home / f"python_backend_stubs/{sys.version_info.major}.{sys.version_info.minor}/triton_python_backend_stub"
        for source in (*(home / "backends/python").glob("*triton_python*.*"), stub):
            (python / source.name).symlink_to(source)
    return folder


def _environment() -> dict[str, str]:
    """The stub finds this Python's packages by PATH, and its libpython by LD_LIBRARY_PATH: another libpython, or none, never answers."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "LD_LIBRARY_PATH": str(sysconfig.get_config_var("LIBDIR"))}


def _answers(port: int) -> bool:
    with socket.socket() as asked:
        asked.settimeout(1)
        return asked.connect_ex((HOST, port)) == 0


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])
