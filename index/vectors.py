"""Nearest neighbours: unit vectors of 256 dimensions in sqlite-vec, and the rest of the 768 as int8.

A generation is one pair of tables made by one fingerprint. `vectors_N` (vec0) holds the first 256
dimensions, normalised again, in float32; `tails_N` holds what is needed to score all 768: the length
those 256 had, and the other 512 as int8 with one scale. Distances are L2: on unit vectors
cos = 1 - d²/2. A freed row keeps its slot and is moved out of reach, because vec0 reuses a slot only
in its last chunk.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import apsw
import numpy as np
from numpy.typing import NDArray

from index.database import row, rows

FULL = 768
DIMENSION = 256
MAX_K = 4096
"""vec0 refuses a larger k."""
_FAR = np.full(DIMENSION, 1e3, np.float32).tobytes()
_REACH = 2.5
"""Unit vectors are at most 2 apart; anything further is a freed row."""

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]


def create_generation(connection: apsw.Connection, number: int) -> None:
    connection.execute(
        f"CREATE VIRTUAL TABLE vectors_{number} USING vec0("
        f"id INTEGER PRIMARY KEY, embedding FLOAT[{DIMENSION}] distance_metric=L2)"
    )
    connection.execute(f"CREATE TABLE tails_{number}(id INTEGER PRIMARY KEY, tail BLOB NOT NULL)")


def drop_generation(connection: apsw.Connection, number: int) -> None:
    connection.execute(f"DROP TABLE IF EXISTS vectors_{number}")
    connection.execute(f"DROP TABLE IF EXISTS tails_{number}")


def shorten(vectors: Floats) -> Floats:
    """(n, 768) to (n, 256) unit rows: Matryoshka vectors are cut, then normalised again."""
    head = np.ascontiguousarray(vectors[:, :DIMENSION], np.float32)
    norms = np.linalg.norm(head, axis=1, keepdims=True)
    return np.asarray(head / np.maximum(norms, 1e-12), np.float32)


def pack_tails(vectors: Floats) -> list[bytes]:
    """What `cosines` needs beside the 256: length of the head, scale, 512 x int8; 520 bytes a row."""
    rest = vectors[:, DIMENSION:]
    scale = np.maximum(np.abs(rest).max(axis=1), 1e-12) / 127
    codes = np.rint(rest / scale[:, None]).astype(np.int8)
    heads = np.linalg.norm(vectors[:, :DIMENSION], axis=1)
    sides = np.stack([heads, scale], axis=1).astype(np.float32)
    return [side.tobytes() + code.tobytes() for side, code in zip(sides, codes, strict=True)]


def write(connection: apsw.Connection, number: int, ids: Sequence[int], vectors: Floats) -> None:
    """Store (n, 768) unit rows under `ids`, in place where a slot exists."""
    heads = shorten(vectors)
    for id_, head, tail in zip(ids, heads, pack_tails(vectors), strict=True):
        _write_head(connection, number, id_, head.tobytes())
        connection.execute(f"INSERT OR REPLACE INTO tails_{number}(id, tail) VALUES (?, ?)", (id_, tail))


def erase(connection: apsw.Connection, number: int, ids: Sequence[int]) -> None:
    """Put the vectors of `ids` out of reach; their slots wait for the next use of the ids."""
    for id_ in ids:
        if has_slot(connection, number, id_):
            connection.execute(f"UPDATE vectors_{number} SET embedding = ? WHERE id = ?", (_FAR, id_))
        connection.execute(f"DELETE FROM tails_{number} WHERE id = ?", (id_,))


def has_slot(connection: apsw.Connection, number: int, id_: int) -> bool:
    return row(connection, f"SELECT 1 FROM vectors_{number}_rowids WHERE rowid = ?", (id_,)) is not None


def nearest(
    connection: apsw.Connection, number: int, query: Floats, k: int, allowed: Ids | None = None
) -> tuple[Ids, Floats]:
    """The k passages nearest to a 256-d unit `query` among `allowed`: ids and cosines, best first."""
    sql = f"SELECT id, distance FROM vectors_{number} WHERE embedding MATCH ? AND k = ?"
    bindings: list[Any] = [np.asarray(query, np.float32).tobytes(), min(k, MAX_K)]
    if allowed is not None:
        sql += " AND id IN (SELECT value FROM carray(?))"
        bindings.append(apsw.carray(allowed))
    found = [(id_, distance) for id_, distance in rows(connection, sql, bindings) if distance < _REACH]
    ids = np.array([id_ for id_, _ in found], np.int64)
    distances = np.array([distance for _, distance in found], np.float32)
    return ids, np.asarray(1 - distances**2 / 2, np.float32)


def heads(connection: apsw.Connection, number: int, ids: Sequence[int]) -> dict[int, Floats]:
    """The stored 256-d vectors of those `ids` that have one."""
    found: dict[int, Floats] = {}
    for id_ in ids:
        if stored := row(connection, f"SELECT embedding FROM vectors_{number} WHERE id = ?", (id_,)):
            head = np.frombuffer(stored[0], np.float32)
            if abs(float(head @ head) - 1) < 0.1:
                found[id_] = head
    return found


def cosines(connection: apsw.Connection, number: int, query: Floats, ids: Sequence[int]) -> dict[int, float]:
    """Cosines at 768 dimensions (int8 beyond the first 256) of a (768,) unit query and each id."""
    found = heads(connection, number, ids)
    if not found:
        return {}
    tails = rows(
        connection,
        f"SELECT id, tail FROM tails_{number} WHERE id IN (SELECT value FROM carray(?))",
        (apsw.carray(np.array(sorted(found), np.int64)),),
    )
    result: dict[int, float] = {}
    for id_, tail in tails:
        length, scale = np.frombuffer(tail, np.float32, 2)
        codes = np.frombuffer(tail, np.int8, offset=8).astype(np.float32)
        head = float(query[:DIMENSION] @ found[id_])
        result[id_] = head * float(length) + float(query[DIMENSION:] @ codes) * float(scale)
    return result


def vector(connection: apsw.Connection, number: int, id_: int) -> Floats | None:
    """The 768-d unit vector of one id, as stored."""
    head = heads(connection, number, [id_]).get(id_)
    tail = row(connection, f"SELECT tail FROM tails_{number} WHERE id = ?", (id_,))
    if head is None or tail is None:
        return None
    length, scale = np.frombuffer(tail[0], np.float32, 2)
    rest = np.frombuffer(tail[0], np.int8, offset=8).astype(np.float32) * scale
    full = np.concatenate([head * length, rest])
    return np.asarray(full / np.linalg.norm(full), np.float32)


def _write_head(connection: apsw.Connection, number: int, id_: int, head: bytes) -> None:
    if has_slot(connection, number, id_):
        connection.execute(f"UPDATE vectors_{number} SET embedding = ? WHERE id = ?", (head, id_))
    else:
        connection.execute(f"INSERT INTO vectors_{number}(id, embedding) VALUES (?, ?)", (id_, head))
