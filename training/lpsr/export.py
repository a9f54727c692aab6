"""Release a trained LPSR: lpsr.onnx, lpsr.safetensors, lpsr.yaml.

python -m training.lpsr.export --checkpoint runs/lpsr/checkpoint.pt --out models [--measured numbers.json]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from alpr.imaging import ONE_LINE_PX, TWO_LINE_PX
from training import release
from training.lpsr.network import LPSR
from training.run import load


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.lpsr.export", description="Release a trained LPSR.")
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("models"))
    parser.add_argument("--version", default="0.1.0")
    parser.add_argument("--measured", type=Path, help="JSON object of numbers that go into the contract")
    args = parser.parse_args()
    found = load(args.checkpoint)
    if found is None:
        raise SystemExit(f"{args.checkpoint}: no such file; train first: python -m training.lpsr --out {args.checkpoint.parent} --reader …")
    net = LPSR(**found["network"])
    net.load_state_dict(found["average"])
    described = release.Release("lpsr", "sr", args.version, ("enhanced",), ONE_LINE_PX, (release.RENDERED,), 1e-4, (TWO_LINE_PX,))
    measured = json.loads(args.measured.read_text(encoding="utf-8")) if args.measured else {}
    print(f"wrote {release.write(net.eval(), net.state_dict(), described, args.out, measured)}")


if __name__ == "__main__":
    main()
