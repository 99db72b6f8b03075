"""The only module that writes the index: files, passages, words and vectors, each change in one transaction.

The passages and words of a file are committed together, so lexical search finds them at once; their vectors
follow through `pending` and `put_vectors`. A text is what is embedded (prompt title and passage). Equal texts
are stored, found and embedded once, wherever they occur. The id of a deleted text is reused, so that tables
and vectors stay dense. Knows nothing of models: vectors are passed in as arrays.
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
from index.store import embedding_queue, facts, file_rows, generations, repair, vectors, wiping
from index.store.database import (
    WriteConnection,
    corrupt_error,
    fetch_all,
    fetch_one,
    fetch_value,
    transaction,
    translate_errors,
)
from index.store.embedding_queue import EmbeddingJob
from index.store.repair import Inconsistency
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
"""Transactions between two checks of the number of free ids."""
FREE_SHARE = 0.25
FREE_LEAST = 1_000
"""The tables are rebuilt when more than this share of the ids, and more than this many, are free. A rebuild
copies the whole index, so it must free a substantial part of it."""
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
"""Errors that storing a file raises because of its content; a disk, a lock or damage raise other errors."""
FORGOTTEN = "forgotten"
"""The state of a folder that is excluded from the root above it."""
_COLUMNS = ", ".join(FILE_COLUMNS)
_PROBLEM = "state != 'named' AND (state != 'indexed' OR reason != '')"
"""An indexed file has a reason where a part of it was left out."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How much is stored. `problems` are files skipped or failed, of which a rule leaves `left_out` out;
    `pending` are texts without a vector."""

    files: int
    passages: int
    pending: int
    problems: int
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class StoredRoot:
    """A root with its state and a note, or a folder inside a root with the state `FORGOTTEN`."""

    path: str
    state: str
    note: str


class Store(WriteConnection):
    """The index, open for writing; may be used from any thread.

    `fingerprint` identifies the model of the vectors that will be stored: where it differs from that of the
    index, re-embedding begins beside the old vectors. `chunker` identifies the version and settings of the
    chunker: where it differs, every file counts as changed.
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
        with self.reading() as db:
            old = repair.has_old_words(db)
        if old:
            with self.writing() as db:
                repair.renew_words(db)

    def use_versions(self, fingerprint: str, chunker: str) -> None:
        """Set the model and the chunker of all that is stored from now on; empty: unchanged."""
        with self.writing() as db:
            if fingerprint:
                generations.use_fingerprint(db, fingerprint)
            if chunker:
                _use_chunker(db, chunker)

    def add_root(self, path: str) -> None:
        with self.writing() as db:
            db.execute(
                "INSERT OR IGNORE INTO folders(path, state, added_ns) VALUES (?, 'unwatched', ?)",
                (encode_path(path), time.time_ns()),
            )

    def roots(self) -> tuple[StoredRoot, ...]:
        with self.reading() as db:
            found = fetch_all(db, "SELECT path, state, note FROM folders ORDER BY added_ns, path")
        return tuple(StoredRoot(os.fsdecode(path), state, note) for path, state, note in found)

    def set_root_state(self, path: str, state: str, note: str = "") -> None:
        with self.writing() as db:
            db.execute(
                "UPDATE folders SET state = ?, note = ? WHERE path = ?",
                (state, clean_text(note, MAX_REASON), encode_path(path)),
            )

    def forget(self, path: str) -> int:
        """Delete every root and file at or under `path`; returns the number of files deleted."""
        where, bindings = _under(path)
        with self.writing() as db:
            db.execute(f"DELETE FROM folders WHERE {where}", bindings)
            files = [file for (file,) in fetch_all(db, f"SELECT id FROM files WHERE {where}", bindings)]
            file_rows.delete_files(db, files)
            wiping.mark_due(db)
        return len(files)

    def files(self, under: str | None = None) -> dict[str, FileRecord]:
        """Every file of the index, by path; `under` limits this to a folder or one file."""
        where, bindings = _under(under)
        with self.reading() as db:
            found = fetch_all(db, f"SELECT {_COLUMNS} FROM files WHERE {where}", bindings)
        records = [decode_file(one) for one in found]
        return {record.path: record for record in records}

    def put(self, items: Sequence[tuple[FileRecord, Sequence[Passage]]]) -> int:
        """Replace the passages and words of each file, all files in one transaction.

        Unchanged texts keep their vectors. Returns the number of new texts without a vector. Raises one
        of FILE_ERRORS where the content of a file cannot be stored.
        """
        waiting, left = 0, set[int]()
        with self.writing() as db:
            for record, passages in items:
                new, before = file_rows.put_file(db, record, passages)
                waiting, left = waiting + new, left | before
            file_rows.drop_unused(db, left)
        return waiting

    def put_each(self, items: Sequence[tuple[FileRecord, Sequence[Passage]]]) -> tuple[int, list[FileRecord]]:
        """As `put`, but a file that cannot be stored is recorded as failed, and the others are stored.

        Returns the number of new texts without a vector, and the records of the failed files with their
        reasons. Raises only errors of the index, the disk or the lock.
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
            # An impossible path cannot be recorded either.
            with suppress(*FILE_ERRORS):
                self.put([(failed, ())])
            return 0, [failed]

    def move(self, old: str, new: str, record: FileRecord) -> None:
        """Rename the file at `old` to `new`, with its passages; a file that was at `new` is deleted."""
        self.move_all([(old, replace(record, path=new))])

    def move_all(self, moves: Sequence[tuple[str, FileRecord]]) -> None:
        """Rename files from old paths to the paths of their records, in one transaction; chains and swaps
        work."""
        with self.writing() as db:
            files = [(file_rows.file_id(db, old), old, record) for old, record in moves]
            moving = {file for file, _, _ in files}
            if 0 in moving:
                lost = next(old for file, old, _ in files if not file)
                raise IndexingError(f"{lost} is not in the index.", "Read the file again.")
            targets = {file_rows.file_id(db, record.path) for _, _, record in files}
            file_rows.delete_files(db, sorted(targets - moving - {0}))
            away = [(b"\0%d" % file, file) for file in targets & moving]
            db.executemany("UPDATE files SET path = ? WHERE id = ?", away)
            for file, old, record in files:
                file_rows.write_file(db, file, record)
                facts.move_catalog(db, file, old, record.path)

    def note(self, records: Sequence[FileRecord]) -> None:
        """Update the stamp, the disk and the reason of these files; their passages stay."""
        columns = ("inode", "size", "mtime_ns", "ctime_ns", "disk", "reason")
        values = (dict(zip(FILE_COLUMNS, encode_file(record), strict=True)) for record in records)
        with self.writing() as db:
            db.executemany(
                f"UPDATE files SET {', '.join(f'{name} = ?' for name in columns)} WHERE path = ?",
                [tuple(one[name] for name in (*columns, "path")) for one in values],
            )

    def remove(self, paths: Sequence[str]) -> int:
        """Delete files; paths that are not in the index are ignored. Returns the number of files deleted."""
        with self.writing() as db:
            files = [file for path in paths if (file := file_rows.file_id(db, path))]
            file_rows.delete_files(db, files)
        return len(files)

    def problems(self) -> list[FileRecord]:
        """Files that were skipped, failed or only indexed in part, with their reasons."""
        with self.reading() as db:
            found = fetch_all(db, f"SELECT {_COLUMNS} FROM files WHERE {_PROBLEM} ORDER BY path")
        return [decode_file(one) for one in found]

    def indexed_ns(self, path: str) -> int | None:
        """The time at which the file at `path` was last stored, in nanoseconds since the epoch."""
        with self.reading() as db:
            row = db.execute("SELECT indexed_ns FROM files WHERE path = ?", (encode_path(path),)).fetchone()
        return int(row[0]) if row else None

    def counts(self, under: str | None = None) -> Counts:
        where, bindings = _under(under)
        inside = f"file IN (SELECT id FROM files WHERE {where})" if under else "1"
        with self.reading() as db:
            indexed, problems, left_out = fetch_one(
                db,
                "SELECT count(*) FILTER (WHERE state = 'indexed'), "
                f"count(*) FILTER (WHERE {_PROBLEM}), count(*) FILTER (WHERE state = 'skipped') "
                f"FROM files WHERE {where}",
                bindings,
            )
            passages = fetch_value(db, f"SELECT count(*) FROM passages WHERE {inside}", int, bindings)
            waiting = "SELECT count(*) FROM todo"
            if under:
                waiting += f" WHERE text IN (SELECT text FROM passages WHERE {inside})"
            pending = fetch_value(db, waiting, int, bindings)
        return Counts(indexed, passages, pending, problems, left_out)

    @property
    def revision(self) -> int:
        """Another number after each change, whoever made it. https://sqlite.org/pragma.html#pragma_data_version"""
        with self.reading() as db:
            return fetch_value(db, "PRAGMA data_version", int) + self._writes

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the vectors that answer searches; empty before the first."""
        with self.reading() as db:
            return generations.stored_fingerprint(db, generations.serving(db))

    def pending_totals(self) -> tuple[int, int]:
        """The number of texts without a vector, and the sum of their tokens."""
        with self.reading() as db:
            return embedding_queue.totals(db)

    def pending(self, limit: int) -> list[EmbeddingJob]:
        """Texts without a vector, those of the newest files first."""
        with self.reading() as db:
            return embedding_queue.jobs(db, limit)

    def pending_of(self, texts: Sequence[int]) -> list[EmbeddingJob]:
        """Those of `texts` that have no vector, in this order."""
        with self.reading() as db:
            return embedding_queue.jobs_of(db, texts)

    def still_pending(self, job: EmbeddingJob) -> bool:
        """Whether the text of a job still has no vector: its id may belong to another text by now."""
        with self.reading() as db:
            return embedding_queue.is_pending(db, job)

    def put_vectors(self, ids: Sequence[int], rows: vectors.Floats) -> None:
        """Store (n, 768) unit rows for texts from `pending`, in one transaction.

        Texts that were deleted meanwhile are ignored. When no text is pending any more, a new generation of
        vectors replaces the older one.
        """
        unit_rows = vectors.require_unit_rows(rows, len(ids))
        with self.writing() as db:
            embedding_queue.store_vectors(db, ids, unit_rows)

    def reject_text(self, text: int, reason: str) -> None:
        """Delete a text that the model cannot embed; `reason` completes "The passage at line 7 …".

        The files that hold it count as failed, but their other passages stay. They are read again when they
        change.
        """
        with self.writing() as db:
            embedding_queue.reject(db, text, reason)

    def begin_reembedding(self, fingerprint: str) -> None:
        """Begin a generation of vectors with another fingerprint beside the one that answers searches."""
        with self.writing() as db:
            generations.begin_reembedding(db, fingerprint)

    def wipe(self, when: wiping.WipeScope) -> bool:
        """Overwrite deleted content on the disk; returns whether all of it is overwritten.

        Steps that a reader or a full disk prevents are done by a later call.
        """
        try:
            with self.reading() as db:
                self._require_same_file()
                return wiping.wipe(db, when)
        except (IndexBusy, IndexFull):
            return False

    def check(self) -> list[Inconsistency]:
        """The inconsistencies between tables; nothing is changed. Raises IndexCorrupt where the file is
        damaged."""
        with self.reading() as db:
            if messages := repair.page_damage(db):
                raise corrupt_error(self.path, "; ".join(messages))
            return repair.check(db)

    def repair(self) -> None:
        """Make all tables consistent; vectors and files that must be made again are queued."""
        with self.writing() as db:
            repair.repair_tables(db, lambda texts: file_rows.drop_unused(db, texts))

    def text_ids(self, passages: Sequence[Passage]) -> list[int]:
        """The id of the text of each passage; 0 where it is not stored."""
        sql = "SELECT coalesce(max(id), 0) FROM texts WHERE key = ?"
        with self.reading() as db:
            return [fetch_value(db, sql, int, (passage.key,)) for passage in passages]

    @contextmanager
    def writing(self) -> Iterator[apsw.Connection]:
        """One transaction, for the modules of this package."""
        with self._connection_context() as connection:
            self._require_same_file()
            with transaction(connection, self.path) as db:
                yield db
                wiping.release_free_pages(db)
            self._writes += 1
            if self._writes % TIDY_EVERY == 0 and repair.is_mostly_free(connection, FREE_SHARE, FREE_LEAST):
                self._tidy(connection)

    def _tidy(self, connection: apsw.Connection) -> None:
        """Release the space of deleted rows: free slots of vectors, half-empty pages."""
        with transaction(connection, self.path) as db:
            repair.rebuild_vectors(db, generations.numbers(db))
            db.execute("INSERT INTO words(words) VALUES ('optimize')")
        # Where a second copy does not fit on the disk, or a reader is active, a later call does this.
        with translate_errors(self.path), suppress(apsw.FullError, apsw.BusyError, apsw.LockedError):
            connection.execute("VACUUM")

    @contextmanager
    def reading(self) -> Iterator[apsw.Connection]:
        with self._connection_context() as connection, translate_errors(self.path):
            yield connection


def _use_chunker(db: apsw.Connection, chunker: str) -> None:
    known = fetch_one(db, "SELECT value FROM settings WHERE name = 'chunker'")
    if known and known[0] != chunker:
        # Text of pictures stays: to cut it again, hours of reading would be needed.
        db.execute(
            "UPDATE files SET mtime_ns = -1, hash = x'' WHERE id IN (SELECT file FROM passages) "
            "AND id NOT IN (SELECT file FROM scans WHERE done)"
        )
    db.execute("INSERT OR REPLACE INTO settings(name, value) VALUES ('chunker', ?)", (chunker,))


def _under(path: str | None) -> tuple[str, tuple[bytes, ...]]:
    return under_clause(path) if path else ("1", ())
