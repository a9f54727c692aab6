"""Release a trained LPSR: lpsr.onnx, lpsr.safetensors, lpsr.yaml.

python -m training.lpsr.export --checkpoint runs/lpsr/checkpoint.pt --out models [--measured numbers.json]
"""

from __future__ import annotations

from alpr.imaging import ONE_LINE_PX, TWO_LINE_PX
from training import release
from training.lpsr.network import LPSR
from training.run import load


def main() -> None:
    args = release.parser("lpsr", "Release a trained LPSR.").parse_args()
    found = load(args.checkpoint)
    if found is None:
        raise SystemExit(f"{args.checkpoint}: no such file; train first: python -m training.lpsr --out {args.checkpoint.parent} --reader …")
    net = LPSR(**found["network"])
    net.load_state_dict(found["average"])
    described = release.Release("lpsr", "sr", args.version, ("enhanced",), ONE_LINE_PX, (release.RENDERED,), 1e-4, (TWO_LINE_PX,))
    print(f"wrote {release.write(net.eval(), net.state_dict(), described, args.out, release.measured_of(args.measured))}")


if __name__ == "__main__":
    main()
