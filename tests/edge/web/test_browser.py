"""The page in a real Chromium, on a running unit that reads the sample clip: what a person sees and does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.edge.waiting import until
from tests.edge.web.browser import CHROMIUM, PHONE, Browser, browsing
from tests.edge.web.rig import Rig

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="needs chromium: apt-get install chromium")
TOKEN = "0123456789abcdef0123456789abcdef"
PIXELS = """() => {
    const canvas = document.getElementById("picture");
    const bytes = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    return [...bytes].filter((_, i) => i % 997 === 0).join();
}"""
WIDE = "() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]"


@pytest.fixture
def rig(tmp_path: Path, root: Path) -> Iterator[Rig]:
    with running(Rig(tmp_path, root)) as opened:
        yield opened


class running:  # noqa: N801 - reads as a verb
    """A rig whose unit works, until the end of the block."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._thread = threading.Thread(target=rig.unit.run, daemon=True)

    def __enter__(self) -> Rig:
        self._rig.__enter__()
        self._rig.unit.start()
        self._thread.start()
        return self._rig

    def __exit__(self, *raised: object) -> None:
        self._rig.stop.set()
        self._thread.join(60)
        self._rig.__exit__(*raised)


def opened(browser: Browser, rig: Rig) -> None:
    """The page, as soon as it shows a picture."""
    browser.page.goto(rig.url)
    browser.until("document.getElementById('picture').width > 100")


def clicks(browser: Browser, *shares: tuple[float, float], touch: bool = False) -> None:
    """Click or tap on places of the picture."""
    browser.page.locator("#stage").scroll_into_view_if_needed()
    box = browser.page.locator("#overlay").bounding_box()
    assert box is not None
    for x, y in shares:
        at = (box["x"] + x * box["width"], box["y"] + y * box["height"])
        browser.page.touchscreen.tap(*at) if touch else browser.page.mouse.click(*at)


def test_a_person_watches_and_draws(rig: Rig) -> None:
    """The picture moves, reads come in, the meter advises; a zone drawn with the mouse is saved and obeyed; nobody else is asked."""
    with browsing() as browser:
        page = browser.page
        opened(browser, rig)
        first = page.evaluate(PIXELS)
        browser.until(f"({PIXELS})() !== {json.dumps(first)}")
        page.wait_for_selector("#rows li")
        browser.until("document.getElementById('advice').textContent.startsWith('Plates here are ')")
        assert page.inner_text("#device") == "unit-1" and "px (" in page.inner_text("#measures")
        assert page.locator("#stages tr").count() >= 5 and page.locator("#rows .plate b").count() >= 4
        assert page.inner_text("#health") == "all is well"
        assert page.locator("#save").is_hidden()

        page.click("text=Ignore zone")
        clicks(browser, (0.02, 0.02), (0.98, 0.02), (0.98, 0.98), (0.02, 0.98), (0.02, 0.02))  # nearly all of the picture
        page.fill("#shapes input", "everything")
        page.click("text=Line")
        clicks(browser, (0.1, 0.6), (0.9, 0.6))
        page.click("#save")
        browser.until("document.getElementById('hint').textContent.startsWith('Saved.')")

        data = yaml.safe_load(rig.path.read_text())
        zone, line = data["zones"][0], data["lines"][0]
        assert (zone["camera"], zone["name"], zone["kind"]) == ("road", "everything", "ignore") and len(zone["polygon"]) == 4
        assert zone["polygon"][2] == pytest.approx([0.98, 0.98], abs=0.01)
        assert line["name"] == "line-1" and line["from"] == pytest.approx([0.1, 0.6], abs=0.01)
        assert "# none yet" in rig.path.read_text(), "comments stay"
        assert json.loads((rig.folder / "audit.jsonl").read_text().splitlines()[-1])["what"] == "ground saved"

        until(lambda: rig.unit.loop.counts["ignored"] > 0, "plates are ignored")
        before = rig.unit.loop.counts.copy()
        until(lambda: rig.unit.loop.counts["frames"] > before["frames"] + 50, "a while")
        ignored, followed = (rig.unit.loop.counts[name] - before[name] for name in ("ignored", "plates"))
        assert ignored >= 20 and followed <= ignored / 10, "what is followed stands in the narrow rim that was left out"

        assert browser.hosts() == {f"127.0.0.1:{rig.view.server.port}"}, "no third party was asked for anything"
        assert browser.complaints == []


def test_a_shape_is_moved_renamed_removed_and_discarded(rig: Rig) -> None:
    with browsing() as browser:
        page = browser.page
        opened(browser, rig)
        page.click("text=Privacy mask")
        clicks(browser, (0.1, 0.1), (0.4, 0.1), (0.4, 0.4))
        page.click("#done")
        page.click("#save")
        browser.until("document.getElementById('hint').textContent.startsWith('Saved.')")
        browser.until(  # black in the picture itself, beside the corner's handle
            "(() => { const c = document.getElementById('picture');"
            " const [r, g, b] = c.getContext('2d').getImageData(c.width * 0.35, c.height * 0.15, 1, 1).data; return r + g + b < 40 })()"
        )
        box = page.locator("#overlay").bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 0.4 * box["height"])
        page.mouse.down()
        page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"], steps=5)
        page.mouse.up()
        page.click("#save")
        browser.until("document.getElementById('save').hidden")
        masks = until(
            lambda: (found := yaml.safe_load(rig.path.read_text())["privacy"]["masks"])[0]["polygon"][2][0] > 0.45 and found, "saved"
        )
        assert masks[0]["polygon"][2] == pytest.approx([0.5, 0.5], abs=0.02)

        page.click("#shapes >> text=Remove")
        page.click("#discard")
        page.wait_for_selector("#shapes li")
        page.click("#shapes >> text=Remove")
        page.click("#save")
        until(lambda: yaml.safe_load(rig.path.read_text())["privacy"]["masks"] == [], "the mask is gone")

        page.click("text=Read zone")
        clicks(browser, (0.1, 0.1), (0.2, 0.1), (0.2, 0.2))
        page.click("#done")
        page.fill("#shapes input", "a/b")
        page.click("#save")
        browser.until("document.getElementById('hint').className === 'bad'")
        assert "expected at most 63 letters" in page.inner_text("#hint") and browser.complaints == []


def test_on_a_phone_everything_fits_and_fingers_draw(rig: Rig) -> None:
    with browsing(**PHONE) as browser:
        page = browser.page
        opened(browser, rig)
        page.wait_for_selector("#rows li")
        wide, screen = page.evaluate(WIDE)
        assert wide <= screen, f"the page is {wide} px wide on a screen of {screen}"
        small = page.evaluate("() => [...document.querySelectorAll('button')].filter((b) => b.offsetHeight && b.offsetHeight < 36).length")
        assert small == 0, "a finger finds every button"
        page.tap("text=Read zone")
        clicks(browser, (0.2, 0.2), (0.8, 0.2), (0.8, 0.9), (0.2, 0.9), touch=True)
        page.tap("#done")
        page.tap("#save")
        browser.until("document.getElementById('hint').textContent.startsWith('Saved.')")
        polygon = yaml.safe_load(rig.path.read_text())["zones"][0]["polygon"]
        assert [round(side, 1) for corner in polygon for side in corner] == [0.2, 0.2, 0.8, 0.2, 0.8, 0.9, 0.2, 0.9]
        assert page.evaluate(WIDE)[0] <= screen and browser.complaints == []


def test_a_wrong_token_stays_outside_and_the_right_one_gets_in(tmp_path: Path, root: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    with running(Rig(tmp_path, root, web="  token_file: token\n")) as rig, browsing() as browser:
        page = browser.page
        page.goto(rig.url)
        page.fill("#token", "not-the-token-at-all")
        page.press("#token", "Enter")
        browser.until("document.getElementById('said').textContent === 'This is not the token.'")
        assert page.locator("canvas").count() == 0 and not any("/api/" in url for url in browser.requests)
        page.fill("#token", TOKEN)
        page.click("#enter")
        browser.until("document.getElementById('picture')?.width > 100")
        assert page.evaluate("document.cookie") == "", "no script sees the cookie"
        page.click("#leave")
        page.wait_for_selector("#token")
        assert browser.hosts() == {f"127.0.0.1:{rig.view.server.port}"} and browser.complaints == []
