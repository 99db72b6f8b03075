"""Fixtures of the daemon's tests."""

from support.daemons import daemons, tiny_models

__all__ = ["daemons", "tiny_models"]
