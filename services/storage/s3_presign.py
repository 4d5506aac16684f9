"""Presigned GETs, many at a time: for a listing of a hundred images botocore would take a tenth of a second and more.

Signature Version 4 in the query (AWS General Reference, "Authenticating Requests: Using Query Parameters"), for the one
request that listings need. The address and the scope are taken from a URL that botocore made, the key that a day's
signatures are made with is derived once, and a test holds every byte of the result to botocore's.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from urllib.parse import parse_qs, quote, urlsplit

_ALGORITHM = "AWS4-HMAC-SHA256"
_UNRESERVED = "-_.~"
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Frozen(Protocol):
    """Credentials at one moment, as botocore gives them."""

    @property
    def access_key(self) -> str | None:
        """The access key id."""

    @property
    def secret_key(self) -> str | None:
        """What signatures are derived from."""

    @property
    def token(self) -> str | None:
        """The session's token, of temporary credentials."""


@dataclass(frozen=True, slots=True)
class _DayKey:
    """The key that signs one day's requests, and what it was derived from."""

    made_of: tuple[str, str]
    key: bytes


class GetPresigner:
    """Signs GETs of one bucket's objects; shared between threads."""

    def __init__(self, sample: str, credentials: Callable[[], Frozen]) -> None:
        """Begin.

        :param sample: a presigned URL of botocore's for an object of the bucket with a key without ``/``.
        :param credentials: the ones to sign with now; they may change.
        """
        parts = urlsplit(sample)
        _, _, self._region, self._service, _ = parse_qs(parts.query)["X-Amz-Credential"][0].rsplit("/", 4)
        self._folder = parts.path.rpartition("/")[0]
        self._address = f"{parts.scheme}://{parts.netloc}"
        plain = parts.port is None or parts.port == _DEFAULT_PORTS.get(parts.scheme)
        self._host = (parts.hostname or "") if plain else parts.netloc
        self._credentials = credentials
        self._day_key = _DayKey(("", ""), b"")

    def sign(self, key: str, parameters: dict[str, str], *, expires_in: int, now: datetime) -> str:
        """The URL that fetches ``key`` with ``parameters`` in its query, for ``expires_in`` seconds from ``now`` (UTC).

        :param key: an object key that needs no quoting (see ``services.storage.keys``).
        """
        credentials = self._credentials()
        moment = now.strftime("%Y%m%dT%H%M%SZ")
        scope = f"{moment[:8]}/{self._region}/{self._service}/aws4_request"
        pairs = [f"{name}={quote(value, safe=_UNRESERVED)}" for name, value in parameters.items()]
        # Only what can hold a sign that must be quoted is: quoting is most of the cost.
        pairs += [
            f"X-Amz-Algorithm={_ALGORITHM}",
            f"X-Amz-Credential={quote(f'{credentials.access_key}/{scope}', safe=_UNRESERVED)}",
            f"X-Amz-Date={moment}",
            f"X-Amz-Expires={expires_in}",
            "X-Amz-SignedHeaders=host",
        ]
        if credentials.token:
            pairs.append(f"X-Amz-Security-Token={quote(credentials.token, safe=_UNRESERVED)}")
        path = f"{self._folder}/{key}"
        canonical = f"GET\n{path}\n{'&'.join(sorted(pairs))}\nhost:{self._host}\n\nhost\nUNSIGNED-PAYLOAD"
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        text = f"{_ALGORITHM}\n{moment}\n{scope}\n{digest}"
        signature = hmac.digest(self._key(credentials.secret_key or "", scope), text.encode(), "sha256").hex()
        return f"{self._address}{path}?{'&'.join(pairs)}&X-Amz-Signature={signature}"

    def _key(self, secret: str, scope: str) -> bytes:
        known = self._day_key
        if known.made_of != (secret, scope):
            key = b"AWS4" + secret.encode()
            for part in scope.split("/"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._day_key = known = _DayKey((secret, scope), key)
        return known.key
