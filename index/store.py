"""The only place that writes the index: files, passages, words and vectors, whole transactions only.

A file's passages and words are committed at once and can be found by words; their vectors follow
through `pending` and `put_vectors`. A text is what is embedded (prompt title and passage); equal
texts are stored, found and embedded once, wherever they appear. A freed text's number is used again,
so that tables and vectors stay dense. Knows nothing of models: vectors come in as arrays.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

import apsw
import numpy as np
from numpy.typing import NDArray

from index import generations, vectors
from index.database import open_writer, row, rows, titled, transaction, value
from index.errors import IndexingError
from index.question import searchable
from index.records import (
    FILE_COLUMNS,
    clean,
    decode_file,
    encode_file,
    encode_heading,
    encode_path,
    path_words,
    under_clause,
)
from index.types import FileRecord, Passage

_COLUMNS = ", ".join(FILE_COLUMNS)


@dataclass(frozen=True, slots=True)
class Pending:
    """A text that waits for its vector. `title` is the document prompt's."""

    id: int
    title: str
    text: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Counts:
    """How much is stored. `problems` are files skipped or failed, `pending` texts without a vector."""

    files: int
    passages: int
    pending: int
    problems: int


@dataclass(frozen=True, slots=True)
class StoredFolder:
    """A folder (or single file) ken keeps, its state and a note on it."""

    path: str
    state: str
    note: str


class Store:
    """The index, open for writing; may be used from any thread.

    `fingerprint` names what makes the vectors this writer will put: where it differs from the one
    the index was made with, re-embedding begins beside the old vectors. `chunker` names what cuts
    passages: where it differs, every file counts as changed.
    """

    def __init__(self, path: Path, *, fingerprint: str = "", chunker: str = "") -> None:
        self.path = Path(path)
        self._lock = threading.RLock()
        self._connection = open_writer(self.path)
        try:
            with self._write() as db:
                if fingerprint:
                    generations.take(db, fingerprint)
                if chunker:
                    _take_chunker(db, chunker)
        except BaseException:
            self._connection.close()
            raise

    def add_folder(self, path: str) -> None:
        with self._write() as db:
            db.execute(
                "INSERT OR IGNORE INTO folders(path, state, added_ns) VALUES (?, 'unwatched', ?)",
                (encode_path(path), time.time_ns()),
            )

    def folders(self) -> tuple[StoredFolder, ...]:
        with self._read() as db:
            found = rows(db, "SELECT path, state, note FROM folders ORDER BY added_ns, path")
        return tuple(StoredFolder(os.fsdecode(path), state, note) for path, state, note in found)

    def set_folder_state(self, path: str, state: str, note: str = "") -> None:
        with self._write() as db:
            db.execute(
                "UPDATE folders SET state = ?, note = ? WHERE path = ?", (state, note, encode_path(path))
            )

    def forget(self, path: str) -> int:
        """Drop every folder and file at or under `path`; returns the files dropped."""
        where, bindings = _under(path)
        with self._write() as db:
            db.execute(f"DELETE FROM folders WHERE {where}", bindings)
            files = [file for (file,) in rows(db, f"SELECT id FROM files WHERE {where}", bindings)]
            _delete_files(db, files)
        return len(files)

    def files(self, under: str | None = None) -> dict[str, FileRecord]:
        """Every file the index remembers, by path; `under` narrows to a folder or one file."""
        where, bindings = _under(under)
        with self._read() as db:
            found = rows(db, f"SELECT {_COLUMNS} FROM files WHERE {where}", bindings)
        records = [decode_file(one) for one in found]
        return {record.path: record for record in records}

    def put(self, items: Sequence[tuple[FileRecord, Sequence[Passage]]]) -> int:
        """Replace the passages and words of each file, in one transaction.

        Texts that stay keep their vectors. Returns how many texts now lack one because of this.
        """
        waiting, left = 0, set[int]()
        with self._write() as db:
            for record, passages in items:
                new, before = _put_file(db, record, passages)
                waiting, left = waiting + new, left | before
            _drop_unused(db, left)
        return waiting

    def move(self, old: str, new: str, record: FileRecord) -> None:
        """The file at `old` is now at `new`, its passages unchanged; what was at `new` is dropped."""
        self.move_all([(old, replace(record, path=new))])

    def move_all(self, moves: Sequence[tuple[str, FileRecord]]) -> None:
        """Each file at an old path is now where its record says, in one transaction; chains and swaps too."""
        with self._write() as db:
            files = [(_file_id(db, old), old, record) for old, record in moves]
            moving = {file for file, _, _ in files}
            if 0 in moving:
                lost = next(old for file, old, _ in files if not file)
                raise IndexingError(f"{lost} is not in the index.", "Read the file again.")
            targets = {_file_id(db, record.path) for _, _, record in files}
            _delete_files(db, sorted(targets - moving - {0}))
            away = [(b"\0%d" % file, file) for file in targets & moving]
            db.executemany("UPDATE files SET path = ? WHERE id = ?", away)
            for file, _, record in files:
                _write_file(db, file, record)

    def remove(self, paths: Sequence[str]) -> int:
        """Drop files; paths that are not in the index are ignored. Returns the files dropped."""
        with self._write() as db:
            files = [file for path in paths if (file := _file_id(db, path))]
            _delete_files(db, files)
        return len(files)

    def problems(self) -> list[FileRecord]:
        """Files that are remembered as skipped or failed, with their reasons."""
        with self._read() as db:
            found = rows(db, f"SELECT {_COLUMNS} FROM files WHERE state != 'indexed' ORDER BY path")
        return [decode_file(one) for one in found]

    def indexed_ns(self, path: str) -> int | None:
        """When the file at `path` was last taken in, in nanoseconds since the epoch."""
        with self._read() as db:
            row = db.execute("SELECT indexed_ns FROM files WHERE path = ?", (encode_path(path),)).fetchone()
        return int(row[0]) if row else None

    def counts(self, under: str | None = None) -> Counts:
        where, bindings = _under(under)
        inside = f"file IN (SELECT id FROM files WHERE {where})" if under else "1"
        with self._read() as db:
            indexed, problems = row(
                db,
                "SELECT count(*) FILTER (WHERE state = 'indexed'), "
                f"count(*) FILTER (WHERE state != 'indexed') FROM files WHERE {where}",
                bindings,
            )
            passages = value(db, f"SELECT count(*) FROM passages WHERE {inside}", int, bindings)
            waiting = "SELECT count(*) FROM todo"
            if under:
                waiting += f" WHERE text IN (SELECT text FROM passages WHERE {inside})"
            pending = value(db, waiting, int, bindings)
        return Counts(indexed, passages, pending, problems)

    @property
    def fingerprint(self) -> str:
        """What made the vectors that searches are answered with; empty before the first."""
        with self._read() as db:
            return generations.fingerprint(db, generations.serving(db))

    def pending(self, limit: int) -> list[Pending]:
        """Texts that wait for a vector, those of the newest files first."""
        with self._read() as db:
            found = rows(
                db,
                "SELECT texts.id, texts.title, texts.text, texts.tokens FROM todo "
                "JOIN texts ON texts.id = todo.text ORDER BY todo.mtime_ns DESC, todo.text LIMIT ?",
                (limit,),
            )
        return [Pending(*one) for one in found]

    def put_vectors(self, ids: Sequence[int], rows_: NDArray[np.float32]) -> None:
        """Store (n, 768) unit rows for texts given by `pending`, in one transaction.

        A text that was dropped meanwhile is ignored. When nothing waits any more, vectors that were
        made beside older ones take their place.
        """
        checked = _checked(rows_, len(ids))
        with self._write() as db:
            kept = [i for i, text in enumerate(ids) if row(db, "SELECT 1 FROM todo WHERE text = ?", (text,))]
            texts = [ids[i] for i in kept]
            vectors.write(db, generations.writing(db), texts, checked[kept])
            db.executemany("DELETE FROM todo WHERE text = ?", [(text,) for text in texts])
            generations.log(db, texts)
            generations.swap_when_whole(db)

    def begin_reembedding(self, fingerprint: str) -> None:
        """Start vectors of another fingerprint beside those that serve, for every text."""
        with self._write() as db:
            generations.begin(db, fingerprint)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _write(self) -> Iterator[apsw.Connection]:
        with self._lock, transaction(self._connection, self.path) as db:
            yield db

    @contextmanager
    def _read(self) -> Iterator[apsw.Connection]:
        with self._lock, titled(self.path):
            yield self._connection


def _put_file(db: apsw.Connection, record: FileRecord, passages: Sequence[Passage]) -> tuple[int, set[int]]:
    """How many texts are new, and which the file had before: another of the same batch may take them up."""
    known = _file_id(db, record.path)
    before = _texts_of(db, known) if known else set()
    file = _write_file(db, known, record)
    db.execute("DELETE FROM passages WHERE file = ?", (file,))
    numbered = [_text(db, passage, record.mtime_ns) for passage in passages]
    db.executemany(
        "INSERT INTO passages(file, ordinal, text, start, end, line, page, title, heading) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (file, ordinal, text, one.start, one.end, one.line, one.page,
             None if one.title == record.title else clean(one.title), encode_heading(one.heading))
            for ordinal, (one, (text, _)) in enumerate(zip(passages, numbered, strict=True))
        ],
    )  # fmt: skip
    return sum(new for _, new in numbered), before


def _write_file(db: apsw.Connection, known: int, record: FileRecord) -> int:
    """Insert a file's row, or bring the row `known` up to date; returns its number."""
    values = (*encode_file(record), time.time_ns())
    if known:
        assignments = ", ".join(f"{column} = ?" for column in (*FILE_COLUMNS, "indexed_ns"))
        db.execute(f"UPDATE files SET {assignments} WHERE id = ?", (*values, known))
        db.execute("DELETE FROM names WHERE rowid = ?", (known,))
    else:
        db.execute(
            f"INSERT INTO files({_COLUMNS}, indexed_ns) VALUES ({'?, ' * len(FILE_COLUMNS)} ?)", values
        )
    file = known or db.last_insert_rowid()
    db.execute("INSERT INTO names(rowid, path) VALUES (?, ?)", (file, path_words(record.path)))
    return file


def _text(db: apsw.Connection, passage: Passage, mtime_ns: int) -> tuple[int, bool]:
    """The number of a passage's text, and whether it is new."""
    key = passage.key
    if known := row(db, "SELECT id FROM texts WHERE key = ?", (key,)):
        return known[0], False
    freed = row(db, "DELETE FROM freed WHERE id = (SELECT min(id) FROM freed) RETURNING id")
    title, text = clean(passage.prompt_title), clean(passage.text)
    db.execute(
        "INSERT INTO texts(id, key, title, text, tokens) VALUES (?, ?, ?, ?, ?)",
        (freed[0] if freed else None, key, title, text, passage.tokens),
    )
    id_ = db.last_insert_rowid()
    db.execute(
        "INSERT INTO words(rowid, title, body) VALUES (?, ?, ?)", (id_, searchable(title), searchable(text))
    )
    db.execute("INSERT INTO todo(text, mtime_ns) VALUES (?, ?)", (id_, mtime_ns))
    return id_, True


def _delete_files(db: apsw.Connection, files: Sequence[int]) -> None:
    texts: set[int] = set()
    for file in files:
        texts |= _texts_of(db, file)
        db.execute("DELETE FROM passages WHERE file = ?", (file,))
        db.execute("DELETE FROM files WHERE id = ?", (file,))
        db.execute("DELETE FROM names WHERE rowid = ?", (file,))
    _drop_unused(db, texts)


def _drop_unused(db: apsw.Connection, candidates: set[int]) -> None:
    """Drop those texts that no passage uses any more, with their words and vectors."""
    unused = [
        (text,)
        for text in sorted(candidates)
        if not row(db, "SELECT 1 FROM passages WHERE text = ? LIMIT 1", (text,))
    ]
    db.executemany("DELETE FROM todo WHERE text = ?", unused)
    db.executemany("DELETE FROM words WHERE rowid = ?", unused)
    db.executemany("DELETE FROM texts WHERE id = ?", unused)
    db.executemany("INSERT INTO freed(id) VALUES (?)", unused)
    texts = [text for (text,) in unused]
    for number in generations.numbers(db):
        vectors.erase(db, number, texts)
    generations.log(db, texts)


def _take_chunker(db: apsw.Connection, chunker: str) -> None:
    known = row(db, "SELECT value FROM settings WHERE name = 'chunker'")
    if known and known[0] != chunker:
        db.execute("UPDATE files SET mtime_ns = -1, hash = x'' WHERE state = 'indexed'")
    db.execute("INSERT OR REPLACE INTO settings(name, value) VALUES ('chunker', ?)", (chunker,))


def _under(path: str | None) -> tuple[str, tuple[bytes, ...]]:
    return under_clause(path) if path else ("1", ())


def _file_id(db: apsw.Connection, path: str) -> int:
    """The number of a file; 0 where it is not in the index."""
    return value(db, "SELECT coalesce(max(id), 0) FROM files WHERE path = ?", int, (encode_path(path),))


def _texts_of(db: apsw.Connection, file: int) -> set[int]:
    return {text for (text,) in rows(db, "SELECT text FROM passages WHERE file = ?", (file,))}


def _checked(vectors_: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Unit rows of the right shape, or an error: vec0 itself takes anything."""
    checked = np.ascontiguousarray(vectors_, np.float32)
    if checked.shape != (count, vectors.FULL):
        raise IndexingError(
            f"Vectors of shape {checked.shape} came for {count} texts.", "This is a bug; report it."
        )
    if not np.all(np.abs(np.linalg.norm(checked, axis=1) - 1) < 0.01):
        raise IndexingError(
            "The model gave a vector that is not a unit vector.", "Run `ken doctor` to check the model."
        )
    return checked
