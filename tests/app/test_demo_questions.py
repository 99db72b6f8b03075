"""The demo's questions: none shares a word with the document that answers it, and each finds it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app import demo

ANSWERS = {
    "why do I keep waking up at night?": "health/sleep.md",
    "am I allowed a dog in this flat?": "house/lease.md",
    "how do I fix a punctured bicycle tube?": "outdoors/fahrrad.md",
}
FUNCTION_WORDS = frozenset(["a", "am", "at", "do", "how", "i", "in", "keep", "this", "up", "why"])


def content(text: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]+", text.lower())) - FUNCTION_WORDS


def test_every_question_has_its_answer_noted() -> None:
    assert set(demo.QUESTIONS) == set(ANSWERS)


@pytest.mark.parametrize(("question", "file"), ANSWERS.items())
def test_no_word_of_a_question_stands_in_its_answer(question: str, file: str) -> None:
    written = content((demo.demo_folder() / file).read_text(encoding="utf-8"))
    shared = {word for asked in content(question) for word in written if word[:4] == asked[:4]}
    assert not shared


@pytest.mark.model
def test_each_question_finds_its_answer_first(real_models: Path) -> None:
    with demo.library() as library:
        library.sync()
        for question, file in ANSWERS.items():
            answer = library.search(question, limit=3)
            assert Path(answer.hits[0].path) == demo.demo_folder() / file, question
            assert answer.is_close, question
