"""Debian's Chromium, headless, driven by Playwright; every request that a page makes is kept."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Error, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or ""
PATIENCE_MS = 60_000
DESKTOP = {"viewport": {"width": 1280, "height": 860}}
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}


@dataclass(slots=True)
class Browser:
    """One page and what it did."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)  # errors of scripts, and what the content security policy blocked

    def until(self, expression: str) -> None:
        """Wait until a condition holds in the page. Playwright's own wait evaluates text there, which the page's policy forbids."""
        end_s = time.monotonic() + PATIENCE_MS / 1000
        while not self._holds(expression):
            assert time.monotonic() < end_s, f"not within {PATIENCE_MS / 1000:g} s: {expression}"
            self.page.wait_for_timeout(100)

    def _holds(self, expression: str) -> bool:
        """Asked while another page is on its way, the answer goes down with the old one: not yet."""
        try:
            return bool(self.page.evaluate(expression))
        except Error as error:
            if "context was destroyed" not in str(error):
                raise
            return False

    def hosts(self) -> set[str]:
        return {urlsplit(url).netloc for url in self.requests}


@contextmanager
def browsing(**device: Any) -> Iterator[Browser]:
    """A fresh page of a fresh profile; `device` as Playwright's contexts take it."""
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )  # root, in a container
        try:
            page = chromium.new_context(ignore_https_errors=True, **(device or DESKTOP)).new_page()
            page.set_default_timeout(PATIENCE_MS)
            browser = Browser(page)
            page.on("request", lambda request: browser.requests.append(request.url))
            page.on("pageerror", lambda error: browser.complaints.append(str(error)))
            page.on("console", lambda said: browser.complaints.append(said.text) if "Content Security Policy" in said.text else None)
            yield browser
        finally:
            chromium.close()
