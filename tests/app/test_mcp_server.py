"""The MCP server, spoken to as an assistant would: through the protocol's own client."""

from __future__ import annotations

import json
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.terminal import KEN
from support.tiny_home import ken
from support.tiny_model import make_tiny_checkpoint

pytest.importorskip("mcp", reason="the mcp extra is not installed")

import anyio
from mcp.client import Client

from app import paths
from app.connect import local_library
from app.errors import UsageInvalid
from app.library import Library
from app.mcp.clients import CLIENTS
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


@pytest.mark.fast
def test_only_reading_is_offered(library: Library) -> None:
    async def run() -> Any:
        async with Client(server(library)) as client:
            return await client.list_tools()

    tools = anyio.run(run).tools
    assert [tool.name for tool in tools] == [
        "bundle", "search", "read", "read_many", "outline", "similar", "recent", "status",
    ]  # fmt: skip
    assert all(tool.annotations.read_only_hint for tool in tools)


@pytest.mark.fast
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


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Library]:
    """Notes of several passages, and a file whose name is no text."""
    make_tiny_checkpoint(paths.home() / "models" / "embeddinggemma-300m")
    notes = tmp_path / "vault"
    notes.mkdir()
    sections = "".join(f"\n## Step {n}\n\n{f'Anchor chain {n} is oiled. ' * 80}\n" for n in range(6))
    (notes / "anchor.md").write_text(f"# Anchor\n{sections}")
    (notes / "odd\udcff\u202e.md").write_text("# Odd\n\nThe quince is ripe.\u200b\n")
    with local_library() as opened:
        opened.add([str(notes)])
        opened.sync()
        yield opened


def test_a_bundle_keeps_to_its_budget_and_repeats_nothing(vault: Library) -> None:
    for tokens in (300, 1000, 4000):
        found = content(
            ask(
                vault,
                "bundle",
                questions=["anchor chain mode:words", "chain oiled mode:words"],
                tokens=tokens,
            )
        )
        texts = [passage["text"] for passage in found["passages"]]
        assert texts and sum(map(len, texts)) <= 4 * tokens
        assert found["tokens"] <= tokens
        places = [(passage["path"], passage["start"]) for passage in found["passages"]]
        assert len(set(places)) == len(places)
        assert found["not_found"] == [] and found["fresh"] and found["waiting"] == 0


def test_a_bundle_says_what_was_not_found(vault: Library) -> None:
    found = content(ask(vault, "bundle", questions=["quince mode:words", "zzzqqq mode:words"]))
    assert found["not_found"] == ["zzzqqq mode:words"]
    (passage,) = found["passages"]
    assert "quince" in passage["text"] and passage["place"] == "line 3"


def test_a_name_of_any_bytes_can_be_given_back(vault: Library) -> None:
    hit = content(ask(vault, "search", query="quince mode:words"))["hits"][0]
    assert hit["path"].endswith("odd\\xff\\u202e.md")
    for tool in ("read", "outline", "similar"):
        content(ask(vault, tool, path=hit["path"]))
    assert "\u200b" not in content(ask(vault, "read", path=hit["path"]))["text"]


def test_a_hit_repeats_nothing_and_holds_nothing_empty(vault: Library) -> None:
    result = ask(vault, "search", query="anchor chain mode:words")
    hit = content(result)["hits"][0]
    assert hit["more"] and all(
        set(other) <= {"heading", "line", "start", "end", "snippet", "score"} for other in hit["more"]
    )
    assert None not in hit.values() and "" not in hit.values()
    assert result.structured_content == content(result)
    assert "\n" not in result.content[0].text


def test_a_document_is_read_from_its_outline_on(vault: Library) -> None:
    hit = content(ask(vault, "search", query="anchor mode:words"))["hits"][0]
    headings = content(ask(vault, "outline", path=hit["path"]))["outline"]
    assert [heading["title"] for heading in headings][:2] == ["Anchor", "Step 0"]
    piece = content(ask(vault, "read", path=hit["path"], start=headings[3]["start"], length=100))
    assert piece["text"].startswith("## Step 2")
    wider = content(ask(vault, "read", path=hit["path"], start=headings[3]["start"], length=100, around=300))
    assert wider["start"] < piece["start"] and piece["text"] in wider["text"]
    read = 0
    at = 0
    while at is not None:
        part = content(ask(vault, "read", path=hit["path"], start=at, length=4000))
        read += len(part["text"])
        at = part.get("next")
    assert read == part["length"]


def test_many_stretches_in_one_call(vault: Library) -> None:
    hit = content(ask(vault, "search", query="anchor mode:words"))["hits"][0]
    spans = [{"path": hit["path"], "length": 50}, {"path": "/no/such"}, {"path": hit["path"], "start": 500}]
    read = content(ask(vault, "read_many", spans=spans))["read"]
    assert [("text" in one, "error" in one) for one in read] == [(True, False), (False, True), (True, False)]


def test_what_is_recent_comes_newest_first(vault: Library) -> None:
    found = content(ask(vault, "recent"))
    assert found["total"] == 2 and len(found["files"]) == 2
    assert set(found["files"][0]) == {"path", "title", "kind", "modified"}
    assert content(ask(vault, "recent", filters="since:1w quince"))["files"][0]["title"] == "Odd"


def test_the_query_language_is_in_the_descriptions(vault: Library) -> None:
    from app.query import KEYS

    async def run() -> Any:
        async with Client(server(vault)) as client:
            return await client.list_tools()

    tools = {tool.name: tool.description for tool in anyio.run(run).tools}
    for name in ("search", "bundle"):
        assert [key for key in KEYS if key != "date" and f"{key}:" not in tools[name]] == []
        assert "/regex/" in tools[name] and "OR" in tools[name] and "-word" in tools[name]


# -- Over HTTP


def test_over_http_only_the_token_and_no_foreign_page_is_answered(library: Library) -> None:
    import threading
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    from app.mcp import http

    listening = http.listen(0)
    port = listening.getsockname()[1]
    token = http.token()
    assert http.token_path().stat().st_mode & 0o777 == 0o600
    threading.Thread(target=http.serve, args=(server(library), listening, token), daemon=True).start()
    call = json.dumps(
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "status", "arguments": {}}}
    ).encode()

    def code(**headers: str) -> int:
        asked = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "Authorization": f"Bearer {token}",
        }
        asked |= {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            with urlopen(Request(f"http://127.0.0.1:{port}/mcp", call, asked), timeout=30) as answer:
                assert b"passages" in answer.read()
                return int(answer.status)
        except HTTPError as error:
            return error.code

    assert code() == 200
    assert code(Origin=f"http://localhost:{port}") == 200
    assert code(Authorization="") == code(Authorization="Bearer no") == code(Authorization=token) == 401
    assert code(Origin="https://example.org") == code(Origin="null") == 403
    assert code(Host="example.org") == 421
    with pytest.raises(UsageInvalid, match="cannot be used"):
        http.listen(port)


def test_the_protocols_own_client_over_http(library: Library) -> None:
    from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client

    async def run(url: str, token: str) -> tuple[Any, Any]:
        async with (
            create_mcp_http_client(headers={"Authorization": f"Bearer {token}"}) as connection,
            Client(streamable_http_client(url, http_client=connection)) as client,
        ):
            found = await client.call_tool("search", {"query": "mode:words boiler pressure"})
            return found, await client.call_tool("read", {"path": "/etc/passwd"})

    command = [*KEN, "app.cli", "mcp", "--http", "--port", "0", "--no-daemon"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        url, _, token_path = process.stderr.readline().split()
        found, refused = anyio.run(run, url, Path(token_path).read_text().strip())
        with pytest.raises(BaseExceptionGroup):
            anyio.run(run, url, "no")
        process.terminate()
        said = process.stderr.read()
    assert content(found)["hits"][0]["path"].endswith("boiler.md")
    assert refused.is_error and "not in the index" in refused.content[0].text
    assert "/etc/passwd" not in said, "what is asked stays out of the client's log"


# -- The clients' files


@pytest.mark.parametrize("name", list(CLIENTS))
def test_installing_adds_ken_and_keeps_everything_else(name: str) -> None:
    client = CLIENTS[name]
    client.path.parent.mkdir(parents=True)
    is_toml = client.path.suffix == ".toml"
    before = (
        'model = "x" # mine\n' if is_toml else '{"theme": "dark", "mcpServers": {"other": {"command": "x"}}}'
    )
    client.path.write_text(before)
    client.path.chmod(0o640)
    shown = ken("mcp", "install", name, "--print")
    assert str(client.path) in shown.stdout and client.path.read_text() == before
    assert ken("mcp", "install", name, stdin="n\n").exit_code == 130
    assert client.path.read_text() == before
    assert ken("mcp", "install", name, "--yes").exit_code == 0
    text = client.path.read_text()
    written = tomllib.loads(text) if is_toml else json.loads(text)
    started = written[client.key]["ken"]
    assert started["args"][-1] == "mcp" and Path(started["command"]).is_absolute()
    if is_toml:
        assert "# mine" in text
    else:
        assert written["theme"] == "dark" and written["mcpServers"]["other"]
    assert client.path.stat().st_mode & 0o777 == 0o640
    assert client.path.with_name(client.path.name + ".before-ken").read_text() == before
    assert "already" in ken("mcp", "install", name, "--yes").stderr


def test_a_file_with_comments_is_left_as_it_is() -> None:
    path = CLIENTS["zed"].path
    path.parent.mkdir(parents=True)
    path.write_text('// mine\n{"theme": "One"}\n')
    result = ken("mcp", "install", "zed", "--yes")
    assert result.exit_code == 1 and "left as it is" in result.stderr and '"context_servers"' in result.stdout
    assert path.read_text().startswith("// mine")


def test_a_new_file_is_made_and_a_link_is_followed(tmp_path: Path) -> None:
    assert ken("mcp", "install", "cursor", "--yes").exit_code == 0
    assert json.loads(CLIENTS["cursor"].path.read_text())["mcpServers"]["ken"]
    real = tmp_path / "dotfiles.json"
    real.write_text("{}")
    CLIENTS["claude-code"].path.symlink_to(real)
    assert ken("mcp", "install", "claude-code", "--yes").exit_code == 0
    assert CLIENTS["claude-code"].path.is_symlink() and json.loads(real.read_text())["mcpServers"]["ken"]
