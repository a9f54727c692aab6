"""Where ${NAME} in a config comes from: the environment, and the files that systemd's LoadCredential= has put where only we read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

DIRECTORY: Final = "CREDENTIALS_DIRECTORY"
"""What systemd.exec(5) names the folder of the credentials."""


class NoSecrets(Mapping[str, str]):
    """For whoever reads a config and has no business with its secrets: the same word for every name, whatever it is."""

    def __getitem__(self, name: str) -> str:
        return "secret"

    def __contains__(self, name: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        yield from ()

    def __len__(self) -> int:
        return 0


class Credentials(Mapping[str, str]):
    """Of an environment: its variables first, then its credentials by their names; an empty credential is none."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._folder = Path(environment[DIRECTORY]) if environment.get(DIRECTORY) else None

    def __getitem__(self, name: str) -> str:
        if name in self._environment:
            return self._environment[name]
        text = self._text(name)
        if not text:
            raise KeyError(name)
        return text

    def __iter__(self) -> Iterator[str]:
        yield from self._environment

    def __len__(self) -> int:
        return len(self._environment)

    def _text(self, name: str) -> str:
        if self._folder is None:
            return ""
        try:
            return (self._folder / name).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError):  # told as a variable that is not set, with its name
            return ""
