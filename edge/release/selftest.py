"""The self-test's child process: reads the bundle's own pictures with the unit's engine, and says what it read and how fast.

    python -m edge.release.selftest --release DIR --config /etc/kerbside/config.yaml

Runs the release's own code and models; a release that breaks down here has changed nothing. An environment that lacks what the release is
made of says so in words, so nothing of it is imported before.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from edge.release import runtime


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m edge.release.selftest", description="Read a release's own pictures.")
    parser.add_argument("--release", type=Path, required=True)
    parser.add_argument("--config", type=Path, required=True, help="the unit's")
    args = parser.parse_args(arguments)
    if lacking := runtime.lacking():
        print(f"this release {runtime.CANNOT}: {'; '.join(lacking)}", file=sys.stderr)
        return 1
    return _read(args.release, args.config)


def _read(release: Path, config: Path) -> int:
    from alpr.contract import ContractError
    from alpr.patterns import RegionError
    from edge.config import ConfigError
    from edge.engines import EngineError
    from edge.release import reading

    try:
        print(reading.told(release, config))
    except (ConfigError, ContractError, EngineError, RegionError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
