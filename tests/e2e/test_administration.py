"""The administration page: totals, search, versions with restore, undelete."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest

from tests import images
from tests.e2e.browser import Browser
from tests.e2e.site import Site


def entries(browser: Browser) -> list[str]:
    return browser.texts("#found .entry .name")


@pytest.fixture
def word() -> str:
    """A word that only this test's titles have."""
    return f"word{uuid.uuid4().hex[:8]}"


def stored(site: Site, word: str, owner: str, name: str, *, tags: str = "") -> str:
    """An image whose title is its name and the test's word; returns its key."""
    fields = {"title": f"{name} {word}", "tags": tags}
    headers = {"X-User-ID": owner}
    files = {"file": ("x.png", images.png(30, 20))}
    return str(site.ask("POST", "/upload", files=files, data=fields, headers=headers)["key"])


def test_the_totals_and_the_chart_count_what_is_there(browser: Browser, site: Site, word: str) -> None:
    gone = stored(site, word, "ann", "Gone")
    stored(site, word, "ann", "Kept")
    site.ask("DELETE", f"/delete/{gone}")
    totals = site.ask("GET", "/admin/totals")
    browser.open(f"{site.url}/admin")
    shown = browser.texts(".totals dd")
    assert (shown[0], shown[2]) == (str(totals["images"]), str(totals["deleted"]))
    assert browser.find(".totals dd[title]").get_attribute("title") == f"{totals['size']:,} bytes"
    browser.find("summary").click()
    today = datetime.now(UTC).date().isoformat()
    assert browser.find("tbody tr th").text == today
    assert browser.find("tbody tr td").text == str(totals["days"][-1]["images"])
    assert len(browser.all(".chart rect")) == 30


def test_a_search_finds_by_owner_title_tags_and_date(browser: Browser, site: Site, word: str) -> None:
    stored(site, word, f"ann-{word}", "Red boat", tags="sea, red")
    stored(site, word, f"bob-{word}", "Blue boat", tags="sea")
    browser.open(f"{site.url}/admin")
    browser.find("#title").send_keys(f"BOAT {word}")
    browser.press("Search")
    browser.until(lambda: entries(browser) == [f"Blue boat {word}", f"Red boat {word}"])
    assert "owner=" not in browser.driver.current_url
    browser.find("#tags").send_keys("red, sea")
    browser.press("Search")
    browser.until(lambda: entries(browser) == [f"Red boat {word}"])
    browser.find(".entry .owner").click()
    browser.until(lambda: f"owner=ann-{word}" in browser.driver.current_url)
    assert entries(browser) == [f"Red boat {word}"]
    browser.open(f"{site.url}/admin?title={word}&since=2001-01-01&until=2001-12-31")
    assert entries(browser) == []
    assert browser.find("#empty").is_displayed()
    browser.open(f"{site.url}/admin?title=%22%22")
    assert "no word to search for" in browser.text(".notice")


def test_a_version_is_restored(browser: Browser, site: Site, word: str) -> None:
    key = stored(site, word, "ann", "Boat")
    replaced = site.ask("PUT", f"/update/{key}", data=images.jpeg(60, 50), headers={"Content-Type": "image/jpeg"})
    browser.open(f"{site.url}/admin?title={word}")
    assert "60 × 50" in browser.text(".entry .size")
    browser.press(f"Versions of Boat {word}")
    browser.until(lambda: len(browser.all("#versions-list li")) == 2)
    assert [" · current" in each for each in browser.texts("#versions-list li")] == [True, False]
    restore = browser.find("#versions-list li:last-child button")
    assert restore.text.startswith("Restore")
    restore.click()
    browser.until(lambda: len(browser.all("#versions-list li")) == 3)
    browser.until(lambda: "is current again" in browser.heard())
    browser.press("Close")
    assert "30 × 20" in browser.text(".entry .size")
    now = site.ask("GET", f"/image/{key}/versions")["versions"]
    assert now[0]["content_type"] == "image/png"
    assert now[0]["version_id"] != replaced["version_id"]


def test_a_deleted_image_is_undeleted(browser: Browser, site: Site, word: str) -> None:
    key = stored(site, word, "ann", "Boat")
    site.ask("DELETE", f"/delete/{key}")
    browser.open(f"{site.url}/admin?title={word}")
    assert entries(browser) == []
    browser.find("input[name=deleted]").click()
    browser.press("Search")
    browser.until(lambda: entries(browser) == [f"Boat {word}"])
    browser.until(lambda: browser.run("return document.querySelector('.entry img').naturalWidth") == 30)
    browser.press(f"Undelete Boat {word}")
    browser.until(lambda: browser.heard_once(f"Boat {word} is back."))
    assert not browser.find("[data-action=undelete]").is_displayed()
    browser.open(f"{site.url}/admin?title={word}")
    assert entries(browser) == [f"Boat {word}"]


def test_more_results_are_added_by_the_button(browser: Browser, site: Site, word: str) -> None:
    for number in range(30):
        stored(site, word, "ann", f"Boat {number:02}")
    browser.open(f"{site.url}/admin?title={word}")
    assert len(entries(browser)) == 24
    browser.press("Load more")
    browser.until(lambda: len(entries(browser)) == 30)
    assert entries(browser) == [f"Boat {number:02} {word}" for number in reversed(range(30))]
    assert browser.all("#more") == []


def test_hostile_titles_owners_and_tags_stay_text(browser: Browser, site: Site, word: str) -> None:
    hostile = "<script>document.title='x'</script><img src=x onerror=alert(1)>"
    owner, tag = f'"><b>{word}', "</a><svg onload=alert(1)>"
    for _ in range(25):  # the last one comes by script
        stored(site, word, owner, hostile, tags=tag)
    browser.open(f"{site.url}/admin?title={word}")
    browser.press("Load more")
    browser.until(lambda: len(entries(browser)) == 25)
    assert set(entries(browser)) == {f"{hostile} {word}"}
    assert set(browser.texts(".entry .owner")) == {owner}
    assert set(browser.texts(".entry .tag")) == {tag}
    assert browser.all("main script, main b, main img[src=x], .tag svg") == []
    browser.press(f"Versions of {hostile} {word}")
    browser.until(lambda: browser.text("#versions-name") == f"{hostile} {word}")
    browser.until(lambda: len(browser.all("#versions-list li")) == 1)
    browser.press("Close")
    browser.find(".entry .tag").click()
    browser.until(lambda: len(browser.all(".entry")) == 24)
