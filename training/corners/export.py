"""Release trained corners: corners.onnx, corners.safetensors, corners.yaml.

python -m training.corners.export --checkpoint runs/corners/checkpoint.pt --out models [--measured numbers.json]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from training import release
from training.corners.network import SIZE_PX, CornerNet
from training.detector.export import TRAINED_ON
from training.run import load

TOLERANCE = 1e-4  # of the canvas


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.corners.export", description="Release the network that finds corners.")
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("models"))
    parser.add_argument("--version", default="0.1.0")
    parser.add_argument("--measured", type=Path, help="JSON object of numbers that go into the contract")
    args = parser.parse_args()
    found = load(args.checkpoint)
    if found is None:
        raise SystemExit(f"{args.checkpoint}: not there; train first: python -m training.corners --data … --out {args.checkpoint.parent}")
    net = CornerNet()
    net.load_state_dict(found["average"])
    described = release.Release("corners", "corners", args.version, ("corners",), SIZE_PX, TRAINED_ON, TOLERANCE)
    measured = json.loads(args.measured.read_text(encoding="utf-8")) if args.measured else {}
    print(f"wrote {release.write(net.eval(), net.state_dict(), described, args.out, measured)}")


if __name__ == "__main__":
    main()
