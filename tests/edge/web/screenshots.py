"""The page on the sample clip, as the README shows it: on a desk and on a phone.

python -m tests.edge.web.screenshots --out docs
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tests.edge.web.browser import DESKTOP, PHONE, browsing
from tests.edge.web.rig import Rig
from tests.edge.web.test_browser import opened, running

ROOT = Path(__file__).parents[3]
QUALITY = 82
GROUND = """
lines:
  - {camera: road, name: gate, from: [0.3, 0.62], to: [0.68, 0.62]}
privacy:
  masks:
    - {camera: road, polygon: [[0.002, 0.004], [0.21, 0.004], [0.21, 0.16], [0.002, 0.16]]}
"""
LANE = "zones: [{camera: road, name: lane, kind: read, polygon: [[0.4, 0.2], [0.66, 0.2], [0.98, 0.97], [0.12, 0.97]]}]"


def take(folder: Path, watch_s: float = 25.0) -> list[Path]:
    """Both pictures, after the unit has read for a while → their files."""
    with tempfile.TemporaryDirectory(prefix="kerbside-") as scratch:
        rig = Rig(Path(scratch), ROOT, more=GROUND)
        rig.path.write_text(rig.path.read_text().replace("zones: []", LANE))
        rig.reload()
        with running(rig):
            taken = []
            for name, device in (("live-view.jpg", DESKTOP), ("live-view-phone.jpg", PHONE)):
                with browsing(**device) as browser:
                    opened(browser, rig)
                    browser.until("document.querySelectorAll('#rows li').length > 3")
                    browser.page.wait_for_timeout(1000 * watch_s if not taken else 3000)
                    browser.page.screenshot(path=folder / name, type="jpeg", quality=QUALITY, scale="css")
                    taken.append(folder / name)
            return taken


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.edge.web.screenshots", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="the folder to write into (default: docs)")
    args = parser.parse_args()
    for path in take(args.out):
        print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
