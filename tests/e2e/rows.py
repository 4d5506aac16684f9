"""What the upload page shows of its queue."""

from __future__ import annotations

from tests.e2e.browser import Browser


def states(browser: Browser) -> dict[str, str]:
    """The state of each file whose row can be seen, by its name."""
    state = "[row.querySelector('.name').textContent, row.dataset.state]"
    return dict(browser.run(f"return [...document.querySelectorAll('.row')].map(row => {state})"))


def summary(browser: Browser) -> str:
    return browser.text("#queue-summary")
