"""Where the server can not listen, and the variable that says so."""

from __future__ import annotations

import socket

import pytest

from utils.gunicorn_address import unusable


@pytest.mark.parametrize("host", ["999.1.1.1", "192.0.2.1", "2001:db8::1", "a..b", "x" * 70])
def test_what_is_not_this_machine(host: str) -> None:
    line = unusable(host, 0)
    assert line
    assert line.startswith(f"HOST is {host!r}: it should be ")
    assert "\n" not in line


def test_a_port_that_is_taken_and_then_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        line = unusable("127.0.0.1", port)
        assert line
        assert line.startswith(f"PORT is {port}: it should be ")
    assert unusable("127.0.0.1", port) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
def test_what_works(host: str) -> None:
    assert unusable(host, 0) is None
