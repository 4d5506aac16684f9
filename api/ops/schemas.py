"""What the service endpoints answer."""

from __future__ import annotations

from marshmallow import Schema, fields


class Health(Schema):
    """The process is up."""

    status = fields.String(required=True, metadata={"example": "healthy"})
    timestamp = fields.String(required=True)
    environment = fields.String(required=True)


class Live(Schema):
    """The process serves requests."""

    status = fields.String(required=True, metadata={"example": "live"})


class Ready(Schema):
    """Every backend answers."""

    status = fields.String(required=True, metadata={"example": "ready"})
    checks = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
