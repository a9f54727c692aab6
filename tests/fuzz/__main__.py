"""`python -m tests.fuzz`: thousands of inputs that nobody expects, to all that takes something from outside. Exits with 1 at a defect.

    python -m tests.fuzz --examples 20000                    # every target, a new seed
    python -m tests.fuzz config decode --seed 7              # some of them, as that run did
    python -m tests.fuzz --list

A defect is told with the smallest input that was found for it. An input that hangs ends the run with the stacks of all threads. OpenCV's
codecs say what they think of damaged pictures on standard error: 2>/dev/null.
"""

from __future__ import annotations

import argparse
import platform
import resource
import secrets
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.chaos import report
from tests.fuzz.target import count
from tests.fuzz.targets import TARGETS

MOST_BYTES = 3 << 30
"""An input that asks for more is a defect, and must not take the machine with it."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if chosen.list:
        print("\n".join(target.name for target in TARGETS))
        return 0
    targets = [target for target in TARGETS if not chosen.targets or any(word in target.name for word in chosen.targets)]
    if not targets:
        parser.error(f"no target has one of these words in its name: {', '.join(chosen.targets)}; see --list")
    where = f"{platform.machine()}, Python {platform.python_version()}, seed {chosen.seed}, {chosen.examples} examples"
    conditions = f"{chosen.conditions}; {where}" if chosen.conditions else where
    print(f"seed {chosen.seed}", flush=True)
    found = []
    for target in targets:
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            found.append(count(target, Path(folder), chosen.examples, chosen.seed, print))
        print(report.table(found[-1:]).splitlines()[-1], flush=True)
        if chosen.csv is not None:  # after each: a run of hours may be cut off
            report.write_csv(chosen.csv, found, conditions)
    print(f"\n{report.table(found)}")
    return 0 if all(each.passed for each in found) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tests.fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", help="those whose names hold one of these words; all unless given")
    parser.add_argument("--examples", type=int, default=2000, help="inputs a target (%(default)s)")
    parser.add_argument("--seed", type=int, default=secrets.randbits(32), help="what a run before this one said; random unless given")
    parser.add_argument("--list", action="store_true", help="the targets' names")
    parser.add_argument("--csv", type=Path, metavar="FILE")
    parser.add_argument("--conditions", default="", help="a word for the CSV about the machine")
    return parser


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_BYTES, MOST_BYTES))
    sys.exit(main())
