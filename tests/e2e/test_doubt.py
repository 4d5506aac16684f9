"""Uploads whose answer never came: no file is stored twice, and none is taken for another."""

from __future__ import annotations

import time
from pathlib import Path

from tests import images
from tests.e2e.browser import Browser
from tests.e2e.rows import states, summary
from tests.e2e.site import Site, photos

DEAF = """
  const listen = XMLHttpRequestUpload.prototype.addEventListener;
  XMLHttpRequestUpload.prototype.addEventListener = function (name, ...rest) {
    if (name !== "load") listen.call(this, name, ...rest);
  };
"""
"""A page that never hears that its body is under way: one that goes in that moment."""


def test_an_answer_that_was_lost_does_not_store_the_file_twice(
    browser: Browser, site: Site, label: str, tmp_path: Path
) -> None:
    # Behind the headers: where there are none the browser itself asks again, which no page can see.
    site.proxy.cut_body("POST", f"/upload/{label}", times=1)
    browser.open(site.page(label))
    browser.drop(photos(tmp_path, 1))
    browser.until(lambda: states(browser) == {"photo-1.jpg": "failed"})
    assert "The connection was lost." in browser.text(".row .status")
    assert site.names(label) == ["photo-1.jpg"]
    browser.press("Retry photo-1.jpg")
    browser.until(lambda: states(browser) == {"photo-1.jpg": "done"})
    assert site.names(label) == ["photo-1.jpg"]
    browser.until(lambda: browser.texts("#gallery .tile .name") == ["photo-1.jpg"])


def test_a_reload_before_the_answer_does_not_store_the_file_twice(
    browser: Browser, site: Site, label: str, tmp_path: Path
) -> None:
    browser.open(site.page(label))
    browser.run(DEAF)
    site.proxy.delay("POST", f"/upload/{label}", seconds=3)
    browser.drop(photos(tmp_path, 2))
    browser.until(lambda: len(site.names(label)) == 2)
    assert set(states(browser).values()) == {"sending"}
    browser.reload()
    browser.until(lambda: "2 of 2" in summary(browser))
    assert sorted(site.names(label)) == ["photo-1.jpg", "photo-2.jpg"]
    browser.until(lambda: sorted(browser.texts("#gallery .tile .name")) == ["photo-1.jpg", "photo-2.jpg"])


def test_a_reload_before_the_server_has_stored_it_does_not_store_the_file_twice(
    browser: Browser, site: Site, label: str, tmp_path: Path
) -> None:
    browser.open(site.page(label))
    site.proxy.hold("POST", f"/upload/{label}", seconds=2, times=1)
    browser.drop(photos(tmp_path, 1))
    browser.until(lambda: site.proxy.count("POST", label) == 1)
    time.sleep(0.5)
    assert site.names(label) == []
    browser.reload()
    browser.until(lambda: "1 of 1" in summary(browser))
    time.sleep(1)
    assert site.names(label) == ["photo-1.jpg"]
    assert site.proxy.count("POST", label) == 1


def test_a_file_that_was_uploaded_before_is_not_taken_for_a_lost_answer(
    browser: Browser, site: Site, label: str, tmp_path: Path
) -> None:
    [photo] = photos(tmp_path, 1)
    site.store(label, photo.name, photo.read_bytes())
    time.sleep(5)  # more than what clocks may differ by
    site.proxy.fail("POST", f"/upload/{label}", status=504, times=1)
    browser.open(site.page(label))
    browser.drop([photo])
    browser.until(lambda: states(browser) == {photo.name: "failed"})
    browser.press(f"Retry {photo.name}")
    browser.until(lambda: states(browser) == {photo.name: "done"})
    assert site.names(label) == [photo.name] * 2


def test_alike_files_are_told_apart(browser: Browser, site: Site, label: str) -> None:
    """Two files of one name and content: the image of one is no answer to what became of the other."""
    site.proxy.fail("POST", f"/upload/{label}", status=504, times=1)
    browser.open(site.page(label))
    browser.run(
        """
        const data = new DataTransfer();
        for (let number = 0; number < 2; number++) {
          data.items.add(new File([new Uint8Array(arguments[0])], 'same.png', {type: 'image/png'}));
        }
        const input = document.getElementById('file');
        input.files = data.files;
        input.dispatchEvent(new Event('change'));
        """,
        list(images.png(20, 20)),
    )
    state = "return [...document.querySelectorAll('.row')].map(row => row.dataset.state).sort()"
    browser.until(lambda: browser.run(state) == ["done", "failed"])
    browser.press("Retry same.png")
    browser.until(lambda: browser.run(state) == ["done", "done"])
    assert site.names(label) == ["same.png"] * 2
