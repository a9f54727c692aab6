"""compose.jetson.yaml as Docker Compose reads it: the containers start what the services start, and may no more than they."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from edge.config import load
from tests.test_dockerfile import PUBLIC_BASES, command_of, instructions

ROOT = Path(__file__).parents[1]
COMPOSE = ROOT / "compose.jetson.yaml"
DOCKER_COMPOSE = Path(sys.executable).with_name("docker-compose")
UNITS = {"kerbside": "kerbside.service", "engines": "kerbside-engines.service"}

pytestmark = pytest.mark.skipif(not DOCKER_COMPOSE.exists(), reason="no docker-compose for this machine (its wheel: x86-64, Python 3.11)")


def called(path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """What Docker Compose makes of a file; it asks no daemon for that."""
    environment = {name: value for name, value in os.environ.items() if name not in ("BASE", "RENDER_GID", "VIDEO_GID", "MEMORY")}
    command = [str(DOCKER_COMPOSE), "--file", str(path), "--env-file", os.devnull, "config"]
    return subprocess.run(command, cwd=path.parent, capture_output=True, text=True, timeout=120, env={**environment, **variables})


def services(path: Path = COMPOSE, **variables: str) -> dict[str, Any]:
    done = called(path, **{"RENDER_GID": "110", **variables})
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return dict(yaml.safe_load(done.stdout)["services"])


def setting(unit: str, key: str) -> str:
    """Of a unit file, where it is set once."""
    (value,) = re.findall(rf"^{key}=(.*)$", (ROOT / "systemd" / UNITS[unit]).read_text(), re.MULTILINE)
    return str(value)


@pytest.mark.parametrize("name", UNITS)
def test_a_container_starts_what_its_service_starts(name: str) -> None:
    """The image's entry point, and its command or another one."""
    command = services()[name].get("command") or json.loads(instructions("CMD")[-1])
    assert json.loads(instructions("ENTRYPOINT")[-1]) + command == command_of(UNITS[name])


@pytest.mark.parametrize("name", UNITS)
def test_a_container_may_no_more_than_its_service(name: str) -> None:
    """Each line with the unit file's own words for it."""
    service = services()[name]
    assert setting(name, "NoNewPrivileges") == "yes" and service["security_opt"] == ["no-new-privileges:true"]
    assert setting(name, "CapabilityBoundingSet") == "" and service["cap_drop"] == ["ALL"] and "cap_add" not in service
    assert setting(name, "ProtectSystem") == "strict" and service["read_only"] is True
    assert setting(name, "PrivateTmp") == "yes" and [mount.partition(":")[0] for mount in service["tmpfs"]] == ["/tmp"]
    assert not {"privileged", "pid", "ipc", "userns_mode", "cap_add"} & set(service)


def test_limits_and_restarts_are_the_services() -> None:
    daemon, engines = services()["kerbside"], services()["engines"]
    assert daemon["restart"] == setting("kerbside", "Restart") == "always"
    assert daemon["stop_grace_period"] == f"{setting('kerbside', 'TimeoutStopSec')}s"
    assert daemon["pids_limit"] == int(setting("kerbside", "TasksMax"))
    assert daemon["ulimits"] == {"core": dict.fromkeys(("soft", "hard"), int(setting("kerbside", "LimitCORE")))}
    assert setting("engines", "Type") == "oneshot" and engines["restart"] == "no"
    assert setting("engines", "PrivateNetwork") == "yes" and engines["network_mode"] == "none"
    assert daemon["depends_on"]["engines"]["condition"] == "service_completed_successfully"


@pytest.mark.parametrize("name", UNITS)
def test_what_the_image_declares_is_mounted(name: str) -> None:
    mounts = {mount["target"]: mount for mount in services()[name]["volumes"]}
    for folder in json.loads(instructions("VOLUME")[-1]):
        assert mounts[folder]["type"] == "volume" and not mounts[folder].get("read_only")
    config = mounts[str(Path(command_of(UNITS[name])[-1]).parent)]
    assert config["type"] == "bind" and config["source"] == config["target"] and config["read_only"]
    assert services()[name]["environment"]["CREDENTIALS_DIRECTORY"].startswith(config["target"])


def test_nothing_is_made_on_the_machine_where_a_mount_is_missing() -> None:
    """Docker's short form makes a folder of what is not there: at /tmp/argus_socket it would be in nvargus-daemon's way."""
    mounts = [mount for service in services().values() for mount in service["volumes"] if mount["type"] == "bind"]
    assert mounts and all(mount["bind"]["create_host_path"] is False for mount in mounts)


def test_the_cameras_that_are_commented_out_are_good_yaml(tmp_path: Path) -> None:
    text = re.sub(r"^( *)# (devices:|  - /dev/|- \{type: bind, source: /tmp/argus)", r"\1\2", COMPOSE.read_text(), flags=re.MULTILINE)
    path = tmp_path / COMPOSE.name
    path.write_text(text)
    daemon = services(path)["kerbside"]
    assert [device["source"] for device in daemon["devices"]] == ["/dev/video0"]
    assert "/tmp/argus_socket" in [mount["target"] for mount in daemon["volumes"]]
    assert "devices" not in services()["kerbside"]


def test_the_group_that_owns_the_gpu_must_be_told() -> None:
    done = called(COMPOSE)
    assert done.returncode != 0 and "getent group render" in done.stderr
    assert services(VIDEO_GID="45", RENDER_GID="109")["kerbside"]["group_add"] == ["45", "109"]


def test_the_base_is_the_dockerfiles_unless_another_is_asked_for() -> None:
    assert "args" not in services()["kerbside"]["build"]
    base = PUBLIC_BASES["JetPack 7"]
    assert services(BASE=base)["kerbside"]["build"]["args"] == {"BASE": base}


def test_a_setting_that_compose_does_not_know_is_refused(tmp_path: Path) -> None:
    path = tmp_path / COMPOSE.name
    path.write_text(COMPOSE.read_text().replace("  read_only: true\n", "  readonly: true\n"))
    assert called(path, RENDER_GID="110").returncode != 0


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_the_installer_lays_the_config_alone_where_containers_find_it(tmp_path: Path) -> None:
    """No service, no user; and the paths in it are those of the image."""
    done = subprocess.run([ROOT / "systemd/install", "--root", tmp_path, "--config-only"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()] == ["etc/kerbside/config.yaml"]
    text = (tmp_path / "etc/kerbside/config.yaml").read_text()
    assert yaml.safe_load(text)["detector"]["model"] == f"{instructions('WORKDIR')[-1]}/models/detector.yaml"
    local = tmp_path / "local.yaml"
    local.write_text(text.replace("/opt/kerbside/models", str(ROOT / "models")))
    config, written = load(local), json.loads(instructions("VOLUME")[-1])
    assert str(config.outbox.path.parent) == written[0] and str(config.tensorrt.engines) == written[1]
