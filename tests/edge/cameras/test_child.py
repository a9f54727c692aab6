from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge.cameras.child import Child, Command, EndedError, SilentError, StoppedError, complaint_from_stderr
from tests.edge.cameras.consumer import wait_until

ROOT = Path(__file__).parents[3]
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(300)"


def python(code: str) -> Command:
    return Command((sys.executable, "-c", code))


def read(child: Child, count: int, within_s: float = 60.0) -> bytes:
    data = bytearray(count)
    child.read(memoryview(data), time.monotonic() + within_s, lambda: False)
    return bytes(data)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_reads_over_more_than_the_pipe_holds_and_tells_the_end() -> None:
    child = Child(python("import sys; sys.stdout.buffer.write(bytes(range(256)) * 20000); sys.stderr.write('bad luck'); sys.exit(3)"))
    assert read(child, 256 * 20000) == bytes(range(256)) * 20000
    with pytest.raises(EndedError):
        read(child, 1)
    assert child.fate() == "bad luck (exit code 3)"
    child.release()


def test_silence_and_a_stop_end_a_read() -> None:
    child = Child(python(DEAF))
    assert read(child, 3) == b"up\n"
    with pytest.raises(SilentError):
        child.read(memoryview(bytearray(1)), time.monotonic() + 0.2, lambda: False)
    with pytest.raises(StoppedError):
        child.read(memoryview(bytearray(1)), time.monotonic() + 60, lambda: True)
    child.release()


def test_a_child_that_ignores_sigterm_is_killed_with_its_own_children() -> None:
    start = f"subprocess.Popen([sys.executable, '-c', {DEAF!r}], stdout=subprocess.DEVNULL)"
    code = f"import subprocess, sys; p = {start}; print(p.pid, flush=True); p.wait()"
    child = Child(python(code))
    data = bytearray()
    while not data.endswith(b"\n"):
        data += read(child, 1)
    grandchild = int(data)
    child.kill()
    child.kill()
    wait_until(lambda: not alive(child.pid) and not alive(grandchild), what="their death")
    child.release()


def test_a_child_dies_with_its_parent() -> None:
    """Killed with -9, the daemon cannot clean up: a capture left behind would hold the camera against the next one."""
    code = f"""
import time
from edge.cameras.child import Child, Command
import sys
child = Child(Command((sys.executable, "-c", {DEAF!r})))
data = bytearray(3)
child.read(memoryview(data), time.monotonic() + 60, lambda: False)
print(child.pid, flush=True)
time.sleep(300)
"""
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert alive(pid)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait(30)
    parent.stdout.close()
    wait_until(lambda: not alive(pid), what="the child's death")


def test_endless_complaints_neither_block_nor_fill_memory() -> None:
    code = "import sys\nfor i in range(20000): sys.stderr.write(f'line {i} of noise\\n')\nprint('done', flush=True)"
    child = Child(python(code))
    assert read(child, 5) == b"done\n"
    assert "line 4" in child.fate()
    assert len(child._stderr) <= 8192
    child.release()


def test_a_missing_program_is_told_with_its_exit_code() -> None:
    child = Child(Command(("no-such-program-at-all",)))
    with pytest.raises(EndedError):
        read(child, 1)
    assert "no-such-program-at-all" in child.fate() or "No such file" in child.fate()
    child.release()


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("", ""),
        (
            "ERROR: from element /GstPipeline:pipeline0/GstRTSPSrc:rtspsrc0: Unauthorized\nAdditional debug info:\n"
            "../gst/rtsp/gstrtspsrc.c(6795): gst_rtspsrc_send (): /GstPipeline:pipeline0/GstRTSPSrc:rtspsrc0:\nUnauthorized (401)\n"
            "ERROR: pipeline doesn't want to preroll.\n",
            "Unauthorized (401)",
        ),
        ('WARNING: erroneous pipeline: no element "nvvidconv"\n', 'no element "nvvidconv"'),
        (
            "[rtsp @ 0x55e10abd86c0] method DESCRIBE failed: 401 (Unauthorized)\nrtsp://h/x: nobody answers\n",
            "[rtsp] method DESCRIBE failed: 401 (Unauthorized); rtsp://h/x: nobody answers",
        ),
    ],
)
def test_a_complaint_in_a_line(said: str, line: str) -> None:
    assert complaint_from_stderr(said) == line
