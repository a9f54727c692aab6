"""The pins of a lock, asked of a small folder of wheels by pip itself; `make pins` asks the real index for the real lock."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from tools import pins
from tools.pins import TARGETS

SIX, SEVEN = TARGETS
pytestmark = pytest.mark.timeout(900)  # pip is called a dozen times
BACKEND = """
import os, subprocess, zipfile
def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    if {compiles}:
        subprocess.run([os.environ.get("CC", "cc"), "--version"], check=True)
    with zipfile.ZipFile(os.path.join(wheel_directory, "{name}-1.0-py3-none-any.whl"), "w") as wheel:
        wheel.writestr("{name}-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: {name}\\nVersion: 1.0\\n")
        wheel.writestr("{name}-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("{name}-1.0.dist-info/RECORD", "")
    return "{name}-1.0-py3-none-any.whl"
"""


def wheel(folder: Path, name: str, tag: str, python: str = "") -> str:
    """Write an empty package for `tag` → its line of a lock."""
    path = folder / f"{name}-1.0-{tag}.whl"
    needs = f"Requires-Python: {python}\n" if python else ""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{needs}")
        archive.writestr(f"{name}-1.0.dist-info/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n")
        archive.writestr(f"{name}-1.0.dist-info/RECORD", "")
    return line(name, path)


def sources(folder: Path, name: str, compiles: bool) -> str:
    """Write a package that there is only as sources → its line of a lock."""
    path = folder / f"{name}-1.0.tar.gz"
    files = {
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
        "backend.py": BACKEND.format(name=name, compiles=compiles),
    }
    with tarfile.open(path, "w:gz") as archive:
        for file, text in files.items():
            member = tarfile.TarInfo(f"{name}-1.0/{file}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return line(name, path)


def line(name: str, path: Path, marker: str = "") -> str:
    return f"{name}==1.0{marker} \\\n    --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


def asked(folder: Path, *lines: str, target: pins.Target = SIX) -> dict[str, bool]:
    """Each package, and whether it can be had."""
    rows = pins.rows(pins.pins("# a lock\n" + "".join(lines)), target, ["--no-index", "--find-links", str(folder)])
    return {row.pin.name: row.good for row in rows}


def test_wheels_for_any_machine_and_for_this_processor_and_python_can_be_had(tmp_path: Path) -> None:
    lines = [wheel(tmp_path, "pure", "py3-none-any"), wheel(tmp_path, "abi", "cp39-abi3-manylinux_2_34_aarch64")]
    lines += [wheel(tmp_path, "fast", "cp310-cp310-manylinux2014_aarch64.manylinux_2_17_aarch64")]
    assert asked(tmp_path, *lines) == {"pure": True, "abi": True, "fast": True}


def test_wheels_of_another_machine_cannot(tmp_path: Path) -> None:
    """One that is missing hides none of the others."""
    tags = {
        "x86": "cp310-cp310-manylinux_2_17_x86_64",
        "later": "cp312-cp312-manylinux_2_17_aarch64",
        "musl": "cp310-cp310-musllinux_1_2_aarch64",
    }
    lines = [wheel(tmp_path, name, tag) for name, tag in {"first": "py3-none-any", **tags, "last": "py3-none-any"}.items()]
    assert asked(tmp_path, *lines) == {"first": True, **dict.fromkeys(tags, False), "last": True}


def test_a_wheel_for_a_newer_c_library_is_for_the_newer_jetpack_alone(tmp_path: Path) -> None:
    line = wheel(tmp_path, "fresh", "cp39-abi3-manylinux_2_38_aarch64")
    assert asked(tmp_path, line, target=SIX) == {"fresh": False}
    assert asked(tmp_path, line, target=SEVEN) == {"fresh": True}


def test_the_python_that_a_package_asks_for_is_the_units_and_not_ours(tmp_path: Path) -> None:
    """numpy 2.5 asks for 3.12: pip install, run by 3.11, said that JetPack 7 could not have it."""
    line = wheel(tmp_path, "modern", "py3-none-any", python=">=3.12")
    assert asked(tmp_path, line, target=SIX) == {"modern": False}
    assert asked(tmp_path, line, target=SEVEN) == {"modern": True}


def test_markers_are_answered_for_the_unit(tmp_path: Path) -> None:
    wheel(tmp_path, "old", "py3-none-any")
    path = next(tmp_path.glob("old-*"))
    lines = [line("old", path, " ; python_full_version < '3.11'"), line("windows", path, " ; sys_platform == 'win32'")]
    assert asked(tmp_path, *lines, target=SIX) == {"old": True}
    assert asked(tmp_path, *lines, target=SEVEN) == {}


def test_a_wheel_with_another_hash_is_none(tmp_path: Path) -> None:
    wheel(tmp_path, "changed", "py3-none-any")
    assert asked(tmp_path, f"changed==1.0 --hash=sha256:{'0' * 64}\n") == {"changed": False}


def test_sources_count_where_they_need_no_compiler(tmp_path: Path) -> None:
    lines = [sources(tmp_path, "plain", compiles=False), sources(tmp_path, "native", compiles=True)]
    assert asked(tmp_path, *lines) == {"plain": True, "native": False}


def test_what_is_built_on_the_unit_is_said_and_not_asked_for(tmp_path: Path) -> None:
    (row,) = pins.rows(pins.pins("pycuda==2026.1\n"), SIX, ["--no-index", "--find-links", str(tmp_path)])
    assert row.good and "Dockerfile.jetson" in row.says


def test_the_command_says_each_pin_and_ends_with_1_where_one_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock, wheels = tmp_path / "some.lock", tmp_path / "wheels"
    wheels.mkdir()
    good = wheel(wheels, "pure", "py3-none-any")
    lock.write_text(good)
    assert pins.main(["--lock", str(lock), "--wheels", str(wheels)]) == 0
    said = capsys.readouterr().out
    assert said.count("pure-1.0-py3-none-any.whl") == len(TARGETS) and "not pinned: tensorrt: JetPack's" in said
    lock.write_text(good + f"absent==2.0 --hash=sha256:{'0' * 64}\n")
    assert pins.main(["--lock", str(lock), "--wheels", str(wheels)]) == 1
    said = capsys.readouterr().out
    assert "! absent" in said and "Could not find a version that satisfies the requirement absent==2.0" in said
    assert f"{len(TARGETS)} of the pins of {lock} cannot be had" in said


def test_a_units_wheels_are_fetched_by_its_own_markers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """pip answers them for the Python that it runs in, and would fetch another unit's."""
    index, lock, wheels = tmp_path / "index", tmp_path / "some.lock", tmp_path / "wheels"
    index.mkdir()
    tags = {"six": "cp310-cp310-manylinux_2_17_aarch64", "seven": "cp312-cp312-manylinux_2_38_aarch64", "both": "py3-none-any"}
    for name, tag in tags.items():
        wheel(index, name, tag)
    markers = {"six": " ; python_full_version < '3.11'", "seven": " ; python_full_version >= '3.12'", "both": ""}
    lines = [line(name, index / f"{name}-1.0-{tag}.whl", markers[name]) for name, tag in tags.items()]
    lock.write_text("".join(lines) + f"pycuda==2026.1 --hash=sha256:{'0' * 64}\n")
    given = ["--lock", str(lock), "--wheels", str(index), "--save", str(wheels)]
    assert pins.main([*given, "--for", "JetPack 6"]) == 0
    assert sorted(path.name.split("-")[0] for path in wheels.iterdir()) == ["both", "six"]
    assert "2 wheels; pycuda is compiled on a unit" in capsys.readouterr().out
    assert pins.main(given) == 0 and len(list(wheels.iterdir())) == 3
    (index / f"six-1.0-{tags['six']}.whl").unlink()
    assert pins.main(given) == 1 and "JetPack 6: Could not find a version" in capsys.readouterr().out


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_the_images_lock_is_read_whole(target: pins.Target) -> None:
    """Each package once for a unit, with hashes; OpenCV and TensorRT are the system's, and numpy is the one that they were compiled for."""
    found = {pin.name: pin for pin in pins.pins(pins.LOCK.read_text()) if pin.is_for(target)}
    assert len(found) == sum(pin.is_for(target) for pin in pins.pins(pins.LOCK.read_text())) > 20
    assert all(pin.hashes for pin in found.values()) and "pycuda" in found
    assert not [name for name in found if name.startswith(("opencv", "tensorrt"))]
    assert str(found["numpy"].requirement.specifier).startswith("==1.")
