"""The MCP server, spoken to as an assistant would: through the protocol's own client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.tiny_model import make_tiny_checkpoint

pytest.importorskip("mcp", reason="the mcp extra is not installed")

import anyio
from mcp.client import Client

from app import paths
from app.connect import local_library
from app.library import Library
from app.mcp.server import server


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    """A real index of two notes, embedded by a tiny real network."""
    make_tiny_checkpoint(paths.home() / "models" / "embeddinggemma-300m")
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "boiler.md").write_text("# Boiler\n\nThe boiler loses pressure every winter.\n")
    (notes / "bread.md").write_text("# Bread\n\nLet the dough rest overnight.\n")
    with local_library() as opened:
        opened.add([str(notes)])
        assert opened.sync().added == 2, opened.problems()
        yield opened


def ask(library: Library, name: str, **arguments: Any) -> Any:
    async def run() -> Any:
        async with Client(server(library)) as client:
            return await client.call_tool(name, arguments)

    return anyio.run(run)


def content(result: Any) -> Any:
    assert not result.is_error, result
    return json.loads(result.content[0].text)


def test_only_reading_is_offered(library: Library) -> None:
    async def run() -> Any:
        async with Client(server(library)) as client:
            return await client.list_tools()

    tools = anyio.run(run).tools
    assert sorted(tool.name for tool in tools) == ["read", "search", "similar", "status"]
    assert all(tool.annotations.read_only_hint for tool in tools)


def test_a_hit_can_be_read_at_its_place(library: Library) -> None:
    answer = content(ask(library, "search", query="boiler pressure mode:words", limit=3))
    hit = answer["hits"][0]
    assert hit["path"].endswith("boiler.md")
    piece = content(
        ask(library, "read", path=hit["path"], start=hit["start"], length=hit["end"] - hit["start"])
    )
    assert "loses pressure" in piece["text"]


def test_the_state_of_the_index_is_told(library: Library) -> None:
    assert content(ask(library, "status"))["files"] == 2


def test_a_titled_error_reaches_the_assistant_in_words(library: Library) -> None:
    result = ask(library, "read", path="/no/such/file")
    assert result.is_error
    assert "/no/such/file" in result.content[0].text
