"""The calibrator, with a stand-in for TensorRT: batches in order, one size, a cache that spares the second run."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from alpr.contract import Contract
from calibration.entropy import EntropyError, able, cache_path, calibrator

TEN = SimpleNamespace(__version__="10.3.0", IInt8EntropyCalibrator2=type("IInt8EntropyCalibrator2", (), {}))


def test_tensorrt_11_has_no_such_class_and_says_what_to_do() -> None:
    with pytest.raises(EntropyError, match=r"11\.4\.1 has no IInt8EntropyCalibrator2: .*calibration quantise"):
        able(SimpleNamespace(__version__="11.4.1"))
    assert able(TEN) is TEN


def test_batches_go_up_in_order_and_those_of_another_size_are_left_out(tmp_path: Path) -> None:
    sent: list[float] = []
    batches = [np.full((n, 3, 4, 4), i, np.float32) for i, n in enumerate((2, 2, 1, 2))]
    made = calibrator(TEN, batches, tmp_path / "x", lambda batch: sent.append(float(batch[0, 0, 0, 0])) or 7)
    assert made.get_batch_size() == 2
    assert [made.get_batch(["image"]) for _ in range(4)] == [[7], [7], [7], None]
    assert sent == [0, 1, 3]


def test_the_cache_is_read_before_any_batch(tmp_path: Path) -> None:
    made = calibrator(TEN, [np.zeros((1, 3, 4, 4), np.float32)], tmp_path / "deep/x", lambda batch: 0)
    assert made.read_calibration_cache() is None
    made.write_calibration_cache(memoryview(b"table"))
    assert made.read_calibration_cache() == b"table" and [path.name for path in (tmp_path / "deep").iterdir()] == ["x"]


def test_a_cache_belongs_to_one_model_and_one_set(models: dict[str, Contract], tmp_path: Path) -> None:
    paths = {cache_path(tmp_path, contract, digest) for contract in models.values() for digest in ("a" * 64, "b" * 64)}
    assert len(paths) == 2 * len(models)


def test_an_empty_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EntropyError, match="empty"):
        calibrator(TEN, [], tmp_path / "x", lambda batch: 0)
