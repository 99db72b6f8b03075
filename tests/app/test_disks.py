"""What lies on a disk that is away is kept; what was deleted is removed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.namespace import run_with_mounts

from app.folders.mounts import Disk, Disks
from app.sync.presence import Presence, folders_away
from index.types import FileRecord
from index.walk.walker import FoundFile

OLD, NEW, OTHER = 7, 8, 9


@pytest.mark.parametrize(
    "scenario",
    [
        "a_bind_mount_inside_a_root",
        "a_mount_point_that_is_not_bare",
        "a_deleted_folder_of_a_disk_that_is_there",
        "two_disks_swapped",
        "another_disk_in_its_place",
        "folders_mounted_over_others",
        "a_disk_that_goes_under_a_daemon",
    ],
)
def test_disks_that_come_and_go(home: Path, tmp_path: Path, scenario: str) -> None:
    run_with_mounts("disks", scenario, tmp_path)


class Mounted(Disks):
    """One disk of the given number, mounted at /r."""

    def __init__(self, number: int, *, lasting: bool = True) -> None:
        self.disk = Disk(number, "/r", lasting)

    def holding(self, path: str) -> Disk:
        return self.disk


def record(path: str, disk: int = OLD, inode: int = 5) -> FileRecord:
    return FileRecord(path, inode, 10, 20, hash=b"h", disk=disk)


def found(path: str, inode: int = 5, size: int = 10) -> FoundFile:
    seconds = (0o100644, inode, 1, 1, 0, 0, size, 0, 0, 0)
    return FoundFile(path, os.stat_result(seconds, {"st_mtime_ns": 20, "st_ctime_ns": 0}))


def away(disks: Disks, gone: FileRecord, known: list[FileRecord], there: list[FoundFile]) -> bool:
    records = {one.path: one for one in [gone, *known]}
    return Presence(records, {one.path: one for one in there}, disks, ["/r"]).away(gone)


def test_a_file_of_the_disk_that_is_there_was_deleted() -> None:
    assert not away(Mounted(OLD), record("/r/a"), [], [])


def test_a_file_of_a_disk_that_is_not_there_is_away() -> None:
    assert away(Mounted(NEW), record("/r/a"), [record("/r/b", NEW)], [found("/r/b")])


def test_a_disk_with_another_number_is_known_by_a_file_that_is_as_it_was() -> None:
    known = [record(f"/r/{i}") for i in range(9)]
    assert not away(Mounted(NEW), record("/r/a"), known, [found("/r/3")])
    assert away(Mounted(NEW), record("/r/a"), known, [found("/r/3", size=11)])


def test_where_every_identity_is_new_most_files_have_to_be_there() -> None:
    known = [record(f"/r/{i}") for i in range(9)]
    assert not away(Mounted(NEW), record("/r/a"), known, [found(f"/r/{i}", inode=100 + i) for i in range(6)])
    assert away(Mounted(NEW), record("/r/a"), known, [found(f"/r/{i}", inode=100 + i) for i in range(2)])


def test_a_number_that_may_be_anothers_needs_a_file_that_is_there() -> None:
    passing = Mounted(OLD, lasting=False)
    assert away(passing, record("/r/a"), [], [])
    assert not away(passing, record("/r/a"), [record("/r/b")], [found("/r/b")])


def test_records_of_an_index_that_knew_no_disks_were_deleted() -> None:
    assert not away(Mounted(NEW), record("/r/a", disk=0), [], [])


def test_what_is_told_names_a_folder_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "nas").mkdir()
    gone = [record(f"{tmp_path}/nas/x/{name}") for name in "ab"]
    (told,) = folders_away(gone)
    assert told == str(tmp_path / "nas")
