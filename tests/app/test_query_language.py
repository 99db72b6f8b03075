"""The query language on a real index: exclusion, OR, phrases, expressions, parts of words, typing errors."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.tiny_home import indexed_library, ken, ken_json, notes, with_tiny_model

from app.api import Answer, Library
from app.query import parse

FILES = {
    "boiler__md": "# Boiler\n\nThe boiler loses pressure every winter. Error ERR-1042 is shown.\n",
    "radiator__md": "# Radiator\n\nA radiator hisses when the pressure is high.\n",
    "draft__md": "# Heating\n\nThe boiler in this draft is an idea of what to buy.\n",
    "bread__md": "# Bread\n\nLet the dough rest overnight, then bake it.\n",
    "code__py": "def getUserName(account):\n    return account.name  # a -> b\n",
}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("language")
        patch.setenv("KEN_NO_DAEMON", "1")
        with indexed_library(patch, folder / "home", notes(folder / "notes", **FILES)) as opened:
            yield opened


def ask(library: Library, typed: str, **options: object) -> Answer:
    query = parse(typed)
    assert not query.problems, query.problems
    mode = query.mode or "words"
    return library.search(query.text, mode=mode, filter=query.filter, **options)  # type: ignore[arg-type]


def found(library: Library, typed: str) -> set[str]:
    return {Path(hit.path).name for hit in ask(library, typed).hits}


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("boiler", {"boiler.md", "draft.md"}),
        ("boiler -winter", {"draft.md"}),
        ("boiler NOT winter", {"draft.md"}),
        ('boiler -"what to buy"', {"boiler.md"}),
        ("boiler -“what to buy”", {"boiler.md"}),
        ("boiler -draft", {"boiler.md"}),
        ("boiler -draft pressure", {"boiler.md", "radiator.md", "draft.md"}),
        ("-draft boiler -winter", set()),
        ("boiler NOT draft pressure", {"boiler.md", "radiator.md"}),
        ("boiler -type:py", {"boiler.md", "draft.md"}),
        ("boiler -type:md", set()),
        ("-type:md", {"code.py"}),
        ("-type:md -lang:python", set()),
        ("type:md -boiler", {"radiator.md", "bread.md"}),
        ("radiator OR dough", {"radiator.md", "bread.md"}),
        ("boiler AND winter", {"boiler.md"}),
        ('"loses pressure" OR "let the dough"', {"boiler.md", "bread.md"}),
        ('"loses pressure"', {"boiler.md"}),
        ("„loses pressure“", {"boiler.md"}),
        ("/ERR-\\d+/", {"boiler.md"}),
        ("/err-\\d+/", {"boiler.md"}),
        ("/Err-\\d+/", set()),
        ("/Err-\\d+/i", {"boiler.md"}),
        ("/pres+ure is/ boiler", {"radiator.md"}),
        ("/username/ -type:md", {"code.py"}),
        ("/boiler|dough/ -draft", {"boiler.md", "bread.md"}),
        ("oiler", {"boiler.md", "draft.md"}),
        ("sername", {"code.py"}),
        ('"a -> b"', {"code.py"}),
        ('"oses pres"', {"boiler.md"}),
        ("presure", {"boiler.md", "radiator.md"}),
        ("raditaor", {"radiator.md"}),
        ("overnihgt dough", {"bread.md"}),
    ],
)
def test_what_is_typed_finds(library: Library, typed: str, names: set[str]) -> None:
    assert found(library, typed) == names


def test_an_expression_is_shown_where_it_occurs(library: Library) -> None:
    (hit,) = ask(library, "/ERR-\\d+/").hits
    assert [hit.snippet[start:end] for start, end in hit.matched] == ["ERR-1042"]


@pytest.mark.parametrize("mode", ["words", "hybrid"])
@pytest.mark.parametrize(
    "question",
    [
        'why does the "old boiler" lose pressure in winter',
        "why does the “old boiler” lose pressure in winter",
        'why does the boiler lose "pressure in the pipes"',
        'a "boiler" with "no such words here" in winter',
        '5" pipe or 3" pipe for the boiler',
        'is "boiler',
        '"" boiler',
        '"old boiler" AND "new boiler" winter',
    ],
)
def test_quotation_marks_in_a_question_never_make_it_find_nothing(
    library: Library, question: str, mode: str
) -> None:
    answer = ask(library, f"{question} mode:{mode}")
    assert answer.hits


def test_a_phrase_that_occurs_nowhere_is_told(library: Library) -> None:
    answer = ask(library, 'the "old boiler" loses pressure')
    assert "“old boiler”" in answer.notice and "word for word" in answer.notice
    assert not ask(library, 'the "boiler loses" pressure').notice


def test_what_an_exclusion_leaves_out_is_told(library: Library) -> None:
    assert ask(library, "boiler -winter").notice.startswith("Files with “winter” are left out: 1.")
    assert ask(library, "-winter type:md").notice.startswith("Files with “winter” are left out: 1.")
    for nothing_left_out in ("boiler", "boiler -zzzqqq", "boiler -winter pressure"):
        assert "left out" not in ask(library, nothing_left_out).notice


def test_a_typing_error_is_told_with_what_was_searched(library: Library) -> None:
    answer = ask(library, "bolier winter")
    assert answer.corrected == "boiler winter"
    assert ask(library, "old_bolier").corrected == "old_boiler"
    answer = ask(library, "raditaor")
    assert answer.corrected == "radiator"
    assert "raditaor" in answer.notice and "results for “radiator”" in answer.notice


@pytest.mark.parametrize("typed", ["zzzqqq", "1042x9", "-zebra zzzqqq"])
def test_what_is_near_nothing_finds_nothing(library: Library, typed: str) -> None:
    assert not ask(library, typed).hits


def test_a_correction_follows_what_the_index_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEN_NO_DAEMON", "1")
    folder = notes(tmp_path / "notes", oven__md="# Bread\n\nThe oven is hot.\n")
    with indexed_library(monkeypatch, tmp_path / "home", folder) as opened:
        assert not ask(opened, "thermostt").hits
        notes(folder, thermostat__md="# Heat\n\nThe thermostat is in the hall.\n")
        opened.sync()
        assert ask(opened, "thermostt").corrected == "thermostat"
        notes(folder, thermostt__md="# Name\n\nThermostt is a firm.\n")
        opened.sync()
        assert ask(opened, "thermostt").corrected == ""


def test_an_expression_that_never_ends_ends(library: Library) -> None:
    began = time.monotonic()
    ask(library, "/(.*)*(.*)*(.*)*zzz$/")
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    "typed", ["/[/", "/(/", "/" + "a" * 600 + "/", "type:foo", "sort:foo", "-mode:words"]
)
def test_what_is_wrong_is_told_by_the_command(typed: str) -> None:
    result = ken("search", "--", "boiler", typed)
    assert result.exit_code == 1 and typed[:6] in result.stderr


def test_the_newest_of_what_answers_comes_first(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    with_tiny_model(monkeypatch, home)
    folder = notes(tmp_path / "n", **{f"n{i}__md": f"# Note {i}\n\nThe boiler, {i}.\n" for i in range(30)})
    for i in range(30):
        os.utime(folder / f"n{i}.md", (1_700_000_000 + i * 100,) * 2)
    ken("index", folder)
    hits = ken_json("search", "boiler", "sort:date", "-n", "3")["hits"]
    assert [Path(hit["path"]).name for hit in hits] == ["n29.md", "n28.md", "n27.md"]


def test_an_exclusion_needs_no_dashes_before_it(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_tiny_model(monkeypatch, home)
    ken("index", notes(tmp_path / "notes", **FILES))
    for exclusion in (["-winter"], ["-n5", "-winter"], ["-type:py", "-winter", "-n", "5"], ["NOT winter"]):
        found = ken_json("search", "boiler", *exclusion, "--mode", "words")
        assert [Path(hit["path"]).name for hit in found["hits"]] == ["draft.md"], exclusion
    assert "No such option" in ken("search", "boiler", "--winter").stderr


def test_a_folder_or_tag_that_no_file_has_is_told_with_the_nearest(library: Library) -> None:
    for typed, said in (
        ("boiler in:notez", "No indexed file is in notez; did you mean notes?"),
        ("in:/nowhere/at-all", "No indexed file is in /nowhere/at-all."),
        ("boiler tag:heating", "No document has the tag heating."),
    ):
        assert said in ask(library, typed).notice
    for typed in ("boiler in:notes", "in:notes bread -dough", "zzzqqqxxx in:notes"):
        assert "No indexed file" not in ask(library, typed).notice
