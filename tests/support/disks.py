"""What happens to an index when disks come and go. Each scenario needs mounts of its own (`namespace`)."""

from __future__ import annotations

from pathlib import Path

from support.namespace import mount, unmount
from support.tiny_home import notes, tiny_models
from support.tiny_model import PRECISION
from support.waiting import until

from app.api import SyncReport
from app.config import Config, ModelConfig
from app.connect import local_library
from app.daemon.parts import DaemonParts
from app.library import Library
from app.sync import background

NOTES = 6


def opened(folder: Path) -> Library:
    model = ModelConfig(name=str(tiny_models() / "embeddinggemma-300m"), precision=PRECISION, threads=1)
    return local_library(Config(model=model), index=folder / "index.db")


def disk(folder: Path, name: str) -> Path:
    return notes(
        folder / name, **{f"{name}{i}__md": f"# {name} {i}\n\nAbout {name}{i}.\n" for i in range(NOTES)}
    )


def files(library: Library) -> int:
    return library.status().files


def kept(report: SyncReport) -> None:
    assert (report.removed, report.embedded) == (0, 0), report


def a_bind_mount_inside_a_root(folder: Path) -> None:
    """The same file system, so that its device number tells nothing."""
    away, root = disk(folder, "away"), disk(folder, "root")
    (root / "nas").mkdir()
    mount("--bind", away, root / "nas")
    with opened(folder) as library:
        library.add([str(root)])
        library.sync()
        assert files(library) == 2 * NOTES
        unmount(root / "nas")
        (root / "nas" / ".DS_Store").write_text("stray")
        (root / "nas" / "stray.md").write_text("# Stray\n")
        (root / "root0.md").unlink()
        report = library.sync()
        assert (report.removed, report.added, report.embedded) == (1, 1, 1), report
        assert any("nas" in notice for notice in report.notices)
        assert "nas" in library.status().folders[0].note
        answer = library.search("away3", mode="words")
        assert not answer.hits and "nas" in answer.notice
        for _ in range(2):
            kept(library.sync())
        mount("--bind", away, root / "nas")
        kept(library.sync())
        assert library.search("away3", mode="words").hits
        assert not library.status().folders[0].note


def a_mount_point_that_is_not_bare(folder: Path) -> None:
    root = folder / "usb"
    root.mkdir()
    (root / ".keep").touch()
    away = disk(folder, "away")
    mount("--bind", away, root)
    with opened(folder) as library:
        library.add([str(root)])
        library.sync()
        unmount(root)
        kept(library.sync())
        assert library.status().folders[0].state == "missing"
        mount("--bind", away, root)
        kept(library.sync())
        assert library.status().folders[0].state != "missing"
        (away / "away0.md").unlink()
        assert library.sync().removed == 1
        unmount(root)
        assert library.forget(str(root)) == NOTES - 1


def a_deleted_folder_of_a_disk_that_is_there(folder: Path) -> None:
    root = folder / "root"
    root.mkdir()
    mount("-t", "tmpfs", "none", root)
    disk(root, "a")
    disk(root, "b")
    with opened(folder) as library:
        library.add([str(root)])
        library.sync()
        for file in (root / "a").iterdir():
            file.unlink()
        (root / "a").rmdir()
        assert library.sync().removed == NOTES


def two_disks_swapped(folder: Path) -> None:
    root = folder / "root"
    first, second = disk(folder, "first"), disk(folder, "second")
    for name in ("a", "b"):
        (root / name).mkdir(parents=True)
    mount("--bind", first, root / "a")
    mount("--bind", second, root / "b")
    with opened(folder) as library:
        library.add([str(root)])
        library.sync()
        for name in ("a", "b"):
            unmount(root / name)
        mount("--bind", second, root / "a")
        kept(library.sync())
        mount("--bind", first, root / "b")
        kept(library.sync())
        assert files(library) == 2 * NOTES
        assert [Path(hit.path).parent.name for hit in library.search("second1", mode="words").hits] == ["a"]


def another_disk_in_its_place(folder: Path) -> None:
    """A freed device number is given to the next file system."""
    root = folder / "usb"
    disk(folder, "usb")
    mount("-t", "tmpfs", "none", root)
    notes(root, first__md="# First\n\nAbout herons.\n")
    with opened(folder) as library:
        library.add([str(root)])
        library.sync()
        unmount(root)
        mount("-t", "tmpfs", "none", root)
        notes(root, second__md="# Second\n\nAbout terns.\n")
        for _ in range(3):
            assert library.sync().removed == 0
        assert files(library) == 2


def folders_mounted_over_others(folder: Path) -> None:
    """What is hidden under a mount is away as well."""
    root, over = disk(folder, "root"), disk(folder, "over")
    with opened(folder) as library:
        library.add([str(root)])
        library.sync()
        mount("--bind", over, root)
        assert library.sync().removed == 0
        unmount(root)
        kept(library.sync())
        assert library.search("root3", mode="words").hits


def a_disk_that_goes_under_a_daemon(folder: Path) -> None:
    """What comes back is watched again, and what was away so long that deletes would count is still there."""
    background.GRACE = 0.2
    away, root = disk(folder, "away"), disk(folder, "root")
    (root / "nas").mkdir()
    mount("--bind", away, root / "nas")
    model = ModelConfig(name=str(tiny_models() / "embeddinggemma-300m"), precision=PRECISION, threads=1)
    parts = DaemonParts(Config(model=model))
    library = parts.library
    parts.start()
    try:
        library.add([str(root)])
        library.sync()
        unmount(root / "nas")
        until(lambda: "nas" in library.status().folders[0].note, what="the note")
        (root / "root0.md").unlink()
        until(lambda: files(library) == 2 * NOTES - 1, what="a real deletion")
        assert not library.search("away3", mode="words").hits
        mount("--bind", away, root / "nas")
        until(lambda: library.search("away3", mode="words").hits, what="the disk")
        until(lambda: not library.status().folders[0].note, what="the note's end")
        assert files(library) == 2 * NOTES - 1
        (away / "new.md").write_text("# New\n\nAbout kestrels.\n")
        until(lambda: library.search("kestrels", mode="words").hits, what="a note saved on the disk")
    finally:
        library.close()
