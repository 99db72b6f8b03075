"""Nothing of what was dropped is in the index file or its log, however rows moved between pages."""

from __future__ import annotations

import gzip
import random
import re
from pathlib import Path

import apsw
import numpy as np
import pytest
import sqlite_vec  # type: ignore[import-untyped]
from support.index_content import embed_all, passage, record

from index.store import vectors
from index.store.database import SnapshotPool, open_reader
from index.store.store import Store

FIXTURE = Path(__file__).parents[1] / "fixtures" / "index-0.1.0.db.gz"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "index.db"


def on_disk(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(path.parent.glob(path.name + "*")))


def churned(store: Store, draw: random.Random, steps: int) -> set[str]:
    """Put, replace and remove files of very different lengths; returns the marks of what is still there."""
    live: dict[int, str] = {}
    for step in range(steps):
        for number in {draw.randrange(200) for _ in range(30)}:
            live[number] = f"zq{number}v{step}x"
            text = f"{live[number]} " * draw.randint(1, 60) + "and then " * draw.randint(1, 300)
            store.put([(record(f"/n/{live[number]}.md"), [passage(text), passage(text + ".", 2)])])
        gone = [f"/n/{mark}.md" for mark in _marks(store) - set(live.values())]
        gone += [f"/n/{live.pop(number)}.md" for number in draw.sample(sorted(live), 8)]
        store.remove(gone)
        embed_all(store)
    return set(live.values())


def _marks(store: Store) -> set[str]:
    return {Path(path).stem for path in store.files()}


def test_rows_that_moved_between_pages_leave_no_copies(path: Path) -> None:
    with Store(path, fingerprint="a") as store:
        live = churned(store, random.Random(1), 30)
        assert store.wipe("all")
        assert {found.decode() for found in re.findall(rb"zq\d+v\d+x", on_disk(path))} == live
        assert store.check() == []
        assert store.wipe("all")


def test_a_name_a_title_and_a_reason_that_were_replaced_are_gone(path: Path) -> None:
    with Store(path, fingerprint="a") as store:
        store.put([(record("/n/marguerite.md"), [passage("a heron")])])
        store.move("/n/marguerite.md", "/n/plain.md", record("/n/plain.md"))
        assert store.wipe("all")
        assert b"marguerit" not in on_disk(path)


def test_a_dropped_vector_is_overwritten_whole(path: Path) -> None:
    with Store(path, fingerprint="a") as store:
        store.put([(record(f"/n/{i}.md"), [passage(f"note {i}")]) for i in range(5)])
        embed_all(store)
        with SnapshotPool(path) as pool, pool.snapshot() as db:
            stored = db.execute("SELECT embedding, tail FROM vectors_1 WHERE id = 2").fetchone()
            assert stored is not None
        store.remove(["/n/1.md"])
        assert store.wipe("all")
        left = on_disk(path)
        assert stored[0][:64] not in left
        assert stored[1][8:72] not in left


def test_a_reader_in_the_way_is_told_and_waited_for(path: Path) -> None:
    with Store(path, fingerprint="a") as store:
        store.put([(record("/n/a.md"), [passage("marguerite")]), (record("/n/b.md"), [passage("a heron")])])
        with SnapshotPool(path) as pool, pool.snapshot() as db:
            db.execute("SELECT count(*) FROM texts").fetchall()
            store.remove(["/n/a.md"])
            assert not store.wipe("due")
            assert b"marguerite" in on_disk(path)
        assert store.wipe("due")
        assert b"marguerit" not in on_disk(path)


def test_steps_that_are_not_due_wait_and_are_remembered(path: Path) -> None:
    with Store(path, fingerprint="a") as store:
        store.put([(record(f"/n/{i}.md"), [passage(f"note {i}")]) for i in range(5)])
        store.remove(["/n/0.md"])
        assert store.wipe("due")
        store._connection.execute("UPDATE settings SET value = 3600 WHERE name LIKE 'wipe % again after'")
        store.remove(["/n/1.md"])
        assert not store.wipe("due")
    with Store(path) as again:
        assert not again.wipe("due")
        # A clock that was set back must not put a step off for ever.
        again._connection.execute("UPDATE settings SET value = value + 1e9 WHERE name LIKE 'wipe % at'")
        assert again.wipe("due")


def test_a_large_index_is_not_rewritten_where_somebody_waits(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.store.wiping.QUICK_BYTES", 0)
    with Store(path, fingerprint="a") as store:
        store.put([(record("/n/a.md"), [passage("marguerite")])])
        store.remove(["/n/a.md"])
        assert not store.wipe("quick")
        assert store.wipe("all")


def test_what_an_earlier_release_left_is_overwritten(path: Path) -> None:
    path.write_bytes(gzip.decompress(FIXTURE.read_bytes()))
    old = apsw.Connection(str(path))
    old.enable_load_extension(True)
    old.load_extension(sqlite_vec.loadable_path())
    tail = old.execute("SELECT tail FROM vectors_1 WHERE id = 1").fetchone()
    far = np.full(vectors.SEARCH_DIMENSION, 1e3, np.float32).tobytes()
    old.execute("UPDATE vectors_1 SET embedding = ? WHERE id = 1", (far,))
    for sql in ("DELETE FROM passages WHERE text = 1", "DELETE FROM words WHERE rowid = 1"):
        old.execute(sql)
    (text,) = old.execute("SELECT text FROM texts WHERE id = 1").fetchone()  # type: ignore[misc]
    old.execute("DELETE FROM texts WHERE id = 1")
    old.execute("INSERT INTO freed(id) VALUES (1)")
    old.close()
    word = str(text)[:40].encode()
    assert tail is not None
    assert word in on_disk(path)
    assert tail[0][8:72] in on_disk(path)
    with Store(path) as store:
        assert store.wipe("due")
        assert word not in on_disk(path)
        assert tail[0][8:72] not in on_disk(path)


def test_a_new_index_has_nothing_to_wipe(path: Path) -> None:
    with Store(path) as store:
        assert store._connection.execute("SELECT name FROM settings WHERE name LIKE 'wipe%'").fetchall() == []
        assert store.wipe("due")


def test_every_connection_that_writes_overwrites(path: Path) -> None:
    with Store(path) as store:
        assert store._connection.pragma("secure_delete") == 1
    assert open_reader(path).pragma("secure_delete") == 1
