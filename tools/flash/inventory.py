"""Which units there are and how they are reached: words of the command line, or a YAML file.

defaults: {user: fleet, sudo: true, identity: ~/.ssh/fleet}
units:
  gate-north: {host: 192.0.2.21}
  gate-south: {host: 192.0.2.22, port: 2222, config: units/gate-south.yaml}
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final

import yaml
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from tools.flash import UnitError

WORD: Final = re.compile(r"(?:(?P<user>\w[\w.-]*)@)?(?P<host>\[[0-9A-Fa-f:.]+\]|\w[\w.-]*)(?::(?P<port>\d+))?")

HOST: Final = r"^[A-Za-z0-9:][A-Za-z0-9.:_-]*$"
"""A name or an address, and nothing that ssh would take for an option."""


@dataclass(frozen=True, slots=True)
class Target:
    """A unit as it is reached. What is left out, ssh's own config says."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    host: Annotated[str, Field(pattern=HOST)]
    name: str = ""
    user: Annotated[str, Field(pattern=r"^([\w][\w.-]*)?$")] = ""
    port: Annotated[int, Field(ge=0, le=65535)] = 0
    identity: Path | None = None  # the private key that opens it
    known_hosts: Path | None = None  # the file with its host key, instead of ssh's own
    sudo: bool = False  # the user may become root without a password
    root: str = "/"  # where its system lies
    environment: str = ""  # on the unit: a Python environment that its image brought, with every pin of the lock
    config: Path | None = None  # here: the first config.yaml of a bare unit


def of_words(words: Sequence[str]) -> list[Target]:
    """Of [user@]host[:port]. Raises UnitError."""
    found = [(word, WORD.fullmatch(word)) for word in words]
    if wrong := [word for word, match in found if match is None]:
        raise UnitError(f"{', '.join(wrong)}: expected [user@]host[:port], or a name in --inventory")
    matches = [match for _, match in found if match is not None]
    return [Target(match["host"].strip("[]"), match[0], match["user"] or "", int(match["port"] or 0)) for match in matches]


def of_file(path: Path, names: Sequence[str] = ()) -> list[Target]:
    """The named units of an inventory, or all; paths in it start from its own folder. Raises UnitError with what is wrong, by key."""
    try:
        data: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise UnitError(f"{path}: cannot be read: {error}") from error
    if not isinstance(data, dict) or not isinstance(data.get("units"), dict) or set(data) - {"defaults", "units"}:
        raise UnitError(f"{path}: expected `units:` with a mapping from names to how they are reached, and perhaps `defaults:`")
    units = data["units"]
    if unknown := [name for name in names if name not in units]:
        raise UnitError(f"{path}: has no {', '.join(unknown)}; it has {', '.join(map(str, units))}")
    return [_target(path, str(name), {**(data.get("defaults") or {}), **(units[name] or {})}) for name in names or units]


def _target(path: Path, name: str, fields: dict[str, Any]) -> Target:
    for key in ("identity", "known_hosts", "config"):
        if fields.get(key):
            fields[key] = path.absolute().parent / Path(str(fields[key])).expanduser()
    try:
        return TypeAdapter(Target).validate_python({"host": name, **fields, "name": name})
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise UnitError(f"{path}: units.{name}: {wrong}") from error
