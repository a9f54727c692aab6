"""`python -m tests.systemd.jail UNIT COMMAND…`: a command under a unit's SystemCallFilter= and CapabilityBoundingSet=.

What systemd does with the lines is done here with the same library (libseccomp) and systemd's own groups of system calls, so that a call
which the daemon needs and the unit forbids shows where no systemd runs.
"""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import sys
from pathlib import Path

ALLOW, REFUSE = 0x7FFF0000, 0x00050000  # seccomp(2): SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO
EPERM = 1
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
CAPABILITIES = ("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID")
"""By number: capabilities(7), the first of them. Our units keep no other."""


def allowed(unit: Path) -> set[str]:
    """The system calls that a unit's lines leave, in their order."""
    names = group("@default")
    for line in re.findall(r"^SystemCallFilter=(.*)$", unit.read_text(), re.MULTILINE):
        chosen = set().union(*(group(name) for name in line.lstrip("~").split()))
        names = names - chosen if line.startswith("~") else names | chosen
    return names


def group(name: str) -> set[str]:
    """A group with all the groups in it, as systemd has them; or a single call."""
    if not name.startswith("@"):
        return {name}
    said = subprocess.run(["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True, timeout=30).stdout
    lines = [line.strip() for line in said.splitlines()[1:]]
    return set().union(*(group(line) for line in lines if line and not line.startswith("#")))


def kept(unit: Path) -> set[int]:
    """The numbers of the capabilities that a unit keeps."""
    (names,) = re.findall(r"^CapabilityBoundingSet=(.*)$", unit.read_text(), re.MULTILINE)
    return {CAPABILITIES.index(name) for name in names.split()}


def confine(names: set[str], capabilities: set[int]) -> None:
    """From here on, this process and its children may call these alone; capabilities go with the next program that is executed."""
    libc, seccomp = ctypes.CDLL(None, use_errno=True), ctypes.CDLL("libseccomp.so.2")
    seccomp.seccomp_init.restype = ctypes.c_void_p
    rules = ctypes.c_void_p(seccomp.seccomp_init(REFUSE | EPERM))
    for name in names | {"execve"}:  # systemd has executed its command before; we have not
        number = seccomp.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:  # those of other processors are below
            seccomp.seccomp_rule_add(rules, ALLOW, number, 0)
    for capability in set(range(64)) - capabilities:
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or seccomp.seccomp_load(rules):
        raise OSError(ctypes.get_errno(), "the filter cannot be loaded")


if __name__ == "__main__":
    confine(allowed(Path(sys.argv[1])), kept(Path(sys.argv[1])))
    os.execv(sys.argv[2], sys.argv[2:])
