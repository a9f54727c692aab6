"""`python -m tests.tools.flash`: a unit to flash where there is no hardware, and the broker that it talks to, until Ctrl-C.

It is bare: an sshd of its own, a stand-in for systemd, a folder for its disk. Once flashed, the real daemon reads the sample clip without
end, announces itself to Home Assistant and shows its page. The inventory for tools.flash lies in --folder.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import yaml

from tests.edge.mqtt import mosquitto
from tests.edge.mqtt.mosquitto import HOST, Mosquitto
from tests.tools.flash import sshd
from tests.tools.flash.station import ROOT, Station

NEEDS = {"openssh-server": sshd.PROGRAM, "openssh-client": shutil.which("ssh-keygen"), "rsync": shutil.which("rsync")}
NEEDS |= {"mosquitto": mosquitto.PROGRAM}


def main(arguments: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(arguments)
    if missing := [package for package, program in NEEDS.items() if program is None]:
        print(f"the stand-in needs {', '.join(missing)}: apt-get install {' '.join(missing)}", file=sys.stderr)
        return 1
    stopped = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: stopped.set())
    folder: Path = args.folder.absolute()
    for name in ("identity", "identity.pub"):
        (folder / name).unlink(missing_ok=True)
    with ExitStack() as stack:
        broker = Mosquitto(folder / "broker", port=args.broker_port).start()
        stack.callback(broker.stop)
        station = Station("standin", sshd.keygen(folder / "identity"), broker.port)
        stack.callback(station.close)
        inventory = prepared(station, folder, args.page_port)
        station.power()
        print(
            f"a bare unit listens: {inventory}\nits broker: {HOST}:{broker.port}; its page, once flashed: http://{HOST}:{args.page_port}/",
            flush=True,
        )
        stopped.wait()
    return 0


def prepared(station: Station, folder: Path, page_port: int) -> Path:
    """Give the unit's first config a camera that moves, a page, and Home Assistant → the inventory that leads to the unit."""
    config = yaml.safe_load(station.config.read_text(encoding="utf-8"))
    config["cameras"] = [{"id": "road", "source": str(ROOT / "samples/street.mp4"), "loop": True, "realtime": True}]
    config["home_assistant"] = {"enabled": True, "announced": str(station.root / "var/lib/kerbside/home-assistant.json")}
    config["web"] = {"enabled": True, "port": page_port}
    station.config.write_text(yaml.safe_dump(config), encoding="utf-8")
    inventory = folder / "fleet.yaml"
    inventory.write_text(yaml.safe_dump({"units": {station.name: station.entry}}), encoding="utf-8")
    return inventory


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.tools.flash", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=Path("var/standin"), help="for its keys and its inventory (default: %(default)s)")
    parser.add_argument("--broker-port", type=int, default=18830, help="default: %(default)s")
    parser.add_argument("--page-port", type=int, default=9110, help="default: %(default)s")
    return parser


if __name__ == "__main__":
    sys.exit(main())
