"""What becomes a link between the walk and the reading of a file, or between two walks, is not followed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.tiny_home import ken, ken_json, with_tiny_model

from app.connect import local_library
from app.library import Library
from app.sync.extract_stage import ReaderPools
from app.sync.pipeline import Pipeline
from index.extract import ChunkerSettings, ExtractedDocument, ReaderPool
from index.walk.walker import Rules

OUTSIDE = "ospreys"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder, words in (("notes", "The harbour is calm."), ("outside", f"Nobody else reads of {OUTSIDE}.")):
        (tmp_path / folder / "boats").mkdir(parents=True)
        (tmp_path / folder / "boats" / "quay.md").write_text(f"# Quay\n\n{words}\n")
    return tmp_path / "notes"


@pytest.fixture
def library(root: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    with_tiny_model(monkeypatch, home)
    with local_library() as library:
        library.add([str(root)])
        yield library


def swap_the_file(root: Path) -> None:
    (root / "boats" / "quay.md").unlink()
    (root / "boats" / "quay.md").symlink_to(root.parent / "outside" / "boats" / "quay.md")


def swap_its_folder(root: Path) -> None:
    (root / "boats").rename(root / "old")
    (root / "boats").symlink_to(root.parent / "outside" / "boats")


def swap_the_root(root: Path) -> None:
    root.rename(root.parent / "old")
    root.symlink_to(root.parent / "outside")


SWAPS = pytest.mark.parametrize("swap", [swap_the_file, swap_its_folder, swap_the_root])


class Swapping(ReaderPool):
    """Swaps once, after the walk and before the file is opened."""

    def __init__(self, swap: Callable[[], None]) -> None:
        super().__init__(1)
        self._swap: Callable[[], None] | None = swap

    def read(
        self, path: str, chunking: ChunkerSettings | None = None, *, root: str = ""
    ) -> ExtractedDocument:
        if swap := self._swap:
            self._swap = None
            swap()
        return super().read(path, chunking, root=root)


def finds(words: str) -> bool:
    """Whether the index has a text with this word; it may be empty."""
    result = ken("search", "--mode", "words", words, "--json")
    return result.exit_code == 0 and bool(json.loads(result.stdout)["hits"])


@SWAPS
def test_a_swap_between_the_walk_and_the_reading(
    swap: Callable[[Path], None], library: Library, root: Path
) -> None:
    with library.writer._writing(library.model.fingerprint) as store:
        readers = ReaderPools(1)
        readers.all = Swapping(lambda: swap(root))
        Pipeline(store, library.model, Rules(), readers=readers).sync([str(root)])
        readers.close()
    assert not finds(OUTSIDE)
    library.sync()
    assert not finds(OUTSIDE)


@SWAPS
def test_a_swap_between_two_walks(swap: Callable[[Path], None], library: Library, root: Path) -> None:
    library.sync()
    assert finds("harbour")
    swap(root)
    library.sync()
    library.writer.refresh({str(root / "boats" / "quay.md"): 1})
    assert not finds(OUTSIDE)


def test_a_root_that_is_a_link_now_keeps_what_was_indexed_and_says_so(library: Library, root: Path) -> None:
    library.sync()
    swap_the_root(root)
    report = library.sync()
    assert report.removed == 0 and finds("harbour")
    (folder,) = ken_json("status")["folders"]
    assert folder["state"] == "missing" and "link" in folder["note"]


def test_a_file_that_was_named_is_not_read_through_a_folder_that_became_a_link(
    library: Library, root: Path
) -> None:
    single = root.parent / "single" / "quay.md"
    single.parent.mkdir()
    single.write_text("# Quay\n\nThe pier is long.\n")
    library.add([str(single)])
    library.sync()
    assert finds("pier")
    single.parent.rename(root.parent / "elsewhere")
    single.parent.symlink_to(root.parent / "outside" / "boats")
    library.sync()
    library.writer.refresh({str(single): 1})
    assert not finds(OUTSIDE)


@pytest.mark.parametrize("target", [".ssh/notes.md", ".gnupg/keys/quay.md", ".aws/credentials"])
def test_a_link_that_was_named_is_not_followed_to_where_credentials_lie(
    target: str, library: Library, root: Path
) -> None:
    secret = root.parent / target
    secret.parent.mkdir(parents=True)
    secret.write_text(f"# Keys\n\nAbout {OUTSIDE}.\n")
    link = root.parent / "readme.md"
    link.symlink_to(secret)
    library.add([str(link)])
    library.sync()
    assert not finds(OUTSIDE)
    assert ken_json("why", link)["rule"].startswith("secret")
