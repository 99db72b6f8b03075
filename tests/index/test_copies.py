"""A backup, a restore and an import end with the old index or the new one, wherever they are broken off."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.index_content import embed_all, passage, record

from index.errors import IndexBusy, IndexCorrupt, IndexingError, IndexUnreachable
from index.search.searcher import Searcher
from index.store.copies import backup, restore, staged_copy
from index.store.database import SnapshotPool
from index.store.store import Store

RESTORE = """
import os, sys
from pathlib import Path
from index.store import copies
left = int(sys.argv[3])
def traced(event, arguments):
    global left
    if event in ("os.rename", "os.remove", "os.link", "sqlite3.connect", "open"):
        left -= 1
        if left < 0:
            os._exit(9)
path, source = Path(sys.argv[1]), Path(sys.argv[2])
sys.addaudithook(traced)
copies.restore(path, source)
"""


def run(script: str, *arguments: object) -> int:
    """Run a script in a process of its own; returns how it ended."""
    tests = Path(__file__).parents[1]
    command = [sys.executable, "-c", script, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": f"{tests.parent}{os.pathsep}{tests}"}
    return subprocess.run(command, check=False, env=environment).returncode


def filled(path: Path, words: str, *, files: int = 5) -> None:
    with Store(path, fingerprint="a") as store:
        store.put([(record(f"/n/{words}{i}.md"), [passage(f"{words} {i}")]) for i in range(files)])
        embed_all(store)


def names(path: Path) -> set[str]:
    with Store(path) as store:
        assert store.check() == []
        return {Path(file).stem.rstrip("0123456789") for file in store.files()}


def beside(path: Path) -> list[str]:
    return sorted(file.name for file in path.parent.iterdir())


def leave_log(path: Path) -> None:
    """Write more, and end as `kill -9` does: the write-ahead log stays."""
    script = (
        "import os, sys; from pathlib import Path; from index.store.store import Store\n"
        "from support.index_content import passage, record\n"
        "store = Store(Path(sys.argv[1]))\n"
        "store.put([(record('/n/later.md'), [passage('later')])])\n"
        "os._exit(9)"
    )
    assert run(script, path) == 9
    assert path.with_name(path.name + "-wal").stat().st_size


@pytest.fixture
def paths(tmp_path: Path) -> tuple[Path, Path]:
    """An index whose log was left, and a backup of another."""
    (tmp_path / "home").mkdir()
    filled(tmp_path / "other.db", "new")
    backup(tmp_path / "other.db", tmp_path / "b.db")
    index = tmp_path / "home" / "index.db"
    filled(index, "old")
    leave_log(index)
    return index, tmp_path / "b.db"


@pytest.mark.parametrize("left", [*range(12), 1_000])
def test_a_restore_that_is_killed_leaves_the_old_or_the_new(paths: tuple[Path, Path], left: int) -> None:
    index, source = paths
    ended = run(RESTORE, index, source, left)
    assert ended == 9 if left < 5 else ended in (0, 9)
    assert names(index) in ([{"new"}] if ended == 0 else [{"old", "later"}, {"new"}])


def test_a_restore_leaves_nothing_beside(paths: tuple[Path, Path]) -> None:
    index, source = paths
    restore(index, source)
    assert beside(index) == ["index.db"]
    assert index.stat().st_mode & 0o777 == 0o600
    assert names(index) == {"new"}


def test_a_damaged_index_is_kept_with_its_log_when_a_backup_takes_its_place(paths: tuple[Path, Path]) -> None:
    index, source = paths
    index.write_bytes(b"no database at all" * 1_000)
    restore(index, source)
    assert names(index) == {"new"}
    kept = [name for name in beside(index) if ".replaced-" in name]
    assert [name.endswith("-wal") for name in kept] == [False, True]


def test_a_reader_in_the_way_of_a_restore_is_told(
    paths: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    index, source = paths
    monkeypatch.setattr("index.store.copies.BUSY_MS", 50)
    with SnapshotPool(index) as pool, pool.snapshot() as db:
        db.execute("SELECT count(*) FROM files").fetchall()
        filled(index, "more", files=1)
        with pytest.raises(IndexBusy):
            restore(index, source)
    assert names(index) == {"old", "later", "more"}


@pytest.mark.parametrize(
    "spoil", [b"", b"words", b"SQLite format 3\0" + bytes(4_000)], ids=["empty", "text", "zeros"]
)
def test_what_is_no_backup_is_refused(paths: tuple[Path, Path], spoil: bytes) -> None:
    index, source = paths
    source.write_bytes(spoil)
    with pytest.raises(IndexingError):
        restore(index, source)
    assert names(index) == {"old", "later"}
    assert not [name for name in beside(index) if name.startswith(".")]


def test_a_backup_with_one_damaged_page_is_refused(paths: tuple[Path, Path]) -> None:
    index, source = paths
    data = bytearray(source.read_bytes())
    data[3 * 16_384 : 3 * 16_384 + 2_000] = b"\x55" * 2_000
    source.write_bytes(data)
    with pytest.raises(IndexCorrupt):
        restore(index, source)
    assert names(index) == {"old", "later"}


def test_a_backup_never_takes_what_is_there(tmp_path: Path) -> None:
    filled(tmp_path / "index.db", "old")
    (tmp_path / "b.db").symlink_to(tmp_path / "nowhere")
    with pytest.raises(IndexUnreachable):
        backup(tmp_path / "index.db", tmp_path / "b.db")
    assert (tmp_path / "b.db").is_symlink()
    with pytest.raises(IndexUnreachable):
        backup(tmp_path / "index.db", tmp_path / "missing" / "b.db")
    assert beside(tmp_path / "index.db") == ["b.db", "index.db"]


def test_work_on_a_staged_copy_that_fails_changes_nothing(paths: tuple[Path, Path]) -> None:
    index, _ = paths
    with pytest.raises(RuntimeError), staged_copy(index) as draft, Store(draft) as store:
        store.remove(["/n/old1.md"])
        raise RuntimeError
    assert names(index) == {"old", "later"}
    assert not [name for name in beside(index) if name.startswith(".")]


def test_an_index_that_was_replaced_is_neither_written_nor_its_log_deleted(paths: tuple[Path, Path]) -> None:
    index, source = paths
    store, searcher = Store(index), Searcher(index)
    assert searcher.search("old", None, mode="words").hits
    restore(index, source)
    with Store(index) as now:
        now.put([(record("/n/now.md"), [passage("now")])])
        with pytest.raises(IndexUnreachable):
            store.put([(record("/n/lost.md"), [passage("lost")])])
        with pytest.raises(IndexUnreachable):
            store.wipe("all")
        store.close()
        searcher.close()
        assert index.with_name("index.db-wal").exists()
        with Store(index) as another:
            assert set(another.files()) == set(now.files())
    assert names(index) == {"new", "now"}
