"""Zotero's library (`zotero.sqlite`): what it says of the files in the folder `storage` beside it.

Owns the tables of Zotero, of which only the names used here must be there. The database is read through the
open file as it stands: no lock is asked for or heeded, no journal is read, nothing is written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import apsw

from index.errors import FileFailed, FileSkipped
from index.extract.front_matter import bounded
from index.extract.source import Source
from index.types import CatalogEntry, Document

MAGIC = b"SQLite format 3\0"
_MOST_BYTES = 12 << 20
"""Bytes of all that is said: 30,000 files. The answer of a reader may have 16 MiB."""
_LONGEST_VALUE = 32 << 20
"""Bytes of a value or a row that SQLite takes into memory."""
_STEPS = 20_000
"""Instructions of SQLite between two looks at the clock."""
_ATTACHED = """
SELECT files.itemID, coalesce(files.parentItemID, files.itemID), items.key, substr(files.path, 9, 1000)
FROM itemAttachments AS files JOIN items ON items.itemID = files.itemID WHERE files.path LIKE 'storage:%'
"""
_VALUES = """
SELECT fields.fieldName, substr(itemDataValues.value, 1, 4000) FROM itemData JOIN fields USING (fieldID)
JOIN itemDataValues USING (valueID) WHERE itemData.itemID = ? AND fields.fieldName IN
('title', 'caseName', 'nameOfAct', 'subject', 'date', 'dateDecided', 'dateEnacted', 'extra', 'citationKey')
"""
_CREATORS = """
SELECT substr(coalesce(firstName, '') || ' ' || coalesce(lastName, ''), 1, 500) FROM itemCreators
JOIN creators USING (creatorID) WHERE itemCreators.itemID = ? ORDER BY itemCreators.orderIndex LIMIT 100
"""
_TAGS = """
SELECT substr(tags.name, 1, 500) FROM itemTags JOIN tags USING (tagID)
WHERE itemTags.itemID IN (?, ?) LIMIT 100
"""
_KEY = re.compile(r"[A-Z0-9]{8}")
_NAME = re.compile(r"(?!\.{1,2}\Z)[^/\0]+")
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d) ")
"""Zotero stores a date as it understands it, 00 for what is not said, and then as it was typed."""
_CITATION_KEY = re.compile(r"^[ \t]*citation key[ \t]*:[ \t]*(\S+)", re.IGNORECASE | re.MULTILINE)
"""How Better BibTeX keeps a key in the field `extra`."""
_BETTER_BIBTEX = "citationKey"


def read(source: Source) -> Document:
    """A document without text whose catalog has titles, authors, dates, tags and citation keys of files."""
    if source.depth:
        raise FileSkipped("It says something of the files beside it only.")
    if not source.head(len(MAGIC)).startswith(MAGIC):
        raise FileFailed("It has the name of Zotero's library and is no database.")
    try:
        entries, note = _entries(source)
    except apsw.SQLError:
        raise FileFailed("It has not the tables of Zotero's library.") from None
    except apsw.Error:
        raise FileFailed("It is damaged, or Zotero was writing it.") from None
    if not entries:
        raise FileSkipped("It says nothing of files in its storage.")
    several = "s" if len(entries) > 1 else ""
    said = f"Title, authors, date, tags and citation key of {len(entries):,} file{several} are read from it."
    return Document("", "zotero", note=f"{said} {note}".strip(), catalog=tuple(entries), lines=())


def _entries(source: Source) -> tuple[list[CatalogEntry], str]:
    """What is said of each file, and a note where that is not all."""
    entries: list[CatalogEntry] = []
    size = 0
    db = _open_database(source)
    try:
        db.set_progress_handler(lambda: source.past_deadline, _STEPS)
        for item, about, key, name in db.execute(_ATTACHED):
            if not (_KEY.fullmatch(str(key)) and _NAME.fullmatch(str(name))):
                continue
            entry = CatalogEntry(f"storage/{key}/{name}", bounded(_fields(db, item, about)))
            size += len(json.dumps(entry))
            if size > _MOST_BYTES:
                return entries, "It names more files than that."
            entries += [entry] if entry.fields else []
    except apsw.InterruptError:
        return entries, "Reading it took too long, so that the rest is not read."
    finally:
        db.close(True)
    return entries, ""


def _fields(db: apsw.Connection, item: int, about: int) -> Iterator[tuple[str, str]]:
    """The fields of the file `item`, which belongs to the reference `about`."""
    for name, value in db.execute(_VALUES, (about,)):
        words = " ".join(str(value).split())
        if name == "extra":
            keys = _CITATION_KEY.findall(str(value))
        elif name == _BETTER_BIBTEX:
            keys = [words]
        else:
            yield ("date", _date(words)) if name.startswith("date") else ("title", words[:500])
            continue
        yield from ((field, key[:500]) for key in keys for field in ("alias", "citekey"))
    creators, tags = db.execute(_CREATORS, (about,)), db.execute(_TAGS, (about, item))
    for name, rows in (("author", creators), ("tag", tags)):
        yield from ((name, words) for (value,) in rows if (words := " ".join(str(value).split())))


def _date(words: str) -> str:
    """The date without the parts that are not said: `2020-05`."""
    found = _DATE.match(f"{words} ")
    return "-".join(part for part in found.groups() if part.strip("0")) if found else words[:100]


def _open_database(source: Source) -> apsw.Connection:
    """A connection that reads the open file and can do nothing else."""
    vfs = _OneFile(source)
    db = apsw.Connection("zotero", flags=apsw.SQLITE_OPEN_READONLY, vfs=vfs.name)
    db.limit(apsw.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
    db.execute("PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; PRAGMA query_only = ON")
    return db


class _OneFile(apsw.VFS):
    """A file system of SQLite that holds one file, which never changes (https://sqlite.org/vfs.html)."""

    name = "ken-zotero"

    def __init__(self, source: Source) -> None:
        self._source = source
        super().__init__(self.name, "")

    def xOpen(self, name: Any, flags: list[int]) -> Any:  # noqa: N802 (SQLite's name, as all below)
        if not flags[0] & apsw.SQLITE_OPEN_MAIN_DB:
            raise apsw.CantOpenError("there is one file")
        return _Bytes(self._source)

    def xFullPathname(self, name: str) -> str:  # noqa: N802
        return name

    def xAccess(self, pathname: str, flags: int) -> bool:  # noqa: N802
        return False


class _Bytes:
    """The open file as SQLite reads it."""

    _WAL_VERSIONS = slice(18, 20)

    def __init__(self, source: Source) -> None:
        self._source = source

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        self._source.stream.seek(offset)
        data = self._source.stream.read(amount)
        if offset == 0 and len(data) > self._WAL_VERSIONS.stop:
            # says that there is no write-ahead log, which could not be opened
            data = data[: self._WAL_VERSIONS.start] + b"\x01\x01" + data[self._WAL_VERSIONS.stop :]
        return data

    def xFileSize(self) -> int:  # noqa: N802
        return self._source.size

    def xDeviceCharacteristics(self) -> int:  # noqa: N802
        return apsw.SQLITE_IOCAP_IMMUTABLE

    def xSectorSize(self) -> int:  # noqa: N802
        return 4096

    def xFileControl(self, op: int, pointer: int) -> bool:  # noqa: N802
        return False

    def xCheckReservedLock(self) -> bool:  # noqa: N802
        return False

    def xLock(self, level: int) -> None:  # noqa: N802
        """Needs none."""

    def xUnlock(self, level: int) -> None:  # noqa: N802
        """Had none."""

    def xClose(self) -> None:  # noqa: N802
        """The file stays open: it is the reader's."""
