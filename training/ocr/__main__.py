"""Train the reader on rendered plates.

    python -m training.ocr --out runs/ocr --minutes 45 [--real DATA/train/cn-lowres-crops runs/pseudo.jsonl]

`torchrun --nproc_per_node N -m training.ocr …` trains on N devices. Cut it at any time: the same command goes on where it stopped.
Then `python -m training.ocr.export`.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from torch.utils.data import DataLoader

from alpr.decode import read
from training.ocr import data
from training.ocr.checkpoint import averaged, from_weights
from training.ocr.network import ReaderNet, loss
from training.run import Average, Clock, append_metrics, load, save
from training.scale import Scale, scale

REAL_HELD_OUT = 100


def main() -> None:
    args = _arguments()
    torch.manual_seed(args.seed)
    with scale(args.bf16) as place:
        train(args, place)


def train(args: argparse.Namespace, place: Scale) -> None:
    net = ReaderNet(args.width).to(place.device, memory_format=torch.channels_last)
    if args.init:
        net.load_state_dict(averaged(args.init).state_dict())
    average = Average(net, 0.999)
    optimiser = torch.optim.AdamW(net.parameters(), args.lr, weight_decay=0.02)
    clock, step = Clock(args.minutes), 0
    checkpoint = args.out / "checkpoint.pt"
    if found := load(checkpoint):
        net.load_state_dict(from_weights(found["net"]).state_dict())
        average.model.load_state_dict(from_weights(found["average"]).state_dict())
        optimiser.load_state_dict(found["optimiser"])
        clock, step, average.steps = Clock(args.minutes, found["spent_s"]), found["step"], found["step"]
        print(f"resumed at step {step}, {clock}")

    sets = [data.real_crops(labels) for labels in args.real]
    held_out = [sample for samples in sets for sample in samples[:REAL_HELD_OUT]]
    real = [sample for samples in sets for sample in samples[REAL_HELD_OUT:]]
    easy = max(0, args.easy_samples - step * args.batch_size * place.world) // max(1, args.workers * place.world)
    samples = data.Samples((args.seed + step, place.rank), real, args.real_share if real else 0.0, args.hardest, easy)
    loader = iter(DataLoader(samples, args.batch_size, num_workers=args.workers, prefetch_factor=8 if args.workers else None))
    validation, shared = _validation(args.seed), place.shared(net)
    if args.compile:
        shared = torch.compile(shared)

    def keep() -> None:
        save(checkpoint, net=net, average=average.model, optimiser=optimiser, step=step, spent_s=clock.spent_s)
        row = {"step": step, "samples": args.batch_size * step * place.world, "spent_s": clock.spent_s}
        row |= {"rendered": exact(average.model, validation), "real": exact(average.model, [data.encode(s) for s in held_out])}
        append_metrics(args.out / "metrics.csv", row)
        print(row, flush=True)

    saved = time.monotonic()
    while not place.any(clock.fraction >= 1):
        image, target, lines = (part.to(place.device) for part in next(loader))
        for group in optimiser.param_groups:
            group["lr"] = clock.rate(args.lr)
        net.train()
        with place.autocast():
            logits, two_lines = shared(_float(image))
        logits, two_lines = logits.float(), two_lines.float()
        value = loss(logits, two_lines, target, lines)
        optimiser.zero_grad(set_to_none=True)
        value.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
        optimiser.step()
        average.update(net)
        step += 1
        if not place.first:
            continue
        if step % 100 == 0:
            right = (logits.argmax(-1) == target).all(1).float().mean()
            speed = args.batch_size * step * place.world / clock.spent_s
            print(f"step {step:6d}  loss {value:.3f}  exact {right:5.1%}  {speed:4.0f}/s  {clock}", flush=True)
        if time.monotonic() - saved > args.save_s:
            saved = time.monotonic()
            keep()
    if place.first:
        keep()


def exact(net: ReaderNet, encoded: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]) -> float:
    """Share of samples whose whole text is right."""
    right = 0
    for i in range(0, len(encoded), 100):
        image, target, _ = (torch.stack(part) for part in zip(*encoded[i : i + 100], strict=True))
        with torch.no_grad():
            lattices = torch.softmax(net(_float(image.to(net.queries.device)))[0], -1).cpu().numpy()
        truths = torch.nn.functional.one_hot(target, lattices.shape[-1]).numpy()
        right += sum(read(a, 0).text == read(b, 0).text for a, b in zip(lattices, truths, strict=True))
    return right / max(1, len(encoded))


def _validation(seed: int) -> list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    samples = iter(data.Samples((seed + 10**6, 0), [], 0.0))
    return [next(samples) for _ in range(600)]


def _float(image: torch.Tensor) -> torch.Tensor:
    return (image.float() / 255).contiguous(memory_format=torch.channels_last)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.ocr", description="Train the reader on rendered plates.")
    parser.add_argument("--out", type=Path, required=True, help="folder of checkpoint.pt and metrics.csv")
    parser.add_argument("--real", type=Path, nargs="+", default=[], help="sets of crops with text, or labels by training.ocr.pseudo")
    parser.add_argument("--real_share", type=float, default=0.04, help="how many of the samples are real")
    parser.add_argument("--init", type=Path, help="start from released weights, models/reader.safetensors, instead of from nothing")
    parser.add_argument("--minutes", type=float, default=45, help="training time; the learning rate follows it")
    parser.add_argument("--batch_size", type=int, default=128)
    parser.add_argument("--lr", type=float, default=1.5e-3)
    parser.add_argument("--width", type=int, default=128, help="channels of the encoder's last stage")
    parser.add_argument("--hardest", type=float, default=0.8, help="severity of the worst samples: above 1 most of them hold no text")
    parser.add_argument("--easy_samples", type=int, default=40_000, help="severity rises to its full reach over the first so many")
    parser.add_argument("--bf16", action="store_true", help="half the width of the arithmetic: quick where the processor has units for it")
    parser.add_argument("--compile", action="store_true", help="fuse operations (needs a C++ compiler): a fifth quicker")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--save_s", type=float, default=150)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
