"""Dockerfile.jetson as hadolint and Docker read it, and as the services and the config have it."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker.utils.build import exclude_paths
from dockerfile_parse import DockerfileParser

from edge.config.sections import Health as HealthConfig
from edge.health.page import Health, Page
from tests.edge.waiting import until
from tools.bundle import contents

ROOT = Path(__file__).parents[1]
DOCKERFILE = ROOT / "Dockerfile.jetson"
HADOLINT = Path(sys.executable).with_name("hadolint")
PUBLIC_BASES = {"JetPack 6": "nvcr.io/nvidia/l4t-jetpack:r36.4.0", "JetPack 7": "nvcr.io/nvidia/tensorrt:25.08-py3"}

needs_hadolint = pytest.mark.skipif(not HADOLINT.exists(), reason="no hadolint for this machine (its wheel is for x86-64 Linux)")


def instructions(name: str) -> list[str]:
    """The values of an instruction, in order, continued lines joined."""
    parsed = DockerfileParser(fileobj=io.BytesIO(DOCKERFILE.read_bytes()))
    return [each["value"] for each in parsed.structure if each["instruction"] == name]


def copied() -> Iterator[tuple[str, str]]:
    """What comes from the folder that is built in, and where it goes."""
    for words in (value.split() for value in instructions("COPY")):
        if not words[0].startswith("--from="):
            yield from ((source, words[-1]) for source in words[:-1])


def context() -> set[str]:
    """The files that Docker gets to see."""
    patterns = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    return {path for path in exclude_paths(str(ROOT), patterns, DOCKERFILE.name) if (ROOT / path).is_file()}


def command_of(unit: str) -> list[str]:
    (line,) = re.findall(r"^ExecStart=(.*)$", (ROOT / "systemd" / unit).read_text(), re.MULTILINE)
    return str(line).split()


def lint(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(HADOLINT), "--no-color", str(path)], capture_output=True, text=True, timeout=120)


@needs_hadolint
def test_hadolint_has_nothing_to_say() -> None:
    done = lint(DOCKERFILE)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@needs_hadolint
@pytest.mark.parametrize(
    ("was", "becomes", "rule"),
    [
        ("    && rm -rf /var/lib/apt/lists/*\n", "", "DL3009"),
        ("--no-install-recommends ca-certificates curl", "ca-certificates curl", "DL3015"),
        ("WORKDIR /opt/kerbside", "WORKDIR kerbside", "DL3000"),
        ("USER 10001:10001", "USER root", "DL3002"),
        ('CMD ["edge", "--config", "/etc/kerbside/config.yaml"]', "CMD edge", "DL3025"),
        ("r36.4.0\n\nFROM ${BASE} AS build", "r36.4.0\n\nFROM nvcr.io/nvidia/l4t-jetpack:latest AS build", "DL3007"),
    ],
)
def test_hadolint_would_speak_up(tmp_path: Path, was: str, becomes: str, rule: str) -> None:
    text = DOCKERFILE.read_text()
    assert was in text
    path = tmp_path / "Dockerfile"
    path.write_text(text.replace(was, becomes))
    assert rule in lint(path).stdout


def test_what_is_copied_is_there_and_not_ignored() -> None:
    seen = context()
    for source, _ in copied():
        assert (ROOT / source).exists(), source
        assert any(path == source or path.startswith(f"{source}/") for path in seen), f".dockerignore hides {source}"


def test_docker_sees_no_more_than_is_copied() -> None:
    """No weights to train from, no runs, no keys, no history, and nothing that Python left."""
    sources = [source for source, _ in copied()]
    strange = [path for path in context() if not any(path == source or path.startswith(f"{source}/") for source in sources)]
    assert set(strange) <= {DOCKERFILE.name, ".dockerignore"}  # which Docker always sends
    assert not [path for path in context() if path.endswith((".safetensors", ".pyc")) or "__pycache__" in path]


def test_the_image_has_what_a_release_has() -> None:
    """But for the services, which are systemd's, and the papers; the config is mounted."""
    released = {str(path.relative_to(ROOT)) for path in contents.files(ROOT, "requirements/jetson.lock").values()}
    theirs = {path for path in released if path.startswith(("systemd/", "docs/", "var/")) or path in ("config.yaml", "README.md")}
    assert released - theirs - context() == set()


def test_files_lie_where_they_lay() -> None:
    """Under /opt/kerbside as in the project, so that modules and the models' relative paths are found."""
    assert set(instructions("WORKDIR")) == {"/opt/kerbside"}
    moved = [(source, target) for source, target in copied() if target != (f"{Path(source).parent}/" if target.endswith("/") else source)]
    assert moved == []


def test_the_image_starts_what_the_service_starts() -> None:
    entry, command = json.loads(instructions("ENTRYPOINT")[-1]), json.loads(instructions("CMD")[-1])
    assert entry + command == command_of("kerbside.service")


def test_who_it_runs_as_and_where_it_may_write() -> None:
    (line,) = [value for value in instructions("RUN") if "useradd" in value]
    home, uid = re.search(r"--home-dir (\S+)", line), re.search(r"--uid (\d+)", line)
    assert home and uid and int(uid[1]) > 999
    assert instructions("USER") == [f"{uid[1]}:{uid[1]}"]
    assert re.search(rf"^u kerbside .* {home[1]} ", (ROOT / "systemd/kerbside.sysusers").read_text(), re.MULTILINE)
    volumes = json.loads(instructions("VOLUME")[-1])
    assert volumes == [home[1], f"{home[1]}/engines"] and f"-m 0700 {' '.join(volumes)}" in line


def test_the_bases_are_named_with_their_versions_and_documented() -> None:
    text = DOCKERFILE.read_text()
    assert instructions("ARG") == [f"BASE={PUBLIC_BASES['JetPack 6']}"]
    assert all(re.match(r"\$\{BASE\}( AS \w+)?$", value) for value in instructions("FROM"))
    for name, base in PUBLIC_BASES.items():
        assert re.search(rf"^#   {name} +{re.escape(base)} ", text, re.MULTILINE)
        assert base in (ROOT / "docs/docker.md").read_text()


def test_no_opencv_from_the_index_and_hashes_for_all() -> None:
    (run,) = [value for value in instructions("RUN") if "pip install" in value]
    wheels, sources = (each.split("&&")[0] for each in run.split("pip install")[1:])
    assert all("--no-cache-dir" in each and "--require-hashes" in each for each in (wheels, sources))
    assert "--only-binary :all:" in wheels and "-r wheels.lock" in wheels
    assert "--no-binary :all:" in sources and "--no-build-isolation" in sources and "-r sources.lock" in sources
    assert not re.search(r"^opencv|^tensorrt", (ROOT / "requirements/jetson.lock").read_text(), re.MULTILINE)


def test_the_lock_is_split_into_wheels_and_what_is_compiled(tmp_path: Path) -> None:
    """By the very command of the image: pycuda alone is compiled, and with the setuptools that the wheels bring."""
    (run,) = [value for value in instructions("RUN") if "pip install" in value]
    (tmp_path / "requirements").mkdir()
    lock = (ROOT / "requirements/jetson.lock").read_text(encoding="utf-8")
    (tmp_path / "requirements/jetson.lock").write_text(lock, encoding="utf-8")
    subprocess.run(["sh", "-ec", run.split("&&")[0]], cwd=tmp_path, check=True, timeout=30)
    wheels, sources = ((tmp_path / f"{name}.lock").read_text(encoding="utf-8") for name in ("wheels", "sources"))
    assert re.findall(r"^([a-z0-9-]+)==", sources, re.MULTILINE) == ["pycuda"]
    assert "setuptools==" in wheels and "pycuda" not in wheels
    assert sorted((wheels + sources).splitlines()) == sorted(line for line in lock.splitlines() if not line.startswith("#"))


def test_what_runs_in_the_image_is_what_was_tested() -> None:
    """But for numpy, which must be the one that the system's OpenCV was compiled for, and pycuda with what it brings."""
    image, test = (
        set(re.findall(r"^[a-z0-9-]+==[^\s;]+", (ROOT / f"requirements/{name}.lock").read_text(), re.MULTILINE))
        for name in ("jetson", "test")
    )
    others = {pin.split("==")[0] for pin in image - test}
    assert others <= {"numpy", "pycuda", "pytools", "siphash24", "platformdirs", "mako"}


@pytest.fixture
def page(request: pytest.FixtureRequest) -> Iterator[Page]:
    """A health page that answers as the parameter says."""
    health: Health = (request.param, {})
    page = Page("127.0.0.1", 0, lambda: b"", lambda: health).start()
    until(page.opened.is_set, "the health page", 30)
    yield page
    page.close()


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl (apt-get install curl)")
@pytest.mark.parametrize(("page", "code"), [(True, 0), (False, 22)], indirect=["page"])
def test_the_health_check_believes_the_units_own_page(page: Page, code: int) -> None:
    command = json.loads(instructions("HEALTHCHECK")[-1].partition("CMD ")[2])
    assert command[-1] == f"http://{HealthConfig().host}:{HealthConfig().port}/healthz"
    there = command[-1].replace(str(HealthConfig().port), str(page.port))
    assert subprocess.run([*command[:-1], there], capture_output=True, timeout=60).returncode == code


def test_the_image_lacks_nothing_that_it_loads() -> None:
    """The daemon did not start in it: `edge` loaded the demo's broker, and amqtt is not for a Jetson."""
    absent = ("amqtt", "rich", "transitions", "psutil", "tritonclient", "onnx")
    assert not [name for name in absent if re.search(rf"^{name}==", (ROOT / "requirements/jetson.lock").read_text(), re.MULTILINE)]
    started = ("edge.__main__", "edge.web.view", "tools.build_engines.__main__", "tools.outbox", "tools.erase")
    hide = f"import importlib, sys\nfor name in {absent!r}: sys.modules[name] = None\n"
    code = f"{hide}for name in {started!r}: importlib.import_module(name)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
