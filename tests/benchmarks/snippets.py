"""Benchmark `snippets FILE...`: how often the snippet that is shown holds the answer to a question.

A file is in the format of SQuAD, as XQuAD's are: articles of several paragraphs, questions, and the answers
as spans. Each article is a document of all its paragraphs, indexed apart from everything else. Counted are
the questions whose document is the first hit: where the snippet holds the words of an answer, where it holds
them at the place that the set names, and where the passage, or it with the others of the hit, does.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app.api import Library
from tests.benchmarks.own_daemon import Say
from tests.benchmarks.own_library import own_library

QUESTIONS = 300
"""Questions of each file, evenly spread."""
BETWEEN = "\n\n"
"""Between the paragraphs of a document."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question, the document that answers it, and the answer with its position there."""

    text: str
    document: str
    answer: str
    start: int


@dataclass(frozen=True, slots=True)
class Snippets:
    """How many questions of a file had the right document first, and of these, in how many it is shown."""

    name: str
    documents: int
    questions: int
    first: int
    shown: int
    """The snippet holds the words of the answer."""
    in_place: int
    """It holds them where the set has them."""
    in_passage: int
    """The passage of the snippet has them."""
    in_hit: int
    """That passage or another of the hit has them."""
    missed: tuple[str, ...]
    """Questions whose snippet does not hold the answer."""


def run(files: Sequence[Path], say: Say) -> list[Snippets]:
    """Index the articles of each file apart from everything else, and ask."""
    found: list[Snippets] = []
    for file in files:
        documents, questions = _read(file)
        with tempfile.TemporaryDirectory(prefix="ken-snippets-") as folder:
            for name, text in documents.items():
                Path(folder, name).write_text(text, encoding="utf-8")
            with own_library([Path(folder)], say) as library:
                found.append(_ask(library, file.stem, len(documents), _spread(questions), say))
    return found


def _read(file: Path) -> tuple[dict[str, str], list[Question]]:
    """The documents by the names of their files, and all questions."""
    documents: dict[str, str] = {}
    questions: list[Question] = []
    for number, article in enumerate(json.loads(file.read_text(encoding="utf-8"))["data"]):
        name, text = f"{number}.txt", ""
        for paragraph in article["paragraphs"]:
            text += BETWEEN if text else ""
            for one in paragraph["qas"]:
                answer = one["answers"][0]
                place = len(text) + answer["answer_start"]
                questions.append(Question(one["question"], name, answer["text"], place))
            text += paragraph["context"]
        documents[name] = text
    return documents, questions


def _spread(questions: Sequence[Question]) -> list[Question]:
    step = max(1.0, len(questions) / QUESTIONS)
    return [questions[int(i * step)] for i in range(min(QUESTIONS, len(questions)))]


def _ask(library: Library, name: str, documents: int, questions: Sequence[Question], say: Say) -> Snippets:
    first = shown = in_place = in_passage = in_hit = 0
    missed: list[str] = []
    for done, one in enumerate(questions):
        hits = library.search(one.text, limit=3).hits
        if done % 50 == 0:
            say(f"{done} of {len(questions)} questions")
        if not hits or Path(hits[0].path).name != one.document:
            continue
        hit = hits[0]
        first += 1
        shown += one.answer in hit.snippet
        in_place += _holds(one, hit.start + hit.text.find(hit.snippet), hit.snippet)
        in_passage += _holds(one, hit.start, hit.text)
        in_hit += any(_holds(one, each.start, each.text) for each in (hit, *hit.more))
        if one.answer not in hit.snippet:
            missed.append(one.text)
    return Snippets(
        name, documents, len(questions), first, shown, in_place, in_passage, in_hit, tuple(missed)
    )


def _holds(question: Question, start: int, text: str) -> bool:
    """Whether a stretch of the document that begins at `start` holds the answer."""
    return start <= question.start and question.start + len(question.answer) <= start + len(text)


def table(found: list[Snippets]) -> str:
    heads = ("questions", "right first", "answer shown", "in place", "in passage", "in hit")
    rows = [f"{'':<20}" + "".join(f"{head:>14}" for head in heads)]
    for one in found:
        of_first = (one.shown, one.in_place, one.in_passage, one.in_hit)
        shares = [f"{100 * one.first / max(1, one.questions):.1f}%"]
        shares += [f"{100 * count / max(1, one.first):.1f}%" for count in of_first]
        rows.append(f"{one.name:<20}{one.questions:>14}" + "".join(f"{share:>14}" for share in shares))
    return "\n".join(rows)


def as_json(found: list[Snippets]) -> list[dict[str, Any]]:
    return [asdict(one) for one in found]
