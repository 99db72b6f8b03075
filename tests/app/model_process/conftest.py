"""Fixtures of the tests of model processes."""

from support.daemons import tiny_models

__all__ = ["tiny_models"]
