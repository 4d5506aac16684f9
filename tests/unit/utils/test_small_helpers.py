"""Identifiers, times, secrets, memory budget, tracing and log lines."""

from __future__ import annotations

import io
import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from time import monotonic

import pytest

from utils import logger, trace
from utils.budget import MemoryBudget
from utils.clock import iso8601, utc_now
from utils.ids import image_id_of, new_image_id, request_id_of
from utils.secrets import kept_secret

UUID = "550e8400-e29b-41d4-a716-446655440000"


@pytest.mark.parametrize("key", [UUID, UUID + ".jpg", UUID + ".tar.gz", UUID.upper(), UUID + "."])
def test_a_key_leads_to_its_image_id(key: str) -> None:
    assert image_id_of(key) == UUID


@pytest.mark.parametrize(
    "key", ["", "x", UUID[:-1], UUID + "0", UUID + "\n", "{" + UUID + "}", UUID.replace("-", ""), "٠" + UUID[1:]]
)
def test_other_keys_lead_nowhere(key: str) -> None:
    assert image_id_of(key) is None


def test_new_ids_are_canonical_and_distinct() -> None:
    ids = {new_image_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(image_id_of(each) == each for each in ids)


@pytest.mark.parametrize("good", ["a", "A-1._z", "x" * 128])
def test_a_good_request_id_is_kept(good: str) -> None:
    assert request_id_of(good) == good


@pytest.mark.parametrize("bad", [None, "", "x" * 129, "a b", "a\n", "ü", '"', "a\r\nSet-Cookie: x"])
def test_a_bad_request_id_is_replaced(bad: str | None) -> None:
    made = request_id_of(bad)
    assert made != bad
    assert request_id_of(made) == made


def test_times_are_utc_with_microseconds() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    assert iso8601(moment) == "2026-01-02T01:04:05.000000Z"
    assert utc_now().tzinfo is UTC


def test_racing_processes_agree_on_one_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        secrets = set(pool.map(lambda _: kept_secret(tmp_path / "deep" / "secret"), range(64)))
    assert len(secrets) == 1
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["secret"]


class TestBudget:
    def test_waits_until_there_is_room(self) -> None:
        budget = MemoryBudget(100, overdrafts=0)
        first, second = budget.share(), budget.share()
        assert first.grow(60, 0)
        assert not second.grow(60, 0.05)
        threading.Timer(0.1, first.release).start()
        started = monotonic()
        assert second.grow(60, 5)
        assert monotonic() - started < 4
        assert budget.held == second.held == 60

    def test_somebody_always_gets_on_although_all_hold_a_part_and_want_the_rest(self) -> None:
        budget = MemoryBudget(100, overdrafts=1, patience=0.01)

        def use(_: int) -> bool:
            share = budget.share()
            grown = all(share.grow(10, 10) for _ in range(4))
            share.release()
            return grown

        with ThreadPoolExecutor(16) as pool:
            assert all(pool.map(use, range(64)))
        assert budget.held == 0

    def test_overdrafts_are_bounded_and_given_back(self) -> None:
        budget = MemoryBudget(10, overdrafts=1, patience=0.01)
        full, lucky, late = budget.share(), budget.share(), budget.share()
        assert full.grow(10, 0)
        assert lucky.grow(5, 1)
        assert lucky.grow(5, 0), "who overdraws goes on until it is done"
        assert not late.grow(1, 0.1)
        lucky.release()
        lucky.release()
        assert late.grow(1, 1)
        assert budget.held == 11

    def test_never_hands_out_more_than_it_has(self) -> None:
        budget, seen = MemoryBudget(10, overdrafts=0), []

        def use(_: int) -> None:
            share = budget.share()
            assert share.grow(3, 10)
            seen.append(budget.held)
            share.release()

        with ThreadPoolExecutor(16) as pool:
            list(pool.map(use, range(400)))
        assert max(seen) <= 10
        assert budget.held == 0


class TestLogLines:
    def line(self, message: str, *args: object, **extra: object) -> dict[str, object]:
        stream = io.StringIO()
        log = logging.getLogger("test.lines")
        handler = logging.StreamHandler(stream)
        root = logging.getLogger()
        before, level = root.handlers[:], root.level
        try:
            logger.configure("INFO")
            handler.setFormatter(root.handlers[0].formatter)
            log.addHandler(handler)
            log.propagate = False
            log.info(message, *args, extra=extra)
        finally:
            log.removeHandler(handler)
            root.handlers[:] = before
            root.setLevel(level)
        (text,) = stream.getvalue().splitlines()
        decoded: dict[str, object] = json.loads(text)
        return decoded

    def test_has_the_members(self) -> None:
        trace.begin("abc")
        try:
            line = self.line("hello %s", "world\n", status=200)
        finally:
            trace.end()
        assert set(logger.FIELDS) <= line.keys()
        assert (line["message"], line["request_id"], line["status"]) == ("hello world\n", "abc", 200)

    def test_without_a_request(self) -> None:
        assert self.line("x")["request_id"] is None

    @pytest.mark.parametrize(
        "secret",
        [
            "GET https://b.s3/x?X-Amz-Algorithm=A&X-Amz-Credential=AKIASECRET&X-Amz-Signature=SECRET",
            "postgresql://user:SECRET@host/db refused",
            "GET /objects/SECRET.SECRET-x_",
            "password=SECRET",
        ],
    )
    def test_hides_what_grants_access(self, secret: str) -> None:
        assert "SECRET" not in str(self.line("failed: %s", secret))


def test_store_time_is_charged_to_the_request() -> None:
    request = trace.begin("r")
    with trace.store_time():
        threading.Event().wait(0.02)
    trace.count_bytes_in(5)
    trace.end()
    assert request.store_seconds >= 0.02
    assert request.bytes_in == 5
    with trace.store_time():
        pass
    assert trace.current() is None
