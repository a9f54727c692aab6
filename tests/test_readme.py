"""What the READMEs tell people to type exists: modules, their options, make's targets, and every file that is linked."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools.flash import test_first_steps as first_steps

ROOT = Path(__file__).parent.parent
PAGES = sorted(path for path in ROOT.rglob("*.md") if not {".venv", "node_modules"} & set(path.parts))
COMMANDS = sorted(
    {line.split("#")[0].strip() for page in PAGES for line in page.read_text(encoding="utf-8").splitlines() if "python -m " in line}
)

README = (ROOT / "README.md").read_text(encoding="utf-8")
DOORS = re.findall(r"^    ((?:make|python|mosquitto_sub|curl|kill|systemd/).*)$", README, re.MULTILINE)
RUN_BY = {
    "make run": "edge/test_unit.py::test_the_demo_prints_reads_as_they_are_published_and_a_summary",
    "make view": "edge/web/test_view.py::test_the_view_opens_and_closes_with_the_unit",
    "python -m edge --config config.yaml --check-config": "edge/test_unit.py::test_check_config_says_good_or_what_is_wrong",
    "python -m edge --config config.yaml": "edge/test_unit.py::test_a_stop_is_quick_and_keeps_what_was_accepted",
    "kill -HUP": "tools/test_doors.py::test_the_operators_commands_work_on_a_running_unit",
    "python -m tools.outbox state": "tools/test_doors.py::test_the_operators_commands_work_on_a_running_unit",
    "python -m tools.erase": "tools/test_doors.py::test_the_operators_commands_work_on_a_running_unit",
    "curl": "tools/test_doors.py::test_the_operators_commands_work_on_a_running_unit",
    "python -m tools.fleet": "tools/fleet/test_fleet.py::test_once_says_it_in_its_exit_code",
    "python -m tools.watch": "tools/test_watch.py::test_mutual_tls",
    "python -m tools.bench accuracy": "tools/bench/test_bench.py::test_clean_rendered_plates_are_read_and_counted",
    "python -m tools.bench speed": "tools/bench/test_speed.py::test_speed_is_measured_on_the_clip_and_kept_as_a_row",
    "python -m tools.evaluate frames": "tools/test_evaluate.py::test_several_frames_are_compared_by_the_command",
    "python -m tools.export_triton": "tools/test_export_triton.py::test_the_released_models_become_a_repository",
    "python -m tools.export_onnx": "tools/test_export_onnx.py::test_a_release_exports_to_what_it_ships",
}
"""README's commands, and who runs each with a folder, a broker or a camera of its own in the place of what stands there."""
FIRST_STEPS = [line.partition("#")[0].split() for line in first_steps.LINES]
"""What tests/tools/flash/test_first_steps.py types word for word."""
BUILD = ("make test", "make env")
"""What the build itself is."""


def typed(line: str) -> tuple[str, list[str], list[str]]:
    """A documented command → its module, the words before the first option, and its options."""
    words = re.sub(r"[`\[\]]", " ", line.partition("python -m ")[2]).split()
    options = [word for word in words if word.startswith("--")]
    subcommand = [word for word in words[1:2] if word.isalpha() and word.islower()]
    return words[0].rstrip(".,;:"), subcommand, options


@pytest.mark.parametrize("line", [line for line in COMMANDS if re.match(r"(\$ )?python -m ", line)])
def test_documented_commands_and_their_options_exist(line: str) -> None:
    module, subcommand, options = typed(line)
    done = subprocess.run([sys.executable, "-m", module, *subcommand, "--help"], cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert not [option for option in options if option not in done.stdout]


def test_make_has_the_documented_targets() -> None:
    wanted = {target for page in PAGES for target in re.findall(r"^    make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE)}
    assert {"run", "test"} <= wanted
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert not [target for target in wanted if not re.search(rf"^{target}:", makefile, re.MULTILINE)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_linked_files_are_there(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
    assert not [link for link in links if not (page.parent / link).exists()]


@pytest.mark.parametrize("line", DOORS)
def test_every_command_of_the_readme_is_run_by_a_test_or_says_what_hardware_it_needs(line: str) -> None:
    command, _, remark = line.partition("#")
    if remark.strip().startswith("needs ") or command.startswith(BUILD) or command.split() in FIRST_STEPS:
        return
    start = max((start for start in RUN_BY if command.startswith(start)), key=len, default="")
    assert start, f"{command}: no test is named in RUN_BY, and it does not say `# needs …`"
    file, function = RUN_BY[start].split("::")
    assert f"def {function}(" in (ROOT / "tests" / file).read_text(encoding="utf-8"), RUN_BY[start]


@pytest.mark.parametrize(
    ("target", "options"), [("run", "--demo"), ("run SOURCE=a.mp4", "--demo --source 'a.mp4'"), ("view", "--demo --view")]
)
def test_make_starts_what_is_tested(target: str, options: str) -> None:
    done = subprocess.run(["make", "-n", "-o", ".venv/.run", *target.split()], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == f".venv/bin/python -m edge --config config.yaml {options}", done.stderr
