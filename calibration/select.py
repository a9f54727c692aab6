"""Draw stratified sets, keep them as manifests, and draw them again bit for bit.

Three sets that share nothing: `calibration` shows ranges, `tuning` chooses methods and layers, `gate` judges.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from calibration.pictures import SIZES_PX, Picture, Row, crop_row, draw, scene_row
from calibration.strata import COUNTRIES, HOURS, scene_strata, strata
from training.degradation import hybrid
from training.synth import glyphs
from training.synth.glyphs import Face

PARTS = {"calibration": 101, "tuning": 202, "gate": 303}
"""Each part's first number of every seed."""
STROKES = 12
FORMAT = 1


class SelectError(ValueError):
    """A set that cannot be read, or does not come out the same; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A set, before it is drawn: which part it is, the fonts that its digests were made with, and its rows."""

    part: str
    fonts: tuple[str, ...]
    opencv: str
    rows: tuple[Row, ...]


def select(part: str, each: int = 1, scenes_each: int = 1) -> Manifest:
    """Draw a part's rows: `each` crops of every stratum, `scenes_each` scenes of every stratum of scenes."""
    first = PARTS[part]
    crops = [crop_row(stratum, (first, 0, n, i)) for n in range(each) for i, stratum in enumerate(strata())]
    cells = [(n, i, stratum) for n in range(scenes_each) for i, stratum in enumerate(scene_strata())]
    scenes = [scene_row(stratum, (first, 1, n, i), SIZES_PX[(n + i) % len(SIZES_PX)]) for n, i, stratum in cells]
    drawn_with = faces(part)
    rows = tuple(replace(row, digest=draw(row, drawn_with).digest) for row in (*crops, *scenes))
    return Manifest(part, fonts(), cv2.__version__, rows)


def pictures(manifest: Manifest, kind: str) -> Iterator[Picture]:
    """Draw the crops or the scenes of a set again. Raises SelectError where one comes out differently."""
    drawn_with = faces(manifest.part)
    for number, row in enumerate(manifest.rows):
        if row.kind != kind:
            continue
        picture = draw(row, drawn_with)
        if picture.digest != row.digest:
            raise SelectError(
                f"row {number} of {manifest.part} comes out as {picture.digest}, expected {row.digest}: it was drawn with OpenCV "
                f"{manifest.opencv} and the fonts {', '.join(manifest.fonts) or 'none'}; here are {cv2.__version__} and "
                f"{', '.join(fonts()) or 'none'}. Install those, or draw the set anew with python -m calibration select"
            )
        yield picture


def save(manifest: Manifest, path: Path) -> None:
    rows = [{**asdict(row), "recipe": hybrid.save(row.recipe)} for row in manifest.rows]
    fields = {"format": FORMAT, "part": manifest.part, "fonts": manifest.fonts, "opencv": manifest.opencv}
    lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'{json.dumps(fields)[:-1]}, "rows": [\n{lines}\n]}}\n', encoding="utf-8")


def load(path: Path) -> Manifest:
    """Raises SelectError for what `save` did not write."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        if fields["format"] != FORMAT or fields["part"] not in PARTS:
            raise ValueError(f"format {fields['format']}, part {fields['part']!r}: expected {FORMAT} and one of {', '.join(PARTS)}")
        rows = tuple(_row(f"row {number}", row) for number, row in enumerate(fields["rows"]))
        return Manifest(fields["part"], tuple(map(str, fields["fonts"])), str(fields["opencv"]), rows)
    except OSError as error:
        raise SelectError(f"{path}: cannot be read ({error.strerror}); draw it with python -m calibration select") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise SelectError(f"{path}: is no set of ours: {error!s:.300}; draw it anew with python -m calibration select") from error


def counts(rows: Sequence[Row]) -> dict[str, Counter[str]]:
    """How many pictures of what, for a person."""
    keys = ("kind", "country", "lines", "hour")
    return {key: Counter(str(getattr(row, key)) for row in rows) for key in keys}


def faces(part: str) -> Mapping[str, Face]:
    """The typefaces of a part; what is stroke-drawn differs from part to part."""
    return glyphs.faces(np.random.default_rng(PARTS[part]), STROKES)


def fonts() -> tuple[str, ...]:
    """The installed fonts that rendering uses."""
    return tuple(name for name, part in glyphs.INSTALLED.items() if any((root / part).is_file() for root in glyphs.FONT_ROOTS))


def _row(where: str, fields: Mapping[str, Any]) -> Row:
    """Raises ValueError, KeyError or TypeError for one that cannot be drawn."""
    row = Row(**{**fields, "seed": tuple(fields["seed"]), "size_px": tuple(fields["size_px"]), "recipe": hybrid.load(fields["recipe"])})
    expected = {
        "kind, crop or scene": row.kind in ("crop", "scene"),
        "country that is rendered": row.country in COUNTRIES,
        "lines, 1 or 2": row.lines in (1, 2),
        "hour, day or night": row.hour in HOURS,
        "line_px, 1 to 200": _is_number(row.line_px) and 1 <= row.line_px <= 200,
        "severity, 0 to 2": _is_number(row.severity) and 0 <= row.severity <= 2,
        "seed, whole numbers of 63 bits": all(_is_count(each, 1 << 63) for each in row.seed),
        "size_px, [w, h] up to 4096": len(row.size_px) == 2 and all(_is_count(each, 4097) for each in row.size_px),
        "digest, text": isinstance(row.digest, str),
    }
    if wrong := [what for what, holds in expected.items() if not holds]:
        raise ValueError(f"{where}: expected {'; '.join(wrong)}")
    return row


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_count(value: Any, below: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < below
