"""What comes over pipes, sockets and in certificates: pictures, requests, names; or words about why not."""

from __future__ import annotations

import base64
import datetime
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import strategies as st

from edge.cameras import gdp
from edge.cameras.checks import malformed
from edge.certificate import CertificateError, common_name
from edge.notify import Manager
from edge.outbox import Outbox, OutboxError
from edge.outbox.door import AGAIN_S, PATIENCE_S, Door, DoorError, ask, door_of
from tests.edge.waiting import until
from tests.fuzz.mutations import changed, damaged
from tests.fuzz.pictures import street
from tests.fuzz.target import Check, Target


def stream(folder: Path) -> Check:
    """Pictures over a pipe, damaged: good pictures, and then the end or the reason why there are no more."""

    def check(data: bytes) -> bool:
        try:
            for bgr in gdp.pictures(_reader(data)):
                assert bgr.dtype == np.uint8 and bgr.ndim == 3 and bgr.shape[2] == 3 and bgr.size, bgr.shape
                malformed(bgr)
        except EOFError:
            return True
        except gdp.BrokenStreamError as error:
            assert "expected" in str(error) and str(error).isprintable()
            return False
        raise AssertionError("a stream without an end")

    return check


def _reader(data: bytes) -> Callable[[memoryview], None]:
    left = memoryview(data)

    def read(view: memoryview) -> None:
        nonlocal left
        if len(view) > len(left):
            raise EOFError
        view[:] = left[: len(view)]
        left = left[len(view) :]

    return read


def i420(width: int, height: int) -> bytes:
    """A picture as GStreamer packs it."""
    text = f"video/x-raw, format=(string)I420, width=(int){width}, height=(int){height}\0".encode()
    rows = -(-height // 2)
    size = -(-width // 4) * 4 * 2 * rows + 2 * (-(-width // 8) * 4) * rows
    return gdp._header(gdp.CAPS, len(text)) + text + gdp._header(gdp.BUFFER, size) + bytes(size)


def captions(format_: str, width: Any, height: Any) -> bytes:
    text = f"video/x-raw, format=(string){format_}, width=(int){width}, height=(int){height}\0".encode("utf-8", "replace")
    return gdp._header(gdp.CAPS, len(text)) + text + gdp._header(gdp.BUFFER, 0)


def certificate(folder: Path) -> Check:
    path = folder / "unit.pem"

    def check(given: tuple[bytes, bool]) -> bool:
        data, wrapped = given
        path.write_bytes(_pem(data) if wrapped else data)
        try:
            name = common_name(path)
        except CertificateError as error:
            assert str(path) in str(error) and "expected" in str(error)
            return False
        name.encode()
        return True

    return check


def _pem(der: bytes) -> bytes:
    return b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der) + b"-----END CERTIFICATE-----\n"


def _der() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Roads"), x509.NameAttribute(NameOID.COMMON_NAME, "kerb-01")])
    now = datetime.datetime(2026, 1, 1)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
    made = made.not_valid_before(now).not_valid_after(now + datetime.timedelta(days=9))
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


@dataclass
class ShutOutbox:
    """What the door needs of an outbox."""

    path: Path

    @property
    def state(self) -> Any:
        return ShutState()

    def replay(self, since_utc_s: float, until_utc_s: float) -> int:
        if not since_utc_s < until_utc_s:
            raise OutboxError("outbox: since is not before until")
        return 3

    revive = replay


@dataclass
class ShutState:
    waiting: int = 0


@contextmanager
def door(folder: Path) -> Iterator[Check]:
    """What any process of this machine may say at the outbox's door: an answer or none, and the next one is answered."""
    path = folder / "outbox.db"
    opened = Door(cast(Outbox, ShutOutbox(path)), {"erase": lambda request: {"events": len(str(request.get("plate", "")))}})
    until(door_of(path).exists, "a door", 10)

    def check(said: bytes) -> bool:
        answer = _knock(door_of(path), said)
        assert ask(path, {"do": "state"}, timeout_s=PATIENCE_S + AGAIN_S) == {"waiting": 0}, "the door is shut"
        return answer is not None and "error" not in answer

    yield check
    opened.close()


def _leaves_it_open(said: bytes) -> bool:
    """Not so today: what nests deep (RecursionError) or holds an integer above all floats (OverflowError) ends the door's thread."""
    try:
        json.loads(said, parse_int=float)
    except RecursionError:
        return False
    except ValueError:
        return b"[" * 300 not in said
    return re.search(b"[0-9]{300}", said) is None


def _is_an_answer(said: bytes) -> bool:
    """`ask` relies on it today that whoever answers is a door: anything but an object is a TypeError."""
    try:
        return isinstance(json.loads(said), dict)
    except RecursionError:
        return False
    except ValueError:
        return True


def _knock(address: Path, said: bytes) -> dict[str, Any] | None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(10)
        sock.connect(str(address))
        sock.sendall(said)
        sock.shutdown(socket.SHUT_WR)
        try:
            heard = sock.makefile("rb").readline()
        except ConnectionResetError:  # it did not read to the end of what was too long
            return None
        found: Any = json.loads(heard, parse_constant=_no_number) if heard else None
        assert found is None or isinstance(found, dict)
        return found


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no JSON")


@contextmanager
def answered(folder: Path) -> Iterator[Check]:
    """What is asked of a door where somebody else answers: an answer, or DoorError."""
    path = folder / "outbox.db"
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(door_of(path)))
    listening.listen(1)
    listening.settimeout(10)

    def check(said: bytes) -> bool:
        def serve() -> None:
            caller, _ = listening.accept()
            with caller:
                caller.recv(4096)
                caller.sendall(said)

        serving = threading.Thread(target=serve, daemon=True)
        serving.start()
        try:
            found = ask(path, {"do": "state"}, timeout_s=10)
        except DoorError as error:
            assert str(error)
            return False
        finally:
            serving.join(10)
        assert isinstance(found, dict)
        return True

    with listening:
        yield check


@contextmanager
def notify(folder: Path) -> Iterator[Check]:
    """Any environment, any status: one datagram a call, whose lines are those that were meant."""
    address = str(folder / "notify")
    heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    heard.bind(address)
    heard.setblocking(False)

    def check(given: tuple[str, str, str, bool]) -> bool:
        status, microseconds, pid, there = given
        environment = {"NOTIFY_SOCKET": address if there else status, "WATCHDOG_USEC": microseconds, "WATCHDOG_PID": pid}
        manager = Manager({name: value for name, value in environment.items() if value})
        for said in (status, status + "\ud800"):
            manager.status(said)
        manager.ready(), manager.feed()
        assert 0 <= manager.watchdog_s < 1e12
        lines = [line for line in _datagrams(heard) if line != b"WATCHDOG=1"]
        assert not there or lines[-1] == b"READY=1"
        assert all(line.startswith(b"STATUS=") for line in lines[:-1]) and len(lines) <= 3, lines
        return manager.watchdog_s > 0

    with heard:
        yield check


def _datagrams(heard: socket.socket) -> list[bytes]:
    """The lines of all of them: the service manager takes each for an assignment of its own."""
    lines: list[bytes] = []
    while True:
        try:
            lines += heard.recv(1 << 17).split(b"\n")
        except BlockingIOError:
            return lines


DER = _der()
PICTURES = b"".join(gdp.packets_from_bgr(street(), caps=True) + gdp.packets_from_bgr(street(), caps=False))
few = st.integers(0, 9)
streams = st.one_of(
    damaged(PICTURES),
    st.builds(i420, few, few),
    damaged(i420(33, 17)),
    st.builds(
        captions, st.sampled_from(("I420", "BGR", "NV12")), st.integers(-1, 10**9) | st.just("9" * 5000) | st.just("١٢"), st.integers(-1, 4)
    ),
)
requests: tuple[dict[str, Any], ...] = (
    {"do": "state"},
    {"do": "replay", "since_utc_s": 1.7e9, "until_utc_s": 1.8e9, "dead": False},
    {"do": "erase", "plate": "51F73420"},
)
asked = st.sampled_from(requests).flatmap(lambda request: changed(request, 2)).map(lambda body: body.replace(b"\n", b" ") + b"\n")
said = st.binary(max_size=40).map(lambda body: body.replace(b"\n", b" ") + b"\n")
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)
texts |= st.sampled_from(("running\nWATCHDOG=trigger", "@", "@kerbside", "/nowhere/\udcff", "/nowhere/" + "x" * 300_000))
numbers = st.sampled_from(("", "0", "30000000", "-1", "abc", "1e6", "9" * 30, "9" * 5000, "٣", " 7 ", "1_000", "3.5"))

TARGETS = (
    Target("picture stream", streams, stream, quick=300),
    Target("certificate", st.tuples(damaged(DER) | damaged(_pem(DER)), st.booleans()), certificate, quick=300),
    Target("door", (asked | said).filter(_leaves_it_open), door, quick=60),
    Target("answer of a door", (asked | said).filter(_is_an_answer), answered, quick=60),
    Target("service manager", st.tuples(texts, numbers, numbers | st.just(""), st.booleans()), notify, quick=200),
)
