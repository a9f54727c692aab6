"""Train LPSR on pairs made on the fly, judged by pixels, edges and a frozen reader.

    python -m training.lpsr --out runs/lpsr --reader runs/ocr/checkpoint.pt --minutes 25

Cut it at any time: the same command goes on where it stopped. Then `python -m training.lpsr.export`.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from torch.utils.data import DataLoader

from training.lpsr import losses
from training.lpsr.data import Batch, Pairs
from training.lpsr.network import LPSR
from training.ocr.checkpoint import averaged
from training.ocr.network import ReaderNet
from training.run import Average, Clock, append_metrics, load, save


def main() -> None:
    args = _arguments()
    torch.manual_seed(args.seed)
    network = {"channels": args.channels, "growth": args.growth, "blocks": args.blocks, "layers": args.layers}
    net = LPSR(**network).to(memory_format=torch.channels_last)
    average = Average(net, 0.999)
    optimiser = torch.optim.AdamW(net.parameters(), args.lr, weight_decay=1e-4)
    clock, step = Clock(args.minutes), 0
    checkpoint = args.out / "checkpoint.pt"
    if found := load(checkpoint):
        net.load_state_dict(found["net"])
        average.model.load_state_dict(found["average"])
        optimiser.load_state_dict(found["optimiser"])
        clock, step, average.steps = Clock(args.minutes, found["spent_s"]), found["step"], found["step"]
        print(f"resumed at step {step}, {clock}")

    reading = losses.Reading(averaged(args.reader))
    batches = iter(DataLoader(Pairs(args.seed + step, args.batch_size), batch_size=None, num_workers=args.workers))
    held_out = [batch for batch, _ in zip(Pairs(args.seed + 10**6, 64), range(6), strict=False)]
    saved = time.monotonic()
    while clock.fraction < 1:
        degraded, clean, targets, lines = next(batches)
        for group in optimiser.param_groups:
            group["lr"] = clock.rate(args.lr)
        made, truth = net.train()(_float(degraded)), _float(clean)
        parts = losses.pixel(made, truth), losses.edge(made, truth), reading(made, targets, lines)
        value = parts[0] + args.edge * parts[1] + args.reading * parts[2]
        optimiser.zero_grad(set_to_none=True)
        value.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        average.update(net)
        step += 1
        if step % 50 == 0:
            shown = "  ".join(f"{name} {float(part):.4f}" for name, part in zip(("pixel", "edge", "reading"), parts, strict=True))
            print(f"step {step:6d}  {shown}  {args.batch_size * step / clock.spent_s:4.0f}/s  {clock}", flush=True)
        if time.monotonic() - saved > args.save_s or clock.fraction >= 1:
            saved = time.monotonic()
            save(checkpoint, net=net, average=average.model, optimiser=optimiser, step=step, spent_s=clock.spent_s, network=network)
            row = {"step": step, "spent_s": clock.spent_s, **evaluate(average.model, reading.reader, held_out)}
            append_metrics(args.out / "metrics.csv", row)
            print(row, flush=True)


@torch.no_grad()
def evaluate(net: LPSR, reader: ReaderNet, batches: list[Batch]) -> dict[str, float]:
    """PSNR against the clean plate and share read exactly: as they are, enhanced, and clean."""
    scores = {"psnr_before": 0.0, "psnr": 0.0, "exact_before": 0.0, "exact": 0.0, "exact_clean": 0.0}
    for degraded, clean, targets, _ in batches:
        before, truth = _float(degraded), _float(clean)
        made = net(before)
        for name, picture in (("_before", before), ("", made), ("_clean", truth)):
            resized = torch.nn.functional.interpolate(picture, losses.READER_PX, mode="bilinear", align_corners=False)
            right = (reader(resized)[0].argmax(-1) == targets).all(1).float().mean()
            scores[f"exact{name}"] += float(right) / len(batches)
            if name != "_clean":
                scores[f"psnr{name}"] += float(-10 * torch.log10(((picture - truth) ** 2).mean((1, 2, 3)) + 1e-8).mean()) / len(batches)
    return scores


def _float(image: torch.Tensor) -> torch.Tensor:
    return (image.float() / 255).contiguous(memory_format=torch.channels_last)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.lpsr", description="Train LPSR on pairs made on the fly.")
    parser.add_argument("--out", type=Path, required=True, help="folder of checkpoint.pt and metrics.csv")
    parser.add_argument("--reader", type=Path, required=True, help="checkpoint of the reader that judges")
    parser.add_argument("--minutes", type=float, default=25, help="training time; the learning rate follows it")
    parser.add_argument("--batch_size", type=int, default=32)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--edge", type=float, default=0.5, help="weight of the edge loss")
    parser.add_argument("--reading", type=float, default=0.02, help="weight of the reader's loss")
    for name, value in (("channels", 32), ("growth", 16), ("blocks", 4), ("layers", 3)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--save_s", type=float, default=150)
    parser.add_argument("--seed", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
