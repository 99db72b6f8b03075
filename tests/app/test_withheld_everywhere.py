"""What is left out of the index comes out by no way: each kind of secret, in each disguise, by each method.

In this process and through the daemon. The methods of `Library`, the tools of the MCP server and the
commands that print JSON are found by looking, so a new one is asked too.
Secrets are put together here, so that no scanner takes this file for a leak.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.commands import commands_with_json
from support.daemons import daemons, library_here_or_in_a_daemon, tiny_models
from support.tiny_home import ken

from app import json_output, paths
from app.api import Library, Status
from app.errors import TITLED_ERRORS, AppError

__all__ = ["daemons", "tiny_models"]

SECRETS = {
    "key": "-----BEGIN OPENSSH PRIVATE " + "KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAE\nZmFsc2UgYm9keQ\n"
    "-----END OPENSSH PRIVATE " + "KEY-----",
    "token": "ghp_" + "k3Yq8Zt1" * 5,
    "password": "password: " + "Zx8-marmalade-Quay",
    "codes": "Recovery codes:\n" + "\n".join(f"{n}f3k{n}-29dq{n}" for n in range(2, 8)),
}  # fmt: skip
TELLING = (
    "b3BlbnNzaC1rZXktdjEA", "ZmFsc2UgYm9keQ", "k3Yq8Zt1k3Yq8", "Zx8-marmalade-Quay", "4f3k4-29dq4",
    "7f3k7-29dq7",
)  # fmt: skip
"""What must not be seen of them."""


def inline(secret: str) -> str:
    return " ".join(secret.split("\n"))


MAIL = """From: a@example.org
To: b@example.org
Subject: harbour {inline}
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=x

--x
Content-Type: text/plain

The harbour.
--x
Content-Type: text/plain; name=a.txt
Content-Disposition: attachment; filename=a.txt

{secret}
--x--
"""
DISGUISES = {
    "copy.md": "# Boiler\n\nThe harbour.\n\n{secret}\n",
    "title.md": "# {inline}\n\nThe harbour.\n",
    "heading.md": "# Boat\n\nThe harbour.\n\n## {inline}\n\nThe quay.\n",
    "table.md": "# Boat\n\n| what | value |\n| --- | --- |\n| harbour | {inline} |\n",
    "matter.md": "---\ntitle: '{inline}'\n---\nThe harbour.\n",
    "page.html": "<title>{inline}</title><h1>Quay</h1><p>The harbour.</p>",
    "mail.eml": MAIL,
}
"""What a file holds, with the secret as it is or on one line."""


def write(path: Path, text: str) -> None:
    path.write_text(text)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder, outside = tmp_path / "notes", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    for name, secret in SECRETS.items():
        write(outside / f"{name}.txt", secret)
        (folder / f"link-{name}.md").symlink_to(outside / f"{name}.txt")
        for disguise, text in DISGUISES.items():
            write(folder / f"{name}-{disguise}", text.format(secret=secret, inline=inline(secret)))
    write(folder / ".env", SECRETS["password"])
    write(folder / "id_ed25519", SECRETS["key"])
    write(folder / "credentials.json", SECRETS["token"])
    return folder


@pytest.fixture(params=["here", "daemon"])
def library(
    request: pytest.FixtureRequest, root: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Library]:
    with library_here_or_in_a_daemon(request, monkeypatch, home, root) as opened:
        yield opened


def seen(value: object) -> list[str]:
    """Which secrets show in a value, however deep."""
    text = repr(value) + json.dumps(value, default=repr)
    return [telling for telling in TELLING if telling in text or telling[:12] in text]


def raised(status: Status) -> None:
    """Ends what would follow the status for as long as the daemon runs."""
    raise AppError(repr(status))


def calls(library: Library, root: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    """Every way to ask every public method of `Library` for something."""
    files = sorted([*root.iterdir(), root / "link-key.md"])
    arguments: dict[str, list[tuple[Any, ...]]] = {
        "search": [
            (query,) for query in ("harbour", "password key token", *TELLING, *map(inline, SECRETS.values()))
        ],
        "similar": [(str(file),) for file in files],
        "text": [(str(file),) for file in files],
        "excerpt": [(str(file), 0, 100_000) for file in files],
        "why": [(str(file),) for file in files],
        "similarities": [("harbour", ["quay"])],
        "add": [([str(root)],)],
        "sync": [()],
        "status": [()],
        "problems": [()],
        "kinds": [()],
        "tags": [()],
        "follow": [(raised,)],
        "pause": [()],
        "resume": [()],
        "forget": [],
        "close": [],
    }
    public = {name for name, _ in inspect.getmembers(Library, inspect.isfunction) if not name.startswith("_")}
    assert public == set(arguments), "a method of `Library` is not asked here"
    for name, some in arguments.items():
        for one in some:
            yield f"{name}{one}", lambda name=name, one=one: getattr(library, name)(*one)


def test_no_method_of_the_library_gives_a_secret(library: Library, root: Path) -> None:
    for call, ask in calls(library, root):
        try:
            found: object = ask()
        except Exception as error:  # noqa: BLE001 - what is refused must not quote it either
            found = [str(error), repr(error)]
        if call.startswith("search"):
            found = [json_output.hit(hit) for hit in found.hits]  # type: ignore[attr-defined]
        assert seen(found) == [], call


def test_what_is_left_out_by_its_name_is_not_read(library: Library, root: Path) -> None:
    for name in (".env", "id_ed25519", "credentials.json", "link-key.md"):
        for ask in (library.text, lambda path: library.excerpt(path, 0, 100)):
            with pytest.raises(Exception, match=r"not in the index|is not shown"):
                ask(str(root / name))


def test_a_file_that_becomes_a_link_is_not_read_any_more(library: Library, root: Path) -> None:
    note = root / "token-copy.md"
    assert "harbour" in library.text(str(note))
    note.unlink()
    note.symlink_to(root.parent / "outside" / "key.txt")
    with pytest.raises(Exception, match="link"):
        library.text(str(note))


def test_a_note_that_got_a_password_since_is_covered_when_read(library: Library, root: Path) -> None:
    note = root / "token-copy.md"
    note.write_text(f"# Boat\n\nThe harbour.\n\n{SECRETS['password']}\n")
    text = library.text(str(note))
    assert "harbour" in text
    assert seen(text) == []


def asked_of(properties: dict[str, Any], root: Path) -> list[dict[str, Any]]:
    """Arguments that ask a tool for everything; a tool with an argument that is not known here fails."""
    files = [str(file) for file in root.iterdir()]
    queries = ["harbour", *TELLING]
    given: dict[str, list[dict[str, Any]]] = {
        "path": [{"path": file} for file in files],
        "query": [{"query": query} for query in queries],
        "questions": [{"questions": [query], "tokens": 20_000} for query in queries],
        "filters": [{"filters": f"in:{root}", "limit": 50}],
        "spans": [{"spans": [{"path": file}]} for file in files],
    }
    assert set(properties) <= {*given, "limit", "line", "start", "length", "around", "tokens"}
    return next((calls for name, calls in given.items() if name in properties), [{}])


def test_no_tool_of_the_assistant_gives_a_secret(library: Library, root: Path) -> None:
    anyio = pytest.importorskip("anyio")
    client = pytest.importorskip("mcp.client")
    from app.mcp.server import server

    async def run() -> list[tuple[str, Any]]:
        answers: list[tuple[str, Any]] = []
        async with client.Client(server(library)) as connected:
            for tool in (await connected.list_tools()).tools:
                given = asked_of(tool.input_schema["properties"], root)
                answers += [
                    (f"{tool.name} {one}", await connected.call_tool(tool.name, one)) for one in given
                ]
        return answers

    answers = anyio.run(run)
    assert {call.split()[0] for call, _ in answers} >= {"search", "read", "similar", "status"}
    for call, answer in answers:
        told = "".join(part.text for part in answer.content)
        for telling in TELLING:
            if telling not in call:
                assert telling not in told, call


def test_no_command_prints_a_secret(library: Library, root: Path) -> None:
    library.close()
    each = [[str(file)] for file in root.iterdir()]
    arguments: dict[str, list[list[str]]] = {
        "index": [[], [str(root)]],
        "search": [["harbour"], ["harbour", "--explain"], ["password key token recovery codes"]],
        "similar": each,
        "status": [[], ["--problems"]],
        "why": each,
        "watch-for": [["harbour"], ["--list"]],
        "daemon status": [[]],
        "model list": [[]],
        "config": [[]],
    }
    elsewhere = {"eval"}  # which has an index of its own
    assert set(commands_with_json()) == set(arguments) | elsewhere, "a command is not asked here"
    for name, some in arguments.items():
        for given in some:
            for form in ([], ["--json"]):
                told = ken(*name.split(), *given, *form)
                assert [telling for telling in TELLING if telling in told.output] == [], (name, given)
                if form and told.exit_code == 0:
                    assert told.stdout.replace("\n", "").isprintable()


def test_nothing_ken_writes_holds_a_secret(library: Library, root: Path, tmp_path: Path) -> None:
    for file in root.iterdir():
        with contextlib.suppress(*TITLED_ERRORS):
            library.text(str(file))
    library.close()
    if "KEN_NO_DAEMON" in os.environ:
        assert ken("export", tmp_path / "export").exit_code == 0
    for written in [*paths.home().rglob("*"), *(tmp_path / "export").rglob("*")]:
        if written.is_file() and "models" not in written.parts:
            text = written.read_bytes().decode("latin-1")
            assert [telling for telling in TELLING if telling in text] == [], written


def test_the_fixture_holds_what_it_says(root: Path) -> None:
    held = b"".join(file.read_bytes() for file in root.iterdir() if not file.is_symlink())
    assert all(telling.encode() in held for telling in TELLING)
