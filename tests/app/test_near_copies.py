"""Files with the same text, or nearly, are one result; what only shares a part is a result of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.tiny_home import ken, ken_json, with_tiny_model

LETTER = "The council thanks the gardeners for the new beds along the river, which flower until late autumn. "
STEP = "## Part {0}\n\nStep {0} of the plan says where bed {0} lies and who waters it.\n\n"
PLAN = "".join(STEP.format(number) for number in range(60))


@pytest.fixture
def folder(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with_tiny_model(monkeypatch, home)
    root = tmp_path / "kept"
    root.mkdir()
    for number in range(13):
        (root / f"letter {number}.md").write_text(LETTER * 3)
    (root / "letter, corrected.md").write_text((LETTER * 3).replace("late autumn", "early autumn", 1))
    (root / "reply.md").write_text(
        "Thank you for the letter about the gardeners and the river; we answer in spring.\n"
    )
    (root / "plan.md").write_text(f"# Plan\n\n{PLAN}")
    (root / "plan (copy).md").write_text(f"# Plan\n\n{PLAN}One line more at its end.\n")
    for path in root.iterdir():
        os.utime(path, (1_700_000_000, 1_700_000_000))
    assert ken("index", root).exit_code == 0
    yield root


def test_near_copies_are_one_result(folder: Path) -> None:
    hits = ken_json("search", "--mode", "words", "gardeners river beds")["hits"]
    letters = [hit for hit in hits if "letter" in Path(hit["path"]).name]
    assert len(letters) == 1 and len(letters[0]["copies"]) == 13
    assert "reply.md" in {Path(hit["path"]).name for hit in hits}
    shown = ken("search", "--explain", "--mode", "words", "gardeners river beds").stdout
    assert "and 13 more like it" in shown


def test_long_files_that_differ_a_little_are_near_copies(folder: Path) -> None:
    hits = ken_json("search", "--mode", "words", "step 17 of the plan")["hits"]
    (plan,) = [hit for hit in hits if "plan" in Path(hit["path"]).name]
    assert len(plan["copies"]) == 1


def test_all_shows_each(folder: Path) -> None:
    hits = ken_json("search", "--all", "-n", "50", "--mode", "words", "gardeners river beds")["hits"]
    assert len([hit for hit in hits if "letter" in Path(hit["path"]).name]) == 14
    assert not any(hit["copies"] for hit in hits)


def test_similar_folds_copies_as_search_does(folder: Path) -> None:
    def likes(*options: str) -> list[dict[str, Any]]:
        return list(ken_json("similar", folder / "letter 3.md", "-n", "30", *options)["hits"])

    letters = [hit for hit in likes() if "letter" in Path(hit["path"]).name]
    assert len(letters) == 1 and len(letters[0]["copies"]) == 12
    assert folder / "letter 3.md" not in map(Path, [letters[0]["path"], *letters[0]["copies"]])
    assert len([hit for hit in likes("--all") if "letter" in Path(hit["path"]).name]) == 13
    listed = ken("similar", "-l", "-n", "30", folder / "letter 3.md").stdout.splitlines()
    assert len([path for path in listed if "letter" in Path(path).name]) == 13
