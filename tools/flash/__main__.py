"""`python -m tools.flash`: bring a release to units, over SSH.

    python -m tools.flash fleet@192.0.2.21 fleet@192.0.2.22 --trust keys/workshop-2026.pub     # dist/'s newest bundle
    python -m tools.flash --inventory fleet.yaml --bundle dist/kerbside-8.tar.gz --canary 1    # one first, then all
    python -m tools.flash --inventory fleet.yaml --provision --trust keys/workshop-2026.pub    # bare units
    python -m tools.flash --inventory fleet.yaml --dry-run                                      # what would be done, nothing is
    python -m tools.flash --inventory fleet.yaml --status                                       # what runs where
    python -m tools.flash --inventory fleet.yaml --rollback gate-north                          # the release before this one

May be run again at any time: what is done is not done twice, and what was cut goes on. A unit decides by itself about a release that is on
trial: it goes back also when nobody is connected any more. Exit codes: 0 all good, 1 some unit is not, 2 the arguments are wrong.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from rich.console import Console

from edge.release import ReleaseError
from edge.release.trial import PROBATION_S
from tools.bundle import keys, pack
from tools.flash import UnitError, fleet, inventory, standing
from tools.flash.flashing import Flashing, Order
from tools.flash.inventory import Target
from tools.flash.screen import Screen
from tools.flash.trial import Say, roll_back
from tools.flash.unit import Unit

ROLLBACK_PROBATION_S = 60.0


def main(arguments: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(arguments)
    try:
        targets = inventory.of_file(args.inventory, args.units) if args.inventory else inventory.of_words(args.units)
        if not targets:
            raise UnitError("name units, or give an --inventory")
        if args.status:
            return _status(targets, args)
        return _flash(targets, args)
    except (UnitError, ReleaseError, OSError) as error:
        print(f"flash: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("flash: stopped; units on trial decide by themselves, and another run goes on where this one was", file=sys.stderr)
        return 1


def _flash(targets: list[Target], args: argparse.Namespace) -> int:
    work = _rolling_back(args) if args.rollback else _flashing(_order(args))
    screen = Screen([target.name for target in targets], Console())
    with screen.live():
        results = fleet.run(
            targets, lambda unit: work(unit, partial(screen.step, unit.target.name)), screen.end, args.canary, args.parallel
        )
    if args.json:
        print(json.dumps({result.name: {"good": result.good, "said": result.text} for result in results}))
    return 0 if all(result.good for result in results) else 1


def _flashing(order: Order) -> Callable[[Unit, Say], str]:
    return lambda unit, say: Flashing(unit, order, say).run()


def _rolling_back(args: argparse.Namespace) -> Callable[[Unit, Say], str]:
    probation_s = ROLLBACK_PROBATION_S if args.probation is None else args.probation
    return lambda unit, say: roll_back(unit, probation_s, say)


def _status(targets: list[Target], args: argparse.Namespace) -> int:
    found = fleet.run(targets, lambda unit: standing.text(unit.facts()), lambda result: None, parallel=args.parallel)
    rows = [(result.name, json.loads(result.text) if result.good else result.text) for result in found]
    if args.json:
        print(json.dumps(dict(rows)))
    else:
        Console().print(standing.table(rows))
    return 0 if all(result.good for result in found) else 1


def _order(args: argparse.Namespace) -> Order:
    """Raises ReleaseError for a bundle that is none, or not signed by a key of --trust where that is given."""
    bundle = args.bundle or pack.newest(Path("dist"))[1]
    if bundle is None:
        raise ReleaseError("there is no bundle in dist/: python -m tools.bundle pack --key KEY, or name one with --bundle")
    trusted = keys.public(args.trust)
    if args.provision and not trusted:
        raise ReleaseError("--provision needs --trust: the keys that the unit will trust from then on")
    if trusted:
        with tempfile.TemporaryDirectory(prefix="kerbside-flash-") as folder:
            manifest, _ = pack.verify(bundle, trusted, Path(folder))
    else:
        manifest = pack.look(bundle)  # the units verify it, by the keys that they have
    probation_s = PROBATION_S if args.probation is None else args.probation
    sha256 = hashlib.sha256(bundle.read_bytes()).hexdigest()
    lines = tuple(map(str, trusted))
    return Order(bundle, manifest, sha256, probation_s, args.bwlimit, args.provision, lines, tuple(args.rotation), args.dry_run)


def _parser() -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="python -m tools.flash", description=__doc__, formatter_class=form)
    parser.add_argument("units", nargs="*", help="[user@]host[:port], or names in the inventory (none: all of it)")
    parser.add_argument("--inventory", type=Path, help="a YAML file of units: docs/flashing.md")
    parser.add_argument("--bundle", type=Path, help="what to bring (default: dist/'s highest release)")
    parser.add_argument("--trust", type=Path, action="append", default=[], metavar="PUB", help="verify here too; a bare unit's first keys")
    parser.add_argument(
        "--rotation", type=Path, action="append", default=[], help="a newer set of keys, from tools.bundle rotate; in order"
    )
    parser.add_argument("--provision", action="store_true", help="bare units too: environment, services, config, first release")
    parser.add_argument("--canary", type=int, default=0, metavar="N", help="the first N alone, until they have kept it; then the others")
    parser.add_argument("--parallel", type=int, default=8, metavar="N", help="at most so many at a time (default: %(default)s)")
    parser.add_argument("--bwlimit", type=int, default=0, metavar="KIB", help="KiB a second and unit (default: all there is)")
    parser.add_argument(
        "--probation", type=float, metavar="S", help=f"seconds (default: {PROBATION_S:g}; with --rollback {ROLLBACK_PROBATION_S:g})"
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--dry-run", action="store_true", help="check the units and say what would be done")
    what.add_argument("--status", action="store_true", help="what runs where, what is on trial, what was refused")
    what.add_argument("--rollback", action="store_true", help="end the trial under way, or go back to the release before this one")
    parser.add_argument("--json", action="store_true", help="for machines")
    return parser


if __name__ == "__main__":
    sys.exit(main())
