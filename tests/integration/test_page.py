"""The report's page in a real browser: it renders, keeps quiet, asks for nothing, and can be read."""

from __future__ import annotations

import base64
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from etl.report.figures import Ranking
from etl.report.page import render_page
from etl.report.running import UnderWay, derive_running
from etl.service.site import HEADERS, HTML

from support.browser import Browser, NoBrowserError, running_browser
from support.summaries import ACCOUNTS, EMPTY, EVIL, NOW, SUMMARY, campaign, event, health

LONG = "x" * 5000
FULL = replace(
    SUMMARY,
    accounts=ACCOUNTS,
    ranking=Ranking(least_calls=1, ranked=9, best=(campaign(EVIL), campaign(LONG)), worst=(campaign(LONG),)),
    under_way=UnderWay(count=2, shown=tuple(derive_running(campaign(name), NOW) for name in (EVIL, LONG))),
    changes=replace(SUMMARY.changes, events=(event(EVIL), event(LONG, before=LONG, after=LONG))),
)
SUMMARIES = {"full": FULL, "empty": EMPTY, "stale": replace(EMPTY, accounts=(health(LONG, None),))}
WIDTHS = (320, 390, 768, 1100, 1920)

# The least contrast of any text with what is behind it, and that text; as WCAG 2 counts it.
CONTRAST = """(() => {
  const parts = color => {
    const [r, g, b, a = 1] = color.match(/[\\d.]+/g).map(Number);
    return {r, g, b, a};
  };
  const light = ({r, g, b}) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = element => {
    for (let each = element; each; each = each.parentElement) {
      const color = parts(getComputedStyle(each).backgroundColor);
      if (color.a > 0) return color;
    }
    return {r: 255, g: 255, b: 255};
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.checkVisibility()) continue;
    if (['title', 'desc'].includes(element.tagName)) continue;
    const style = getComputedStyle(element);
    const ink = light(parts(element.closest('svg') ? style.fill : style.color));
    const paper = light(behind(element));
    found.push([(Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05), element.textContent.trim()]);
  }
  return found.sort((a, b) => a[0] - b[0])[0];
})()"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium; without one its tests are skipped, but on CI they fail."""
    try:
        with running_browser(tmp_path_factory.mktemp("profile")) as browser:
            yield browser
    except NoBrowserError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The address of each page, as a file."""
    folder = tmp_path_factory.mktemp("pages")
    for name, summary in SUMMARIES.items():
        (folder / f"{name}.html").write_bytes(render_page(summary).encode())
    return {name: (folder / f"{name}.html").as_uri() for name in SUMMARIES}


@contextmanager
def served(page: str) -> Iterator[tuple[str, list[str]]]:
    """The page as the service serves it, at an address of this machine, and the paths that are asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", HTML)
            for name, value in HEADERS:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.slow
@pytest.mark.parametrize("name", SUMMARIES)
def test_a_page_renders_without_a_word_on_the_console_and_asks_for_nothing(
    browser: Browser, pages: dict[str, str], name: str
) -> None:
    browser.open(pages[name])
    assert browser.run("document.querySelector('h1').innerText") == "Campaign report"
    assert browser.messages() == []
    assert [url for url in browser.requests() if not url.startswith("data:")] == [pages[name]]


@pytest.mark.slow
def test_a_served_page_is_styled_and_is_the_only_thing_that_is_asked_for(browser: Browser) -> None:
    with served(render_page(FULL)) as (url, asked):
        browser.open(url)
        assert browser.messages() == []
        assert browser.run("getComputedStyle(document.querySelector('.key dd')).fontWeight") == "600"
        browser.open("about:blank")
    assert asked == ["/"]


@pytest.mark.slow
def test_a_name_that_is_a_script_is_shown_and_not_run(browser: Browser, pages: dict[str, str]) -> None:
    browser.open(pages["full"])
    assert browser.run("document.scripts.length") == 0
    assert EVIL in browser.run("document.body.innerText")


@pytest.mark.slow
def test_what_slipped_through_the_escaping_would_still_not_run(browser: Browser, tmp_path: Path) -> None:
    page = render_page(EMPTY).replace("</main>", "<script>document.title = 'run'</script></main>")
    (tmp_path / "slipped.html").write_bytes(page.encode())
    browser.open((tmp_path / "slipped.html").as_uri())
    assert browser.run("document.title") == "Campaign report"
    assert "Content Security Policy" in browser.messages()[0]


@pytest.mark.slow
@pytest.mark.parametrize("width", WIDTHS)
def test_a_page_never_scrolls_sideways(browser: Browser, pages: dict[str, str], width: int) -> None:
    for url in pages.values():
        browser.open(url, width=width)
        assert browser.run("document.documentElement.scrollWidth") <= width


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1100])
def test_one_chart_is_shown_the_one_that_fits(browser: Browser, pages: dict[str, str], width: int) -> None:
    browser.open(pages["full"], width=width)
    shown = "[...document.querySelectorAll('svg[role=img]')].filter(chart => chart.checkVisibility())"
    assert browser.run(f"{shown}.length") == 1
    size = "parseFloat(getComputedStyle(text).fontSize) * text.getCTM().a"
    assert browser.run(f"Math.min(...[...{shown}[0].querySelectorAll('text')].map(text => {size}))") >= 11


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_text_stands_out_from_what_is_behind_it(
    browser: Browser, pages: dict[str, str], *, dark: bool
) -> None:
    for url in pages.values():
        browser.open(url, dark=dark)
        contrast, text = browser.run(CONTRAST)
        assert contrast >= 4.5, text
    background = browser.run("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(20, 24, 28)" if dark else "rgb(255, 255, 255)")


@pytest.mark.slow
def test_the_keyboard_reaches_what_can_be_opened(browser: Browser, pages: dict[str, str]) -> None:
    browser.open(pages["full"], width=390)
    focused = "document.activeElement"
    seen = []
    for _ in range(8):
        browser.command("Input.dispatchKeyEvent", type="keyDown", key="Tab", windowsVirtualKeyCode=9)
        seen.append(browser.run(f"{focused}.className || {focused}.tagName"))
        if seen[-1] == "SUMMARY":
            break
    assert seen == ["skip", "SUMMARY"]
    browser.command("Input.dispatchKeyEvent", type="char", text="\r", key="Enter", windowsVirtualKeyCode=13)
    assert browser.run("document.querySelector('details').open") is True


@pytest.mark.slow
def test_a_screen_reader_is_told_what_a_chart_shows(browser: Browser, pages: dict[str, str]) -> None:
    browser.open(pages["full"])
    nodes = browser.command("Accessibility.getFullAXTree")["nodes"]
    named = {
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node["ignored"]
    }
    assert ("main", "") in named
    assert {name for role, name in named if role == "region"} >= {"Mind", "Success over time", "By status"}
    [chart] = [name for role, name in named if role == "image"]
    assert chart.startswith("Success rate by day of creation, 1 Mar 2026 to 3 Mar 2026")


@pytest.mark.slow
def test_the_page_can_be_printed(browser: Browser, pages: dict[str, str]) -> None:
    browser.open(pages["full"], dark=True)
    printed = base64.b64decode(browser.command("Page.printToPDF", printBackground=True)["data"])
    assert printed.startswith(b"%PDF")
    browser.command("Emulation.setEmulatedMedia", media="print")
    assert browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    browser.command("Emulation.setEmulatedMedia", media="")
