"""Train the learned degradation: a CycleGAN between sharp and poor plates, with a style for the kind of poor.

    python -m training.cyclegan --data DATA/train --checkpoint_dir runs/cyclegan --output_dir runs/cyclegan/grids --minutes 30 --bf16
    python -m training.cyclegan --dataroot DIR --epochs 20      # DIR/trainA sharp, DIR/trainB poor

Cut it at any time: the same command goes on where it stopped. Then `python -m training.cyclegan.export`. One process, one device.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from training.cyclegan import data, grid
from training.cyclegan.losses import History, Weights, around, judging, weighed
from training.cyclegan.network import Judges, Makers
from training.run import Average, Clock, append_metrics, load, save

JUDGES_AHEAD = 1.5
"""The judges' learning rate by the makers' (Heusel et al., NeurIPS 2017, arXiv:1706.08500)."""


def main() -> None:
    args = _arguments()
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    batches = data.Unpaired(*_domains(args, rng), one_line=(args.height, args.width))
    network = {"channels": args.channels, "style": args.style}
    makers, judges = Makers(**network).to(memory_format=torch.channels_last), Judges().to(memory_format=torch.channels_last)
    makers.style.begin(batches.batch(np.random.default_rng(args.seed), 64)[1])
    average = Average(makers, 0.998)
    optimisers = [torch.optim.Adam(part.parameters(), args.lr, betas=(0.5, 0.999)) for part in (makers, judges)]
    step, steps, clock = 0, _steps(args, batches), Clock(args.minutes)
    checkpoint = args.checkpoint_dir / "checkpoint.pt"
    if found := load(checkpoint):
        for name, part in (("makers", makers), ("judges", judges), ("average", average.model)):
            part.load_state_dict(found[name])
        for name, optimiser in zip(("makers_adam", "judges_adam"), optimisers, strict=True):
            optimiser.load_state_dict(found[name])
        clock, step, average.steps = Clock(args.minutes, found["spent_s"]), found["step"], found["step"]
        rng = np.random.default_rng([args.seed, step])
        torch.manual_seed(args.seed + step)
        print(f"resumed at step {step}, {clock}")

    histories, weights = (History(), History()), Weights(args.cycle / 2, args.cycle, args.identity, args.style_weight)
    shown = batches.batch(np.random.default_rng(args.seed), 6)
    seen: dict[str, list[float]] = {}
    saved, done = time.monotonic(), step / steps if steps else clock.fraction
    while done < 1:
        sharp, poor = (part.contiguous(memory_format=torch.channels_last) for part in batches.batch(rng, args.batch_size))
        for optimiser, ahead in zip(optimisers, (1.0, JUDGES_AHEAD), strict=True):
            for group in optimiser.param_groups:
                group["lr"] = ahead * args.lr * min(1.0, 2 - 2 * done)  # as Zhu et al.: even for a half, then down to nothing
        judges.requires_grad_(False)
        with torch.autocast("cpu", torch.bfloat16, enabled=args.bf16):
            turn = around(makers.train(), judges, sharp, poor)
        _descend(optimisers[0], makers, weighed(turn.parts, weights))
        judges.requires_grad_(True)
        made_poor, made_sharp = (
            history.swap(made, rng) for history, made in zip(histories, (turn.made_poor, turn.made_sharp), strict=True)
        )
        with torch.autocast("cpu", torch.bfloat16, enabled=args.bf16):
            verdicts = judging(judges.poor, poor, made_poor), judging(judges.sharp, sharp, made_sharp)
        _descend(optimisers[1], judges, sum(verdicts, torch.zeros(())))
        average.update(makers)
        step += 1
        named = {**turn.parts, "judge_poor": verdicts[0], "judge_sharp": verdicts[1]}
        for name, value in named.items():
            seen.setdefault(name, []).append(float(value.detach()))
        done = step / steps if steps else clock.fraction
        if step % 50 == 0:
            print(
                f"step {step:6d}  " + "  ".join(f"{name} {np.mean(values[-50:]):.3f}" for name, values in seen.items()), clock, flush=True
            )
        if time.monotonic() - saved > args.save_s or done >= 1:
            saved = time.monotonic()
            save(checkpoint, makers=makers, judges=judges, average=average.model, makers_adam=optimisers[0], judges_adam=optimisers[1],
                 step=step, spent_s=clock.spent_s, network=network)  # fmt: skip
            means = {name: float(np.mean(values)) for name, values in seen.items()}
            append_metrics(
                args.checkpoint_dir / "metrics.csv", {"step": step, "spent_s": clock.spent_s, **means, **grid.signs(average.model, *shown)}
            )
            grid.write(args.output_dir / f"step-{step:06d}.png", average.model, *shown)
            seen.clear()


def _descend(optimiser: torch.optim.Optimizer, module: torch.nn.Module, loss: torch.Tensor) -> None:
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(module.parameters(), 5.0)
    optimiser.step()


def _domains(args: argparse.Namespace, rng: np.random.Generator) -> tuple[data.Domain, data.Domain]:
    if args.dataroot:
        return data.Domain(data.folder(args.dataroot / "trainA")), data.Domain(data.folder(args.dataroot / "trainB"))
    return data.domains(args.data, data.rendered_plates(rng, args.rendered)[0], 0.3)


def _steps(args: argparse.Namespace, batches: data.Unpaired) -> int:
    """Steps of a training by epochs (over the poor pictures), 0 where minutes decide."""
    return -(-args.epochs * sum(len(poor.pictures) for _, _, poor in batches.parts) // args.batch_size)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.cyclegan", description="Train the learned degradation.")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--dataroot", type=Path, help="folder with trainA (sharp) and trainB (poor) pictures")
    source.add_argument("--data", type=Path, help="folder of plates-sharp and plates-poor; rendered plates join the sharp ones")
    parser.add_argument("--checkpoint_dir", type=Path, default=Path("runs/cyclegan"), help="folder of checkpoint.pt and metrics.csv")
    parser.add_argument("--output_dir", type=Path, default=Path("runs/cyclegan/grids"), help="folder of sample grids")
    parser.add_argument("--minutes", type=float, default=30, help="training time, where --epochs is not given; the rate follows it")
    parser.add_argument("--epochs", type=int, default=0, help="passes over the poor pictures instead of minutes")
    parser.add_argument("--batch_size", type=int, default=16)
    parser.add_argument("--lr", type=float, default=8e-4)
    parser.add_argument("--width", type=int, default=192, help="one-line canvas; two-line plates go on one half as wide")
    parser.add_argument("--height", type=int, default=32, help="one-line canvas; two-line plates go on one twice as high")
    parser.add_argument("--style", type=int, default=8, help="numbers in a style")
    parser.add_argument("--channels", type=int, default=32)
    parser.add_argument("--cycle", type=float, default=3, help="weight of the poor cycle; the sharp one has half")
    parser.add_argument("--identity", type=float, default=0.2, help="weight of leaving alone what is there already")
    parser.add_argument("--style_weight", type=float, default=0.5, help="weight of finding the style again in what was made with it")
    parser.add_argument("--rendered", type=int, default=600, help="rendered plates among the sharp ones of --data")
    parser.add_argument("--bf16", action="store_true", help="half the width of the arithmetic: quick where the processor has units for it")
    parser.add_argument("--save_s", type=float, default=150)
    parser.add_argument("--seed", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
