"""Release a trained reader: reader.onnx, reader.safetensors, reader.yaml.

python -m training.ocr.export --checkpoint runs/ocr/checkpoint.pt --out models [--measured numbers.json]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from alpr.types import ALPHABET
from training import release
from training.ocr.checkpoint import averaged
from training.ocr.network import ReaderForExport

TRAINED_ON = (release.RENDERED, "cn-lowres-crops (sirius-ai/LPRNet_Pytorch), Apache-2.0, 900 crops")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.ocr.export", description="Release a trained reader.")
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("models"))
    parser.add_argument("--version", default="0.1.0")
    parser.add_argument("--measured", type=Path, help="JSON object of numbers that go into the contract")
    args = parser.parse_args()
    net = averaged(args.checkpoint)
    described = release.Release(
        "reader", "ocr", args.version, ("probabilities", "two_lines"), (64, 128), TRAINED_ON, 1e-3, alphabet=ALPHABET
    )
    measured = json.loads(args.measured.read_text(encoding="utf-8")) if args.measured else {}
    print(f"wrote {release.write(ReaderForExport(net), net.state_dict(), described, args.out, measured)}")


if __name__ == "__main__":
    main()
