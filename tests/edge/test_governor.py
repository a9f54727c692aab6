"""Heat and power from a machine laid out in a folder; work shed in its order, and taken up again with hysteresis."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from edge import sysfs
from edge.gate import GateRules
from edge.governor import STEPS, Governor, GovernorRules, within
from edge.sysfs import Reading

RULES = GovernorRules(hot_c=85, cool_c=75, most_watts=20, react_s=10, recover_s=60)


def put(root: Path, path: str, text: str | int) -> None:
    file = root / "sys" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{text}\n")


@pytest.fixture
def board(tmp_path: Path) -> Path:
    """A module with two zones, a fan, a throttle, and an INA3221 with two rails."""
    for number, (name, milli) in enumerate((("cpu-thermal", 61500), ("gpu-thermal", 58000))):
        put(tmp_path, f"class/thermal/thermal_zone{number}/type", name)
        put(tmp_path, f"class/thermal/thermal_zone{number}/temp", milli)
    for number, (name, state) in enumerate((("pwm-fan", 3), ("cpufreq-cpu0", 0))):
        put(tmp_path, f"class/thermal/cooling_device{number}/type", name)
        put(tmp_path, f"class/thermal/cooling_device{number}/cur_state", state)
    put(tmp_path, "class/hwmon/hwmon3/name", "ina3221")
    for number, (label, milli_v, milli_a) in enumerate((("VDD_IN", 5000, 2400), ("VDD_SOC", 5000, 400)), 1):
        put(tmp_path, f"class/hwmon/hwmon3/in{number}_label", label)
        put(tmp_path, f"class/hwmon/hwmon3/in{number}_input", milli_v)
        put(tmp_path, f"class/hwmon/hwmon3/curr{number}_input", milli_a)
    put(tmp_path, "class/hwmon/hwmon4/oc1_event_cnt", 2)
    put(tmp_path, "class/hwmon/hwmon4/oc3_event_cnt", 1)
    return tmp_path


def test_a_board_is_read_as_its_kernel_tells_it(board: Path) -> None:
    reading = sysfs.read(board)
    assert reading.temperatures_c == {"cpu-thermal": 61.5, "gpu-thermal": 58.0} and reading.hottest_c == 61.5
    assert reading.watts == {"VDD_IN": 12.0, "VDD_SOC": 2.0} and reading.total_w == 12.0, "the whole module holds the other rail"
    assert (reading.throttled, reading.throttles) == (False, 3), "a fan that turns throttles nothing"
    put(board, "class/thermal/cooling_device1/cur_state", 2)
    assert sysfs.read(board).throttled


def test_an_x86_machine_and_one_that_says_nothing(tmp_path: Path) -> None:
    assert sysfs.read(tmp_path) == Reading() and Reading().hottest_c is None and Reading().total_w is None
    put(tmp_path, "devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", 4)
    put(tmp_path, "devices/system/cpu/cpu1/thermal_throttle/core_throttle_count", 5)
    put(tmp_path, "class/hwmon/hwmon0/name", "power_meter")
    put(tmp_path, "class/hwmon/hwmon0/power1_input", 15_250_000)
    reading = sysfs.read(tmp_path)
    assert (reading.throttles, reading.watts, reading.total_w) == (9, {"power_meter 1": 15.25}, 15.25)


def test_a_zone_that_is_off_or_talks_nonsense_is_left_out(board: Path) -> None:
    put(board, "class/thermal/thermal_zone2/type", "dead-thermal")
    put(board, "class/thermal/thermal_zone3/type", "odd-thermal")
    put(board, "class/thermal/thermal_zone3/temp", "n/a")
    (board / "sys/class/thermal/thermal_zone4/temp").mkdir(parents=True)  # reading it is an OSError, as EAGAIN of a zone that sleeps
    assert set(sysfs.temperatures(board)) == {"cpu-thermal", "gpu-thermal"}


def hot(celsius: float) -> Reading:
    return Reading({"cpu": celsius})


def test_work_is_shed_in_the_declared_order_lpsr_first_detection_last() -> None:
    governor, names = Governor(RULES), []
    for second in range(0, 100, 5):
        if governor.look(hot(90), second):
            names.append(governor.step.name)
    assert names == [step.name for step in STEPS[1:]], "one step each react_s, and none beyond the last"
    lpsr, reads, every = zip(*((step.lpsr, step.reads, step.every) for step in STEPS), strict=True)
    assert list(lpsr) == sorted(lpsr, reverse=True) and list(reads) == sorted(reads, reverse=True) and list(every) == sorted(every)
    first_less_reads = next(i for i, share in enumerate(reads) if share < 1)
    first_less_frames = next(i for i, each in enumerate(every) if each > 1)
    assert lpsr.index(0.0) < first_less_reads < first_less_frames


def test_between_hot_and_cool_nothing_changes() -> None:
    governor = Governor(RULES)
    assert governor.look(hot(86), 0)
    assert not any(governor.look(hot(80), second) for second in range(1, 1000))
    assert governor.at == 1


def test_work_comes_back_a_step_at_a_time_after_it_has_been_cool() -> None:
    governor = Governor(RULES)
    for second in (0, 10, 20):
        governor.look(hot(90), second)
    changes = [second for second in range(21, 400) if governor.look(hot(70), second)]
    assert changes == [81, 141, 201] and governor.at == 0


def test_a_warm_moment_starts_the_wait_anew() -> None:
    governor = Governor(RULES)
    governor.look(hot(90), 0)
    changes = [second for second in range(1, 200) if governor.look(hot(80 if second == 50 else 70), second)]
    assert changes == [111]


def test_watts_and_throttling_shed_too_and_say_so(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        governor = Governor(RULES)
        governor.look(Reading(watts={"VDD_IN": 21.5}), 0)
        governor.look(Reading(throttled=True), 10)
        governor.look(Reading(throttles=7), 20)
        governor.look(Reading(throttles=9), 30)
    assert governor.at == 3 and governor.shed == 3
    assert "work is shed (21.5 W, allowed 20): step 1 of 5, LPSR for half as large plates" in caplog.text
    assert "the kernel throttles" in caplog.text and "throttled 2 times since the last look" in caplog.text


def test_a_machine_that_says_nothing_sheds_nothing_and_a_governor_that_is_off_gives_all_back() -> None:
    governor = Governor(RULES)
    assert not any(governor.look(Reading(), second) for second in range(100))
    governor.look(hot(95), 100)
    governor.rules = GovernorRules(enabled=False)
    assert [second for second in range(101, 300) if governor.look(hot(95), second)] == [161]


def test_the_gate_does_what_a_step_leaves() -> None:
    rules = GateRules(enhance="always", enhance_below_px=18, enhance_below_sharpness=0.12, give_up_reads=30)
    assert within(rules, STEPS[0]) == rules
    half, none, fewer = (within(rules, step) for step in STEPS[1:4])
    assert (half.enhance, half.enhance_below_px, half.enhance_below_sharpness) == ("auto", 9, 0.06)
    assert (none.enhance, fewer.enhance, fewer.give_up_reads) == ("never", "never", 15)
    assert within(GateRules(enhance="never"), STEPS[1]).enhance == "never", "a governor takes work away and never adds any"
