"""A bundle as a file: tar.gz, manifest and signature first. Nothing is unpacked that the signed manifest does not name with its hash."""

from __future__ import annotations

import hashlib
import os
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from edge.release import RefusedError
from edge.release.disk import sync_folder
from edge.release.manifest import NAME, SIGNATURE, Entry, Manifest

MOST_MANIFEST: Final = 4 << 20
BLOCK: Final = 1 << 20
DAMAGED: Final = (tarfile.TarError, EOFError, zlib.error)


@dataclass(frozen=True, slots=True, eq=False)
class Archive:
    """An opened bundle, read once from its beginning."""

    path: Path
    manifest: bytes
    signature: bytes
    _tar: tarfile.TarFile

    def unpack(self, manifest: Manifest, folder: Path) -> None:
        """All files into an empty folder, each compared with the manifest as it comes, and on the disk when this returns.

        Raises RefusedError for the first one that is not as it was signed; what is in `folder` by then is worth nothing.
        """
        left = dict(manifest.files)
        for member, content in _members(self._tar):
            entry = left.pop(member.name, None)
            if entry is None or not member.isreg():
                raise RefusedError(f"{self.path.name}: holds {member.name!r}, which its manifest does not name")
            _unpack(content, entry, folder / member.name, f"{self.path.name}: {member.name}")
        if left:
            raise RefusedError(f"{self.path.name}: lacks {len(left)} files of its manifest, the first is {min(left)}")
        (folder / NAME).write_bytes(self.manifest)
        (folder / SIGNATURE).write_bytes(self.signature)
        for inner in [path for path in folder.rglob("*") if path.is_dir()] + [folder]:
            sync_folder(inner)


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Raises RefusedError for a file that is no bundle, or one that nobody has signed."""
    try:
        with tarfile.open(path, "r|gz") as tar:
            members = _members(tar)
            yield Archive(path, _first(members, path, NAME, "no bundle"), _first(members, path, SIGNATURE, "not signed"), tar)
    except DAMAGED as error:
        raise RefusedError(f"{path.name}: is cut off or damaged ({error}); copy it again") from error


def _members(tar: tarfile.TarFile) -> Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]:
    while (member := tar.next()) is not None:
        yield member, tar.extractfile(member) if member.isreg() else None


def _first(members: Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]], path: Path, name: str, otherwise: str) -> bytes:
    member, content = next(members, (None, None))
    if member is None or member.name != name or content is None or member.size > MOST_MANIFEST:
        raise RefusedError(f"{path.name}: is {otherwise}: expected {name} at this place, found {member.name if member else 'its end'!r}")
    return content.read()


def _unpack(content: IO[bytes] | None, entry: Entry, target: Path, where: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    assert content is not None
    with target.open("xb") as file:
        while block := content.read(BLOCK):
            size += len(block)
            if size > entry.size:
                break
            digest.update(block)
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    if size != entry.size or digest.hexdigest() != entry.sha256:
        raise RefusedError(f"{where}: is not what was signed (sha256 {digest.hexdigest()[:16]}…, signed {entry.sha256[:16]}…)")
    target.chmod(0o755 if entry.executable else 0o644)


def differing(manifest: Manifest, folder: Path) -> list[str]:
    """The files of an unpacked release that are no longer as they were signed."""
    return [path for path, entry in manifest.files.items() if sha256_of(folder / path) != entry.sha256]


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
    except OSError:
        return ""
    return digest.hexdigest()
