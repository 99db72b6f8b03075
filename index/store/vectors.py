"""Nearest neighbours: unit vectors of 256 dimensions in sqlite-vec, and the other 512 dimensions as int8.

A generation is one vec0 table of vectors with one fingerprint. `embedding` holds the first 256 dimensions,
normalized again, in float32. `tail` holds the residual, which scores all 768: the norm of the first 256
dimensions before they were normalized, and the other 512 as int8 with one scale. It has 520 bytes, declared
as floats. vec0 stores and never compares them: its chunks are read directly. A deleted row keeps its slot and
gets a vector that no text can have, because vec0 reuses only slots of its last chunk.

An approximate vector has the slot of its text until the vector itself comes. It is the expectation of the
latter, so it is shorter than a unit vector, and its product with a query is the expected cosine.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence

import apsw
import numpy as np
from numpy.typing import NDArray

from index.errors import IndexingError
from index.store.database import fetch_all, fetch_one, fetch_value, id_array
from index.store.one_row import fetch_json

FULL_DIMENSION = 768
"""Dimensions of the model's vectors."""
SEARCH_DIMENSION = 256
"""Dimensions by which candidates are found: a third of the memory for a loss that scoring at 768 makes up
(assets/docs/search.md)."""
RESIDUAL_BYTES = 8 + FULL_DIMENSION - SEARCH_DIMENSION
"""Bytes of a residual; declared as floats, because an UPDATE of vec0 loses the type int8."""
CHUNK_ROWS = 256
"""Rows of a vec0 chunk. Larger chunks make reading and writing one vector slower, smaller ones searching."""
HEAD_NORM = 0.605
"""Norm of the first 256 dimensions of the model's vectors before they are normalized. In ten sets of five
languages and code it is 0.60 to 0.61 on average, with a standard deviation of 0.02."""
_FAR = np.full(SEARCH_DIMENSION, 1e3, np.float32).tobytes()
FEW = 4_096
"""Ids up to which their vectors are read one by one, rather than all vectors of the index."""

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]


def create_generation(connection: apsw.Connection, number: int) -> None:
    connection.execute(
        f"CREATE VIRTUAL TABLE vectors_{number} USING vec0(id INTEGER PRIMARY KEY, "
        f"embedding FLOAT[{SEARCH_DIMENSION}] distance_metric=L2, tail FLOAT[{RESIDUAL_BYTES // 4}], "
        f"chunk_size={CHUNK_ROWS})"
    )


def drop_generation(connection: apsw.Connection, number: int) -> None:
    connection.execute(f"DROP TABLE IF EXISTS vectors_{number}")


def copy_generation(connection: apsw.Connection, number: int, new: int) -> None:
    """Create generation `new` with the vectors of `number`, without deleted rows, in dense chunks."""
    create_generation(connection, new)
    cursor = connection.execute(f"SELECT id, embedding, tail FROM vectors_{number}")
    while found := list(itertools.islice(cursor, 4096)):
        connection.executemany(
            f"INSERT INTO vectors_{new}(id, embedding, tail) VALUES (?, ?, ?)",
            [stored for stored in found if abs(np.frombuffer(stored[1], np.float32, 1)[0]) <= 1],
        )


def truncate_matryoshka(vectors: Floats, least_norm: float = 1e-12) -> Floats:
    """(n, 768) to (n, 256) rows: the first 256 dimensions, normalized again (arXiv:2205.13147).

    What is shorter than `least_norm` is divided by that, and stays shorter than a unit vector.
    """
    return np.asarray(vectors[:, :SEARCH_DIMENSION] / _head_norms(vectors, least_norm)[:, None], np.float32)


def quantize_residual(vectors: Floats, least_norm: float = 1e-12) -> list[bytes]:
    """The residual of each row, 520 bytes: what the head was divided by and scale (float32), then 512 int8
    codes."""
    codes, scale = quantize_int8(vectors[:, SEARCH_DIMENSION:])
    sides = np.stack([_head_norms(vectors, least_norm), scale], axis=1).astype(np.float32)
    return [side.tobytes() + code.tobytes() for side, code in zip(sides, codes, strict=True)]


def _head_norms(vectors: Floats, least: float) -> Floats:
    norms = np.linalg.norm(vectors[:, :SEARCH_DIMENSION], axis=1)
    return np.asarray(np.maximum(norms, np.float32(least)), np.float32)


def quantize_int8(rows: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Symmetric int8 codes (n, d) and one scale for each row (n,): about `codes * scale`."""
    scales = np.maximum(np.abs(rows).max(axis=1), np.float32(1e-12)) / np.float32(127)
    return np.rint(rows / scales[:, None]).astype(np.int8), scales.astype(np.float32)


def require_unit_rows(vectors: Floats, count: int) -> Floats:
    """The vectors as (count, 768) unit rows. Raises IndexingError for any others: vec0 does not check."""
    good = np.ascontiguousarray(vectors, np.float32)
    if good.shape != (count, FULL_DIMENSION):
        raise IndexingError(
            f"Vectors of shape {good.shape} came for {count} texts.", "This is a bug; report it."
        )
    if not np.all(np.abs(np.linalg.norm(good, axis=1) - 1) < 0.01):
        raise IndexingError(
            "The model gave a vector that is not a unit vector.", "Run `ken doctor` to check the model."
        )
    return good


def require_expectations(vectors: Floats, count: int) -> Floats:
    """The vectors as (count, 768) rows of at most unit length. Raises IndexingError for any others."""
    good = np.ascontiguousarray(vectors, np.float32)
    if good.shape != (count, FULL_DIMENSION) or not np.all(np.linalg.norm(good, axis=1) < 1.01):
        raise IndexingError(
            f"Approximate vectors of {count} texts are longer than a vector can be.",
            "This is a bug; report it.",
        )
    return good


def write(
    connection: apsw.Connection,
    number: int,
    ids: Sequence[int],
    vectors: Floats,
    *,
    approximate: bool = False,
) -> None:
    """Store (n, 768) unit rows, or expectations of such, under `ids`; an existing slot is overwritten.

    The first 256 dimensions of an expectation are divided by the norm that those of a vector have, so that
    they are the expectation of what is stored of the vector.
    """
    slots = _slots(connection, number, ids)
    known = [id_ in slots for id_ in ids]
    least = HEAD_NORM if approximate else 1e-12
    heads, tails = truncate_matryoshka(vectors, least), quantize_residual(vectors, least)
    stored = [(head.tobytes(), tail) for head, tail in zip(heads, tails, strict=True)]
    connection.executemany(
        f"UPDATE vectors_{number} SET embedding = ?, tail = ? WHERE id = ?",
        [(*parts, id_) for id_, parts, there in zip(ids, stored, known, strict=True) if there],
    )
    connection.executemany(
        f"INSERT INTO vectors_{number}(id, embedding, tail) VALUES (?, ?, ?)",
        [(id_, *parts) for id_, parts, there in zip(ids, stored, known, strict=True) if not there],
    )


def erase(connection: apsw.Connection, number: int, ids: Sequence[int]) -> None:
    """Overwrite the vectors of `ids` by one far away from all others; the slots are reused with the ids."""
    connection.executemany(
        f"UPDATE vectors_{number} SET embedding = ?, tail = ? WHERE id = ?",
        [(_FAR, bytes(RESIDUAL_BYTES), id_) for id_ in sorted(_slots(connection, number, ids))],
    )


def _slots(connection: apsw.Connection, number: int, ids: Sequence[int]) -> set[int]:
    """Those of `ids` that have a slot."""
    sql = f"SELECT rowid FROM vectors_{number}_rowids WHERE rowid IN (SELECT value FROM carray(?))"
    return {id_ for (id_,) in fetch_all(connection, sql, (id_array(np.array(ids, np.int64)),))}


def nearest(
    connection: apsw.Connection, number: int, query: Floats, k: int, allowed: Ids | None = None
) -> tuple[Ids, Floats]:
    """The k texts nearest to a (256,) unit query among `allowed`: ids and cosines, best first."""
    if allowed is not None and len(allowed) <= FEW:
        ids, heads = read_heads(connection, number, allowed)
        return best(ids, heads @ query, k)
    return best(*score_chunks(connection, number, query), k, allowed)


def best(ids: Ids, scores: Floats, k: int, allowed: Ids | None = None) -> tuple[Ids, Floats]:
    """The k highest of (n,) scores among `allowed` and their ids, best first; of equal ones, the lower id."""
    if allowed is not None:
        inside = np.isin(ids, allowed)
        ids, scores = ids[inside], scores[inside]
    if len(scores) > k:
        near = np.flatnonzero(scores >= np.partition(scores, len(scores) - k)[len(scores) - k])
        ids, scores = ids[near], scores[near]
    order = np.lexsort((ids, -scores))[:k]
    return ids[order], scores[order]


def chunk_ids(connection: apsw.Connection, number: int) -> list[int]:
    """The numbers of the chunks, ascending."""
    sql = f"SELECT chunk_id FROM vectors_{number}_chunks ORDER BY chunk_id"
    return [chunk for (chunk,) in fetch_all(connection, sql)]


def score_chunks(
    connection: apsw.Connection, number: int, query: Floats, first: int = 0, last: int = 2**63 - 1
) -> tuple[Ids, Floats]:
    """All texts of the chunks from `first` to `last`, and their cosines with a (256,) unit query.

    A chunk is multiplied while it is in the processor's cache. sqlite-vec itself takes three times as long.
    """
    sql = f"SELECT chunk_id, rowids, validity FROM vectors_{number}_chunks WHERE chunk_id BETWEEN ? AND ?"
    chunks = fetch_all(connection, sql, (first, last))
    # All at once: what is done for each chunk holds the interpreter's lock, for which other threads wait.
    ids = np.frombuffer(b"".join(rowids for _, rowids, _ in chunks), np.int64)
    used = _used(b"".join(validity for _, _, validity in chunks))
    scores, firsts = np.empty(len(ids), np.float32), np.empty(len(ids), np.float32)
    start = 0
    for heads in _overwritten_chunks(connection, number, [chunk for chunk, _, _ in chunks]):
        end = start + len(heads)
        np.dot(heads, query, out=scores[start:end])
        firsts[start:end] = heads[:, 0]
        start = end
    there = used & (np.abs(firsts) <= 1)
    return ids[there], scores[there]


def _overwritten_chunks(
    connection: apsw.Connection, number: int, chunks: Sequence[int]
) -> Iterator[NDArray[np.float32]]:
    """The (n, 256) rows of each chunk, in memory that the next one overwrites."""
    if not chunks:
        return
    with connection.blob_open(
        "main", f"vectors_{number}_vector_chunks00", "vectors", chunks[0], False
    ) as blob:
        heads = np.empty((0, SEARCH_DIMENSION), np.float32)
        for chunk in chunks:
            blob.reopen(chunk)
            if blob.length() != heads.nbytes:
                heads = np.empty((blob.length() // 4 // SEARCH_DIMENSION, SEARCH_DIMENSION), np.float32)
            blob.read_into(heads.data)
            yield heads


def sample_codes() -> NDArray[np.int8]:
    """(64, 256) pseudo-random numbers from -127 to 127, always the same.

    Consecutive numbers mixed by fmix32 of MurmurHash3: this saves the import of a random generator.
    """
    mixed = np.arange(1, 64 * SEARCH_DIMENSION + 1, dtype=np.uint32)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        mixed = (mixed ^ (mixed >> np.uint32(shift))) * np.uint32(factor)
    codes = ((mixed ^ (mixed >> np.uint32(16))) % np.uint32(255)).astype(np.int16) - 127
    return codes.astype(np.int8).reshape(64, SEARCH_DIMENSION)


def read_heads(connection: apsw.Connection, number: int, ids: Iterable[int]) -> tuple[Ids, Floats]:
    """The `ids` that have a vector, and their (n, 256) unit rows; each chunk is read once."""
    places = fetch_json(
        connection,
        "SELECT json_group_array(json_array(place.chunk_id, place.rowid, place.chunk_offset)) "
        f"FROM carray(?) AS wanted CROSS JOIN vectors_{number}_rowids AS place "
        "ON place.rowid = wanted.value",
        (id_array(np.fromiter(ids, np.int64)),),
    )
    found, heads = [np.empty(0, np.int64)], [np.empty((0, SEARCH_DIMENSION), np.float32)]
    for chunk, group in itertools.groupby(sorted(places), key=lambda place: place[0]):
        _, numbers, offsets = np.array(list(group), np.int64).T
        sql = f"SELECT vectors FROM vectors_{number}_vector_chunks00 WHERE rowid = ?"
        stored = np.frombuffer(fetch_value(connection, sql, bytes, (chunk,)), np.float32).reshape(
            -1, SEARCH_DIMENSION
        )
        near = np.abs(stored[offsets, 0]) <= 1
        found.append(numbers[near])
        heads.append(stored[offsets[near]])
    return np.concatenate(found), np.concatenate(heads)


def iterate_chunks(connection: apsw.Connection, number: int) -> Iterator[tuple[Ids, Floats]]:
    """All stored vectors, one chunk at a time: ids and (n, 256) unit rows, without deleted rows."""
    for rowids, validity, heads in _read_chunks(connection, number):
        used = _used(validity) & (np.abs(heads[:, 0]) <= 1)
        yield np.frombuffer(rowids, np.int64)[used], heads[used]


def _read_chunks(
    connection: apsw.Connection, number: int, first: int = 0, last: int = 2**63 - 1
) -> Iterator[tuple[bytes, bytes, Floats]]:
    """Of each chunk from `first` to `last` its ids, which of its rows are used, and its rows, (n, 256).

    Read from the chunks of vec0 directly: its table would open the chunk again for each row.
    """
    cursor = connection.execute(
        f"SELECT chunks.rowids, chunks.validity, stored.vectors FROM vectors_{number}_chunks AS chunks "
        f"JOIN vectors_{number}_vector_chunks00 AS stored ON stored.rowid = chunks.chunk_id "
        f"WHERE chunks.chunk_id BETWEEN ? AND ?",
        (first, last),
    )
    for rowids, validity, stored in cursor:
        yield rowids, validity, np.frombuffer(stored, np.float32).reshape(-1, SEARCH_DIMENSION)


def _used(validity: bytes) -> NDArray[np.bool_]:
    """One boolean for each row: whether it has been written."""
    return np.unpackbits(np.frombuffer(validity, np.uint8), bitorder="little").view(np.bool_)


def cosines(
    connection: apsw.Connection,
    number: int,
    queries: Floats,
    ids: Iterable[int],
    dimension: int = FULL_DIMENSION,
) -> tuple[Ids, Floats]:
    """Cosines of (m, 768) unit queries and those of `ids` that have a vector: these ids (n,), and (n, m).

    At 256 dimensions or all 768 (the rest as int8).
    """
    found, heads, tails = _read_rows(connection, number, ids)
    if dimension == SEARCH_DIMENSION:
        return found, heads @ truncate_matryoshka(queries).T
    lengths, scales, codes = _unpack_residuals(tails)
    rest = codes.astype(np.float32) @ queries[:, SEARCH_DIMENSION:].T
    return found, (heads @ queries[:, :SEARCH_DIMENSION].T) * lengths[:, None] + rest * scales[:, None]


def read_vector(connection: apsw.Connection, number: int, id_: int) -> Floats | None:
    """The 768-d unit vector of one id, as stored; of an approximate one, its direction."""
    _, rows = read_vectors(connection, number, [id_])
    return rows[0] if len(rows) else None


def read_vectors(connection: apsw.Connection, number: int, ids: Iterable[int]) -> tuple[Ids, Floats]:
    """Those of `ids` that have a vector, and the (n, 768) unit vectors, as `read_vector`."""
    found, heads, tails = _read_rows(connection, number, ids)
    lengths, scales, codes = _unpack_residuals(tails)
    rows = np.concatenate([heads * lengths[:, None], codes * scales[:, None]], axis=1)
    return found, np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def _read_rows(
    connection: apsw.Connection, number: int, ids: Iterable[int]
) -> tuple[Ids, Floats, NDArray[np.uint8]]:
    """The `ids` that have a vector, (n,), their (n, 256) unit rows and (n, 520) bytes of residuals."""
    # One row for all: see `one_row`, whose JSON holds no bytes.
    found, joined_heads, joined_tails = fetch_one(
        connection,
        "SELECT json_group_array(stored.id), CAST(group_concat(stored.embedding, '') AS BLOB), "
        "CAST(group_concat(stored.tail, '') AS BLOB) FROM carray(?) AS wanted "
        f"CROSS JOIN vectors_{number} AS stored ON stored.id = wanted.value",
        (id_array(np.fromiter(ids, np.int64)),),
    )
    numbers = np.array(json.loads(found), np.int64)
    heads = np.frombuffer(joined_heads or b"", np.float32).reshape(len(numbers), SEARCH_DIMENSION)
    tails = np.frombuffer(joined_tails or b"", np.uint8).reshape(len(numbers), RESIDUAL_BYTES)
    near = np.abs(heads[:, 0]) <= 1
    return numbers[near], heads[near], tails[near]


def _unpack_residuals(tails: NDArray[np.uint8]) -> tuple[Floats, Floats, NDArray[np.int8]]:
    """The parts of (n, 520) residuals: norms (n,), scales (n,) and codes (n, 512)."""
    sides = np.ascontiguousarray(tails[:, :8]).view(np.float32)
    return sides[:, 0], sides[:, 1], tails[:, 8:].view(np.int8)
