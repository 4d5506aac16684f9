"""The gallery beneath the queue, and the page without a mouse and without JavaScript."""

from __future__ import annotations

import time
from pathlib import Path

from selenium.webdriver.common.keys import Keys

from tests import images
from tests.e2e.browser import Browser
from tests.e2e.site import Site, photos

UNDO_SECONDS = 10
"""How long an undo must be offered."""


def tiles(browser: Browser) -> list[str]:
    return browser.texts("#gallery .tile .name")


def stored(site: Site, label: str, count: int) -> list[str]:
    """Store that many images; returns their names, newest first."""
    for number in range(count):
        site.store(label, f"image {number:02}.png", images.png(20 + number, 20))
    return [f"image {number:02}.png" for number in reversed(range(count))]


def test_the_gallery_is_newest_first_and_goes_on_while_one_scrolls(browser: Browser, site: Site, label: str) -> None:
    names = stored(site, label, 60)
    browser.open(site.page(label))
    assert tiles(browser)[:24] == names[:24]
    browser.until(lambda: browser.run("scrollTo(0, document.body.scrollHeight)") or len(tiles(browser)) == 60)
    assert tiles(browser) == names
    assert not browser.find("#more").is_displayed()


def test_a_deleted_image_comes_back_by_undo(browser: Browser, site: Site, label: str) -> None:
    names = stored(site, label, 3)
    browser.open(site.page(label))
    browser.press("Delete image 01.png")
    browser.until(lambda: tiles(browser) == [names[0], names[2]])
    assert browser.focused() == "Undo"
    assert site.names(label) == [names[0], names[2]]
    browser.run("document.activeElement.blur()")
    time.sleep(UNDO_SECONDS)
    browser.press("Undo")
    browser.until(lambda: tiles(browser) == names)
    assert browser.focused() == "Delete image 01.png"
    assert site.names(label) == names
    browser.until(lambda: browser.heard_once("image 01.png is back."))
    assert browser.heard_once("image 01.png deleted. Undo is available.")


def test_a_delete_that_fails_leaves_the_image_and_says_why(browser: Browser, site: Site, label: str) -> None:
    names = stored(site, label, 2)
    browser.open(site.page(label))
    site.proxy.cut_request("DELETE", "/delete/")
    browser.press("Delete image 00.png")
    browser.until(lambda: "can not be reached" in browser.text("#toasts"))
    assert tiles(browser) == names
    browser.button("Delete image 00.png").is_enabled()


def test_an_images_link_is_copied(browser: Browser, site: Site, label: str) -> None:
    key = site.store(label, "one.png", images.png(20, 20))
    browser.cdp("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    browser.open(site.page(label))
    browser.press("Copy link of one.png")
    browser.until(lambda: "Link copied." in browser.text("#toasts"))
    copied = browser.driver.execute_async_script("navigator.clipboard.readText().then(arguments[0])")
    assert copied == f"{site.url}/image/{key}"


def test_the_keyboard_alone_is_enough(browser: Browser, site: Site, label: str, tmp_path: Path) -> None:
    stored(site, label, 1)
    browser.open(site.page(label))
    seen = []

    def tab_to(name: str) -> None:
        for _ in range(40):
            browser.keys(Keys.TAB)
            seen.append(browser.focused())
            if seen[-1] == name:
                return
        raise AssertionError(f"no {name!r} among {seen}")

    tab_to("file")
    with browser.upload_rate(20_000):
        browser.find("#file").send_keys(str(photos(tmp_path, 1)[0]))
        tab_to("Cancel photo-1.jpg")
        browser.keys(Keys.ENTER)
        browser.until(lambda: browser.focused() == "Retry photo-1.jpg")
    browser.keys(Keys.ENTER)
    browser.until(lambda: "1 of 1" in browser.text("#queue-summary"))
    browser.until(lambda: browser.focused() == "Remove photo-1.jpg")
    browser.keys(Keys.ENTER)
    browser.until(lambda: browser.focused() == "file")
    tab_to("Delete photo-1.jpg")
    browser.keys(Keys.ENTER)
    browser.until(lambda: browser.focused() == "Undo")
    browser.keys(Keys.ENTER)
    browser.until(lambda: browser.focused() == "Delete photo-1.jpg")
    assert site.names(label)[0] == "photo-1.jpg"


def test_the_page_works_without_javascript(browser: Browser, site: Site, label: str, tmp_path: Path) -> None:
    names = stored(site, label, 30)
    browser.cdp("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.driver.get(site.page(label))
        browser.find("#file").send_keys(str(photos(tmp_path, 1)[0]))
        browser.find("button[type=submit]").click()
        browser.until(lambda: "was uploaded" in browser.find("main").text)
        assert [each.text for each in browser.all("#gallery .tile .name")] == ["photo-1.jpg", *names[:23]]
        browser.find("#more").click()
        browser.until(lambda: browser.find("#gallery .tile .name").text == names[23])
        assert len(browser.all("#gallery .tile")) == 7
        (tmp_path / "no.png").write_bytes(b"not an image at all")
        browser.find("#file").send_keys(str(tmp_path / "no.png"))
        browser.find("button[type=submit]").click()
        browser.until(lambda: browser.all(".notice.bad"))
    finally:
        browser.cdp("Emulation.setScriptExecutionDisabled", value=False)
    assert site.names(label) == ["photo-1.jpg", *names]
