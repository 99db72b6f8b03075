"""Saved searches: kept, asked of what is new, answered once, and given to a command without a shell."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import cast

import pytest
from support.daemons import Daemons
from support.waiting import until

from app.answers import saved_searches
from app.api import Answer, Library
from app.errors import UsageInvalid
from index.errors import IndexUnreachable
from index.types import Filter


def test_questions_are_kept_listed_and_removed(home: Path) -> None:
    first = saved_searches.add("  flights   to Lisbon ", f"{sys.executable} -c 'print(1)'")
    second = saved_searches.add("heat pumps")
    assert (first.id, first.query, second.id) == (1, "flights to Lisbon", 2)
    assert first.command == (sys.executable, "-c", "print(1)")
    assert saved_searches.remove(1).query == "flights to Lisbon"
    assert [question.id for question in saved_searches.read()] == [2]
    assert saved_searches.saved_searches_path().stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("query", "command"), [(" ", ""), ("x", "'open"), ("x", "no-such-command-here")])
def test_what_cannot_be_asked_is_refused(home: Path, query: str, command: str) -> None:
    with pytest.raises(UsageInvalid):
        saved_searches.add(query, command)
    assert saved_searches.read() == ()


def test_a_damaged_file_is_told_and_left_alone(home: Path) -> None:
    saved_searches.add("x")
    saved_searches.saved_searches_path().write_text("{")
    with pytest.raises(UsageInvalid):
        saved_searches.add("y")
    assert saved_searches.saved_searches_path().read_text() == "{"


def test_a_new_note_that_matches_is_told_once(daemons: Daemons, tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "old.md").write_text("The axolotl was here before the question.\n")
    daemons.start()
    daemons.keep(folder)
    told = tmp_path / "told.jsonl"
    script = f"import sys; open({str(told)!r}, 'a').write(sys.stdin.read() + chr(10))"
    saved_searches.add('"axolotl"', f'{sys.executable} -c "{script}"')
    (folder / "new.md").write_text("An axolotl; `touch pwned` $(touch pwned).\n")
    (folder / "other.md").write_text("Nothing of the kind.\n")
    until(told.exists)
    answer = until(lambda: told.read_text().endswith("\n") and json.loads(told.read_text().splitlines()[0]))
    assert answer["query"] == '"axolotl"'
    assert answer["hit"]["path"] == str(folder / "new.md")
    (folder / "new.md").touch()
    (folder / "last.md").write_text("One more axolotl.\n")
    until(lambda: len(told.read_text().splitlines()) == 2)
    assert json.loads(told.read_text().splitlines()[1])["hit"]["path"] == str(folder / "last.md")


def test_many_notes_that_are_moved_in_at_once_are_all_asked(daemons: Daemons, tmp_path: Path) -> None:
    folder, outside = tmp_path / "notes", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    for number in range(1_100):
        words = "An axolotl in a tank" if number in (3, 1_097) else f"Nothing of the kind {number}"
        (outside / f"{number:04}.md").write_text(f"{words}.\n")
        os.utime(outside / f"{number:04}.md", (1_700_000_000, 1_700_000_000))
    daemons.start()
    daemons.keep(folder)
    told = tmp_path / "told.jsonl"
    script = f"import sys; open({str(told)!r}, 'a').write(sys.stdin.read() + chr(10))"
    saved_searches.add('"axolotl"', f'{sys.executable} -c "{script}"')
    outside.rename(folder / "inside")
    daemons.library.sync()
    until(lambda: told.exists() and len(told.read_text().splitlines()) == 2)
    paths = {json.loads(line)["hit"]["path"] for line in told.read_text().splitlines()}
    assert {Path(path).name for path in paths} == {"0003.md", "1097.md"}


def test_a_question_that_cannot_be_asked_leaves_the_others(home: Path) -> None:
    class Asked:
        """A library of which only `search` is used."""

        def search(self, query: str, **more: object) -> Answer:
            asked.append(query)
            raise IndexUnreachable("It is away.")

    asked: list[str] = []
    saved_searches.add("first")
    saved_searches.add("second")
    saved_searches.SavedSearchRunner(notify=False).ask(["/n/a.md"], cast("Library", Asked()))
    assert asked == ["first", "second"]


def test_files_without_all_vectors_are_asked_again(home: Path) -> None:
    class Answering:
        """A library of which only `search` is used: vectors are missing the first time."""

        def search(self, query: str, **more: object) -> Answer:
            asked.append(more["filter"])
            return Answer(query, "hybrid", (), False, 0.0, 0, 1.0, complete=len(asked) > 1)

    asked: list[object] = []
    saved_searches.add("eagles")
    runner = saved_searches.SavedSearchRunner(notify=False)
    for new in (["/n/a.md"], [], []):
        runner.ask(new, cast("Library", Answering()))
    assert asked == [Filter(files=("/n/a.md",), each_copy=True)] * 2
