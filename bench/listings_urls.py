"""What presigned URLs add to a listing: ``python -m bench.listings_urls``, and part of ``python -m bench listings``.

``GET /images?limit=100`` is asked with ``urls=1`` and without, in turns, through the whole application in this process:
on the embedded store, and on S3, where nothing is sent since signing needs no server. The database is SQLite.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask.testing import FlaskClient

import config
from app import build_engine, create_app
from bench.listings_data import SMALL, Size, generate
from bench.report import Figure, Report, Table
from services.metadata.migrate import upgrade
from services.metadata.sql import SqlImageRepository

PAGE = 100
BOUND = 3.0
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench-secret"}
STORES: dict[str, dict[str, str]] = {
    "embedded": {},
    # Nobody listens there: whatever asked the store would fail.
    "S3": {"S3_BUCKET": "images", "AWS_ENDPOINT_URL": "http://127.0.0.1:9", "SQLITE_SYNCHRONOUS": "normal"},
}


def listings_with_urls(folder: Path, report: Report, *, rounds: int, quick: bool) -> None:
    """Measure, and put figures and times into ``report``."""
    columns = ("store", "without", "with `url`")
    table = Table(f"`GET /images?limit={PAGE}`: p50 / p95 in ms, in one process", columns)
    report.tables.append(table)
    for store, variables in STORES.items():
        with _client(folder / store, variables) as client:
            times = _times(client, rounds, 5 if quick else 50)
        report.raw[f"listings: {store}, URLs"] = times
        table.rows.append((store, *map(_shown, times.values())))
        without, with_urls = times.values()
        ratio = statistics.median(
            statistics.median(ours) / statistics.median(theirs) for ours, theirs in zip(with_urls, without, strict=True)
        )
        name = f"{store}: {PAGE} images with a presigned `url` each ÷ without"
        report.figures.append(Figure(name, ratio, "", at_most=BOUND, note="of p50"))


@contextmanager
def _client(folder: Path, variables: dict[str, str]) -> Iterator[FlaskClient]:
    settings = config.load({"DATA_DIR": str(folder), **variables})
    before = {name: os.environ.get(name) for name in CREDENTIALS}
    os.environ.update(CREDENTIALS)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        engine = build_engine(settings)
        upgrade(engine, lock_path=None)
        repository = SqlImageRepository(engine)
        for image in generate(Size(images=2 * PAGE, big=0, small=2 * PAGE)):
            repository.add(image)
        engine.dispose()
        yield create_app(settings).test_client()
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _times(client: FlaskClient, rounds: int, requests: int) -> dict[str, list[list[float]]]:
    """Seconds of each kind of request, by round."""
    times: dict[str, list[list[float]]] = {"0": [], "1": []}
    for number in range(rounds + 1):
        taken: dict[str, list[float]] = {urls: [] for urls in times}
        for _ in range(requests):
            for urls, seconds in taken.items():
                seconds.append(_asked(client, urls))
        for urls in times if number else ():  # the first round fills caches and is not counted
            times[urls].append(taken[urls])
    return {"without": times["0"], "with URLs": times["1"]}


def _asked(client: FlaskClient, urls: str) -> float:
    began = time.perf_counter()
    answer = client.get(f"/images?user_id={SMALL}&limit={PAGE}&urls={urls}")
    took = time.perf_counter() - began
    images = answer.get_json()["images"]
    if len(images) != PAGE or any(("url" in image) != (urls == "1") for image in images):
        raise RuntimeError(f"not the page that was asked for: {answer.text[:300]}")
    return took


def _shown(rounds: list[list[float]]) -> str:
    p50 = statistics.median(statistics.median(each) for each in rounds)
    p95 = statistics.median(statistics.quantiles(each, n=20)[-1] for each in rounds)
    return f"{p50 * 1000:.1f} / {p95 * 1000:.1f}"


def main() -> int:
    """Measure alone."""
    report = Report("none", "listings with URLs")
    with tempfile.TemporaryDirectory() as folder:
        listings_with_urls(Path(folder), report, rounds=5, quick=False)
    print(report.markdown())
    return 0 if all(figure.passed for figure in report.figures) else 1


if __name__ == "__main__":
    sys.exit(main())
