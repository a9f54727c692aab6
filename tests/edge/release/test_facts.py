"""What a unit says of itself, asked as it is asked over SSH: the source on standard input, nothing of ours installed."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edge.release import RefusedError, fitness, manifest
from edge.release import facts as facts_module
from edge.release.environment import key
from edge.release.manifest import JETPACK, OTHER, Manifest
from tests.edge.release import units
from tests.edge.release.conftest import Unit
from tests.edge.release.jetson import HEADERS, NVCC, OPENCV, ORIN, TENSORRT, jetson


def test_an_old_python_understands_the_question() -> None:
    ast.parse(Path(facts_module.__file__).read_text(), feature_version=(3, 8))


def asked(root: Path) -> dict[str, Any]:
    source = Path(facts_module.__file__).read_bytes()
    done = subprocess.run([sys.executable, "-I", "-", "--root", str(root)], input=source, capture_output=True, timeout=60, cwd="/")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


JETSON: dict[str, Any] = {
    "model": ORIN, "machine": "aarch64", "l4t": "36.4.3", "jetpack": "6.1", "tensorrt": "10.3.0", "python": "3.10.12",
    "memory_mb": 7619, "disk_free_mb": 2000,
    "modules": ["cv2", "tensorrt"], "compiles": ["g++", "Python.h", "cuda.h", "cudaProfiler.h", "nvcc"],
    "store": {"environments": []},
}  # fmt: skip
OURS = {
    JETPACK: {"lock": "requirements/jetson.lock", "builds": ["pycuda"], "of_system": ["cv2", "tensorrt"]},
    OTHER: {"lock": "requirements/run.lock"},
}


def wanting(*paths: str, environments: dict[str, Any] | None = None, **needs: Any) -> Manifest:
    entry = {"sha256": "0" * 64, "size": 5 << 20, "executable": False}
    environments = OURS if environments is None else environments
    files = dict.fromkeys((*paths, *(each["lock"] for each in environments.values())), entry)
    fields = {"schema": manifest.SCHEMA, **units.about(1, needs=needs, environments=environments), "files": files}
    return manifest.parse(json.dumps(fields).encode())


def test_a_jetson(tmp_path: Path) -> None:
    found = asked(jetson(tmp_path))
    assert (found["model"], found["l4t"], found["jetpack"], found["tensorrt"], found["memory_mb"]) == (
        ORIN,
        "36.4.3",
        "6.1",
        "10.3.0",
        7619,
    )
    assert found["store"] == {"current": 0, "good": 0, "complete": {}, "journal": {}, "environments": [], "keys": []}
    assert found["modules"] == ["cv2", "tensorrt"] and {"Python.h", "cuda.h", "cudaProfiler.h", "nvcc"} <= set(found["compiles"])


@pytest.mark.parametrize(("gone", "lacks"), [(TENSORRT, "tensorrt"), (OPENCV, "cv2"), (HEADERS[0], "Python.h"), (NVCC, "nvcc")])
def test_a_jetson_that_lacks_something(tmp_path: Path, gone: str, lacks: str) -> None:
    root = jetson(tmp_path)
    (root / gone).unlink()
    if lacks == "tensorrt":
        (root / gone).parent.rmdir()
    found = asked(root)
    assert lacks not in found["modules"] + found["compiles"] and len(found["modules"] + found["compiles"]) >= 5


@pytest.mark.parametrize(
    ("release", "jetpack"),
    [("R35 (release), REVISION: 4.1", "5.1"), ("R36 (release), REVISION: 3.0", "6.0"), ("R39 (release), REVISION: 2.1", "7.2")],
)
def test_jetpack_by_its_l4t(tmp_path: Path, release: str, jetpack: str) -> None:
    assert asked(jetson(tmp_path, release))["jetpack"] == jetpack


def test_any_other_machine(tmp_path: Path) -> None:
    found = asked(tmp_path)
    assert (
        (found["l4t"], found["jetpack"], found["tensorrt"], found["modules"]) == ("", "", "", [])
        and found["memory_mb"] > 100
        and found["disk_free_mb"] > 0
    )


def test_the_store_is_told(unit: Unit) -> None:
    store = asked(unit.layout.root)["store"]
    assert (store["current"], store["good"], store["journal"]["highest"], store["keys"]) == (1, 1, 1, [str(unit.key.public)])
    assert store["complete"] == {"1": store["journal"]["highest_sha256"]}


def test_a_damaged_journal_is_told(unit: Unit) -> None:
    unit.layout.journal.write_text('{"schema": "kerb')
    assert asked(unit.layout.root)["store"]["journal"] == {"damaged": True}


@pytest.mark.parametrize(
    ("needs", "said"),
    [
        ({}, ""),
        ({"models": ["NVIDIA Jetson Orin*"], "machines": ["aarch64"], "jetpack": "6.0", "tensorrt": "8.6", "memory_mb": 7000}, ""),
        ({"models": ["NVIDIA Jetson AGX*"]}, "is for NVIDIA Jetson AGX*, the unit is NVIDIA Jetson Orin Nano Developer Kit"),
        ({"machines": ["x86_64"]}, "is for x86_64, the unit is aarch64"),
        ({"jetpack": "6.2"}, "needs JetPack 6.2 or newer, the unit has 6.1"),
        ({"tensorrt": "10.13"}, "needs TensorRT 10.13 or newer, the unit has 10.3.0"),
        ({"python": "3.12"}, "needs Python 3.12 or newer, the unit has 3.10.12"),
        ({"memory_mb": 16000}, "needs 16000 MB of memory, the unit has 7619"),
        ({"disk_mb": 4000}, "needs 4025 MB of disk, 2000 are free"),
    ],
)
def test_what_a_bundle_needs_is_compared(needs: dict[str, Any], said: str) -> None:
    found = fitness.unmet(wanting(**needs), JETSON)
    assert [each.partition(":")[0] for each in found] == ([said] if said else [])


def test_a_server_is_not_asked_for_jetpack() -> None:
    assert fitness.unmet(wanting(jetpack="6.0", tensorrt="10.3"), units.FACTS) == []


def test_a_clock_that_is_wrong_is_told() -> None:
    assert fitness.clock({"utc_s": 1000.0}, 1060.0) == ""
    assert fitness.clock({"utc_s": 0.0}, 1e9).startswith("its clock is 1000000000 s behind ours")
    assert fitness.clock({"utc_s": 700.0}, 400.0).startswith("its clock is 300 s ahead of ours")


PYCUDA = "wheels/pycuda-2026.1-cp310-cp310-linux_aarch64.whl"
KERNELS = "var/cuda/kernels-0123.fatbin"


@pytest.mark.parametrize(
    ("paths", "changed", "said"),
    [
        ((), {}, ""),
        ((), {"modules": ["cv2"]}, "needs tensorrt of the system's own Python, which has none: apt-get install python3-libnvinfer"),
        (
            (KERNELS,),
            {"compiles": ["nvcc", "cuda.h", "cudaProfiler.h"]},
            "needs g++, Python.h on the unit to compile pycuda: apt-get install g++ python3-dev",
        ),
        ((PYCUDA, KERNELS), {"compiles": []}, ""),
        ((PYCUDA,), {"compiles": ["g++"]}, "needs nvcc on the unit to compile its kernels: apt-get install nvidia-jetpack"),
        ((PYCUDA,), {"python": "3.12.3"}, "brings wheels, but none of pycuda for Python 3.12.3 on aarch64: add one (docs/flashing.md)"),
        (("wheels/numpy-1.26.4-cp310-cp310-linux_aarch64.whl",), {}, "brings wheels, but none of pycuda for Python 3.10.12 on aarch64"),
        ((KERNELS,), {"compiles": [], "modules": [], "store": {"environments": [f"{'0' * 16}-3.10-system"]}}, ""),
        ((), {"l4t": "", "compiles": [], "modules": []}, ""),
    ],
)
def test_what_a_kind_of_units_environment_needs_is_compared(paths: tuple[str, ...], changed: dict[str, Any], said: str) -> None:
    found = fitness.unmet(wanting(*paths), JETSON | changed)
    assert len(found) == bool(said) and all(each.startswith(said) for each in found)


def test_an_environment_that_is_there_is_known_by_its_name() -> None:
    wanted = wanting().environments[JETPACK]
    assert key("0" * 64, "3.10.12", wanted) == f"{'0' * 16}-3.10-system"


def test_a_unit_whose_environment_the_image_brought_makes_none() -> None:
    assert fitness.unmet(wanting(KERNELS), JETSON | {"modules": [], "compiles": []}, of_image=True) == []


@pytest.mark.parametrize(
    ("kept", "facts", "said"),
    [
        (
            OTHER,
            JETSON,
            "has an environment for a machine without a JetPack, the unit is a Jetson with its JetPack: pack it with --for jetpack",
        ),
        (
            JETPACK,
            units.FACTS,
            "has an environment for a Jetson with its JetPack, the unit is a machine without a JetPack: pack it with --for other",
        ),
    ],
)
def test_a_bundle_without_an_environment_for_this_kind_of_unit(kept: str, facts: dict[str, Any], said: str) -> None:
    assert fitness.unmet(wanting(environments={kept: OURS[kept]}), facts) == [said]
    assert fitness.unmet(wanting(environments={kept: OURS[kept]}), facts, of_image=True) == [said]


def test_a_kind_that_is_not_known_yet_is_told_by_its_name() -> None:
    (said,) = fitness.unmet(wanting(environments={"other-board": {"lock": "a.lock"}}), JETSON)
    assert said.startswith("has an environment for other-board, the unit is a Jetson")


@pytest.mark.parametrize(("lock", "kind"), [("requirements/run.lock", OTHER), ("requirements/jetson.lock", JETPACK)])
def test_an_older_bundle_has_one_lock(lock: str, kind: str) -> None:
    """Which says by its name whose it is; a Jetson refuses the other one, which would leave it without TensorRT."""
    entry = {"sha256": "0" * 64, "size": 1, "executable": False}
    found = manifest.parse(json.dumps({"schema": manifest.SCHEMA, **units.about(1, lock=lock), "files": {lock: entry}}).encode())
    assert found.environments == {kind: wanting().environments[kind]}
    assert bool(fitness.unmet(found, JETSON)) == (kind == OTHER)


def test_a_manifest_without_an_environment_is_refused() -> None:
    with pytest.raises(RefusedError, match="no environment is in it"):
        wanting(environments={})
    with pytest.raises(RefusedError, match=r"lock file 'a\.lock' is not among its files"):
        fields = {"schema": manifest.SCHEMA, **units.about(1, environments={OTHER: {"lock": "a.lock"}}), "files": {}}
        manifest.parse(json.dumps(fields).encode())
