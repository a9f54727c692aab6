"""Many units: in parallel, canaries first, each on the screen."""

from __future__ import annotations

import io
import threading

import pytest
from rich.console import Console

from tools.flash import UnitError, fleet
from tools.flash.fleet import Result
from tools.flash.inventory import Target
from tools.flash.screen import Screen
from tools.flash.unit import Unit

TARGETS = [Target(f"192.0.2.{number}", f"unit-{number}") for number in range(1, 6)]


def run(bad: set[str], canaries: int = 0, parallel: int = 8) -> tuple[list[Result], list[str]]:
    began: list[str] = []

    def work(unit: Unit) -> str:
        began.append(unit.target.name)
        if unit.target.name in bad:
            raise UnitError("the self-test failed")
        return "runs release 2"

    return fleet.run(TARGETS, work, lambda result: None, canaries, parallel), began


def test_all_of_them_and_one_s_failure_is_its_own() -> None:
    found, began = run({"unit-2"})
    assert [result.name for result in found] == [target.name for target in TARGETS] and len(began) == 5
    assert [result.good for result in found] == [True, False, True, True, True]
    assert found[1].text == "the self-test failed"


def test_a_canary_that_fails_spares_the_others() -> None:
    found, began = run({"unit-2"}, canaries=2)
    assert sorted(began) == ["unit-1", "unit-2"]
    assert [(result.good, result.touched) for result in found[2:]] == [(False, False)] * 3
    assert found[4].text == "not touched: unit-2 went first, and failed"


def test_canaries_that_keep_it_let_the_others_go() -> None:
    found, began = run(set(), canaries=2)
    assert all(result.good for result in found) and set(began[:2]) == {"unit-1", "unit-2"}


def test_as_many_at_a_time_as_was_asked_for() -> None:
    """Three can only meet where three run at once, and with two at a time they would wait for ever."""
    meeting = threading.Barrier(3, timeout=30)

    def work(unit: Unit) -> str:
        return str(meeting.wait()) if unit.target.name != "unit-5" else ""

    assert [result.good for result in fleet.run(TARGETS[:3], work, lambda result: None, parallel=3)] == [True] * 3


def test_what_nobody_expected_is_not_swallowed() -> None:
    def work(unit: Unit) -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fleet.run(TARGETS, work, lambda result: None)


def test_the_live_table() -> None:
    said, now = io.StringIO(), [10.0]
    screen = Screen(["north", "south", "west"], Console(file=said, force_terminal=True, width=80, color_system=None), lambda: now[0])
    screen.step("north", "copy", "40% of 8.0 MB")
    now[0] = 15.0
    screen.end(Result("south", False, "release 2 did not stay: [no broker]"))
    Console(file=said, width=80, color_system=None).print(screen.table())
    lines = said.getvalue().splitlines()
    assert any(line.split() == ["north", "copy", "40%", "of", "8.0", "MB", "5"] for line in lines)
    assert any("failed" in line and "[no broker]" in line for line in lines) and any("waits" in line for line in lines)


def test_a_line_a_step_where_nobody_looks_on() -> None:
    said = io.StringIO()
    screen = Screen(["north"], Console(file=said))
    with screen.live():
        for detail in ("0%", "50%", "100%"):
            screen.step("north", "copy", detail)
        screen.step("north", "verify", "")
        screen.end(Result("north", True, "runs release 2"))
    assert said.getvalue() == "north: copy 0%\nnorth: verify\nnorth: done: runs release 2\n"
