"""Whatever a file holds, the index stores it or says why not, and stores the other files."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.index_content import embed_all, passage, record

from index.search.searcher import Searcher
from index.store.row_codec import MAX_PASSAGE, MAX_REASON, MAX_TITLE, MAX_WORD
from index.store.store import FILE_ERRORS, Store
from index.types import FileRecord, Passage

pytestmark = pytest.mark.slow

integers = st.integers(-(1 << 80), 1 << 80)
texts = st.text(st.characters(exclude_categories=()), max_size=40)
strange = st.one_of(st.none(), st.floats(), st.binary(max_size=4), st.text(max_size=4), st.booleans())
records = st.builds(
    FileRecord,
    path=st.text(st.characters(exclude_categories=()), min_size=1, max_size=20).map("/n/{}".format),
    inode=integers,
    size=integers,
    mtime_ns=integers,
    hash=st.binary(max_size=80),
    state=st.sampled_from(("indexed", "skipped", "failed", "x", "")),
    reason=texts,
    kind=texts,
    language=texts,
    title=texts,
    ctime_ns=integers,
    disk=integers,
)
passages = st.builds(
    Passage,
    text=texts,
    start=integers,
    end=integers,
    line=integers,
    title=texts,
    heading=st.lists(texts, max_size=3).map(tuple),
    page=st.one_of(st.none(), integers),
    tokens=integers,
)
FIELDS = ("inode", "size", "mtime_ns", "hash", "state", "reason", "kind", "language", "title", "ctime_ns")
EVERY = FileRecord("/n/a.md", 1, 1, 1, b"h")


def stored(text: str) -> str:
    return "".join("\ufffd" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in text)


def near(number: int) -> int:
    return max(-(1 << 63), min(number, (1 << 63) - 1))


@settings(max_examples=150, deadline=None)
@given(records, st.lists(passages, max_size=3))
def test_any_record_comes_back_in_bounds_or_is_refused_with_a_reason(
    hostile: FileRecord, some: list[Passage]
) -> None:
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "a.db", fingerprint="a") as store:
        _, refused = store.put_each([(record("/n/good.md"), [passage("a heron")]), (hostile, some)])
        files = store.files()
        assert files["/n/good.md"].state == "indexed"
        assert store.check() == []
        if refused:
            assert [one.path for one in refused] == [hostile.path]
            assert refused[0].reason
            assert all(one == refused[0] for path, one in files.items() if path == hostile.path)
        else:
            found = files[hostile.path]
            assert found.mtime_ns == near(hostile.mtime_ns)
            assert found.size == near(hostile.size)
            assert (found.title, found.reason) == (stored(hostile.title), stored(hostile.reason))
            assert (found.kind, found.language) == (stored(hostile.kind), stored(hostile.language))
        embed_all(store)
        with Searcher(store.path) as searcher:
            assert searcher.search("heron", None, mode="words").hits[0].path == "/n/good.md"


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(FIELDS), strange)
def test_a_value_of_any_type_is_stored_or_refused(field: str, value: Any) -> None:
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "a.db") as store:
        hostile = replace(EVERY, **{field: value})
        _, refused = store.put_each([(hostile, [])])
        kept = store.files()["/n/a.md"]
        assert kept == refused[0] if refused else getattr(kept, field) == value or field == "reason"
        assert store.problems() == ([kept] if kept.state != "indexed" or kept.reason else [])


HOSTILE: dict[str, tuple[FileRecord, list[Passage]]] = {
    "no state": (replace(EVERY, path="/n/x.md", state="x"), []),  # type: ignore[arg-type]
    "a digest of a megabyte": (replace(EVERY, path="/n/x.md", hash=bytes(1 << 20)), []),
    "a passage that is a book": (replace(EVERY, path="/n/x.md"), [passage("a" * (MAX_PASSAGE + 1))]),
    "a title that is a number": (replace(EVERY, path="/n/x.md", title=7), []),  # type: ignore[arg-type]
    "a heading that is a number": (replace(EVERY, path="/n/x.md"), [passage("a", heading=(7,))]),  # type: ignore[arg-type]
    "a line that is a text": (replace(EVERY, path="/n/x.md"), [passage("a", line="7")]),  # type: ignore[arg-type]
    "a size that is a fraction": (replace(EVERY, path="/n/x.md", size=1.5), []),  # type: ignore[arg-type]
    "a passage that is none": (replace(EVERY, path="/n/x.md"), [None]),  # type: ignore[list-item]
}


@pytest.mark.parametrize("what", HOSTILE)
def test_one_file_that_cannot_be_stored_leaves_the_other_300(tmp_path: Path, what: str) -> None:
    good = [(record(f"/n/{i}.md"), [passage(f"note {i}")]) for i in range(300)]
    items = [*good[:150], HOSTILE[what], *good[150:]]
    with Store(tmp_path / "a.db", fingerprint="a") as store:
        with pytest.raises(FILE_ERRORS):
            store.put(items)
        assert store.files() == {}
        _, refused = store.put_each(items)
        assert [one.path for one in refused] == ["/n/x.md"]
        assert store.counts().files == 300
        assert [(one.path, one.state) for one in store.problems()] == [("/n/x.md", "failed")]
        assert "could not be stored. " in store.problems()[0].reason
        assert store.check() == []


def test_a_path_that_no_file_can_have_is_refused_and_not_remembered(tmp_path: Path) -> None:
    with Store(tmp_path / "a.db") as store:
        _, refused = store.put_each([(record("/n/a.md"), []), (record("/n/\ud800.md"), [])])
        assert [one.path for one in refused] == ["/n/\ud800.md"]
        assert list(store.files()) == ["/n/a.md"]


def test_what_is_too_long_is_cut(tmp_path: Path) -> None:
    long = "x" * 100_000
    heading = tuple(long for _ in range(1_000))
    with Store(tmp_path / "a.db") as store:
        whole = replace(EVERY, reason=long, kind=long, language=long, title=long)
        assert store.put_each([(whole, [passage("a heron", heading=heading)])]) == (1, [])
        kept = store.files()["/n/a.md"]
        assert (len(kept.title), len(kept.reason), len(kept.kind)) == (MAX_TITLE, MAX_REASON, MAX_WORD)
        store.set_root_state("/n", "missing", long)
        with Searcher(store.path) as searcher:
            hit = searcher.search("heron", None, mode="words").hits[0]
            assert max(map(len, hit.heading)) == MAX_TITLE


def test_a_note_and_a_reason_hold_what_they_can(tmp_path: Path) -> None:
    with Store(tmp_path / "a.db", fingerprint="a") as store:
        store.add_root("/n")
        store.set_root_state("/n", "missing", "gone: \udcff\0")
        assert store.roots()[0].note == "gone: \ufffd\ufffd"
        store.put([(record("/n/a.md"), [passage("a")])])
        store.reject_text(store.pending(1)[0].id, "is odd: \ud800\0")
        assert store.problems()[0].reason == "The passage at line 1 is odd: \ufffd\ufffd"
