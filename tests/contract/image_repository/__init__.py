"""What every implementation of ``services.ports.Repository`` must do."""

from __future__ import annotations
