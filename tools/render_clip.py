"""Render the sample clip: a street by day and at dusk, H.264 with its truth beside it.

    python -m tools.render_clip --out samples/street.mp4 --seed 7

Needs PyAV (`pip install av`), for libx264. The same seed, fonts and library versions give the same pictures.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alpr.types import U8
    from training.synth.cast import Role
    from training.synth.film import Actor, Visible
    from training.synth.glyphs import Face
    from training.synth.light import Light

SIZE, FPS = (1280, 720), 25
READABLE_LINE_PX = 10.0
SMALLEST_PX = 8.0
WHOLE = 0.97
RULES = {
    "readable": f"line_px is at least {READABLE_LINE_PX:g}",
    "line_px": "in the best frame, the smaller of the plate's height and its width / aspect, over its lines: what a slanted plate has left",
    "frames": f"first_frame and last_frame: first and last frame with the plate whole in the picture, {SMALLEST_PX:g} px wide or more, "
    f"and at least {WHOLE:.0%} of it not hidden",
    "quads": "per frame and vehicle: four corners (x, y), clockwise from the top left, and the share that is not hidden",
}


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="tools.render_clip", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("samples/street.mp4"))
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--crf", type=float, default=22.0, help="quality: lower is better and larger")
    parser.add_argument("--frames", type=int, default=0, help="only so many, for a look")
    parser.add_argument("--every", type=int, default=0, help="instead of a clip, PNGs of every n-th frame, into the folder --out")
    args = parser.parse_args(argv)
    from training.synth import cast

    casting: list[Casting] = []
    frames = film(args.seed, args.every or 1, casting)
    count = args.frames or round(cast.END_S * FPS)
    sightings: list[tuple[int, list[Visible]]] = []
    pictures = _noted(frames, count, sightings)
    if args.every:
        _write_pngs(args.out, pictures)
    else:
        encode(args.out, pictures, args.crf)
    roles = {role.actor.name: role for role in casting[0].roles.values()}
    clip = args.out / "street.mp4" if args.every else args.out
    write_truth(clip, args.seed, [roles[name] for name in sorted(roles)], sightings)


@dataclass(slots=True)
class Casting:
    """The clip's vehicles, each built when it first drives in."""

    seed: int
    faces: Mapping[str, Face]
    lights: Sequence[Light]
    roles: dict[tuple[int, int], Role] = field(default_factory=dict)  # by part and half

    def actors(self, half: int, time_s: float) -> list[Actor]:
        """Everyone on the road."""
        from training.synth import cast

        playing = [(n, part) for n, part in enumerate(cast.script()) if half in part.halves and part.ride.at(time_s, part.end) is not None]
        for n, part in playing:
            if (n, half) not in self.roles:
                self.roles[n, half] = cast.played(self.seed, n, part, self.faces, self.lights[half])
        return [self.roles[n, half].actor for n, _ in playing]


def film(seed: int, every: int, casting: list[Casting]) -> Iterator[tuple[int, U8, list[Visible]]]:
    """The clip's frames: number, picture, plates in it. Who plays in it goes to `casting`."""
    import numpy as np

    from training.synth import cast, glyphs, scenery
    from training.synth.film import Grain, shoot, stamp

    shots = scenery.day(seed), scenery.dusk(seed)
    casting.append(Casting(seed, glyphs.faces(np.random.default_rng(seed)), [shot.light for shot in shots]))
    rng = np.random.default_rng((seed, 99))
    grains = [Grain.of(rng, SIZE, shot.grain) for shot in shots]
    for number in range(0, round(cast.END_S * FPS), every):
        time_s = number / FPS
        half = int(time_s >= cast.CUT_S)
        bgr, visible = shoot(shots[half], casting[0].actors(half, time_s), time_s)
        bgr = grains[half].onto(rng, bgr)
        stamp(bgr, scenery.clock(time_s, half), "CAM 02  NORTH GATE")
        yield number, bgr, visible


def _noted(
    frames: Iterator[tuple[int, U8, list[Visible]]], count: int, sightings: list[tuple[int, list[Visible]]]
) -> Iterator[tuple[int, U8]]:
    """Pass pictures on and keep what could be seen in them."""
    for number, bgr, visible in frames:
        if number >= count:
            return
        sightings.append((number, visible))
        if number % (4 * FPS) == 0:
            print(f"frame {number}", flush=True)
        yield number, bgr


def _write_pngs(folder: Path, pictures: Iterator[tuple[int, U8]]) -> None:
    import cv2

    folder.mkdir(parents=True, exist_ok=True)
    for number, bgr in pictures:
        cv2.imwrite(str(folder / f"{number:04d}.png"), bgr)


def encode(path: Path, pictures: Iterator[tuple[int, U8]], crf: float) -> None:
    """Write H.264, yuv420p, a key frame a second, the index first."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"crf": f"{crf:g}", "preset": "medium", "x264-params": f"keyint={FPS}:min-keyint={FPS}:scenecut=0"}
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for _, bgr in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(bgr, format="bgr24")))
        container.mux(stream.encode())


def write_truth(clip: Path, seed: int, roles: Sequence[Role], sightings: Sequence[tuple[int, list[Visible]]]) -> None:
    """Beside the clip: who drove through (.truth.json), and where every plate was in every frame (.quads.json.gz)."""
    vehicles = [truth for role in roles if (truth := vehicle_truth(role, sightings)) is not None]
    summary = {"clip": clip.name, "seed": seed, "fps": FPS, "size": SIZE, "frames": len(sightings), "rules": RULES, "vehicles": vehicles}
    clip.with_suffix(".truth.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    quads = {number: {v.name: [*v.quad.round(1).ravel().tolist(), round(v.share, 2)] for v in visible} for number, visible in sightings}
    with gzip.GzipFile(clip.with_suffix(".quads.json.gz"), "wb", mtime=0) as file:
        file.write(json.dumps(quads).encode())


def vehicle_truth(role: Role, sightings: Sequence[tuple[int, list[Visible]]]) -> dict[str, Any] | None:
    """One vehicle's row; None for one whose plate is never whole, or that carries none."""
    from alpr.imaging import quad_size

    seen = [(number, quad_size(v.quad)) for number, visible in sightings for v in visible if v.name == role.actor.name and _whole(v)]
    if not seen:
        return None
    aspect = role.plate.bgr.shape[1] / role.plate.bgr.shape[0]
    best_frame, (height, width) = max(seen, key=lambda at: min(at[1][0], at[1][1] / aspect))
    line_px = min(height, width / aspect) / role.plate.lines
    whole = {"first_frame": seen[0][0], "last_frame": seen[-1][0], "frames": len(seen)}
    best = {"best_frame": best_frame, "best_height_px": round(height, 1), "best_width_px": round(width, 1), "line_px": round(line_px, 1)}
    plate = {"text": role.plate.text, "country": role.plate.country, "lines": role.plate.lines}
    vehicle = {"kind": role.kind, "direction": role.direction}
    return {"id": role.actor.name, **plate, **vehicle, **whole, **best, "readable": line_px >= READABLE_LINE_PX}


def _whole(visible: Visible) -> bool:
    low, high = visible.quad.min(axis=0), visible.quad.max(axis=0)
    inside = bool((low >= 1).all() and high[0] <= SIZE[0] - 1 and high[1] <= SIZE[1] - 1)
    return inside and visible.share >= WHOLE and float(high[0] - low[0]) >= SMALLEST_PX


if __name__ == "__main__":
    main()
