"""What every implementation of ``services.ports.ImageRepository`` must do."""

from __future__ import annotations
