"""What is compiled on a unit, against the CUDA that its JetPack brought: pycuda, which has no wheels, and the kernels of a release.

Everything that runs meanwhile is in the lock with its hash: the sources, and setuptools, which stands in the environment already. pip
would fetch whatever is newest otherwise (--no-build-isolation). Not yet run on a Jetson.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final

from edge.release.child import call

COMPILE_S: Final = 1800.0
DEFAULTS: Final = ".aksetup-defaults.py"
"""Where pycuda's setup.py looks at home for what it is told. cuRAND is not used, and its headers are a package of their own."""


def wheels(python: Path, lock: Path, out: Path, cuda: Path) -> None:
    """A wheel in `out` for each package of a lock, of its sources by pip's own index. Raises ReleaseError with what pip said."""
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input", "--no-deps", "--no-build-isolation"]
    pip = [str(python), "-m", "pip"]
    with tempfile.TemporaryDirectory(prefix="kerbside-compile-") as name:
        home = Path(name)
        (home / DEFAULTS).write_text("CUDA_ENABLE_CURAND = False\n", encoding="utf-8")
        fetched = ["download", *quiet, "--no-binary", ":all:", "--require-hashes", "--dest", str(home / "sources"), "-r", str(lock)]
        call([*pip, *fetched], "pip cannot fetch what is to be compiled", COMPILE_S, environment=_with(cuda))
        sources = sorted(map(str, (home / "sources").iterdir()))
        made = ["wheel", *quiet, "--no-index", "--wheel-dir", str(out), *sources]
        what = ", ".join(Path(path).name for path in sources)
        call([*pip, *made], f"{what} cannot be compiled", COMPILE_S, environment={**_with(cuda), "HOME": str(home)})


def kernels(release: Path, python: Path, cuda: Path) -> None:
    """The CUDA kernels of an unpacked release, into its own folder: a compiler of another CUDA may write what this driver cannot load."""
    call([str(python), "-m", "edge.cuda.build"], "the kernels cannot be compiled", COMPILE_S, release, _with(cuda))


def _with(cuda: Path) -> dict[str, str]:
    """This process's environment, with CUDA's compiler first."""
    path = f"{cuda / 'bin'}:{os.environ.get('PATH', os.defpath)}"
    return {**os.environ, "PATH": path, "CUDA_HOME": str(cuda), "PYTHONDONTWRITEBYTECODE": "1"}
