"""Nothing is unpacked that was not signed, whatever comes in the archive."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path

import pytest

from edge.release import RefusedError, archive, manifest
from tests.edge.release import units


def unpacked(path: Path, folder: Path) -> list[str]:
    folder.mkdir(exist_ok=True)
    with archive.opened(path) as opened:
        opened.unpack(manifest.parse(opened.manifest), folder)
    return sorted(str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file())


def rewritten(path: Path, out: Path, change: dict[str, bytes | tarfile.TarInfo | None], more: list[tarfile.TarInfo] | None = None) -> Path:
    """The archive with members changed, left out (None) or of another kind."""
    with tarfile.open(path) as old, tarfile.open(out, "w:gz") as new:
        for member in old:
            content = old.extractfile(member)
            wanted = change.get(member.name, content.read() if content else b"")
            if isinstance(wanted, tarfile.TarInfo):
                new.addfile(wanted)
            elif wanted is not None:
                member.size = len(wanted)
                new.addfile(member, io.BytesIO(wanted))
        for member in more or []:
            new.addfile(member, io.BytesIO(b"x" * member.size))
    return out


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return units.bundle(tmp_path, 3, units.key(tmp_path))


def named(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    return member


def test_a_good_one_comes_out_as_it_went_in(bundle: Path, tmp_path: Path) -> None:
    wanted = units.files()
    assert unpacked(bundle, tmp_path / "out") == sorted([*wanted, "manifest.json", "manifest.sig"])
    assert all((tmp_path / "out" / path).read_bytes() == content for path, content in wanted.items())
    assert (tmp_path / "out/systemd/install").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "out/config.yaml").stat().st_mode & 0o777 == 0o644


def test_cut_off_anywhere_it_is_refused(bundle: Path, tmp_path: Path) -> None:
    data = bundle.read_bytes()
    for number, size in enumerate(range(0, len(data) - 8, 61)):  # the last 8 bytes are gzip's own sums
        short = tmp_path / "short.tar.gz"
        short.write_bytes(data[:size])
        with pytest.raises(RefusedError):
            unpacked(short, tmp_path / f"cut-{number}")


def test_a_flipped_bit_never_comes_out(bundle: Path, tmp_path: Path) -> None:
    """Either it is refused, or what is unpacked is what was signed: a bit of tar's own, or of gzip's sums, changes no file."""
    plain, flipped = gzip.decompress(bundle.read_bytes()), 0
    for at in range(0, len(plain), 97):
        data = bytearray(plain)
        data[at] ^= 1 << at % 8
        path, out = tmp_path / "flipped.tar.gz", tmp_path / f"flip-{at}"
        path.write_bytes(gzip.compress(bytes(data), 1))
        try:
            with archive.opened(path) as opened:
                signed = manifest.parse(opened.manifest)
                out.mkdir()
                opened.unpack(signed, out)
                assert archive.differing(signed, out) == []
        except RefusedError:
            flipped += 1
    assert flipped > 20


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"manifest.sig": None}, "not signed"),
        ({"manifest.json": None}, "no bundle"),
        ({"config.yaml": b"health: {port: 1}\n"}, "is not what was signed"),
        ({"config.yaml": b"health: {port: 0}\n" * 9}, "is not what was signed"),
        ({"config.yaml": None}, "lacks 1 files"),
        ({"config.yaml": named("config.yaml", tarfile.SYMTYPE, "/etc/passwd")}, "does not name"),
        ({"config.yaml": named("config.yaml", tarfile.LNKTYPE, "manifest.json")}, "does not name"),
    ],
)
def test_what_differs_from_the_manifest_is_refused(bundle: Path, tmp_path: Path, change: dict, said: str) -> None:
    with pytest.raises(RefusedError, match=said):
        unpacked(rewritten(bundle, tmp_path / "changed.tar.gz", change), tmp_path / "out")


@pytest.mark.parametrize("name", ["../evil.py", "/tmp/evil.py", "evil.py", "edge/../../evil.py", "config.yaml"])
def test_what_the_manifest_does_not_name_is_refused(bundle: Path, tmp_path: Path, name: str) -> None:
    path = rewritten(bundle, tmp_path / "more.tar.gz", {}, [named(name)])
    with pytest.raises(RefusedError, match="does not name"):
        unpacked(path, tmp_path / "deep/out" if (tmp_path / "deep").mkdir() is None else tmp_path)
    assert not list(tmp_path.rglob("evil.py")) and not Path("/tmp/evil.py").exists()


@pytest.mark.parametrize(
    "path", ["../a.py", "/a.py", "a/../../b.py", ".venv/a.py", "a//b.py", "manifest.json", "a\\b.py", "", "a/.hidden.py"]
)
def test_a_manifest_with_a_path_out_of_the_release_is_refused(path: str) -> None:
    entry = {"sha256": "0", "size": 1, "executable": False}
    fields = {"schema": manifest.SCHEMA, **units.about(1), "files": {path: entry, "requirements/unit.lock": entry}}
    with pytest.raises(RefusedError, match=r"no path within a release|of a kind"):
        manifest.parse(json.dumps(fields).encode())


@pytest.mark.parametrize("path", ["models/reader.pt", "models/reader.pkl", "a.pth", "a.npy", "a.so", "a.sh", "binary"])
def test_no_release_holds_a_pickle_or_a_program(path: str) -> None:
    entry = {"sha256": "0", "size": 1, "executable": False}
    fields = {"schema": manifest.SCHEMA, **units.about(1), "files": {path: entry, "requirements/unit.lock": entry}}
    with pytest.raises(RefusedError, match="of a kind that no release holds"):
        manifest.parse(json.dumps(fields).encode())


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"schema": "kerbside.bundle/2"}', b"\xff"])
def test_what_is_no_manifest_is_refused(data: bytes) -> None:
    with pytest.raises(RefusedError):
        manifest.parse(data)
