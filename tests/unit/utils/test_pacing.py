"""The paced socket: deadlines, minimum rate, 100 Continue on demand, and endings that do not destroy the answer."""

from __future__ import annotations

import math
import socket
import threading
from collections.abc import Iterator
from time import monotonic, sleep
from typing import cast

import pytest

from utils import pacing
from utils.pacing import Pace, PacedSocket, linger

FAST = Pace(header_seconds=0.3, idle_seconds=0.3, minimum_rate=1000, grace_seconds=0.4, send_seconds=5)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_a_head_in_time_is_read(pair: tuple[socket.socket, socket.socket]) -> None:
    paced = PacedSocket(pair[0], FAST)
    paced.begin_headers()
    pair[1].sendall(b"GET")
    assert paced.recv(100) == b"GET"


def test_a_trickling_head_ends_as_if_the_client_had_gone(pair: tuple[socket.socket, socket.socket]) -> None:
    paced = PacedSocket(pair[0], FAST)
    paced.begin_headers()
    started = monotonic()
    sender = threading.Thread(target=trickle, args=(pair[1], 10, 0.1))
    sender.start()
    while paced.recv(1):
        assert monotonic() - started < 3
    assert 0.25 < monotonic() - started < 2
    sender.join()


def test_a_stalled_body_times_out(pair: tuple[socket.socket, socket.socket]) -> None:
    paced = PacedSocket(pair[0], FAST)
    paced.begin_body(owes_continue=False)
    with pytest.raises(TimeoutError):
        paced.recv(1)


def test_a_body_below_the_minimum_rate_times_out_although_it_never_stalls(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    paced = PacedSocket(pair[0], FAST)
    paced.begin_body(owes_continue=False)
    sender = threading.Thread(target=trickle, args=(pair[1], 20, 0.1))
    sender.start()
    started = monotonic()
    with pytest.raises(TimeoutError):
        while True:
            assert paced.recv(100)
    assert 0.35 < monotonic() - started < 2
    sender.join()


class Scripted:
    """A socket and the clock that it moves: each piece is there after ``pause`` seconds and has that many bytes."""

    def __init__(self, *script: tuple[float, int]) -> None:
        self.now = 0.0
        self._script = iter(script)
        self._next = next(self._script)

    def clock(self) -> float:
        return self.now

    def setblocking(self, flag: bool) -> None:
        assert not flag

    def readable(self, _sock: object, seconds: float) -> bool:
        pause, count = self._next
        passed = min(pause, seconds)
        self.now += passed
        self._next = (pause - passed, count)
        return pause <= seconds

    def recv(self, size: int) -> bytes:
        pause, count = self._next
        if pause > 0:
            raise BlockingIOError
        self._next = next(self._script, (math.inf, 0))
        assert count <= size
        return bytes(count)


def seconds_until_ended(monkeypatch: pytest.MonkeyPatch, pace: Pace, *script: tuple[float, int]) -> float:
    """When the body of the script is refused, on the script's own clock."""
    scripted = Scripted(*script)
    monkeypatch.setattr(pacing, "monotonic", scripted.clock)
    monkeypatch.setattr(pacing, "readable", scripted.readable)
    paced = PacedSocket(cast(socket.socket, scripted), pace)
    paced.begin_body(owes_continue=False)
    with pytest.raises(TimeoutError):
        while True:
            paced.recv(1_000_000)
    return scripted.now


PACE = Pace(idle_seconds=30, minimum_rate=512, grace_seconds=30)


def test_a_burst_does_not_pay_for_a_trickle(monkeypatch: pytest.MonkeyPatch) -> None:
    """300 kB at once would be ten minutes of the minimum rate, if the whole body were averaged."""
    ended = seconds_until_ended(monkeypatch, PACE, (0.0, 300_000), *[(1.0, 10)] * 1000)
    assert 30 <= ended <= 61


def test_a_trickle_is_ended_at_every_later_point(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = seconds_until_ended(monkeypatch, PACE, *[(1.0, 100_000)] * 100, *[(1.0, 500)] * 1000)
    assert 130 <= ended <= 161


def test_a_steady_body_just_above_the_rate_is_never_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = seconds_until_ended(monkeypatch, PACE, *[(0.5, 260)] * 2000)
    assert 1000 <= ended <= 1030


def test_a_body_in_few_large_steps_is_not_ended_between_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """A window may end in the middle of a pause; the pause's limit does not begin anew with the next window."""
    ended = seconds_until_ended(monkeypatch, PACE, *[(25.0, 40_000)] * 40)
    assert ended == pytest.approx(1000 + 30, abs=0.01)


def test_no_minimum_means_only_stalls_end_it(pair: tuple[socket.socket, socket.socket]) -> None:
    paced = PacedSocket(pair[0], Pace(idle_seconds=0.3, minimum_rate=0, grace_seconds=0.1))
    paced.begin_body(owes_continue=False)
    sender = threading.Thread(target=trickle, args=(pair[1], 8, 0.1))
    sender.start()
    assert sum(len(paced.recv(1)) for _ in range(8)) == 8
    sender.join()


def test_time_that_the_store_takes_is_not_held_against_the_client(pair: tuple[socket.socket, socket.socket]) -> None:
    paced = PacedSocket(pair[0], FAST)
    paced.begin_body(owes_continue=False)
    for _ in range(4):
        pair[1].sendall(b"x")
        assert paced.recv(1) == b"x"
        sleep(0.2)


def test_continue_is_sent_when_the_body_is_wanted_and_once(pair: tuple[socket.socket, socket.socket]) -> None:
    paced = PacedSocket(pair[0], FAST)
    paced.begin_body(owes_continue=True)
    assert paced.continue_owed
    pair[1].sendall(b"body")
    assert paced.recv(10) == b"body"
    pair[1].sendall(b"more")
    assert paced.recv(10) == b"more"
    assert pair[1].recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert not paced.continue_owed


def test_a_late_continue_is_never_sent(pair: tuple[socket.socket, socket.socket]) -> None:
    paced = PacedSocket(pair[0], FAST)
    paced.begin_body(owes_continue=True)
    paced.end_body()
    pair[1].sendall(b"x")
    paced.recv(1)
    pair[1].settimeout(0.1)
    with pytest.raises(TimeoutError):
        pair[1].recv(1)


def test_the_servers_own_shorter_limit_is_kept(pair: tuple[socket.socket, socket.socket]) -> None:
    paced = PacedSocket(pair[0], Pace())
    paced.begin_body(owes_continue=False)
    paced.settimeout(0.1)
    started = monotonic()
    with pytest.raises(TimeoutError):
        paced.recv(1)
    assert monotonic() - started < 2


def test_an_answer_larger_than_the_kernel_holds_arrives_whole(pair: tuple[socket.socket, socket.socket]) -> None:
    paced = PacedSocket(pair[0], FAST)
    head, body = b"head", bytes(range(256)) * 40_000
    sender = threading.Thread(target=paced.sendall, args=(head, body))
    sender.start()
    received = b""
    while len(received) < len(head) + len(body):
        received += pair[1].recv(1 << 20)
    sender.join()
    assert received == head + body


def test_a_client_that_does_not_take_its_answer_is_given_up(pair: tuple[socket.socket, socket.socket]) -> None:
    paced = PacedSocket(pair[0], Pace(send_seconds=0.2))
    started = monotonic()
    with pytest.raises(TimeoutError):
        paced.sendall(b"head", bytes(20_000_000))
    assert 0.15 < monotonic() - started < 2


def test_a_client_that_has_gone_is_noticed(pair: tuple[socket.socket, socket.socket]) -> None:
    paced = PacedSocket(pair[0], FAST)
    paced.begin_headers()
    pair[1].close()
    assert paced.awaits(1)
    assert paced.recv(1) == b""


def test_lingering_lets_the_answer_arrive_while_the_client_still_sends() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        served, _ = listener.accept()
        with client, served:
            sender = threading.Thread(target=client.sendall, args=(b"x" * 20_000_000,))
            sender.start()
            served.sendall(b"HTTP/1.1 413 Too Large\r\n\r\n")
            ending = threading.Thread(target=linger, args=(served,), kwargs={"seconds": 5.0, "most": 64 << 20})
            ending.start()
            sender.join(10)
            assert client.recv(100).startswith(b"HTTP/1.1 413")
            client.close()
            ending.join(5)
            assert not ending.is_alive()


def test_lingering_is_bounded(pair: tuple[socket.socket, socket.socket]) -> None:
    started = monotonic()
    linger(pair[0], seconds=0.2, most=1000)
    assert monotonic() - started < 2


def trickle(sock: socket.socket, count: int, pause: float) -> None:
    try:
        for _ in range(count):
            sock.sendall(b"x")
            sleep(pause)
    except OSError:
        return
