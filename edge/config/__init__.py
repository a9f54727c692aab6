"""config.yaml → Config: what the operator sets, or everything that is wrong with it, by line."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

from edge.cameras.spec import CameraError, kind_of, redacted
from edge.certificate import CertificateError, common_name
from edge.config.credentials import DIRECTORY, Credentials, NoSecrets
from edge.config.document import Document, read
from edge.config.problem import ConfigError, Key, Problem
from edge.config.sections import Config
from edge.config.validation import Validator

__all__ = ["Config", "ConfigError", "Problem", "check", "load"]

VARIABLE = re.compile(r"\$\{(\w*)\}")
UNWRITABLE = re.compile("[\\0\ud800-\udfff]")
"""What no path holds, and what stands for bytes that are no UTF-8: nothing can send those, and OpenCV dies of a name with them."""
Section = TypeVar("Section")


def load(
    path: str | Path,
    overrides: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] = os.environ,
    text: str | None = None,
    secrets: bool = True,
) -> Config:
    """Read a config and check all of it; relative paths in it start from its own folder.

    `overrides` replaces values by key, "mqtt.host" or "cameras"; sources among them start from the working directory.
    `text` is checked as if the file held it. Without `secrets`, a word stands in for each ${NAME}, set or not:
    what such a value would be checked for is left to whoever needs it, and all else is checked. Raises ConfigError.
    """
    document = read(Path(path), text)
    data, overrides = document.data, overrides or {}
    for key, value in overrides.items():
        _put(data, key.split("."), value)
    unread = frozenset() if secrets else frozenset(_secret(data))
    wrong = _expand(data, Credentials(environment) if secrets else NoSecrets())
    located = partial(_located, folder=document.path.absolute().parent, cameras_from_elsewhere="cameras" in overrides)
    config, found = _validator().validate(data, located, unread)
    problems = [Problem.at(_line(document, key, overrides), key, redacted(text)) for key, text in {**found, **wrong}.items()]
    if config is None or problems or document.problems:
        raise ConfigError(document.path, [*document.problems, *problems])
    return config


def check(path: str | Path) -> int:
    """Print OK, or every problem → the exit code that says so: 0 or 1."""
    try:
        load(path)
    except ConfigError as error:
        print(error)
        return 1
    print(f"{path}: OK")
    return 0


@cache
def _validator() -> Validator:
    """Compiled once: it takes longer than all the rest of a reload."""
    return Validator()


def _line(document: Document, key: Key, overrides: Mapping[str, Any]) -> int:
    """0 for what the command line says."""
    return 0 if any(key[: name.count(".") + 1] == tuple(name.split(".")) for name in overrides) else document.line(key)


def _put(data: dict[str, Any], key: list[str], value: Any) -> None:
    """Set a value by its key, making the sections above it where there are none."""
    for part in key[:-1]:
        if not isinstance(data.get(part), dict):
            data[part] = {}
        data = data[part]
    data[key[-1]] = value


def _secret(holder: Any, above: Key = ()) -> Iterator[Key]:
    """The keys of values with ${NAME} in them, and of what is compared with those: a private key's certificate, a certificate's device."""
    for part, value in holder.items() if isinstance(holder, dict) else enumerate(holder):
        if isinstance(value, (dict, list)):
            yield from _secret(value, (*above, part))
        elif isinstance(value, str) and VARIABLE.search(value):
            yield (*above, part)
            if part == "key_file":
                yield (*above, "cert_file")
            elif (*above, part) == ("mqtt", "cert_file"):
                yield ("device", "id")


def _expand(holder: Any, environment: Mapping[str, str], above: Key = ()) -> dict[Key, str]:
    """Put the environment's values into ${NAME}, in place → texts that cannot be, by key. Secrets alone may come from there."""
    wrong: dict[Key, str] = {}
    for part, value in list(holder.items() if isinstance(holder, dict) else enumerate(holder)):
        key = (*above, part)
        if isinstance(value, (dict, list)):
            wrong |= _expand(value, environment, key)
        elif isinstance(value, str) and UNWRITABLE.search(value):
            wrong[key] = f"is {value!r}, expected text in UTF-8 without \\0"
            holder[part] = UNWRITABLE.sub("", value)
        elif isinstance(value, str) and VARIABLE.search(value):
            names = VARIABLE.findall(value)
            unset = [name for name in names if name not in environment]
            if not (key[0] == "cameras" and part == "source") and not (str(part).endswith("_file") and names == [DIRECTORY]):
                wrong[key] = f"is {value!r}, expected plain text: ${{…}} is for a camera's source, mqtt has user_env and password_env"
            elif unset:
                wrong[key] = f"is {value!r}, expected variables that are set: the environment has no {', '.join(unset)}"
            else:
                holder[part] = VARIABLE.sub(lambda name: environment[name[1]], value)
                if UNWRITABLE.search(holder[part]):
                    wrong[key] = f"is {value!r}, expected variables of UTF-8 text"
                    holder[part] = UNWRITABLE.sub("", holder[part])
    return wrong


def _located(config: Config, folder: Path, cameras_from_elsewhere: bool) -> Config:
    """The config with paths that start from `folder` made absolute."""
    config = _named(_absolute(config, folder))
    if cameras_from_elsewhere:
        return config
    return replace(config, cameras=tuple(replace(camera, source=_source(camera.source, folder)) for camera in config.cameras))


def _named(config: Config) -> Config:
    """A device without an id has its certificate's name; one that cannot be read is told of with the rest."""
    if config.device.id or config.mqtt.cert_file is None:
        return config
    with suppress(CertificateError):
        return replace(config, device=replace(config.device, id=common_name(config.mqtt.cert_file)))
    return config


def _absolute(section: Section, folder: Path) -> Section:
    values = {each.name: getattr(section, each.name) for each in fields(section) if each.init}  # type: ignore[arg-type]
    moved = {name: folder / value for name, value in values.items() if isinstance(value, Path)}
    inner: dict[str, Any] = {
        name: _absolute(value, folder) for name, value in values.items() if is_dataclass(value) and not isinstance(value, type)
    }
    if "lists" in values:
        inner["lists"] = tuple(_absolute(each, folder) for each in values["lists"])
    return replace(section, **moved, **inner)  # type: ignore[type-var]


def _source(source: str, folder: Path) -> str:
    try:
        return str(folder / source) if kind_of(source) in ("file", "folder") else source
    except (CameraError, OSError):
        return source  # the check of all sources tells what is wrong with it
