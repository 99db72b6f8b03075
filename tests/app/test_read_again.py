"""A file is judged again each time its text is asked for: what it became since it was indexed counts."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.tiny_home import with_tiny_model

from app.answers import preview
from app.connect import local_library
from app.errors import PathInvalid
from app.library import Library
from index.errors import FileUnreadable
from index.extract import worker
from index.extract.opening import open_regular_file

OUTSIDE = "The password of the outside is not for you."


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    (folder / "boats").mkdir(parents=True)
    (folder / "boats" / "quay.md").write_text("# Quay\n\nThe harbour is calm.\n")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "quay.md").write_text(f"# Quay\n\n{OUTSIDE}\n")
    return folder


@pytest.fixture
def library(root: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    with_tiny_model(monkeypatch, home)
    with local_library() as library:
        library.add([str(root)])
        library.sync()
        assert "calm" in library.text(str(root / "boats" / "quay.md"))
        yield library


def swap_the_file(root: Path) -> None:
    (root / "boats" / "quay.md").unlink()
    (root / "boats" / "quay.md").symlink_to(root.parent / "outside" / "quay.md")


def swap_its_folder(root: Path) -> None:
    (root / "boats").rename(root / "old")
    (root / "boats").symlink_to(root.parent / "outside")


def swap_the_root(root: Path) -> None:
    root.rename(root.parent / "old")
    (root.parent / "other").mkdir()
    (root.parent / "outside").rename(root.parent / "other" / "boats")
    root.symlink_to(root.parent / "other")


def leave_it_out(root: Path) -> None:
    (root / ".kenignore").write_text("boats/\n")


@pytest.mark.parametrize("change", [swap_the_file, swap_its_folder, swap_the_root, leave_it_out])
def test_what_would_not_be_indexed_now_is_not_shown(
    change: Callable[[Path], None], library: Library, root: Path
) -> None:
    change(root)
    path = str(root / "boats" / "quay.md")
    for ask in (library.text, lambda path: library.excerpt(path, 0, 100), library.similar):
        with pytest.raises(PathInvalid) as refused:
            ask(path)
        assert OUTSIDE not in f"{refused.value.what} {refused.value.fix}"


def test_a_folder_that_becomes_a_link_after_the_look_at_it_is_not_followed(
    library: Library, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The moment between judging and opening, held open."""
    judged = preview.require_shown

    def then_swapped(*given: object) -> object:
        found = judged(*given)  # type: ignore[arg-type]
        swap_its_folder(root)
        return found

    (root / "boats" / "quay.md").write_text("# Quay\n\nThe harbour is rough.\n")
    monkeypatch.setattr(preview, "require_shown", then_swapped)
    with pytest.raises(FileUnreadable, match="link"):
        library.text(str(root / "boats" / "quay.md"))


def test_opening_below_a_root_never_leaves_it_however_often_a_folder_is_swapped(root: Path) -> None:
    """Another thread swaps the folder for a link and back, all the time."""
    done = threading.Event()
    (root / "link").symlink_to(root.parent / "outside")

    def swapping() -> None:
        while not done.is_set():
            (root / "boats").rename(root / "away")
            (root / "link").rename(root / "boats")
            (root / "boats").rename(root / "link")
            (root / "away").rename(root / "boats")

    thread = threading.Thread(target=swapping)
    thread.start()
    try:
        read, path = set(), str(root / "boats" / "quay.md")
        for _ in range(500):
            try:
                with open_regular_file(path, path) as descriptor:
                    read.add(Path(f"/dev/fd/{descriptor}").read_bytes())
            except Exception as error:  # noqa: BLE001 - gone or a link for the moment
                assert OUTSIDE not in str(error)
    finally:
        done.set()
        thread.join()
    assert read <= {b"# Quay\n\nThe harbour is calm.\n"}


def test_a_close_that_fails_hides_no_reason(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("# Note\n")
    with pytest.raises(FileUnreadable, match="timed out"), open_regular_file(str(path)) as descriptor:
        os.close(descriptor)  # so that the second one fails, as where a server is away
        raise OSError(errno.ETIMEDOUT, "")


def test_the_reason_a_reader_gives_never_quotes_the_file(tmp_path: Path) -> None:
    for error in (ValueError("could not convert 'hunter2-is-mine'"), KeyError("hunter2-is-mine")):
        assert "hunter2" not in worker._brief(error)
    place = UnicodeDecodeError("utf-8", b"hunter2\xff", 7, 8, "invalid start byte")
    assert worker._brief(place) == "UnicodeDecodeError in position 7"
    token = "ghp_" + "k3Yq8Zt1" * 5
    assert token not in worker._sanitize_reason(f"It is damaged: {token}.xml is missing.")
