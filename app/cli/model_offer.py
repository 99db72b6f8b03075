"""The model where a command needs it: fetched at once where the user agrees, named where it is missing."""

from __future__ import annotations

import sys

import click

from app import config
from app.cli import terminal
from app.model import Model


def ensure_model() -> None:
    """Offer to fetch a missing default model; does nothing where it is there or nobody can answer.

    What needs the model then raises `ModelNotFound`, which says how to get it.
    """
    model = Model(config.load().model)
    asked = terminal.is_terminal(sys.stdin) and terminal.is_terminal(sys.stderr)
    if model.present or model.config.name or not asked:
        return
    from app import amounts
    from embedder.checkpoints.known_models import TERMS, known_model
    from embedder.checkpoints.models import DEFAULT_MODEL

    size = amounts.size(known_model(DEFAULT_MODEL).bytes)
    terminal.say(f"ken needs the model EmbeddingGemma ({size}, once). Its terms of use: {TERMS}")
    if click.confirm("Fetch it now?", default=True, err=True):
        fetch()


def fetch() -> None:
    """Fetch the default model, with progress on standard error."""
    from app.cli.model import fetch_shown

    fetch_shown()
