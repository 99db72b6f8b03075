"""Pairs of a query and its passage, made from the documents of an evaluation set alone, as vectors.

Three kinds: a sentence, or the description of a function, with its passage without it; a title with its
passage without the title; the last sentence of a passage with the next passage. Owns these, the vectors of
the set, and the file that keeps them. Knows nothing of maps.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import apsw
import numpy as np
from numpy.typing import NDArray

from app import paths
from app.evaluation.retrieval import EvaluationSet, document_path, fill, index_dataset
from embedder.checkpoints.atomic import new_file
from embedder.embedder import CODE_WEIGHT, Embedder
from index.passages.sentence_ends import SENTENCE_END
from index.store import generations, vectors
from index.store.database import fetch_all
from tests.benchmarks.own_daemon import Say

MOST = {"sentence": 500, "title": 400, "neighbour": 400}
"""Pairs of each kind: a few minutes of embedding for a set."""
ROUNDS = 4
"""Sentences that are drawn from one passage where a set has few passages."""
LONG = 25
"""Characters of the shortest sentence that is a query; an ideograph counts as three."""
_PART = re.compile(rf"{SENTENCE_END}|(?<=\n)\s*")
_DOCSTRING = re.compile(r"(\"\"\"|''')(.*?)\1", re.DOTALL)
_END_OF_SUMMARY = re.compile(r"(?<=[.!?])\s|\n\s*\n|[:@]param")
_COMMENT = re.compile(r"#[^\S\n]*(\S.{19,})$", re.MULTILINE)
_FUNCTION = re.compile(r"^\s*def\s+(\w{6,})", re.MULTILINE)
_IDEOGRAPH = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


class Pair(NamedTuple):
    """A query and the number of its passage; where the passage is embedded again, its text and title."""

    kind: str
    query: str
    passage: int
    text: str = ""
    title: str = ""


class Row(NamedTuple):
    """A passage as it is stored: the numbers of its text and document, and what it holds."""

    text_id: int
    document: int
    title: str
    text: str
    is_code: bool


@dataclass(frozen=True, slots=True)
class EmbeddedSet:
    """A set and its pairs as unit vectors. Queries are (n, 2, 768), for passages of prose and of code."""

    dataset: EvaluationSet
    index: Path
    passages: Floats
    """(passages, 768), as stored."""
    text_ids: Ints
    documents: Ints
    """The document of each passage, by its place in the set."""
    is_code: NDArray[np.bool_]
    queries: Floats
    """Of the set's own queries, in their order."""
    pair_queries: Floats
    targets: Ints
    """The passage of each pair."""
    pair_passages: Floats
    """(pairs, 768): that passage, without what the query holds."""


def embedded_set(dataset: EvaluationSet, model: Embedder, say: Say) -> EmbeddedSet:
    """Index the set, make its pairs and embed what has no vector; kept, so that it is embedded once."""
    index, rows, passages = _stored(dataset, model, say)
    pairs = make_pairs(rows)
    is_code = np.array([row.is_code for row in rows])
    arrays = _kept_vectors(dataset, model, pairs, bool(is_code.any()), say)
    targets = np.array([pair.passage for pair in pairs], np.int64)
    own = passages[targets].reshape(len(pairs), -1)
    again = np.array([bool(pair.text) for pair in pairs], np.bool_)
    own[again] = arrays["again"]
    return EmbeddedSet(
        dataset,
        index,
        passages,
        np.array([row.text_id for row in rows], np.int64),
        np.array([row.document for row in rows], np.int64),
        is_code,
        arrays["queries"],
        arrays["pairs"],
        targets,
        own,
    )


def _stored(dataset: EvaluationSet, model: Embedder, say: Say) -> tuple[Path, list[Row], Floats]:
    with index_dataset(dataset, model) as store:
        fill(store, dataset, model, lambda what, done, total: say(f"{dataset.name}: {what} {done}/{total}"))
        with store.reading() as db:
            number = generations.serving(db)
            rows = list(_rows(db, {document_path(id_): place for place, id_ in enumerate(dataset.documents)}))
            found = dict(zip(*vectors.read_vectors(db, number, {row.text_id for row in rows}), strict=True))
    known = [row for row in rows if row.text_id in found]
    return store.path, known, np.array([found[row.text_id] for row in known], np.float32)


def _rows(db: apsw.Connection, documents: dict[str, int]) -> Iterator[Row]:
    sql = (
        "SELECT texts.id, path, texts.title, texts.text, kind FROM passages JOIN texts "
        "ON texts.id = passages.text JOIN files ON files.id = passages.file ORDER BY files.id, ordinal"
    )
    for id_, path, title, text, kind in fetch_all(db, sql):
        yield Row(id_, documents[path.decode()], title, text, kind == "code")


def make_pairs(rows: Sequence[Row]) -> list[Pair]:
    """The pairs of a set's passages, drawn from them in an order that is always the same."""
    choose = random.Random(0)
    order = choose.sample(range(len(rows)), len(rows))
    again = order * max(1, min(ROUNDS, 2 * MOST["sentence"] // len(rows)))
    within = dict.fromkeys(
        pair for place in again if (pair := _within(rows[place], place, choose)) is not None
    )
    holders = Counter(title for title, _ in {(row.title, row.document) for row in rows})
    named = (
        Pair("title", rows[place].title, place, rows[place].text)
        for place in order
        if rows[place].title
        and holders[rows[place].title] == 1
        and (place == 0 or rows[place - 1].document != rows[place].document)
    )
    after = (pair for place in order if place and (pair := _after(rows[place - 1], rows[place], place)))
    return [*list(within)[: MOST["sentence"]], *_first(named, "title"), *_first(after, "neighbour")]


def _first(pairs: Iterator[Pair], kind: str) -> list[Pair]:
    return [pair for pair, _ in zip(pairs, range(MOST[kind]), strict=False)]


def _within(row: Row, place: int, choose: random.Random) -> Pair | None:
    """A sentence of a passage, or what describes a function, and the passage without it."""
    if row.is_code:
        query, rest = describe(row.text)
    else:
        parts = sentences(row.text)
        long = [number for number, part in enumerate(parts) if _length(part) >= LONG]
        if len(parts) < 2 or not long:
            return None
        left_out = choose.choice(long)
        query = parts[left_out]
        rest = " ".join(part for number, part in enumerate(parts) if number != left_out)
    return Pair("sentence", query, place, rest, row.title) if query and _length(rest) >= LONG else None


def _after(before: Row, row: Row, place: int) -> Pair | None:
    """The end of the passage before this one, in its document or in one of the same title."""
    if before.document != row.document and not (before.title and before.title == row.title):
        return None
    ends = [part for part in sentences(before.text) if _length(part) >= LONG and part not in row.text]
    return Pair("neighbour", ends[-1], place) if ends else None


def sentences(text: str) -> list[str]:
    """The sentences of a text; of one without any, its phrases, by commas or white space."""
    parts = [part.strip() for part in _PART.split(text) if part.strip()]
    if len(parts) > 1:
        return parts
    phrases, phrase = list[str](), ""
    for word in re.split(r"(?<=,)|(?<=\s)", text):
        phrase += word
        if _length(phrase) >= 2 * LONG:
            phrases.append(phrase.strip())
            phrase = ""
    return [*phrases, phrase.strip()] if phrase.strip() else phrases


def describe(code: str) -> tuple[str, str]:
    """What describes a function, and the code without it: its docstring's beginning, a comment, its name."""
    if found := _DOCSTRING.search(code):
        summary = " ".join(_END_OF_SUMMARY.split(found[2].strip())[0].split())
        if len(summary) >= LONG // 2:
            return summary, code[: found.start()] + code[found.end() :]
    if found := _COMMENT.search(code):
        return found[1].strip(), code[: found.start()] + code[found.end() :]
    if found := _FUNCTION.search(code):
        words = re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", found[1]).lower()
        return " ".join(words.split()), re.sub(rf"\b{found[1]}\b", "f", code)
    return "", code


def _length(text: str) -> int:
    return len(text) + 2 * len(_IDEOGRAPH.findall(text))


def _kept_vectors(
    dataset: EvaluationSet, model: Embedder, pairs: Sequence[Pair], code: bool, say: Say
) -> dict[str, Floats]:
    """The vectors of the set's queries, those of the pairs, and the passages that are embedded again."""
    asked = list(dataset.queries.values())
    digest = hashlib.sha256(json.dumps([model.fingerprint, asked, pairs]).encode("utf-8", "replace"))
    kept: Path = paths.home() / "evaluation" / f"{dataset.name}.{digest.hexdigest()[:16]}.npz"
    if not kept.exists():
        say(f"{dataset.name}: embedding {len(pairs)} pairs")
        again = [pair for pair in pairs if pair.text]
        queries = _embed_queries(model, asked, code=code)
        of_pairs = _embed_queries(model, [pair.query for pair in pairs], code=code)
        passages = model.embed_documents(
            [pair.text for pair in again], [pair.title or None for pair in again]
        )
        with new_file(kept) as work, work.open("wb") as file:
            np.savez(file, queries=queries, pairs=of_pairs, again=passages)
    with np.load(kept) as stored:
        return {name: stored[name] for name in ("queries", "pairs", "again")}


def _embed_queries(model: Embedder, texts: Sequence[str], *, code: bool) -> Floats:
    """(texts, 2, 768) as `Embedder.embed_query` has them, in batches; without `code`, both rows are alike."""
    prose = model.embed_queries(texts)
    both = prose + CODE_WEIGHT * model.embed_queries(texts, task="code retrieval") if code else prose
    stacked = np.stack([prose, both], axis=1)
    return np.asarray(stacked / np.linalg.norm(stacked, axis=2, keepdims=True), np.float32)
