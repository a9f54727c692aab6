"""What a unit's service manager is asked: systemctl(1), every call with an end."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import Final

from edge.release import ReleaseError
from edge.release.layout import Layout

DAEMON: Final = "kerbside.service"
GUARD: Final = "kerbside-probation.service"
ENGINES: Final = "kerbside-engines@{}.service"
INSTALLER: Final = "kerbside-install@{}.service"
ASK_S: Final = 30.0
INSTALL_S: Final = 120.0
BUILD_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class DaemonState:
    """As systemd sees it. With Type=notify, active means that the daemon itself has said READY."""

    active: str  # active, activating, failed …
    pid: int
    restarts: int  # by systemd itself since somebody last started it


class Services:
    """Of one unit. Every call raises ReleaseError where the manager refuses or does not answer."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def state(self) -> DaemonState:
        said = _call(["systemctl", "show", DAEMON, "--property=ActiveState,MainPID,NRestarts"], ASK_S)
        lines = dict(line.partition("=")[::2] for line in said.splitlines() if "=" in line)
        return DaemonState(lines.get("ActiveState", ""), int(lines.get("MainPID") or 0), int(lines.get("NRestarts") or 0))

    def restart(self) -> None:
        """Returns at once; `state` tells what came of it."""
        _call(["systemctl", "restart", "--no-block", DAEMON], ASK_S)

    def watch(self) -> None:
        """Have the manager start who watches over a trial, where nobody does yet. It starts it with every boot, too."""
        _call(["systemctl", "start", "--no-block", GUARD], ASK_S)

    def build_engines(self, release: int) -> None:
        """In the oneshot unit. Returns when it has ended; at once on a machine without a GPU, where its conditions do not hold."""
        _call(["systemctl", "start", ENGINES.format(release)], BUILD_S)

    def install(self, release: int) -> None:
        """The release's unit files, user and folders, by this process: changes nothing that is already right."""
        root = [] if str(self._layout.root) == "/" else ["--root", str(self._layout.root)]
        _call([str(self._layout.release(release) / "systemd/install"), *root], INSTALL_S)

    def have_installed(self, release: int) -> None:
        """The same in the oneshot unit, for whoever may not change them. Returns when it has ended."""
        _call(["systemctl", "start", INSTALLER.format(release)], INSTALL_S)


def _call(command: list[str], timeout_s: float) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ReleaseError(f"{' '.join(command)}: {error}") from error
    if done.returncode:
        raise ReleaseError(f"{' '.join(command)}: ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-600:]}")
    return done.stdout
