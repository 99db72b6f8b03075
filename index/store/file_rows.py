"""The rows of a file: record, passages, texts and words, written and deleted inside a transaction.

Used by the store only. A text is what is embedded, stored once wherever it occurs; the id of a deleted text
is reused, so that tables and vectors stay dense.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import apsw

from index.store import facts, generations, vectors, wiping
from index.store.database import fetch_all, fetch_one, fetch_value
from index.store.fts_query import to_fts_text
from index.store.headings import put_headings
from index.store.row_codec import (
    FILE_COLUMNS,
    encode_file,
    encode_integer,
    encode_passage,
    encode_path,
    encode_text,
    path_words,
)
from index.types import FileRecord, Passage

_COLUMNS = ", ".join(FILE_COLUMNS)


def put_file(db: apsw.Connection, record: FileRecord, passages: Sequence[Passage]) -> tuple[int, set[int]]:
    """Store a file; returns the number of new texts, and the ids of those it had before: another file of the
    same batch may use them."""
    known = file_id(db, record.path)
    before = texts_of_file(db, known) if known else set()
    file = write_file(db, known, record)
    if known:
        _delete_passages(db, file)
        facts.delete_facts(db, file)
    new = add_passages(db, file, passages, record.title, record.mtime_ns)
    facts.put_facts(db, file, record)
    return new, before


def add_passages(
    db: apsw.Connection, file: int, passages: Sequence[Passage], title: str, mtime_ns: int
) -> int:
    """Passages behind those that a file has; how many texts are new."""
    numbered = _texts(db, passages)
    changed = encode_integer(mtime_ns)
    # Row by row: a statement of many rows begins a savepoint, at which FTS5 writes all it holds to its table.
    waiting = [(text, changed) for text, is_new in numbered if is_new]
    db.executemany("INSERT INTO todo(text, mtime_ns) VALUES (?, ?)", waiting)
    sql = "SELECT coalesce(max(ordinal), -1) + 1 FROM passages WHERE file = ?"
    first = fetch_value(db, sql, int, (file,))
    put_headings(db, file, enumerate(passages, first))
    db.executemany(
        "INSERT INTO passages(file, ordinal, text, start, end, line, page, title, heading, places) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (file, ordinal, text, *encode_passage(one, title))
            for ordinal, (one, (text, _)) in enumerate(zip(passages, numbered, strict=True), first)
        ],
    )
    return len(waiting)


def write_file(db: apsw.Connection, known: int, record: FileRecord) -> int:
    """Insert the row of a file, or update the row `known`; returns its id."""
    values = (*encode_file(record), time.time_ns(), facts.stem_key(record.path))
    if known:
        renamed = _note_changes(db, known, record)
        assignments = ", ".join(f"{column} = ?" for column in (*FILE_COLUMNS, "indexed_ns", "stem"))
        db.execute(f"UPDATE files SET {assignments} WHERE id = ?", (*values, known))
        if not renamed:
            return known
        db.execute("DELETE FROM names WHERE rowid = ?", (known,))
    else:
        db.execute(
            f"INSERT INTO files({_COLUMNS}, indexed_ns, stem) VALUES ({'?, ' * len(FILE_COLUMNS)} ?, ?)",
            values,
        )
    file = known or db.last_insert_rowid()
    db.execute("INSERT INTO names(rowid, path) VALUES (?, ?)", (file, path_words(record.path)))
    return file


def _note_changes(db: apsw.Connection, file: int, record: FileRecord) -> bool:
    """Whether the path of the file changed; mark the old path, title and reason for overwriting."""
    path, *said = fetch_one(db, "SELECT path, title, reason FROM files WHERE id = ?", (file,))
    renamed = bool(path != encode_path(record.path))
    if renamed or said != [record.title, record.reason]:
        wiping.mark_due(db)
    return renamed


def _texts(db: apsw.Connection, passages: Sequence[Passage]) -> list[tuple[int, bool]]:
    """The id of the text of each passage, and whether the text is new."""
    reuse = fetch_one(db, "SELECT 1 FROM freed LIMIT 1") is not None
    return [_text(db, passage, reuse=reuse) for passage in passages]


def _text(db: apsw.Connection, passage: Passage, *, reuse: bool) -> tuple[int, bool]:
    key = passage.key
    if known := fetch_one(db, "SELECT id FROM texts WHERE key = ?", (key,)):
        return known[0], False
    freed = None
    if reuse:
        freed = fetch_one(db, "DELETE FROM freed WHERE id = (SELECT min(id) FROM freed) RETURNING id")
    title, text, tokens = encode_text(passage)
    db.execute(
        "INSERT INTO texts(id, key, title, text, tokens) VALUES (?, ?, ?, ?, ?)",
        (freed[0] if freed else None, key, title, text, tokens),
    )
    id_ = db.last_insert_rowid()
    db.execute(
        "INSERT INTO words(rowid, title, body) VALUES (?, ?, ?)", (id_, to_fts_text(title), to_fts_text(text))
    )
    return id_, True


def delete_files(db: apsw.Connection, files: Sequence[int]) -> None:
    texts: set[int] = set()
    if files:
        wiping.mark_due(db)
    for file in files:
        texts |= texts_of_file(db, file)
        _delete_passages(db, file)
        facts.delete_facts(db, file)
        db.execute("DELETE FROM files WHERE id = ?", (file,))
        db.execute("DELETE FROM names WHERE rowid = ?", (file,))
    drop_unused(db, texts)


def _delete_passages(db: apsw.Connection, file: int) -> None:
    db.execute("DELETE FROM passages WHERE file = ?", (file,))
    db.execute("DELETE FROM headings WHERE file = ?", (file,))


def drop_unused(db: apsw.Connection, candidates: set[int]) -> None:
    """Delete the candidates that no passage uses, with their words and vectors."""
    unused = [
        (text,)
        for text in sorted(candidates)
        if not fetch_one(db, "SELECT 1 FROM passages WHERE text = ? LIMIT 1", (text,))
    ]
    db.executemany("DELETE FROM todo WHERE text = ?", unused)
    db.executemany("DELETE FROM words WHERE rowid = ?", unused)
    db.executemany("DELETE FROM texts WHERE id = ?", unused)
    db.executemany("INSERT INTO freed(id) VALUES (?)", unused)
    if unused:
        wiping.mark_due(db)
    texts = [text for (text,) in unused]
    for number in generations.numbers(db):
        vectors.erase(db, number, texts)
    generations.log_changes(db, texts)


def file_id(db: apsw.Connection, path: str) -> int:
    """The id of a file; 0 where it is not in the index."""
    return fetch_value(db, "SELECT coalesce(max(id), 0) FROM files WHERE path = ?", int, (encode_path(path),))


def texts_of_file(db: apsw.Connection, file: int) -> set[int]:
    return {text for (text,) in fetch_all(db, "SELECT text FROM passages WHERE file = ?", (file,))}
