"""Train the network that finds a plate's corners at the plate's own scale.

    python -m training.corners --data DATA/train --out runs/corners --minutes 20

Cut it at any time: the same command goes on where it stopped. Then `python -m training.corners.export`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import torch
import yaml
from torch import Tensor, nn
from torch.utils.data import DataLoader

from training.corners import data
from training.corners.network import CornerNet
from training.detector.composers import composers
from training.detector.losses import hull_of, outside_margin
from training.detector.streets import streets
from training.run import Average, Clock, append_metrics, load, save

CONFIG = Path(__file__).parents[1] / "configs" / "detector.yaml"
KNEE = 0.05  # of a plate's height: below it the loss is quadratic
HULL = 0.3
"""What a plate counts of which only a labelled box is known."""
HELD_OUT = 400
MIX = {"mosaic": 0.0, "crop": 0.45, "rendered": 0.15, "replace": 0.7, "add": 0.6}
"""Unlike the detector's: most plates have known corners."""


def main(argv: Sequence[str] | None = None) -> None:
    args = _arguments(argv)
    config = yaml.safe_load(args.config.read_text(encoding="utf-8"))
    config["mix"] = MIX
    cv2.setNumThreads(1)  # a worker forked from a process whose OpenCV has threads waits for them for ever
    train, held_out = composers(args.data, config, streets(args.seed, config["streets"]))
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    net = CornerNet().to(memory_format=torch.channels_last)
    average = Average(net, 0.999)
    optimiser = torch.optim.AdamW(net.parameters(), args.lr, weight_decay=0.02)
    checkpoint, clock, step = args.out / "checkpoint.pt", Clock(args.minutes), 0
    if found := load(checkpoint):
        net.load_state_dict(found["net"])
        average.model.load_state_dict(found["average"])
        optimiser.load_state_dict(found["optimiser"])
        clock, step, average.steps = Clock(args.minutes, found["spent_s"]), found["step"], found["step"]
        print(f"resumed at step {step}, {clock}")
    loader = DataLoader(
        data.Batches(train, (args.seed, step)), args.batch_size, num_workers=args.workers, prefetch_factor=8 if args.workers else None
    )
    examples = [data.encode(piece) for piece in islice(data.pieces(held_out, np.random.default_rng(0)), HELD_OUT)]

    def keep() -> None:
        save(checkpoint, net=net, average=average.model, optimiser=optimiser, step=step, spent_s=clock.spent_s)
        row = {"step": step, "samples": step * args.batch_size, "spent_s": clock.spent_s, **errors(average.model, examples)}
        append_metrics(args.out / "metrics.csv", row)
        print(row, flush=True)

    saved = time.monotonic()
    for batch in loader:
        for group in optimiser.param_groups:
            group["lr"] = clock.rate(args.lr)
        value = learn(net.train(), optimiser, batch, args.bf16)
        average.update(net)
        step += 1
        if step % 100 == 0:
            print(f"step {step:6d}  loss {value:.4f}  {args.batch_size * step / clock.spent_s:4.0f}/s  {clock}", flush=True)
        if time.monotonic() - saved > args.save_s:
            saved = time.monotonic()
            keep()
        if clock.fraction >= 1:
            break
    keep()


def learn(net: nn.Module, optimiser: torch.optim.Optimizer, batch: Sequence[Tensor], bf16: bool) -> float:
    """One step → the loss."""
    image, quads, heights, cornered = batch
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        found = net(picture(image))
    value = loss(found.float(), quads, heights, cornered)
    optimiser.zero_grad(set_to_none=True)
    value.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 2.0)
    optimiser.step()
    return value.item()


def loss(found: Tensor, quads: Tensor, heights: Tensor, cornered: Tensor) -> Tensor:
    """Corners (n, 8) against the true ones, in heights of the plate; where only a box is known, what the hull is beyond its margin."""
    scale = heights.repeat(1, 4)
    corner = _knee((found - quads) * scale).mean(1)
    box = hull_of(quads)
    low, size = box[:, :2].repeat(1, 2), (box[:, 2:] - box[:, :2]).repeat(1, 2)
    hull = outside_margin((hull_of(found) - low) / size, torch.tensor([[0.0, 0, 1, 1]]).expand(len(found), 4))
    return torch.where(cornered, corner, HULL * _knee(hull * size * scale[:, :4]).mean(1)).mean()


def _knee(error: Tensor) -> Tensor:
    return nn.functional.smooth_l1_loss(error, torch.zeros_like(error), reduction="none", beta=KNEE)


@torch.no_grad()
def errors(net: nn.Module, examples: Sequence[Sequence[Tensor]]) -> dict[str, float]:
    """How far corners are off on held-out plates, in plate heights: median and 90th percentile of a plate's mean."""
    image, quads, heights, cornered = (torch.stack(part) for part in zip(*examples, strict=True))
    off = ((net(picture(image)) - quads) * heights.repeat(1, 4)).view(-1, 4, 2).norm(dim=-1).mean(1)[cornered]
    return {"corners": int(cornered.sum()), "median": float(off.median()), "p90": float(off.quantile(0.9))}


def picture(image: Tensor) -> Tensor:
    return (image.float() / 255).contiguous(memory_format=torch.channels_last)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.corners", description="Train the network that finds a plate's corners.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the sets that the detector's config names")
    parser.add_argument("--out", type=Path, default=Path("runs/corners"))
    parser.add_argument("--config", type=Path, default=CONFIG, help="the detector's: its pictures are this network's too")
    parser.add_argument("--minutes", type=float, default=20, help="training time; the learning rate follows it")
    parser.add_argument("--batch_size", type=int, default=128)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--bf16", action="store_true", help="half the width of the arithmetic: quick where the processor has units for it")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--save_s", type=float, default=120)
    parser.add_argument("--seed", type=int, default=3)
    return parser.parse_args(argv)


if __name__ == "__main__":
    main()
