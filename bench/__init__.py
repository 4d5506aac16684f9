"""Reproducible measurements: ``python -m bench``. What is measured and why: ``docs/performance.md``."""

from __future__ import annotations
