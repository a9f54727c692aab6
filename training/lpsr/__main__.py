"""Train LPSR: on rendered pairs made on the fly, or on two folders of pictures, degraded and clean.

    python -m training.lpsr --reader runs/ocr/checkpoint.pt --output_dir runs/lpsr --minutes 30
    python -m training.lpsr --reader … --hr_train_dir … --lr_train_dir … --hr_val_dir … --lr_val_dir … --output_dir … --epochs 20

`torchrun --nproc_per_node N -m training.lpsr …` trains on N devices. Cut it at any time: the same command goes on where it stopped.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors.torch import load_file
from torch.utils.data import DataLoader

from training.degradation.distance import Far
from training.lpsr import losses
from training.lpsr.data import UNKNOWN, Batch, Folders, Pairs
from training.lpsr.evaluation import evaluate, floats, read, sheet
from training.lpsr.network import LPSR
from training.ocr.checkpoint import averaged
from training.run import Average, Clock, Steps, append_metrics, load, save
from training.scale import Scale, scale

CONFIG = Path(__file__).parents[1] / "configs" / "lpsr.yaml"


@dataclass(slots=True)
class Trained:
    """What a training changes: all of it is in the checkpoint."""

    net: LPSR
    average: Average
    optimiser: torch.optim.Optimizer
    step: int = 0


def main(arguments: list[str] | None = None) -> None:
    args = _arguments(arguments)
    config = yaml.safe_load(args.config.read_text(encoding="utf-8"))
    config |= {key: value for key, value in (("batch_size", args.batch_size), ("learning_rate", args.lr)) if value is not None}
    torch.manual_seed(config["seed"])
    with scale(args.bf16) as place:
        train(args, config, place)


def train(args: argparse.Namespace, config: dict[str, Any], place: Scale) -> None:
    made, spent_s, epoch_steps = _new_or_found(args, config, place)
    progress = _progress(args, spent_s, epoch_steps)
    judge = losses.Reading(averaged(args.reader), config["confusion"]).to(place.device, memory_format=torch.channels_last)
    judging = torch.compile(judge) if args.compile else judge
    weights, shared = losses.Weights(**config["losses"]), place.shared(made.net)
    held_out = list(_held_out(args, config))
    saved = time.monotonic()
    for batch in _batches(args, config, place, made.step, epoch_steps):
        if isinstance(progress, Steps):
            progress.done = made.step
        if place.any(progress.fraction >= 1):
            break
        parts = learn(made, shared, judging, weights, batch, progress.rate(config["learning_rate"]), place)
        if not place.first:
            continue
        if made.step % 50 == 0:
            shown = "  ".join(f"{name} {value:.4f}" for name, value in parts.items())
            print(f"step {made.step:6d}  {shown}  {config['batch_size'] * made.step / progress.spent_s:4.0f}/s  {progress}", flush=True)
        if time.monotonic() - saved > config["save_every_s"]:
            saved = time.monotonic()
            _keep(args.output_dir, made, config, progress.spent_s, judge, held_out, place)
    if place.first:
        _keep(args.output_dir, made, config, progress.spent_s, judge, held_out, place)


def learn(
    made: Trained, shared: torch.nn.Module, judge: losses.Reading, weights: losses.Weights, batch: Batch, rate: float, place: Scale
) -> dict[str, float]:
    """One step → the losses' parts."""
    for group in made.optimiser.param_groups:
        group["lr"] = rate
    degraded, clean, targets, lines = batch
    truth, targets, lines = floats(clean, place.device), targets.to(place.device), lines.to(place.device)
    made.net.train()
    with place.autocast():
        if (targets == UNKNOWN).any():
            targets = torch.where(targets == UNKNOWN, read(judge.reader, truth), targets)
        enhanced = shared(floats(degraded, place.device)).float()
        unasked = torch.zeros((), device=place.device)
        judged = weights.perceptual or weights.reading
        perceptual, reading = judge(enhanced, truth, targets, lines) if judged else (unasked, unasked)
    parts = {"pixel": losses.pixel(enhanced, truth), "edge": losses.edge(enhanced, truth), "perceptual": perceptual, "reading": reading}
    value = sum((getattr(weights, name) * part for name, part in parts.items()), torch.zeros((), device=place.device))
    made.optimiser.zero_grad(set_to_none=True)
    value.backward()
    torch.nn.utils.clip_grad_norm_(made.net.parameters(), 1.0)
    made.optimiser.step()
    made.average.update(made.net)
    made.step += 1
    return {name: part.item() for name, part in parts.items()}


def _new_or_found(args: argparse.Namespace, config: dict[str, Any], place: Scale) -> tuple[Trained, float, int]:
    """The networks as they begin, or as the checkpoint has them; the seconds spent; the steps an epoch has (0: no epochs)."""
    net = LPSR(**config["network"]).to(place.device, memory_format=torch.channels_last)
    if args.init:
        net.load_state_dict(load_file(args.init))
    made = Trained(net, Average(net, config["ema"]), torch.optim.AdamW(net.parameters(), config["learning_rate"], weight_decay=1e-4))
    epoch_steps = len(_folders(args, config, 0)) if args.hr_train_dir else 0
    if found := load(args.output_dir / "checkpoint.pt"):
        net.load_state_dict(found["net"])
        made.average.model.load_state_dict(found["average"])
        made.optimiser.load_state_dict(found["optimiser"])
        made.step = made.average.steps = found["step"]
        print(f"resumed at step {made.step}")
    return made, found["spent_s"] if found else 0.0, epoch_steps


def _progress(args: argparse.Namespace, spent_s: float, epoch_steps: int) -> Clock | Steps:
    return Steps(args.epochs * epoch_steps, spent_s) if args.epochs and epoch_steps else Clock(args.minutes, spent_s)


def _batches(args: argparse.Namespace, config: dict[str, Any], place: Scale, step: int, epoch_steps: int) -> Iterator[Batch]:
    """Batches without end: each process its own."""
    if not args.hr_train_dir:
        pairs = _pairs(config, (config["seed"], step, place.rank), config["batch_size"], config["recipe"])
        yield from DataLoader(pairs, batch_size=None, num_workers=args.workers, prefetch_factor=8 if args.workers else None)
    for epoch in itertools.count(step // max(1, epoch_steps)):
        yield from DataLoader(_folders(args, config, epoch, place.rank), batch_size=None, num_workers=args.workers)


def _folders(args: argparse.Namespace, config: dict[str, Any], epoch: int, rank: int = 0) -> Folders:
    size = (args.height, args.width)
    return Folders(args.lr_train_dir, args.hr_train_dir, size, config["batch_size"], (config["seed"], epoch, rank))


def _held_out(args: argparse.Namespace, config: dict[str, Any]) -> Iterator[Batch]:
    if args.hr_val_dir:
        return iter(Folders(args.lr_val_dir, args.hr_val_dir, (args.height, args.width), 64, None))
    return itertools.islice(_pairs(config, (config["seed"], 10**6), 64, "hybrid"), 12)


def _pairs(config: dict[str, Any], seed: Sequence[int], batch_size: int, recipe: str) -> Pairs:
    return Pairs(seed, batch_size, config["severities"], recipe, Far(**config["far"]))


def _keep(
    out: Path, made: Trained, config: dict[str, Any], spent_s: float, judge: losses.Reading, held_out: list[Batch], place: Scale
) -> None:
    """Save the checkpoint, measure the averaged weights, and draw a sheet of pictures."""
    progress = {"step": made.step, "spent_s": spent_s, "network": config["network"]}
    save(out / "checkpoint.pt", net=made.net, average=made.average.model, optimiser=made.optimiser, **progress)
    row = {"step": made.step, "spent_s": spent_s, **evaluate(made.average.model, judge.reader, held_out, place.device)}
    append_metrics(out / "metrics.csv", row)
    sheet(made.average.model, held_out[0], place.device, out / "samples" / f"{made.step:06d}.png")
    print(", ".join(f"{name} {value:.4g}" for name, value in row.items()), flush=True)


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.lpsr", description="Train LPSR.")
    parser.add_argument("--output_dir", type=Path, required=True, help="folder of checkpoint.pt, metrics.csv and samples/")
    parser.add_argument("--reader", type=Path, required=True, help="checkpoint or safetensors of the reader that judges")
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--init", type=Path, help="start from released weights of the same network, models/lpsr.safetensors")
    for part in ("train", "val"):
        parser.add_argument(f"--hr_{part}_dir", type=Path, help="clean pictures; the name up to the first _ is the text")
        parser.add_argument(f"--lr_{part}_dir", type=Path, help="their degraded twins, under the same names")
    parser.add_argument("--epochs", type=int, help="with folders: how often each picture is seen; otherwise --minutes counts")
    parser.add_argument("--minutes", type=float, default=30, help="training time; the learning rate follows it")
    parser.add_argument("--batch_size", type=int)
    parser.add_argument("--lr", type=float)
    parser.add_argument("--width", type=int, default=192, help="of the canvas for one line; the one for two lines is half as wide")
    parser.add_argument("--height", type=int, default=32, help="… and twice as high")
    parser.add_argument("--bf16", action="store_true", help="half the width of the arithmetic: quick where the processor has units for it")
    parser.add_argument("--compile", action="store_true", help="fuse the judging reader's operations (needs a C++ compiler)")
    parser.add_argument("--workers", type=int, default=1)
    args = parser.parse_args(arguments)
    folders = [args.hr_train_dir, args.lr_train_dir, args.hr_val_dir, args.lr_val_dir]
    if any(folders) != all(folders):
        parser.error("--hr_train_dir, --lr_train_dir, --hr_val_dir and --lr_val_dir go together: give all four or none")
    if args.width % 8 or args.height % 4:
        parser.error(f"--width {args.width} --height {args.height}: expected multiples of 8 and 4")
    return args


if __name__ == "__main__":
    main()
