"""Debian's Chromium, driven through its own ChromeDriver, and the few gestures that the tests of the pages need."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

ARTIFACTS = Path(__file__).parent / "artifacts"
WAIT_SECONDS = 15.0
# The last four keep a browser without a network from looking up its maker's hosts at every start.
SWITCHES = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
RECORD = """
  window.heard = [];
  document.addEventListener('DOMContentLoaded', () => {
    const region = document.getElementById('announcements');
    const listen = () => { if (region.textContent) window.heard.push(region.textContent); };
    if (region) new MutationObserver(listen).observe(region, {childList: true, characterData: true, subtree: true});
  });
"""
AXE = "const done = arguments[0]; axe.run().then(done);"


def required_programs() -> tuple[str, str]:
    """Chromium and ChromeDriver; skips where one is missing."""
    found = shutil.which("chromium"), shutil.which("chromedriver")
    if not all(found):
        pytest.skip("there is no chromium with chromedriver; .ci/services up installs them where it may")
    return str(found[0]), str(found[1])


class Browser:
    """One browser window on one page at a time."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(self, url: str) -> None:
        """Load a page and wait for its script."""
        self.driver.get(url)
        self.script_runs()

    def reload(self) -> None:
        self.driver.refresh()
        self.script_runs()

    def script_runs(self) -> None:
        self.until(lambda: not self.run("return document.documentElement.classList.contains('no-script')"))

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def cdp(self, command: str, **parameters: Any) -> Any:
        return self.driver.execute_cdp_cmd(command, parameters)

    def until(self, condition: Callable[[], Any], *, seconds: float = WAIT_SECONDS, what: str = "") -> Any:
        """Ask again until the answer is true; returns it."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                if answer := condition():
                    return answer
            except StaleElementReferenceException:
                pass  # drawn anew between two questions
            assert time.monotonic() < deadline, f"still not after {seconds} s: {what or self.state()}"
            time.sleep(0.05)

    def state(self) -> str:
        """What a failing test should show of the page."""
        text = str(self.run("return document.querySelector('main').innerText"))
        return " ".join(text.split())[:1500] + " | heard: " + self.heard()

    def find(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        return str(self.run("return document.querySelector(arguments[0])?.textContent ?? ''", selector))

    def texts(self, selector: str) -> list[str]:
        return list(self.run("return [...document.querySelectorAll(arguments[0])].map(e => e.textContent)", selector))

    def button(self, name: str) -> WebElement:
        """The button with exactly this accessible name."""
        script = "return [...document.querySelectorAll('button')].find(b => b.textContent.trim() === arguments[0])"
        return self.until(lambda: self.run(script, name), what=f"no button {name!r}")

    def press(self, name: str) -> None:
        """Click a button by its name."""
        button = self.button(name)
        self.run("arguments[0].scrollIntoView({block: 'center'})", button)
        button.click()

    def drop(self, paths: Sequence[Path]) -> None:
        """Drop files and folders from the desktop onto the drop zone, as the window system does it."""
        script = "const r = arguments[0].getBoundingClientRect(); return [r.x + r.width / 2, r.y + 20]"
        x, y = self.run(script, self.find("#upload"))
        data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
        for step in ("dragEnter", "dragOver", "drop"):
            self.cdp("Input.dispatchDragEvent", type=step, x=x, y=y, data=data)

    def keys(self, *keys: str) -> None:
        """Press keys where the focus is."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def focused(self) -> str:
        """The accessible name of what has the focus, or its id."""
        script = "const a = document.activeElement; return (a.tagName === 'BUTTON' && a.textContent.trim()) || a.id"
        return str(self.run(script))

    def heard(self) -> str:
        """All that was announced since the page was opened, in one line."""
        return " | ".join(self.run("return window.heard ?? []"))

    def heard_once(self, sentence: str) -> bool:
        return self.heard().count(sentence) == 1

    @contextmanager
    def upload_rate(self, bytes_per_second: int) -> Iterator[None]:
        """A slow line."""
        conditions = {"offline": False, "latency": 5, "downloadThroughput": -1}
        self.cdp("Network.enable")
        self.cdp("Network.emulateNetworkConditions", **conditions, uploadThroughput=bytes_per_second)
        try:
            yield
        finally:
            self.cdp("Network.emulateNetworkConditions", **conditions, uploadThroughput=-1)

    def look(self, *, width: int, scheme: str, height: int = 900) -> None:
        """The size of the window, and light or dark."""
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def usual_look(self) -> None:
        self.cdp("Emulation.clearDeviceMetricsOverride")
        self.cdp("Emulation.setEmulatedMedia", features=[])

    def screenshot(self, name: str) -> None:
        ARTIFACTS.mkdir(exist_ok=True)
        self.driver.save_screenshot(str(ARTIFACTS / f"{name}.png"))

    def axe(self) -> list[str]:
        """The serious and critical findings of axe-core on the page as it is."""
        self.run(Path(os.environ["TEST_AXE"]).read_text())
        found = self.driver.execute_async_script(AXE)
        assert len(found["passes"]) > 15, "axe looked at nothing"
        return [
            f"{each['impact']}: {each['help']}: {[node['html'][:200] for node in each['nodes']]}"
            for each in found["violations"]
            if each["impact"] in ("serious", "critical")
        ]

    def complaints(self) -> list[str]:
        """What the browser logged against the page: refused by its policy, uncaught errors."""
        return [
            entry["message"]
            for entry in self.driver.get_log("browser")
            if entry["source"] in ("security", "javascript") or "Content Security Policy" in entry["message"]
        ]


@contextmanager
def started(profile: Path) -> Iterator[Browser]:
    """A browser with an empty profile; ended at the end."""
    chromium, chromedriver = required_programs()
    options = Options()
    options.binary_location = chromium
    for switch in (*SWITCHES, "--window-size=1280,1000", f"--user-data-dir={profile}"):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(chromedriver))
    driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": RECORD})
    try:
        yield Browser(driver)
    finally:
        driver.quit()
