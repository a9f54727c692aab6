"""How units stand: what runs, what is on trial, what was refused."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

COLUMNS = ("unit", "device", "runs", "good", "trial", "blocklist", "free", "last")


def text(facts: Mapping[str, Any]) -> str:
    """A unit's facts as a line of JSON, for the table and for machines."""
    return json.dumps(facts, sort_keys=True)


def table(rows: Sequence[tuple[str, Mapping[str, Any] | str]]) -> Table:
    """Of name and facts, or of name and why there are none."""
    table = Table(box=None, pad_edge=False)
    for name in COLUMNS:
        table.add_column(name, overflow="fold")
    for name, facts in rows:
        table.add_row(name, *(_cells(facts) if not isinstance(facts, str) else [f"[red]{facts}[/]"]))
    return table


def _cells(facts: Mapping[str, Any]) -> list[str]:
    store, journal = facts["store"], facts["store"]["journal"]
    trial, outcome = journal.get("trial"), journal.get("outcome") or {}
    device = f"{facts['model'] or facts['machine']}{', JetPack ' + facts['jetpack'] if facts['jetpack'] else ''}"
    blocked = sorted({entry["release"] for entry in journal.get("blocked", {}).values()})
    return [
        device,
        str(store["current"] or "nothing"),
        str(store["good"] or "nothing"),
        f"{trial['release']}, {trial['phase']}" if trial else "",
        ", ".join(map(str, blocked)),
        f"{facts['disk_free_mb'] / 1024:.1f} GB",
        f"{outcome['release']} {'kept' if outcome['kept'] else 'refused'}: {outcome['why']}" if outcome else "",
    ]
