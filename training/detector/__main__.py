"""Train the detector on labelled scenes and crops, with rendered plates pasted in.

    python -m training.detector --data DATA/train --out runs/detector --minutes 45

Cut it at any time: the same command goes on where it stopped. Then `python -m training.detector.export`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from safetensors.torch import load_file
from torch import nn

from training.detector.batches import Batches, Sizes, image_from_pictures, loader
from training.detector.composers import composers
from training.detector.composition import Composer, Sample
from training.detector.evaluation import corner_errors, evaluate, torch_model
from training.detector.losses import Gains, Targets, detection_loss
from training.detector.network import Detector, cost, grid, widths_of
from training.detector.streets import streets
from training.run import Average, Clock, append_metrics, load, save

CONFIG = Path(__file__).parents[1] / "configs" / "detector.yaml"


def main(argv: Sequence[str] | None = None) -> None:
    args = _arguments(argv)
    config = yaml.safe_load(args.config.read_text(encoding="utf-8"))
    config["learning_rate"] = args.lr or config["learning_rate"]
    train, held_out = composers(args.data, config, streets(config["seed"], config["streets"]))
    torch.manual_seed(config["seed"])
    torch.set_num_threads(args.threads)
    if args.init:
        config["network"] = widths_of(load_file(args.init))
    detector = Detector(**config["network"]).to(memory_format=torch.channels_last)
    if args.init:
        detector.load_state_dict(load_file(args.init))
    average = Average(detector, config["ema"])
    optimiser = optimiser_of(detector, config)
    checkpoint, clock, step, seen = args.out / "checkpoint.pt", Clock(args.minutes), 0, 0
    if found := load(checkpoint):
        detector.load_state_dict(found["detector"])
        average.model.load_state_dict(found["average"])
        optimiser.load_state_dict(found["optimiser"])
        clock, step, seen, average.steps = Clock(args.minutes, found["spent_s"]), found["step"], found["seen"], found["step"]
        print(f"resumed at step {step}, {clock}")

    scenes, (macs, parameters) = sum(map(len, train.scenes)), cost(detector.eval(), (384, 640))
    print(f"{scenes} scenes, {len(train.crops)} crops; {macs / 1e9:.2f} GMAC at 640x384, {parameters / 1e6:.2f} M parameters")
    sizes = Sizes([tuple(size) for size in config["sizes_px"]], config["size_weights"], config["batch_px"])
    gains = Gains(**config["gains"])

    def keep() -> None:
        progress = {"spent_s": clock.spent_s, "step": step, "seen": seen, "network": config["network"]}
        save(checkpoint, detector=detector, average=average.model, optimiser=optimiser, **progress)

    logged = saved = validated = time.monotonic()
    pictures_logged, parts = seen, {}
    for pictures, targets in loader(Batches(train, sizes, (config["seed"], step)), args.workers):
        for group in optimiser.param_groups:
            group["lr"] = clock.rate(config["learning_rate"], config["warm_up"], config["final_rate"])
        loss, parts = learn(detector, optimiser, image_from_pictures(pictures), targets, gains, config["clip_norm"], args.bf16)
        average.update(detector)
        step, seen, now = step + 1, seen + len(pictures), time.monotonic()
        if now - logged > config["log_every_s"]:
            _report(step, clock, seen, (seen - pictures_logged) / (now - logged), loss, parts)
            logged, pictures_logged = now, seen
        if now - saved > config["checkpoint_every_s"]:
            keep()
            saved = time.monotonic()
        if now - validated > config["validate_every_s"]:
            _validate(average.model, held_out, config["corner_samples"], args.out, step, seen, parts)
            validated = logged = time.monotonic()
            pictures_logged = seen
        if clock.fraction >= 1:
            break
    keep()
    _validate(average.model, held_out, config["corner_samples"], args.out, step, seen, parts)


def learn(
    detector: Detector,
    optimiser: torch.optim.Optimizer,
    image: torch.Tensor,
    targets: Targets,
    gains: Gains,
    clip_norm: float,
    bf16: bool = False,
) -> tuple[float, dict[str, float]]:
    """One step on a batch → the loss and its parts."""
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        points = detector.train()(image)
    loss, parts = detection_loss(points.float(), *grid(*image.shape[2:], image), targets, gains)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(detector.parameters(), clip_norm)
    optimiser.step()
    return loss.item(), parts


def optimiser_of(detector: nn.Module, config: dict[str, Any]) -> torch.optim.AdamW:
    """AdamW that decays the convolutions' weights alone: not the norms', not the biases."""
    decayed = [parameter for parameter in detector.parameters() if parameter.ndim > 1]
    free = [parameter for parameter in detector.parameters() if parameter.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": config["weight_decay"]}, {"params": free, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, config["learning_rate"])


def _validate(detector: Detector, held_out: Composer, count: int, out: Path, step: int, seen: int, parts: dict[str, float]) -> None:
    """AP50 on held-out scenes as they are, and corner errors on held-out pictures with rendered plates; a row of metrics.csv."""
    model, started = torch_model(detector), time.monotonic()
    scenes = (picture.decode() for pictures in held_out.scenes for picture in pictures)
    result = evaluate(model, ((picture.bgr, picture.boxes) for picture in scenes))
    rng = np.random.default_rng(0)
    samples: list[Sample] = [held_out.sample((384, 384), rng) for _ in range(count)]
    errors = corner_errors(model, samples, longest_px=384)
    corner, height = np.median(errors, axis=0) if len(errors) else (np.nan, np.nan)
    print(
        f"held out: AP50 {result.ap50:.3f} on {result.plates} plates, precision {result.precision:.2f} and recall {result.recall:.2f} "
        f"at {result.threshold:.2f}; corners off by {corner:.3f} plate heights, heights {height:.2f} of the true ones "
        f"(medians of {len(errors)}); {time.monotonic() - started:.0f} s",
        flush=True,
    )
    row = {"step": step, "pictures": seen, "ap50": result.ap50, "precision": result.precision, "recall": result.recall}
    append_metrics(out / "metrics.csv", {**row, "threshold": result.threshold, "corner_error": corner, "height": height, **parts})


def _report(step: int, clock: Clock, seen: int, speed: float, loss: float, parts: dict[str, float]) -> None:
    losses = " ".join(f"{name} {value:.3f}" for name, value in parts.items())
    print(f"step {step}, {clock}, {seen} pictures, {speed:.0f}/s, loss {loss:.3f} ({losses})", flush=True)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.detector", description="Train the plate detector.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the sets that the config names")
    parser.add_argument("--out", type=Path, default=Path("runs/detector"))
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--init", type=Path, help="start from released weights, with their widths, not the config's")
    parser.add_argument("--bf16", action="store_true", help="half the width of the arithmetic: quick where the processor has units for it")
    parser.add_argument("--lr", type=float, help="instead of the config's: a third of it with --init")
    parser.add_argument("--minutes", type=float, default=45, help="how long; the learning rate follows it")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--workers", type=int, default=1, help="processes that compose pictures; 0 does it in this one")
    return parser.parse_args(argv)


if __name__ == "__main__":
    main()
