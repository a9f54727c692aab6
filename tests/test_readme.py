"""What the READMEs tell people to type exists: modules, their options, make's targets, and every file that is linked."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted(path for path in ROOT.rglob("*.md") if not {".venv", "node_modules"} & set(path.parts))
COMMANDS = sorted(
    {line.split("#")[0].strip() for page in PAGES for line in page.read_text(encoding="utf-8").splitlines() if "python -m " in line}
)


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
