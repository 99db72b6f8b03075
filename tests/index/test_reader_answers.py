"""Whatever a reader answers, the parent gets a sound document or that file's failure, and nothing else."""

from __future__ import annotations

import json
import math
import struct
from array import array
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.lying import Lying
from support.sound import by_bytes, bytes_counter, check_document, check_passages

from index.errors import FileFailed, FileSkipped, FileTooSlow
from index.extract import ReaderPool
from index.extract.answer import PackedAnswer, ParsedAnswer, Refusal, parse_answer
from index.extract.worker import ANSWER_HEADER, ChunkerSettings, pack_answer
from index.types import Document, Section

TEXT = "# Harbour\n\nBoats moor at the east quay.\n\nRopes.\n"
DOCUMENT = Document(
    TEXT, "markdown", "Harbour", sections=(Section(0, 9, "heading", ("Harbour",)), Section(11, len(TEXT))),
    pages=(0, 11),
)  # fmt: skip
SIZE = 200


def parts(data: bytes) -> PackedAnswer:
    sizes = ANSWER_HEADER.unpack_from(data)
    ends = [
        ANSWER_HEADER.size,
        ANSWER_HEADER.size + sizes[0],
        ANSWER_HEADER.size + sizes[0] + sizes[1],
        len(data),
    ]
    return PackedAnswer(*(data[a:b] for a, b in pairwise(ends)))


PASSAGES = ChunkerSettings(bytes_counter, SIZE).passages(DOCUMENT, "harbour.md")
CUT = parts(pack_answer(DOCUMENT, b"\x01" * 16, PASSAGES))
WHOLE = parts(pack_answer(DOCUMENT, b"\x01" * 16))
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(st.characters(), max_size=20),
    st.sampled_from([-1, 0, 1 << 31, 10**40, len(TEXT), math.nan, "\ud800", "skipped", "failed",
                     "unreadable", "markdown", "0" * 32]),
)  # fmt: skip
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4), max_leaves=12)
HEADERS = st.dictionaries(
    st.sampled_from([*json.loads(CUT.header), "refused", "what", "fix", "errno"]), VALUES, max_size=3
)
NUMBERS = st.lists(
    st.one_of(st.integers(0, len(TEXT) + 2), st.integers(0, (1 << 32) - 1)), max_size=len(PASSAGES) * 6 + 3
)


def is_sound(answer: PackedAnswer, most_tokens: int | None) -> bool:
    """Whether it was taken; what is taken is checked."""
    try:
        found = parse_answer(answer, most_tokens)
    except FileFailed as error:
        assert error.what
        return False
    assert 0 <= found.memory < 1 << 62
    if isinstance(found, Refusal):
        assert found.error.what
        return False
    assert isinstance(found, ParsedAnswer)
    assert len(found.hash) == 16
    for words in (found.document.title, found.document.note, found.document.language, found.document.text):
        words.encode()
    for section in found.document.sections:
        "".join(section.heading).encode()
    for passage in found.passages:
        "".join((passage.title, passage.text, *passage.heading)).encode()
        assert 0 <= passage.start < passage.end <= len(found.document.text)
        assert passage.text == found.document.text[passage.start : passage.end]
        assert passage.tokens <= (most_tokens or 0)
    if found.document.text.strip():
        check_document(found.document)
    return True


def test_an_honest_answer_is_taken_as_it_is() -> None:
    read = parse_answer(CUT, SIZE)
    assert isinstance(read, ParsedAnswer)
    assert list(read.passages) == PASSAGES
    check_passages(read.document, read.passages, by_bytes, SIZE)
    whole = parse_answer(WHOLE, None)
    assert isinstance(whole, ParsedAnswer)
    assert whole.document == DOCUMENT


@settings(max_examples=300, deadline=None)
@given(HEADERS, st.sets(st.sampled_from([*json.loads(CUT.header)]), max_size=1), st.booleans())
def test_a_header_of_anything(changed: dict[str, Any], missing: set[str], cut: bool) -> None:
    honest = CUT if cut else WHOLE
    header = {k: v for k, v in {**json.loads(honest.header), **changed}.items() if k not in missing}
    data = json.dumps(header).encode()
    sound = is_sound(PackedAnswer(data, honest.numbers, honest.body), SIZE if cut else None)
    assert not (sound and missing - {"passage_title"})


@settings(max_examples=200, deadline=None)
@given(NUMBERS, st.binary(max_size=3), st.booleans())
def test_numbers_of_anything(numbers: list[int], odd: bytes, cut: bool) -> None:
    honest = CUT if cut else WHOLE
    is_sound(
        PackedAnswer(honest.header, array("I", numbers).tobytes() + odd, honest.body), SIZE if cut else None
    )


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80), st.binary(max_size=40), st.binary(max_size=40))
def test_bytes_of_anything(header: bytes, numbers: bytes, body: bytes) -> None:
    assert not is_sound(PackedAnswer(header, numbers, body), SIZE)
    is_sound(PackedAnswer(CUT.header, CUT.numbers, body), SIZE)


@pytest.mark.parametrize(
    "header",
    [
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"[]",
        b"9" * 10_000,
        b'{"memory":' + b"9" * 5_000 + b"}",
        b"{" + b'"headings":[' + b"[]," * 2_000_000 + b"[]]}",
    ],
    ids=["lists", "objects", "no object", "a number", "memory", "headings"],
)
def test_a_header_made_to_cost_the_parent_much(header: bytes) -> None:
    assert not is_sound(PackedAnswer(header, b"", b""), SIZE)


def test_halves_of_surrogate_pairs_become_one_character_each() -> None:
    """So that a title or a text can be stored, and no position moves."""
    broken = Document("a \ud800 b", "text", "c \udfff d", sections=(Section(0, 5),))
    read = parse_answer(parts(pack_answer(broken, b"\x01" * 16)), None)
    assert isinstance(read, ParsedAnswer)
    assert (read.document.text, read.document.title) == ("a \ufffd b", "c \ufffd d")


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    lie=st.one_of(
        st.binary(max_size=200),
        st.tuples(*[st.integers(0, (1 << 32) - 1)] * 3).map(lambda sizes: struct.pack("!III", *sizes)),
        st.tuples(HEADERS, st.binary(max_size=60), st.binary(max_size=60)).map(
            lambda one: (
                (head := json.dumps(one[0]).encode())
                and ANSWER_HEADER.pack(len(head), len(one[1]), len(one[2])) + head + one[1] + one[2]
            )
        ),
    ),
)
def test_a_reader_that_was_taken_over_harms_its_own_file_alone(
    lie: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("lies")
    (folder / "note.md").write_text("# Note\n")
    with pytest.MonkeyPatch.context() as patch, ReaderPool(1) as pool:
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
        with pytest.raises((FileFailed, FileSkipped)):
            pool.read(str(folder / "note.md"), Lying(bytes_counter, answer=lie))
        assert pool.read(str(folder / "note.md")).document.title == "Note"


def test_an_answer_that_drips_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time is that of the whole answer, not of each byte of it."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    (tmp_path / "note.md").write_text("# Note\n")
    with ReaderPool(1, seconds=0.2) as pool, pytest.raises(FileTooSlow):
        pool.read(
            str(tmp_path / "note.md"),
            Lying(bytes_counter, answer=ANSWER_HEADER.pack(1 << 20, 0, 0), dripping=True),
        )
