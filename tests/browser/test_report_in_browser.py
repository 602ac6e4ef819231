"""The tutorial's page in a real Chromium that may ask nobody for anything."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.display.test_report import made_report

CHROMIUM = os.environ.get("RELIONLAB_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
WIDTHS = (1400, 700)
WRAPPED = """[...document.querySelectorAll('.ways pre')].filter(e => {
  const style = getComputedStyle(e), inner = e.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
  return inner > (e.textContent.trim().split('\\n').length + 0.5) * parseFloat(style.lineHeight);
}).length"""

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", WIDTHS)
def test_page_draws_itself_without_network_or_errors(tmp_path: Path, width: int):
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed (apt-get install chromium)")
    from relionlab.display.report import write_report

    path = write_report(made_report(), tmp_path / "index.html")
    wrong: list[str] = []
    asked: list[str] = []
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        page.wait_for_function("() => document.querySelectorAll('.charts .bk-Figure').length == 4")
        loaded = page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        wrapped = page.evaluate(WRAPPED) if width == max(WIDTHS) else 0
        cards = page.locator(".card").count()
        browser.close()
    assert wrong == []
    assert [address for address in asked if not address.startswith(("file:", "data:", "blob:"))] == []
    assert loaded
    assert overflow <= 0, "the page is wider than its window"
    assert wrapped == 0, "a command is broken, perhaps between its dashes"
    assert cards == 9
