"""The project as a bundle: what is in it, what it reads of itself, and that a unit could run it without the rest of the house."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from edge.release import RefusedError, ReleaseError, manifest
from edge.release.manifest import JETPACK, OTHER, Manifest
from tools import pins
from tools.bundle import contents, expected, keys, pack, pictures
from tools.bundle.__main__ import main
from tools.bundle.keys import SigningKey
from tools.bundle.seal import seal

ROOT = Path(__file__).parents[3]
SMALL = ["--crops", "3", "--scenes", "1"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bundle")


@pytest.fixture(scope="module")
def key(folder: Path) -> SigningKey:
    return keys.make(folder, "workshop")


@pytest.fixture(scope="module")
def packed(folder: Path, key: SigningKey) -> Path:
    """By the command, with what a Jetson needs and a measured set."""
    (folder / "gate.json").write_text('{"pictures": 2, "plates": {"exact": 0.5}}')
    needs = ["--model", "NVIDIA Jetson*", "--jetpack", "6.0", "--tensorrt", "8.6", "--memory-mb", "2000"]
    given = ["--key", str(folder / "workshop.key"), "--out", str(folder / "dist"), "--accuracy", str(folder / "gate.json")]
    assert main(["pack", *given, *needs, *SMALL]) == 0
    return folder / "dist/kerbside-1.tar.gz"


@pytest.fixture(scope="module")
def unpacked(packed: Path, key: SigningKey, folder: Path) -> tuple[Manifest, Path]:
    found, signer = pack.verify(packed, [key.public], folder / "unpacked")
    assert signer == key.public
    return found, folder / "unpacked"


def test_the_manifest_says_what_is_in_it(unpacked: tuple[Manifest, Path]) -> None:
    found, _ = unpacked
    needs = found.needs
    assert (found.release, needs.models, needs.jetpack, needs.tensorrt, needs.memory_mb) == (1, ("NVIDIA Jetson*",), "6.0", "8.6", 2000)
    assert found.accuracy["sets"] == {"gate": {"pictures": 2, "plates": {"exact": 0.5}}}
    test = found.accuracy["selftest"]
    assert test["pictures"] == test["agreeing"] == 4 and test["exact"] >= found.limits.least_exact >= 1 and test["ms"] > 0
    wanted = {"models/reader.onnx", "models/reader.yaml", "alpr/regions/VN.yaml", "config.yaml", "systemd/install"}
    assert wanted | {each.lock for each in found.environments.values()} <= set(found.files)


def test_it_has_an_environment_for_each_kind_of_unit(unpacked: tuple[Manifest, Path], packed: Path) -> None:
    """And names one lock the old way: a unit whose release knows no other takes that."""
    found, release = unpacked
    assert {kind: each.lock for kind, each in found.environments.items()} == {
        JETPACK: "requirements/jetson.lock",
        OTHER: "requirements/run.lock",
    }
    assert json.loads((release / "manifest.json").read_text())["lock"] == "requirements/run.lock"
    jetson, plain = (found.environments[kind] for kind in (JETPACK, OTHER))
    assert (jetson.builds, jetson.of_system) == (tuple(pins.BUILT), ("cv2", "tensorrt")) and (plain.builds, plain.of_system) == ((), ())
    locks = {kind: pins.pins((release / each.lock).read_text()) for kind, each in found.environments.items()}
    assert {pin.name for pin in locks[JETPACK]} >= {"pycuda", "setuptools"}, "setuptools compiles it, and is nobody's newest"
    assert not [pin for pin in locks[JETPACK] if pin.name.startswith(("opencv", "tensorrt"))]


def test_the_rest_of_the_house_stays_here(unpacked: tuple[Manifest, Path]) -> None:
    found, _ = unpacked
    rooms = {path.split("/")[0] for path in found.files}
    assert rooms == {
        "alpr",
        "edge",
        "tools",
        "systemd",
        "models",
        "requirements",
        "selftest",
        "docs",
        "config.yaml",
        "README.md",
        "LICENSE",
    }
    assert not [path for path in found.files if path.endswith((".safetensors", ".pt", ".pyc"))]
    assert {path for path in found.files if path.startswith(("tools/bundle", "tools/flash"))} == set()


def test_what_the_services_start_runs_from_it_alone(unpacked: tuple[Manifest, Path], tmp_path: Path) -> None:
    """In an interpreter that sees nothing of this checkout."""
    _, release = unpacked
    for module in ("edge", "edge.release", "edge.release.selftest", "tools.build_engines", "tools.outbox", "tools.erase"):
        command = [sys.executable, "-m", module, "--help"]
        done = subprocess.run(command, cwd=release, capture_output=True, text=True, timeout=100, env={"PATH": "/usr/bin:/bin"})
        assert done.returncode == 0, done.stderr


def test_its_self_test_reads_what_was_read_here(unpacked: tuple[Manifest, Path]) -> None:
    found, release = unpacked
    command = [sys.executable, "-m", "edge.release.selftest", "--release", str(release), "--config", str(release / "config.yaml")]
    done = subprocess.run(command, cwd=release, capture_output=True, text=True, timeout=280, env={"PATH": "/usr/bin:/bin"})
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["exact"], report["agreeing"]) == (found.accuracy["selftest"]["exact"], 4) and report["other"] == []


def test_a_config_that_the_release_does_not_understand_fails_the_self_test(unpacked: tuple[Manifest, Path], tmp_path: Path) -> None:
    _, release = unpacked
    config = tmp_path / "config.yaml"
    config.write_text("device: {id: unit}\ncameras: [{id: road, source: 'rtsp://192.0.2.1/a'}]\nreader: {modle: x}\n")
    command = [sys.executable, "-m", "edge.release.selftest", "--release", str(release), "--config", str(config)]
    done = subprocess.run(command, cwd=release, capture_output=True, text=True, timeout=100)
    assert done.returncode == 1 and "reader.modle" in done.stderr


def test_the_self_test_has_no_business_with_the_units_secrets(unpacked: tuple[Manifest, Path], tmp_path: Path) -> None:
    """A key of which a stand-in is none failed every release of a unit whose page has a certificate."""
    _, release = unpacked
    config = tmp_path / "config.yaml"
    secret = "${CREDENTIALS_DIRECTORY}/"
    page = {"enabled": True, "host": "0.0.0.0", "cert_file": "a.pem", "key_file": f"{secret}unit.key", "token_file": f"{secret}web-token"}
    cameras = [{"id": "road", "source": "rtsp://viewer:${CAMERA_PASSWORD}@192.0.2.1/a"}]
    config.write_text(yaml.safe_dump({"device": {"id": "unit"}, "cameras": cameras, "web": page}))
    command = [sys.executable, "-m", "edge.release.selftest", "--release", str(release), "--config", str(config)]
    done = subprocess.run(command, cwd=release, capture_output=True, text=True, timeout=280, env={"PATH": "/usr/bin:/bin"})
    assert done.returncode == 0, done.stderr


def test_the_pictures_are_the_same_every_time() -> None:
    first, again = (list(pictures.rendered(ROOT, ("VN", "TW"), 2, 1)) for _ in range(2))
    assert [(each.name, each.truth, each.bgr.tobytes()) for each in first] == [
        (each.name, each.truth, each.bgr.tobytes()) for each in again
    ]
    assert [each.kind for each in first] == ["crop", "crop", "scene"] and all(each.truth for each in first)


def test_models_that_cannot_read_are_not_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pictures of one seed with the texts of another: nothing is right."""
    wrong = [replace(each, truth=("0000",)) for each in pictures.rendered(ROOT, ("VN",), 2, 0)]
    with pytest.raises(ReleaseError, match="0 of 2 rendered plates"):
        expected.measured(ROOT, wrong, 1000)


def test_the_same_files_and_key_give_the_same_bytes(tmp_path: Path, key: SigningKey) -> None:
    files = {"requirements/unit.lock": b"# nothing\n", "b.txt": b"b" * 5000, "a.txt": b"a"}
    about = {"release": 1, "version": "1", "revision": "r", "made_at": "", "lock": "requirements/unit.lock"}
    about |= {"needs": {}, "limits": {}, "accuracy": {}}
    seal(files, about, key, tmp_path / "one.tar.gz")
    seal(dict(reversed(files.items())), about, key, tmp_path / "two.tar.gz")
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tar.gz").read_bytes()
    assert not list(tmp_path.glob(".*"))


def test_numbers_rise(packed: Path, key: SigningKey, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert pack.newest(folder / "dist") == (1, packed) and pack.newest(folder / "nowhere") == (0, None)
    given = ["--key", str(folder / "workshop.key"), "--out", str(folder / "dist"), *SMALL]
    assert main(["pack", *given, "--release", "1"]) == 1
    assert "release 1 is not higher than 1" in capsys.readouterr().err


def test_verify_is_what_a_unit_does(packed: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(packed), "--trust", str(folder / "workshop.pub")]) == 0
    said = capsys.readouterr().out
    assert "good, signed by workshop" in said and "JetPack 6.0; TensorRT 8.6; 2000 MB of memory" in said
    assert (
        "for       a Jetson with its JetPack: requirements/jetson.lock, cv2 and tensorrt of the system, pycuda compiled on the unit" in said
    )
    assert "for       a machine without a JetPack: requirements/run.lock\n" in said
    keys.make(folder, "stranger")
    assert main(["verify", str(packed), "--trust", str(folder / "stranger.pub")]) == 1
    assert "which is not trusted" in capsys.readouterr().err


def test_a_strange_file_is_not_packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    strange = tmp_path / "weights.pt"
    strange.touch()
    monkeypatch.setattr(contents, "_sources", lambda folder: iter([ROOT / "alpr/vote.py", ROOT / "models/reader.safetensors"]))
    with pytest.raises(ReleaseError, match=r"reader\.safetensors: of a kind that no release holds"):
        contents.files(ROOT, "requirements/run.lock")
    with pytest.raises(ReleaseError, match=r"lacks .*requirements/no\.lock"):
        contents.files(ROOT, "requirements/no.lock")


def test_wheels_and_kernels_travel_with_it(tmp_path: Path) -> None:
    (tmp_path / "some-1.0-py3-none-any.whl").write_bytes(b"wheel")
    assert "wheels/some-1.0-py3-none-any.whl" in contents.files(ROOT, "requirements/run.lock", wheels=tmp_path)
    assert manifest.may_hold("wheels/some-1.0-py3-none-any.whl") and manifest.may_hold("var/cuda/kernels-0123.fatbin")


def test_a_bundle_for_one_kind_of_unit(folder: Path, tmp_path: Path) -> None:
    given = ["--key", str(folder / "workshop.key"), "--out", str(tmp_path), *SMALL, "--for", "jetpack"]
    assert main(["pack", *given]) == 0
    found = pack.look(tmp_path / "kerbside-1.tar.gz")
    assert list(found.environments) == [JETPACK] and "requirements/run.lock" not in found.files


def test_wheels_for_jetsons_have_the_one_that_no_index_has(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "numpy-1.26.4-cp310-cp310-manylinux_2_17_aarch64.whl").touch()
    given = ["--key", str(folder / "workshop.key"), "--out", str(tmp_path / "dist"), *SMALL, "--wheels", str(tmp_path)]
    assert main(["pack", *given]) == 1
    assert "has no wheel of pycuda, which no index has either" in capsys.readouterr().err
    (tmp_path / "pycuda-2026.1-cp310-cp310-linux_aarch64.whl").touch()
    assert main(["pack", *given]) == 0
    assert "pycuda as a wheel" in capsys.readouterr().out


def test_a_manifest_that_no_unit_takes_is_not_sealed(tmp_path: Path, key: SigningKey) -> None:
    with pytest.raises(RefusedError, match="release is 0"):
        about = {"version": "1", "revision": "r", "made_at": "", "lock": "a.lock", "needs": {}, "limits": {}, "accuracy": {}}
        seal({"a.lock": b""}, {"release": 0, **about}, key, tmp_path / "none.tar.gz")
    assert not list(tmp_path.glob("none*"))
