"""What notes say of themselves: fields in every dialect, tags, aliases and links."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.tiny_home import indexed_library, with_tiny_model

from app import json_output, query
from app.connect import local_library
from app.library import Library
from index.extract.front_matter import front_matter

pytestmark = pytest.mark.fast

NOTES = {
    "tides.md": "---\ntitle: 'Tide tables'\naliases: [Springs, \"Neap tides\"]\ntags:\n  - sea/harbour\n"
    "  - almanac\nauthor:\n  name: Ines Barros\ndate: 2024-05-17 # first\nstatus: in progress\n"
    "source: https://tides.example/a\n---\n\nThe water rises twice a day. See [[Moon phases|the moon]].\n",
    "moon phases.md": '+++\ntitle = "Moon phases"\ntags = ["sky", "almanac"]\ndate = 2023-01-09\n'
    '[extra]\nauthor = "Jun Sato"\n+++\n\nWaxing and waning. [Tides](tides.md#top) follow.\n',
    "letters.md": "Title: Letters home\nAuthor: Ines Barros\n   and a friend\n"
    "Keywords: sea, letters to-read\n\n"
    "We sail on Monday. #packing #deep-sea/charts `#notag`\n\n```\n#alsonotag\n```\n",
    "plain.md": "# Plain\n\nerror:404 came back, colour #fff and 3 #1 issues. [[neap tides]] again.\n",
    "broken.md": "---\ntags: #one #two\ntitle: Half: a title\n"
    "\t- odd\n  : nothing\nauthor: [Ann,\n---\n\nStill a text.\n",
    "pandoc.md": "% On knots\n% R. Lund\n% 2019\n\nA bowline holds.\n",
    "far/moon phases.md": "# Another\n\nThe same name elsewhere.\n",
}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    folder = tmp_path_factory.mktemp("vault")
    for name, text in NOTES.items():
        path = folder / "notes" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, (1_700_000_000, 1_700_000_000))
    with (
        pytest.MonkeyPatch.context() as patch,
        indexed_library(patch, folder / "home", folder / "notes") as library,
    ):
        yield library


def found(library: Library, typed: str) -> set[str]:
    asked = query.parse(typed)
    assert not asked.problems
    return {Path(hit.path).name for hit in library.search(asked.text, filter=asked.filter).hits}


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("tag:almanac", {"tides.md", "moon phases.md"}),
        ("tag:sea", {"tides.md", "letters.md"}),
        ("tag:sea/harbour", {"tides.md"}),
        ("tag:#packing", {"letters.md"}),
        ("tag:deep-sea/charts", {"letters.md"}),
        ("tag:read", set()),
        ("tag:notag,alsonotag", set()),
        ("tag:one tag:two", {"broken.md"}),
        ("tag:almanac tag:sky", {"moon phases.md"}),
        ("author:barros", {"tides.md", "letters.md"}),
        ("author:lund", {"pandoc.md"}),
        ("date:2024-05", {"tides.md"}),
        ("date:2023", {"moon phases.md"}),
        ('status:"in progress"', {"tides.md"}),
        ("Status:progress", {"tides.md"}),
        ("source:tides", {"tides.md"}),
        ("water tag:almanac author:ines", {"tides.md"}),
    ],
)
def test_a_field_narrows(typed: str, names: set[str], library: Library) -> None:
    assert found(library, typed) == names


@pytest.mark.parametrize("typed", ["error:404", "http://tides.example/a", "std::vector", "a:b water"])
def test_what_is_no_field_is_words(typed: str, library: Library) -> None:
    asked = query.parse(typed)
    assert library.search(asked.text, filter=asked.filter, mode="words").query or asked.text
    if typed.startswith("error"):
        assert found(library, typed) >= {"plain.md"}


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("springs", "tides.md"),
        ("Neap Tides", "tides.md"),
        ("tide tables", "tides.md"),
        ("on knots", "pandoc.md"),
    ],
)
def test_an_alias_or_title_that_is_typed_finds_its_note_first(
    typed: str, name: str, library: Library
) -> None:
    assert Path(library.search(typed).hits[0].path).name == name


def path_of(library: Library, name: str) -> str:
    return str(Path(library.status().folders[0].path) / name)


def names(paths: tuple[str, ...]) -> list[str]:
    return sorted(str(Path(path).parent.name + "/" + Path(path).name) for path in paths)


def test_links_are_shown_both_ways_and_lead_to_the_nearest_of_a_name(library: Library) -> None:
    shown = library.excerpt(path_of(library, "tides.md"), 0, 100)
    assert names(shown.links) == ["notes/moon phases.md"]
    assert names(shown.backlinks) == ["notes/moon phases.md", "notes/plain.md"]
    assert library.why(path_of(library, "far/moon phases.md")).backlinks == ()
    told = json_output.why(library.why(path_of(library, "plain.md")))
    assert names(tuple(told["links"])) == ["notes/tides.md"] and told["backlinks"] == []


def test_similar_counts_links(library: Library) -> None:
    hits = library.similar(path_of(library, "plain.md")).hits
    tides = next(hit for hit in hits if hit.path.endswith("tides.md"))
    assert tides.score == pytest.approx(min(1, (tides.similarity or 0) + 0.15), abs=1e-3)


def test_a_field_that_holds_a_credential_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token = "ghp_" + "aB3" * 12
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.md").write_text(f"---\nstatus: open\napi_key: {token}\n---\n\nWords.\n")
    with_tiny_model(monkeypatch, tmp_path / "home")
    with local_library() as library:
        library.add([str(tmp_path / "notes")])
        library.sync()
        assert found(library, "status:open") == {"a.md"}
    held = b"".join(path.read_bytes() for path in (tmp_path / "home").rglob("*") if path.is_file())
    assert token.encode() not in held and token.lower().replace("_", " ").encode() not in held


@pytest.mark.parametrize(
    "text",
    ["---\n" + "a: [" * 400 + "\n---\n", "---\n" + "- " * 3000 + "\n---\n", "+++\na = [[[\n+++\n",
     "`" * 20000 + "x" * 20000,
     "Title: " + "x" * 100_000, "[[" * 20000, "](" * 20000, "#1" * 20000,
     '---\na: "' + '\\"' * 20000 + "\n---\n"],
)  # fmt: skip
def test_front_matter_of_any_shape_is_read_in_bounded_time(text: str) -> None:
    from index.extract.front_matter import links, tags
    from index.types import Section

    front_matter(text)
    links(text)
    assert len(list(tags(text, [Section(0, len(text))]))) < 30_000
