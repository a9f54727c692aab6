"""What is stored of a vehicle, taken out of the database: its events that wait, those kept for a replay, its dead letters."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass, replace

from edge.outbox.state import OutboxState

BODY = "CAST(body AS TEXT)"
OF_A_VEHICLE = f"SELECT sequence FROM {{table}} WHERE json_extract({BODY}, '$.vehicle') IN (SELECT vehicle FROM temp.erased)"


@dataclass(frozen=True, slots=True)
class Erased:
    """How many events went, by where they were."""

    waiting: int = 0
    kept: int = 0
    dead_letters: int = 0


def erase(db: sqlite3.Connection, texts: Collection[str]) -> Erased:
    """Inside a transaction: the events of every vehicle that was read as one of these texts, or hit one on a list, under whatever text
    its other event has."""
    db.execute("CREATE TEMP TABLE IF NOT EXISTS erased (vehicle TEXT)")
    db.execute("DELETE FROM temp.erased")
    for table in ("event", "dead"):
        marks = ", ".join("?" * len(texts))
        read = f"json_extract({BODY}, '$.plate') IN ({marks}) OR json_extract({BODY}, '$.raw') IN ({marks})"
        hit = f"EXISTS (SELECT 1 FROM json_each({BODY}, '$.hits') WHERE json_extract(value, '$.plate') IN ({marks}))"
        vehicles = f"SELECT json_extract({BODY}, '$.vehicle') FROM {table} WHERE {read} OR {hit}"
        db.execute(f"INSERT INTO temp.erased {vehicles}", (*texts, *texts, *texts))
    waiting = _deleted(db, "event", "lane IS NOT NULL")
    kept = _deleted(db, "event", "lane IS NULL")
    dead = _deleted(db, "dead", "true")
    db.execute("DELETE FROM temp.erased")
    return Erased(waiting, kept, dead)


def counted(state: OutboxState, gone: Erased) -> OutboxState:
    """The outbox's state once an erasure is committed."""
    backlog, kept, dead_letters = state.backlog - gone.waiting, state.kept - gone.kept, state.dead_letters - gone.dead_letters
    return replace(state, backlog=backlog, kept=kept, dead_letters=dead_letters)


def _deleted(db: sqlite3.Connection, table: str, which: str) -> int:
    return db.execute(f"DELETE FROM {table} WHERE {which} AND sequence IN ({OF_A_VEHICLE.format(table=table)})").rowcount
