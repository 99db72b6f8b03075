"""`ken search` among other programs: grep's lines, lists for xargs, vim, fzf; completion; the manual page."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.documents import pdf
from support.tiny_home import ken, ken_json, notes, with_tiny_model

GARDEN = (
    "# Garden\n\nOne line above.\nThe pear tree is pruned in winter.\nOne line below.\nA second line below.\n"
)
ODD = "odd \t name\nand 'quotes' \udcff.md"
RUN = "from app.cli import main; import sys; main(sys.argv[1:])"


@pytest.fixture
def folder(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    with_tiny_model(monkeypatch, home)
    folder = notes(tmp_path / "notes", garden__md=GARDEN, bread__md="# Bread\n\nFlour, water, salt.\n")
    ken("index", folder)
    return folder


def shell(command: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of bash in which `ken` is this tree's."""
    script = f'ken() {{ {sys.executable} -c "{RUN}" "$@"; }}\n{command}'
    return subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        timeout=60,
        check=False,
        env=dict(os.environ, **variables),
    )


def test_a_pipe_gets_a_line_for_each_hit(folder: Path) -> None:
    result = ken("search", "pear tree", "--mode", "words")
    assert result.stdout == f"{folder}/garden.md:4:The pear tree is pruned in winter.\n"
    assert not result.stderr and result.exit_code == 0
    for line in ken("search", "type:md").stdout.splitlines():
        assert re.fullmatch(r"(/.+):(\d+):(.+)", line), line


def test_a_line_of_a_pdf_says_the_page(folder: Path) -> None:
    (folder / "guide.pdf").write_bytes(pdf([[(72, 700, 11, "Boats moor at the quay.")]]))
    ken("index")
    result = ken("search", "boats quay", "--mode", "words")
    assert result.stdout == f"{folder}/guide.pdf:0:Page 1: Boats moor at the quay.\n"


def test_relative_paths_where_asked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    result = ken("search", "pear tree", "--mode", "words", "--relative")
    assert result.stdout.startswith("notes/garden.md:4:")
    assert ken("search", "-l", "pear tree mode:words", "--relative").stdout == "notes/garden.md\n"


def test_exit_codes_are_those_of_grep(folder: Path) -> None:
    nothing = ken("search", "zzzqqq", "--mode", "words")
    assert (nothing.exit_code, nothing.stdout, nothing.stderr) == (1, "", "Nothing found.\n")
    for form in ("-l", "-0", "--jsonl"):
        nothing = ken("search", form, "zzzqqq", "--mode", "words")
        assert (nothing.exit_code, nothing.stdout) == (1, "")
    as_json = ken("search", "zzzqqq", "--mode", "words", "--json")
    assert as_json.exit_code == 0 and json.loads(as_json.stdout)["hits"] == []


def test_names_of_any_bytes_reach_the_next_program(folder: Path) -> None:
    odd = os.fsencode(folder) + b"/" + os.fsencode(ODD)
    Path(os.fsdecode(odd)).write_bytes(b"# Odd\n\nA quince.\n")
    ken("index", folder)
    listed = shell("ken search -l0 quince mode:words | xargs -0 cat")
    assert b"A quince" in listed.stdout, listed.stderr
    assert shell("ken search -0 quince mode:words").stdout == odd + b"\0"
    line = shell("ken search quince mode:words").stdout
    assert line.count(b"\n") == 1 and b"\\n" in line


def test_context_comes_before_and_after(folder: Path) -> None:
    result = ken("search", "pear tree", "--mode", "words", "-C", "1")
    assert result.stdout == (
        f"{folder}/garden.md-3-One line above.\n{folder}/garden.md:4:The pear tree is pruned in winter.\n"
        f"{folder}/garden.md-5-One line below.\n"
    )
    after = ken("search", "pear tree", "--mode", "words", "-A2", "-B0").stdout.splitlines()
    assert [line.rpartition("md")[2] for line in after[1:]] == [
        "-5-One line below.",
        "-6-A second line below.",
    ]


def test_a_json_object_a_line(folder: Path) -> None:
    lines = ken("search", "type:md", "--jsonl").stdout.splitlines()
    assert [json.loads(line)["path"] for line in lines] == [
        hit["path"] for hit in ken_json("search", "type:md")["hits"]
    ]


@pytest.mark.skipif(not shutil.which("vim"), reason="vim is not installed")
def test_vim_reads_the_lines_as_places(folder: Path, tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    result = shell(
        f"vim -Nu NONE -es -q <(ken search pear tree mode:words) "
        f'-c \'call writefile([expand("%:p"), line(".")], "{asked}")\' -c \'qa!\'',
        TERM="dumb",
    )
    assert asked.read_text().split("\n")[:2] == [f"{folder}/garden.md", "4"], result.stderr


def test_fzf_reads_the_lines(folder: Path) -> None:
    if shutil.which("fzf"):
        result = shell("ken search 'type:md' | fzf --filter garden")
        assert result.stdout.startswith(os.fsencode(folder) + b"/garden.md:")
    # What fzf reads: lines of UTF-8 that hold no escape sequence.
    text = shell("ken search 'type:md'").stdout.decode()
    assert len(text.splitlines()) == 2 and text.replace("\n", "").isprintable()


def test_a_terminal_gets_links(folder: Path) -> None:
    master, slave = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-c", RUN, "search", "pear tree", "--mode", "words"],
        stdout=slave,
        stderr=subprocess.DEVNULL,
        timeout=60,
        check=True,
        env=dict(os.environ, TERM="xterm-256color", COLUMNS="200"),
    )
    os.close(slave)
    assert done.returncode == 0
    shown = os.read(master, 100_000).decode()
    os.close(master)
    found = re.search(r"\x1b\]8;;file://[^/]*(/[^\x1b]*)\x1b\\(.*?)\x1b\]8;;\x1b\\", shown)
    assert found is not None and found[1] == f"{folder}/garden.md", shown


# -- Completion


def offered(line: str) -> list[str]:
    """What bash offers after <tab>, asked through the script that ken prints."""
    words = line.split(" ")
    script = (
        f'eval "$(ken completion bash)"\nCOMP_LINE={line!r}\nCOMP_POINT={len(line)}\n'
        f"COMP_WORDS=({' '.join(words)!r})\nCOMP_CWORD={len(words) - 1}\n"
        "_ken_completion ken 2>/dev/null\nprintf '%s\\n' \"${COMPREPLY[@]}\""
    )
    fake = f'#!/bin/bash\nexec {sys.executable} -c "{RUN}" "$@"\n'
    binary = Path(os.environ["HOME"]) / "bin"
    binary.mkdir(parents=True, exist_ok=True)
    (binary / "ken").write_text(fake)
    (binary / "ken").chmod(0o755)
    path = f"{binary}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=dict(os.environ, PATH=path),
    )
    return done.stdout.split()


def test_bash_completes_commands_filters_and_values(folder: Path) -> None:
    assert "search" in offered("ken sea")
    assert {"markdown"} <= set(offered("ken search --type mark"))
    assert "type:" in offered("ken search ty")
    assert "md" in offered("ken search type:m"), "bash puts what follows the colon"
    assert str(folder) in offered(f"ken search --in {str(folder)[:-2]}")
    assert "python" in offered("ken search lang:py")


def test_tags_are_offered(folder: Path) -> None:
    notes(folder, tagged__md="---\ntags: [orchard, sea]\n---\n# Tagged\n\nText.\n")
    ken("index", folder)
    assert offered("ken search tag:orc") == ["orchard"]


@pytest.mark.parametrize("kind", ["bash", "zsh", "fish"])
def test_each_shell_can_read_its_script(kind: str) -> None:
    script = ken("completion", kind).stdout
    assert "_KEN_COMPLETE" in script
    if shutil.which(kind):
        checked = subprocess.run([kind, "-n"], input=script, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr


# -- Help


def test_the_manual_page_is_what_the_help_says() -> None:
    page = ken("man").stdout
    assert page.startswith(".TH KEN 1") and "\\-\\-files\\-with\\-matches" in page
    if shutil.which("man") and shutil.which("groff"):
        checked = subprocess.run(
            ["groff", "-man", "-ww", "-z", "-Kutf8"], input=page.encode(), capture_output=True, check=False
        )
        assert checked.returncode == 0 and not checked.stderr, checked.stderr


@pytest.mark.parametrize(
    ("typed", "told"),
    [("serch", "did you mean search?"), ("stauts", "did you mean status?"), ("zebra", "ken search 'zebra'")],
)
def test_a_wrong_command_is_told_with_the_nearest(typed: str, told: str) -> None:
    result = ken(typed)
    assert result.exit_code == 2 and told in result.stderr


# -- Settings


def test_settings_are_shown_set_and_unset(home: Path) -> None:
    assert "search.limit = 10" in ken("config", "search").stdout
    assert ken("config", "search.limit", "20").exit_code == 0
    (home / "config.toml").write_text("# mine\n" + (home / "config.toml").read_text())
    ken("config", "reading.ignore", "*.log, tmp")
    ken("config", "tui.theme", "light")
    text = (home / "config.toml").read_text()
    assert text.startswith("# mine") and 'ignore = ["*.log", "tmp"]' in text and 'theme = "light"' in text
    row = next(row for row in json.loads(ken("config", "--json").stdout) if row["name"] == "search.limit")
    assert (row["value"], row["default"]) == (20, 10) and row["help"]
    ken("config", "--unset", "search.limit")
    assert "search.limit = 10" in ken("config", "search.limit").stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["search.limt", "5"], "Did you mean search.limit?"),
        (["serch.limit", "5"], "did you mean search.limit?"),
        (["search.limit", "many"], "whole number"),
        (["tui.keymap", "ed"], "default, vim, emacs"),
        (["search", "5"], "no setting search"),
    ],
)
def test_a_wrong_setting_is_told_and_changes_nothing(home: Path, arguments: list[str], told: str) -> None:
    result = ken("config", *arguments)
    assert result.exit_code == 1 and told in result.stderr
    assert not (home / "config.toml").exists()
