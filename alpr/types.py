"""The values that cross borders between stages: frozen, slotted, and free of behaviour beyond reading them.

Conventions everywhere: boxes are xyxy and quads are four (x, y) corners clockwise from the plate's top left, both in
pixels of the original picture; pictures are BGR uint8 (h, w, 3); `_ns` is the monotonic clock, `_utc_s` the wall clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Tensor = F32 | U8
"""A network's input, (n, 3, h, w) RGB: float32 in 0..1, or the very bytes, where its contract says so."""

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""The characters a plate's text may hold. A reader's lattice has one more column, the last: no character here."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture from a camera."""

    bgr: U8  # (h, w, 3)
    camera: str
    number: int  # counts this camera's frames since it was opened, dropped ones too
    captured_ns: int
    captured_utc_s: float
    scene_ns: int  # the clock of what is seen, for tracks: captured_ns when live, the position in a recording


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """The plates found in one picture, best score first, as parallel arrays."""

    boxes: F32  # (n, 4)
    scores: F32  # (n,) in 0..1
    quads: F32  # (n, 4, 2)

    def __len__(self) -> int:
        return len(self.scores)

    def select(self, index: NDArray[np.intp] | NDArray[np.bool_]) -> Detections:
        """The detections at an index or under a mask, in that order."""
        return Detections(self.boxes[index], self.scores[index], self.quads[index])

    @staticmethod
    def none() -> Detections:
        return Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros((0, 4, 2), np.float32))


@dataclass(frozen=True, slots=True)
class Crossing:
    """A vehicle's way through a line of the config."""

    line: str  # the line's name
    direction: str  # "in", to the right hand of whoever walks the line from start to end, | "out"
    utc_s: float
    scene_ns: int


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast a vehicle went over a road of known places."""

    kmh: float  # 0 where it stood
    error_kmh: float  # one standard error
    utc_s: float  # the middle of the time over which it was measured, a second or less


@dataclass(frozen=True, slots=True)
class Course:
    """What a vehicle did on its camera's ground, as far as it was followed."""

    zone: str = ""  # the read zone that it is in, or was in last; "" for none
    dwell_s: float = 0.0  # how long it was in that zone, or in the picture where there is none
    parked: bool = False  # whether it stood at one place for as long as the config calls parked
    crossings: tuple[Crossing, ...] = ()  # the latest last
    speed: Speed | None = None  # the latest that could be told


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One vehicle's plate as the tracker knows it after a frame."""

    id: int  # unique within a camera for the life of the process
    box: F32  # (4,) latest
    quad: F32  # (4, 2) latest
    score: float  # detector's score of the latest sighting
    first_ns: int
    last_ns: int
    hits: int  # frames in which it was seen
    velocity_px_s: tuple[float, float]  # of the box centre, image axes
    travelled_px: float  # distance between the first and the latest box centre
    first_box: F32 | None = None  # (4,) where it was first seen; None where nobody recorded it
    course: Course = Course()


@dataclass(frozen=True, slots=True, eq=False)
class PlateCrop:
    """A plate cut out of a frame and rectified, or the same plate after enhancement."""

    bgr: U8  # (h, w, 3), as many pixels as the frame had for it
    quad: F32  # (4, 2) where it was in the frame
    height_px: float  # plate height in the frame
    frame: int
    captured_ns: int
    enhanced: bool = False  # an enhanced plate is never evidence: the source crop is


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """What the reader saw in one crop: a probability for every character at every position."""

    lattice: F32  # (slots, 37): rows sum to 1, the last column is "no character here"
    text: str  # best path, A-Z0-9
    scores: F32  # (len(text),) probability of each character of `text`
    two_lines: float  # probability that the plate has two lines
    enhanced: bool = False

    @property
    def score(self) -> float:
        """The lowest character's probability, 0 for an empty read: a plate is as sure as its weakest character."""
        return float(self.scores.min()) if len(self.scores) else 0.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A text that a plate may have, with its probability."""

    text: str
    score: float


@dataclass(frozen=True, slots=True)
class CharacterVote:
    """One position of a voted plate: its character, that one's probability, and the runners-up, best first."""

    char: str
    score: float
    others: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True)
class RegionMatch:
    """The grammar that a text fits best."""

    code: str  # ISO 3166 alpha-2, or "" when none fits
    pattern: str  # the pattern's name in regions/*.yaml
    score: float  # 0..1
    matches: bool
    display: str = ""  # with the separators people write, e.g. 51F-734.20


@dataclass(frozen=True, slots=True)
class Vote:
    """What a track's reads say together."""

    plate: str  # after the grammar
    raw: str  # before it
    lines: int  # 1 or 2
    score: float  # probability of `plate`
    chars: tuple[CharacterVote, ...]
    candidates: tuple[Candidate, ...]
    region: RegionMatch
    reads: int  # how many reads voted
    agreeing: int  # how many of them say `raw` on their own
    enhanced: int  # how many of them came through the enhancer
    lattice: F32 | None = field(default=None, compare=False, repr=False)  # (slots, 37), what they say before the grammar; None: nothing


@dataclass(frozen=True, slots=True)
class Hit:
    """A plate of a list that a vehicle probably has."""

    list: str  # the list's name
    kind: str  # "allow" | "deny" | "named"
    plate: str  # as it is listed, A-Z0-9
    note: str
    probability: float


@dataclass(frozen=True, slots=True, eq=False)
class PlateEvent:
    """One plate, ready to publish; `edge.events` gives it the device's identity and its JSON form."""

    type: str  # "early" | "final"
    camera: str
    track: int
    captured_utc_s: float  # of the best frame
    captured_ns: int
    vote: Vote
    frames_seen: int
    box: F32  # (4,) in the best frame
    quad: F32  # (4, 2)
    height_px: float
    image_size: tuple[int, int]  # (w, h)
    direction: str  # "approaching" | "leaving" | "left" | "right" | "still"
    stationary: bool
    latency_ms: dict[str, float] = field(default_factory=dict)  # by stage, and "capture_to_event"
    crop: U8 | None = None  # source crop, only where the config asks for it
    hits: tuple[Hit, ...] = ()  # at most one a list
    course: Course = Course()
