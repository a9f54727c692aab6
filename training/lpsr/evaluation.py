"""How good an LPSR is on held-out pairs, in numbers and as a sheet of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from training.lpsr.data import UNKNOWN, Batch
from training.lpsr.losses import READER_PX
from training.ocr.network import ReaderNet


@torch.no_grad()
def evaluate(net: nn.Module, reader: ReaderNet, batches: Sequence[Batch], device: torch.device) -> dict[str, float]:
    """PSNR against the clean plate; shares read exactly as they are, enhanced and clean; shares that enhancing turned wrong, and right."""
    right: dict[str, list[torch.Tensor]] = {"before": [], "after": [], "clean": []}
    psnr: dict[str, list[torch.Tensor]] = {"before": [], "after": []}
    for degraded, clean, targets, _ in batches:
        before, truth = floats(degraded, device), floats(clean, device)
        told = targets.to(device)
        told = torch.where(told == UNKNOWN, read(reader, truth), told)
        for name, picture in (("before", before), ("after", net(before)), ("clean", truth)):
            right[name].append((read(reader, picture) == told).all(1))
            if name != "clean":
                psnr[name].append(-10 * torch.log10(((picture - truth) ** 2).mean((1, 2, 3)) + 1e-8))
    was, now, clean_right = (torch.cat(right[name]) for name in ("before", "after", "clean"))
    return {
        "psnr_before": float(torch.cat(psnr["before"]).mean()),
        "psnr": float(torch.cat(psnr["after"]).mean()),
        "exact_before": float(was.float().mean()),
        "exact": float(now.float().mean()),
        "exact_clean": float(clean_right.float().mean()),
        "turned_wrong": float((was & ~now).float().mean()),
        "turned_right": float((~was & now).float().mean()),
    }


@torch.no_grad()
def read(reader: ReaderNet, image: torch.Tensor) -> torch.Tensor:
    """The likeliest class at every position (n, SLOTS)."""
    resized = torch.nn.functional.interpolate(image, READER_PX, mode="bilinear", align_corners=False)
    return reader(resized)[0].argmax(-1)


@torch.no_grad()
def sheet(net: nn.Module, batch: Batch, device: torch.device, path: Path, most: int = 12) -> None:
    """Write a picture: a row a plate, degraded, enhanced and clean side by side."""
    degraded, clean = (floats(part[:most], device) for part in batch[:2])
    columns = torch.cat([degraded, net(degraded).clamp(0, 1), clean], 3)
    rows = (columns.permute(0, 2, 3, 1).flatten(0, 1).cpu().numpy() * 255 + 0.5).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), rows[:, :, ::-1]):
        raise OSError(f"{path}: cannot be written; is there room, and may this user write there?")


def floats(image: torch.Tensor, device: torch.device) -> torch.Tensor:
    """uint8 → float32 in 0..1, channels last in memory, as convolutions like it."""
    return (image.to(device).float() / 255).contiguous(memory_format=torch.channels_last)
