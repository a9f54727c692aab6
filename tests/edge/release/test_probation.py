"""Whether a release may stay, by what is seen of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.release.observation import Observation
from edge.release.probation import SETTLE_S, STALL_S, START_S, Probation, Verdict

FINE = Observation("active", 10, 0, page=True, healthy=True, frames=100, streaming=("gate", "road"), broker=True)
LENGTH_S = 300.0


def after(before: Observation | None, seen: list[Observation], length_s: float = LENGTH_S) -> tuple[Verdict | None, float]:
    """What is seen a second, the last for ever (frames going on where they went on before) → the verdict, and after how many seconds."""
    probation, now_s = Probation(before, length_s, 0.0), 0.0
    for number in range(int(length_s + START_S + 3 * SETTLE_S)):
        now_s += 1
        each = seen[min(number, len(seen) - 1)]
        each = replace(each, frames=each.frames + number) if each.frames else each
        if verdict := probation.look(each, now_s):
            return verdict, now_s
    return None, now_s


def test_as_good_as_before_it_stays() -> None:
    verdict, took_s = after(FINE, [Observation("activating", 10, 0)] * 5 + [FINE])
    assert verdict and verdict.kept and took_s == pytest.approx(LENGTH_S + 6, abs=1)


@pytest.mark.parametrize(
    ("seen", "said", "within_s"),
    [
        (Observation("activating", 0, 0), "not ready after 150 s (activating)", START_S + 2),
        (Observation("failed", 0, 0), "not ready after 150 s (failed)", START_S + 2),
        (Observation("active", 10, 0), "its health page does not answer", SETTLE_S + 2),
        (replace(FINE, healthy=False, why="stuck: detect"), "it says that it fails: stuck: detect", SETTLE_S + 2),
        (replace(FINE, broker=False), "it does not reach the broker, which the release before it did", SETTLE_S + 2),
        (replace(FINE, streaming=("road",)), "no pictures from gate, which the release before it had", SETTLE_S + 2),
        (replace(FINE, errors=3.0), "3 events were lost", SETTLE_S + 2),
        (replace(FINE, frames=0), "it looks at no frames", SETTLE_S + 2),
    ],
)
def test_what_the_release_before_it_did_it_must_do(seen: Observation, said: str, within_s: float) -> None:
    verdict, took_s = after(FINE, [seen])
    assert verdict == Verdict(False, said) and took_s <= within_s


def test_a_daemon_that_ends_again_and_again_goes_at_once() -> None:
    seen = [Observation("activating", 0, number // 3) for number in range(30)]
    verdict, took_s = after(FINE, seen)
    assert verdict == Verdict(False, "the daemon ended and was started again 2 times") and took_s <= 8


def test_one_restart_may_be_a_cable() -> None:
    verdict, _ = after(FINE, [FINE] * 10 + [Observation("activating", 0, 1)] * 5 + [replace(FINE, restarts=1, pid=11)])
    assert verdict and verdict.kept


def test_what_was_amiss_before_is_not_held_against_it() -> None:
    """The broker was away and a camera was broken under the old release too; a unit without any was fine with that."""
    before = replace(FINE, streaming=("road",), broker=False, healthy=False, errors=2)
    verdict, _ = after(before, [replace(before, errors=5)])
    assert verdict and verdict.kept


def test_without_a_release_before_it_being_ready_is_all() -> None:
    verdict, took_s = after(None, [Observation("active", 10, 0)], 20)
    assert verdict and verdict.kept and took_s == pytest.approx(21, abs=1)


def test_trouble_that_settles_is_forgiven_and_one_that_comes_back_is_not() -> None:
    away = replace(FINE, broker=False)
    verdict, _ = after(FINE, [away] * 30 + [FINE])
    assert verdict and verdict.kept
    verdict, took_s = after(FINE, [FINE] * 100 + [away])
    assert verdict and not verdict.kept and took_s == pytest.approx(100 + SETTLE_S, abs=2)


def test_frames_that_stop_are_seen() -> None:
    verdict, took_s = after(FINE, [FINE] * 50 + [replace(FINE, frames=0)])
    assert verdict == Verdict(False, "it looks at no frames") and took_s == pytest.approx(50 + STALL_S + SETTLE_S, abs=3)


def test_it_never_stays_in_trouble() -> None:
    """The end of the time does not come while the broker is away, however short the time is."""
    verdict, _ = after(FINE, [FINE] * 2 + [replace(FINE, broker=False)], 4)
    assert verdict == Verdict(False, "it does not reach the broker, which the release before it did")
