"""The tables of the index, as a list of migrations to which new ones are appended.

A released migration never changes, so it uses no other module of ken. `database.py` runs it
in one transaction with its own record.
"""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections.abc import Callable
from pathlib import PurePath
from typing import Any

import apsw

Migration = Callable[[apsw.Connection], None]

_M001 = """
CREATE TABLE migrations(number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_ns INTEGER NOT NULL);
CREATE TABLE settings(name TEXT PRIMARY KEY, value ANY) WITHOUT ROWID;

CREATE TABLE folders(
  path BLOB PRIMARY KEY, state TEXT NOT NULL, note TEXT NOT NULL DEFAULT '', added_ns INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE files(
  id INTEGER PRIMARY KEY,
  path BLOB NOT NULL UNIQUE,
  inode INTEGER NOT NULL,
  size INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL,
  hash BLOB NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  kind TEXT NOT NULL,
  language TEXT NOT NULL,
  title TEXT NOT NULL,
  indexed_ns INTEGER NOT NULL
);

CREATE TABLE texts(
  id INTEGER PRIMARY KEY,
  key BLOB NOT NULL UNIQUE,
  title TEXT NOT NULL,
  text TEXT NOT NULL,
  tokens INTEGER NOT NULL
);
CREATE TABLE freed(id INTEGER PRIMARY KEY);

CREATE TABLE passages(
  file INTEGER NOT NULL REFERENCES files(id) ON DELETE CASCADE,
  ordinal INTEGER NOT NULL,
  text INTEGER NOT NULL REFERENCES texts(id),
  start INTEGER NOT NULL,
  end INTEGER NOT NULL,
  line INTEGER NOT NULL,
  page INTEGER,
  title TEXT,
  heading TEXT NOT NULL,
  PRIMARY KEY (file, ordinal)
) WITHOUT ROWID;
CREATE INDEX passages_text ON passages(text);

CREATE TABLE todo(text INTEGER PRIMARY KEY REFERENCES texts(id) ON DELETE CASCADE, mtime_ns INTEGER NOT NULL);
CREATE INDEX todo_newest ON todo(mtime_ns);

CREATE TABLE generations(number INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL, serving INTEGER NOT NULL);
CREATE TABLE vector_log(seq INTEGER PRIMARY KEY AUTOINCREMENT, text INTEGER NOT NULL);

CREATE VIRTUAL TABLE words USING fts5(
  title, body, content='', contentless_delete=1, prefix='2 3',
  tokenize="porter unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc'"
);
CREATE VIRTUAL TABLE names USING fts5(
  path, content='', contentless_delete=1, prefix='2 3',
  tokenize="porter unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc'"
);
CREATE VIRTUAL TABLE words_terms USING fts5vocab(words, row);
CREATE VIRTUAL TABLE names_terms USING fts5vocab(names, row);
"""


def _m001(connection: apsw.Connection) -> None:
    connection.execute(_M001)


_M002 = """
ALTER TABLE files ADD COLUMN ctime_ns INTEGER NOT NULL DEFAULT -1;
ALTER TABLE files ADD COLUMN disk INTEGER NOT NULL DEFAULT 0;
UPDATE files SET mtime_ns = -1 WHERE state = 'failed' AND (
  reason LIKE '%permission%' OR reason LIKE 'The system cannot open it%' OR reason LIKE '%[Errno %'
);
"""
"""Also mark files that could not be read because of the system, so that they are read again."""


def _m002(connection: apsw.Connection) -> None:
    connection.execute(_M002)


def _m003(connection: apsw.Connection) -> None:
    """Schedule overwriting of the deleted texts that earlier releases left in the file."""
    connection.execute(
        "INSERT INTO settings(name, value) SELECT column1, 1 "
        "FROM (VALUES ('wipe words'), ('wipe pages'), ('wipe log')) "
        "WHERE EXISTS (SELECT 1 FROM files) OR EXISTS (SELECT 1 FROM freed)"
    )
    for (number,) in connection.execute("SELECT number FROM generations").fetchall():
        slots = f"SELECT rowid FROM vectors_{number}_rowids WHERE rowid IN (SELECT id FROM freed)"
        for (slot,) in connection.execute(slots).fetchall():
            connection.execute(f"UPDATE vectors_{number} SET tail = ? WHERE id = ?", (bytes(520), slot))


def _m004(connection: apsw.Connection) -> None:
    """Files are looked up by the stems of their names."""
    connection.execute("ALTER TABLE files ADD COLUMN stem TEXT NOT NULL DEFAULT ''")
    path: Any
    for file, path in connection.execute("SELECT id, path FROM files").fetchall():
        stem = PurePath(os.fsdecode(path)).stem.encode("utf-8", "replace").decode()
        plain = unicodedata.normalize("NFKD", stem.casefold())
        plain = "".join(c for c in plain if not unicodedata.combining(c))
        stem = " ".join(re.findall(r"[^\W_]+", plain))
        connection.execute("UPDATE files SET stem = ? WHERE id = ?", (stem, file))
    connection.execute("CREATE INDEX files_stem ON files(stem)")


_M005 = """
CREATE TABLE fields(
  file INTEGER NOT NULL REFERENCES files(id) ON DELETE CASCADE, name TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (file, name, value)
) WITHOUT ROWID;
CREATE INDEX fields_value ON fields(name, value);
CREATE TABLE links(
  file INTEGER NOT NULL REFERENCES files(id) ON DELETE CASCADE, target TEXT NOT NULL,
  PRIMARY KEY (file, target)
) WITHOUT ROWID;
CREATE INDEX links_target ON links(target);
"""
"""Values and targets as `name_key` makes them, so that they are found however they are written."""


def _m005(connection: apsw.Connection) -> None:
    connection.execute(_M005)


_M006 = """
ALTER TABLE passages ADD COLUMN places TEXT;
INSERT OR REPLACE INTO settings(name, value) VALUES ('words form', 1);
UPDATE files SET ctime_ns = -2 WHERE state IN ('indexed', 'skipped', 'failed');
"""
"""Files are read again: what stands where in them, and much of their text, was not read before."""


def _m006(connection: apsw.Connection) -> None:
    connection.execute(_M006)


_M007 = """
CREATE TABLE scans(
  file INTEGER NOT NULL REFERENCES files(id) ON DELETE CASCADE, page INTEGER NOT NULL,
  done INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (file, page)
) WITHOUT ROWID;
"""


def _m007(connection: apsw.Connection) -> None:
    """Pictures and pages without a text layer, which are read one by one.

    Files without a hash are stored anew when they are read again, with fields and links, though their content
    is what it was.
    """
    connection.execute(_M007)
    connection.execute("UPDATE files SET hash = x'' WHERE state = 'indexed'")


_M008 = """
CREATE TABLE catalog(
  path BLOB NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
  source INTEGER NOT NULL REFERENCES files(id) ON DELETE CASCADE, words TEXT NOT NULL,
  PRIMARY KEY (path, name, value, source)
) WITHOUT ROWID;
CREATE INDEX catalog_value ON catalog(name, value);
CREATE INDEX catalog_source ON catalog(source);
CREATE VIEW all_fields AS
  SELECT file, name, value FROM fields
  UNION ALL SELECT files.id, name, value FROM catalog JOIN files ON files.path = catalog.path;
"""
"""What the file `source` says of the file at `path`, which need not be in the index."""


def _m008(connection: apsw.Connection) -> None:
    connection.execute(_M008)


def _m009(connection: apsw.Connection) -> None:
    """Source files are read and chunked again: a function is one passage."""
    connection.execute(
        "UPDATE files SET mtime_ns = -1, ctime_ns = -2, hash = x'' WHERE kind = 'code' AND state = 'indexed'"
    )


_M010 = """
CREATE TABLE headings(
  key TEXT NOT NULL, file INTEGER NOT NULL REFERENCES files(id) ON DELETE CASCADE, ordinal INTEGER NOT NULL,
  PRIMARY KEY (key, file)
) WITHOUT ROWID;
CREATE INDEX headings_file ON headings(file);
"""
"""Letters and digits of headings and definitions, each with the first passage of a file that has it."""


def _m010(connection: apsw.Connection) -> None:
    connection.execute(_M010)
    stored = connection.execute("SELECT file, ordinal, heading, places FROM passages ORDER BY file, ordinal")
    for file, ordinal, heading, places in stored:
        paths: list[Any] = [str(heading).split("\x1f")]
        try:
            paths += [place[4] for place in json.loads(str(places or "[]"))]
        except (ValueError, TypeError, LookupError):
            """What is damaged is found by its words."""
        for path in paths:
            if not isinstance(path, list) or not path:
                continue
            plain = unicodedata.normalize("NFKD", str(path[-1]).casefold())
            plain = "".join(c for c in plain if not unicodedata.combining(c))
            key = "".join(re.findall(r"[^\W_]+", plain)).encode("utf-8", "replace").decode()
            if 0 < len(key) <= 100:
                connection.execute("INSERT OR IGNORE INTO headings VALUES (?, ?, ?)", (key, file, ordinal))


_M011 = """
ALTER TABLE todo ADD COLUMN approximate INTEGER NOT NULL DEFAULT 0;
CREATE INDEX todo_approximate ON todo(approximate, mtime_ns);
"""
"""Whether a text has an approximate vector until the model has read it."""


def _m011(connection: apsw.Connection) -> None:
    connection.execute(_M011)


MIGRATIONS: tuple[tuple[str, Migration], ...] = (
    ("first tables", _m001),
    ("when a file's status changed, and the disk it lies on", _m002),
    ("nothing left of what was dropped", _m003),
    ("files by the stems of their names", _m004),
    ("fields of documents, and what they link to", _m005),
    ("where each part of a passage stands", _m006),
    ("pages that are read as pictures", _m007),
    ("what a file says of others", _m008),
    ("functions as one passage", _m009),
    ("passages by their headings", _m010),
    ("approximate vectors", _m011),
)
