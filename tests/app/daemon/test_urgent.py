"""A saved note never waits for a slow file, with one reader or more."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.same_index import contents, fresh
from support.tiny_home import notes
from support.tiny_model import PRECISION
from support.waiting import until

from app.config import Config, ModelConfig
from app.daemon.parts import daemon_parts
from app.library import Library
from app.sync import extract_stage, pipeline
from app.sync.background import BackgroundWriter
from index.errors import FileTooSlow
from index.extract import ChunkerSettings, ExtractedDocument, ReaderPool
from index.walk.walker import FoundFile, Rules, Skipped

END = threading.Event()
STARTED = threading.Event()


class Slow(ReaderPool):
    """Files named so take until the test is over; a reader of urgent files gives them up, as out of time."""

    def read(
        self, path: str, chunking: ChunkerSettings | None = None, *, real: str = ""
    ) -> ExtractedDocument:
        if "endless" in Path(path).name and not END.is_set():
            STARTED.set()
            assert END.wait(120)
        if "slow" in Path(path).name and not END.is_set():
            if self._seconds == extract_stage.PRIORITY_SECONDS:
                raise FileTooSlow("Reading it took too long.")
            assert END.wait(120)
        return super().read(path, chunking, real=real)


@pytest.fixture
def library(tiny_models: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    monkeypatch.setenv("KEN_MODELS", str(tiny_models))
    monkeypatch.setattr(extract_stage, "ReaderPool", Slow)
    END.clear()
    STARTED.clear()
    with daemon_parts(Config(model=ModelConfig(precision=PRECISION, threads=1))) as parts:
        parts.start()
        yield parts.library
        END.set()


def finds(library: Library, query: str) -> bool:
    return any(query in hit.text for hit in library.search(query, mode="words").hits)


def test_saved_notes_are_found_while_slow_files_are_read(library: Library, tmp_path: Path) -> None:
    folder = notes(tmp_path / "notes", old__md="# Old\n")
    library.add([str(folder)])
    library.sync()
    for number in range(3):
        notes(folder, **{f"slow{number}__md": f"# Slow\n\nAbout ospreys{number}.\n"})
        (folder / f"saved{number}.md").write_text(f"# Saved\n\nAbout eagles{number}.\n")
        until(lambda number=number: finds(library, f"eagles{number}"), what="the saved note")  # type: ignore[misc]
    assert not finds(library, "ospreys0") and not END.is_set()
    END.set()
    until(lambda: all(finds(library, f"ospreys{number}") for number in range(3)), what="the slow files")
    assert not library.problems()


def test_notes_saved_in_the_same_moment_as_a_slow_file(library: Library, tmp_path: Path) -> None:
    folder = notes(tmp_path / "notes", old__md="# Old\n")
    library.add([str(folder)])
    library.sync()
    for number in range(12):
        name = "slow" if number % 3 == 0 else "saved"
        (folder / f"{name}{number}.md").write_text(f"# Note\n\nAbout birds{number}.\n")
    quick = [number for number in range(12) if number % 3]
    until(lambda: all(finds(library, f"birds{number}") for number in quick), what="the saved notes")
    assert not finds(library, "birds0")


def test_a_note_saved_with_more_large_files_than_there_are_readers(library: Library, tmp_path: Path) -> None:
    folder = notes(tmp_path / "notes", old__md="# Old\n")
    library.add([str(folder)])
    library.sync()
    for number in range(2 + 2 * extract_stage.PRIORITY_READERS):
        (folder / f"endless{number}.log").write_text("a\n" * extract_stage.PRIORITY_BYTES)
    until(STARTED.is_set, what="the reading of a large file")
    (folder / "saved.md").write_text("# Saved\n\nAbout eagles.\n")
    until(lambda: finds(library, "eagles"), what="the saved note")
    assert not END.is_set()


def test_what_is_saved_during_a_walk_does_not_wait_for_its_end(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The walk of everything does not end before the saved note is found."""
    folder = notes(tmp_path / "notes", **{f"old{i}__md": f"# Old\n\nAbout herons{i}.\n" for i in range(4)})
    library.add([str(folder)])
    library.sync()
    walking, walk = threading.Event(), pipeline.RootSet.walk

    def endless(self: pipeline.RootSet, root: str, rules: Rules) -> Iterator[FoundFile | Skipped]:
        verdicts = list(walk(self, root, rules))
        yield from verdicts
        while not END.wait(0.01):
            walking.set()
            yield verdicts[0]

    monkeypatch.setattr(pipeline.RootSet, "walk", endless)
    writer = library.writer
    assert isinstance(writer, BackgroundWriter)
    writer.indexer.scan_soon("a test")
    assert walking.wait(30)
    (folder / "saved.md").write_text("# Saved\n\nAbout eagles.\n")
    (folder / "old0.md").write_text("# Old\n\nAbout storks.\n")
    (folder / "old1.md").rename(folder / "renamed.md")
    (folder / "old2.md").unlink()
    until(lambda: finds(library, "eagles") and finds(library, "storks"), what="the saved notes")
    until(lambda: hit_names(library, "herons1") == ["renamed.md"], what="the renamed note")
    assert not END.is_set()
    END.set()
    library.sync()
    assert contents(library.index.path) == fresh(folder)


def hit_names(library: Library, query: str) -> list[str]:
    return [Path(hit.path).name for hit in library.search(query, mode="words").hits if query in hit.text]
