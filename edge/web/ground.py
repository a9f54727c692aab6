"""Zones, lines and privacy masks of a camera, as the page draws them: out of the config's file, and back into it.

What comes back is checked with all of the config, written down in the audit log, written to the file at once, and taken up by the running
unit. Another camera's ground, every other setting and every comment stay as they are.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from edge.audit import Audit
from edge.config.edit import EditError, with_list
from edge.config.file import ConfigFile
from edge.reload import Outcome

log = logging.getLogger(__name__)

LISTS: Final = {"zones": ("zones",), "lines": ("lines",), "masks": ("privacy", "masks")}
KEYS: Final = {"zones": ("name", "kind", "polygon"), "lines": ("name", "from", "to"), "masks": ("polygon",)}
MOST: Final = 64
"""Zones, lines or masks a camera, and corners each."""
DIGITS: Final = 4
Item = dict[str, Any]


class GroundError(ValueError):
    """Ground that is not saved; the message is for whoever drew it."""


class StaleError(GroundError):
    """Somebody else has changed the ground since it was shown."""


class Editor:
    """From any thread."""

    def __init__(self, file: ConfigFile, reload: Callable[[], Outcome], audit: Audit) -> None:
        self._file, self._reload, self._audit = file, reload, audit
        self._lock = threading.Lock()

    def shown(self, camera: str) -> dict[str, Any]:
        """A camera's ground and the version of it, to be named when it is saved. Raises ConfigError for a file that cannot be read."""
        lists = _lists(self._file.data())
        return {name: [_drawn(item) for item in _of(items, camera)] for name, items in lists.items()} | {"version": _version(lists)}

    def save(self, camera: str, wanted: Mapping[str, Any], by: str) -> str:
        """Put a camera's ground in force → what came of it, in words.

        Raises GroundError, ConfigError, AuditError: nothing is changed then.
        """
        with self._lock:
            before = self._file.text()
            lists = _lists(self._file.data())
            if wanted.get("version") != _version(lists):
                raise StaleError("somebody else has changed the ground meanwhile: load the page anew and draw again")
            drawn = {name: _checked(name, camera, wanted.get(name)) for name in LISTS}
            text = _edited(before, camera, lists, drawn)
            self._file.check(text)
            self._audit.note("ground saved", by, camera=camera, **{name: len(items) for name, items in drawn.items()})
            self._file.write(text)
            outcome = self._reload()
            if outcome.refused:
                self._file.write(before)
                raise GroundError(outcome.refused)
        return str(outcome)


def _lists(data: Mapping[str, Any]) -> dict[str, list[Item]]:
    found: dict[str, list[Item]] = {}
    for name, key in LISTS.items():
        value: Any = data
        for part in key:
            value = value.get(part) if isinstance(value, Mapping) else None
        found[name] = [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
    return found


def _of(items: Sequence[Item], camera: str) -> list[Item]:
    return [item for item in items if item.get("camera") == camera]


def _drawn(item: Item) -> Item:
    return {name: value for name, value in item.items() if name != "camera"}


def _version(lists: Mapping[str, list[Item]]) -> str:
    return hashlib.sha256(json.dumps(lists, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _checked(name: str, camera: str, items: Any) -> list[Item]:
    """What came over the network, with the keys that there are and nothing else; what they hold is the config's to judge."""
    if (
        not isinstance(items, list)
        or len(items) > MOST
        or not all(isinstance(item, dict) and set(item) == set(KEYS[name]) for item in items)
    ):
        raise GroundError(f"{name} is {items!r:.80}, expected at most {MOST} of {', '.join(KEYS[name])}")
    return [{"camera": camera} | {key: _rounded(item[key]) for key in KEYS[name]} for item in items]


def _rounded(value: Any) -> Any:
    if isinstance(value, list):
        if len(value) > MOST:
            raise GroundError(f"a polygon has {len(value)} corners, expected at most {MOST}")
        return [_rounded(each) for each in value]
    return round(value, DIGITS) if isinstance(value, float) else value


def _edited(text: str, camera: str, lists: Mapping[str, list[Item]], drawn: Mapping[str, list[Item]]) -> str:
    try:
        for name, key in LISTS.items():
            wanted = _merged(lists[name], camera, drawn[name])
            if wanted != lists[name]:
                text = with_list(text, key, wanted)
    except EditError as error:
        raise GroundError(str(error)) from error
    return text


def _merged(items: Sequence[Item], camera: str, drawn: Sequence[Item]) -> list[Item]:
    """Other cameras' stay where they are, and so does what has the same name or is the same; the rest of the drawn ones come after."""
    left = list(drawn)
    merged: list[Item] = []
    for item in items:
        if item.get("camera") != camera:
            merged.append(item)
            continue
        same = next((each for each in left if each == item or ("name" in each and each["name"] == item.get("name"))), None)
        if same is not None:
            merged.append(same)
            left.remove(same)
    return [*merged, *left]
