"""The only module that opens the index: one SQLite file, many readers, one writer at a time.

Owns the mode of the file, the pragmas, running the migrations, and the translation of SQLite's errors into
titled ones. Knows nothing of the meaning of the tables.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import queue
import threading
import time
from array import array as array_of_integers
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import apsw
import sqlite_vec  # type: ignore[import-untyped]

from index.closing import Closing
from index.errors import IndexBusy, IndexCorrupt, IndexFull, IndexingError, IndexNewer, IndexUnreachable
from index.store.migrations import MIGRATIONS
from index.store.word_forms import casefolded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

if not apsw.connections():
    # SQLite counts its memory under one lock, for which a reading thread waits while another writes. Only
    # before it is initialized, as the import of apsw does, can it be told not to.
    apsw.shutdown()
    apsw.config(apsw.SQLITE_CONFIG_MEMSTATUS, False)
    apsw.initialize()

Bindings = Sequence[Any]
Value = TypeVar("Value", int, str, bytes, float)

BUSY_MS = 10_000
"""Milliseconds that a connection waits for the lock of another process before it fails."""
PAGE_SIZE = 16_384
"""Bytes of a page: vectors and texts are large, and 16 KiB holds several."""
AUTO_VACUUM_INCREMENTAL = 2
"""The value of `PRAGMA auto_vacuum` by which free pages are released on demand."""
CACHE_KIB = 16 * 1024
"""Kibibytes of SQLite's page cache: its default of 2 MB holds 125 pages of this size, fewer than a query
reads in a large index."""
JOURNAL_LIMIT_BYTES = 64 * 1024 * 1024
"""Bytes to which SQLite truncates the write-ahead log after a large transaction."""
VALID_FOR_OFFSET = 92
"""Byte offset of the counter that says whether the header's length is valid (fileformat2.html 1.3.13)."""
APPLICATION_ID = 0x6B656E31
"""The application id in the header of the file: "ken1"."""


@contextlib.contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Raise errors of SQLite about the index at `path` as titled errors."""
    try:
        yield
    except (apsw.BusyError, apsw.LockedError) as error:
        raise IndexBusy(
            f"Another process is writing to {path}.", "Wait for it to finish, or stop it, and try again."
        ) from error
    except apsw.FullError as error:
        raise _full(path) from error
    except (apsw.CorruptError, apsw.NotADBError, apsw.FormatError) as error:
        raise corrupt_error(path, str(error)) from error
    except (apsw.CantOpenError, apsw.ReadOnlyError, apsw.PermissionsError, apsw.AuthError, OSError) as error:
        raise IndexUnreachable(
            f"{path} cannot be opened for reading and writing: {error}.",
            "Check that the file and its folder belong to you and that the disk is mounted.",
        ) from error
    except apsw.IOError as error:
        if _lacks_room(error):
            raise _full(path) from error
        raise IndexUnreachable(
            f"The disk failed while {path} was in use: {error}.", "Check the disk, then run `ken doctor`."
        ) from error
    except apsw.SQLError as error:
        if "no such" in str(error):
            raise IndexCorrupt(
                f"{path} does not have the tables it should: {error}.", "Run `ken doctor --repair`."
            ) from error
        raise IndexingError(
            f"A query of the index failed: {error}.", "Ask for less at once; report it if it happens again."
        ) from error


def _lacks_room(error: apsw.IOError) -> bool:
    """Whether the cause is a full disk: the shared-memory file of the write-ahead log could not grow."""
    return getattr(error, "extendedresult", 0) == apsw.SQLITE_IOERR_SHMSIZE


def _full(path: Path) -> IndexFull:
    return IndexFull(
        f"The disk that holds {path} is full; nothing that was stored is lost.",
        "Free some space and run the command again: it goes on where it stopped.",
    )


def connection_failed(error: IndexingError) -> bool:
    """Whether SQLite failed, so that the connection should be closed; a lock of another process is no
    failure."""
    return isinstance(error.__cause__, apsw.Error) and not isinstance(error, IndexBusy)


def corrupt_error(path: Path, why: str) -> IndexCorrupt:
    return IndexCorrupt(
        f"{path} is damaged: {why}.",
        "Run `ken doctor --repair`: it saves what can be read and puts the rest right.",
    )


def open_raw(path: Path, *, write: bool = True) -> apsw.Connection:
    """A connection for copying a file unchanged: it reads no tables and changes no settings."""
    return apsw.Connection(
        str(path), flags=apsw.SQLITE_OPEN_READWRITE if write else apsw.SQLITE_OPEN_READONLY
    )


def file_has_moved(connection: apsw.Connection) -> bool:
    """Whether the open file is no longer the one at its path: it was removed, renamed or replaced.

    When SQLite closes such a file, it does not touch the log of the new one (`databaseIsUnmoved` in pager.c).
    """
    answer = ctypes.c_int(0)
    connection.file_control("main", apsw.SQLITE_FCNTL_HAS_MOVED, ctypes.addressof(answer))
    return bool(answer.value)


def needs_migration(path: Path) -> bool:
    """Whether an earlier release wrote the tables, so that opening the index migrates them first.

    Read from the header of the file (`user_version`: https://sqlite.org/fileformat2.html#user_version_number),
    without opening a database or waiting for a lock.
    """
    try:
        with path.open("rb") as file:
            return 0 < int.from_bytes(file.read(64)[60:], "big") < len(MIGRATIONS)
    except OSError:
        return False


def open_writer(path: Path) -> apsw.Connection:
    """A connection for writing; creates the file (mode 0600) and its folder (0700), and migrates."""
    with translate_errors(path):
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        connection = _connect(path)
        try:
            schema_version(connection, path)
            _configure(connection)
            _migrate(connection, path)
        except BaseException:
            connection.close()
            raise
        return connection


def open_reader(path: Path) -> apsw.Connection:
    """A connection that cannot write. Raises IndexUnreachable where there is no index."""
    if not path.exists():
        raise IndexUnreachable(f"There is no index at {path}.", "Run `ken index FOLDER` first.")
    with translate_errors(path):
        connection = _connect(path)
        try:
            if schema_version(connection, path) < len(MIGRATIONS):
                _configure(connection)
                _migrate(connection, path)
            connection.execute("PRAGMA query_only = ON")
        except BaseException:
            connection.close()
            raise
        return connection


def open_damaged(path: Path) -> apsw.Connection:
    """A connection to a damaged file, for salvaging the rows that can be read.

    Raises IndexCorrupt where the file is not a database.
    """
    with translate_errors(path):
        with contextlib.suppress(apsw.CorruptError):
            return _connect(path)
        # If the two counters of the header differ, SQLite uses the real size: a truncated file opens.
        with path.open("r+b") as file:
            file.seek(VALID_FOR_OFFSET)
            file.write(bytes(4))
        return _connect(path)


@contextlib.contextmanager
def transaction(connection: apsw.Connection, path: Path) -> Iterator[apsw.Connection]:
    """A write transaction that takes the lock at its beginning; it is rolled back if the block raises."""
    with translate_errors(path):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def fetch_all(connection: apsw.Connection, sql: str, bindings: Bindings = ()) -> list[Any]:
    """All rows as tuples; their types follow from the SQL."""
    return connection.execute(sql, bindings).fetchall()


def fetch_one(connection: apsw.Connection, sql: str, bindings: Bindings = ()) -> Any:
    """The first row, or None."""
    return connection.execute(sql, bindings).fetchone()


def id_array(ids: NDArray[np.int64]) -> object:
    """Row ids as a binding for `carray(?)`. It takes no empty array; -1 is the id of no row."""
    return apsw.carray(ids if len(ids) else array_of_integers("q", [-1]))


def fetch_value(connection: apsw.Connection, sql: str, kind: type[Value], bindings: Bindings = ()) -> Value:
    """The value of a query that always returns one row with one column."""
    found = connection.execute(sql, bindings).fetchone()
    if found is None or not isinstance(found[0], kind):
        what = "A table of the index holds a value of the wrong type."
        raise IndexCorrupt(what, "Run `ken doctor --repair`.")
    return found[0]


class WriteConnection(Closing):
    """The connection of the writer, used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._lock = threading.RLock()
        self._failed = False
        self._connection = open_writer(self.path)

    @contextlib.contextmanager
    def _connection_context(self) -> Iterator[apsw.Connection]:
        """The connection; opened again after a failure, which can leave a virtual table unusable."""
        with self._lock:
            if self._failed:
                self._connection.close()
                self._connection = open_writer(self.path)
                self._failed = False
            try:
                yield self._connection
            except IndexingError as error:
                self._failed = connection_failed(error)
                raise

    def _require_same_file(self) -> None:
        """Raise where the file was replaced, so that a write would be lost."""
        if file_has_moved(self._connection):
            raise IndexUnreachable(
                f"{self.path} was removed or replaced while ken had it open.",
                "Run `ken index`: it goes on with the file that is there, or makes a new one.",
            )

    def close(self) -> None:
        with self._lock:
            self._connection.close()


class SnapshotPool(Closing):
    """Connections for reading. Each is used by one thread at a time, for one consistent snapshot."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: queue.LifoQueue[apsw.Connection] = queue.LifoQueue()
        self._closed = False
        self._idle.put(open_reader(path))

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[apsw.Connection]:
        """A connection inside a read transaction: later writes of others are not visible."""
        if self._closed:
            raise IndexUnreachable("The index was closed.", "Open it again.")
        connection = self._take()
        sound = True
        try:
            with translate_errors(self._path):
                connection.execute("BEGIN")
                try:
                    yield connection
                finally:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
        except IndexingError as error:
            sound = not connection_failed(error)
            raise
        finally:
            self._give(connection, sound=sound)

    def _take(self) -> apsw.Connection:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            return open_reader(self._path)

    def _give(self, connection: apsw.Connection, *, sound: bool) -> None:
        if self._closed or not sound:
            connection.close()
        else:
            self._idle.put(connection)

    def close(self) -> None:
        self._closed = True
        while not self._idle.empty():
            self._idle.get_nowait().close()


def _connect(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        _set_up(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _set_up(connection: apsw.Connection) -> None:
    connection.create_scalar_function("casefolded", casefolded, 1, deterministic=True)
    connection.create_scalar_function("lookup", _lookup, 2, deterministic=True)
    connection.set_busy_timeout(BUSY_MS)
    connection.enable_load_extension(True)
    connection.load_extension(sqlite_vec.loadable_path())
    connection.enable_load_extension(False)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = NORMAL")
    # On macOS fsync alone leaves data in the disk's cache.
    connection.execute("PRAGMA checkpoint_fullfsync = ON")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    connection.execute(f"PRAGMA journal_size_limit = {JOURNAL_LIMIT_BYTES}")


def _lookup(*values: Any) -> Any:
    """What a callable, bound as `apsw.pyobject`, says of a value."""
    value, table = values
    return table(value)


def _configure(connection: apsw.Connection) -> None:
    """Settings that are stored in the file; page size and auto-vacuum must be set before the first table.

    They are set once only: setting them again writes to the file, which fails on a full disk.
    """
    if connection.pragma("auto_vacuum") != AUTO_VACUUM_INCREMENTAL:
        connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
        connection.execute(f"PRAGMA auto_vacuum = {AUTO_VACUUM_INCREMENTAL}")
    deadline = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except apsw.BusyError:
            # The switch to WAL ignores the busy timeout.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def schema_version(connection: apsw.Connection, path: Path) -> int:
    """The number of migrations that the file has had; raises IndexNewer where this release knows fewer."""
    version = int(connection.pragma("user_version"))
    application = int(connection.pragma("application_id"))
    if version and application != APPLICATION_ID:
        raise IndexCorrupt(f"{path} is a database, but not ken's.", "Move it away and run `ken index` again.")
    if version > len(MIGRATIONS):
        raise IndexNewer(
            f"{path} has format {version}; this ken knows formats up to {len(MIGRATIONS)}.",
            "Update ken, or point KEN_HOME elsewhere and index again.",
        )
    return version


def _migrate(connection: apsw.Connection, path: Path) -> None:
    """Run the missing migrations, each in one transaction with its own record."""
    if schema_version(connection, path) == len(MIGRATIONS):
        return
    for number, (name, apply) in enumerate(MIGRATIONS, start=1):
        with transaction(connection, path):
            # Another process can have migrated while this one waited for the lock.
            if schema_version(connection, path) >= number:
                continue
            apply(connection)
            connection.execute(
                "INSERT INTO migrations(number, name, applied_ns) VALUES (?, ?, ?)",
                (number, name, time.time_ns()),
            )
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {number}")
