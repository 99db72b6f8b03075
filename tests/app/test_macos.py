"""macOS, as far as another system can stand in for it: files in the cloud, privacy, flags, programs."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.tiny_home import indexed_library, notes

from app.answers import open_file
from app.library import Library
from app.sync import reconciler
from index import macos
from index.errors import FileUnreadable
from index.extract import opening
from index.extract.opening import error_of_errno
from index.walk import walker
from index.walk.reasons import explain_os_error
from index.walk.walker import FoundFile, Rules, Skipped, walk

pytestmark = pytest.mark.fast


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """The inodes of files whose content is elsewhere."""
    inodes: set[int] = set()
    for module in (opening, reconciler):
        monkeypatch.setattr(module, "is_dataless", lambda status: status.st_ino in inodes)
    return inodes


@pytest.fixture
def library(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    folder = notes(tmp_path / "notes", a__md="# A\n\nAbout herons.\n")
    with indexed_library(monkeypatch, home, folder) as library:
        yield library


def names(library: Library, query: str) -> list[str]:
    return [Path(hit.path).name for hit in library.search(query, mode="words").hits]


def test_a_file_in_the_cloud_is_told_and_read_when_it_comes(
    library: Library, tmp_path: Path, cloud: set[int]
) -> None:
    notes(tmp_path / "notes", b__md="# B\n\nAbout terns.\n")
    cloud.add((tmp_path / "notes" / "b.md").stat().st_ino)
    assert library.sync().failed == 1
    (problem,) = library.problems()
    assert "not on this disk" in problem.reason and not names(library, "terns")
    cloud.clear()
    library.sync()
    assert names(library, "terns") == ["b.md"] and not library.problems()


def test_content_that_leaves_the_disk_stays_in_the_index(
    library: Library, tmp_path: Path, cloud: set[int]
) -> None:
    note = tmp_path / "notes" / "a.md"
    note.chmod(0o600)  # the status time changes, as it does when macOS drops the content
    cloud.add(note.stat().st_ino)
    report = library.sync()
    assert (report.unchanged, report.failed, report.removed) == (1, 0, 0)
    assert names(library, "herons") == ["a.md"] and not library.problems()


def test_flags_of_macos_are_read() -> None:
    class Status:
        st_flags = 0x40000000

    assert macos.is_dataless(Status()) and not macos.is_hidden(Status())  # type: ignore[arg-type]
    assert not macos.is_dataless(os.stat(__file__)) or sys.platform == "darwin"  # noqa: PTH116


def test_a_reader_on_macos_fetches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[int, ...]] = []

    class System:
        def setiopolicy_np(self, *arguments: int) -> int:
            calls.append(arguments)
            return 0

    monkeypatch.setattr(ctypes, "CDLL", lambda name: System())
    macos.fetch_nothing()
    monkeypatch.setattr(macos.sys, "platform", "darwin")
    macos.fetch_nothing()
    assert calls == [(3, 0, 1)]


@pytest.mark.parametrize(
    ("environment", "program"),
    [
        ({"TERM_PROGRAM": "Apple_Terminal", "XPC_SERVICE_NAME": "0"}, "(Terminal)"),
        ({"TERM_PROGRAM": "iTerm.app", "XPC_SERVICE_NAME": "application.com.iterm2.1"}, "(iTerm)"),
        ({"XPC_SERVICE_NAME": "ken-search"}, os.path.realpath(sys.executable)),
        ({}, "the program that started it"),
    ],
)
def test_privacy_protection_names_the_program_that_lacks_full_disk_access(
    environment: dict[str, str], program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "permission" in explain_os_error(PermissionError(errno.EPERM, ""), "folder")
    for name in ("TERM_PROGRAM", "XPC_SERVICE_NAME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(macos.sys, "platform", "darwin")
    told = explain_os_error(PermissionError(errno.EPERM, ""), "folder")
    assert program in told and "Full Disk Access" in told
    failed = error_of_errno(errno.EPERM)
    assert isinstance(failed, FileUnreadable) and program in failed.what
    assert "Full Disk Access" not in error_of_errno(errno.EACCES).what


def test_what_programs_keep_in_a_home_of_macos_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("Library/Safari/Bookmarks.plist", "notes/Library/essay.md", "talk.key/Index.zip", "a.md",
                 "book.scriv/one.rtf", "song.logicx/Info.plist", "seen.md"):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("words")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("index.walk.default_ignores.sys.platform", "darwin")
    hidden = (tmp_path / "seen.md").stat().st_ino
    monkeypatch.setattr(walker, "is_hidden", lambda status: status.st_ino == hidden)

    def found(root: Path, rules: Rules) -> set[str]:
        return {
            os.path.relpath(one.path, tmp_path)
            for one in walk(str(root), rules)
            if isinstance(one, FoundFile)
        }

    assert found(tmp_path, Rules()) == {"a.md", "book.scriv/one.rtf", "notes/Library/essay.md"}
    assert "seen.md" in found(tmp_path, Rules(hidden=True))
    assert found(tmp_path / "Library", Rules()) == {"Library/Safari/Bookmarks.plist"}
    left = {one.path: one.rule for one in walk(str(tmp_path), Rules()) if isinstance(one, Skipped)}
    assert left[str(tmp_path / "Library")] == "default: programs' own files"


def test_text_opens_at_its_line_on_macos_where_an_editor_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_file.sys, "platform", "darwin")
    monkeypatch.setenv("PATH", str(tmp_path))
    note = notes(tmp_path / "notes", a__md="words\n") / "a.md"
    assert open_file.launch_for(str(note), 7, environment={}).command == ("open", "-t", str(note))
    (tmp_path / "nano").write_text("#!/bin/sh\n")
    (tmp_path / "nano").chmod(0o755)
    assert open_file.launch_for(str(note), 7, environment={}).command == ("nano", "+7", str(note))


def test_what_is_copied_on_macos_is_utf_8_in_every_locale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pbcopy").write_text(
        f"#!/bin/sh\n/bin/echo $LC_ALL > {tmp_path}/copied\n/bin/cat >> {tmp_path}/copied\n"
    )
    (tmp_path / "pbcopy").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setattr(open_file.sys, "platform", "darwin")
    open_file.copy_to_clipboard("Büro")
    assert (tmp_path / "copied").read_text() == "en_US.UTF-8\nBüro"
