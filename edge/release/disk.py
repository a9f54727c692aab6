"""Changes on disk that are there whole or not at all, after a power cut too."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: Path, data: bytes, mode: int = 0o644) -> None:
    """The new file or the old one, never a part of it. One writer at a time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    write_through(draft, data, mode)
    draft.replace(path)
    sync_folder(path.parent)


def write_through(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Onto the disk and not only into its cache."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(mode)


def point(link: Path, target: str) -> None:
    """Let a symbolic link name something else: whoever follows it finds the old or the new one at every moment."""
    link.parent.mkdir(parents=True, exist_ok=True)
    draft = link.with_name(f".{link.name}.new")
    draft.unlink(missing_ok=True)
    draft.symlink_to(target)
    draft.replace(link)
    sync_folder(link.parent)


def sync_folder(path: Path) -> None:
    """The names in it: a rename is on the disk only then."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
