"""Packages of a few bytes for an environment to be made of: a wheel, and sources that something is compiled from. pip itself takes them."""

from __future__ import annotations

import base64
import hashlib
import io
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

NAME = "roadside_thing"
BACKEND = '''
import base64, hashlib, os, shutil, sys, zipfile
from pathlib import Path

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    """A module that says what was there while it was made."""
    defaults = Path("~/.aksetup-defaults.py").expanduser()
    seen = {{"nvcc": shutil.which("nvcc"), "defaults": defaults.read_text() if defaults.exists() else "", "python": sys.prefix}}
    info, tag = "{name}-1.0.dist-info", "{tag}"
    with zipfile.ZipFile(os.path.join(wheel_directory, f"{name}-1.0-{{tag}}.whl"), "w") as wheel:
        wheel.writestr("{name}/__init__.py", f"SEEN = {{seen!r}}\\n")
        wheel.writestr("{name}/driver.py", "")
        wheel.writestr(f"{{info}}/METADATA", "Metadata-Version: 2.1\\nName: {name}\\nVersion: 1.0\\n")
        wheel.writestr(f"{{info}}/WHEEL", f"Wheel-Version: 1.0\\nRoot-Is-Purelib: false\\nTag: {{tag}}\\n")
        wheel.writestr(f"{{info}}/RECORD", "")
    return f"{name}-1.0-{{tag}}.whl"
'''


def tag(machine: str) -> str:
    """Of a compiled wheel for this Python."""
    python = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    return f"{python}-{python}-linux_{machine}"


def wheel(
    folder: Path, version: str = "1.0", name: str = NAME, tagged: str = "py3-none-any", more: Mapping[str, str] | None = None
) -> Path:
    """A wheel of one module and whatever `more` files (PEP 427)."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f"VERSION = {version!r}\n".encode(),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tagged}\n".encode(),
        **{path: text.encode() for path, text in (more or {}).items()},
    }
    lines = [
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},{len(data)}"
        for path, data in files.items()
    ]
    files[f"{info}/RECORD"] = "\n".join([*lines, f"{info}/RECORD,,", ""]).encode()
    path = folder / f"{name}-{version}-{tagged}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inner, data in files.items():
            archive.writestr(inner, data)
    return path


def sources(folder: Path, machine: str, name: str = "pycuda") -> Path:
    """Sources without a wheel, that ask for nothing while they are made."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        "pyproject.toml": '[build-system]\nrequires = ["nobody-has-this"]\nbuild-backend = "backend"\nbackend-path = ["."]\n',
        "backend.py": BACKEND.format(name=name, tag=tag(machine)),
    }
    path = folder / f"{name}-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for inner, text in files.items():
            member = tarfile.TarInfo(f"{name}-1.0/{inner}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return path


def pin(path: Path) -> str:
    """A package's lines of a lock."""
    name, version = path.name.removesuffix(".tar.gz").split("-")[:2]
    return f"{name.replace('_', '-')}=={version} \\\n    --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"
