"""An environment from a lock: pip's own, with wheels that the bundle brings, or with an index that is a folder."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edge.release import ReleaseError, pins
from edge.release.child import complaint
from edge.release.environment import ensure
from edge.release.layout import Layout
from edge.release.manifest import Environment
from tests.edge.release import units
from tests.edge.release.packages import NAME, pin, sources, wheel

LOCK = "unit.lock"
PLAIN = Environment(LOCK)
JETSON = Environment(LOCK, builds=("pycuda",), of_system=("cv2",))


def said(python: Path, code: str) -> str:
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def locked(release: Path, *packages: Path) -> Path:
    """An unpacked release whose lock has these."""
    release.mkdir(exist_ok=True)
    (release / LOCK).write_text("".join(map(pin, packages)))
    return release


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package index that pip on the unit knows."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    return tmp_path / "index"


def test_it_is_made_once_and_again_where_it_was_cut(tmp_path: Path) -> None:
    release = tmp_path / "release"
    layout, release = Layout(tmp_path / "unit"), locked(release, wheel(release / "wheels"))
    made = ensure(layout, release, PLAIN)
    assert said(made / "bin/python", f"import {NAME}; print({NAME}.VERSION)") == "1.0"
    assert "include-system-site-packages = false" in (made / "pyvenv.cfg").read_text()
    mark = made / "untouched"
    mark.touch()
    assert ensure(layout, release, PLAIN) == made and mark.exists()
    made.with_name(f"{made.name}.done").unlink()  # the power went before it was finished
    assert ensure(layout, release, PLAIN, of_image=units.image(tmp_path / "image")) == made and not mark.exists()


def test_a_jetpacks_sees_the_system_and_what_has_no_wheel_is_compiled(tmp_path: Path, index: Path) -> None:
    """With nothing but what the lock has: what the sources would like to be built with is not fetched from anywhere."""
    layout = Layout(tmp_path / "unit")
    nvcc = layout.cuda / "bin/nvcc"
    nvcc.parent.mkdir(parents=True)
    nvcc.write_text("#!/bin/sh\n")
    nvcc.chmod(0o755)
    release = locked(tmp_path / "release", wheel(index), sources(index, platform.machine()))
    made = ensure(layout, release, JETSON)
    assert "include-system-site-packages = true" in (made / "pyvenv.cfg").read_text()
    assert said(made / "bin/python", f"import {NAME}, pycuda.driver; print(pycuda.__file__)").startswith(str(made))
    seen: dict[str, Any] = json.loads(said(made / "bin/python", "import json, pycuda; print(json.dumps(pycuda.SEEN))"))
    assert seen == {"nvcc": str(nvcc), "defaults": "CUDA_ENABLE_CURAND = False\n", "python": str(made)}
    assert [path.name.split("-")[0] for path in (made / "built").iterdir()] == ["pycuda"], "for the bundles of units without an index"
    assert ensure(layout, release, PLAIN, of_image=units.image(tmp_path / "image")) != made, "what another kind of unit has is another one"


def test_a_jetpack_unit_without_an_index_takes_a_wheel_that_another_one_compiled(tmp_path: Path, index: Path) -> None:
    first = Layout(tmp_path / "first")
    packages = (wheel(index), sources(index, platform.machine()))
    made = ensure(first, locked(tmp_path / "release", *packages), JETSON)
    release = locked(tmp_path / "offline", *packages)
    (release / "wheels").mkdir()
    for path in (packages[0], *(made / "built").iterdir()):
        path.rename(release / "wheels" / path.name)
    packages[1].unlink()
    again = ensure(Layout(tmp_path / "second"), release, JETSON)
    assert said(again / "bin/python", "import pycuda; print(pycuda.__file__)").startswith(str(again)) and not (again / "built").exists()


def test_sources_that_are_not_those_of_the_lock_are_not_compiled(tmp_path: Path, index: Path) -> None:
    release = locked(tmp_path / "release", wheel(index), sources(index, platform.machine()))
    (index / "pycuda-1.0.tar.gz").write_bytes(sources(tmp_path / "other", "m68k").read_bytes())
    with pytest.raises(ReleaseError, match=r"pip cannot fetch what is to be compiled: [\s\S]*(HASH|hash)"):
        ensure(Layout(tmp_path / "unit"), release, JETSON)


def test_a_wheel_that_the_lock_does_not_know_is_not_taken(tmp_path: Path) -> None:
    release = tmp_path / "release"
    path = wheel(release / "wheels")
    locked(release, path)
    path.write_bytes(wheel(tmp_path / "other").read_bytes() + b"\0")
    with pytest.raises(ReleaseError, match=r"pip cannot install the lock: [\s\S]*(HASH|hash)"):
        ensure(Layout(tmp_path / "unit"), release, PLAIN)


def test_an_image_s_environment_must_have_every_pin(tmp_path: Path) -> None:
    import yaml

    lock = tmp_path / LOCK
    lock.write_text(f"pyyaml=={yaml.__version__} \\\n    --hash=sha256:0\nnowhere==1.0 ; python_version < '3.0' \\\n    --hash=sha256:0\n")
    layout = Layout(tmp_path / "unit")
    made = ensure(layout, tmp_path, PLAIN, of_image=Path(sys.prefix))
    assert made.is_symlink() and made.resolve() == Path(sys.prefix).resolve()
    lock.write_text("pyyaml==0.1 \\\n    --hash=sha256:0\n")
    with pytest.raises(ReleaseError, match=r"is not of this lock: lacks pyyaml==0\.1"):
        ensure(layout, tmp_path, PLAIN, of_image=Path(sys.prefix))


def test_pins_are_read_as_uv_writes_them() -> None:
    some = "tomli==2.0 ; python_full_version < '3.11' \\\n    --hash=sha256:ef\n"
    lock = f"# made by uv\nnumpy==0.0.1 \\\n    --hash=sha256:ab \\\n    --hash=sha256:cd\n{some}"
    assert pins.lacking(lock) == ["numpy==0.0.1"]
    assert pins.exact(lock, ("numpy", "tomli")) == ["numpy==0.0.1", "tomli==2.0"]
    assert pins.of(lock, ("numpy",)).split() == ["numpy==0.0.1", "--hash=sha256:ab", "--hash=sha256:cd"]
    assert pins.without(lock, ("numpy",)).split(" --hash")[0].strip() == "tomli==2.0 ; python_full_version < '3.11'"


def test_what_a_compiler_named_first_is_told() -> None:
    """pycuda's own log was 7,000 lines, and its end said only that it had failed."""
    said = (
        "cuda.hpp:23:10: fatal error: cudaProfiler.h: No such file or directory\n"
        + "note: below it\n" * 500
        + "ERROR: Failed building wheel"
    )
    assert complaint(said).startswith("cuda.hpp:23:10: fatal error: cudaProfiler.h: No such file or directory […] ")
    assert complaint(said).endswith("Failed building wheel") and complaint("no such lock\n") == "no such lock"
