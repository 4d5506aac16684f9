"""Both pages in both colour schemes, narrow and wide: no accessibility finding, nothing cut off, screenshots to look at
in ``tests/e2e/artifacts``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import images
from tests.e2e.browser import Browser
from tests.e2e.site import Site, photos

WIDTHS = (360, 1440)
SCHEMES = ("light", "dark")
PROGRESS = "return [...document.querySelectorAll('.row progress')].map(p => p.value)"
LOOKS = [(width, scheme) for width in WIDTHS for scheme in SCHEMES]

pytestmark = pytest.mark.skipif(
    not os.environ.get("TEST_AXE"), reason="TEST_AXE names no axe-core; .ci/services up fetches it"
)


@pytest.fixture(scope="module")
def furnished(site: Site, jpeg_photo: bytes, png_photo: bytes) -> Site:
    """A few images with titles and tags, one of them replaced, one deleted."""
    for number, (title, tags) in enumerate((("Lift-off at dawn", "space, night"), ("Coffee", "kitchen"), ("", ""))):
        site.store("studio", f"IMG_{number}.jpg", jpeg_photo if number != 1 else png_photo, title=title, tags=tags)
    site.store("studio", "scan of a very long name, as cameras and people make them, 2026-11-21.tiff", images.tiff())
    replaced = site.store("studio", "poster.jpg", jpeg_photo, title="Poster")
    site.ask("PUT", f"/update/{replaced}", data=png_photo, headers={"Content-Type": "image/png"})
    gone = site.store("studio", "old.png", png_photo, title="Old coffee")
    site.ask("DELETE", f"/delete/{gone}")
    return site


@pytest.fixture
def plain(browser: Browser) -> Iterator[Browser]:
    """The browser, in its usual look again afterwards."""
    yield browser
    browser.usual_look()


def check(browser: Browser, name: str) -> None:
    """A screenshot, no finding, and no scrolling sideways."""
    browser.until(lambda: browser.run("return [...document.images].every(i => i.complete || i.loading === 'lazy')"))
    browser.screenshot(name)
    assert browser.axe() == []
    assert browser.run("return document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_the_upload_page(
    plain: Browser, furnished: Site, width: int, scheme: str, tmp_path: Path, label: str, jpeg_photo: bytes
) -> None:
    plain.look(width=width, scheme=scheme, height=1500)
    plain.open(furnished.page("studio"))
    check(plain, f"gallery-{width}-{scheme}")
    plain.open(furnished.page(label))
    check(plain, f"empty-{width}-{scheme}")
    for name in ("sunrise.jpg", "a rather long name of a picture from the holidays in Portugal.jpg"):
        (tmp_path / name).write_bytes(jpeg_photo)
    (tmp_path / "notes.txt").write_text("not an image")
    cut = jpeg_photo[:20_000]
    (tmp_path / "cut.jpg").write_bytes(cut)
    plain.drop(sorted(tmp_path.iterdir()))
    plain.until(lambda: "2 of 4" in plain.text("#queue-summary"))
    furnished.proxy.fail("POST", "/upload/", status=502, times=1)
    plain.drop(photos(tmp_path / "more", 1))
    plain.until(lambda: "3 failed" in plain.text("#queue-summary"))
    with plain.upload_rate(30_000):
        plain.drop(photos(tmp_path / "slow", 4, first=10, size=300_000))
        plain.until(
            lambda: plain.run("return [...document.querySelectorAll('.row progress')].some(p => p.value > 0.1)")
        )
        plain.run("document.getElementById('queue-list').scrollTop = 150")
        plain.until(lambda: plain.run("return !!document.querySelector('.row[data-state=sending] img')?.complete"))
        check(plain, f"queue-{width}-{scheme}")
        plain.press("Cancel all")
    plain.press("Delete sunrise.jpg")
    plain.until(lambda: plain.all(".toast"))
    check(plain, f"undo-{width}-{scheme}")


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_the_administration_page(plain: Browser, furnished: Site, width: int, scheme: str) -> None:
    plain.look(width=width, scheme=scheme, height=1500)
    plain.open(f"{furnished.url}/admin?owner=studio")
    check(plain, f"admin-{width}-{scheme}")
    plain.press("Versions of Poster")
    plain.until(lambda: len(plain.all("#versions-list li")) == 2)
    check(plain, f"versions-{width}-{scheme}")
    plain.open(f"{furnished.url}/admin?owner=studio&deleted=1")
    plain.until(lambda: plain.text(".entry .name") == "Old coffee")
    check(plain, f"deleted-{width}-{scheme}")
