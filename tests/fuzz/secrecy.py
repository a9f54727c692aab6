"""Passwords in whatever is shown, lists and keys of plates, and the audit log."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from hypothesis import assume
from hypothesis import strategies as st

from edge.audit import Audit, AuditError, verify
from edge.cameras import rtsp, v4l2
from edge.cameras.spec import CameraError, CameraSpec, kind_of, redacted, shown
from edge.cameras.state import Logbook
from edge.config.sections import Config, Device
from edge.logs import Formatter
from edge.privacy import KEY_BYTES, Mask, Privacy, PrivacyError, PrivacyRules, normal
from tests.edge.plates import plate_event
from tests.fuzz.mutations import damaged
from tests.fuzz.target import Check, Target

SHORT = 4
"""A password of fewer letters is looked for in its place only: everywhere, it would be in every other word."""
ENCODED = st.sampled_from(("%40", "%3A", "%2F", "%25", "%20", "%C3%A9"))
PLAIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
MARKS = "@:/?#&=;,+!$*()'~[]{}|\\^`<>\"% .-_"
SAID = ("{}", "cannot open {}", "{}: 401 Unauthorized", "GET {} RTSP/1.0\nhost", "'{}' and again {}", "<{}>")

secrets = st.lists(st.sampled_from(PLAIN) | st.sampled_from(MARKS) | ENCODED | st.characters(codec="utf-8"), min_size=1, max_size=12).map(
    "".join
)
names = st.text(PLAIN, min_size=1, max_size=8)
schemes = st.sampled_from(("rtsp", "rtsps", "RTSP", "http", "ftp", "csi", "v4l2", "mqtt"))
keys = st.sampled_from(
    ("password", "PASSWORD", "pass", "passwd", "pwd", "token", "auth", "secret", "user_password", "api_key", "access_token")
)
hosts = st.sampled_from(("192.0.2.10", "camera.example:554", "[2001:db8::1]:554", ""))


def redaction(folder: Path) -> Check:
    """A source with passwords in it, in all that may be shown of it: none of them is there."""

    def check(given: tuple[str, str, str, str, str, str, str, str]) -> bool:
        scheme, user, password, host, path, key, token, said = given
        rest = f"{scheme}://{user}:@{host}/{path}?stream=1&{key}=&fps=5 {said}"
        assume(password.strip("*") and token.strip("*"))
        source = f"{scheme}://{user}:{password}@{host}/{path}?stream=1&{key}={token}&fps=5"
        hidden = [secret for secret in (password, token, unquote(password), unquote(token)) if len(secret) >= SHORT and secret not in rest]
        for text in _shown(source, said):
            for secret in hidden:
                assert secret not in text, (secret, text)
        return bool(hidden)

    return check


def _shown(source: str, said: str) -> list[str]:
    """Everything that is said of a source, by whoever says something."""
    texts = [shown(source), redacted(said.replace("{}", source), source), redacted(said.replace("{}", unquote(source)), source)]
    spec = CameraSpec("road", source)
    texts += [repr(spec), repr(Logbook(spec).snapshot())]
    logbook = Logbook(spec)
    logbook.moved("down", said.replace("{}", source))
    texts.append(logbook.snapshot().error)
    for look in (
        kind_of,
        rtsp.checked_url,
        lambda text: rtsp.pipeline(CameraSpec("road", text, codec="vp9" if not text else "auto"), False),
    ):
        try:
            look(source)
        except CameraError as error:
            texts.append(str(error))
    try:
        v4l2.device(source)
    except CameraError as error:
        texts.append(str(error))
    formatter = Formatter(False, list(Config(Device("kerb-01"), (spec,)).secrets()))
    record = logging.LogRecord("edge", logging.WARNING, "x.py", 1, said.replace("{}", "%s"), (source,) * said.count("{}"), None)
    return [*texts, formatter.format(record)]


def privacy(folder: Path) -> Check:
    """A list of plates or a key of any bytes: refused by its name, or events that leave as the mode says."""
    path = folder / "file"

    def check(given: tuple[bytes, str, int, float]) -> bool:
        data, mode, rotate_days, utc_s = given
        path.write_bytes(data)
        files = {"allow_list": path if mode == "allow_list" else None, "key_file": path if mode == "hmac" else None}
        try:
            kept = Privacy(PrivacyRules(mode, rotate_days=rotate_days, **files))  # type: ignore[arg-type]
        except PrivacyError as error:
            assert str(error).startswith(("allow_list ", "key_file ", "rotate_days ")) and "\n" not in str(error)
            return False
        event = plate_event(captured_utc_s=utc_s)
        leaves = kept(event)
        if mode == "hmac":
            assert len(data) >= KEY_BYTES and leaves is not None and event.vote.plate not in repr(leaves)
            assert leaves.vote.plate in kept.tokens(event.vote.plate, utc_s - 1, utc_s + 1)
        elif mode == "allow_list":
            listed = event.vote.plate in {normal(line.partition("#")[0]) for line in data.decode().splitlines()}
            assert (leaves is not None) is listed and kept.withheld == (not listed)
        return leaves is not None

    return check


def polygon(folder: Path) -> Check:
    def check(corners: list[tuple[float, float]]) -> bool:
        try:
            Mask("road", tuple(corners))
        except PrivacyError as error:
            assert str(error).startswith("polygon is ")
            return False
        assert len(corners) >= 3 and all(0 <= side <= 1 for corner in corners for side in corner)
        return True

    return check


def audit(folder: Path) -> Check:
    """A log that was damaged, and then lines of any text: what is written after the damage is whole, and shows it."""
    path = folder / "audit.jsonl"

    def check(given: tuple[bytes, list[str]]) -> bool:
        before, texts = given
        path.write_bytes(before)
        try:
            log = Audit(path).open()
        except AuditError as error:
            assert str(path) in str(error)
            return False
        known = len(list(verify(path)))
        for text in texts:
            log.note("command", "mqtt", id=text, why=text)
        assert len(list(verify(path))) <= known, "the lines written here follow one another"
        said = [entry.get("id") for entry in log.recent("command", 0.0)][-len(texts) :] if texts else []
        assert said == texts
        return True

    return check


def _log() -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audit.jsonl"
        log = Audit(path).open()
        for number in range(4):
            log.note("command", "mqtt", id=f"a-{number}", do="status")
        return path.read_bytes()


LOG = _log()
lists = st.lists(st.sampled_from(("51F-734.20", "51f73420", "# a remark", "", "30K-555.55  # ours", "é", "ß" * 9)), max_size=6).map(
    "\n".join
)
files: Any = lists.map(str.encode) | st.binary(max_size=80) | st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass"))
modes = st.sampled_from(("plain", "allow_list", "hmac"))
days = st.integers(-1, 36_500) | st.just(2**63)
lines = st.lists(st.text(max_size=12) | st.sampled_from(("\u2028", "\x85", "\r", "\n", "\ud800", "\0", '"')), max_size=3)
logs = st.just(b"") | st.just(LOG) | damaged(LOG) | st.just(b"[" * 5000 + b"\n") | st.just(json.dumps({"utc": 7}).encode() + b"\n" + LOG)
values = secrets.map(lambda secret: secret.replace("&", "%26"))  # a bare one ends the value, whoever reads it
urls = st.tuples(schemes, names, secrets, hosts, names, keys, values, st.sampled_from(SAID))
corners = st.lists(st.tuples(st.floats(0, 1) | st.floats(), st.floats(0, 1)), max_size=5)

TARGETS = (
    Target("redaction", urls, redaction, quick=400),
    Target("privacy", st.tuples(files, modes, days, st.floats(0, 4e9)), privacy, quick=200),
    Target("polygon", corners, polygon, quick=100),
    Target("audit log", st.tuples(logs, lines), audit, quick=100),
)
