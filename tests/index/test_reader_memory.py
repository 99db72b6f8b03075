"""A reader's memory limit counts what the reader uses, however much the process that started it holds."""

from __future__ import annotations

from pathlib import Path

from index.extract import ReaderPool

LIMIT = 128 << 20


def test_a_large_parent_does_not_count(tmp_path: Path) -> None:
    note = tmp_path / "note.md"
    note.write_text("# Boiler\n\nIt loses pressure.\n")
    held = bytearray(b"x") * (2 * LIMIT)
    with ReaderPool(1, memory_bytes=LIMIT) as pool:
        read = pool.read(str(note))
        assert 0 < pool.memory < LIMIT
    assert "pressure" in read.document.text
    assert len(held) == 2 * LIMIT
