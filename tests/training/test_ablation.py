"""The ablation trains each variant as a change of one config, and measures all on the same held-out pairs."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch
import yaml

from training.lpsr import ablation
from training.lpsr.__main__ import CONFIG
from training.ocr.network import ReaderNet


def test_a_change_leaves_the_rest_of_the_config_alone() -> None:
    config = yaml.safe_load(CONFIG.read_text())
    for change in ablation.VARIANTS.values():
        made = ablation.changed(config, change)
        assert made.keys() == config.keys() and all(
            made[key].items() >= value.items() for key, value in change.items() if isinstance(value, dict)
        )
    assert ablation.changed(config, {}) == config
    assert ablation.changed(config, {"network": {"attention": False}})["network"] == {**config["network"], "attention": False}


def test_every_variant_has_a_row_on_the_same_pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save({"average": ReaderNet(64).state_dict()}, tmp_path / "reader.pt")
    config = yaml.safe_load(CONFIG.read_text())
    config |= {"network": {"channels": 8, "growth": 4, "blocks": 1, "layers": 1, "attention": True, "auto_encoder": True}, "batch_size": 2}
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(config))
    monkeypatch.setattr("training.lpsr.__main__._held_out", lambda args, config: [])
    monkeypatch.setattr("training.lpsr.__main__._keep", _only_save)
    places = [f"--reader={tmp_path / 'reader.pt'}", f"--output_dir={tmp_path / 'runs'}", f"--csv={tmp_path / 'table.csv'}"]
    ablation.main([*places, f"--config={tmp_path / 'small.yaml'}", "--minutes=0.002", "--batches=1", "--workers=0"])
    with (tmp_path / "table.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["variant"] for row in rows] == ["bicubic", *ablation.VARIANTS]
    assert len({(row["n"], row["psnr_before"], row["exact_clean"]) for row in rows}) == 1
    assert rows[0]["psnr"] == rows[0]["psnr_before"]


def _only_save(out: Path, made, config, *_) -> None:
    from training.run import save

    save(out / "checkpoint.pt", net=made.net, average=made.average.model, optimiser=made.optimiser, step=made.step, spent_s=0.0)
