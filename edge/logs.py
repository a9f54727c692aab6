"""Logs for the journal and for people: priorities, no secrets, and a repeated message once with a count."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TextIO

from edge.cameras.spec import redacted

if TYPE_CHECKING:
    TextHandler = logging.StreamHandler[TextIO]
else:
    TextHandler = logging.StreamHandler  # takes no [] before Python 3.11

PRIORITIES: Final = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}  # sd-daemon(3)
CHATTY: Final = ("amqtt", "asyncio", "transitions")
"""Libraries that log every packet at info."""
BURST: Final = 5
WINDOW_S: Final = 10.0


def configure(level: str = "info", secrets: Iterable[str] = (), stream: TextIO | None = None) -> logging.Handler:
    """Send the process's log to `stream` (standard error), where nothing of `secrets` may appear. Calling it again replaces the first."""
    stream = stream or sys.stderr
    handler = Handler(stream)
    handler.setFormatter(Formatter(is_journal(stream, os.environ), secrets))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)
    set_level(level)
    return handler


def set_level(level: str) -> None:
    """Of the process's log, from now on; libraries that log every packet stay at warning."""
    logging.getLogger().setLevel(level.upper())
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))


def conceal(secrets: Iterable[str]) -> None:
    """Let nothing of `secrets` appear from now on, whatever the level is."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, Formatter):
            handler.formatter.conceal(secrets)


def is_journal(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Whether a stream ends in journald, which names it in JOURNAL_STREAM as device:inode (systemd.exec(5))."""
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False  # a stream without a file: a test's, or a closed one
    return environment.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


class Formatter(logging.Formatter):
    """A line for a person, or for the journal, which has its own clock and reads the priority from each line."""

    def __init__(self, journal: bool, secrets: Iterable[str] = ()) -> None:
        super().__init__("%(name)s: %(message)s" if journal else "%(asctime)s.%(msecs)03dZ %(levelname)-7s %(name)s: %(message)s")
        self.converter = time.gmtime
        self.default_time_format = "%Y-%m-%dT%H:%M:%S"
        self.default_msec_format = ""
        self._journal = journal
        self.conceal(secrets)

    def conceal(self, secrets: Iterable[str]) -> None:
        """The longest first: a secret within another would leave the other's rest."""
        self._secrets = sorted(filter(None, secrets), key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        """The record with its traceback, after everything that may hold a secret has been put into it."""
        text = redacted(super().format(record))
        for secret in self._secrets:
            text = text.replace(secret, "***")
        if not self._journal:
            return text
        prefix = f"<{PRIORITIES.get(record.levelno, 6)}>"
        return "\n".join(prefix + line for line in text.splitlines())


@dataclass(slots=True)
class Repeat:
    """A message that came within the last window."""

    record: logging.LogRecord  # the first
    until_s: float
    seen: int = 0


class Handler(TextHandler):
    """Writes the first `BURST` records of a line of code within `WINDOW_S`, and of the rest how many there were."""

    def __init__(self, stream: TextIO, clock_s: Callable[[], float] = time.monotonic) -> None:
        super().__init__(stream)
        self._clock_s = clock_s
        self._repeats: dict[tuple[str, int, str], Repeat] = {}

    def emit(self, record: logging.LogRecord) -> None:
        now_s = self._clock_s()
        self._tell(now_s)
        key = (record.pathname, record.lineno, str(record.msg))
        repeat = self._repeats.setdefault(key, Repeat(record, now_s + WINDOW_S))
        repeat.seen += 1
        if repeat.seen <= BURST or record.levelno >= logging.CRITICAL:
            super().emit(record)

    def close(self) -> None:
        """Tell what was held back; safe to call again."""
        self.acquire()
        try:
            self._tell(float("inf"))
        finally:
            self.release()
        super().close()

    def _tell(self, now_s: float) -> None:
        """Say of each message whose window has passed how often it was held back."""
        for key in [key for key, repeat in self._repeats.items() if repeat.until_s <= now_s]:
            repeat = self._repeats.pop(key)
            if repeat.seen > BURST and repeat.record.levelno < logging.CRITICAL:
                super().emit(_counted(repeat))


def _counted(repeat: Repeat) -> logging.LogRecord:
    record = logging.makeLogRecord(repeat.record.__dict__)
    record.msg, record.args = f"{record.getMessage()} (and {repeat.seen - BURST} more like it)", None
    record.exc_info = record.exc_text = record.stack_info = None
    return record
