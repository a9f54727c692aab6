"""Heat, throttling and power as the kernel tells them. Every reader takes a root, so that a test can lay out a machine of its own.

Looked up in the kernel's documentation (thermal/sysfs-api, hwmon/sysfs-interface, hwmon/ina3221) and not yet on a Jetson: there, the
INA3221 measures the module's rails, VDD_IN being the whole module where the board has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path("/")
SLOWED = ("throttle", "cpufreq", "devfreq", "processor")
"""Words in the type of a cooling device that cools by slowing something down; a fan is none."""
WHOLE = "VDD_IN"


@dataclass(frozen=True, slots=True)
class Reading:
    """The machine at a moment; empty or None where it does not say."""

    temperatures_c: dict[str, float] = field(default_factory=dict)  # by thermal zone
    watts: dict[str, float] = field(default_factory=dict)  # by rail
    throttled: bool = False  # something is being slowed down now
    throttles: int | None = None  # how often something was, since the machine started

    @property
    def hottest_c(self) -> float | None:
        return max(self.temperatures_c.values(), default=None)

    @property
    def total_w(self) -> float | None:
        """The whole module where a rail says so, otherwise all rails together."""
        return self.watts.get(WHOLE, sum(self.watts.values())) if self.watts else None


def read(root: Path = ROOT) -> Reading:
    return Reading(temperatures(root), watts(root), throttled(root), throttles(root))


def temperatures(root: Path = ROOT) -> dict[str, float]:
    """The kernel's thermal zones by name, in °C; a zone that is switched off answers with an error and is left out."""
    zones = sorted((root / "sys/class/thermal").glob("thermal_zone*"))
    found = [(_text(zone / "type"), _number(zone / "temp")) for zone in zones]
    return {name: value / 1000 for name, value in found if name and value is not None}


def watts(root: Path = ROOT) -> dict[str, float]:
    """Power by rail: what a hwmon chip measures itself (µW), or volts times amperes (mV, mA)."""
    found: dict[str, float] = {}
    for chip in sorted((root / "sys/class/hwmon").glob("hwmon*")):
        for path in sorted(chip.glob("power*_input")):
            number = path.name[len("power") : -len("_input")]
            if (value := _number(path)) is not None:
                found[_text(chip / f"power{number}_label") or f"{_text(chip / 'name')} {number}"] = round(value / 1e6, 3)
        found |= dict(_rails(chip))
    return found


def throttled(root: Path = ROOT) -> bool:
    """Whether any cooling device slows something down now."""
    devices = (root / "sys/class/thermal").glob("cooling_device*")
    slowing = (each for each in devices if any(word in _text(each / "type").lower() for word in SLOWED))
    return any((_number(each / "cur_state") or 0) > 0 for each in slowing)


def throttles(root: Path = ROOT) -> int | None:
    """How often a core was slowed down for its heat (x86), or the module for its current (Jetson); None where nothing counts it."""
    paths = [
        *(root / "sys/devices/system/cpu").glob("cpu[0-9]*/thermal_throttle/core_throttle_count"),
        *(root / "sys/class/hwmon").glob("hwmon*/oc*_event_cnt"),
    ]
    counts = [int(value) for path in paths if (value := _number(path)) is not None]
    return sum(counts) if counts else None


def _rails(chip: Path) -> Iterator[tuple[str, float]]:
    for path in sorted(chip.glob("curr*_input")):
        number = path.name[len("curr") : -len("_input")]
        label, volts, amperes = _text(chip / f"in{number}_label"), _number(chip / f"in{number}_input"), _number(path)
        if label and volts is not None and amperes is not None:
            yield label, round(volts * amperes / 1e6, 3)


def _text(path: Path) -> str:
    """ "" where there is no such file, or the driver answers with an error, as one does whose device sleeps."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _number(path: Path) -> float | None:
    text = _text(path)
    try:
        return float(text) if text else None
    except ValueError:
        return None
