"""Every file is found by its name: also what cannot be read, and the one whose name is typed before all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.tiny_home import indexed_library, with_tiny_model

from app import query
from app.connect import local_library
from app.errors import PathInvalid
from app.library import Library
from index.types import Filter

OLD = 1_700_000_000
FILES: dict[str, bytes] = {
    "wifi.md": b"# Settings\n\nThe router stands in the hall.\n",
    "site-options.json": b'{"wifi": "wifi wifi", "wifi.md": "the wifi of the site"}\n',
    "Embed web pages.md": b"# Embed\n\nwifi and md and pages on the web, wifi again.\n",
    "letters/index.md": b"# Index\n\nAll letters to the council.\n",
    "Photos/Lisbon harbour/IMG_2041.jpg": b"\xff\xd8\xff\xe0 no picture at all",
    "Photos/Lisbon harbour/IMG_2042.jpg": b"\xff\xd8\xff\xe0 neither",
    "Films/HolidayNorway2023.mp4": b"\0\0\0\x18ftypmp42",
    "tools/setup-2.1.exe": b"MZ\x90\0",
    "backup.tar.bz2": b"BZh9",
    "empty note.md": b"",
    "half.tmp": b"\0\1",
    "logins.csv": b"url,username,password\nhttps://a.example,ann,9fk2LLq0xP\n",
    ".ssh/id_rsa": b"-----BEGIN OPENSSH PRIVATE KEY-----\n",
    "private/passwords.png": b"\x89PNG",
    "private/.kenignore": b"*\n",
}


def write(root: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (OLD, OLD))


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    folder = tmp_path_factory.mktemp("names")
    write(folder / "home folder", FILES)
    with (
        pytest.MonkeyPatch.context() as patch,
        indexed_library(patch, folder / "home", folder / "home folder") as library,
    ):
        yield library


def found(library: Library, typed: str) -> list[str]:
    asked = query.parse(typed)
    assert not asked.problems
    return [Path(hit.path).name for hit in library.search(asked.text, filter=asked.filter).hits]


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("wifi", "wifi.md"), ("wifi.md", "wifi.md"), ("WIFI.MD", "wifi.md"),
        ("site options", "site-options.json"),
        ("embed web pages", "Embed web pages.md"), ("embed-web-pages.md", "Embed web pages.md"),
        ("letters/index", "index.md"), ("IMG_2041", "IMG_2041.jpg"), ("img 2041.jpg", "IMG_2041.jpg"),
        ("setup-2.1.exe", "setup-2.1.exe"), ("backup.tar.bz2", "backup.tar.bz2"),
        ("backup", "backup.tar.bz2"),
        ("empty note", "empty note.md"), ("holiday norway", "HolidayNorway2023.mp4"),
        ("lisbon harbour img 2042", "IMG_2042.jpg"), ("harbour type:picture", "IMG_2041.jpg"),
        ("norway type:video", "HolidayNorway2023.mp4"), ("norway type:mp4", "HolidayNorway2023.mp4"),
        ("img in:Photos", "IMG_2041.jpg"),
    ],
)  # fmt: skip
def test_what_is_typed_finds_the_file_first(typed: str, name: str, library: Library) -> None:
    assert found(library, typed)[0] == name


def test_filters_alone_list_what_is_not_read(library: Library) -> None:
    assert set(found(library, "type:picture")) == {"IMG_2041.jpg", "IMG_2042.jpg"}
    assert "HolidayNorway2023.mp4" in found(library, "in:Films")
    assert "logins.csv" not in found(library, "size:>0k")


def test_a_name_is_an_answer(library: Library) -> None:
    answer = library.search("wifi")
    assert answer.is_close and answer.hits[0].score == 1.0
    assert "router" in answer.hits[0].text


@pytest.mark.parametrize(
    "typed", ["logins", "logins.csv", "id_rsa", "passwords", "passwords.png", "half", "half.tmp"]
)
def test_what_is_withheld_or_left_out_is_not_found_by_its_name(typed: str, library: Library) -> None:
    withheld = {"logins.csv", "id_rsa", "passwords.png", "half.tmp"}
    assert not withheld & set(found(library, typed))


def test_what_is_not_read_is_no_problem_and_is_never_embedded(library: Library) -> None:
    listed = {Path(problem.path).name for problem in library.problems()}
    assert not listed & {
        "IMG_2041.jpg",
        "HolidayNorway2023.mp4",
        "setup-2.1.exe",
        "empty note.md",
        "half.tmp",
    }
    passages = library.status().passages
    assert passages == sum(library.why(hit.path).passages for hit in library.search("a the", limit=100).hits)
    why = library.why(str(next(Path(library.status().folders[0].path).rglob("IMG_2041.jpg"))))
    assert (why.state, why.passages) == ("named", 0) and "picture" in why.reason


def test_photos_do_not_crowd_out_what_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "kept", {f"Walk/walk {number}.jpg": b"\xff\xd8" for number in range(120)})
    notes = {f"walk notes {n}.md": f"# Walk\n\nAlong river {n}{n * 7}.\n".encode() for n in range(8)}
    write(tmp_path / "kept", notes)
    with indexed_library(monkeypatch, tmp_path / "home", tmp_path / "kept") as library:
        hits = library.search("walk along the river", limit=9).hits
        assert sum(hit.kind == "markdown" for hit in hits) >= 6
        assert len(library.search("walk", limit=50, filter=Filter(kinds=("picture",))).hits) == 50


def test_a_file_without_text_is_shown_as_what_it_is(library: Library) -> None:
    path = library.search("IMG_2041").hits[0].path
    shown = library.excerpt(path, 0, 1000)
    assert "IMG_2041.jpg" in shown.text and "22 bytes" in shown.text and "pictures" in shown.text
    with pytest.raises(PathInvalid, match="no text"):
        library.similar(path)


def test_a_name_follows_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "kept"
    write(root, {"first.jpg": b"\xff\xd8", "blank.md": b"", "note.md": b"Some words.\n"})
    with_tiny_model(monkeypatch, tmp_path / "home")
    with local_library() as library:
        library.add([str(root)])
        assert library.sync().named == 2
        assert library.sync().named == 0
        (root / "first.jpg").rename(root / "second.jpg")
        (root / "blank.md").write_text("Now it says something about otters.\n")
        (root / "note.md").rename(root / "renamed.md")
        library.sync()
        assert found(library, "second")[0] == "second.jpg" and "first.jpg" not in found(library, "first")
        assert found(library, "blank")[0] == "blank.md" and "otters" in library.search("blank").hits[0].text
        assert found(library, "renamed")[0] == "renamed.md"


IDENTIFIERS = {
    "notes.md": b"# Lengths\n\nThe cached length of a rope, and lengths that are cached, cached again.\n",
    "more.md": b"# Caches\n\nCached lengths; a length, cached. Int, enum, enum of int.\n",
    "ropes.py": b"def coil(rope):\n    return rope.turns * _CACHED_LENGTH\n\n\ndef knot(rope):\n    pass\n",
    "kinds.py": b"def kind_of(rope):\n    return IntEnum(rope.kind)\n\n\ndef length(cached):\n    pass\n",
    "calls.c": b"int main(void) {\n    /* limits */\n    return setrlimit(0, 0);\n}\n",
}


def test_an_identifier_finds_the_code_that_holds_it_as_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "tree", IDENTIFIERS)
    with indexed_library(monkeypatch, tmp_path / "home", tmp_path / "tree") as library:
        for typed, name in (
            ("_CACHED_LENGTH", "ropes.py"),
            ("_cached_length", "ropes.py"),
            ("IntEnum", "kinds.py"),
            ("setrlimit", "calls.c"),
        ):
            hit = library.search(typed).hits[0]
            assert (typed, Path(hit.path).name) == (typed, name)
