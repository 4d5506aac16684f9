"""What the administration page asks for: totals, and a search over everybody's images.

Versions, restore and undelete are the primary surface's ``/image/<key>/versions`` and ``/image/<key>/restore``.
"""

from __future__ import annotations

from api.surface import Surface

blueprint = Surface("admin", __name__, description="Totals and searches for operators.")
