"""One suite over every object store."""

from __future__ import annotations
