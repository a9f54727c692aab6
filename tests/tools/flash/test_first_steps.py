"""README's way from a clone to a flashed unit, typed word for word: a stand-in, a key, a bundle, a provisioned unit, its reads and page."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from jinja2.sandbox import SandboxedEnvironment
from jsonschema import Draft202012Validator

from edge.events import schema
from tests.edge.mqtt.mosquitto import needs_mosquitto
from tests.edge.waiting import until
from tests.tools.flash.sshd import needs_sshd
from tests.tools.flash.station import ROOT

PATIENCE_S = 400.0
README = (ROOT / "README.md").read_text(encoding="utf-8")
SECTION = README.split("## From a clone to a unit, without hardware")[1].split("\n## ")[0]
LINES = re.findall(r"^    (.+)$", SECTION, re.MULTILINE)
COMMANDS = [shlex.split(line, comments=True) for line in LINES]

needs_clients = pytest.mark.skipif(not shutil.which("mosquitto_sub"), reason="no mosquitto_sub (apt-get install mosquitto-clients)")
pytestmark = [needs_sshd, needs_mosquitto, needs_clients, pytest.mark.timeout(1500)]


class Desk:
    """Somebody's terminals, in a folder of their own: what is made there stays out of the checkout."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self._environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}

    def type(self, words: list[str]) -> str:
        """A command until it ends, well → what it says."""
        done = subprocess.run(words, cwd=self.folder, env=self._environment, capture_output=True, text=True, timeout=PATIENCE_S)
        assert done.returncode == 0, f"{shlex.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    @contextmanager
    def terminal(self, words: list[str]) -> Iterator[Path]:
        """A command that goes on until Ctrl-C, which ends it well → the file with what it says."""
        said = self.folder / f"{words[-1].strip('-')}.txt"
        with said.open("wb") as file:
            process = subprocess.Popen(words, cwd=self.folder, env=self._environment, stdout=file, stderr=file)
        try:
            yield said
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(120) == 0, said.read_text()


def test_the_readme_leads_from_a_clone_to_a_unit_that_reads(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    standin, keygen, pack, flash, status, announced, read, watch = COMMANDS
    with desk.terminal(standin) as said:
        until(lambda: "a bare unit listens" in said.read_text(), "the stand-in", PATIENCE_S)
        assert "keep it to yourself" in desk.type(keygen)
        assert "dist/kerbside-1.tar.gz" in desk.type(pack)
        assert "provisioned with release 1" in desk.type(flash)
        assert re.search(r"standin +\S+ +1 +1 ", desk.type(status))
        unit = json.loads(desk.type(announced).split(" ", 1)[1])
        event = json.loads(desk.type(read))
        Draft202012Validator(schema()).validate(event)
        shown = json.loads(in_home_assistant(unit["components"]["road_plate"]["value_template"], event))
        assert shown["event_type"] in ("early", "final") and shown["plate"] == event["plate"]
        with desk.terminal(watch) as lines:
            until(lambda: len(re.findall(r"standin +road", lines.read_text())) >= 2, "reads in tools.watch", PATIENCE_S)
        page = re.search(r"http://127\.0\.0\.1:\d+/", SECTION)
        assert page is not None
        with urllib.request.urlopen(page[0], timeout=60) as answer:
            assert answer.status == 200 and b"page.js" in answer.read()


def in_home_assistant(template: str, event: dict[str, object]) -> str:
    """What an entity of its makes of a message."""
    return SandboxedEnvironment().from_string(template).render(value_json=event)


def test_the_section_is_complete() -> None:
    """Whatever is typed there, the test above types."""
    assert len(COMMANDS) == 8 and COMMANDS[0][-1] == "tests.tools.flash"
