"""What the service endpoints answer."""

from __future__ import annotations

from marshmallow import fields

from api.openapi import Answer


class Health(Answer):
    """The process is up."""

    status = fields.String(required=True, metadata={"example": "healthy"})
    timestamp = fields.String(required=True, metadata={"example": "2026-11-21T13:00:00.000000Z"})
    environment = fields.String(required=True, metadata={"example": "development"})


class Live(Answer):
    """The process serves requests."""

    status = fields.String(required=True, metadata={"example": "live"})


class Ready(Answer):
    """Every backend answers."""

    status = fields.String(required=True, metadata={"example": "ready"})
    checks = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"example": {"store": "up", "database": "up"}},
    )
