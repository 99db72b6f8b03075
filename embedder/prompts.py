"""The model card's prompt for each task. Owns the text before each input; knows nothing of tokens.

Source: the prompt table of EmbeddingGemma's model card, https://ai.google.dev/gemma/docs/embeddinggemma/model_card.
"""

from __future__ import annotations

from typing import Literal, get_args

from embedder.errors import InputInvalid

QueryTask = Literal[
    "search result",
    "question answering",
    "fact checking",
    "classification",
    "clustering",
    "sentence similarity",
    "code retrieval",
]
Task = QueryTask | Literal["document"]

QUERY_TASKS: tuple[str, ...] = get_args(QueryTask)
TASKS: tuple[str, ...] = (*QUERY_TASKS, "document")

PROSE_TASK: QueryTask = "search result"
CODE_TASK: QueryTask = "code retrieval"
"""The tasks of a search, by what the passages hold."""

PROMPTS_VERSION = "1"
"""Changes with every change of a prompt: vectors from different prompts must not be mixed."""


def query_prompt(task: str = PROSE_TASK) -> str:
    """The prompt of a query. Raises `InputInvalid` for a task the model card does not name."""
    if task not in QUERY_TASKS:
        raise InputInvalid(f"There is no task {task!r}.", f"Choose one of: {', '.join(TASKS)}.")
    return f"task: {task} | query: "


def document_prompt(title: str | None = None) -> str:
    """The prompt of a document; a missing title is "none", as in training."""
    return f"title: {(title or '').strip() or 'none'} | text: "


def prompt(task: str, title: str | None = None) -> str:
    """The prompt of a text for any task. Raises `InputInvalid` for an unknown one."""
    return document_prompt(title) if task == "document" else query_prompt(task)
