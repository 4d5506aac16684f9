"""What the upload page's parts say and draw when things come together, each part by itself in a real page."""

from __future__ import annotations

import pytest

from tests.e2e.browser import Browser
from tests.e2e.site import Site

ANNOUNCED = """
  const done = arguments[arguments.length - 1];
  const region = document.createElement("p");
  const heard = [];
  new MutationObserver(() => heard.push(region.textContent)).observe(region, {childList: true});
  import(new URL("/pages/static/announce.js", location.href)).then(({ Announcer }) => {
    const announcer = new Announcer(region);
    announcer.say("Link copied.");
    setTimeout(() => announcer.say("Link copied."), 1200);
    setTimeout(() => done(heard), 2600);
  });
"""
CANCELLED = """
  const done = arguments[arguments.length - 1];
  import(new URL("/pages/static/queue.js", location.href)).then(({ UploadQueue, WAITING }) => {
    const over = [];
    const ends = new Map();
    const start = (item) => {
      const outcome = new Promise((end) => ends.set(item.id, end));
      return { outcome, abort: () => ends.get(item.id)({ kind: "aborted" }) };
    };
    const nothing = () => {};
    const idle = (round) => over.push(round);
    const on = { changed: nothing, progressed: nothing, sent: nothing, paused: nothing, idle };
    const queue = new UploadQueue(start, on, 2);
    const add = (...ids) => queue.add(ids.map((id) => ({ id, name: id, size: 1, state: WAITING })));
    const settled = () => new Promise((resolve) => setTimeout(resolve, 20));
    (async () => {
      add("a", "b", "c", "d");
      queue.cancel("d"); // and asked for again: not left out
      queue.retry("d");
      ends.get("a")({ kind: "stored", body: {} });
      await settled();
      queue.cancelAll();
      await settled();
      add("e"); // a round that is only cancelled has no conclusion, and adds nothing to the next one's
      queue.cancelAll();
      await settled();
      add("f");
      ends.get("f")({ kind: "stored", body: {} });
      await settled();
      done(over);
    })();
  });
"""
DRAWN = """
  const done = arguments[arguments.length - 1];
  import(new URL("/pages/static/panel.js", location.href)).then(({ QueuePanel }) => {
    const counts = { waiting: 0, sending: 0, done: 0, failed: 0, refused: 0, cancelled: 0 };
    const pause = { reason: "Slowly.", until: Date.now() + 60000 };
    const queue = { counts, items: new Map(), pause, progress: () => ({ sent: 0, total: 0 }) };
    const panel = new QueuePanel(queue, () => null, () => {});
    const pending = new Set();
    const { setTimeout: set, clearTimeout: clear } = window;
    window.setTimeout = (what, wait) => {
      const id = set(() => { pending.delete(id); what(); }, wait);
      pending.add(id);
      return id;
    };
    window.clearTimeout = (id) => { pending.delete(id); clear(id); };
    const frame = () => new Promise((resolve) => requestAnimationFrame(() => resolve()));
    (async () => {
      for (let round = 0; round < 10; round += 1) {
        panel.changed();
        await frame();
      }
      const paused = pending.size;
      queue.pause = null;
      panel.changed();
      await frame();
      Object.assign(window, { setTimeout: set, clearTimeout: clear });
      done([paused, pending.size]);
    })();
  });
"""


@pytest.fixture
def page(browser: Browser, site: Site, label: str) -> Browser:
    browser.open(site.page(label))
    browser.driver.set_script_timeout(20)
    return browser


def test_what_is_said_twice_in_a_row_is_heard_twice(page: Browser) -> None:
    assert page.driver.execute_async_script(ANNOUNCED) == ["Link copied.", "", "Link copied."]


def test_the_conclusion_counts_what_was_cancelled(page: Browser) -> None:
    first, second = page.driver.execute_async_script(CANCELLED)
    assert first == {"done": 1, "failed": 0, "cancelled": 3}
    assert second == {"done": 1, "failed": 0, "cancelled": 0}


def test_a_pause_is_counted_down_by_one_timer(page: Browser) -> None:
    assert page.driver.execute_async_script(DRAWN) == [1, 0]
