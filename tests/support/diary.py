"""A folder of notes with words that stand nowhere else, and the search for them in all that ken keeps."""

from __future__ import annotations

from pathlib import Path

from app import paths


def write_diary(folder: Path) -> Path:
    """Sixty days, each with a word of its own, and a note without any."""
    folder.mkdir()
    for day in range(60):
        (folder / f"{day}.md").write_text(f"# Day\n\nMarguerite{day}x came to the harbour.\n")
    (folder / "other.md").write_text("# Other\n\nThe beans grow.\n")
    return folder


def left(*words: str) -> list[str]:
    """Which words stand in any file of ken's home, whatever their case, in UTF-8 or UTF-16."""
    found = []
    for file in paths.home().rglob("*"):
        if file.is_file() and "models" not in file.parts and not file.name.endswith(".sock"):
            data = file.read_bytes().lower()
            for word in words:
                small = word.lower()
                if small.encode() in data or small.encode("utf-16-le") in data:
                    found.append(f"{word} in {file.name}")
    return found
