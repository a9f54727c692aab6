"""The unit files as systemd itself judges them, in a system below a folder, as the installer leaves it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from edge.config import load

ROOT = Path(__file__).parents[2]
UNITS = (
    "kerbside.service",
    "kerbside-engines.service",
    "kerbside-power.service",
    "kerbside-probation.service",
    "kerbside-engines@.service",
    "kerbside-install@.service",
)
OF_AN_INSTANCE = {unit: unit.replace("@", "@8") for unit in UNITS if "@" in unit}
OURS = Path("etc/systemd/system")
OF_PROGRAMS = ("kerbside-power.service", "kerbside-install@.service")
"""They start none of our modules."""
MOST_EXPOSURE = 2.0

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze (apt-get install systemd)")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="systemd-sysusers writes files that root alone may write")


def called(*command: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SYSTEMD_COLORS": "0", "PAGER": "cat", "LC_ALL": "C.UTF-8"}
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=60, env=environment)


def install(system: Path) -> subprocess.CompletedProcess[str]:
    done = called(ROOT / "systemd/install", "--root", system)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """A machine's files: systemd's own units, the project, and the programs that the units name."""
    shutil.copytree("/lib/systemd/system", tmp_path / "usr/lib/systemd/system", symlinks=True)
    pythons = [f"{folder}/.venv/bin/python" for folder in ("opt/kerbside", "opt/kerbside-store/good", "opt/kerbside-store/releases/8")]
    installer = "opt/kerbside-store/releases/8/systemd/install"
    for name in (*pythons, installer, "bin/kill", "usr/sbin/nvpmodel", "usr/bin/jetson_clocks"):
        program = tmp_path / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    return tmp_path


@needs_systemd
@needs_root
def test_systemd_has_nothing_to_say_about_the_units(system: Path) -> None:
    install(system)
    units = [OF_AN_INSTANCE.get(unit, unit) for unit in UNITS]
    done = called("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", f"--root={system}", *units)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@needs_systemd
@needs_root
def test_systemd_would_speak_up(system: Path) -> None:
    install(system)
    unit = system / OURS / UNITS[0]
    unit.write_text(unit.read_text().replace("WatchdogSec=10", "WatchdogSec=soon"))
    done = called("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", f"--root={system}", UNITS[0])
    assert "Failed to parse sec value, ignoring: soon" in done.stderr


@needs_systemd
@pytest.mark.parametrize("unit", UNITS)
def test_exposure_is_low(unit: str) -> None:
    done = called("systemd-analyze", "security", "--offline=true", "--no-pager", ROOT / "systemd" / unit)
    exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert exposure and float(exposure[1]) <= MOST_EXPOSURE, done.stdout + done.stderr


@pytest.mark.parametrize("unit", UNITS)
def test_what_hardening_is_left_out_is_explained_beside_it(unit: str) -> None:
    """Each of what systemd would like and a camera or CUDA forbids is named in a comment, or set."""
    text = (ROOT / "systemd" / unit).read_text()
    wished = {UNITS[0]: ("PrivateDevices", "ProcSubset", "PrivateUsers"), "kerbside-probation.service": ("PrivateUsers", "IPAddressDeny")}
    assert [name for name in ("MemoryDenyWriteExecute", *wished.get(unit, ())) if f"{name}=" not in text] == []
    assert text.count("Not checked on a Jetson") >= 1


@needs_systemd
@needs_root
def test_the_installer_may_run_again_and_keeps_what_is_the_operators(system: Path) -> None:
    assert install(system).stdout.endswith(f"\n{len(UNITS) + 3} changes\n")  # and a config, the user, folders; the project is there already
    config, secret = system / "etc/kerbside/config.yaml", system / "etc/kerbside/secrets/mqtt-password"
    config.write_text("device: {id: mine}\n")
    secret.write_text("c0rrecthorse")
    before = {path: path.stat().st_mtime_ns for path in system.rglob("*") if path.is_file() and not path.name.startswith(".")}
    assert install(system).stdout == "nothing to change\n"
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert secret.read_text() == "c0rrecthorse" and secret.stat().st_mode & 0o777 == 0o600


@needs_systemd
@needs_root
def test_the_installer_mends_a_unit_that_was_changed_and_makes_the_user(system: Path) -> None:
    install(system)
    unit = system / OURS / UNITS[0]
    unit.write_text("[Service]\n")
    assert install(system).stdout == f"installed /{OURS / UNITS[0]}\n1 changes\n"
    assert unit.read_text() == (ROOT / "systemd" / UNITS[0]).read_text()
    assert re.search(r"^kerbside:.*:/var/lib/kerbside:/usr/sbin/nologin$", (system / "etc/passwd").read_text(), re.MULTILINE)
    groups = (system / "etc/group").read_text()
    assert all(re.search(rf"^{name}:x:\d+:kerbside$", groups, re.MULTILINE) for name in ("video", "render"))
    wanted = system / OURS / "multi-user.target.wants"
    assert {path.name for path in wanted.iterdir()} == set(UNITS) - set(OF_AN_INSTANCE)


@needs_systemd
@needs_root
def test_the_installed_config_is_the_shipped_one_with_the_units_folders(system: Path) -> None:
    install(system)
    text = (system / "etc/kerbside/config.yaml").read_text()
    assert yaml.safe_load(text)["outbox"]["path"] == "/var/lib/kerbside/outbox.db"
    assert ": var/" not in text and ": models/" not in text
    local = system / "etc/kerbside/local.yaml"
    local.write_text(text.replace("/opt/kerbside/models", str(ROOT / "models")))
    config = load(local)
    assert config.outbox.path.is_relative_to("/var/lib/kerbside") and config.audit.path.is_relative_to("/var/lib/kerbside")


def test_the_installer_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    done = called(ROOT / "systemd/install", "--rot", tmp_path)
    assert done.returncode == 1 and "there is no option --rot" in done.stderr
    done = called(ROOT / "systemd/install", "--root", tmp_path)
    assert done.returncode == 1 and "copy the project to it first" in done.stderr


def test_secrets_that_the_service_loads_are_made_empty_by_tmpfiles() -> None:
    """LoadCredential= of a file that is not there would keep the unit from starting."""
    loaded = re.findall(r"^LoadCredential=(\S+):(\S+)$", (ROOT / "systemd/kerbside.service").read_text(), re.MULTILINE)
    made = re.findall(r"^f (\S+) +0600 root root", (ROOT / "systemd/kerbside.tmpfiles").read_text(), re.MULTILINE)
    assert len(loaded) >= 3 and {path for _, path in loaded} == set(made)
    assert all(Path(path).name == name for name, path in loaded)


@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit not in OF_PROGRAMS])
def test_what_a_unit_starts_is_there_with_its_options(unit: str) -> None:
    (line,) = re.findall(r"^ExecStart=/opt/kerbside\S*/\.venv/bin/python (-m .*)$", (ROOT / "systemd" / unit).read_text(), re.MULTILINE)
    _, module, *options = line.split()
    done = subprocess.run([sys.executable, "-m", module, "--help"], cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert [option for option in options if option.startswith("--") and option not in done.stdout] == []


@pytest.mark.parametrize("unit", ["kerbside-engines.service", "kerbside-engines@.service"])
def test_engines_are_built_without_the_secrets_that_the_config_names(unit: str, tmp_path: Path) -> None:
    """The unit's own command, with nothing in its environment: it comes as far as TensorRT, which a machine without a GPU does not have."""
    text = (ROOT / "systemd" / unit).read_text()
    assert "LoadCredential" not in re.sub(r"^#.*$", "", text, flags=re.MULTILINE)
    fields = yaml.safe_load((ROOT / "config.yaml").read_text())
    fields["cameras"] = [{"id": "road", "source": "rtsp://viewer:${CAMERA_PASSWORD}@192.0.2.10/stream1"}]
    fields["mqtt"] |= {"user": "unit", "password_file": "${CREDENTIALS_DIRECTORY}/mqtt-password"}
    for stage in ("detector", "corners", "enhancer", "reader"):
        fields[stage]["model"] = str(ROOT / fields[stage]["model"])
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(fields))
    (command,) = re.findall(r"^ExecStart=\S+/python (.*)$", text, re.MULTILINE)
    words = command.replace("/etc/kerbside/config.yaml", str(config)).split()
    code = "import runpy, sys; sys.modules['tensorrt'] = None; del sys.argv[1:3]; runpy.run_module('tools.build_engines', None, '__main__')"
    done = subprocess.run([sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, text=True, timeout=100, env={})
    assert done.returncode == 1 and done.stderr.startswith("TensorRT cannot be imported"), done.stderr
