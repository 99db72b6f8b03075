"""The only place that writes the index: files, passages, words and vectors, whole transactions only.

A file's passages and words are committed at once and can be found by words; their vectors follow
through `pending` and `put_vectors`. A text is what is embedded (prompt title and passage); equal
texts are stored, found and embedded once, wherever they appear. A freed text's number is used again,
so that tables and vectors stay dense. Knows nothing of models: vectors come in as arrays.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import apsw
import numpy as np
from numpy.typing import NDArray

from index import lexical, vectors
from index.database import open_writer, titled, transaction
from index.errors import IndexingError
from index.types import FileRecord, Passage

HEADINGS = "\x1f"
LOG_ROWS = 65_536
"""Vector changes a resident copy may lag behind before it reads everything again."""

_SURROGATES = re.compile("[\ud800-\udfff]")
_FILE_COLUMNS = "path, inode, size, mtime_ns, hash, state, reason, kind, language, title"


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
            if fingerprint:
                self._take_fingerprint(fingerprint)
            if chunker:
                self._take_chunker(chunker)
        except BaseException:
            self._connection.close()
            raise

    # -- folders

    def add_folder(self, path: str) -> None:
        with self._write() as db:
            db.execute(
                "INSERT OR IGNORE INTO folders(path, state, added_ns) VALUES (?, 'unwatched', ?)",
                (encode_path(path), time.time_ns()),
            )

    def folders(self) -> tuple[StoredFolder, ...]:
        with self._read() as db:
            rows = db.execute("SELECT path, state, note FROM folders ORDER BY added_ns, path").fetchall()
        return tuple(StoredFolder(os.fsdecode(path), state, note) for path, state, note in rows)

    def set_folder_state(self, path: str, state: str, note: str = "") -> None:
        with self._write() as db:
            db.execute(
                "UPDATE folders SET state = ?, note = ? WHERE path = ?", (state, note, encode_path(path))
            )

    def forget(self, path: str) -> int:
        """Drop every folder and file at or under `path`; returns the files dropped."""
        with self._write() as db:
            where, bindings = under_clause(path)
            db.execute(f"DELETE FROM folders WHERE {where}", bindings)
            ids = [row[0] for row in db.execute(f"SELECT id FROM files WHERE {where}", bindings).fetchall()]
            self._delete_files(db, ids)
        return len(ids)

    # -- files and passages

    def files(self, under: str | None = None) -> dict[str, FileRecord]:
        """Every file the index remembers, by path; `under` narrows to a folder or one file."""
        where, bindings = under_clause(under) if under else ("1", ())
        with self._read() as db:
            rows = db.execute(f"SELECT {_FILE_COLUMNS} FROM files WHERE {where}", bindings).fetchall()
        records = [decode_file(row) for row in rows]
        return {record.path: record for record in records}

    def put(self, items: Sequence[tuple[FileRecord, Sequence[Passage]]]) -> int:
        """Replace the passages and words of each file, in one transaction.

        Texts that stay keep their vectors. Returns how many texts now lack one because of this.
        """
        with self._write() as db:
            return sum(self._put_file(db, record, passages) for record, passages in items)

    def move(self, old: str, new: str, record: FileRecord) -> None:
        """The file at `old` is now at `new`, its passages unchanged; what was at `new` is dropped."""
        with self._write() as db:
            row = db.execute("SELECT id FROM files WHERE path = ?", (encode_path(old),)).fetchone()
            if row is None:
                raise IndexingError(f"{old} is not in the index.", "Read the file again.")
            target = db.execute(
                "SELECT id FROM files WHERE path = ? AND id != ?", (encode_path(new), row[0])
            ).fetchone()
            if target:
                self._delete_files(db, [target[0]])
            self._write_file(db, row[0], record)

    def remove(self, paths: Sequence[str]) -> int:
        """Drop files; paths that are not in the index are ignored. Returns the files dropped."""
        with self._write() as db:
            ids = [
                row[0]
                for path in paths
                for row in db.execute("SELECT id FROM files WHERE path = ?", (encode_path(path),)).fetchall()
            ]
            self._delete_files(db, ids)
        return len(ids)

    def problems(self) -> list[FileRecord]:
        """Files that are remembered as skipped or failed, with their reasons."""
        with self._read() as db:
            rows = db.execute(
                f"SELECT {_FILE_COLUMNS} FROM files WHERE state != 'indexed' ORDER BY path"
            ).fetchall()
        return [decode_file(row) for row in rows]

    def counts(self, under: str | None = None) -> Counts:
        where, bindings = under_clause(under) if under else ("1", ())
        with self._read() as db:
            indexed, others = db.execute(
                f"SELECT count(*) FILTER (WHERE state = 'indexed'), count(*) FILTER (WHERE state != 'indexed') "
                f"FROM files WHERE {where}",
                bindings,
            ).fetchone()
            inside = f"file IN (SELECT id FROM files WHERE {where})" if under else "1"
            passages = db.execute(f"SELECT count(*) FROM passages WHERE {inside}", bindings).fetchone()[0]
            pending = db.execute(
                "SELECT count(*) FROM todo"
                + (f" WHERE text IN (SELECT text FROM passages WHERE {inside})" if under else ""),
                bindings,
            ).fetchone()[0]
        return Counts(indexed, passages, pending, others)

    # -- vectors

    @property
    def fingerprint(self) -> str:
        """What made the vectors that searches are answered with; empty before the first."""
        with self._read() as db:
            row = db.execute("SELECT fingerprint FROM generations WHERE serving").fetchone()
        return str(row[0]) if row else ""

    def pending(self, limit: int) -> list[Pending]:
        """Texts that wait for a vector, those of the newest files first."""
        with self._read() as db:
            rows = db.execute(
                "SELECT texts.id, texts.title, texts.text, texts.tokens FROM todo JOIN texts ON texts.id = todo.text "
                "ORDER BY todo.mtime_ns DESC, todo.text LIMIT ?",
                (limit,),
            ).fetchall()
        return [Pending(*row) for row in rows]

    def put_vectors(self, ids: Sequence[int], rows: NDArray[np.float32]) -> None:
        """Store (n, 768) unit rows for texts given by `pending`, in one transaction.

        A text that was dropped meanwhile is ignored. When nothing waits any more, vectors that were
        made beside older ones take their place.
        """
        checked = _checked(rows, len(ids))
        with self._write() as db:
            number = self._writing_generation(db)
            kept = [i for i, id_ in enumerate(ids) if _waiting(db, id_)]
            chosen = [ids[i] for i in kept]
            vectors.write(db, number, chosen, checked[kept])
            db.executemany("DELETE FROM todo WHERE text = ?", [(id_,) for id_ in chosen])
            self._log(db, chosen)
            self._swap_when_whole(db)

    def begin_reembedding(self, fingerprint: str) -> None:
        """Start vectors of another fingerprint beside those that serve, for every text."""
        with self._write() as db:
            self._begin_reembedding(db, fingerprint)

    # -- life

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

    # -- files, inside a transaction

    def _put_file(self, db: apsw.Connection, record: FileRecord, passages: Sequence[Passage]) -> int:
        row = db.execute("SELECT id FROM files WHERE path = ?", (encode_path(record.path),)).fetchone()
        file = self._write_file(db, row[0] if row else None, record)
        before = {r[0] for r in db.execute("SELECT text FROM passages WHERE file = ?", (file,)).fetchall()}
        db.execute("DELETE FROM passages WHERE file = ?", (file,))
        waiting = 0
        after: set[int] = set()
        for ordinal, passage in enumerate(passages):
            text, new = self._text(db, passage, record.mtime_ns)
            waiting += new
            after.add(text)
            db.execute(
                "INSERT INTO passages(file, ordinal, text, start, end, line, page, title, heading) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (file, ordinal, text, passage.start, passage.end, passage.line, passage.page,
                 None if passage.title == record.title else clean(passage.title),
                 clean(HEADINGS.join(passage.heading))),
            )  # fmt: skip
        self._drop_unused(db, before - after)
        return waiting

    def _write_file(self, db: apsw.Connection, file: int | None, record: FileRecord) -> int:
        values = encode_file(record)
        if file is None:
            db.execute(
                f"INSERT INTO files({_FILE_COLUMNS}, indexed_ns) VALUES ({'?, ' * 10} ?)",
                (*values, time.time_ns()),
            )
            file = db.last_insert_rowid()
        else:
            assignments = ", ".join(f"{column} = ?" for column in _FILE_COLUMNS.split(", "))
            db.execute(
                f"UPDATE files SET {assignments}, indexed_ns = ? WHERE id = ?",
                (*values, time.time_ns(), file),
            )
            db.execute("DELETE FROM names WHERE rowid = ?", (file,))
        db.execute("INSERT INTO names(rowid, path) VALUES (?, ?)", (file, path_words(record.path)))
        return file

    def _text(self, db: apsw.Connection, passage: Passage, mtime_ns: int) -> tuple[int, bool]:
        """The number of a passage's text, and whether it is new."""
        key = passage.key
        row = db.execute("SELECT id FROM texts WHERE key = ?", (key,)).fetchone()
        if row:
            return int(row[0]), False
        freed = db.execute("DELETE FROM freed WHERE id = (SELECT min(id) FROM freed) RETURNING id").fetchone()
        title, text = clean(passage.prompt_title), clean(passage.text)
        db.execute(
            "INSERT INTO texts(id, key, title, text, tokens) VALUES (?, ?, ?, ?, ?)",
            (freed[0] if freed else None, key, title, text, passage.tokens),
        )
        id_ = db.last_insert_rowid()
        db.execute(
            "INSERT INTO words(rowid, title, body) VALUES (?, ?, ?)",
            (id_, lexical.searchable(title), lexical.searchable(text)),
        )
        db.execute("INSERT INTO todo(text, mtime_ns) VALUES (?, ?)", (id_, mtime_ns))
        return id_, True

    def _delete_files(self, db: apsw.Connection, ids: Sequence[int]) -> None:
        for file in ids:
            texts = {r[0] for r in db.execute("SELECT text FROM passages WHERE file = ?", (file,)).fetchall()}
            db.execute("DELETE FROM passages WHERE file = ?", (file,))
            db.execute("DELETE FROM files WHERE id = ?", (file,))
            db.execute("DELETE FROM names WHERE rowid = ?", (file,))
            self._drop_unused(db, texts)

    def _drop_unused(self, db: apsw.Connection, candidates: set[int]) -> None:
        """Drop those texts that no passage uses any more, with their words and vectors."""
        unused = [
            text
            for text in sorted(candidates)
            if db.execute("SELECT 1 FROM passages WHERE text = ? LIMIT 1", (text,)).fetchone() is None
        ]
        numbers = [row[0] for row in db.execute("SELECT number FROM generations").fetchall()]
        for text in unused:
            db.execute("DELETE FROM todo WHERE text = ?", (text,))
            db.execute("DELETE FROM texts WHERE id = ?", (text,))
            db.execute("DELETE FROM words WHERE rowid = ?", (text,))
            db.execute("INSERT INTO freed(id) VALUES (?)", (text,))
        for number in numbers:
            vectors.erase(db, number, unused)
        self._log(db, unused)

    # -- generations, inside a transaction

    def _take_fingerprint(self, fingerprint: str) -> None:
        with self._write() as db:
            rows = db.execute("SELECT number, fingerprint, serving FROM generations").fetchall()
            serving = next((row for row in rows if row[2]), None)
            following = next((row for row in rows if not row[2]), None)
            if serving is None:
                vectors.create_generation(db, 1)
                db.execute(
                    "INSERT INTO generations(number, fingerprint, serving) VALUES (1, ?, 1)", (fingerprint,)
                )
            elif following is not None and following[1] != fingerprint:
                self._cancel_reembedding(db, following[0], serving[0])
                following = None
            if serving and serving[1] != fingerprint and following is None:
                self._begin_reembedding(db, fingerprint)

    def _take_chunker(self, chunker: str) -> None:
        with self._write() as db:
            row = db.execute("SELECT value FROM settings WHERE name = 'chunker'").fetchone()
            if row and row[0] != chunker:
                db.execute("UPDATE files SET mtime_ns = -1, hash = x'' WHERE state = 'indexed'")
            db.execute("INSERT OR REPLACE INTO settings(name, value) VALUES ('chunker', ?)", (chunker,))

    def _begin_reembedding(self, db: apsw.Connection, fingerprint: str) -> None:
        number = 1 + int(db.execute("SELECT coalesce(max(number), 0) FROM generations").fetchone()[0])
        serving = 0 if db.execute("SELECT 1 FROM generations WHERE serving").fetchone() else 1
        for row in db.execute("SELECT number FROM generations WHERE NOT serving").fetchall():
            vectors.drop_generation(db, row[0])
        db.execute("DELETE FROM generations WHERE NOT serving")
        vectors.create_generation(db, number)
        db.execute(
            "INSERT INTO generations(number, fingerprint, serving) VALUES (?, ?, ?)",
            (number, fingerprint, serving),
        )
        db.execute(
            "INSERT OR IGNORE INTO todo(text, mtime_ns) SELECT passages.text, max(files.mtime_ns) "
            "FROM passages JOIN files ON files.id = passages.file GROUP BY passages.text"
        )
        self._swap_when_whole(db)

    def _cancel_reembedding(self, db: apsw.Connection, number: int, serving: int) -> None:
        """Back to the serving vectors: only what they lack still waits."""
        vectors.drop_generation(db, number)
        db.execute("DELETE FROM generations WHERE number = ?", (number,))
        db.execute(f"DELETE FROM todo WHERE text IN (SELECT id FROM tails_{serving})")
        db.execute(
            "INSERT OR IGNORE INTO todo(text, mtime_ns) SELECT passages.text, max(files.mtime_ns) "
            "FROM passages JOIN files ON files.id = passages.file "
            f"WHERE passages.text NOT IN (SELECT id FROM tails_{serving}) GROUP BY passages.text"
        )

    def _writing_generation(self, db: apsw.Connection) -> int:
        """The one being made, else the one that serves; an index without a fingerprint gets one."""
        row = db.execute("SELECT number FROM generations ORDER BY serving LIMIT 1").fetchone()
        if row is None:
            vectors.create_generation(db, 1)
            db.execute("INSERT INTO generations(number, fingerprint, serving) VALUES (1, '', 1)")
            return 1
        return int(row[0])

    def _swap_when_whole(self, db: apsw.Connection) -> None:
        following = db.execute("SELECT number FROM generations WHERE NOT serving").fetchone()
        if following is None or db.execute("SELECT 1 FROM todo LIMIT 1").fetchone():
            return
        for row in db.execute("SELECT number FROM generations WHERE serving").fetchall():
            vectors.drop_generation(db, row[0])
        db.execute("DELETE FROM generations WHERE serving")
        db.execute("UPDATE generations SET serving = 1")

    def _log(self, db: apsw.Connection, ids: Sequence[int]) -> None:
        """Tell resident copies which vectors changed."""
        db.executemany("INSERT INTO vector_log(text) VALUES (?)", [(id_,) for id_ in ids])
        db.execute("DELETE FROM vector_log WHERE seq <= (SELECT max(seq) FROM vector_log) - ?", (LOG_ROWS,))


def encode_path(path: str) -> bytes:
    return os.fsencode(path)


def under_clause(path: str) -> tuple[str, tuple[bytes, ...]]:
    """SQL and its bindings for rows whose `path` is `path` or lies under it."""
    root = encode_path(path).rstrip(b"/")
    return "(path = ? OR (path > ? AND path < ?))", (root, root + b"/", root + b"0")


def path_words(path: str) -> str:
    """What a path is found by: its folders and name, without surrogates."""
    return lexical.searchable(clean(path).replace("/", " "))


def clean(text: str) -> str:
    """`text` with lone surrogates replaced, one for one: SQLite takes UTF-8 only."""
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


def encode_file(record: FileRecord) -> tuple[object, ...]:
    signed = record.inode - (1 << 64) if record.inode >= 1 << 63 else record.inode
    return (
        encode_path(record.path), signed, record.size, record.mtime_ns, record.hash, record.state,
        clean(record.reason), record.kind, record.language, clean(record.title),
    )  # fmt: skip


def decode_file(row: Sequence[object]) -> FileRecord:
    path, inode, *rest = row
    assert isinstance(path, bytes) and isinstance(inode, int)
    return FileRecord(os.fsdecode(path), inode + (1 << 64) if inode < 0 else inode, *rest)  # type: ignore[arg-type]


def _waiting(db: apsw.Connection, text: int) -> bool:
    return db.execute("SELECT 1 FROM todo WHERE text = ?", (text,)).fetchone() is not None


def _checked(rows: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Unit rows of the right shape, or an error: vec0 itself takes anything."""
    rows = np.ascontiguousarray(rows, np.float32)
    if rows.shape != (count, vectors.FULL):
        raise IndexingError(
            f"Vectors of shape {rows.shape} came for {count} texts.", "This is a bug; report it."
        )
    norms = np.linalg.norm(rows, axis=1)
    if not np.all(np.abs(norms - 1) < 0.01):
        raise IndexingError(
            "The model gave a vector that is not a unit vector.", "Run `ken doctor` to check the model."
        )
    return rows
