"""Engines for a unit's models: those that are missing or stale, or of every precision to choose among."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from alpr.contract import Contract
from edge.config import Config
from edge.engines import EngineError
from edge.engines.tensorrt.bindings import strongly_typed
from edge.engines.tensorrt.builder import Report, Workshop
from edge.engines.tensorrt.cache import Cache, StaleEngineError
from edge.engines.tensorrt.gpu import Gpu
from edge.engines.tensorrt.recipe import PRECISIONS, Recipe, recipe
from tools.build_engines.gate import Gate
from tools.build_engines.timing import milliseconds

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Yard:
    """What engines are built with, and for which config."""

    trt: Any
    gpu: Gpu
    config: Config
    say: Say
    report: Report

    def engine(self, contract: Contract, precision: str, again: bool = False) -> bytes:
        """The engine of a precision, built where there is none or a stale one. Raises EngineError."""
        made, cache = self._recipe(contract, precision), Cache(self.config.tensorrt.engines)
        try:
            if not again:
                plan = cache.load(made)
                self.say(f"{contract.name} {precision}: is there ({cache.path(made).name})")
                return plan
        except StaleEngineError as why:
            self.say(f"building: {str(why).rpartition(': ')[0]}")
        return self._built(cache, contract, made)

    def choose(self, contract: Contract, gate: Gate, again: bool = False) -> str:
        """Build what can be built, and remember the fastest that the gate lets through. Raises EngineError where that is none."""
        times, refused = dict[str, float](), dict[str, str]()
        for precision in PRECISIONS:
            try:
                if why := gate(contract, precision, strongly_typed(self.trt)):
                    raise EngineError(why)
                plan = self.engine(contract, precision, again)
                times[precision] = sum(milliseconds(self.trt, self.gpu, contract, plan).values())
            except EngineError as error:
                refused[precision] = str(error)
                self.say(f"{contract.name} {precision}: not chosen: {error}")
        if not times:
            raise EngineError(f"{contract.name}: no precision can be used: {refused}")
        best = min(times, key=lambda precision: times[precision])
        Cache(self.config.tensorrt.engines).choose(contract, best, {"ms_over_all_shapes": times, "refused": refused})
        self.say(f"{contract.name}: auto is {best} ({', '.join(f'{name} {ms:.2f} ms' for name, ms in times.items())} over all shapes)")
        return best

    def _recipe(self, contract: Contract, precision: str) -> Recipe:
        rt = self.config.tensorrt
        return recipe(self.trt, self.gpu.name, contract, precision, rt.canvases_px, rt.dla)

    def _built(self, cache: Cache, contract: Contract, made: Recipe) -> bytes:
        started = time.monotonic()
        workshop = Workshop(self.trt, contract.path.parent, cache.folder)
        with self.gpu.current(f"building {contract.name}"):
            plan = workshop.build(made, self.report)
        seconds = round(time.monotonic() - started, 1)
        times = milliseconds(self.trt, self.gpu, contract, plan)
        path = cache.store(made, plan, built_in_s=seconds, ms=times)
        first = next(iter(times.items()))
        self.say(
            f"{contract.name} {made.precision}: built in {seconds} s, {len(plan) / 1e6:.1f} MB, {first[1]} ms for {first[0]}: {path.name}"
        )
        return plan
