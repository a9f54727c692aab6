"""Release a trained reader: reader.onnx, reader.safetensors, reader.yaml.

python -m training.ocr.export --checkpoint runs/ocr/checkpoint.pt --out models [--measured numbers.json]
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from alpr.types import ALPHABET
from training import release
from training.ocr.checkpoint import averaged
from training.ocr.network import ReaderForExport

SOURCES = {
    "open-lpr": "open-lpr (faisalthaheem/open-lpr-dataset-plate-detection), Apache-2.0",
    "robertlucian-eu": "ro-dashcam (RobertLucian/license-plate-dataset), MIT",
    "openimages-unknowncz": "openimages (Open Images, selection of unknowncz/LP_recognition), CC BY 4.0",
}
TRAINED_ON = (release.RENDERED, "cn-lowres-crops (sirius-ai/LPRNet_Pytorch), Apache-2.0, 900 crops")


def main() -> None:
    parser = release.parser("ocr", "Release a trained reader.")
    parser.add_argument("--temperature", type=float, default=1.0, help="what python -m training.ocr.reliability printed")
    parser.add_argument("--pseudo", type=Path, help="labels that training.ocr.pseudo wrote and the training used: their sources are named")
    args = parser.parse_args()
    net = averaged(args.checkpoint)
    outputs, trained_on = ("probabilities", "two_lines"), TRAINED_ON + (_pseudo(args.pseudo) if args.pseudo else ())
    described = release.Release("reader", "ocr", args.version, outputs, (64, 128), trained_on, 1e-3, alphabet=ALPHABET)
    measured = release.measured_of(args.measured) | {"temperature": args.temperature}
    net.temperature.fill_(args.temperature)
    print(f"wrote {release.write(ReaderForExport(net), net.state_dict(), described, args.out, measured)}")


def _pseudo(labels: Path) -> tuple[str, ...]:
    """The sources of pseudo-labelled crops, with their licences and counts."""
    counts = Counter(json.loads(line)["source"] for line in labels.read_text(encoding="utf-8").splitlines())
    return tuple(f"{SOURCES[name]}, {count} crops read by an earlier stage of this reader" for name, count in sorted(counts.items()))


if __name__ == "__main__":
    main()
