"""Who is stuck, and who only waits."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from edge.pipeline import Pipeline, Stage
from edge.pulse import Pulse, Vigil, Watched
from tests.edge.waiting import until

S = 1_000_000_000


def at(pulse: Pulse, now_ns: int) -> None:
    pulse.at_ns = now_ns


def vigil_of(pulse: Pulse, **more: Any) -> tuple[Vigil, int]:
    return Vigil([Watched("read", pulse, 3.0, **more)]), pulse.at_ns


def looks(vigil: Vigil, start_ns: int, seconds: float) -> list[str]:
    """Look twice a second, as the main thread does → what the last look found."""
    found: list[str] = []
    for half in range(1, round(seconds * 2) + 1):
        found = vigil.stuck(start_ns + half * S // 2)
    return found


def test_a_silent_thread_is_stuck_after_its_patience_and_named_with_its_silence() -> None:
    vigil, now_ns = vigil_of(Pulse())
    assert looks(vigil, now_ns, 3) == []
    assert looks(vigil, now_ns + 3 * S, 1) == ["read (4.0 s)"]


def test_a_beat_ends_it() -> None:
    pulse = Pulse()
    vigil, now_ns = vigil_of(pulse)
    assert looks(vigil, now_ns, 5)
    at(pulse, now_ns + 5 * S)
    assert vigil.stuck(now_ns + 5 * S + S // 2) == []


def test_a_thread_that_has_ended_or_is_excused_is_not_stuck() -> None:
    pulse, away = Pulse(), True
    vigil, now_ns = vigil_of(pulse, excused=lambda: away)
    assert looks(vigil, now_ns, 20) == []
    pulse.ended, away = True, False
    assert looks(vigil, now_ns + 20 * S, 5) == []


def test_a_camera_that_is_back_has_time_to_beat() -> None:
    """Its state says streaming a moment before its thread comes round, and on a busy machine that moment may be seconds."""
    pulse, away = Pulse(), True
    vigil = Vigil([Watched("camera", pulse, 3.0, lambda: away)])
    now_ns = pulse.at_ns
    looks(vigil, now_ns, 60)
    away = False
    assert looks(vigil, now_ns + 60 * S, 3) == []
    assert looks(vigil, now_ns + 63 * S, 1) == ["camera (4.0 s)"], "and no longer than any other"
    at(pulse, now_ns + 64 * S)
    assert looks(vigil, now_ns + 64 * S, 2) == []


def test_an_observer_that_was_away_itself_blames_nobody() -> None:
    """SIGSTOP, a suspended machine: everybody's beat is old then."""
    vigil, now_ns = vigil_of(Pulse())
    assert vigil.stuck(now_ns + 100 * S) == []
    assert looks(vigil, now_ns + 100 * S, 2) == []
    assert looks(vigil, now_ns + 102 * S, 2) == ["read (4.0 s)"]


def test_only_the_stage_that_hangs_falls_silent() -> None:
    """Those before it wait for room and those behind it for work: both come round."""
    release, stop = threading.Event(), threading.Event()

    def hang(item: int) -> Iterable[int]:
        release.wait(30)
        return ()

    stages = [Stage(name, lambda item: (item,)) for name in ("first", "second")] + [Stage("stuck", hang), Stage("last", lambda item: ())]
    pipeline = Pipeline([], lambda most: [1], stages, stop)
    pipeline.start()
    try:
        until(lambda: pipeline.waiting()["second"] == pipeline.waiting()["stuck"] == 8, "all queues before it are full")
        before = {name: pulse.at_ns for name, pulse in pipeline.pulses.items()}
        beating = {"first", "second", "last"}
        until(lambda: all(pipeline.pulses[name].at_ns > before[name] for name in beating), "the others' next beat")
        assert pipeline.pulses["stuck"].at_ns == before["stuck"]
    finally:
        release.set()
        assert pipeline.close(30) == []
