"""What happens on a disk that ignores case and Unicode form. Each scenario needs mounts (`namespace`)."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

from support.disks import opened
from support.failing_reads import Faulty, faulty, names

from app.folders.disk_names import spelled
from app.library import Library
from app.query import parse
from app.sync.pipeline import Pipeline
from app.sync.sync_run import RunOptions
from index.walk.walker import Rules

NFC = "B\u00fcro"
NFD = unicodedata.normalize("NFD", NFC)


def rows(library: Library, disk: Faulty) -> list[str]:
    """The files of the index, below the disk's root."""
    store = library.index.store()
    assert store is not None
    return sorted(os.path.relpath(path, disk.root) for path in store.files(str(disk.root)))


def one_file_is_indexed_once(folder: Path) -> None:
    """A folder has one name, however it is typed, and so has each file."""
    with faulty(folder, "folding") as disk, opened(folder) as library:
        (disk.source / NFD).mkdir()
        (disk.source / NFD / "plan.md").write_text("# Plan\n\nAbout ospreys.\n")
        for typed in ("sub", "SUB", NFC, NFD, NFC.upper()):
            library.add([str(disk.root / typed)])
        library.sync()
        assert {Path(one.path).name for one in library.status().folders} == {"sub", NFD}
        assert rows(library, disk) == [f"{NFD}/plan.md", "sub/c.md"]
        assert library.why(str(disk.root / NFC.lower() / "Plan.md")).indexed
        for typed in (f"in:{disk.root}/{NFC}", f"in:{disk.root}/{NFC.upper()}", f"glob:*{NFC}*", f"in:{NFC}"):
            filter_ = parse(f"ospreys {typed}").filter
            assert [
                Path(hit.path).name for hit in library.search("ospreys", mode="words", filter=filter_).hits
            ]


def a_new_spelling_takes_the_place_of_the_former(folder: Path) -> None:
    """Saves under another spelling, and renames that change only that, leave one row for one file."""
    with faulty(folder, "folding") as disk, opened(folder) as library:
        library.add([str(disk.root)])
        library.sync()
        store = library.index.made()
        pipeline = Pipeline(store, library.model, Rules())
        disk.write("a.md", "# A\n\nAbout ospreys.\n")
        pipeline.take([str(disk.root / "A.md")], RunOptions())
        assert rows(library, disk) == ["a.md", "b.md", "sub/c.md"] and names(library, "ospreys") == ["a.md"]
        (disk.source / "a.md").rename(disk.source / "A.md")
        pipeline.take([str(disk.root / "a.md")], RunOptions())
        assert rows(library, disk) == ["A.md", "b.md", "sub/c.md"] and names(library, "ospreys") == ["A.md"]
        (disk.source / "sub").rename(disk.source / "Sub")
        report = pipeline.take([str(disk.root / "sub"), str(disk.root / "Sub")], RunOptions())
        assert rows(library, disk) == ["A.md", "Sub/c.md", "b.md"]
        assert (report.moved, report.embedded, report.removed) == (1, 0, 0), report


def a_root_keeps_its_name(folder: Path) -> None:
    """A root that is renamed in case alone is one root: what is typed finds it under its former name."""
    with faulty(folder, "folding") as disk, opened(folder) as library:
        library.add([str(disk.root / "sub")])
        library.sync()
        (disk.source / "sub").rename(disk.source / "SUB")
        library.add([str(disk.root / "SUB")])
        library.sync()
        assert spelled(str(disk.root / "sub")) == str(disk.root / "SUB")
        assert rows(library, disk) == ["sub/c.md"] and len(library.status().folders) == 1
        assert library.why(str(disk.root / "SUB" / "c.md")).indexed
        assert library.forget(str(disk.root / "SUB" / "c.md")) == 1
