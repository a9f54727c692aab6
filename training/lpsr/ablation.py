"""What every part of LPSR is worth: the same training without it, then the same held-out pairs.

    python -m training.lpsr.ablation --reader models/reader.safetensors --output_dir runs/ablation --csv results/lpsr-ablation.csv

Each variant has a folder and goes on where it was cut. "bicubic" is the degraded plate as it is: at 1x scale there is nothing to enlarge
but what the canvas already has. `--cyclegan` adds a trained CycleGAN's way from poor to sharp (G_BtoA).
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import nn

from training.degradation.distance import Far
from training.lpsr.__main__ import CONFIG
from training.lpsr.__main__ import main as train
from training.lpsr.data import Batch, Pairs
from training.lpsr.evaluation import evaluate
from training.lpsr.network import from_weights
from training.ocr.checkpoint import averaged
from training.run import append_metrics, load

VARIANTS: dict[str, dict[str, Any]] = {
    "whole": {},
    "no CSAR": {"network": {"attention": False}},
    "no auto-encoder": {"network": {"auto_encoder": False}},
    "no reader loss": {"losses": {"perceptual": 0.0, "reading": 0.0}},
    "classical pairs only": {"recipe": "classical"},
}
SEED = 4_000_000
"""Of the held-out pairs: none that a training draws."""


def main(arguments: list[str] | None = None) -> None:
    args = _arguments(arguments)
    config = yaml.safe_load(args.config.read_text(encoding="utf-8"))
    reader, pairs = averaged(args.reader), held_out(config, args.batches)
    args.csv.unlink(missing_ok=True)
    for name, net, steps in itertools.chain(_untrained(args.cyclegan), _trained(args, config)):
        row = evaluate(net, reader, pairs, torch.device("cpu"))
        row = {"variant": name, "pairs": config["batch_size"] * steps, "n": sum(len(batch[0]) for batch in pairs), **row}
        append_metrics(args.csv, row)
        print(", ".join(f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}" for key, value in row.items()), flush=True)


def held_out(config: Mapping[str, Any], batches: int) -> list[Batch]:
    """Hybrid pairs that no variant was trained on, the same for all."""
    return list(itertools.islice(Pairs((SEED,), 64, config["severities"], "hybrid", Far(**config["far"])), batches))


def changed(config: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """A config with some of its values exchanged, one level deep."""
    return {key: {**value, **change.get(key, {})} if isinstance(value, dict) else change.get(key, value) for key, value in config.items()}


def _trained(args: argparse.Namespace, config: Mapping[str, Any]):
    for name, change in VARIANTS.items():
        folder = args.output_dir / name.replace(" ", "-")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.yaml").write_text(yaml.safe_dump(changed(config, change)), encoding="utf-8")
        own = [f"--config={folder / 'config.yaml'}", f"--output_dir={folder}"]
        train(
            [*own, f"--reader={args.reader}", f"--minutes={args.minutes}", f"--workers={args.workers}", *(["--bf16"] if args.bf16 else [])]
        )
        found = load(folder / "checkpoint.pt")
        if found is None:
            raise SystemExit(f"{folder}: the training left no checkpoint; look at what it printed")
        yield name, from_weights(found["average"]), found["step"]


def _untrained(cyclegan: Path | None):
    yield "bicubic", nn.Identity(), 0
    if cyclegan:
        from training.cyclegan.network import Makers

        found = load(cyclegan)
        if found is None:
            raise SystemExit(f"{cyclegan}: no such file; train first: python -m training.cyclegan")
        makers = Makers(**found["network"])
        makers.load_state_dict(found["average"])
        yield "CycleGAN's G_BtoA", makers.to_sharp.eval(), 0


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.lpsr.ablation", description="What every part of LPSR is worth.")
    parser.add_argument("--reader", type=Path, required=True, help="checkpoint or safetensors of the reader that judges")
    parser.add_argument("--output_dir", type=Path, required=True)
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--cyclegan", type=Path, help="checkpoint.pt of training.cyclegan")
    parser.add_argument("--minutes", type=float, default=10, help="of training, each")
    parser.add_argument("--batches", type=int, default=24, help="held-out batches of 64")
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--csv", type=Path, required=True)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
