"""Pairs on disk: shards make up the whole, recipes make a picture again, and LPSR's folders take them."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from training import pairs
from training.degradation import hybrid
from training.lpsr.data import Folders, twins


def test_shards_together_are_the_whole_and_a_recipe_makes_its_picture_again(tmp_path: Path) -> None:
    for part in (1, 2):
        pairs.main([f"--out={tmp_path / 'parts'}", "--count=5", f"--shard={part}/2"])
    pairs.main([f"--out={tmp_path / 'whole'}", "--count=5"])
    parts, whole = ({p.name: p.read_bytes() for p in (tmp_path / name).glob("[hl]r/*.png")} for name in ("parts", "whole"))
    assert parts == whole and len(whole) == 5  # one name a pair, in hr and in lr
    rows = [json.loads(line) for path in (tmp_path / "parts").glob("recipes-*.jsonl") for line in path.read_text().splitlines()]
    assert len(rows) == 5
    for row in rows:
        hr, lr = (cv2.imread(str(tmp_path / "parts" / folder / f"{row['name']}.png")) for folder in ("hr", "lr"))
        assert np.array_equal(hybrid.replay(hr, hybrid.load(row["recipe"])), lr)
    assert sum(len(batch[0]) for batch in Folders(tmp_path / "whole" / "lr", tmp_path / "whole" / "hr", (32, 192), 2, (0,))) == 5
    assert len(twins(tmp_path / "whole" / "lr", tmp_path / "whole" / "hr")) == 5


@pytest.mark.parametrize("shard", ["0/2", "3/2", "2", "a/b"])
def test_a_shard_that_there_is_not_is_refused(shard: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        pairs.main([f"--out={tmp_path}", "--count=5", f"--shard={shard}"])
    assert "such as 3/8" in capsys.readouterr().err
