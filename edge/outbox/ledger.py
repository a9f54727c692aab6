"""How an outbox's state changes with what was committed: one pure function for each kind of job."""

from __future__ import annotations

from dataclasses import replace

from edge.events import Place
from edge.outbox.room import Cleared
from edge.outbox.state import OutboxState
from edge.outbox.store import Counts, Done


def accepted(state: OutboxState, place: Place) -> OutboxState:
    return replace(state, backlog=state.backlog + 1, accepted=state.accepted + 1, last_sequence=place.sequence)


def done(state: OutboxState, found: Done) -> OutboxState:
    """Events have arrived, and stay for a replay but for those that are gone."""
    kept = state.kept + found.arrived - found.gone
    return replace(state, backlog=state.backlog - found.arrived, acknowledged=state.acknowledged + found.arrived, kept=kept)


def dead(state: OutboxState, count: int) -> OutboxState:
    return replace(state, backlog=state.backlog - count, dead=state.dead + count, dead_letters=state.dead_letters + count)


def replayed(state: OutboxState, sequences: list[int]) -> OutboxState:
    count = len(sequences)
    return replace(state, backlog=state.backlog + count, kept=state.kept - count, replayed=state.replayed + count)


def recalled(state: OutboxState, sequences: list[int]) -> OutboxState:
    count = len(sequences)
    return replace(state, backlog=state.backlog + count, kept=state.kept - count, recalled=state.recalled + count)


def revived(state: OutboxState, sequences: list[int]) -> OutboxState:
    count = len(sequences)
    return replace(state, backlog=state.backlog + count, dead_letters=state.dead_letters - count, replayed=state.replayed + count)


def cleared(state: OutboxState, gone: Cleared) -> OutboxState:
    return replace(
        state,
        backlog=state.backlog - gone.expired,
        kept=state.kept - gone.pruned,
        dead_letters=state.dead_letters - gone.dropped_dead,
        pruned=state.pruned + gone.pruned,
        dropped_dead=state.dropped_dead + gone.dropped_dead,
        expired_by_age=state.expired_by_age + gone.expired_by_age,
        expired_by_size=state.expired_by_size + gone.expired_by_size,
    )


def opened(state: OutboxState, uuid: str, run: int, counts: Counts) -> OutboxState:
    """A database is open: what it holds is what counts, whatever was believed before."""
    return replace(
        state,
        uuid=uuid,
        run=run,
        backlog=counts.backlog,
        kept=counts.kept,
        dead_letters=counts.dead_letters,
        rescued=state.rescued + (counts.last_sequence - state.last_sequence if uuid == state.uuid else 0),
        last_sequence=counts.last_sequence,
        dead=counts.tally.get("dead", 0),
        expired_by_age=counts.tally.get("expired_by_age", 0),
        expired_by_size=counts.tally.get("expired_by_size", 0),
    )
