"""Train HR+: it enlarges a plate twofold and cleans it, so that sharp pictures become better truth.

    python -m training.hrplus --reader runs/ocr/checkpoint.pt --output_dir runs/hrplus --minutes 30 [--bf16]

Pixel and perceptual losses first, the discriminator from a third of the time on. Cut it at any time: the same command goes on.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

from training.hrplus.data import Pairs
from training.hrplus.network import RRDBNet, UNetDiscriminator
from training.lpsr import losses
from training.lpsr.evaluation import floats, sheet
from training.ocr.checkpoint import averaged
from training.run import Average, Clock, append_metrics, load, save

ADVERSARIAL_FROM = 0.35
"""Of the time. Before it, a discriminator only learns that blurred pictures are made ones."""


def main() -> None:
    args = _arguments()
    torch.manual_seed(args.seed)
    network = {"scale": 2, "channels": args.channels, "blocks": args.blocks, "growth": args.growth, "residual": True}
    nets = nn.ModuleDict({"generator": RRDBNet(**network), "discriminator": UNetDiscriminator()}).to(memory_format=torch.channels_last)
    average = Average(nets["generator"], 0.999)
    rates = {"generator": args.lr, "discriminator": args.lr / 2}
    optimisers = {name: torch.optim.Adam(nets[name].parameters(), rate, betas=(0.9, 0.99)) for name, rate in rates.items()}
    clock, step, checkpoint = Clock(args.minutes), 0, args.output_dir / "checkpoint.pt"
    if found := load(checkpoint):
        nets.load_state_dict(found["nets"])
        average.model.load_state_dict(found["average"])
        for name, optimiser in optimisers.items():
            optimiser.load_state_dict(found[name])
        clock, step, average.steps = Clock(args.minutes, found["spent_s"]), found["step"], found["step"]
        print(f"resumed at step {step}, {clock}")
    judge = losses.Reading(averaged(args.reader))
    loader = DataLoader(Pairs((args.seed, step)), args.batch_size, num_workers=args.workers)
    held_out = next(iter(DataLoader(Pairs((args.seed, 10**6)), 96)))

    def keep() -> None:
        save(checkpoint, nets=nets, average=average.model, step=step, spent_s=clock.spent_s, network=network, **optimisers)
        row = {"step": step, "spent_s": clock.spent_s, **evaluate(average.model, judge, held_out)}
        append_metrics(args.output_dir / "metrics.csv", row)
        shown = (F.interpolate(held_out[0], scale_factor=2), *held_out[1:])
        sheet(Halved(average.model), shown, torch.device("cpu"), args.output_dir / "samples" / f"{step:06d}.png")
        print(", ".join(f"{name} {value:.4g}" for name, value in row.items()), flush=True)

    saved = time.monotonic()
    for degraded, clean, targets, lines in loader:
        if clock.fraction >= 1:
            break
        for name, optimiser in optimisers.items():
            for group in optimiser.param_groups:
                group["lr"] = clock.rate(rates[name])
        adversarial = args.adversarial if clock.fraction > ADVERSARIAL_FROM else 0.0
        parts = learn(nets, optimisers, judge, (floats(degraded, CPU), floats(clean, CPU), targets, lines), adversarial, args.bf16)
        average.update(nets["generator"])
        step += 1
        if step % 50 == 0:
            shown = "  ".join(f"{name} {value:.4f}" for name, value in parts.items())
            print(f"step {step:6d}  {shown}  {args.batch_size * step / clock.spent_s:4.1f}/s  {clock}", flush=True)
        if time.monotonic() - saved > args.save_s:
            saved = time.monotonic()
            keep()
    keep()


CPU = torch.device("cpu")


def learn(
    nets: nn.ModuleDict,
    optimisers: dict[str, torch.optim.Optimizer],
    judge: losses.Reading,
    batch: tuple[torch.Tensor, ...],
    adversarial: float,
    bf16: bool,
) -> dict[str, float]:
    """One step of the generator and, where `adversarial` is not 0, of the discriminator → the losses' parts."""
    degraded, truth, targets, lines = batch
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        made = nets["generator"](degraded).float()
        perceptual, reading = judge(made, truth, targets, lines)
        fooled = F.softplus(-nets["discriminator"](made).float()).mean() if adversarial else torch.zeros(())
    parts = {"pixel": (made - truth).abs().mean(), "perceptual": perceptual, "reading": reading, "fooled": fooled}
    value = parts["pixel"] + 0.05 * perceptual + 0.01 * reading + adversarial * fooled
    _step(optimisers["generator"], value, nets["generator"])
    if adversarial:
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            real, fake = nets["discriminator"](truth).float(), nets["discriminator"](made.detach()).float()
        parts["told"] = (F.softplus(-real) + F.softplus(fake)).mean()
        _step(optimisers["discriminator"], parts["told"], nets["discriminator"])
    return {name: part.item() for name, part in parts.items()}


def _step(optimiser: torch.optim.Optimizer, value: torch.Tensor, net: nn.Module) -> None:
    optimiser.zero_grad(set_to_none=True)
    value.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimiser.step()


@torch.no_grad()
def evaluate(net: nn.Module, judge: losses.Reading, batch: tuple[torch.Tensor, ...]) -> dict[str, float]:
    """PSNR of the enlarged plate (bicubic beside it), and shares read exactly: bicubic, cleaned, truth."""
    degraded, truth, targets = floats(batch[0], CPU), floats(batch[1], CPU), batch[2]
    pictures = {"bicubic": F.interpolate(degraded, scale_factor=2.0, mode="bicubic").clamp(0, 1), "cleaned": net(degraded).clamp(0, 1)}
    scores = {
        f"psnr_{name}": float(-10 * torch.log10(((made - truth) ** 2).mean((1, 2, 3)) + 1e-8).mean()) for name, made in pictures.items()
    }
    for name, picture in {**pictures, "truth": truth}.items():
        resized = F.interpolate(picture, losses.READER_PX, mode="bilinear")
        scores[f"exact_{name}"] = float((judge.reader(resized)[0].argmax(-1) == targets).all(1).float().mean())
    return scores


class Halved(nn.Module):
    """HR+ on a picture that was enlarged for a sheet: it sees the small one again."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.net(image[:, :, ::2, ::2])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.hrplus", description="Train HR+ on rendered pairs.")
    parser.add_argument("--output_dir", type=Path, required=True, help="folder of checkpoint.pt, metrics.csv and samples/")
    parser.add_argument("--reader", type=Path, required=True, help="checkpoint or safetensors of the reader that judges")
    parser.add_argument("--minutes", type=float, default=30, help="training time; the learning rate follows it")
    parser.add_argument("--batch_size", type=int, default=16)
    parser.add_argument("--lr", type=float, default=4e-4)
    parser.add_argument("--adversarial", type=float, default=0.01, help="weight of the discriminator's say")
    for name, value in (("channels", 32), ("blocks", 2), ("growth", 16)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--bf16", action="store_true", help="half the width of the arithmetic: quick where the processor has units for it")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--save_s", type=float, default=150)
    parser.add_argument("--seed", type=int, default=4)
    return parser.parse_args()


if __name__ == "__main__":
    main()
