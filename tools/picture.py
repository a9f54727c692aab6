"""Draw what the unit does: a frame with its plates and reads, and below it each plate's way from pixels to text.

python -m tools.picture --source samples/street.mp4 --frame 400 --out docs/reads.jpg
"""

from __future__ import annotations

import argparse
import threading
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from alpr.imaging import rectify
from alpr.types import U8, Frame, PlateCrop, PlateEvent
from edge.cameras import CameraSpec, open_camera
from edge.config import load
from edge.loop import Loop, Sighting
from edge.still import StillPlate, Stills
from edge.unit import loop_from

ROW_PX = 84
INK, PAPER, MARK = (235, 235, 235), (32, 28, 26), (80, 220, 120)


def main() -> None:
    args = _arguments()
    loop = loop_from(load(args.config, {"cameras": [{"id": "camera", "source": str(args.source)}]}))
    frame, said = _watched(loop, args.source, args.frame)
    stills = Stills.of(loop)
    plates = [plate for plate in stills.scene(frame.bgr) if plate.score >= 0.4]
    picture = np.vstack([_annotated(frame.bgr, plates, said), *_rows(frame.bgr, plates, stills)])
    args.out.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(args.out), picture, [cv2.IMWRITE_JPEG_QUALITY, 88])
    print(f"wrote {args.out}: frame {frame.number}, {len(plates)} plates, events so far: {', '.join(said.values()) or 'none'}")


def _watched(loop: Loop, source: Path, number: int) -> tuple[Frame, dict[int, str]]:
    """The loop's life up to a frame → that frame, and the latest plate of every track that had an event."""
    said: dict[int, str] = {}
    camera = open_camera(CameraSpec("camera", str(source)), np.random.default_rng(0))
    last = None
    for frame in camera.frames(threading.Event()):
        last = frame
        for event in _events(loop, loop.see(frame)):
            said[event.track] = event.vote.region.display or event.vote.plate
        if frame.number >= number:
            break
    camera.close()
    if last is None:
        raise SystemExit(f"{source}: has no frame")
    return last, said


def _events(loop: Loop, sightings: Iterable[Sighting]) -> Iterable[PlateEvent]:
    for sighting in sightings:
        for enhanced in loop.enhance(sighting):
            for read in loop.read(enhanced):
                yield from loop.vote(read)


def _annotated(bgr: U8, plates: list[StillPlate], said: dict[int, str]) -> U8:
    picture = bgr.copy()
    for plate in plates:
        cv2.polylines(picture, [np.round(plate.quad * 16).astype(np.int32)], True, MARK, 2, cv2.LINE_AA, shift=4)
        x, y = int(plate.box[0]), int(plate.box[1]) - 8
        _write(picture, f"{plate.vote.region.display or plate.vote.plate} {plate.vote.score:.0%}", (x, y), 0.6)
    if said:
        _write(picture, "published last: " + "  ".join(list(said.values())[-4:]), (12, picture.shape[0] - 14), 0.55)
    return picture


def _rows(bgr: U8, plates: list[StillPlate], stills: Stills) -> list[U8]:
    """A strip a plate: as seen, as LPSR guesses it, what was read and how sure each character is."""
    rows = []
    for plate in plates[:4]:
        row = np.full((ROW_PX, bgr.shape[1], 3), PAPER, np.uint8)
        crop = PlateCrop(rectify(bgr, plate.quad), plate.quad, plate.height_px, 0, 0)
        for x, picture in ((12, crop.bgr), (292, stills.enhancer([crop])[0].bgr)):
            shown = cv2.resize(picture, (260, ROW_PX - 16), interpolation=cv2.INTER_CUBIC)
            row[8 : ROW_PX - 8, x : x + 260] = shown
        for i, char in enumerate(plate.vote.chars):
            at = (590 + 56 * i, 44)
            _write(row, char.char, at, 1.0)
            _write(row, f"{char.score:.0%}", (at[0] - 6, 70), 0.42)
        rows.append(row)
    return rows


def _write(picture: U8, text: str, at: tuple[int, int], size: float) -> None:
    thickness = 1 if size < 0.9 else 2
    (width, height), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, thickness)
    cv2.rectangle(picture, (at[0] - 3, at[1] - height - 3), (at[0] + width + 3, at[1] + below), PAPER, -1)
    cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, INK, thickness, cv2.LINE_AA)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.picture", description="Draw what the unit does.")
    parser.add_argument("--config", type=Path, default=Path("config.yaml"))
    parser.add_argument("--source", type=Path, default=Path("samples/street.mp4"))
    parser.add_argument("--frame", type=int, default=400)
    parser.add_argument("--out", type=Path, default=Path("docs/reads.jpg"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
