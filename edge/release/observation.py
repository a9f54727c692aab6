"""How the daemon does at a moment: what systemd says of it, and its own health page."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from edge.release.services import DaemonState

PATIENCE_S: Final = 5.0
PAGE: Final = ("127.0.0.1", 9108)
"""The config's default."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What is known; `page` false: nobody answers, and what follows says nothing."""

    active: str
    pid: int
    restarts: int
    page: bool = False
    healthy: bool = False
    why: str = ""  # not healthy
    frames: float = 0.0  # detected since the start
    streaming: tuple[str, ...] = ()  # cameras
    broker: bool = False
    errors: float = 0.0  # events lost since the start

    @classmethod
    def recalled(cls, stored: Mapping[str, Any]) -> Observation | None:
        """From the journal; None where nothing was stored."""
        if not stored:
            return None
        known = {each.name: stored[each.name] for each in fields(cls) if each.name in stored}
        return cls(**{**known, "streaming": tuple(known.get("streaming", ()))})


def observe(state: DaemonState, config: Path) -> Observation:
    """Never raises for a daemon that is in trouble: that is what is looked for."""
    address = page_of(config)
    metrics = _get(address, "metrics") if address and state.active == "active" else None
    if metrics is None:
        return Observation(state.active, state.pid, state.restarts)
    health = _get(address, "healthz")
    values = _values(metrics[1])
    return Observation(
        state.active,
        state.pid,
        state.restarts,
        page=True,
        healthy=health is not None and health[0] == 200,
        why=health[1].strip()[:300] if health and health[0] != 200 else "",
        frames=sum(value for _, value in values.get("kerbside_frames_detected_total", [])),
        streaming=tuple(sorted(label for label, value in values.get("kerbside_camera_streaming", []) if value)),
        broker=any(value for _, value in values.get("kerbside_broker_connected", [])),
        errors=sum(value for _, value in values.get("kerbside_events_lost_total", [])),
    )


def page_of(config: Path) -> str:
    """The address of the health page that a config asks for, "" for none."""
    import yaml  # a bare unit has none yet, and asks for nothing here

    try:
        section = (yaml.safe_load(config.read_text(encoding="utf-8")) or {}).get("health") or {}
        host, port = section.get("host", PAGE[0]), section.get("port", PAGE[1])
    except (OSError, yaml.YAMLError, AttributeError):
        return ""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)
    return f"http://{host}:{port}" if port else ""


def _get(address: str, path: str) -> tuple[int, str] | None:
    try:
        with urllib.request.urlopen(f"{address}/{path}", timeout=PATIENCE_S) as answer:
            return answer.status, answer.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode("utf-8", "replace")
    except (OSError, ValueError):
        return None


def _values(text: str) -> dict[str, list[tuple[str, float]]]:
    """Metric → its samples, each as the value of its first label and the number."""
    from prometheus_client.parser import text_string_to_metric_families

    found: dict[str, list[tuple[str, float]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((next(iter(sample.labels.values()), ""), sample.value))
    return found
