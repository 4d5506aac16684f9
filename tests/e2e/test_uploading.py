"""The queue of the upload page: progress, cancel, retry, reload, refusals, many files."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests import images
from tests.e2e.browser import Browser
from tests.e2e.rows import states, summary
from tests.e2e.site import MAX_FILE_SIZE, Site, photos, tiny_images

SENDING = '.row[data-state="sending"]'


def test_five_dropped_files_show_their_progress_and_one_is_cancelled(
    browser: Browser, site: Site, label: str, tmp_path: Path
) -> None:
    browser.open(site.page(label))
    most = 0
    seen: set[float] = set()
    with browser.upload_rate(120_000):
        browser.drop(photos(tmp_path, 5))
        browser.until(lambda: browser.all(SENDING))
        browser.press("Cancel photo-2.jpg")
        while "4 of 4" not in summary(browser):
            values = browser.run(f"return [...document.querySelectorAll('{SENDING} progress')].map(p => p.value)")
            most = max(most, len(values))
            seen |= set(values)
            assert len(states(browser)) == 5
            if any(0.2 < value < 0.8 for value in values):
                assert "/s" in browser.text(SENDING + " .status") + summary(browser)
            time.sleep(0.05)
    assert most == 3
    assert len([value for value in seen if 0 < value < 1]) > 5
    assert states(browser).pop("photo-2.jpg") == "cancelled"
    assert sorted(site.names(label)) == ["photo-1.jpg", "photo-3.jpg", "photo-4.jpg", "photo-5.jpg"]
    browser.until(lambda: browser.texts("#gallery .tile .name") == site.names(label))
    browser.until(lambda: "All done" in browser.heard())
    for sentence in ("5 files added.", "photo-2.jpg cancelled.", "All done: 4 uploaded, 1 cancelled."):
        assert browser.heard_once(sentence), browser.heard()


def test_what_failed_waits_until_somebody_retries_all_of_it(
    browser: Browser, site: Site, label: str, tmp_path: Path
) -> None:
    fault = site.proxy.fail("POST", f"/upload/{label}", status=502)
    browser.open(site.page(label))
    browser.drop(photos(tmp_path, 8))
    # Three in a row that fail stop the rest; the first two had made room for two more.
    browser.until(lambda: "Several uploads failed" in browser.text("#pause-reason"))
    time.sleep(1)
    assert fault.hits == 5
    assert "5 failed" in summary(browser)
    assert "The server answered 502" in browser.text('.row[data-state="failed"] .status')
    site.proxy.clear()
    browser.press("Go on now")
    browser.until(lambda: "3 of 8" in summary(browser))
    time.sleep(0.5)
    assert len(site.names(label)) == 3, "failed files were sent again by themselves"
    browser.press("Retry all failed")
    browser.until(lambda: "8 of 8" in summary(browser))
    assert len(site.names(label)) == 8
    assert not browser.find("#retry-failed").is_displayed()


def test_a_server_that_asks_to_slow_down_is_given_the_time(
    browser: Browser, site: Site, label: str, tmp_path: Path
) -> None:
    fault = site.proxy.fail("POST", f"/upload/{label}", status=429, times=1)
    browser.open(site.page(label))
    browser.drop(photos(tmp_path, 2))
    browser.until(lambda: "slow down" in browser.text("#pause-reason"))
    assert fault.hits == 1
    assert "failed" not in states(browser).values()
    browser.press("Go on now")
    browser.until(lambda: "2 of 2" in summary(browser))


def test_a_reload_in_the_middle_goes_on_where_it_was(browser: Browser, site: Site, label: str, tmp_path: Path) -> None:
    browser.open(site.page(label))
    with browser.upload_rate(150_000):
        browser.drop(photos(tmp_path, 6))
        browser.until(lambda: "done" in states(browser).values())
        browser.reload()
        browser.until(lambda: len(states(browser)) == 6)
        assert set(states(browser).values()) >= {"done", "sending"}
    browser.until(lambda: "6 of 6" in summary(browser))
    assert sorted(site.names(label)) == [f"photo-{number}.jpg" for number in range(1, 7)]
    browser.until(lambda: "Going on with" in browser.heard())
    browser.reload()
    browser.until(lambda: list(states(browser).values()) == ["done"] * 6)
    browser.press("Clear finished")
    browser.until(lambda: not browser.find("#queue").is_displayed())
    browser.reload()
    time.sleep(0.5)
    assert states(browser) == {}
    assert len(site.names(label)) == 6


def test_a_second_tab_does_not_upload_the_same_queue(browser: Browser, site: Site, label: str, tmp_path: Path) -> None:
    browser.open(site.page(label))
    first = browser.driver.current_window_handle
    with browser.upload_rate(100_000):
        browser.drop(photos(tmp_path, 4))
        browser.until(lambda: browser.all(SENDING))
        browser.driver.switch_to.new_window("tab")
        browser.open(site.page(label))
        time.sleep(2)
        assert states(browser) == {}
        browser.driver.close()
        browser.driver.switch_to.window(first)
    browser.until(lambda: "4 of 4" in summary(browser))
    assert len(site.names(label)) == 4


def test_what_can_not_be_taken_is_refused_with_the_reason(
    browser: Browser, site: Site, label: str, tmp_path: Path
) -> None:
    whole = images.jpeg(64, 48)
    files = {
        "notes.jpg": b"hello, this is text" * 10,
        "page.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "empty.png": b"",
        "large.jpg": images.pad_jpeg(whole, MAX_FILE_SIZE + 1),
        "cut.jpg": whole[: len(whole) // 2],
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    browser.open(site.page(label))
    browser.drop([tmp_path / name for name in files])
    browser.until(lambda: list(states(browser).values()) == ["refused"] * 5)
    assert site.proxy.count("POST", label) == 1, "only the server can tell that a file is cut"
    told = dict(zip(states(browser), browser.texts(".row .status"), strict=True))
    assert "Not an image of a supported type" in told["notes.jpg"]
    assert "Not an image of a supported type" in told["page.svg"]
    assert "empty" in told["empty.png"]
    assert "limit is 1.0 MB" in told["large.jpg"] or "limit is 1000000 bytes" in told["large.jpg"]
    assert "truncated" in told["cut.jpg"]
    assert not browser.find("#retry-failed").is_displayed()
    assert site.names(label) == []


def test_pictures_are_pasted_and_files_are_picked(browser: Browser, site: Site, label: str, tmp_path: Path) -> None:
    browser.open(site.page(label))
    browser.find("#file").send_keys("\n".join(str(path) for path in photos(tmp_path, 2)))
    browser.until(lambda: "2 of 2" in summary(browser))
    browser.run(
        """
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(arguments[0])], 'image.png', {type: 'image/png'}));
        document.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true}));
        """,
        list(images.png(20, 20)),
    )
    browser.until(lambda: "3 of 3" in summary(browser))
    assert site.names(label)[0].startswith("Pasted ")


def test_hostile_file_names_stay_text(browser: Browser, site: Site, label: str, tmp_path: Path) -> None:
    names = ['<img src=x onerror="document.title=1">.png', "\u202egnp.exe.png", "a'b\"c&amp;.png", "🦊 عربى.png"]
    for name in names:
        (tmp_path / name).write_bytes(images.png(20, 20, mode="L"))
    browser.open(site.page(label))
    browser.drop([tmp_path / name for name in names])
    browser.until(lambda: "4 of 4" in summary(browser))
    assert sorted(browser.texts(".row .name")) == sorted(names)
    browser.reload()
    browser.until(lambda: len(browser.all("#gallery .tile")) == 4)
    assert sorted(browser.texts("#gallery .tile .name")) == sorted(names)
    assert browser.all("#gallery img[src=x], #rows img[src=x]") == []
    assert "Image Service" in browser.driver.title


@pytest.mark.timeout(180)
def test_a_thousand_files_at_once(browser: Browser, site: Site, label: str, tmp_path: Path) -> None:
    folder = tiny_images(tmp_path / "many", 1000)
    (folder / ".DS_Store").write_bytes(b"not mine")
    browser.open(f"{site.server.base_url}/{label}")
    started = time.monotonic()
    browser.drop([folder])
    browser.until(lambda: "of 1,000 files" in summary(browser), seconds=30)
    queued = time.monotonic() - started
    assert len(browser.all(".row")) < 40
    # Anywhere in the list, while uploads go on.
    browser.run("document.getElementById('queue-list').scrollTop = 1e6")
    browser.until(lambda: browser.all('.row[aria-posinset="1000"]'))
    longest = browser.driver.execute_async_script(
        """
        const done = arguments[0];
        let longest = 0, last = performance.now(), left = 60;
        const tick = () => {
          longest = Math.max(longest, performance.now() - last);
          last = performance.now();
          if (left--) requestAnimationFrame(tick); else done(longest);
        };
        requestAnimationFrame(tick);
        """
    )
    assert longest < 1000, f"the page stood still for {longest} ms"
    browser.until(lambda: "1,000 of 1,000" in summary(browser), seconds=120)
    print(f"queued in {queued:.1f} s, uploaded in {time.monotonic() - started:.1f} s, longest frame {longest:.0f} ms")
    assert len(browser.all(".row")) < 40
    assert len(site.listed(label)) == 1000
    assert len(browser.run("return window.heard")) < 100
