from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import AccessDenied
from services.storage.file_tokens import Tokens

NOW = datetime(2030, 1, 1, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def signed(tokens: Tokens, method: str = "PUT", disposition: str = "inline") -> str:
    return tokens.sign(
        method, "images/a/b.png", "", expires_in=60, content_type="image/png", disposition=disposition, max_size=99
    )


def refusal(tokens: Tokens, token: str, method: str = "PUT") -> AccessDenied:
    with pytest.raises(AccessDenied) as error:
        tokens.redeem(token, method)
    return error.value


def test_a_token_says_all_that_was_signed() -> None:
    grant = (tokens := Tokens("secret", Clock())).redeem(signed(tokens), "PUT")

    assert (grant.method, grant.key, grant.version_id) == ("PUT", "images/a/b.png", "")
    assert (grant.content_type, grant.disposition, grant.max_size) == ("image/png", "inline", 99)
    assert grant.expires_at == NOW + timedelta(seconds=60)


@given(st.text(max_size=50))
def test_any_disposition_survives_and_the_token_fits_a_path(disposition: str) -> None:
    tokens = Tokens("secret", Clock())
    token = signed(tokens, disposition=disposition)

    assert tokens.redeem(token, "PUT").disposition == disposition
    assert token.isascii()
    assert not set(token) & set("/?#%&+= \"'<>")


def test_it_expires_to_the_second() -> None:
    tokens = Tokens("secret", clock := Clock())
    token = signed(tokens)
    clock.now = NOW + timedelta(seconds=59, milliseconds=999)
    tokens.redeem(token, "PUT")

    clock.now = NOW + timedelta(seconds=60)

    error = refusal(tokens, token)
    assert error.code == "url_expired"
    assert "2030-01-01T00:01:00+00:00" in str(error)


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "put", ""])
def test_it_is_for_one_method(method: str) -> None:
    tokens = Tokens("secret", Clock())

    assert refusal(tokens, signed(tokens), method).code == "url_wrong_method"


def test_every_altered_character_is_noticed() -> None:
    tokens = Tokens("secret", Clock())
    token = signed(tokens)
    for place, old in enumerate(token[:-1]):  # the last one holds unused bits of the base64 code
        altered = token[:place] + ("A" if old != "A" else "B") + token[place + 1 :]
        assert refusal(tokens, altered).code == "url_forged", place


@pytest.mark.parametrize("token", ["", ".", "a.b", "ä", "\0", "x" * 10000])
def test_garbage_is_forged(token: str) -> None:
    assert refusal(Tokens("secret", Clock()), token).code == "url_forged"


def test_another_secret_is_forged() -> None:
    assert refusal(Tokens("other", Clock()), signed(Tokens("secret", Clock()))).code == "url_forged"
