"""The config's file, as a running unit changes it: checked as a whole before it is written, and written at once or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge.config import document
from edge.config.problem import ConfigError, Problem
from edge.config.sections import Config


class ConfigFile:
    """One file. Where it is a link, what it leads to is written, and the link stays."""

    def __init__(self, path: Path, check: Callable[[str], Config]) -> None:
        """`check` reads a text as if the file held it, command line included, and raises ConfigError."""
        self.path, self.check = path, check

    def text(self) -> str:
        """Raises ConfigError."""
        try:
            with self.path.open(encoding="utf-8", newline="") as file:  # line ends as they are
                return file.read()
        except (OSError, UnicodeDecodeError) as error:
            raise self._problem(f"cannot be read ({getattr(error, 'strerror', None) or error})") from error

    def write(self, text: str) -> None:
        """Raises ConfigError, and has changed nothing then. On return it is on the disk, under the same owner and mode."""
        self.check(text)
        target = self.path.resolve()
        try:
            before = target.stat()
            descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
                    os.fchmod(file.fileno(), before.st_mode & 0o7777)
                    if (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
                        os.fchown(file.fileno(), before.st_uid, before.st_gid)
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(name, target)
            except BaseException:
                os.unlink(name)
                raise
            _settle(target.parent)
        except OSError as error:
            where = "the unit's user must be allowed to write it, and the folder that it lies in: see docs/live-view.md"
            raise self._problem(f"cannot be written ({error.strerror}): {where}") from error

    def data(self) -> dict[str, Any]:
        """What it says, unchecked. Raises ConfigError."""
        return document.read(self.path, self.text()).data

    def _problem(self, text: str) -> ConfigError:
        return ConfigError(self.path, [Problem(0, "", text)])


def _settle(folder: Path) -> None:
    """Have a rename on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
