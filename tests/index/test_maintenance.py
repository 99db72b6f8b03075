"""The index looked after: repair, salvage, export and import, backup, churn."""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import replace
from pathlib import Path

import apsw
import pytest
from support.index_content import embed, embed_all, passage, record

from index.errors import IndexCorrupt, IndexFull, IndexNewer, IndexUnreachable
from index.search.searcher import Searcher
from index.store import export_import, scans
from index.store.copies import backup
from index.store.database import open_writer
from index.store.salvage import salvage
from index.store.store import Store
from index.types import CatalogEntry, FileRecord, Filter

pytestmark = pytest.mark.slow


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "index.db"


def filled(path: Path, files: int = 60) -> Store:
    store = Store(path, fingerprint="a")
    store.add_root("/n")
    store.put(
        [
            (record(f"/n/{i}.md"), [passage(f"note {i} part {j}", j + 1) for j in range(4)])
            for i in range(files)
        ]
    )
    embed_all(store)
    return store


def break_table(path: Path, sql: str) -> None:
    connection = open_writer(path)
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute(sql)
    connection.close()


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM texts WHERE id % 3 = 0",
        "DELETE FROM files WHERE id % 3 = 0",
        "DELETE FROM passages WHERE file % 3 = 0",
        "DELETE FROM words WHERE rowid % 3 = 0",
        "DELETE FROM names WHERE rowid % 3 = 0",
        "INSERT INTO words(rowid, title, body) VALUES (9999, 'a', 'b')",
        "INSERT INTO freed(id) SELECT id FROM texts LIMIT 5",
        "DELETE FROM vectors_1 WHERE id % 5 = 0",
        "INSERT INTO todo(text, mtime_ns) VALUES (5000, 1)",
        "UPDATE words_data SET block = zeroblob(40) WHERE id = (SELECT max(id) FROM words_data)",
    ],
)
def test_repair_finds_and_mends_every_disagreement(path: Path, sql: str) -> None:
    filled(path).close()
    break_table(path, sql)
    with Store(path) as store:
        assert store.check()
        store.repair()
        embed_all(store)
        assert store.check() == []
        with Searcher(path) as searcher:
            assert searcher.search("note 19 part 2", embed("note 19 part 2")).hits[0].path == "/n/19.md"


def test_a_sound_index_has_nothing_to_mend(path: Path) -> None:
    with filled(path) as store:
        assert store.check() == []


def test_a_corrupted_page_is_told_and_the_rest_is_saved(path: Path) -> None:
    filled(path, 300).close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        for page in range(12, size // 16384, 17):
            file.seek(page * 16384)
            file.write(random.Random(page).randbytes(16384))
    with pytest.raises(IndexCorrupt, match="damaged"), Store(path) as store:
        store.check()
    saved = salvage(path)
    assert saved.kept.exists()
    with Store(path) as store:
        assert store.check() == []
        assert len(store.files()) == saved.files > 0
        assert all(record.mtime_ns == -1 for record in store.files().values()), "all are read again"


def test_any_one_page_may_be_lost(path: Path, tmp_path: Path) -> None:
    filled(path, 20).close()
    for page in range(path.stat().st_size // 16384):
        broken = tmp_path / "broken.db"
        shutil.copy(path, broken)
        with broken.open("r+b") as file:
            file.seek(page * 16384)
            file.write(random.Random(page).randbytes(16384))
        salvage(broken)
        with Store(broken, fingerprint="a") as store:
            assert store.check() == []
            store.put([(record("/n/1.md"), [passage("note 1 part 1")])])
            embed_all(store)


@pytest.mark.parametrize("left", [0.0, 0.1, 0.5, 0.9])
def test_a_file_cut_off_or_no_database_is_replaced(path: Path, left: float) -> None:
    filled(path).close()
    with path.open("r+b") as file:
        file.truncate(int(path.stat().st_size * left) or 5)
    with pytest.raises(IndexCorrupt), Store(path) as store:
        store.check()
    saved = salvage(path)
    assert saved.files > 0 or left < 0.9
    with Store(path) as store:
        assert store.check() == []
        assert len(store.files()) == saved.files


def test_export_and_import_give_the_same_answers_without_embedding(path: Path, tmp_path: Path) -> None:
    odd = "/n/caf\udce9.md"
    with filled(path) as store:
        store.put([(record(odd), [passage("an odd name")])])
        store.put([(FileRecord("/n/bad.pdf", 1, 2, 3, state="failed", reason="broken"), [])])
        embed_all(store)
        export_import.export(path, tmp_path / "out")
        before = store.files()
    with Store(tmp_path / "new" / "index.db", fingerprint="a") as store:
        export_import.import_(store, tmp_path / "out", keep=["/n"])
        assert store.files() == before
        assert store.counts().pending == 0
        assert store.check() == []
    with Searcher(path) as old, Searcher(tmp_path / "new" / "index.db") as new:
        for i in range(10):
            ours, theirs = (one.search(f"part {i}", embed(f"q{i}")).hits for one in (old, new))
            assert [hit.path for hit in ours] == [hit.path for hit in theirs]
            assert [hit.score for hit in ours] == pytest.approx([hit.score for hit in theirs], abs=1e-4)


def test_export_keeps_fields_links_and_pages_read_as_pictures(path: Path, tmp_path: Path) -> None:
    fields = (("tag", "sea/harbour"), ("author", "Inês Barros"), ("alias", "Springs"))
    told = replace(record("/n/a.md"), title="The Tides", links=("b", "Moon phases"), fields=fields)
    scan = replace(record("/n/scan.pdf"), scans=(1, 2, 3))
    entries = (CatalogEntry("storage/a.pdf", (("tag", "x"),)),)
    catalog = FileRecord("/n/zotero.sqlite", 1, 2, 3, b"x" * 16, "named", kind="zotero", catalog=entries)
    with Store(path) as store:
        some = [(told, [passage("water")]), (record("/n/b.md"), [passage("quay")]), (scan, []), (catalog, [])]
        store.put(some)
        scans.put_page(store, scan, 2, [passage("seen")])
    export_import.export(path, tmp_path / "out")
    with Store(tmp_path / "new" / "index.db") as store:
        export_import.import_(store, tmp_path / "out", keep=["/n"])
        assert sorted(scans.waiting(store)) == [("/n/scan.pdf", 1), ("/n/scan.pdf", 3)]
        assert store.files()["/n/zotero.sqlite"].hash == b""  # read again, with what it says of others
    with Searcher(tmp_path / "new" / "index.db") as searcher:
        for name, value in (("tag", "sea"), ("tag", "sea/harbour"), ("author", "barros"), ("title", "tides")):
            hits = searcher.newest(filter=Filter(fields=((name, (value,)),))).hits
            assert [hit.path for hit in hits] == ["/n/a.md"], name
        assert searcher.linked("/n/b.md") == ((), ("/n/a.md",))
        assert searcher.search("Springs", None, mode="words").hits[0].path == "/n/a.md"


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("fields", [["tag"]]), ("fields", [["tag", 1]]), ("fields", "tag"), ("links", [1]), ("scans", [True])],
)
def test_what_is_no_field_link_or_page_is_refused(
    name: str, wrong: object, path: Path, tmp_path: Path
) -> None:
    with Store(path) as store:
        store.put([(record("/n/a.md"), [passage("water")])])
    export_import.export(path, tmp_path / "out")
    files = tmp_path / "out" / "files.jsonl"
    files.write_text(json.dumps(json.loads(files.read_text()) | {name: wrong}) + "\n")
    with Store(tmp_path / "new" / "index.db") as store, pytest.raises(IndexUnreachable, match=name):
        export_import.import_(store, tmp_path / "out")


def test_import_refuses_vectors_of_another_model_and_half_an_export(path: Path, tmp_path: Path) -> None:
    filled(path).close()
    export_import.export(path, tmp_path / "out")
    with (
        Store(tmp_path / "b.db", fingerprint="b") as store,
        pytest.raises(IndexUnreachable, match="another model"),
    ):
        export_import.import_(store, tmp_path / "out")
    (tmp_path / "out" / "vectors.safetensors").write_bytes(b"\0" * 20)
    with (
        Store(tmp_path / "c.db", fingerprint="a") as store,
        pytest.raises(IndexUnreachable, match="not a whole"),
    ):
        export_import.import_(store, tmp_path / "out")


def test_backup_copies_a_live_index(path: Path, tmp_path: Path) -> None:
    with filled(path) as store:
        backup(path, tmp_path / "copy.db")
        store.put([(record("/n/later.md"), [passage("later")])])
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600
    with Store(tmp_path / "copy.db") as copy:
        assert len(copy.files()) == 60
        assert copy.check() == []
    with pytest.raises(IndexUnreachable, match="exists"):
        backup(path, tmp_path / "copy.db")


def test_an_index_of_a_newer_release_is_refused(path: Path) -> None:
    filled(path).close()
    break_table(path, "PRAGMA user_version = 99")
    for open_ in (Store, Searcher):
        with pytest.raises(IndexNewer):
            open_(path)


def test_a_full_disk_is_told_and_harms_nothing(path: Path) -> None:
    with filled(path) as store:
        pages = store._connection.pragma("page_count")
        store._connection.pragma("max_page_count", pages + 1)
        with pytest.raises(IndexFull):
            store.put([(record(f"/m/{i}.md"), [passage("x" * 5000 + str(i))]) for i in range(200)])
        store._connection.pragma("max_page_count", 1 << 30)
        assert store.check() == []
        assert len(store.files()) == 60


def test_a_pinned_reader_keeps_its_snapshot_and_stops_nobody(path: Path) -> None:
    with filled(path) as store:
        reader = apsw.Connection(str(path))
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM files").fetchall() == [(60,)]
        for i in range(50):
            store.put([(record(f"/later/{i}.md"), [passage(f"later {i}")])])
        assert reader.execute("SELECT count(*) FROM files").fetchall() == [(60,)]
        reader.close()
        assert len(store.files()) == 110


def test_churn_does_not_bloat(tmp_path: Path) -> None:
    rng = random.Random(0)

    def text() -> str:
        return " ".join(f"word{rng.randrange(3000)}" for _ in range(60))

    def put(store: Store, name: str) -> None:
        store.put([(record(name), [passage(one, i) for i, one in enumerate(files[name])])])

    files = {f"/n/{i}.md": [text() for _ in range(10)] for i in range(300)}
    with Store(tmp_path / "a.db", fingerprint="a") as store:
        for name in files:
            put(store, name)
        embed_all(store)
        for i in range(1500):
            name = rng.choice(list(files))
            if i % 2 and len(files) > 150:
                del files[name]
                store.remove([name])
            else:
                files[name] = [text() for _ in range(10)]
                put(store, name)
            if i % 50 == 0:
                embed_all(store)
        embed_all(store)
        assert store.check() == []
    with Store(tmp_path / "b.db", fingerprint="a") as store:
        for name in files:
            put(store, name)
        embed_all(store)
    sizes = [(tmp_path / f"{name}.db").stat().st_size for name in "ab"]
    assert sizes[0] <= 1.3 * sizes[1]


def test_a_batch_writes_its_words_once(path: Path) -> None:
    """A savepoint inside of the transaction would write a segment of words for each file."""
    with filled(path) as store, store.reading() as db:
        assert db.execute("SELECT count(DISTINCT segid) FROM words_idx").fetchone() == (1,)


def test_threads_do_not_share_a_lock_of_memory_statistics(path: Path) -> None:
    with filled(path):
        assert not apsw.memory_used()
