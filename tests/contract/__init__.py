"""Suites that run over every implementation of a port."""

from __future__ import annotations
