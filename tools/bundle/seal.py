"""The archive itself: the same files, key and zlib give the same bytes."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from edge.release.manifest import NAME, SCHEMA, SIGNATURE, Entry, Manifest, parse
from edge.release.trust import BUNDLE
from tools.bundle.keys import SigningKey

LEVEL: Final = 6
EXECUTABLE: Final = ("systemd/install",)
Content = bytes | Path


def seal(files: Mapping[str, Content], about: Mapping[str, Any], key: SigningKey | None, out: Path) -> Manifest:
    """Write a bundle: manifest, signature, and the files in their names' order. `about`: the manifest's other fields, as JSON has them.

    Without a key it is one that every unit refuses. Raises RefusedError for a manifest that no unit would take.
    """
    entries = {path: asdict(_entry(path, content)) for path, content in sorted(files.items())}
    manifest = json.dumps({"schema": SCHEMA, **about, "files": entries}, indent=1, sort_keys=True).encode()
    parsed = parse(manifest)
    signed = [(SIGNATURE, key.sign(BUNDLE, manifest))] if key is not None else []
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = out.with_name(f".{out.name}.new")
    try:
        with (
            draft.open("wb") as raw,
            gzip.GzipFile("", "wb", LEVEL, raw, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
        ):
            for path, content in [(NAME, manifest), *signed, *sorted(files.items())]:
                _add(tar, path, content)
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)
    return parsed


def _entry(path: str, content: Content) -> Entry:
    data = content.read_bytes() if isinstance(content, Path) else content
    return Entry(hashlib.sha256(data).hexdigest(), len(data), path in EXECUTABLE)


def _add(tar: tarfile.TarFile, path: str, content: Content) -> None:
    """No owner, no time: they would differ from machine to machine."""
    data = content.read_bytes() if isinstance(content, Path) else content
    member = tarfile.TarInfo(path)
    member.size, member.mode = len(data), 0o755 if path in EXECUTABLE else 0o644
    tar.addfile(member, io.BytesIO(data))
