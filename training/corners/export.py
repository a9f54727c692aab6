"""Release trained corners: corners.onnx, corners.safetensors, corners.yaml.

python -m training.corners.export --checkpoint runs/corners/checkpoint.pt --out models [--measured numbers.json]
"""

from __future__ import annotations

from training import release
from training.corners.network import SIZE_PX, CornerNet
from training.detector.export import TRAINED_ON
from training.run import load

TOLERANCE = 1e-4  # of the canvas


def main() -> None:
    args = release.parser("corners", "Release the network that finds corners.").parse_args()
    found = load(args.checkpoint)
    if found is None:
        raise SystemExit(f"{args.checkpoint}: not there; train first: python -m training.corners --data … --out {args.checkpoint.parent}")
    net = CornerNet()
    net.load_state_dict(found["average"])
    described = release.Release("corners", "corners", args.version, ("corners",), SIZE_PX, TRAINED_ON, TOLERANCE)
    print(f"wrote {release.write(net.eval(), net.state_dict(), described, args.out, release.measured_of(args.measured))}")


if __name__ == "__main__":
    main()
