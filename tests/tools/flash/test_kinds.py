"""A Jetson and another machine behind real sshds, bare: each gets the environment of its kind, out of one bundle, by its own pip.

Real are ssh, rsync, venv and pip, whose index is a folder; what is installed and compiled is a few bytes. Not yet run on a Jetson.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sysconfig
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from edge.release.manifest import JETPACK, OTHER
from tests.edge.release.jetson import TENSORRT, jetson
from tests.edge.release.packages import NAME, pin, sources, tag, wheel
from tests.tools.flash import bundles
from tests.tools.flash.conftest import Road
from tests.tools.flash.sshd import needs_sshd
from tests.tools.flash.station import Station
from tools.bundle import contents, keys
from tools.bundle.seal import Content

pytestmark = needs_sshd
KERNELS = b"""import os
from pathlib import Path
folder = Path("var/cuda")
folder.mkdir(parents=True)
(folder / "kernels-0.fatbin").write_text(os.environ["CUDA_HOME"])
"""
BOTH: dict[str, Any] = {kind: asdict(each) for kind, each in contents.ENVIRONMENTS.items()}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel through which an environment finds the workshop's packages, one more for a plain unit, and sources for a Jetson."""
    folder = tmp_path_factory.mktemp("index")
    wheel(folder, name="workshop_packages", more={"workshop.pth": sysconfig.get_path("purelib") + "\n"})
    wheel(folder)
    sources(folder, platform.machine())
    return folder


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory, identity: Path, index: Path) -> Iterator[Road]:
    folder = tmp_path_factory.mktemp("workshop")
    key = keys.make(folder, "workshop")
    road = Road(folder, key, bundles.light(key, folder / "dist"))
    road.press.about["environments"] = BOTH
    road.press.files |= locks(index)
    for name in ("jetson", "plain"):
        road.add(Station(name, identity, broker_port=1, index=index))
    jetson(road.stations[0].root)
    yield road
    road.close()


def locks(index: Path) -> dict[str, Content]:
    both = pin(next(index.glob("workshop_packages-*")))
    return {
        "requirements/jetson.lock": (both + pin(next(index.glob("pycuda-*")))).encode(),
        "requirements/run.lock": (both + pin(next(index.glob(f"{NAME}-*")))).encode(),
        "edge/cuda/__init__.py": b"",
        "edge/cuda/build.py": KERNELS,
    }


def said(station: Station, code: str) -> str:
    """By the Python that runs the unit's release."""
    command = [station.layout.current / ".venv/bin/python", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd="/").stdout.strip()


def disk(station: Station) -> dict[str, int]:
    """Every file of a unit, and when it was changed."""
    return {str(path): path.lstat().st_mtime_ns for path in sorted(station.root.rglob("*"))}


def refused(road: Road, name: str, bundle: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What is said of a bundle, after which the unit is as it was."""
    station = next(each for each in road.stations if each.name == name)
    before = disk(station)
    for words in (["--dry-run"], []):
        assert road.flash(name, "--provision", "--bundle", bundle, *road.trust, *words) == 1
    assert disk(station) == before
    return capsys.readouterr().out


def only(kind: str) -> dict[str, Any]:
    return {kind: BOTH[kind]}


def test_a_bundle_without_the_lock_that_a_bare_unit_needs_changes_nothing(kinds: Road, capsys: pytest.CaptureFixture[str]) -> None:
    out = refused(kinds, "jetson", kinds.press.bundle(environments=only(OTHER)), capsys)
    assert out.count("the unit is a Jetson with its JetPack: pack it with --for jetpack") == 2
    out = refused(kinds, "plain", kinds.press.bundle(environments=only(JETPACK)), capsys)
    assert out.count("the unit is a machine without a JetPack: pack it with --for other") == 2
    assert not any(station.layout.store.exists() for station in kinds.stations)


def test_a_jetson_that_lacks_what_its_jetpack_should_have_brought(kinds: Road, capsys: pytest.CaptureFixture[str]) -> None:
    package = (kinds.stations[0].root / TENSORRT).parent
    package.rename(package.with_name("away"))
    try:
        out = refused(kinds, "jetson", kinds.press.bundle(), capsys)
    finally:
        package.with_name("away").rename(package)
    assert "needs tensorrt of the system's own Python, which has none: apt-get install python3-libnvinfer" in out


def test_wheels_without_the_one_that_no_index_has(kinds: Road, index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    brought: dict[str, Content] = {f"wheels/{path.name}": path for path in index.glob("*.whl")}
    out = refused(kinds, "jetson", kinds.press.bundle(brought), capsys)
    assert f"brings wheels, but none of pycuda for Python {platform.python_version()} on {platform.machine()}" in out


def provisioned(road: Road) -> tuple[Station, Station]:
    if not all(station.journal.get("highest") for station in road.stations):
        assert road.flash("--provision", "--bundle", road.press.bundle(), *road.trust) == 0
    one, other = road.stations
    return one, other


def test_each_kind_gets_its_own(kinds: Road) -> None:
    one, other = provisioned(kinds)
    assert one.whole() == other.whole() == kinds.press.last
    sees = {each: "system-site-packages = true" in (each.layout.current / ".venv/pyvenv.cfg").read_text() for each in kinds.stations}
    assert sees == {one: True, other: False}
    assert json.loads(said(one, "import json, pycuda; print(json.dumps(pycuda.SEEN))"))["nvcc"] == str(one.layout.cuda / "bin/nvcc")
    assert (one.layout.current / "var/cuda/kernels-0.fatbin").read_text() == str(one.layout.cuda)
    assert (
        said(one, f"import {NAME}") == said(other, "import pycuda") == "" and said(other, f"import {NAME}; print({NAME}.VERSION)") == "1.0"
    )
    assert not (other.layout.current / "var").exists()


def test_an_update_with_the_same_locks_compiles_its_kernels_and_nothing_else(kinds: Road, index: Path) -> None:
    """Whoever compiled it may be gone by then."""
    one, other = provisioned(kinds)
    marks = [each.layout.current.resolve() / ".venv/mark" for each in kinds.stations]
    for mark in marks:
        mark.touch()
    header = one.root / "usr/local/cuda/include/cuda.h"
    header.unlink()
    assert kinds.flash("--bundle", kinds.press.bundle(), "--probation", "2") == 0
    assert one.whole() == other.whole() == kinds.press.last and all(
        (each.layout.current / ".venv/mark").exists() for each in kinds.stations
    )
    assert (one.layout.current / "var/cuda/kernels-0.fatbin").is_file()
    header.touch()


def test_an_older_bundle_is_for_plain_units_alone(kinds: Road, capsys: pytest.CaptureFixture[str]) -> None:
    """It has but one lock, which a Jetson used to be given too: with an OpenCV that hides JetPack's, and without pycuda."""
    one, other = provisioned(kinds)
    fields = {**kinds.press.about}
    kinds.press.about.pop("environments")
    try:
        bundle = kinds.press.bundle()
    finally:
        kinds.press.about |= fields
    before = one.runs
    assert "pack it with --for jetpack" in refused(kinds, "jetson", bundle, capsys) and one.whole() == before
    assert kinds.flash("plain", "--bundle", bundle, "--probation", "2") == 0 and other.whole() == kinds.press.last


def test_a_jetson_without_an_index_takes_the_wheel_that_another_one_compiled(
    kinds: Road, identity: Path, index: Path, tmp_path: Path
) -> None:
    one, _ = provisioned(kinds)
    (compiled,) = (one.layout.current / ".venv/built").resolve().glob("*.whl")
    assert compiled.name == f"pycuda-1.0-{tag(platform.machine())}.whl"
    nowhere = tmp_path / "nothing"
    nowhere.mkdir()
    road = Road(tmp_path, kinds.key, kinds.press)
    (tmp_path / "workshop.pub").write_text((kinds.folder / "workshop.pub").read_text())
    station = road.add(Station("offline", identity, broker_port=1, index=nowhere))
    try:
        jetson(station.root)
        brought = {f"wheels/{path.name}": path for path in (compiled, *index.glob("workshop_packages-*"))}
        assert road.flash("--provision", "--bundle", kinds.press.bundle(brought), *road.trust) == 0
        assert said(station, "import pycuda; print(pycuda.SEEN['nvcc'])").startswith(str(one.root))
        assert not (station.layout.current / ".venv/built").exists()
    finally:
        road.close()
