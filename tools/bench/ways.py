"""The ways in which one unit can run, side by side: precisions, stages in threads or in turn, CUDA graphs or plain launches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

from alpr.contract import ContractError
from edge.config import Config, ConfigError
from edge.engines import EngineError

PRECISIONS: Final = {"onnx": ("fp32", "int8"), "tensorrt": ("fp32", "fp16", "int8"), "triton": ("",)}
STAGES: Final = ("detector", "enhancer", "reader")


@dataclass(frozen=True, slots=True)
class Way:
    """One way to run the unit of a config; as the config has it where nothing is said."""

    precision: str = ""
    threads: bool = True  # a thread a stage (async), or each frame through all stages before the next (sync)
    graphs: bool | None = None  # CUDA graphs, or plain launches

    def __str__(self) -> str:
        graphs = {None: "", True: ", graphs", False: ", plain launches"}[self.graphs]
        return f"{self.precision or 'as configured'}, {'async' if self.threads else 'sync'}{graphs}"

    def overrides(self, engine: str) -> dict[str, object]:
        """For edge.config.load."""
        if engine == "tensorrt":
            return {"tensorrt.precision": self.precision or "auto"} | ({} if self.graphs is None else {"tensorrt.graphs": self.graphs})
        return {f"{stage}.precision": self.precision for stage in STAGES} if self.precision else {}


def all_of(config: Config) -> list[Way]:
    """Every way of a config's engine, the plainest first: what the others are compared with."""
    graphs = (False, True) if config.engine == "tensorrt" else (None,)
    return [Way(*way) for way in product(PRECISIONS[config.engine], (False, True), graphs)]


def side_by_side(
    ways: Sequence[Way], measure: Callable[[Way], dict[str, Any]], rounds: int, say: Callable[[str], None]
) -> Iterator[tuple[Way, dict[str, Any]]]:
    """Each way once, then all of them again, so that what the machine does meanwhile falls on all alike → each with its median run.

    A way that cannot run here (an engine that was not built, a model without that file) is said and left out.
    """
    runs: dict[Way, list[dict[str, Any]]] = {way: [] for way in ways}
    for turn in range(rounds):
        for way in list(runs):
            try:
                runs[way].append(measure(way))
            except (EngineError, ContractError, ConfigError) as error:
                say(f"{way}: left out: {error}")
                del runs[way]
                continue
            say(f"round {turn + 1} of {rounds}, {way}: {runs[way][-1]['fps']:.1f} FPS")
    for way, found in runs.items():
        yield way, sorted(found, key=lambda run: run["fps"])[len(found) // 2]


def table(rows: Sequence[tuple[Way, dict[str, Any]]]) -> str:
    """For a person: frames a second, how many times the first way's, what the stages took."""
    if not rows:
        return "no way of this engine can run here"
    first = rows[0][1]["fps"]
    lines = [f"{'':34}{'FPS':>8}{'times':>7}{'detect':>9}{'enhance':>9}{'read':>9}  p50 ms"]
    for way, found in rows:
        stages = "".join(f"{found['stages_ms'].get(name, {}).get('p50', float('nan')):9.2f}" for name in ("detect", "enhance", "read"))
        lines.append(f"{way!s:34}{found['fps']:8.1f}{found['fps'] / first:7.2f}{stages}  {', '.join(_more(found))}".rstrip())
    return "\n".join(lines)


def _more(found: Mapping[str, Any]) -> Iterator[str]:
    """What only a GPU or a board with sensors tells."""
    for name, at in found.get("gpu_ms", {}).items():
        yield f"{name} {at['p50']:.2f} ms by the GPU"
    if "detector_times_floor" in found:
        yield f"the detector {found['detector_times_floor']:.1f} times its floor"
    if "gpu_busy" in found:
        yield f"GPU busy {100 * found['gpu_busy']:.0f} %"
    if "joules_a_read" in found:
        yield f"{found['watts']:.1f} W, {found['joules_a_read']:.3f} J a read"
