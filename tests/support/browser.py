"""A real browser for the tests, without a window: Chromium, driven through its own driver.

It is that of the machine. Everything in it that would speak to the network by itself is off.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium.common import WebDriverException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync --disable-dev-shm-usage --window-size=1100,900"
).split()


class NoBrowserError(Exception):
    """This machine has no browser that can be used; the text says why."""


class Browser:
    """One window, and what happened in it."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver

    def open(self, url: str, *, dark: bool = False, width: int = 1100) -> None:
        """Load the page anew, in a window of that width, for an eye that likes it dark or light."""
        self.command("Emulation.setEmulatedMedia", features=[_scheme(dark=dark)])
        screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self.command("Emulation.setDeviceMetricsOverride", **screen)
        self.messages()
        self.requests()
        self.driver.get(url)

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression, in the page."""
        return self.driver.execute_script(f"return ({script})")

    def messages(self) -> list[str]:
        """What the console has said since it was last asked."""
        return [entry["message"] for entry in self.driver.get_log("browser")]  # type: ignore[no-untyped-call]

    def requests(self) -> list[str]:
        """The addresses that were asked for since this was last asked."""
        entries = self.driver.get_log("performance")  # type: ignore[no-untyped-call]
        events = (json.loads(entry["message"])["message"] for entry in entries)
        return [
            event["params"]["request"]["url"]
            for event in events
            if event["method"] == "Network.requestWillBeSent"
        ]

    def command(self, name: str, **parameters: Any) -> Any:
        return self.driver.execute_cdp_cmd(name, parameters)


@contextmanager
def running_browser(folder: Path) -> Iterator[Browser]:
    """A browser with a profile of its own in the folder; raises NoBrowserError where none can be had."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        missing = "chromedriver" if program else "Chromium"
        raise NoBrowserError(f"no {missing} here; Debian has it: apt-get install chromium chromium-driver")
    options = ChromeOptions()
    options.binary_location = program
    for flag in (*FLAGS, f"--user-data-dir={folder}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    try:
        chrome = Chrome(options=options, service=Service(executable_path=driver))
    except WebDriverException as error:
        raise NoBrowserError(f"Chromium does not start: {str(error.msg).splitlines()[0]}") from None
    try:
        yield Browser(chrome)
    finally:
        chrome.quit()


def _scheme(*, dark: bool) -> dict[str, str]:
    return {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
