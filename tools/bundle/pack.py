"""A checkout becomes a release: files, self-test, needs, number."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import alpr
from edge.config import load
from edge.release import ReleaseError, archive, manifest, trust
from edge.release.manifest import Manifest, Needs
from edge.release.trust import PublicKey
from tools.bundle import contents, expected, pictures
from tools.bundle.keys import SigningKey
from tools.bundle.seal import Content, seal

NAMED: Final = re.compile(r"kerbside-(\d+)\.tar\.gz")
PYTHON: Final = "3.10"


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be packed."""

    root: Path
    release: int
    kinds: tuple[str, ...] = tuple(contents.ENVIRONMENTS)  # of units
    wheels: Path | None = None
    needs: Needs = field(default_factory=lambda: Needs(python=PYTHON))
    crops: int = 24
    scenes: int = 4
    most_ms: float = 1000.0
    measured: Mapping[str, Any] = field(default_factory=dict)  # reports of tools.bench accuracy, by set


def gather(order: Order) -> tuple[dict[str, Content], dict[str, Any]]:
    """The files and the manifest's other fields. Raises ReleaseError, ConfigError or ContractError."""
    environments = {kind: contents.ENVIRONMENTS[kind] for kind in order.kinds}
    locks = [each.lock for each in environments.values()]
    files: dict[str, Content] = dict(contents.files(order.root, *locks, wheels=order.wheels))
    if order.wheels is not None:
        _refuse_without(order.wheels, [name for each in environments.values() for name in each.builds])
    regions = load(order.root / "config.yaml").regions
    test = expected.measured(order.root, pictures.rendered(order.root, regions, order.crops, order.scenes), order.most_ms)
    revision, made_at = contents.revision(order.root)
    about = {
        "release": order.release,
        "version": alpr.__version__,
        "revision": revision,
        "made_at": made_at,
        "environments": {kind: asdict(each) for kind, each in environments.items()},
        "lock": locks[-1],  # for a unit whose release knows of one alone
        "needs": asdict(order.needs),
        "limits": asdict(test.limits),
        "accuracy": {**test.accuracy, "sets": dict(order.measured)},
    }
    return files | test.files, about


def pack(order: Order, key: SigningKey, folder: Path) -> tuple[Path, Manifest]:
    """→ the bundle in `folder`, and what is in it. A number is given once: raises ReleaseError for one that is not the highest there."""
    if (highest := newest(folder)[0]) >= order.release:
        raise ReleaseError(f"release {order.release} is not higher than {highest}, which is in {folder}; units take rising numbers alone")
    files, about = gather(order)
    path = folder / f"kerbside-{order.release}.tar.gz"
    return path, seal(files, about, key, path)


def _refuse_without(wheels: Path, builds: Sequence[str]) -> None:
    """A unit that is brought wheels reaches no index, and compiles nothing. Raises ReleaseError."""
    if missing := [name for name in builds if not any(wheels.glob(f"{name}-*.whl"))]:
        lack = f"{wheels}: has no wheel of {', '.join(missing)}, which no index has either"
        raise ReleaseError(f"{lack}: take one that a unit has compiled (docs/flashing.md), or leave JetPack units out with --for other")


def newest(folder: Path) -> tuple[int, Path | None]:
    """The highest release in a folder of bundles; (0, None) where there is none."""
    found = [(int(name[1]), path) for path in folder.glob("*.tar.gz") if (name := NAMED.fullmatch(path.name))]
    return max(found, default=(0, None))


def look(path: Path) -> Manifest:
    """The manifest, before anything is believed of it. Raises RefusedError."""
    with archive.opened(path) as opened:
        return manifest.parse(opened.manifest)


def verify(path: Path, keys: list[PublicKey], folder: Path) -> tuple[Manifest, PublicKey]:
    """All that a unit verifies, unpacked into an empty folder → the manifest and who signed it. Raises RefusedError."""
    with archive.opened(path) as opened:
        signer = trust.check(keys, opened.signature, trust.BUNDLE, opened.manifest)
        found = manifest.parse(opened.manifest)
        opened.unpack(found, folder)
    return found, signer
