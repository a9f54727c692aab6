"""What a unit says of itself, asked as it is asked over SSH: the source on standard input, nothing of ours installed."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edge.release import facts as facts_module
from edge.release import fitness, manifest
from edge.release.manifest import Manifest
from tests.edge.release import units
from tests.edge.release.conftest import Unit

ORIN = "NVIDIA Jetson Orin Nano Developer Kit"
PACKAGES = """Package: libnvinfer-bin
Version: 9.9.9

Package: libnvinfer10
Status: install ok installed
Priority: optional
Version: 10.3.0.30-1+cuda12.5

Package: libother
Version: 1.2.3
"""


def test_an_old_python_understands_the_question() -> None:
    ast.parse(Path(facts_module.__file__).read_text(), feature_version=(3, 8))


def asked(root: Path) -> dict[str, Any]:
    source = Path(facts_module.__file__).read_bytes()
    done = subprocess.run([sys.executable, "-I", "-", "--root", str(root)], input=source, capture_output=True, timeout=60, cwd="/")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def jetson(root: Path, release: str = "R36 (release), REVISION: 4.3, GCID: 38968081") -> Path:
    for path, text in (
        ("proc/device-tree/model", f"{ORIN}\0"),
        ("proc/meminfo", "MemTotal:        7802712 kB\nMemFree: 1 kB\n"),
        ("etc/nv_tegra_release", f"# {release}, BOARD: generic\n"),
        ("var/lib/dpkg/status", PACKAGES),
    ):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


def wanting(**needs: Any) -> Manifest:
    entry = {"sha256": "0", "size": 10 << 20, "executable": False}
    fields = {"schema": manifest.SCHEMA, **units.about(1, needs=needs), "files": {"requirements/unit.lock": entry}}
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
    assert found["store"] == {"current": 0, "good": 0, "complete": {}, "journal": {}, "keys": []}


@pytest.mark.parametrize(
    ("release", "jetpack"),
    [("R35 (release), REVISION: 4.1", "5.1"), ("R36 (release), REVISION: 3.0", "6.0"), ("R39 (release), REVISION: 2.1", "7.2")],
)
def test_jetpack_by_its_l4t(tmp_path: Path, release: str, jetpack: str) -> None:
    assert asked(jetson(tmp_path, release))["jetpack"] == jetpack


def test_any_other_machine(tmp_path: Path) -> None:
    found = asked(tmp_path)
    assert (found["l4t"], found["jetpack"], found["tensorrt"]) == ("", "", "") and found["memory_mb"] > 100 and found["disk_free_mb"] > 0


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
    orin = {"model": ORIN, "machine": "aarch64", "l4t": "36.4.3", "jetpack": "6.1", "tensorrt": "10.3.0", "python": "3.10.12"}
    found = fitness.unmet(wanting(**needs), {**orin, "memory_mb": 7619, "disk_free_mb": 2000})
    assert [each.partition(":")[0] for each in found] == ([said] if said else [])


def test_a_server_is_not_asked_for_jetpack() -> None:
    assert fitness.unmet(wanting(jetpack="6.0", tensorrt="10.3"), units.FACTS) == []


def test_a_clock_that_is_wrong_is_told() -> None:
    assert fitness.clock({"utc_s": 1000.0}, 1060.0) == ""
    assert fitness.clock({"utc_s": 0.0}, 1e9).startswith("its clock is 1000000000 s behind ours")
    assert fitness.clock({"utc_s": 700.0}, 400.0).startswith("its clock is 300 s ahead of ours")
