"""The benchmark of reading: every file counted once; another reader that hangs or dies costs that file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support.tiny_model import make_tiny_checkpoint

from app.errors import UsageInvalid
from tests.benchmarks import read

OTHER = """
import os, sys, time
class MarkItDown:
    def convert(self, path):
        self.text_content = open(path).read()
        if "hang" in path: time.sleep(1000)
        if "die" in path: os._exit(3)
        if "raise" in path: raise ValueError(path)
        print("noise")
        return self
"""
"""The part of markitdown that is used, with what it does on files that break it."""


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KEN_MODELS", str(tmp_path / "models"))
    make_tiny_checkpoint(tmp_path / "models" / "embeddinggemma-300m")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "markitdown.py").write_text(OTHER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    notes = tmp_path / "notes"
    notes.mkdir()
    for name in ("a.md", "b.md", "hang.md", "die.md", "raise.txt"):
        (notes / name).write_text("# Boiler\n\nIt loses pressure.\n")
    (notes / "empty.md").touch()
    (notes / "photo.jpg").write_bytes(b"\xff\xd8\xff")
    return notes


def test_each_file_is_read_left_out_or_failed_with_its_reason(notes: Path) -> None:
    formats = {entry.format: entry for entry in read.run(str(notes))}
    markdown, picture = formats[".md"], formats[".jpg"]
    assert (markdown.files, markdown.indexed, markdown.skipped, markdown.failed) == (5, 4, 1, 0)
    assert markdown.passages == 4 and markdown.memory_mb > 1 and markdown.peer_read is None
    assert dict(markdown.reasons) == {"It is empty.": 1}
    assert (picture.files, picture.skipped, picture.indexed) == (1, 1, 0)
    last = next(line for line in read.table(list(formats.values())).splitlines() if line.startswith(read.ALL))
    assert last.split()[1:5] == ["7", "5", "2", "0"]


def test_the_other_reader_loses_only_the_files_it_hangs_on(notes: Path) -> None:
    found = read.run(str(notes), beside="markitdown", python=sys.executable, seconds=1)
    formats = {entry.format: entry for entry in found}
    assert formats[".md"].peer_read == 2
    assert dict(formats[".md"].peer_reasons) == {"no answer in 1 s": 1, "it died": 1, "no text": 1}
    assert dict(formats[".txt"].peer_reasons) == {"ValueError": 1} and formats[".txt"].peer_read == 0
    assert formats[".md"].peer_memory_mb > 1
    assert "peer: no answer in 1 s" in read.table(found)


def test_a_python_without_the_other_reader_is_told(notes: Path, tmp_path: Path) -> None:
    (tmp_path / "site" / "markitdown.py").write_text("raise ImportError('not here')")
    with pytest.raises(UsageInvalid, match="not here"):
        read.run(str(notes), beside="markitdown", python=sys.executable)
