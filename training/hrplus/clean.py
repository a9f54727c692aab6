"""Clean a folder of sharp pictures with HR+, so that they become better truth; what a reader reads must stay as it was.

python -m training.hrplus.clean --weights runs/hrplus/checkpoint.pt --images DIR --out DIR [--reader models/reader.safetensors]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch

from alpr.imaging import tensor
from alpr.types import ALPHABET, U8
from training.hrplus.network import RRDBNet, from_checkpoint
from training.lpsr.losses import READER_PX
from training.ocr.checkpoint import averaged
from training.ocr.network import ReaderNet


def main() -> None:
    args = _arguments()
    net = from_checkpoint(args.weights)
    reader = averaged(args.reader) if args.reader else None
    paths = sorted(path for path in args.images.iterdir() if path.suffix.lower() in (".png", ".jpg", ".jpeg"))
    if not paths:
        raise SystemExit(f"{args.images}: no .png or .jpg pictures in it")
    args.out.mkdir(parents=True, exist_ok=True)
    kept = same = 0
    for path in paths:
        bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if bgr is None:
            print(f"{path}: cannot be decoded; left out")
            continue
        made = cleaned(net, bgr)  # type: ignore[arg-type]
        cv2.imwrite(str(args.out / f"{path.stem}.png"), made)
        kept += 1
        same += reader is not None and text(reader, made) == text(reader, bgr)  # type: ignore[arg-type]
    print(f"{kept} pictures cleaned into {args.out}" + (f"; {same} ({same / max(1, kept):.1%}) read as before" if reader else ""))


@torch.no_grad()
def cleaned(net: RRDBNet, bgr: U8) -> U8:
    """A picture, cleaned, at its own size: enlarged by the network, brought back by area."""
    height, width = bgr.shape[:2]
    step = 4 // net.scale
    padded = cv2.copyMakeBorder(bgr, 0, -height % step, 0, -width % step, cv2.BORDER_REPLICATE)
    image = torch.from_numpy(padded[:, :, ::-1].transpose(2, 0, 1).astype(np.float32) / 255)[None]
    made = net(image)[0].clamp(0, 1).permute(1, 2, 0).numpy()[:, :, ::-1]
    picture = (made[: net.scale * height, : net.scale * width] * 255 + 0.5).astype(np.uint8)
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


@torch.no_grad()
def text(reader: ReaderNet, bgr: U8) -> str:
    """What the reader says, blanks left out."""
    best = reader(torch.from_numpy(tensor([bgr], READER_PX)))[0][0].argmax(-1).tolist()
    return "".join(ALPHABET[i] for i in best if i < len(ALPHABET))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.hrplus.clean", description="Clean sharp pictures with HR+.")
    parser.add_argument("--weights", type=Path, required=True, help="checkpoint.pt of training.hrplus, or an official RealESRGAN .pth")
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--reader", type=Path, help="compares what is read before and after")
    return parser.parse_args()


if __name__ == "__main__":
    main()
