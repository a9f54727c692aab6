"""What was asked of the unit and what was erased on it: a line of JSON each, written before the answer goes out.

No plate is in it: an audit log that named what it erased would be the last place to keep it. Each line carries the hash of the one before,
so that a line taken out or changed shows; `verify` finds it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

log = logging.getLogger(__name__)

START: Final = "0" * 64
DAY_S: Final = 86_400


class AuditError(RuntimeError):
    """The log cannot be written; what it should have held is not done."""


class Audit:
    """Append from any thread, after `open`, which makes the file where there is none; lines older than keep_days go with it.

    One object a file: two would each believe to know its last line.
    """

    def __init__(self, path: Path, keep_days: float = 365.0) -> None:
        self._path, self._lock = path, threading.Lock()
        self._keep_s = keep_days * DAY_S
        self._last = START

    def open(self) -> Audit:
        """Raises AuditError."""
        with self._lock:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                text = self._path.read_text(encoding="utf-8") if self._path.exists() else ""
                lines = _lines(text)
                kept = _recent(lines, time.time() - self._keep_s)
                if len(kept) < len(lines) or (text and not text.endswith("\n")):
                    self._replace(kept)
            except (OSError, UnicodeDecodeError) as error:
                raise AuditError(f"audit.path {self._path}: {error}; expected a file that this user may write") from error
            self._last = digest(kept[-1]) if kept else START
        return self

    def recent(self, what: str, since_utc_s: float) -> list[dict[str, Any]]:
        """The lines of a kind from a moment on. Raises AuditError."""
        try:
            lines = _lines(self._path.read_text(encoding="utf-8")) if self._path.exists() else []
        except (OSError, UnicodeDecodeError) as error:
            raise AuditError(f"audit.path {self._path}: {error}") from error
        return [entry for entry in map(_entry, _recent(lines, since_utc_s)) if entry.get("what") == what]

    def note(self, what: str, by: str, **details: Any) -> None:
        """Write a line, and have it on the disk on return. Raises AuditError."""
        with self._lock:
            entry = {"utc": _now(), "what": what, "by": by, **details, "before": self._last}
            line = json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace").decode()
            try:
                descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    file.write(line + "\n")
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                raise AuditError(f"audit.path {self._path}: {error}") from error
            self._last = digest(line)

    def _replace(self, lines: list[str]) -> None:
        new = self._path.with_name(f"{self._path.name}.new")
        descriptor = os.open(new, os.O_WRONLY | os.O_TRUNC | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)


def verify(path: Path) -> Iterator[str]:
    """Everything about a log that is not as it was written, a line each."""
    before: str | None = None
    for number, line in enumerate(_lines(path.read_text(encoding="utf-8")), 1):
        said = _entry(line).get("before")
        if said is None:
            yield f"line {number}: is no line of this log"
        elif before is not None and said != before:
            yield f"line {number}: does not follow the line before it"
        before = digest(line)


def digest(line: str) -> str:
    return hashlib.sha256(line.encode()).hexdigest()


def _lines(text: str) -> list[str]:
    """By line feeds alone: JSON escapes those, but no U+2028, at which splitlines() would break an entry in two."""
    return text.removesuffix("\n").split("\n") if text else []


def _recent(lines: list[str], since_utc_s: float) -> list[str]:
    """The lines from the first one on that is recent enough; one that cannot be read is kept, for `verify` to find."""
    since = datetime.fromtimestamp(max(0.0, since_utc_s), timezone.utc).isoformat(timespec="seconds")
    for index, line in enumerate(lines):
        if str(_entry(line).get("utc", since)) >= since:
            return lines[index:]
    return []


def _entry(line: str) -> dict[str, Any]:
    """What a line says; nothing where the power went while it was written."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")
