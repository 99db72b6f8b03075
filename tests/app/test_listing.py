"""A query of filters alone lists files, newest first: in the library, through a daemon, in every front."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.daemons import daemons, library_here_or_in_a_daemon, tiny_models
from support.tiny_home import ken, ken_json, notes, with_tiny_model

from app.api import Library
from app.errors import UsageInvalid
from index.types import Filter

__all__ = ["daemons", "tiny_models"]

MARKDOWN = Filter(kinds=("markdown",))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = notes(
        tmp_path / "notes",
        old__md="# Old\n\nThe oldest note.\n",
        new__md=f"# New\n\n{'The newest note. ' * 200}\n\n## Rope\n\n{'Knots hold. ' * 200}\n",
        middle__md="# Middle\n\nAnother note.\n",
        code__py="def f():\n    return 1\n",
    )
    for days, name in enumerate(("old.md", "middle.md", "code.py", "new.md")):
        os.utime(folder / name, (1_700_000_000 + days * 86_400,) * 2)
    return folder


@pytest.fixture(params=["here", "daemon"])
def library(
    request: pytest.FixtureRequest, folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Library]:
    with library_here_or_in_a_daemon(request, monkeypatch, home, folder) as opened:
        yield opened


def names(paths: list[str]) -> list[str]:
    return [Path(path).name for path in paths]


def test_filters_alone_list_the_newest_first(library: Library, folder: Path) -> None:
    answer = library.search("", filter=MARKDOWN)
    assert names([hit.path for hit in answer.hits]) == ["new.md", "middle.md", "old.md"]
    assert answer.listed and answer.total == 3 and not answer.abstains and not answer.notice
    few = library.search("  ", filter=MARKDOWN, limit=1)
    assert (names([hit.path for hit in few.hits]), few.total) == (["new.md"], 3)


def test_a_listed_file_shows_its_passage_under_the_heading(library: Library) -> None:
    (hit,) = library.search("", filter=Filter(heading="rope")).hits
    assert "Knots" in hit.text


def test_neither_words_nor_filters_is_an_error(library: Library) -> None:
    with pytest.raises(UsageInvalid, match="empty"):
        library.search("")


def test_a_file_that_is_gone_is_not_listed(library: Library, folder: Path) -> None:
    (folder / "new.md").unlink()
    hits = library.search("", filter=MARKDOWN).hits
    assert names([hit.path for hit in hits]) == ["middle.md", "old.md"]


def test_the_command_lists(folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_tiny_model(monkeypatch, home)
    ken("index", folder)
    for arguments in (["type:md"], ["--type", "md"], ["type:md", "before:2100"]):
        found = ken_json("search", *arguments)
        assert names([hit["path"] for hit in found["hits"]]) == ["new.md", "middle.md", "old.md"]
        assert (found["listed"], found["total"], found["query"]) == (True, 3, "")
    shown = ken("search", "type:md", "--explain")
    assert "3 files · newest first" in shown.stderr and "2023-11-1" in shown.stdout


def test_an_assistant_lists(library: Library) -> None:
    anyio = pytest.importorskip("anyio")
    client = pytest.importorskip("mcp.client")
    from app.mcp.server import server

    async def run() -> str:
        async with client.Client(server(library)) as connected:
            result = await connected.call_tool("search", {"query": "type:md", "limit": 2})
            return str(result.content[0].text)

    told = anyio.run(run)
    assert "new.md" in told and "middle.md" in told and "old.md" not in told
