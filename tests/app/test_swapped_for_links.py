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
from index.errors import FileUnreadable
from index.extract import ChunkerSettings, ExtractedDocument, ReaderPool
from index.walk.walker import FoundFile, Rules, check_path, walk

OUTSIDE = "ospreys"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder, words in (("above", "The harbour is calm."), ("outside", f"Nobody else reads of {OUTSIDE}.")):
        boats = tmp_path / folder / "notes" / "boats"
        boats.mkdir(parents=True)
        (boats / "quay.md").write_text(f"# Quay\n\n{words}\n")
    (boats / f"{OUTSIDE}.png").write_bytes(b"\x89PNG")
    (boats / f"{OUTSIDE}-notes.md").write_text("Of its name alone.")
    return tmp_path / "above" / "notes"


@pytest.fixture
def library(root: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    with_tiny_model(monkeypatch, home)
    with local_library() as library:
        library.add([str(root)])
        yield library


def outside_of(root: Path) -> Path:
    return root.parent.parent / "outside" / "notes"


def swap_the_file(root: Path) -> None:
    (root / "boats" / "quay.md").unlink()
    (root / "boats" / "quay.md").symlink_to(outside_of(root) / "boats" / "quay.md")


def swap_its_folder(root: Path) -> None:
    (root / "boats").rename(root / "old")
    (root / "boats").symlink_to(outside_of(root) / "boats")


def swap_the_root(root: Path) -> None:
    root.rename(root.parent / "old")
    root.symlink_to(outside_of(root))


def swap_the_folder_above(root: Path) -> None:
    root.parent.rename(root.parent.parent / "old")
    root.parent.symlink_to(outside_of(root).parent)


def replace_the_folder_above(root: Path) -> None:
    """By a folder whose `notes` is a link."""
    root.parent.rename(root.parent.parent / "old")
    root.parent.mkdir()
    root.symlink_to(outside_of(root))


SWAPS = pytest.mark.parametrize(
    "swap",
    [swap_the_file, swap_its_folder, swap_the_root, swap_the_folder_above, replace_the_folder_above],
)


class Swapping(ReaderPool):
    """Swaps once, after the walk and before the file is opened."""

    def __init__(self, swap: Callable[[], None]) -> None:
        super().__init__(1)
        self._swap: Callable[[], None] | None = swap

    def read(
        self, path: str, chunking: ChunkerSettings | None = None, *, real: str = ""
    ) -> ExtractedDocument:
        if swap := self._swap:
            self._swap = None
            swap()
        return super().read(path, chunking, real=real)


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


@pytest.mark.parametrize("swap", [swap_its_folder, swap_the_root, swap_the_folder_above])
def test_a_swap_while_a_folder_is_walked_lists_nothing_outside(
    swap: Callable[[Path], None], library: Library, root: Path
) -> None:
    """Files without content are found by their names, so no opening would refuse them."""
    (root / "aft.md").write_text("The first verdict of the walk.")
    verdicts = walk(str(root), Rules())
    assert next(verdicts).path == str(root / "aft.md")
    swap(root)
    assert not [verdict for verdict in verdicts if OUTSIDE in verdict.path]


def test_what_was_swapped_for_a_moment_is_read_once_it_is_back(library: Library, root: Path) -> None:
    with library.writer._writing(library.model.fingerprint) as store:
        readers = ReaderPools(1)
        readers.all = Swapping(lambda: swap_the_folder_above(root))
        Pipeline(store, library.model, Rules(), readers=readers).sync([str(root)])
        readers.close()
    root.parent.unlink()
    (root.parent.parent / "old").rename(root.parent)
    library.sync()
    assert finds("harbour")


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
    single.parent.symlink_to(outside_of(root) / "boats")
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


def test_a_link_that_was_named_is_read_where_it_led_when_it_was_judged(library: Library, root: Path) -> None:
    link = root.parent / "readme.md"
    link.symlink_to(root / "boats" / "quay.md")
    found = check_path(str(link), str(link), Rules())
    assert isinstance(found, FoundFile)
    link.unlink()
    link.symlink_to(outside_of(root) / "boats" / "quay.md")
    with ReaderPool(1) as readers:
        assert "harbour" in readers.read(found.path, real=found.real).document.text
        swap_the_folder_above(root)
        with pytest.raises(FileUnreadable, match="link"):
            readers.read(found.path, real=found.real)
