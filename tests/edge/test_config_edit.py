"""A list of the config replaced in its text: only that list changes, whatever the author wrote around it; and the file is written whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.config import ConfigError, load
from edge.config.edit import EditError, with_list
from edge.config.file import ConfigFile
from tests.edge.configs import LEAST, folder, written

__all__ = ["folder"]

ROOT = Path(__file__).parents[2]
LANE = {"camera": "road", "name": "lane", "kind": "read", "polygon": [[0.1, 0.2], [0.5, 0.5], [1, 1]]}
YARD = {**LANE, "name": "yard", "kind": "ignore"}
MASK = {"camera": "road", "polygon": [[0, 0], [1, 0], [1, 1]]}
WRITTEN = """\
device: {id: a}  # me
zones:  # mine
  # the first
  - {camera: road, name: one}  # the lane
  # the second
  - camera: road
    name: two   # the yard
    # inside
    kind: read
  # the end

other: 1
"""


def changed(before: str, after: str) -> tuple[list[str], list[str]]:
    """Lines that went, lines that came."""
    old, new = before.split("\n"), after.split("\n")
    return [line for line in old if line not in new], [line for line in new if line not in old]


def test_the_shipped_config_takes_zones_and_masks_and_gives_them_back() -> None:
    text = (ROOT / "config.yaml").read_text()
    drawn = with_list(with_list(text, ("zones",), [LANE, YARD]), ("privacy", "masks"), [MASK])
    gone, came = changed(text, drawn)
    assert [line.split()[0] for line in gone] == ["zones:", "masks:"]
    assert [line for line in came if "- {camera" in line] == [
        "  - {camera: road, name: lane, kind: read, polygon: [[0.1, 0.2], [0.5, 0.5], [1, 1]]}",
        "  - {camera: road, name: yard, kind: ignore, polygon: [[0.1, 0.2], [0.5, 0.5], [1, 1]]}",
        "    - {camera: road, polygon: [[0, 0], [1, 0], [1, 1]]}",
    ]
    assert [line.partition("#")[2] for line in gone] == [line.partition("#")[2] for line in came if "#" in line], "comments stay"
    assert yaml.safe_load(drawn)["zones"] == [LANE, YARD]
    back = with_list(with_list(drawn, ("zones",), []), ("privacy", "masks"), [])
    assert yaml.safe_load(back) == yaml.safe_load(text) and [line.split() for line in back.split("\n")] == [
        line.split() for line in text.split("\n")
    ]


def test_what_stays_keeps_its_lines_and_what_changes_its_comment() -> None:
    two = {"camera": "road", "name": "two", "kind": "read"}
    edited = with_list(WRITTEN, ("zones",), [{"camera": "road", "name": "one", "kind": "ignore"}, two, {"camera": "gate", "name": "new"}])
    gone, came = changed(WRITTEN, edited)
    assert gone == ["  - {camera: road, name: one}  # the lane"]
    assert came == ["  - {camera: road, name: one, kind: ignore}  # the lane", "  - {camera: gate, name: new}"]
    assert edited.index("kind: read") < edited.index("name: new") < edited.index("# the end")


def test_removing_all_leaves_an_empty_list_and_every_comment_of_its_own_line() -> None:
    edited = with_list(WRITTEN, ("zones",), [])
    assert edited == "device: {id: a}  # me\nzones: []  # mine\n  # the first\n  # the second\n  # the end\n\nother: 1\n"


@pytest.mark.parametrize(
    "text",
    [
        "device: {id: a}\n",
        "device: {id: a}",
        "device: {id: a}\nprivacy:\n  # how\n  mode: plain\n",
        "device: {id: a}\nprivacy:\n    mode: plain\n    masks:\n    - {camera: b, polygon: []}\nlog: {level: info}\n",
        "device: {id: a}\r\nprivacy:\r\n  mode: plain\r\n",
        "zones:\nprivacy:\n  masks:\n",
        "zones: [{camera: b}]  # short\nprivacy: {}\n",
    ],
)
def test_a_list_is_made_where_it_is_missing(text: str) -> None:
    zones = with_list(text, ("zones",), [LANE])
    assert yaml.safe_load(zones) == yaml.safe_load(text) | {"zones": [LANE]}
    assert zones.count("\r\n") == (zones.count("\n") if "\r\n" in text else 0), "line ends stay what they are"
    if text.endswith("privacy: {}\n"):
        return
    masks = yaml.safe_load(with_list(text, ("privacy", "masks"), [MASK]))
    assert masks["privacy"]["masks"] == [MASK]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("all: &all []\nzones: *all\n", "it is an alias"),
        ("zones: [\n  {a: 1},  # mine\n]\n", "in brackets over several lines"),
        ("zones:\n  - {a: 1}\n---\nzones: []\n", "no YAML"),
        ("{device: a}\n", "brackets"),
        ("- a\n", "holds no settings"),
        ("zones: {a: 1}\nother: *nothing\n", "no YAML"),
    ],
)
def test_what_cannot_be_edited_with_certainty_is_refused(text: str, why: str) -> None:
    with pytest.raises(EditError, match=why):
        with_list(text, ("zones",), [LANE])


names = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=5)
items = st.lists(
    st.fixed_dictionaries({"camera": names, "name": names | st.sampled_from(["NO", "1e3", "null", "~", "a: b", "# c"])}), max_size=5
)
comments = st.sampled_from(["", "  # a remark", "\n  # a line\n"])


@settings(max_examples=150, deadline=None)
@given(items, items, st.lists(comments, min_size=5, max_size=5))
def test_any_list_becomes_any_other_and_no_comment_between_is_lost(before: list[Any], after: list[Any], remarks: list[str]) -> None:
    lines = [
        f"  - {{camera: '{item['camera']}', name: '{item['name']}'}}{remark}".rstrip()
        for item, remark in zip(before, remarks, strict=False)
    ]
    text = "first: 1\nzones:" + ("\n" + "\n".join(lines) if lines else " []") + "\nlast: 2  # end\n"
    edited = with_list(text, ("zones",), after)
    assert yaml.safe_load(edited) == {"first": 1, "zones": after, "last": 2}
    assert edited.count("# a line") == text.count("# a line") and edited.endswith("last: 2  # end\n")


def config_file(path: Path) -> ConfigFile:
    return ConfigFile(path, lambda text: load(path, text=text))


def test_a_file_is_written_whole_or_not_at_all(folder: Path) -> None:
    path = written(folder, LEAST)
    path.chmod(0o640)
    file = config_file(path)
    with pytest.raises(ConfigError, match="nonsense is no key"):
        file.write(file.text() + "nonsense: 1\n")
    assert path.read_text() == LEAST.lstrip("\n"), "what is wrong is never written"
    file.write(file.text() + "stop_s: 1.5\n")
    assert load(path).stop_s == 1.5 and path.stat().st_mode & 0o777 == 0o640
    assert sorted(each.name for each in folder.iterdir()) == ["config.yaml", "models", "secret"], "nothing is left beside it"


def test_a_link_stays_a_link(folder: Path) -> None:
    """A hardened unit writes its state's folder alone: /etc/kerbside/config.yaml may lead there."""
    path = written(folder, LEAST)
    state = folder / "state"
    state.mkdir()
    path.rename(state / "config.yaml")
    path.symlink_to(state / "config.yaml")
    config_file(path).write(path.read_text() + "stop_s: 1.5\n")
    assert path.is_symlink() and load(path).stop_s == 1.5


def test_a_folder_that_cannot_be_written_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(folder, LEAST)

    def refuses(*args: Any, **more: Any) -> Any:
        raise PermissionError(13, "Read-only file system")

    monkeypatch.setattr("tempfile.mkstemp", refuses)
    with pytest.raises(ConfigError, match=r"cannot be written \(Read-only file system\).*docs/live-view.md"):
        config_file(path).write(path.read_text() + "stop_s: 1.5\n")
