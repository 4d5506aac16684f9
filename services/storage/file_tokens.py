"""Presigned URLs of the embedded file store: signed, self-contained tokens."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime

from itsdangerous import BadData, URLSafeSerializer
from itsdangerous.encoding import base64_encode

from services.errors import AccessDenied
from services.ports import AccessGrant

_SALT = "services.storage.filesystem.presigned"


class Tokens:
    """Signs and checks access grants with HMAC-SHA-256; whoever has a token needs nothing else until it expires."""

    def __init__(self, secret: str, clock: Callable[[], datetime]) -> None:
        self._serializer = URLSafeSerializer(secret, salt=_SALT, signer_kwargs={"digest_method": hashlib.sha256})
        self._signer = self._serializer.make_signer(_SALT)
        self._clock = clock

    def sign(
        self,
        method: str,
        key: str,
        version_id: str,
        *,
        expires_in: int,
        content_type: str,
        disposition: str,
        max_size: int,
    ) -> str:
        """A token of URL-safe characters for this grant, valid for ``expires_in`` seconds from now."""
        expires_at = int(self._clock().timestamp()) + expires_in
        grant = [method, key, version_id, content_type, disposition, max_size, expires_at]
        # What `dumps` does, without compression and a new signer for each: a listing needs a hundred of them.
        payload = base64_encode(json.dumps(grant, separators=(",", ":")))
        return self._signer.sign(payload).decode("ascii")

    def redeem(self, token: str, method: str) -> AccessGrant:
        """The grant of ``token``; raises ``AccessDenied``: altered, expired or for another method."""
        try:
            signed, key, version_id, content_type, disposition, max_size, expires_at = self._serializer.loads(token)
        except BadData:
            raise AccessDenied(
                "This URL is not valid: it was altered, cut short, or signed with another key. Ask for a new one.",
                code="url_forged",
            ) from None
        if signed != method:
            raise AccessDenied(f"This URL was signed for {signed}, not for {method}.", code="url_wrong_method")
        expires = datetime.fromtimestamp(expires_at, UTC)
        if self._clock() >= expires:
            raise AccessDenied(
                f"This URL expired at {expires.isoformat(timespec='seconds')}; ask for a new one.", code="url_expired"
            )
        return AccessGrant(method, key, version_id, content_type, disposition, max_size, expires)
