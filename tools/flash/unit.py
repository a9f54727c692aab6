"""What a unit can be asked: its facts, and the commands of edge.release, each answered with a line of JSON."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from edge import release as package
from edge.release import facts
from tools.flash import UnitError
from tools.flash.connection import Connection

PACKAGE: Final = Path(package.__file__).parent
ASK_S: Final = 60.0


class Unit:
    """One unit, over its connection."""

    def __init__(self, connection: Connection) -> None:
        self.connection, self.target = connection, connection.target
        root = self.target.root.rstrip("/")
        self.store = f"{root}/opt/kerbside-store"
        self._sudo = "sudo -n " if self.target.sudo else ""

    def facts(self) -> dict[str, Any]:
        """A bare unit answers too: the question is sent along. Raises AwayError or UnitError."""
        source = Path(facts.__file__).read_bytes()
        code, said = self.connection.run(f"{self._sudo}python3 - --root {shlex.quote(self.target.root)}", source, ASK_S)
        return self._answer(code, said)

    def prepare(self) -> None:
        """Where files may be copied to."""
        folders = " ".join(shlex.quote(f"{self.store}/{name}") for name in ("incoming", "bootstrap/edge"))
        made, owned = f"{self._sudo}install -d {shlex.quote(self.store)}", f'{self._sudo}install -d -o "$(id -u)" {folders}'
        self.connection.run(f"{made} && {owned} && echo done")

    def ask(self, home: str, command: Sequence[str], stdin: bytes = b"", timeout_s: float = ASK_S) -> dict[str, Any]:
        """A command of edge.release, by the code in `home` of the store: good, or bootstrap. Raises AwayError or UnitError."""
        words = shlex.join([".venv/bin/python", "-m", "edge.release", "--root", self.target.root, *command])
        code, said = self.connection.run(f"cd {shlex.quote(f'{self.store}/{home}')} && exec {self._sudo}{words}", stdin, timeout_s)
        return self._answer(code, said)

    def ask_bare(self, command: Sequence[str], timeout_s: float) -> dict[str, Any]:
        """The same by the unit's own Python, before it has an environment."""
        words = shlex.join(["python3", "-m", "edge.release", "--root", self.target.root, *command])
        code, said = self.connection.run(f"cd {shlex.quote(f'{self.store}/bootstrap')} && exec {self._sudo}{words}", b"", timeout_s)
        return self._answer(code, said)

    def _answer(self, code: int, said: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(said.strip().splitlines()[-1])
        except (ValueError, IndexError) as error:
            raise UnitError(f"said {said.strip()[-200:]!r}, expected a line of JSON") from error
        if code:
            raise UnitError(str(found.get("error", found)))
        return found
