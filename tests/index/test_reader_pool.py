"""Reading in children: what comes back, and that nothing a file does reaches the parent."""

from __future__ import annotations

import errno
import hashlib
import os
import signal
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support import documents
from support.lying import Spinning
from support.sound import bytes_counter

from index.errors import FileFailed, FileSkipped, FileTooSlow, FileUnreadable, ReaderKilled
from index.extract import ReaderPool
from index.extract.opening import error_of_errno


@pytest.fixture(scope="module")
def pool() -> Iterator[ReaderPool]:
    with ReaderPool(2) as started:
        yield started


def reason(pool: ReaderPool, path: Path) -> str:
    with pytest.raises((FileFailed, FileSkipped)) as caught:
        pool.read(str(path))
    return caught.value.what


def test_every_format_comes_through_the_child_as_it_was_read(pool: ReaderPool, tmp_path: Path) -> None:
    for name, data in documents.every().items():
        path = tmp_path / name
        path.write_bytes(data)
        read = pool.read(str(path))
        assert read.hash == hashlib.blake2b(data, digest_size=16).digest(), name
        assert (read.size, read.inode) == (len(data), path.stat().st_ino), name
        assert read.document.sections or read.document.catalog, name


def test_a_child_that_was_prepared_reads_the_first_file(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# A\n")
    with ReaderPool(1) as pool:
        pool.prepare()
        pool.prepare()
        (prepared,) = pool._idle
        pool.read(str(tmp_path / "a.md"))
        assert pool._idle == [prepared]


@pytest.mark.fast
def test_many_threads_share_the_children(pool: ReaderPool, tmp_path: Path) -> None:
    paths = [tmp_path / f"{i}.md" for i in range(40)]
    for i, path in enumerate(paths):
        path.write_text(f"# Note {i}\n\nwords\n")
    with ThreadPoolExecutor(8) as threads:
        titles = [read.document.title for read in threads.map(lambda p: pool.read(str(p)), paths)]
    assert titles == [f"Note {i}" for i in range(40)]


@pytest.mark.fast
def test_what_cannot_be_opened_has_a_reason(pool: ReaderPool, tmp_path: Path) -> None:
    (tmp_path / "empty.md").touch()
    (tmp_path / "loop.md").symlink_to(tmp_path / "loop.md")
    os.mkfifo(tmp_path / "pipe.md")
    assert reason(pool, tmp_path / "gone.md") == "It is gone."
    assert reason(pool, tmp_path / "empty.md") == "It is empty."
    assert "link" in reason(pool, tmp_path / "loop.md")
    assert reason(pool, tmp_path / "pipe.md") == "It is not a regular file."
    assert reason(pool, tmp_path) == "It is not a regular file."
    assert reason(pool, Path("/dev/zero")) == "It is not a regular file."


def test_a_link_is_read_as_what_it_leads_to(pool: ReaderPool, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# Here\n")
    (tmp_path / "link.md").symlink_to(tmp_path / "a.md")
    assert pool.read(str(tmp_path / "link.md")).document.title == "Here"


def test_archives_that_grow_without_bound_are_refused(pool: ReaderPool, tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.docx"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"<w:t>" + b"0" * (64 << 20))
    assert "unpack" in reason(pool, bomb)
    laughs = (
        '<!DOCTYPE x [<!ENTITY a "ha">'
        + "".join(f'<!ENTITY a{i} "{"&a;" * 9}">' for i in range(9))
        + "]><x>&a8;</x>"
    )
    (tmp_path / "laughs.docx").write_bytes(documents.zipped({"word/document.xml": laughs}))
    assert "entities" in reason(pool, tmp_path / "laughs.docx")


def test_deep_nesting_is_survived(pool: ReaderPool, tmp_path: Path) -> None:
    (tmp_path / "deep.html").write_text("<div>" * 10_000 + "bottom" + "</div>" * 10_000)
    (tmp_path / "deep.ipynb").write_text("[" * 100_000)
    (tmp_path / "deep.docx").write_bytes(documents.docx("<w:sdt>" * 20_000 + "<w:p/>" + "</w:sdt>" * 20_000))
    assert "bottom" in pool.read(str(tmp_path / "deep.html")).document.text
    assert reason(pool, tmp_path / "deep.ipynb")
    assert "Except in June." in pool.read(str(tmp_path / "deep.docx")).document.text


def test_a_child_that_takes_too_long_is_killed_and_replaced(tmp_path: Path) -> None:
    slow, quick = tmp_path / "slow.md", tmp_path / "quick.md"
    slow.write_text("word. " * 4_000_000)
    quick.write_text("# Quick\n")
    with ReaderPool(1, seconds=0.05) as pool:
        assert "more than 0 seconds" in reason(pool, slow)
    with ReaderPool(1) as pool:
        assert pool.read(str(quick)).document.title == "Quick"


def test_a_child_that_uses_too_much_of_the_processor_is_ended_by_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    (tmp_path / "a.md").write_text("# Here\n")
    with ReaderPool(1, seconds=1) as pool, pytest.raises(FileTooSlow, match="more than 1 seconds"):
        pool.read(str(tmp_path / "a.md"), Spinning(bytes_counter))


def test_a_child_that_takes_too_much_memory_ends_and_the_next_reads_on(tmp_path: Path) -> None:
    (tmp_path / "wide.md").write_text("word.\n\n" * 2_000_000)
    (tmp_path / "quick.md").write_text("# Quick\n")
    with ReaderPool(1, memory_bytes=60 << 20) as pool:
        assert "memory" in reason(pool, tmp_path / "wide.md")
        assert pool.read(str(tmp_path / "quick.md")).document.title == "Quick"


def test_a_child_killed_from_outside_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# Here\n")
    with ReaderPool(1) as pool:
        pool.read(str(tmp_path / "a.md"))
        pool._idle[0]._process.kill()
        pool._idle[0]._process.wait()
        assert pool.read(str(tmp_path / "a.md")).document.title == "Here"


@pytest.mark.parametrize("kills, read", [(1, True), (100, False)])
def test_a_file_whose_reader_is_killed_is_read_once_again(tmp_path: Path, kills: int, read: bool) -> None:
    """As the system kills where memory runs out: one reader, or each that is given the file."""
    (tmp_path / "long.md").write_text("word. " * 1_000_000)
    killed: set[int] = set()
    with ReaderPool(1) as pool, ThreadPoolExecutor(1) as thread:
        pool.read(__file__)
        reading = thread.submit(pool.read, str(tmp_path / "long.md"))
        while len(killed) < kills and not reading.done():
            for child in list(pool._busy):
                if child._process.pid not in killed:
                    killed.add(child._process.pid)
                    os.kill(child._process.pid, signal.SIGKILL)
        if read:
            assert len(reading.result().document.text) > 5_000_000
        else:
            with pytest.raises(ReaderKilled, match="SIGKILL"):
                reading.result()


def test_a_file_that_changes_while_it_is_read_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.md"
    path.write_text("# Old\n")
    with ReaderPool(1) as pool:
        ask = pool._request_answer
        times = iter(range(1, 10))

        def changing(*asked: Any) -> Any:
            answer = ask(*asked)
            if next(times) == 1:
                path.write_text("# A newer one\n")
            return answer

        monkeypatch.setattr(pool, "_request_answer", changing)
        assert pool.read(str(path)).document.title == "A newer one"


def test_closing_leaves_no_child(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# Here\n")
    pool = ReaderPool(2)
    pool.read(str(tmp_path / "a.md"))
    children = [child._process for child in pool._idle]
    pool.close()
    assert all(child.returncode is not None for child in children)
    assert threading.active_count() >= 1


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="no file here fails to be read on demand")
def test_what_the_system_does_not_let_be_read_is_no_fault_of_the_file(
    pool: ReaderPool, tmp_path: Path
) -> None:
    """The memory of a process is a regular file that opens, and gives EIO where nothing is mapped."""
    (tmp_path / "notes.md").symlink_to(f"/proc/{os.getpid()}/mem")
    with pytest.raises(FileUnreadable, match="could not be read just now"):
        pool.read(str(tmp_path / "notes.md"))


def test_each_errno_says_whether_it_passes() -> None:
    passing = (errno.EIO, errno.ETIMEDOUT, errno.ESTALE, errno.EDEADLK, errno.ENETDOWN, errno.EHOSTDOWN,
               errno.ENOTCONN, errno.EAGAIN, errno.EINTR, errno.ENOMEM, errno.EMFILE, errno.ENFILE,
               errno.EACCES, errno.EPERM)  # fmt: skip
    assert all(type(error_of_errno(number)) is FileUnreadable for number in passing)
    about_the_file = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EISDIR)
    assert all(type(error_of_errno(number)) is FileFailed for number in about_the_file)
