"""What a camera is told: where its pictures come from and how long it may be silent."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
DAY_S = 86_400
MOST = {"width": 16_384, "height": 16_384, "fps": 1000, "stall_s": DAY_S, "open_s": DAY_S, "backoff_min_s": DAY_S, "backoff_max_s": DAY_S}
"""What is above is a mistake, and would be an OverflowError in some thread's wait."""
CODECS = ("auto", "h264", "h265", "mjpeg")
DECODERS = ("auto", "gstreamer", "opencv")
KINDS = "a video file, a folder of pictures, rtsp://…, rtsps://…, /dev/video0, v4l2:///dev/video0 or csi://0"
_USER = re.compile(r"(?<=://)\S*@")
_SECRET = r"(?i)([\w-]*(?:password|passwd|pass|pwd|token|secret|auth|api_?key))="
_QUERY = re.compile(_SECRET + r"[^&\s'\"]*")
_PAIR = re.compile(_SECRET + "([^&]*)")


class CameraError(ValueError):
    """A camera that no retry can mend: the message says what was expected, what was found, and how to mend it."""


@dataclass(frozen=True, slots=True)
class CameraSpec:
    """One camera of the config. Its repr shows no credentials."""

    id: str
    source: str  # see KINDS
    width: int | None = None  # what a live source is asked for; files and folders come as they are
    height: int | None = None
    fps: float | None = None  # asked of a live source; the pace of a folder, or of a file that states none
    codec: str = "auto"  # of RTSP: auto, h264, h265; of V4L2: auto, mjpeg
    decoder: str = "auto"  # GStreamer where it is installed, otherwise OpenCV
    tls_verify: bool = True  # rtsps: most cameras sign their own certificate; off accepts any
    loop: bool = False  # files and folders: start again at the end
    realtime: bool = False  # files and folders: at their own pace, as a live camera would come
    stall_s: float = 3.0  # no good picture for so long: reopen
    open_s: float = 10.0  # the same, for the first picture after opening
    frozen_s: float = 10.0  # a live picture that is bit by bit the same for so long is frozen; 0 never is
    backoff_min_s: float = 0.5
    backoff_max_s: float = 5.0  # with the opening itself, a source is seen again within 10 s of its return, however long it was away

    def __post_init__(self) -> None:
        faults = [fault for fault in _faults(self) if fault]
        if faults:
            raise CameraError(f"camera {self.id or '(no id)'}: " + "; ".join(faults))

    def __repr__(self) -> str:
        return f"CameraSpec(id={self.id!r}, source={shown(self.source)!r})"


def _faults(spec: CameraSpec) -> list[str]:
    """Everything that is wrong with a spec, each in words."""
    given = {key: (getattr(spec, key), most) for key, most in MOST.items() if getattr(spec, key) is not None}
    wrong = [f"{key} is {value}, expected above 0 and at most {most}" for key, (value, most) in given.items() if not 0 < value <= most]
    wrong += [] if spec.id else ["id is empty"]
    wrong += [] if 0 <= spec.frozen_s <= DAY_S else [f"frozen_s is {spec.frozen_s}, expected 0 (off) or more, and at most {DAY_S}"]
    wrong += [] if (spec.width is None) == (spec.height is None) else ["width and height are given together or not at all"]
    wrong += [] if spec.codec in CODECS else [f"codec is {spec.codec!r}, expected one of {', '.join(CODECS)}"]
    wrong += [] if spec.decoder in DECODERS else [f"decoder is {spec.decoder!r}, expected one of {', '.join(DECODERS)}"]
    if spec.backoff_max_s < spec.backoff_min_s:
        wrong.append(f"backoff_max_s is {spec.backoff_max_s}, expected at least backoff_min_s, {spec.backoff_min_s}")
    return wrong


def kind_of(source: str) -> str:
    """The kind of a source: "file" | "folder" | "v4l2" | "rtsp" | "csi". Raises CameraError for any other."""
    scheme = source.partition("://")[0].lower() if "://" in source else ""
    if scheme in ("rtsp", "rtsps"):
        return "rtsp"
    if scheme == "v4l2" or source.startswith("/dev/video"):
        return "v4l2"
    if scheme == "csi":
        return "csi"
    if scheme or not source:
        raise CameraError(f"source is {shown(source)!r}, expected {KINDS}")
    path = Path(source)
    return "folder" if path.is_dir() or path.suffix.lower() in PICTURES else "file"


def shown(source: str) -> str:
    """A source as it may be shown."""
    return redacted(source, source)


def redacted(text: str, source: str = "") -> str:
    """`text` with every URL's user and password, and every password of a query, replaced; and those of `source` wherever they stand."""
    for secret in secrets_of(source):
        text = text.replace(secret, "***")
    return _QUERY.sub(r"\1=***", _USER.sub("***@", text))


def secrets_of(source: str) -> list[str]:
    """The passwords in a source's URL, `user:password` and those of its query, as they stand there and decoded, longest first.

    One under four letters only with its user: alone it would be found in every other word.
    """
    rest = source.partition("://")[2]
    users = {rest.partition("@")[0], rest.rpartition("@")[0]} if "@" in rest else set()  # a path may hold an @ too, and a password
    found = {*users, *(user.partition(":")[2] for user in users), *(value for _, value in _PAIR.findall(rest))}
    return sorted((secret for secret in found | set(map(unquote, found)) if len(secret) > 3), key=lambda secret: (-len(secret), secret))
