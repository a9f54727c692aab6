"""config.yaml, edited: it loads, or is refused with line and key; what loads can be run and written out again."""

from __future__ import annotations

import re
import threading
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

from alpr.types import Detections
from edge.cameras.pace import Pace
from edge.config import Config, ConfigError, load
from edge.events import Identity, describe
from edge.governor import Governor
from edge.privacy import Privacy, period
from edge.rules import gate_rules, governor_rules, judge_rules, tracker_rules
from edge.tracker import Tracker
from tests.edge.configs import write_model
from tests.edge.plates import plate_event
from tests.fuzz.mutations import edited, words
from tests.fuzz.target import Check, Target

SHIPPED = (Path(__file__).parents[2] / "config.yaml").read_text(encoding="utf-8")
SETTINGS = "\n".join(bare for line in SHIPPED.splitlines() if (bare := re.sub(r"(^|\s+)#.*", "", line)))
"""Without the remarks, which take most of the time to read."""
SETTINGS = SETTINGS.replace("rtsp://192.0.2.10", "rtsp://viewer:${CAMERA_PASSWORD}@192.0.2.10")
SECRET = 8
"""Characters from which on a password is nothing that a message says by chance."""
YEAR_S = 365.25 * 86_400


def config(folder: Path) -> Check:
    """An edited text, and what the environment holds as the camera's password."""
    (folder / "models").mkdir()
    for stage, kind in (("detector", "detection"), ("corners", "corners"), ("lpsr", "sr"), ("reader", "ocr")):
        write_model(folder / "models", stage, kind)
    path = folder / "config.yaml"

    def check(edits: tuple[str, str]) -> bool:
        text, password = edits
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            found = load(path, environment={"CAMERA_PASSWORD": password, "CREDENTIALS_DIRECTORY": str(folder)})
        except ConfigError as error:
            _is_clear(error, text)
            assert len(password) < SECRET or password in text or password not in str(error), "a password was shown"
            return False
        _can_run(found)
        path.write_text(yaml.safe_dump(plain(found)), encoding="utf-8")  # escaped: as they are, "\x85" and "\u2028" are read as line breaks
        assert "${" in password or load(path, environment={}) == found
        return True

    return check


def plain(section: Any) -> Any:
    """A config as a config file says it; what is left out stays out."""
    if is_dataclass(section):
        said = {each.name: plain(getattr(section, each.name)) for each in fields(section) if each.init}
        return {name: value for name, value in said.items() if value is not None}
    if isinstance(section, tuple):
        return [plain(each) for each in section]
    return str(section) if isinstance(section, Path) else section


def _is_clear(error: ConfigError, text: str) -> None:
    """In words that a terminal can show, each with its line and key where a line of the file says it."""
    assert error.problems
    str(error).encode("utf-8")
    last = text.count("\n") + 2
    for problem in error.problems:
        assert problem.text and 0 <= problem.line <= last, problem
        assert (
            problem.key or problem.line or problem.text.startswith(("is not UTF-8", "nests too deep", "holds no settings", "is not YAML"))
        )


def _can_run(found: Config) -> None:
    """What the unit makes of a config when it starts, with as much time passing as a unit may run."""
    identity = Identity(found.device.id, found.device.site)
    for camera in found.cameras:
        describe(plate_event(camera=camera.id), identity)
        Pace(camera.fps, camera.realtime)
    tracker, nothing = Tracker(tracker_rules(found)), Detections.none()
    for passed_s in (0.0, 1.0, YEAR_S):
        tracker.update(nothing, round(passed_s * 1e9))
    Governor(governor_rules(found))
    gate_rules(found), judge_rules(found), Privacy(found.privacy)
    period(2e9, found.privacy.rotate_days)
    _can_be_held(plain(found))


def _can_be_held(value: Any, key: str = "") -> None:
    """A wait by a clock, an integer by a database: above these, both raise OverflowError."""
    if isinstance(value, (dict, list)):
        for name, each in value.items() if isinstance(value, dict) else enumerate(value):
            _can_be_held(each, str(name))
    elif key.endswith("_s"):
        assert value <= threading.TIMEOUT_MAX, key
    elif isinstance(value, int):
        assert value < 1 << 63, key


passwords = words() | st.text(min_size=SECRET, max_size=20) | st.just("bytes that are no UTF-8: \udcff")

TARGETS = (Target("config", st.tuples(edited(SETTINGS, 1) | edited(SETTINGS), passwords), config, quick=120),)
