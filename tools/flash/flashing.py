"""The way of a release to one unit: check, copy, verify, engines, self-test, trial. Every step may be cut, and all of it run again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from edge.release import fitness
from edge.release.compiled import COMPILE_S
from edge.release.environment import INSTALL_S
from edge.release.examination import MOST_S as EXAMINE_S
from edge.release.manifest import Manifest
from edge.release.probation import START_S
from edge.release.services import BUILD_S
from tools.flash import UnitError
from tools.flash.trial import Say, settled
from tools.flash.unit import PACKAGE, Unit

COPY_S: Final = 6 * 3600.0
STAGE_S: Final = INSTALL_S + 3 * COMPILE_S + 600.0  # pycuda's sources fetched and compiled, and the kernels
MARGIN_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done to every unit."""

    bundle: Path
    manifest: Manifest
    sha256: str  # of the bundle
    probation_s: float
    limit_kib: int = 0
    provision: bool = False
    keys: tuple[str, ...] = ()  # what a bare unit will trust
    rotations: tuple[Path, ...] = ()
    dry_run: bool = False


@dataclass(slots=True)
class Flashing:
    """Of one unit. `run` it once."""

    unit: Unit
    order: Order
    say: Say
    sleep: Callable[[float], None] = time.sleep
    _home: str = field(default="good", init=False)

    def run(self) -> str:
        """→ what came of it. Raises UnitError, or AwayError where the unit is out of reach: it goes on alone then."""
        order, number = self.order, str(self.order.manifest.release)
        self.say("check", "")
        facts = self.unit.facts()
        bare = not facts["store"]["journal"].get("highest")
        self._refuse(facts, bare)
        if order.dry_run:
            return self._planned(facts, bare)
        if facts["store"]["journal"].get("trial"):
            return self._try()
        if bare:
            self._bootstrap()
        for path in order.rotations:
            self.unit.ask(self._home, ["trust", "--rotation", "/dev/stdin"], path.read_bytes())
        if self._runs(facts["store"]) and not bare:
            return f"runs release {number} already"
        self._stage(facts["store"])
        if bare:
            self._install()
        self.say("engines", "")
        self.unit.ask(self._home, ["engines", number], timeout_s=BUILD_S)
        self.say("self-test", "")
        report = self.unit.ask(self._home, ["examine", number], timeout_s=EXAMINE_S + MARGIN_S)
        self.say("self-test", f"{report['exact']} of {report['plates']} plates, {report['ms']:.0f} ms")
        return self._begin() if bare else self._try()

    def _refuse(self, facts: Mapping[str, Any], bare: bool) -> None:
        """What keeps this unit from the bundle, before anything is copied to it."""
        order, journal = self.order, facts["store"]["journal"]
        problems = fitness.unmet(order.manifest, facts, bool(self.unit.target.environment))
        problems += filter(None, [fitness.clock(facts, time.time())])
        problems += [f"lacks {', '.join(facts['lacks'])}: install them on the unit first"] if facts["lacks"] else []
        if bare and not order.provision:
            problems.append("has never been provisioned: --provision --trust KEY.pub")
        if bare and not facts["venv"] and not self.unit.target.environment:
            problems.append("cannot make environments: apt-get install python3-venv on the unit")
        if journal.get("damaged"):
            problems.append("its journal is damaged: look at it before anything is changed there")
        if order.manifest.release < journal.get("highest", 0):
            problems.append(f"has had release {journal['highest']}, and {order.manifest.release} is older than that: --rollback goes back")
        if blocked := journal.get("blocked", {}).get(order.manifest.sha256):
            problems.append(f"has release {order.manifest.release} on its blocklist: {blocked['why']}")
        if (trial := journal.get("trial")) and trial["release"] != order.manifest.release:
            problems.append(f"has release {trial['release']} on trial: wait for its end")
        if problems:
            raise UnitError("; ".join(problems))

    def _has(self, store: Mapping[str, Any]) -> bool:
        """This very release, complete."""
        return bool(store["complete"].get(str(self.order.manifest.release)) == self.order.manifest.sha256)

    def _runs(self, store: Mapping[str, Any]) -> bool:
        return store["good"] == store["current"] == self.order.manifest.release and self._has(store)

    def _planned(self, facts: Mapping[str, Any], bare: bool) -> str:
        store, number = facts["store"], self.order.manifest.release
        if self._runs(store) and not bare:
            return f"runs release {number} already"
        copied = "it is on the unit already" if self._has(store) else f"{self.order.bundle.stat().st_size / 2**20:.1f} MB to copy"
        way = "provision it with" if bare else f"go from release {store['current']} to"
        return f"would {way} release {number}: {copied}"

    def _bootstrap(self) -> None:
        """What verifies bundles, onto a unit that has nothing: the code from here, its environment from the bundle."""
        self.say("bootstrap", "")
        self.unit.prepare()
        connection, store = self.unit.connection, self.unit.store
        connection.copy([PACKAGE.parent / "__init__.py", PACKAGE], f"{store}/bootstrap/edge/", 0, lambda share: None, COPY_S)
        self._copy()
        self.say("bootstrap", "environment")
        wanted = ["bootstrap", self._incoming(), "--sha256", self.order.sha256, *self._environment()]
        self.unit.ask_bare(wanted, STAGE_S)
        self._home = "bootstrap"
        self.unit.ask(self._home, ["trust", *(part for key in self.order.keys for part in ("--first", key))])

    def _stage(self, store: Mapping[str, Any]) -> None:
        if self._has(store) and self._home == "good":
            return
        if self._home == "good":
            self.unit.prepare()
            self._copy()
        self.say("verify", "")
        self.unit.ask(self._home, ["stage", self._incoming(), *self._environment()], timeout_s=STAGE_S)

    def _copy(self) -> None:
        self.say("copy", "0 %")
        size_mb = self.order.bundle.stat().st_size / 2**20
        self.unit.connection.copy(
            [self.order.bundle],
            self._incoming(),
            self.order.limit_kib,
            lambda share: self.say("copy", f"{share:.0%} of {size_mb:.1f} MB"),
            COPY_S,
        )

    def _install(self) -> None:
        self.say("install", "")
        config: list[str] = []
        if self.unit.target.config is not None:
            place = f"{self.unit.store}/incoming/config.yaml"
            self.unit.connection.copy([self.unit.target.config], place, 0, lambda share: None, COPY_S)
            config = ["--config", place]
        self.unit.ask(self._home, ["install", str(self.order.manifest.release), *config], timeout_s=BUILD_S)

    def _begin(self) -> str:
        self.say("start", "")
        number = self.order.manifest.release
        state = self.unit.ask(self._home, ["begin", str(number)], timeout_s=START_S + MARGIN_S)["state"]
        if state != "active":
            raise UnitError(f"provisioned with release {number}, but its daemon is {state}: journalctl -u kerbside on the unit says why")
        return f"provisioned with release {number}"

    def _try(self) -> str:
        order, number = self.order, self.order.manifest.release
        self.say("trial", "asked")
        self.unit.ask(self._home, ["activate", str(number), "--probation", f"{order.probation_s:g}"])
        settled(self.unit, number, order.probation_s, self.say, self.sleep)
        outcome = self.unit.facts()["store"]["journal"].get("outcome") or {}
        if outcome.get("release") != number or not outcome.get("kept"):
            raise UnitError(f"release {number} did not stay: {outcome.get('why', 'the unit does not say why')}")
        return f"runs release {number}"

    def _incoming(self) -> str:
        return f"{self.unit.store}/incoming/{self.order.manifest.release}-{self.order.sha256[:12]}.tar.gz"

    def _environment(self) -> list[str]:
        return ["--environment", self.unit.target.environment] if self.unit.target.environment else []
