"""What the operator reads: priorities for the journal, no secrets, no floods."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from edge.logs import BURST, WINDOW_S, Formatter, Handler, configure, is_journal


@pytest.fixture
def root() -> Iterator[None]:
    """Whatever a test does to the root logger is undone."""
    logger = logging.getLogger()
    handlers, level = logger.handlers[:], logger.level
    yield
    logging.captureWarnings(False)
    logger.handlers[:] = handlers
    logger.setLevel(level)


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def logger_to(handler: logging.Handler) -> logging.Logger:
    logger = logging.Logger("edge.test")
    logger.addHandler(handler)
    return logger


def test_people_get_time_level_and_module(root: None) -> None:
    stream = io.StringIO()
    configure("info", stream=stream)
    logging.getLogger("edge.mqtt").warning("broker %s is away", "b:1883")
    line = stream.getvalue()
    assert line.endswith("Z WARNING edge.mqtt: broker b:1883 is away\n")
    assert line[4] == line[7] == "-" and line[10] == "T"


def test_level_is_obeyed_and_a_second_call_replaces_the_first(root: None) -> None:
    first, second = io.StringIO(), io.StringIO()
    configure("debug", stream=first)
    configure("warning", stream=second)
    logging.getLogger("edge").info("unseen")
    logging.getLogger("edge").error("seen")
    assert first.getvalue() == "" and second.getvalue().count("\n") == 1


def test_the_journal_reads_a_priority_from_every_line_of_a_traceback() -> None:
    """journald takes each line for an entry: a traceback without prefixes would be notices, found by no alarm."""
    stream = io.StringIO()
    handler = Handler(stream)
    handler.setFormatter(Formatter(journal=True))
    logger = logger_to(handler)
    logger.info("fine")
    try:
        raise ValueError("broken")
    except ValueError:
        logger.exception("stage failed")
    lines = stream.getvalue().splitlines()
    assert lines[0] == "<6>edge.test: fine"
    assert lines[-1] == "<3>ValueError: broken"
    assert len(lines) > 3 and all(line.startswith("<3>") for line in lines[1:])


def test_the_journal_is_known_by_its_inode_not_by_the_variable_alone(tmp_path: os.PathLike[str]) -> None:
    """A daemon whose stderr was sent to a file inherits JOURNAL_STREAM all the same."""
    path = os.path.join(tmp_path, "log")
    with open(path, "w") as file:
        found = os.fstat(file.fileno())
        assert is_journal(file, {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"})
        assert not is_journal(file, {"JOURNAL_STREAM": "9:12345"})
        assert not is_journal(file, {})
    assert not is_journal(io.StringIO(), {"JOURNAL_STREAM": "9:12345"})


def test_a_process_under_journald_writes_priorities(tmp_path: os.PathLike[str]) -> None:
    path = os.path.join(tmp_path, "log")
    with open(path, "w") as file:
        found = os.fstat(file.fileno())
        environment = {**os.environ, "JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}
        code = "import logging; from edge.logs import configure; configure(); logging.getLogger('x').critical('gone')"
        subprocess.run([sys.executable, "-c", code], env=environment, stderr=file, check=True, timeout=60)
    with open(path) as file:
        assert file.read() == "<2>x: gone\n"


@pytest.mark.parametrize("journal", [True, False])
def test_secrets_are_in_no_line_however_they_come(journal: bool) -> None:
    stream = io.StringIO()
    handler = Handler(stream)
    handler.setFormatter(Formatter(journal, secrets=["hunter22", "", "hunter22-long"]))
    logger = logger_to(handler)
    logger.info("opening %s", "rtsp://admin:tr0ub4dor@10.0.0.7/live")
    logger.info("password hunter22 then hunter22-long")
    try:
        raise RuntimeError("login with hunter22 at http://u:pass@h/ failed")
    except RuntimeError:
        logger.exception("no way in")
    text = stream.getvalue()
    assert "tr0ub4dor" not in text and "hunter22" not in text and "u:pass" not in text
    assert "-long" not in text, "the longer secret goes first, or its tail stays"
    assert "rtsp://***@10.0.0.7/live" in text and "no way in" in text


def test_a_flood_is_one_burst_and_a_count() -> None:
    stream, clock = io.StringIO(), Clock()
    logger = logger_to(Handler(stream, clock))
    for number in range(BURST + 57):
        logger.warning("frame %d is broken", number)
    assert stream.getvalue().count("\n") == BURST
    clock.now_s = WINDOW_S + 1
    logger.warning("something else")
    lines = stream.getvalue().splitlines()
    assert lines[BURST] == "frame 0 is broken (and 57 more like it)"
    assert lines[-1] == "something else"


def test_what_was_held_back_is_told_at_the_end_and_once() -> None:
    stream = io.StringIO()
    handler = Handler(stream, Clock())
    logger = logger_to(handler)
    for _ in range(BURST + 3):
        logger.info("again")
    handler.close()
    handler.close()
    assert stream.getvalue().splitlines()[-1] == "again (and 3 more like it)"
    assert stream.getvalue().count("3 more") == 1


def test_after_the_window_a_message_is_news_again() -> None:
    stream, clock = io.StringIO(), Clock()
    logger = logger_to(Handler(stream, clock))
    for _ in range(4):
        logger.info("camera is away")
        clock.now_s += WINDOW_S
    assert stream.getvalue() == "camera is away\n" * 4


def test_what_ends_the_process_is_never_held_back() -> None:
    stream = io.StringIO()
    logger = logger_to(Handler(stream, Clock()))
    for _ in range(BURST * 3):
        logger.critical("fatal")
    assert stream.getvalue().count("fatal") == BURST * 3
