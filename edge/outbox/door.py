"""How another process of this machine asks the running unit's outbox: one line of JSON each way over a Unix socket beside the database.

The database itself is locked as long as a unit runs. Whoever may write to the outbox's folder may use the door; nobody else.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from edge.outbox.outbox import Outbox, OutboxError

log = logging.getLogger(__name__)

LOOK_S = 0.2
AGAIN_S = 5.0
"""Between two attempts to open the door, where the disk did not let us."""
PATIENCE_S = 2.0
"""How long one who has knocked may take to say what he wants."""
MOST_BYTES = 4096


Act = Callable[[Mapping[str, Any]], dict[str, Any]]
NO_ACTS: Final[Mapping[str, Act]] = MappingProxyType({})


class DoorError(RuntimeError):
    """Nobody opened, or what was asked cannot be done; the message says which."""


def door_of(outbox: Path) -> Path:
    return outbox.with_name(f"{outbox.name}.sock")


def answer(outbox: Outbox, request: Mapping[str, Any], acts: Mapping[str, Act] = NO_ACTS) -> dict[str, Any]:
    """Do what is asked: {"do": "state"}, {"do": "replay", "since_utc_s": …, "until_utc_s": …, "dead": false}, or one of `acts`."""
    try:
        if (other := acts.get(str(request.get("do")))) is not None:
            return other(request)
        if request.get("do") == "state":
            return asdict(outbox.state)
        if request.get("do") == "replay":
            since, until = float(request["since_utc_s"]), float(request["until_utc_s"])
            act: Callable[[float, float], int] = outbox.revive if request.get("dead") else outbox.replay
            return {"events": act(since, until)}
    except (KeyError, TypeError, ValueError) as error:
        return {"error": f"request is {request!r:.200}, expected since_utc_s and until_utc_s, numbers ({error!r})"}
    except OutboxError as error:
        return {"error": str(error)}
    return {"error": f"request is {request!r:.200}, expected do: state or do: replay"}


def ask(outbox: Path, request: Mapping[str, Any], timeout_s: float = 120.0) -> dict[str, Any]:
    """Ask the unit that runs on this outbox. Raises DoorError; FileNotFoundError or ConnectionRefusedError where none runs."""
    with _reachable(door_of(outbox)) as address, socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(timeout_s)
        sock.connect(address)
        sock.sendall(json.dumps(request).encode() + b"\n")
        try:
            found: dict[str, Any] = json.loads(_line(sock))
        except (ValueError, TimeoutError) as error:
            raise DoorError(f"{door_of(outbox)}: no answer ({error})") from error
    if "error" in found:
        raise DoorError(found["error"])
    return found


class Door:
    """Open from its making until `close`; one request at a time, on a thread of its own."""

    def __init__(self, outbox: Outbox, acts: Mapping[str, Act] = NO_ACTS) -> None:
        self._acts = acts
        self._outbox, self._path = outbox, door_of(outbox.path)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._stand_open, name="outbox door", daemon=True)
        self._thread.start()

    def close(self, timeout_s: float = 2 * LOOK_S) -> None:
        """May be called again."""
        self._closing.set()
        self._thread.join(timeout_s)

    def _stand_open(self) -> None:
        while not self._closing.is_set():
            try:
                self._listen()
            except OSError as error:
                log.warning("%s: cannot listen (%s): no replay by command for now", self._path, error)
                self._closing.wait(AGAIN_S)

    def _listen(self) -> None:
        unready = self._path.with_name(f"{self._path.name}.new")
        unready.unlink(missing_ok=True)
        with _reachable(unready) as address, socket.socket(socket.AF_UNIX) as sock:
            os.fchmod(sock.fileno(), 0o600)  # before bind: the socket's file never has other rights
            sock.bind(address)
            sock.listen(4)
            sock.settimeout(LOOK_S)
            unready.replace(self._path)  # one that died may have left it. Who sees the door finds somebody behind it
            while not self._closing.is_set():
                try:
                    caller, _ = sock.accept()
                except TimeoutError:
                    continue
                with caller:
                    self._serve(caller)
        self._path.unlink(missing_ok=True)

    def _serve(self, caller: socket.socket) -> None:
        caller.settimeout(PATIENCE_S)
        try:
            request = json.loads(_line(caller))
            reply = answer(self._outbox, request, self._acts) if isinstance(request, dict) else {"error": "expected an object"}
            caller.sendall(json.dumps(reply).encode() + b"\n")
        except (OSError, ValueError) as error:  # one who hangs up, dawdles or mumbles
            log.warning("%s: %s", self._path, error)


def _line(sock: socket.socket) -> bytes:
    found = b""
    while not found.endswith(b"\n") and len(found) < MOST_BYTES and (more := sock.recv(MOST_BYTES)):
        found += more
    return found


@contextmanager
def _reachable(path: Path) -> Iterator[str]:
    """An address for a socket's path, however long: its own field has 108 bytes, and a folder may be far down."""
    if not Path("/proc/self/fd").exists():
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
