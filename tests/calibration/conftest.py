"""Networks, a small set and their files, made once: exporting and drawing cost more than what is tested on them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from alpr.contract import Contract, load
from calibration import release, sensitivity
from calibration.evaluation import Score, Set
from calibration.pictures import crop_row, draw, scene_row
from calibration.select import faces
from calibration.strata import scene_strata, strata
from tests.calibration.networks import NAMES, exported


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Contract]:
    """A contract of each kind, in one folder."""
    folder = tmp_path_factory.mktemp("models")
    return {kind: exported(kind, folder) for kind in NAMES}


@pytest.fixture(scope="session")
def pictures() -> Set:
    """A few crops and two scenes, rendered."""
    drawn_with = faces("calibration")
    crops = [draw(crop_row(stratum, (9, i)), drawn_with) for i, stratum in enumerate(strata()[::40])]
    scenes = [draw(scene_row(scene_strata()[i], (9, 1, i), (320, 192)), drawn_with) for i in (0, 1)]
    return Set("small", tuple((each.bgr, each.texts[0]) for each in crops), tuple((each.bgr, each.boxes) for each in scenes))


@pytest.fixture(scope="session")
def quantised(models: dict[str, Contract], pictures: Set) -> dict[str, SimpleNamespace]:
    """Every file of every model, all candidates INT8, named in its contract."""
    made, none = {}, Score(0.0, 0)
    for kind, contract in models.items():
        folder = contract.path.parent
        histograms = release.observed(contract, pictures)
        layers = tuple(release.candidates(contract))
        plan = sensitivity.Plan(contract.sha256, "max", layers, (), none, none, {}, dict.fromkeys(layers, none))
        files = release.write(contract, histograms, plan, folder)
        files[release.CPU], _ = release.write_cpu(contract, pictures, plan, lambda run: none, folder)
        release.name_variants(folder / f"{contract.path.stem}.yaml", files)
        named = load(folder / f"{contract.path.stem}.yaml")
        made[kind] = SimpleNamespace(contract=named, histograms=histograms, layers=layers, path=Path(folder / f"{contract.path.stem}.yaml"))
    return made
