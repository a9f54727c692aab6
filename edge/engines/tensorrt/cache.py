"""Built engines on disk: each beside what it was built from, written whole or not at all, and refused where anything differs."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from alpr.contract import Contract
from edge.engines import EngineError
from edge.engines.tensorrt.recipe import Recipe

BUILD = "python -m tools.build_engines"
CHOICES = "chosen.json"


class StaleEngineError(EngineError):
    """There is no engine of this recipe; the message says what there is instead, and how to build one."""


class Cache:
    """A folder of engines; several recipes of a model may lie side by side."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self, recipe: Recipe) -> bytes:
        """The engine of a recipe. Raises StaleEngineError."""
        path = self.path(recipe)
        stored = _json(path.with_suffix(".json"))
        if not path.is_file() or stored is None:
            raise StaleEngineError(f"{recipe.model} {recipe.precision}: {self._instead(recipe)}: {BUILD}")
        if wrong := recipe.differences(stored.get("recipe", {})):
            raise StaleEngineError(f"{path}: {'; '.join(wrong)}: {BUILD}")
        plan = path.read_bytes()
        if hashlib.sha256(plan).hexdigest() != stored.get("sha256"):
            raise StaleEngineError(f"{path}: is not the file that was built (cut off, or changed since): {BUILD}")
        return plan

    def store(self, recipe: Recipe, plan: bytes, **measured: Any) -> Path:
        """Keep an engine, with what was measured of it."""
        path = self.path(recipe)
        write_whole(path, plan)
        about = {"recipe": asdict(recipe), "sha256": hashlib.sha256(plan).hexdigest(), **measured}
        write_whole(path.with_suffix(".json"), json.dumps(about, indent=1).encode())
        return path

    def path(self, recipe: Recipe) -> Path:
        return self.folder / f"{recipe.model}.{recipe.precision}.{recipe.key}.engine"

    def choose(self, model: Contract, precision: str, why: dict[str, Any]) -> None:
        """Remember which precision `auto` is for a model, and why. By the model's file: a release that comes back finds its own choice."""
        choices = _json(self.folder / CHOICES) or {}
        write_whole(self.folder / CHOICES, json.dumps({**choices, _of(model): {"precision": precision, **why}}, indent=1).encode())

    def chosen(self, model: Contract) -> str:
        """What `auto` is for a model. Raises StaleEngineError where nothing was chosen yet."""
        choice = (_json(self.folder / CHOICES) or {}).get(_of(model))
        if not choice:
            raise StaleEngineError(f"{self.folder / CHOICES}: says nothing about {_of(model)}: {BUILD} --precision auto")
        return str(choice["precision"])

    def _instead(self, recipe: Recipe) -> str:
        """Why there is no engine: what the nearest one of this model and precision has otherwise."""
        others = [wrong for stored in self._others(recipe) if (wrong := recipe.differences(stored))]
        return "; ".join(sorted(others, key=len)[0]) if others else f"no engine in {self.folder}"

    def _others(self, recipe: Recipe) -> Iterator[dict[str, Any]]:
        for path in sorted(self.folder.glob(f"{recipe.model}.{recipe.precision}.*.json")):
            if stored := _json(path):
                yield stored.get("recipe", {})


def _of(model: Contract) -> str:
    return f"{model.name} {model.sha256[:12]}"


def write_whole(path: Path, data: bytes) -> None:
    """The new file or the old one, also after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the rename itself
    finally:
        os.close(folder)


def _json(path: Path) -> dict[str, Any] | None:
    """None where there is no such file, or what it holds is cut off."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
