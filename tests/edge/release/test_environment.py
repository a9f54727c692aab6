"""An environment from a lock: pip's own, with wheels that the bundle brings and no index at all."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from edge.release import ReleaseError, pins
from edge.release.environment import ensure
from edge.release.layout import Layout
from tests.edge.release import units

NAME = "roadside_thing"


def wheel(folder: Path, version: str = "1.0") -> Path:
    """A wheel of one module (PEP 427)."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{NAME}-{version}.dist-info"
    files = {
        f"{NAME}.py": f"VERSION = {version!r}\n".encode(),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = [
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},{len(data)}"
        for name, data in files.items()
    ]
    files[f"{info}/RECORD"] = "\n".join([*lines, f"{info}/RECORD,,", ""]).encode()
    path = folder / f"{NAME}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def locked(folder: Path, path: Path) -> Path:
    lock = folder / "unit.lock"
    lock.write_text(f"roadside-thing==1.0 \\\n    --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n")
    return lock


def test_it_is_made_once_and_again_where_it_was_cut(tmp_path: Path) -> None:
    layout, lock = Layout(tmp_path / "unit"), locked(tmp_path, wheel(tmp_path / "wheels"))
    made = ensure(layout, lock, tmp_path / "wheels")
    said = subprocess.run([made / "bin/python", "-c", f"import {NAME}; print({NAME}.VERSION)"], capture_output=True, text=True, timeout=60)
    assert said.stdout == "1.0\n"
    mark = made / "untouched"
    mark.touch()
    assert ensure(layout, lock, tmp_path / "wheels") == made and mark.exists()
    made.with_name(f"{made.name}.done").unlink()  # the power went before it was finished
    assert ensure(layout, lock, None, of_image=image(tmp_path)) == made and not mark.exists()


def image(folder: Path) -> Path:
    return units.image(folder / "image")


def test_a_wheel_that_the_lock_does_not_know_is_not_taken(tmp_path: Path) -> None:
    lock = locked(tmp_path, wheel(tmp_path / "wheels"))
    (tmp_path / "wheels" / wheel(tmp_path / "wheels").name).write_bytes(wheel(tmp_path / "other", "1.0").read_bytes() + b"\0")
    with pytest.raises(ReleaseError, match=r"pip cannot install the lock: [\s\S]*(HASH|hash)"):
        ensure(Layout(tmp_path / "unit"), lock, tmp_path / "wheels")


def test_an_image_s_environment_must_have_every_pin(tmp_path: Path) -> None:
    import yaml

    lock = tmp_path / "unit.lock"
    lock.write_text(f"pyyaml=={yaml.__version__} \\\n    --hash=sha256:0\nnowhere==1.0 ; python_version < '3.0' \\\n    --hash=sha256:0\n")
    layout = Layout(tmp_path / "unit")
    made = ensure(layout, lock, None, of_image=Path(sys.prefix))
    assert made.is_symlink() and made.resolve() == Path(sys.prefix).resolve()
    lock.write_text("pyyaml==0.1 \\\n    --hash=sha256:0\n")
    with pytest.raises(ReleaseError, match=r"is not of this lock: lacks pyyaml==0\.1"):
        ensure(layout, lock, None, of_image=Path(sys.prefix))


def test_pins_are_read_as_uv_writes_them() -> None:
    some = "tomli==2.0 ; python_full_version < '3.11' \\\n    --hash=sha256:ef\n"
    lock = f"# made by uv\nnumpy==0.0.1 \\\n    --hash=sha256:ab \\\n    --hash=sha256:cd\n{some}"
    assert pins.lacking(lock) == ["numpy==0.0.1"]
