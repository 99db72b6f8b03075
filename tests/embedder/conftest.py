"""Fixtures of the downloads' tests."""

from support.publishing import known, model_hub, published, wheels

__all__ = ["known", "model_hub", "published", "wheels"]
