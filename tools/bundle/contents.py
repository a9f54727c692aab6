"""Which files of the project a unit gets: the two rooms it runs, the tools it needs, models with their contracts, its services."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from alpr import contract
from alpr.contract import Contract
from edge.cuda.build import FOLDER, fatbin
from edge.release import ReleaseError
from edge.release.manifest import JETPACK, OTHER, Environment, may_hold

ROOMS: Final = ("alpr", "edge", "systemd", "tools/build_engines")
FILES: Final = ("config.yaml", "tools/__init__.py", "tools/outbox.py", "tools/erase.py", "README.md", "docs/flashing.md", "LICENSE")
MODELS: Final = ("models/detector.yaml", "models/corners.yaml", "models/lpsr.yaml", "models/reader.yaml")
ENVIRONMENTS: Final = {
    JETPACK: Environment("requirements/jetson.lock", builds=("pycuda",), of_system=("cv2", "tensorrt")),
    OTHER: Environment("requirements/run.lock"),
}
"""By kind of unit."""
CALL_S: Final = 60.0


def files(root: Path, *locks: str, wheels: Path | None = None) -> dict[str, Path]:
    """Path in the release → file. Raises ReleaseError where one is missing or strange, ContractError for a model that was changed."""
    found = {str(path.relative_to(root)): path for room in ROOMS for path in _sources(root / room)}
    found |= {name: root / name for name in (*FILES, *locks)}
    for name in MODELS:
        found |= {str(path.relative_to(root)): path for path in [root / name, *_weights(contract.load(root / name))]}
    kernels = fatbin(root / FOLDER)
    if kernels.is_file():
        found[str(kernels.relative_to(root))] = kernels
    if wheels is not None:
        found |= {f"wheels/{path.name}": path for path in sorted(wheels.glob("*.whl"))}
    if missing := [name for name, path in found.items() if not path.is_file()]:
        raise ReleaseError(f"{root}: lacks {', '.join(missing)}; pack from a whole checkout")
    if strange := [name for name in found if not may_hold(name)]:
        raise ReleaseError(f"{', '.join(strange)}: of a kind that no release holds (edge/release/manifest.py says which it does)")
    return dict(sorted(found.items()))


def revision(root: Path) -> tuple[str, str]:
    """The commit, with "+changed" where files differ from it, and when it was made (ISO 8601, UTC); empty without git."""
    try:
        commit, made_at = _git(root, "show", "-s", "--date=iso-strict-local", "--format=%H %cd").split()
        changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return "unknown", ""
    return commit + ("+changed" if changed.strip() else ""), made_at.replace("+00:00", "Z")


def _git(root: Path, *arguments: str) -> str:
    environment = {"TZ": "UTC", "PATH": "/usr/local/bin:/usr/bin:/bin", "GIT_CEILING_DIRECTORIES": str(root.parent)}
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=CALL_S, env=environment, check=True)
    return done.stdout


def _sources(folder: Path) -> Iterator[Path]:
    """Without what Python and editors leave."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith("."):
            yield path


def _weights(model: Contract) -> Iterator[Path]:
    """The model's own file and its variants (Q/DQ, fp16, INT8 for processors), each compared with the contract's hash."""
    yield model.path
    for name in model.variants:
        yield contract.variant(model, name).path
