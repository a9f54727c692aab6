"""`python -m tools.bundle`: what a unit runs, in one signed archive.

python -m tools.bundle keygen workshop-2026                        # keys/workshop-2026.key, to be kept; .pub, to be trusted
python -m tools.bundle pack --key keys/workshop-2026.key           # dist/kerbside-N.tar.gz, N one more than the highest there
python -m tools.bundle verify dist/kerbside-1.tar.gz --trust keys/workshop-2026.pub
python -m tools.bundle rotate --key keys/workshop-2026.key --trust keys/workshop-2027.pub    # keys/rotation-0001.json
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from alpr.contract import ContractError
from edge.config import ConfigError
from edge.release import ReleaseError, fitness
from edge.release.environment import WHEELS
from edge.release.manifest import JETPACK, Manifest, Needs
from tools.bundle import contents, keys, pack

ROOT = Path(__file__).parents[2]


def main(arguments: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(arguments)
    try:
        {"keygen": _keygen, "rotate": _rotate, "pack": _pack, "verify": _verify}[args.command](args)
    except (ReleaseError, ConfigError, ContractError, OSError) as error:
        print(f"bundle: {error}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        print(f"bundle: {error}: packing renders plates, which needs more than a unit does; make env installs it", file=sys.stderr)
        return 1
    return 0


def _keygen(args: argparse.Namespace) -> None:
    key = keys.make(args.folder, args.name, _passphrase(args))
    print(f"{args.folder / args.name}.key: keep it to yourself\n{args.folder / args.name}.pub: {key.public}")


def _rotate(args: argparse.Namespace) -> None:
    key, trusted = keys.load(args.key, _passphrase(args)), keys.public(args.trust)
    known = [int(path.stem.rpartition("-")[2]) for path in args.folder.glob("rotation-[0-9]*.json")]
    number = args.number or max(known, default=0) + 1
    path = args.folder / f"rotation-{number:04d}.json"
    args.folder.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(keys.rotation(key, number, trusted))
    print(f"{path}: from set {number} on, units trust {', '.join(f'{each.name} ({each.id})' for each in trusted)}")


def _pack(args: argparse.Namespace) -> None:
    needs = Needs(tuple(args.model), tuple(args.machine), args.jetpack, args.tensorrt, pack.PYTHON, args.memory_mb)
    measured = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in args.accuracy}
    release = args.release or pack.newest(args.out)[0] + 1
    kinds = tuple(args.kinds or contents.ENVIRONMENTS)
    order = pack.Order(ROOT, release, kinds, args.wheels, needs, args.crops, args.scenes, args.most_ms, measured)
    path, manifest = pack.pack(order, keys.load(args.key, _passphrase(args)), args.out)
    print(f"{path}: {path.stat().st_size / 2**20:.1f} MB\n{told(manifest)}")


def _verify(args: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="kerbside-bundle-") as folder:
        manifest, signer = pack.verify(args.bundle, keys.public(args.trust), Path(folder))
    print(f"{args.bundle}: good, signed by {signer.name} ({signer.id})\n{told(manifest)}")


def told(manifest: Manifest) -> str:
    """A manifest for a person."""
    test, needs = manifest.accuracy["selftest"], manifest.needs
    wanted = [", ".join(needs.models or needs.machines) or "any machine", f"Python {needs.python or 'any'}"]
    wanted += [f"{name} {least}" for name, least in (("JetPack", needs.jetpack), ("TensorRT", needs.tensorrt)) if least]
    wanted += [f"{needs.memory_mb} MB of memory"] if needs.memory_mb else []
    limits, source = manifest.limits, f"{manifest.revision[:12]}{' with changes' * manifest.revision.endswith('+changed')}"
    return "\n".join(
        (
            f"release   {manifest.release}, version {manifest.version}, {source}",
            f"files     {len(manifest.files)}, {manifest.size / 2**20:.1f} MB unpacked",
            *(f"{'for':9} {each}" for each in _environments(manifest)),
            f"needs     {'; '.join(wanted)}",
            f"self-test {test['exact']} of {test['plates']} plates read here, {test['ms']:.0f} ms a picture",
            f"          on a unit at least {limits.least_exact} plates, {limits.least_agreeing} of {test['pictures']} pictures as here, "
            f"and {limits.most_ms:g} ms at most",
        )
    )


def _environments(manifest: Manifest) -> Iterator[str]:
    brings = any(path.startswith(f"{WHEELS}/") for path in manifest.files)
    for kind, wanted in manifest.environments.items():
        own = [f"{' and '.join(wanted.of_system)} of the system"] if wanted.of_system else []
        own += [f"{name} {'as a wheel' if brings else 'compiled on the unit'}" for name in wanted.builds]
        own += [f"kernels {'in it' if fitness.has_kernels(manifest) else 'compiled on the unit'}"] if kind == JETPACK else []
        yield f"{fitness.WORDS[kind]}: {', '.join([wanted.lock, *own])}"


def _passphrase(args: argparse.Namespace) -> bytes | None:
    return args.passphrase_file.read_bytes().strip() if args.passphrase_file else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.bundle", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    made = commands.add_parser("keygen", help="make a pair of keys")
    made.add_argument("name", help="whose key, e.g. workshop-2026")
    turned = commands.add_parser("rotate", help="a new set of trusted keys, signed by a key of the present set")
    turned.add_argument("--number", type=int, default=0, help="of the set (default: one more than the highest in the folder)")
    packed = commands.add_parser("pack", help="make a bundle of this checkout")
    _options_of_pack(packed)
    checked = commands.add_parser("verify", help="all that a unit verifies of a bundle")
    checked.add_argument("bundle", type=Path)
    for command in (turned, checked):
        command.add_argument("--trust", type=Path, action="append", required=True, metavar="PUB", help="a .pub file; may be repeated")
    for command in (made, turned):
        command.add_argument("--folder", type=Path, default=Path("keys"), help="where keys are (default: %(default)s)")
    for command in (turned, packed):
        command.add_argument("--key", type=Path, required=True, help="the .key file that signs")
    for command in (made, turned, packed):
        command.add_argument("--passphrase-file", type=Path, help="what the private key is locked with")
    return parser


def _options_of_pack(packed: argparse.ArgumentParser) -> None:
    packed.add_argument("--out", type=Path, default=Path("dist"), help="where bundles are (default: %(default)s)")
    packed.add_argument("--release", type=int, default=0, help="the number (default: one more than the highest in --out)")
    packed.add_argument(
        "--for",
        dest="kinds",
        action="append",
        choices=tuple(contents.ENVIRONMENTS),
        help="which kind of unit it has an environment for: Jetsons by their JetPack, other machines; may be repeated (default: both)",
    )
    packed.add_argument("--wheels", type=Path, help="a folder with all wheels of the locks, for units without a package index")
    packed.add_argument(
        "--accuracy", type=Path, action="append", default=[], help="a report: python -m tools.bench accuracy DIR --json FILE"
    )
    packed.add_argument("--model", action="append", default=[], help="only for devices of such a name: 'NVIDIA Jetson Orin*'")
    packed.add_argument("--machine", action="append", default=[], help="only for such processors: aarch64, x86_64")
    packed.add_argument("--jetpack", default="", help="what a Jetson must have at least")
    packed.add_argument("--tensorrt", default="", help="what a Jetson must have at least")
    packed.add_argument("--memory-mb", type=int, default=0, help="what a unit must have at least")
    packed.add_argument("--crops", type=int, default=24, help="rendered plates in the self-test (default: %(default)s)")
    packed.add_argument("--scenes", type=int, default=4, help="rendered streets in the self-test (default: %(default)s)")
    packed.add_argument("--most-ms", type=float, default=1000.0, help="a picture's median on a unit (default: %(default)s)")


if __name__ == "__main__":
    sys.exit(main())
