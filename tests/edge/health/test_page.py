"""The health page over a real socket: what it answers, and whom it does not wait for."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable, Iterator

import pytest

from edge.health.page import MOST_CALLERS, Page
from tests.edge.waiting import until

HOST = "127.0.0.1"


class Unit:
    good = True

    def health(self) -> tuple[bool, dict[str, str]]:
        return self.good, {"outbox": "stores events"}


@pytest.fixture
def unit() -> Unit:
    return Unit()


@pytest.fixture
def start() -> Iterator[Callable[[Unit, int], Page]]:
    pages: list[Page] = []

    def run(unit: Unit, port: int = 0) -> Page:
        pages.append(Page(HOST, port, lambda: b"kerbside_up_seconds 1.0\n", unit.health).start())
        return pages[-1]

    yield run
    for page in pages:
        page.close()
        page.close()
        assert not page._thread.is_alive()


def get(page: Page, path: str, method: str = "GET") -> tuple[int, str, bytes]:
    connection = http.client.HTTPConnection(HOST, page.port, timeout=10)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Content-Type") or "", answer.read()
    finally:
        connection.close()


def test_metrics_health_and_nothing_else(start: Callable[..., Page], unit: Unit) -> None:
    page = start(unit)
    assert page.opened.wait(10)
    assert get(page, "/metrics") == (200, "text/plain; version=0.0.4; charset=utf-8", b"kerbside_up_seconds 1.0\n")
    code, kind, body = get(page, "/healthz")
    assert (code, kind, json.loads(body)) == (200, "application/json", {"status": "ok", "outbox": "stores events"})
    unit.good = False
    code, _, body = get(page, "/healthz?verbose")
    assert code == 503 and json.loads(body)["status"] == "failing"
    assert get(page, "/../etc/passwd")[0] == 404 and get(page, "/metrics", "POST")[0] == 501


def test_callers_that_say_nothing_are_hung_up_on_and_keep_nobody_out_for_long(start: Callable[..., Page], unit: Unit) -> None:
    page = start(unit)
    assert page.opened.wait(10)
    silent = [socket.create_connection((HOST, page.port), 10) for _ in range(3 * MOST_CALLERS)]
    try:
        until(lambda: _answers(page), "an answer behind silent callers", 20)
    finally:
        for each in silent:
            each.close()


def test_a_port_that_is_taken_is_no_reason_to_stop(start: Callable[..., Page], unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.health.page.AGAIN_S", 0.05)
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        page = start(unit, taken.getsockname()[1])
        assert not page.opened.wait(0.3)
    assert page.opened.wait(10)
    assert _answers(page)


def _answers(page: Page) -> bool:
    try:
        return get(page, "/healthz")[0] == 200
    except (OSError, http.client.HTTPException):
        return False
