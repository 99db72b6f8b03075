"""A library of Zotero's, with the tables of Zotero 7 that say what its files are."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

_TABLES = """
CREATE TABLE items (itemID INTEGER PRIMARY KEY, itemTypeID INT NOT NULL, libraryID INT NOT NULL DEFAULT 1,
  key TEXT NOT NULL, UNIQUE (libraryID, key));
CREATE TABLE fields (fieldID INTEGER PRIMARY KEY, fieldName TEXT, fieldFormatID INT);
CREATE TABLE itemDataValues (valueID INTEGER PRIMARY KEY, value UNIQUE);
CREATE TABLE itemData (itemID INT, fieldID INT, valueID, PRIMARY KEY (itemID, fieldID));
CREATE TABLE itemAttachments (itemID INTEGER PRIMARY KEY, parentItemID INT, linkMode INT, contentType TEXT,
  charsetID INT, path TEXT);
CREATE TABLE creators (creatorID INTEGER PRIMARY KEY, firstName TEXT, lastName TEXT, fieldMode INT);
CREATE TABLE itemCreators (itemID INT NOT NULL, creatorID INT NOT NULL, creatorTypeID INT NOT NULL DEFAULT 1,
  orderIndex INT NOT NULL DEFAULT 0, PRIMARY KEY (itemID, creatorID, creatorTypeID, orderIndex));
CREATE TABLE tags (tagID INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE itemTags (itemID INT NOT NULL, tagID INT NOT NULL, type INT NOT NULL,
  PRIMARY KEY (itemID, tagID));
"""

Reference = tuple[Mapping[str, str], Sequence[tuple[str, str]], Sequence[str]]
"""Fields, first and last names of the creators, tags."""
TIDES: Reference = (
    {
        "title": "The height of tides",
        "date": "2020-05-00 May 2020",
        "extra": "PMID: 1\nCitation Key: barros2020",
    },
    [("Inês", "Barros"), ("", "Harbour Board")],
    ["sea/harbour", "to read"],
)


def content(files: Mapping[str, Reference]) -> bytes:
    """A database in which each of `files`, `KEY/name`, is attached to a reference."""
    db = sqlite3.connect(":memory:")
    db.executescript(_TABLES)
    for number, (name, reference) in enumerate(files.items()):
        _add(db, 10 * number + 1, name, reference)
    db.commit()
    made = db.serialize()
    db.close()
    return made


def _add(db: sqlite3.Connection, item: int, file: str, reference: Reference) -> None:
    key, _, name = file.partition("/")
    fields, creators, tags = reference
    db.execute("INSERT INTO items(itemID, itemTypeID, key) VALUES (?, 22, ?)", (item, f"PARENT{item:02}"))
    db.execute("INSERT INTO items(itemID, itemTypeID, key) VALUES (?, 3, ?)", (item + 1, key))
    db.execute(
        "INSERT INTO itemAttachments VALUES (?, ?, 0, 'application/pdf', NULL, ?)",
        (item + 1, item, f"storage:{name}"),
    )
    for field, value in fields.items():
        db.execute(
            "INSERT INTO fields(fieldName) SELECT ?1 WHERE ?1 NOT IN (SELECT fieldName FROM fields)", (field,)
        )
        db.execute("INSERT OR IGNORE INTO itemDataValues(value) VALUES (?)", (value,))
        db.execute(
            "INSERT INTO itemData SELECT ?, fieldID, valueID FROM fields, itemDataValues "
            "WHERE fieldName = ? AND value = ?",
            (item, field, value),
        )
    for order, (first, last) in enumerate(creators):
        made = db.execute("INSERT INTO creators(firstName, lastName) VALUES (?, ?)", (first, last)).lastrowid
        db.execute("INSERT INTO itemCreators VALUES (?, ?, 8, ?)", (item, made, order))
    for tag in tags:
        db.execute("INSERT OR IGNORE INTO tags(name) VALUES (?)", (tag,))
        db.execute("INSERT INTO itemTags SELECT ?, tagID, 0 FROM tags WHERE name = ?", (item, tag))
