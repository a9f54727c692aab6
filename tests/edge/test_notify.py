"""sd_notify(3) over a real socket."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.notify import Manager


@pytest.fixture(params=["path", "abstract"])
def ear(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    address = str(tmp_path / "notify") if request.param == "path" else f"@kerbside-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(address.replace("@", "\0") if request.param == "abstract" else address)
        sock.settimeout(5)
        yield address, sock


def test_what_is_said_arrives_as_one_datagram_each(ear: tuple[str, socket.socket]) -> None:
    address, sock = ear
    manager = Manager({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "10000000", "WATCHDOG_PID": str(os.getpid())})
    manager.ready()
    manager.status("reads")
    manager.status("reads")
    manager.feed()
    manager.reloading()
    manager.bite()
    manager.stopping()
    said = [sock.recv(4096).decode() for _ in range(6)]
    assert said[:3] == ["READY=1", "STATUS=reads", "WATCHDOG=1"]
    assert said[3].startswith("RELOADING=1\nMONOTONIC_USEC=") and said[4:] == ["WATCHDOG=trigger", "STOPPING=1"]
    assert manager.watchdog_s == 10


def test_a_watchdog_for_another_process_is_not_fed(ear: tuple[str, socket.socket]) -> None:
    """A wrapper that did not exec: the variables are meant for it."""
    address, sock = ear
    manager = Manager({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "10000000", "WATCHDOG_PID": "1"})
    manager.feed()
    manager.ready()
    assert sock.recv(4096) == b"READY=1"


def test_children_do_not_inherit_the_socket() -> None:
    environment = {"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "5", "PATH": "/bin"}
    Manager(environment)
    assert environment == {"PATH": "/bin"}


def test_without_a_manager_nothing_is_said_and_one_that_is_gone_is_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Manager({}).ready()
    assert caplog.text == ""
    with caplog.at_level(logging.WARNING):
        Manager({"NOTIFY_SOCKET": str(tmp_path / "gone")}).ready()
    assert "does not hear READY=1" in caplog.text


@pytest.mark.parametrize("said", ["abc", "", "-1", "1e6", "9" * 5000, "٣"])
def test_a_watchdog_time_that_is_no_number_is_none(said: str, caplog: pytest.LogCaptureFixture) -> None:
    """int() of it ended the unit before it had started."""
    manager = Manager({"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": said})
    assert manager.watchdog_s == 0 and "WATCHDOG_USEC" in caplog.text


def test_a_status_is_one_line(ear: tuple[str, socket.socket]) -> None:
    """Each line of a datagram is an assignment of its own: what a camera complained of could have fed the watchdog."""
    address, sock = ear
    manager = Manager({"NOTIFY_SOCKET": address})
    manager.status("road: down\nWATCHDOG=trigger")
    manager.status("half \ud800 " + "x" * 300_000)
    assert sock.recv(4096) == b"STATUS=road: down WATCHDOG=trigger"
    assert sock.recv(4096).startswith(b"STATUS=half ? xxx")
