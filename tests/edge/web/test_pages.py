"""The page over HTTP: what is answered, to whom, and what a browser may do with it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from edge.audit import AuditError, verify
from edge.web.pages import ASSETS
from tests.edge.mqtt.certificates import Authority
from tests.edge.plates import plate_event
from tests.edge.waiting import until
from tests.edge.web.rig import Rig, frame, nothing_found

TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def rig(tmp_path: Path, root: Path) -> Iterator[Rig]:
    with Rig(tmp_path, root) as opened:
        yield opened


@pytest.fixture
def locked(tmp_path: Path, root: Path) -> Iterator[Rig]:
    (tmp_path / "token").write_text(TOKEN)
    with Rig(tmp_path, root, web="  token_file: token\n") as opened:
        yield opened


def test_the_page_and_its_parts_are_the_packages_own(rig: Rig) -> None:
    page = rig.ask("/")
    assert page.status == 200 and page.headers["Content-Type"] == "text/html; charset=utf-8"
    for name in ASSETS:
        assert rig.ask(f"/assets/{name}").status == 200
        assert b"://" not in rig.ask(f"/assets/{name}").body.replace(b"http://www.w3.org/2000/svg", b""), f"{name} asks somebody else"
    assert b"://" not in page.body and b"<style" not in page.body and b"style=" not in page.body and b"onclick" not in page.body
    for path in (
        "/assets/pages.py",
        "/assets/..%2fpages.py",
        "/assets/%2e%2e/access.py",
        "/etc/passwd",
        "/api/state/x",
        "/api/picture/gone",
    ):
        assert rig.ask(path).status == 404, path


@pytest.mark.parametrize("path", ["/", "/assets/page.js", "/api/state", "/nowhere", "/api/picture/gone"])
def test_every_answer_forbids_what_the_page_does_not_need(rig: Rig, path: str) -> None:
    headers = rig.ask(path).headers
    rules = dict(rule.strip().split(" ", 1) for rule in headers["Content-Security-Policy"].split(";"))
    assert rules["default-src"] == "'none'" and rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert "unsafe" not in headers["Content-Security-Policy"] and rules["frame-ancestors"] == "'none'"
    assert headers["X-Content-Type-Options"] == "nosniff" and headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer" and headers["Server"] == "kerbside"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:9109", 200),
        ("127.0.0.1", 200),
        ("[::1]:80", 200),
        ("unit.localhost", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
    ],
)
def test_a_name_that_somebody_else_points_here_is_refused(rig: Rig, host: str, status: int) -> None:
    """DNS rebinding: a page from evil.example may be answered by 127.0.0.1, and its browser says so."""
    assert rig.ask("/api/state", Host=host).status == status


@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Type": "text/plain"},
        {"Content_Type": "application/x-www-form-urlencoded"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_a_change_that_another_page_asks_for_is_refused(rig: Rig, headers: dict[str, str]) -> None:
    before = rig.path.read_text()
    assert rig.ask("/api/ground/road", {"version": "", "zones": [], "lines": [], "masks": []}, **headers).status == 403
    assert rig.ask("/logout", {}, **headers).status == 403
    assert rig.path.read_text() == before


def test_without_the_token_there_is_a_door_and_nothing_behind_it(locked: Rig) -> None:
    door = locked.ask("/")
    assert door.status == 401 and b'type="password"' in door.body and b"canvas" not in door.body
    for path in ("/api/state", "/api/picture/road", "/api/meter/road", "/api/ground/road"):
        assert locked.ask(path).status == 401, path
    assert locked.ask("/api/ground/road", {"version": ""}).status == 401
    assert locked.ask("/assets/page.css").status == 200
    assert locked.ask("/api/state", Host="unit.local").status == 401, "with a token, the unit may have any name"


def test_the_right_token_gives_a_cookie_that_no_script_and_no_other_site_gets(locked: Rig) -> None:
    answer = locked.ask("/login", {"token": TOKEN})
    assert answer.status == 204
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Path=/" in cookie and TOKEN not in cookie
    mine = {"Cookie": cookie.split(";")[0]}
    assert locked.ask("/api/state", **mine).status == 200 and b"canvas" in locked.ask("/", **mine).body
    assert locked.ask("/logout", {}, **mine).status == 204 and locked.ask("/api/state", **mine).status == 401
    assert locked.ask("/api/state", Authorization=f"Bearer {TOKEN}").json["page"]["token"] is True


def test_wrong_tokens_are_refused_counted_and_slowed(locked: Rig) -> None:
    for _ in range(5):
        assert locked.ask("/login", {"token": "guess"}).status == 403
    slowed = locked.ask("/login", {"token": TOKEN})
    assert slowed.status == 429 and 1 <= int(slowed.headers["Retry-After"]) <= 60
    assert locked.ask("/api/state", Authorization="Bearer guess").status == 429
    assert locked.view.access.refused == 7


def test_over_tls_the_cookie_stays_there(tmp_path: Path, root: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    cert_file, key_file = Authority(tmp_path / "authority").sign("unit")
    with Rig(tmp_path, root, web=f"  token_file: token\n  cert_file: {cert_file}\n  key_file: {key_file}\n") as rig:
        assert "Secure" in rig.ask("/login", {"token": TOKEN}).headers["Set-Cookie"]


def test_nonsense_is_answered_and_ends_nothing(rig: Rig) -> None:
    assert rig.ask("/login", b"{").status == 400 and rig.ask("/login", b"[1]").status == 400
    assert rig.ask("/api/ground/road", b"x" * 100_000).status == 413
    assert rig.ask("/api/state", method="DELETE").status == 405
    with socket.create_connection(("127.0.0.1", rig.view.server.port), timeout=30) as raw:
        raw.sendall(b"\x16\x03\x01nonsense\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.0 400")
    assert rig.ask("/api/state").status == 200


def test_the_state_tells_the_unit_and_its_reads(rig: Rig) -> None:
    rig.view.accepted("id-1", plate_event("51F73420", camera="road"))
    told = rig.ask("/api/state").json
    assert (told["device"], told["site"], told["privacy"], told["backlog"]) == ("unit-1", "North gate", "plain", 0)
    assert set(told["cameras"]) == {"road"} and told["page"] == {"edit": True, "token": False, "refused": 0}
    read = told["reads"][0]
    assert (read["plate"], read["score"], read["others"]) == ("51F-734.20", 0.93, [{"text": "51F73428", "score": 0.02}])
    assert read["chars"][0] == {"char": "5", "score": 0.99, "rival": "", "rival_score": 0.004}
    assert rig.ask("/api/meter/road").json == {
        "advice": "No plates in the last minutes: let a few vehicles pass.",
        "good": False,
        "vehicles": 0,
    }


def test_callers_are_so_many_and_a_silent_one_is_hung_up_on(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.web.server.IDLE_S", 0.5)
    address = ("127.0.0.1", rig.view.server.port)
    silent = [socket.create_connection(address, timeout=30) for _ in range(32)]
    try:
        until(lambda: rig.view.server.callers == 32, "all are held")
        with socket.create_connection(address, timeout=30) as late:
            assert late.recv(1) == b"", "one more is hung up on"
        for each in silent:
            assert each.recv(1) == b"", "and so is who asks for nothing"
    finally:
        for each in silent:
            each.close()
    assert until(lambda: rig.ask("/api/state").status == 200, "there is room again")


def test_a_port_that_is_taken_is_tried_again(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.web.server.AGAIN_S", 0.2)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        rig = Rig(tmp_path, root)
        rig.view.server.port = port
        rig.view.start()
        try:
            assert not rig.view.server.opened.wait(1)
            taken.close()
            assert rig.view.server.opened.wait(30) and rig.ask("/api/state").status == 200
        finally:
            rig.__exit__()


# zones, lines and masks


ZONE = {"name": "lane", "kind": "read", "polygon": [[0.1, 0.2], [0.9, 0.2], [0.9, 0.987654]]}
LINE = {"name": "stop", "from": [0.1, 0.5], "to": [0.9, 0.5]}
MASK = {"polygon": [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]}


def drawn(rig: Rig, **changes: object) -> dict[str, object]:
    return {"version": rig.ask("/api/ground/road").json["version"], "zones": [ZONE], "lines": [LINE], "masks": [MASK], **changes}


def test_what_is_drawn_is_in_the_config_in_force_and_in_the_audit_log(rig: Rig) -> None:
    assert {name: rig.ask("/api/ground/road").json[name] for name in ("zones", "lines", "masks")} == {"zones": [], "lines": [], "masks": []}
    before = rig.path.read_text()
    saved = rig.ask("/api/ground/road", drawn(rig))
    assert saved.status == 200 and saved.json["done"] == "in force: zones, lines, privacy"
    after = rig.path.read_text()
    assert "# none yet" in after and "# over the kerb" in after and len(after.splitlines()) == len(before.splitlines()) + 8
    data = yaml.safe_load(after)
    assert data["zones"] == [{"camera": "road", **ZONE, "polygon": [[0.1, 0.2], [0.9, 0.2], [0.9, 0.9877]]}]
    assert data["lines"] == [{"camera": "road", **LINE}] and data["privacy"]["masks"] == [{"camera": "road", **MASK}]
    assert rig.unit.loop.grounds["road"].zones[0].name == "lane" and rig.unit.loop.grounds["road"].lines[0].name == "stop"
    assert (rig.unit._masked(frame(200)).bgr[:, :150] == 0).all(), "the next frame is black there before anything looks at it"
    log = rig.folder / "audit.jsonl"
    entry = json.loads(log.read_text().splitlines()[-1])
    assert (entry["what"], entry["by"], entry["camera"]) == ("ground saved", "web 127.0.0.1", "road") and list(verify(log)) == []
    assert (entry["zones"], entry["lines"], entry["masks"]) == (1, 1, 1)
    again = rig.ask("/api/ground/road", drawn(rig, zones=[], lines=[], masks=[]))
    assert again.status == 200 and rig.unit.loop.grounds["road"].zones == ()


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"version": "old"}, 409, "somebody else has changed the ground"),
        ({"zones": [{**ZONE, "polygon": [[0, 0], [1, 1]]}]}, 422, "at least three corners"),
        ({"zones": [{**ZONE, "polygon": [[0, 0], [2, 0], [1, 1]]}]}, 422, "0 to 1"),
        ({"zones": [{**ZONE, "name": "a: b\n- c"}]}, 422, "expected at most 63 letters"),
        ({"zones": [ZONE, ZONE]}, 422, "expected a name of its own"),
        ({"zones": [{**ZONE, "camera": "gate"}]}, 422, "expected at most 64 of name, kind, polygon"),
        ({"zones": [{**ZONE, "polygon": [["0", None], {}, []]}]}, 422, "zones[0].polygon"),
        ({"zones": "all"}, 422, "zones is 'all'"),
        ({"masks": [MASK] * 65}, 422, "at most 64"),
        ({"lines": [{**LINE, "to": LINE["from"]}]}, 422, "expected another point"),
    ],
)
def test_what_is_not_good_changes_nothing(rig: Rig, change: dict[str, object], status: int, said: str) -> None:
    before = rig.path.read_text()
    answer = rig.ask("/api/ground/road", drawn(rig, **change))
    assert answer.status == status and said in answer.json["error"]
    assert rig.path.read_text() == before and rig.unit.loop.grounds["road"].zones == ()


def test_what_cannot_be_written_down_is_not_done(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*given: object, **more: object) -> None:
        raise AuditError("no space left")

    monkeypatch.setattr(rig.unit.audit, "note", full)
    before = rig.path.read_text()
    answer = rig.ask("/api/ground/road", drawn(rig))
    assert answer.status == 422 and "no space left" in answer.json["error"] and rig.path.read_text() == before


def test_another_cameras_ground_is_left_alone(tmp_path: Path, root: Path) -> None:
    lines = [
        "  - {camera: road, name: one, from: [0, 0], to: [1, 1]}  # first",
        "  - {camera: gate, name: one, from: [0, 0], to: [1, 1]}  # last",
    ]
    with Rig(
        tmp_path, root, more="\n".join(["lines:", *lines, ""]), cameras=f"  - {{id: gate, source: {root}/samples/street.mp4}}\n"
    ) as rig:
        moved = {"name": "one", "from": [0, 0], "to": [0.5, 1]}
        answer = rig.ask("/api/ground/road", drawn(rig, zones=[], masks=[], lines=[moved]))
        assert answer.status == 200, answer.json
        assert rig.path.read_text().endswith("\n".join(["lines:", lines[0].replace("[1, 1]", "[0.5, 1]"), lines[1], ""]))


def test_where_editing_is_off_nothing_is_saved(tmp_path: Path, root: Path) -> None:
    with Rig(tmp_path, root, web="  edit: false\n") as rig:
        assert rig.ask("/api/ground/road").status == 403
        assert rig.ask("/api/ground/road", {"version": "", "zones": [], "lines": [], "masks": []}).status == 403
        assert rig.ask("/api/state").json["page"]["edit"] is False


# pictures


def test_a_picture_is_made_only_for_who_watches(rig: Rig) -> None:
    for number in range(20):
        rig.view.saw(frame(number=number), nothing_found(), [])
    assert rig.view.studio.made == 0 and not rig.view.studio._slots, "nobody watched: nothing was kept, nothing encoded"
    assert rig.view.studio.newest("road") is None  # somebody asks
    rig.view.saw(frame(), nothing_found(), [])
    first = rig.ask("/api/picture/road?after=")
    assert first.status == 200 and first.headers["Content-Type"] == "image/jpeg" and first.body[:2] == b"\xff\xd8"
    assert first.headers["X-Picture"] == "1"


def test_a_program_without_its_page_does_not_load_the_library(root: Path) -> None:
    code = "import sys, edge.__main__, edge.config; print('aiohttp' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "False", done.stderr
