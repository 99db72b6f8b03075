"""The only place that writes the index: files, passages, words and vectors, whole transactions only.

A file's passages and words are committed at once and can be found by words; their vectors follow
through `pending` and `put_vectors`. A text is what is embedded (prompt title and passage); equal
texts are stored, found and embedded once, wherever they appear. A freed text's number is used again,
so that tables and vectors stay dense. Knows nothing of models: vectors come in as arrays.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import apsw

from index.errors import FileFailed, IndexBusy, IndexFull, IndexingError
from index.store import file_rows, generations, repair, vectors, wiping
from index.store.database import (
    WriteConnection,
    corrupt_error,
    fetch_all,
    fetch_one,
    fetch_value,
    transaction,
    translate_errors,
)
from index.store.repair import Finding
from index.store.row_codec import (
    FILE_COLUMNS,
    MAX_REASON,
    clean_text,
    decode_file,
    encode_file,
    encode_path,
    under_clause,
    unstorable_record,
)
from index.types import FileRecord, Passage

TIDY_EVERY = 64
"""Transactions between two looks at how much lies free."""
FREE_SHARE = 0.25
FREE_LEAST = 1_000
"""Texts' numbers that lie free before the tables are rebuilt: this share, and this many."""
FILE_ERRORS = (
    FileFailed,
    ArithmeticError,
    AttributeError,
    TypeError,
    ValueError,
    apsw.ConstraintError,
    apsw.MismatchError,
    apsw.RangeError,
    apsw.TooBigError,
)
"""What storing one file raises because of what that file holds; the disk, a lock or damage raise others."""
FORGOTTEN = "forgotten"
"""The state of a folder that is left out of the one it lies in."""
_COLUMNS = ", ".join(FILE_COLUMNS)
_PROBLEM = "state != 'named' AND (state != 'indexed' OR reason != '')"
"""An indexed file's reason says what of it was left out."""


@dataclass(frozen=True, slots=True)
class EmbeddingJob:
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
class StoredRoot:
    """A folder (or single file) ken keeps, its state and a note on it."""

    path: str
    state: str
    note: str


class Store(WriteConnection):
    """The index, open for writing; may be used from any thread.

    `fingerprint` names what makes the vectors this writer will put: where it differs from the one
    the index was made with, re-embedding begins beside the old vectors. `chunker` names what cuts
    passages: where it differs, every file counts as changed.
    """

    def __init__(self, path: Path, *, fingerprint: str = "", chunker: str = "") -> None:
        super().__init__(path)
        self._writes = 0
        with contextlib.suppress(IndexingError):  # a damaged index is for `repair`
            self._renew_words()
        try:
            if fingerprint or chunker:
                self.use_versions(fingerprint, chunker)
        except BaseException:
            self.close()
            raise

    def _renew_words(self) -> None:
        with self._read() as db:
            old = repair.has_old_words(db)
        if old:
            with self._write() as db:
                repair.renew_words(db)

    def use_versions(self, fingerprint: str, chunker: str) -> None:
        """Note what makes the vectors and the passages that will be put; empty: as it was."""
        with self._write() as db:
            if fingerprint:
                generations.use_fingerprint(db, fingerprint)
            if chunker:
                _use_chunker(db, chunker)

    def add_root(self, path: str) -> None:
        with self._write() as db:
            db.execute(
                "INSERT OR IGNORE INTO folders(path, state, added_ns) VALUES (?, 'unwatched', ?)",
                (encode_path(path), time.time_ns()),
            )

    def roots(self) -> tuple[StoredRoot, ...]:
        with self._read() as db:
            found = fetch_all(db, "SELECT path, state, note FROM folders ORDER BY added_ns, path")
        return tuple(StoredRoot(os.fsdecode(path), state, note) for path, state, note in found)

    def set_root_state(self, path: str, state: str, note: str = "") -> None:
        with self._write() as db:
            db.execute(
                "UPDATE folders SET state = ?, note = ? WHERE path = ?",
                (state, clean_text(note, MAX_REASON), encode_path(path)),
            )

    def forget(self, path: str) -> int:
        """Drop every folder and file at or under `path`; returns the files dropped."""
        where, bindings = _under(path)
        with self._write() as db:
            db.execute(f"DELETE FROM folders WHERE {where}", bindings)
            files = [file for (file,) in fetch_all(db, f"SELECT id FROM files WHERE {where}", bindings)]
            file_rows.delete_files(db, files)
            wiping.mark_due(db)
        return len(files)

    def files(self, under: str | None = None) -> dict[str, FileRecord]:
        """Every file the index remembers, by path; `under` narrows to a folder or one file."""
        where, bindings = _under(under)
        with self._read() as db:
            found = fetch_all(db, f"SELECT {_COLUMNS} FROM files WHERE {where}", bindings)
        records = [decode_file(one) for one in found]
        return {record.path: record for record in records}

    def put(self, items: Sequence[tuple[FileRecord, Sequence[Passage]]]) -> int:
        """Replace the passages and words of each file, in one transaction: all of them or none.

        Texts that stay keep their vectors. Returns how many texts now lack one because of this. Raises one
        of FILE_ERRORS where a file holds what cannot be stored.
        """
        waiting, left = 0, set[int]()
        with self._write() as db:
            for record, passages in items:
                new, before = file_rows.put_file(db, record, passages)
                waiting, left = waiting + new, left | before
            file_rows.drop_unused(db, left)
        return waiting

    def put_each(self, items: Sequence[tuple[FileRecord, Sequence[Passage]]]) -> tuple[int, list[FileRecord]]:
        """The same, but a file that cannot be stored is remembered as failed, and the others are stored.

        Returns how many texts lack a vector because of this, and the records of the files that were
        refused, each with its reason. Raises only what is wrong with the index, the disk or the lock.
        """
        try:
            return self.put(items), []
        except FILE_ERRORS:
            alone = [self._put_alone(*item) for item in items]
            return sum(waiting for waiting, _ in alone), [record for _, some in alone for record in some]

    def _put_alone(self, record: FileRecord, passages: Sequence[Passage]) -> tuple[int, list[FileRecord]]:
        try:
            return self.put([(record, passages)]), []
        except FILE_ERRORS as error:
            why = error.what if isinstance(error, FileFailed) else f"The index refuses it ({error})."
            failed = unstorable_record(record, f"What was read of it could not be stored. {why}")
            # A path that no file can have cannot be remembered either.
            with suppress(*FILE_ERRORS):
                self.put([(failed, ())])
            return 0, [failed]

    def move(self, old: str, new: str, record: FileRecord) -> None:
        """The file at `old` is now at `new`, its passages unchanged; what was at `new` is dropped."""
        self.move_all([(old, replace(record, path=new))])

    def move_all(self, moves: Sequence[tuple[str, FileRecord]]) -> None:
        """Each file at an old path is now where its record says, in one transaction; chains and swaps too."""
        with self._write() as db:
            files = [(file_rows.file_id(db, old), old, record) for old, record in moves]
            moving = {file for file, _, _ in files}
            if 0 in moving:
                lost = next(old for file, old, _ in files if not file)
                raise IndexingError(f"{lost} is not in the index.", "Read the file again.")
            targets = {file_rows.file_id(db, record.path) for _, _, record in files}
            file_rows.delete_files(db, sorted(targets - moving - {0}))
            away = [(b"\0%d" % file, file) for file in targets & moving]
            db.executemany("UPDATE files SET path = ? WHERE id = ?", away)
            for file, _, record in files:
                file_rows.write_file(db, file, record)

    def note(self, records: Sequence[FileRecord]) -> None:
        """Keep what these files have, and note anew how they are told to be unchanged, and their reason."""
        columns = ("inode", "size", "mtime_ns", "ctime_ns", "disk", "reason")
        values = (dict(zip(FILE_COLUMNS, encode_file(record), strict=True)) for record in records)
        with self._write() as db:
            db.executemany(
                f"UPDATE files SET {', '.join(f'{name} = ?' for name in columns)} WHERE path = ?",
                [tuple(one[name] for name in (*columns, "path")) for one in values],
            )

    def remove(self, paths: Sequence[str]) -> int:
        """Drop files; paths that are not in the index are ignored. Returns the files dropped."""
        with self._write() as db:
            files = [file for path in paths if (file := file_rows.file_id(db, path))]
            file_rows.delete_files(db, files)
        return len(files)

    def problems(self) -> list[FileRecord]:
        """Files that are remembered as skipped or failed, or as indexed but in part, with their reasons."""
        with self._read() as db:
            found = fetch_all(db, f"SELECT {_COLUMNS} FROM files WHERE {_PROBLEM} ORDER BY path")
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
            indexed, problems = fetch_one(
                db,
                "SELECT count(*) FILTER (WHERE state = 'indexed'), "
                f"count(*) FILTER (WHERE {_PROBLEM}) FROM files WHERE {where}",
                bindings,
            )
            passages = fetch_value(db, f"SELECT count(*) FROM passages WHERE {inside}", int, bindings)
            waiting = "SELECT count(*) FROM todo"
            if under:
                waiting += f" WHERE text IN (SELECT text FROM passages WHERE {inside})"
            pending = fetch_value(db, waiting, int, bindings)
        return Counts(indexed, passages, pending, problems)

    @property
    def fingerprint(self) -> str:
        """What made the vectors that searches are answered with; empty before the first."""
        with self._read() as db:
            return generations.fingerprint(db, generations.serving(db))

    def pending_totals(self) -> tuple[int, int]:
        """Texts that wait for a vector, and their tokens together."""
        with self._read() as db:
            texts, tokens = fetch_one(
                db,
                "SELECT count(*), coalesce(sum(texts.tokens), 0) FROM todo "
                "JOIN texts ON texts.id = todo.text",
            )
        return int(texts), int(tokens)

    def pending(self, limit: int) -> list[EmbeddingJob]:
        """Texts that wait for a vector, those of the newest files first."""
        with self._read() as db:
            found = fetch_all(
                db,
                "SELECT texts.id, texts.title, texts.text, texts.tokens FROM todo "
                "JOIN texts ON texts.id = todo.text ORDER BY todo.mtime_ns DESC, todo.text LIMIT ?",
                (limit,),
            )
        return [EmbeddingJob(*one) for one in found]

    def still_pending(self, job: EmbeddingJob) -> bool:
        """Whether a text given by `pending` still waits: its number may be another's by now."""
        sql = "SELECT title, text FROM texts WHERE id = ? AND id IN (SELECT text FROM todo)"
        with self._read() as db:
            return bool(fetch_one(db, sql, (job.id,)) == (job.title, job.text))

    def put_vectors(self, ids: Sequence[int], rows_: vectors.Floats) -> None:
        """Store (n, 768) unit rows for texts given by `pending`, in one transaction.

        A text that was dropped meanwhile is ignored. When nothing waits any more, vectors that were
        made beside older ones take their place.
        """
        good = vectors.require_unit_rows(rows_, len(ids))
        with self._write() as db:
            kept = [
                i for i, text in enumerate(ids) if fetch_one(db, "SELECT 1 FROM todo WHERE text = ?", (text,))
            ]
            texts = [ids[i] for i in kept]
            vectors.write(db, generations.receiving(db), texts, good[kept])
            db.executemany("DELETE FROM todo WHERE text = ?", [(text,) for text in texts])
            generations.log_changes(db, texts)
            generations.swap_when_complete(db)

    def reject_text(self, text: int, reason: str) -> None:
        """Drop a text for which there is no vector to be had; `reason` goes on after "line 7".

        The files that hold it have failed, though their other passages stay; they are read again when
        they change.
        """
        with self._write() as db:
            found = fetch_all(
                db, "SELECT file, min(line) FROM passages WHERE text = ? GROUP BY file", (text,)
            )
            db.executemany(
                "UPDATE files SET state = 'failed', hash = x'', reason = ? WHERE id = ?",
                [
                    (clean_text(f"The passage at line {line} {reason}", MAX_REASON), file)
                    for file, line in found
                ],
            )
            db.execute("DELETE FROM passages WHERE text = ?", (text,))
            file_rows.drop_unused(db, {text})
            generations.swap_when_complete(db)

    def begin_reembedding(self, fingerprint: str) -> None:
        """Start vectors of another fingerprint beside those that serve, for every text."""
        with self._write() as db:
            generations.begin_reembedding(db, fingerprint)

    def wipe(self, when: wiping.WipeScope) -> bool:
        """Leave nothing on the disk of what was dropped; returns whether nothing is left of it.

        What a reader or a full disk is in the way of is left for the next time.
        """
        try:
            with self._read() as db:
                self._require_same_file()
                return wiping.wipe(db, when)
        except (IndexBusy, IndexFull):
            return False

    def check(self) -> list[Finding]:
        """Where the tables disagree; nothing is changed. Raises IndexCorrupt where the file is damaged."""
        with self._write() as db:
            if messages := repair.page_damage(db):
                raise corrupt_error(self.path, "; ".join(messages))
            return repair.check(db)

    def repair(self) -> None:
        """Bring all tables into agreement; what needs the model or the disk is queued for them."""
        with self._write() as db:
            repair.repair_tables(db, lambda texts: file_rows.drop_unused(db, texts))

    def text_ids(self, passages: Sequence[Passage]) -> list[int]:
        """The number of each passage's text; 0 where it is not stored."""
        sql = "SELECT coalesce(max(id), 0) FROM texts WHERE key = ?"
        with self._read() as db:
            return [fetch_value(db, sql, int, (passage.key,)) for passage in passages]

    @contextmanager
    def _write(self) -> Iterator[apsw.Connection]:
        with self._connected() as connection:
            self._require_same_file()
            with transaction(connection, self.path) as db:
                yield db
                wiping.release_free_pages(db)
            self._writes += 1
            if self._writes % TIDY_EVERY == 0 and repair.is_mostly_free(connection, FREE_SHARE, FREE_LEAST):
                self._tidy(connection)

    def _tidy(self, connection: apsw.Connection) -> None:
        """Give back what much deleting left behind: free slots of vectors, half-empty pages."""
        with transaction(connection, self.path) as db:
            repair.rebuild_vectors(db, generations.numbers(db))
            db.execute("INSERT INTO words(words) VALUES ('optimize')")
        # A second copy may not fit, or a reader may be in the way: then it waits for the next time.
        with translate_errors(self.path), suppress(apsw.FullError, apsw.BusyError, apsw.LockedError):
            connection.execute("VACUUM")

    @contextmanager
    def _read(self) -> Iterator[apsw.Connection]:
        with self._connected() as connection, translate_errors(self.path):
            yield connection


def _use_chunker(db: apsw.Connection, chunker: str) -> None:
    known = fetch_one(db, "SELECT value FROM settings WHERE name = 'chunker'")
    if known and known[0] != chunker:
        db.execute("UPDATE files SET mtime_ns = -1, hash = x'' WHERE id IN (SELECT file FROM passages)")
    db.execute("INSERT OR REPLACE INTO settings(name, value) VALUES ('chunker', ?)", (chunker,))


def _under(path: str | None) -> tuple[str, tuple[bytes, ...]]:
    return under_clause(path) if path else ("1", ())
