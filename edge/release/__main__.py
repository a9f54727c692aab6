"""What tools.flash asks a unit to do, each in a process of its own: python -m edge.release [--root DIR] COMMAND …

Answers with a line of JSON. Exit codes: 0 done; 1 not possible now, or failed; 3 refused for good, whatever is tried.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from edge.release import RefusedError, ReleaseError, examination, first, guard, stage, trial
from edge.release.facts import facts, store
from edge.release.layout import Layout
from edge.release.services import Services
from edge.release.trust import PublicKey, Trust, rotated

Answer = dict[str, Any]


def main(arguments: list[str] | None = None) -> int:
    args = _parser().parse_args(arguments)
    layout = Layout(args.root)
    if args.command != "guard":  # which makes no files of a release
        os.umask(0o022)  # the daemon's user reads them, whatever the umask of who flashes
    try:
        answer, code = COMMANDS[args.command](layout, Services(layout), args), 0
    except ReleaseError as error:
        answer, code = {"error": str(error)}, 3 if isinstance(error, RefusedError) else 1
    except OSError as error:  # a full disk, a folder that may not be written
        answer, code = {"error": f"{type(error).__name__}: {error}"}, 1
    print(json.dumps(answer), flush=True)
    return code


def _trust(layout: Layout, services: Services, args: argparse.Namespace) -> Answer:
    if args.first:
        first.trust_first(layout, [PublicKey.parse(text) for text in args.first])
    known = Trust.load(layout.trust)
    if args.rotation is not None:
        new = rotated(known, args.rotation.read_text(encoding="utf-8"))
        if new != known:
            new.save(layout.trust)
        known = new
    return {"number": known.number, "keys": [str(key) for key in known.keys]}


def _bootstrap(layout: Layout, services: Services, args: argparse.Namespace) -> Answer:
    return {"environment": str(first.bootstrap(layout, args.bundle, args.sha256, args.environment, facts(layout.root)))}


def _stage(layout: Layout, services: Services, args: argparse.Namespace) -> Answer:
    found = stage.stage(layout, args.bundle, facts(layout.root), args.environment)
    return {"release": found.release, "version": found.version, "files": len(found.files)}


def _engines(layout: Layout, services: Services, args: argparse.Namespace) -> Answer:
    services.build_engines(args.release)
    return {"release": args.release}


def _examine(layout: Layout, services: Services, args: argparse.Namespace) -> Answer:
    return examination.examine(layout, args.release, args.timeout).report


def _install(layout: Layout, services: Services, args: argparse.Namespace) -> Answer:
    first.install(layout, services, args.release, args.config)
    return {"release": args.release}


def _begin(layout: Layout, services: Services, args: argparse.Namespace) -> Answer:
    return {"release": args.release, "state": first.begin(layout, services, args.release)}


def _activate(layout: Layout, services: Services, args: argparse.Namespace) -> Answer:
    trial.activate(layout, services, args.release, args.probation)
    return {"release": args.release}


def _rollback(layout: Layout, services: Services, args: argparse.Namespace) -> Answer:
    return {"release": trial.go_back(layout, services, args.probation)}


def _guard(layout: Layout, services: Services, args: argparse.Namespace) -> Answer:
    return {"outcome": guard.Guard(layout, services).run()}


def _state(layout: Layout, services: Services, args: argparse.Namespace) -> Answer:
    return store(layout.store)


COMMANDS: Final[dict[str, Callable[[Layout, Services, argparse.Namespace], Answer]]] = {
    "trust": _trust,
    "bootstrap": _bootstrap,
    "stage": _stage,
    "install": _install,
    "engines": _engines,
    "examine": _examine,
    "begin": _begin,
    "activate": _activate,
    "rollback": _rollback,
    "guard": _guard,
    "state": _state,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m edge.release", description="Take up a release on this unit, step by step.")
    parser.add_argument("--root", type=Path, default=Path("/"), help="the system's, where it is not this machine's (default: %(default)s)")
    commands = parser.add_subparsers(dest="command", required=True)
    trust = commands.add_parser("trust", help="whose signatures count")
    trust.add_argument("--first", metavar="KEY", action="append", help="a line of a .pub file; only on a unit that trusts nobody yet")
    trust.add_argument("--rotation", type=Path, help="a newer set of keys, signed by one of the present set")
    boot = commands.add_parser("bootstrap", help="make the first environment of a bare unit")
    boot.add_argument("--sha256", required=True, help="of the bundle that the workstation has verified")
    staged = commands.add_parser("stage", help="verify and unpack a bundle")
    for command in (boot, staged):
        command.add_argument("bundle", type=Path)
        command.add_argument("--environment", type=Path, help="one that the unit's image brought, with every pin of the lock")
    for name, text in (
        ("install", "config, unit files and folders of a bare unit"),
        ("engines", "build the release's TensorRT engines"),
        ("examine", "the self-test"),
        ("begin", "start the first release"),
        ("activate", "put a release on trial"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("release", type=int)
        if name == "install":
            command.add_argument("--config", type=Path, help="for a unit that has none")
        if name == "examine":
            command.add_argument("--timeout", type=float, default=examination.MOST_S, help="seconds (default: %(default)g)")
        if name == "activate":
            command.add_argument("--probation", type=float, default=trial.PROBATION_S, help="seconds (default: %(default)g)")
    back = commands.add_parser("rollback", help="end the trial, or put the release before this one on trial")
    back.add_argument("--probation", type=float, default=trial.PROBATION_S, help="seconds (default: %(default)g)")
    commands.add_parser("guard", help="carry out the trial that was asked for; the unit's own service")
    commands.add_parser("state", help="which releases are here")
    return parser


if __name__ == "__main__":
    sys.exit(main())
