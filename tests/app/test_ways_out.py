"""What leaves ken runs nothing and hides nothing: opening, copying, printing, an assistant's reading."""

from __future__ import annotations

import json
import logging
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import documents
from support.tiny_home import with_tiny_model

from app import json_output, log
from app.answers import open_file
from app.connect import local_library
from app.library import Library
from app.sanitize import plain, visible
from app.tui.screens.hit_actions import pasteable
from index import kinds
from index.types import Filter

pytestmark = pytest.mark.fast

PDF = documents.pdf([[(72, 700, 24, "A harbour guide"), (72, 650, 11, "Boats moor at the quay.")]])


@pytest.fixture
def handed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH on which xdg-open writes down what it is handed."""
    programs, log = tmp_path / "bin", tmp_path / "handed"
    programs.mkdir()
    (programs / "xdg-open").write_text(f'#!/bin/sh\nprintf "%s\\n" "$1" >> {log}\n')
    (programs / "xdg-open").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setattr(open_file, "_PAGED", {})
    monkeypatch.setattr(open_file.sys, "platform", "linux")
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    return log


def opened(path: Path, kind: str) -> str:
    command = open_file.launch_for(str(path), kind=kind).command
    subprocess.run(command, check=True)
    return command[-1]


def test_a_document_is_handed_to_the_system(tmp_path: Path, handed: Path) -> None:
    note = tmp_path / "guide.pdf"
    note.write_bytes(PDF)
    assert opened(note, "pdf") == str(note)
    assert handed.read_text() == f"{note}\n"


@pytest.mark.parametrize(
    "name",
    [
        "budget.command", "guide.tool", "guide", "guide.desktop", "guide.jnlp", "guide.app", "guide.terminal",
        "guide.pdf.sh", "guide.url", "guide.webloc", "guide.workflow", "guide.exe", "guide.bat", "guide.lnk",
    ],
)  # fmt: skip
def test_a_file_of_another_name_than_its_kind_is_only_shown(name: str, tmp_path: Path, handed: Path) -> None:
    (tmp_path / name).write_bytes(PDF)
    for mode in (0o644, 0o755):
        (tmp_path / name).chmod(mode)
        assert opened(tmp_path / name, "pdf") == str(tmp_path)


def test_a_program_is_never_handed_over_whatever_its_name(tmp_path: Path, handed: Path) -> None:
    program = tmp_path / "guide.pdf"
    program.write_bytes(PDF)
    program.chmod(0o755)
    assert opened(program, "pdf") == str(tmp_path)
    link = tmp_path / "link.pdf"
    link.symlink_to(tmp_path / "evil.command")
    (tmp_path / "evil.command").write_bytes(PDF)
    assert opened(link, "pdf") == str(tmp_path)


@pytest.mark.parametrize("kind", [kind.name for kind in kinds.KINDS] + ["", "older"])
def test_no_kind_is_handed_over_under_a_foreign_name(kind: str, tmp_path: Path, handed: Path) -> None:
    (tmp_path / "a.command").write_bytes(b"%PDF-1.4")
    command = open_file.launch_for(str(tmp_path / "a.command"), kind=kind, editor="true").command
    assert command[0] == "true" or command == ("xdg-open", str(tmp_path))


WRONG = {
    "a Windows program": b"MZ\x90\0\3\0\0\0",
    "a program": b"\x7fELF\2\1\1\0",
    "a script": b"#!/bin/sh\ntouch owned\n",
    "an installer": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
    "a shortcut": b"[Desktop Entry]\nExec=touch owned\nType=Application\n",
}


@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG.keys())
@pytest.mark.parametrize("suffix", [".pdf", ".docx", ".pptx", ".xlsx", ".odt", ".epub", ".rtf", ".zip"])
def test_a_file_that_became_something_else_since_is_only_shown(
    content: bytes, suffix: str, tmp_path: Path, handed: Path
) -> None:
    swapped = tmp_path / f"guide{suffix}"
    swapped.write_bytes(content)
    indexed = kinds.of_file_name(swapped.name)
    assert indexed is not None
    assert opened(swapped, indexed.name) == str(tmp_path)


def test_on_macos_too_only_documents_are_handed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_file.sys, "platform", "darwin")
    for name in ("budget.command", "guide.pdf"):
        (tmp_path / name).write_bytes(PDF)
    launch = open_file.launch_for(str(tmp_path / "guide.pdf"), kind="pdf")
    assert launch.command == ("open", str(tmp_path / "guide.pdf"))
    launch = open_file.launch_for(str(tmp_path / "budget.command"), kind="pdf")
    assert launch.command == ("open", "-R", str(tmp_path / "budget.command"))
    monkeypatch.setenv("PATH", os.devnull)
    launch = open_file.launch_for(str(tmp_path / "budget.command"), kind="text", environment={})
    assert launch.command == ("open", "-t", str(tmp_path / "budget.command"))


def test_an_opener_is_no_editor(tmp_path: Path, handed: Path) -> None:
    script = tmp_path / "guide.desktop"
    script.write_bytes(WRONG["a shortcut"])
    (handed.parent / "bin" / "nano").write_text("#!/bin/sh\n")
    (handed.parent / "bin" / "nano").chmod(0o755)
    for editor in ("xdg-open", "/usr/bin/xdg-open", "gio open", "open"):
        launch = open_file.launch_for(str(script), kind="text", environment={"EDITOR": editor})
        assert launch.command == ("nano", "+1", str(script))
    named = open_file.launch_for(str(script), kind="text", environment={"EDITOR": "true -t"})
    assert named.command == ("true", "-t", str(script))


@pytest.mark.parametrize(
    "path",
    [
        "/home/ada/a b.md",
        "/日本\u3000語.md",
        "/at 9.41\u202fAM.png",
        "/\U0001f468\u200d\U0001f469.md",
        "/é$x.md",
    ],
)
def test_an_ordinary_path_is_copied_as_it_is(path: str) -> None:
    assert pasteable(path) == path


def test_a_path_that_is_pasted_into_a_shell_is_one_word_there(tmp_path: Path) -> None:
    path = "/tmp/a\ntouch owned\n'\\\udcff\u202e.md"
    said = subprocess.run(["bash", "-c", f"printf %s {pasteable(path)}"], capture_output=True, check=True)
    assert said.stdout == os.fsencode(path)


@given(st.text(st.characters(codec=None, exclude_categories=())))
@settings(max_examples=300)
def test_json_is_printable_and_says_the_same(text: str) -> None:
    printed = json_output.dumps({"text": text})
    assert json.loads(printed) == {"text": text}
    assert len(printed.splitlines()) == 1
    assert all(c.isprintable() or c in " \u3000\xa0" or ord(c) > 0x2FF for c in printed)
    for hidden in "\x1b\x9b\u202e\u2028\u200b\U000e0041":
        assert hidden not in printed
        assert hidden not in visible(text) or hidden == "\u200b"
        assert hidden not in plain(text)


@pytest.fixture
def library(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    with_tiny_model(monkeypatch, home)
    root = tmp_path / "notes"
    root.mkdir()
    (root / os.fsdecode(b"bad\xff\xfeutf.md")).write_text(
        "# Harbour\n\nThe quay \U000e0041\u202e\x9b hides.\n"
    )
    (root / "back\\x41slash.md").write_text("# Harbour\n\nThe quay.\n")
    with local_library() as opened:
        opened.add([str(root)])
        opened.sync()
        yield opened


def asked(library: Library, tool: str, **given: Any) -> Any:
    anyio = pytest.importorskip("anyio")
    client = pytest.importorskip("mcp.client")
    from app.mcp.server import server

    async def run() -> Any:
        async with client.Client(server(library)) as connected:
            return await connected.call_tool(tool, given)

    return anyio.run(run)


def test_an_assistant_reads_a_file_whatever_the_bytes_of_its_name(library: Library) -> None:
    hits = json.loads(asked(library, "search", query="harbour quay").content[0].text)["hits"]
    assert len(hits) == 2
    for hit in hits:
        answer = asked(library, "read", path=hit["path"])
        assert not answer.is_error
        text = json.loads(answer.content[0].text)["text"]
        assert "The quay" in text
        assert not set(text) & set("\U000e0041\u202e\x9b")
        assert not asked(library, "similar", path=hit["path"]).is_error


def test_a_line_of_the_log_is_one_line_whatever_it_names(tmp_path: Path) -> None:
    log.start(tmp_path / "ken.log")
    logging.getLogger("ken").warning("%s is gone", "a\n2026-01-01 ERROR forged\x1b[31m\u202e.md")
    log.stop()
    (line,) = (tmp_path / "ken.log").read_text().splitlines()
    assert line.isprintable()


def test_filters_take_any_number_of_values(library: Library, tmp_path: Path) -> None:
    paths = [str(path) for path in (tmp_path / "notes").iterdir()]
    many = tuple(f"/nowhere/{number}.md" for number in range(40_000))
    for narrowed in (
        Filter(files=(*many, *paths)), Filter(folders=(*many[:1500], str(tmp_path))),
        Filter(folders=(*(f"folder{n}" for n in range(1500)), "notes")), Filter(kinds=(*many, "markdown")),
        Filter(globs=(*many[:2000], "*.md")), Filter(languages=(*many, "")), Filter(suffixes=(*many, ".md")),
    ):  # fmt: skip
        assert len(library.search("harbour", mode="words", filter=narrowed).hits) == 2
    assert library.search("harbour", mode="words", filter=Filter(files=many)).hits == ()
