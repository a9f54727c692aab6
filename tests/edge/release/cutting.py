"""`python -m tests.edge.release.cutting`: what a unit does with a release, cut at every single change on its disk.

Each act runs in a process that ends (os._exit) just before its k-th change, for every k: no `finally` is run, as with a power cut. Then the
unit boots: its guard runs. Then whoever flashed it tries again. Prints how often each act was cut.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from itertools import count
from pathlib import Path
from typing import Any

from edge.release import RefusedError, journal, trial
from edge.release.layout import Layout
from tests.edge.release import units
from tests.edge.release.units import StandinServices

CHANGES = {"os.rename", "os.mkdir", "os.symlink", "os.remove", "os.rmdir", "os.chmod", "os.truncate", "subprocess.Popen"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
CUT, DONE = 9, 0


class Act:
    """Something that a unit does, on a unit that stands as `template`."""

    def __init__(self, template: Path, broken: frozenset[int] = frozenset()) -> None:
        self.template, self.broken = template, broken
        self.image, self.bundle = template / "image", template / "2.tar.gz"

    def run(self, layout: Layout, services: StandinServices) -> None:
        shutil.copyfile(self.bundle, layout.root / "2.tar.gz")
        units.update(layout, services, layout.root / "2.tar.gz", self.image)

    def good(self, layout: Layout) -> bool:
        """How it must end, once it was let end."""
        known = journal.load(layout.journal)
        return (layout.number(layout.good), units.whole(layout), known.highest, known.trial) == (2, 2, 2, None)


class Bad(Act):
    """The same with a release that cannot start."""

    def good(self, layout: Layout) -> bool:
        known = journal.load(layout.journal)
        blocked = [entry.release for entry in known.blocked.values()]
        return (layout.number(layout.good), units.whole(layout), known.highest, known.trial, blocked) == (1, 1, 1, None, [2])


class Back(Act):
    """From release 2 back to 1, by an operator."""

    def run(self, layout: Layout, services: StandinServices) -> None:
        if layout.number(layout.good) != 1:
            trial.go_back(layout, services, 20.0)
            units.guard(layout, services).run()

    def good(self, layout: Layout) -> bool:
        known = journal.load(layout.journal)
        return (layout.number(layout.good), units.whole(layout), known.highest, known.trial) == (1, 1, 2, None)


class First(Act):
    """A bare unit's first release."""

    def __init__(self, template: Path, key: Any) -> None:
        super().__init__(template)
        self.key = key

    def run(self, layout: Layout, services: StandinServices) -> None:
        if not journal.load(layout.journal).highest:
            shutil.copyfile(self.template / "1.tar.gz", layout.root / "1.tar.gz")
            units.provision(layout, services, layout.root / "1.tar.gz", self.key, self.image)

    def good(self, layout: Layout) -> bool:
        return (layout.number(layout.good), units.whole(layout), journal.load(layout.journal).highest) == (1, 1, 1)


def cuts(act: Act, work: Path, bare: bool = False) -> int:
    """→ how often the act was cut before it came to its end. Fails where a unit stands wrong after one."""
    for k in count(1):
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(act.template / "unit", work, symlinks=True)
        layout = Layout(work)
        child = os.fork()
        if not child:
            _until(k, work)
            os._exit(_ended(act, layout))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert code in (CUT, DONE), f"{type(act).__name__}, cut {k}: ended with {code}"
        assert bare or units.whole(layout) in (1, 2), f"{type(act).__name__}, cut {k}: no working release"
        services = StandinServices(layout, act.broken)
        units.guard(layout, services).run()  # the boot
        assert bare or units.whole(layout) in (1, 2), f"{type(act).__name__}, cut {k}: no working release after the boot"
        _again(act, layout, services)
        assert act.good(layout), f"{type(act).__name__}, cut {k}: ended wrong: {layout.journal.read_text()}"
        if code == DONE:
            return k - 1
    raise AssertionError("unreachable")


def _until(k: int, work: Path) -> None:
    left = k

    def hook(event: str, given: tuple[Any, ...]) -> None:
        nonlocal left
        writes = event == "open" and isinstance(given[2], int) and bool(given[2] & WRITING)
        if (writes and str(work) in str(given[0])) or event in CHANGES:
            left -= 1
            if not left:
                os._exit(CUT)

    sys.addaudithook(hook)


def _ended(act: Act, layout: Layout) -> int:
    act.run(layout, StandinServices(layout, act.broken))
    return DONE


def _again(act: Act, layout: Layout, services: StandinServices) -> None:
    try:
        act.run(layout, services)
    except RefusedError:
        assert act.broken, "a good release was refused after a cut"


def main() -> None:
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # where waiting for the disk takes no time
    with tempfile.TemporaryDirectory(prefix="kerbside-cuts-", dir=memory) as name:
        folder = Path(name)
        template = folder / "template"
        key, image = units.key(folder / "keys"), units.image(template / "image")
        for number in (1, 2):
            units.bundle(template, number, key)
        layout = Layout(template / "unit")
        layout.root.mkdir()
        done = {"first": cuts(First(template, key), folder / "work", bare=True)}
        shutil.copyfile(template / "1.tar.gz", folder / "1.tar.gz")
        units.provision(layout, StandinServices(layout), folder / "1.tar.gz", key, image)
        done["update"] = cuts(Act(template), folder / "work")
        done["bad update"] = cuts(Bad(template, frozenset({2})), folder / "work")
        Act(template).run(layout, StandinServices(layout))
        done["rollback"] = cuts(Back(template), folder / "work")
        print(json.dumps(done))


if __name__ == "__main__":
    main()
