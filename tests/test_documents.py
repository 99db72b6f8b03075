"""What is written about ken agrees with ken: commands, links, and what goes into a wheel."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from support.commands import commands

from app.cli.manual import page
from app.daemon.protocol import METHODS

pytestmark = pytest.mark.fast

TOP = Path(__file__).resolve().parent.parent
DOCUMENTS = [
    TOP / "README.md",
    TOP / "CHANGELOG.md",
    *sorted((TOP / ".github").glob("*.md")),
    *sorted((TOP / "assets" / "docs").glob("*.md")),
]
COMMANDS = TOP / "assets" / "docs" / "commands.md"
LINK = re.compile(r"(?<!\!)\[[^\]]*\]\(([^)\s]+)\)|<img[^>]+src=\"([^\"]+)\"|!\[[^\]]*\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```(?:console|sh|bash|shell)\n(.*?)^```", re.M | re.S)


def written_commands(text: str) -> Iterator[str]:
    """What follows `ken` in a document's shell blocks and code spans, up to the first argument."""
    lines = [line for block in FENCED.findall(text) for line in block.splitlines()]
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))
    for line in [*lines, *spans]:
        for words in re.findall(r"(?:^|[|&;$]\s*|/bin/)ken((?: +[a-z][a-z-]*)+)", line):
            yield words.strip()


def test_every_command_is_documented() -> None:
    text = COMMANDS.read_text(encoding="utf-8")
    missing = [name for name in commands() if not re.search(rf"^#+ .*`ken {name}\b", text, re.M)]
    assert not missing, f"commands.md has no heading for {missing}"


def test_every_option_is_documented() -> None:
    text = COMMANDS.read_text(encoding="utf-8")
    for name, command in commands().items():
        if isinstance(command, click.Group):
            continue
        part = re.search(rf"^#+ [^\n]*`ken {name}\b.*?(?=^#+ [^\n]*`ken |\Z)", text, re.M | re.S)
        assert part is not None, name
        for parameter in command.params:
            if not isinstance(parameter, click.Option) or parameter.hidden:
                continue
            assert any(f"{option}" in part[0] for option in parameter.opts), f"ken {name} {parameter.opts}"


def test_what_a_command_does_is_not_cut_in_the_list_of_commands() -> None:
    for group in (None, *(name for name, command in commands().items() if isinstance(command, click.Group))):
        shown = subprocess.run(
            [sys.executable, "-c", "from app.cli import main; main()", *(group or "").split(), "--help"],
            capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "80"},
        ).stdout  # fmt: skip
        listed = shown.partition("Commands:")[2]
        assert "..." not in listed, listed


@pytest.mark.parametrize("document", [d for d in DOCUMENTS if d.name != "CHANGELOG.md"], ids=lambda d: d.name)
def test_every_command_a_document_names_exists(document: Path) -> None:
    known = commands()
    for words in written_commands(document.read_text(encoding="utf-8")):
        parts = words.split()
        assert parts[0] in known, f"`ken {words}` in {document.name}"
        if isinstance(known[parts[0]], click.Group) and len(parts) > 1:
            assert " ".join(parts[:2]) in known, f"`ken {words}` in {document.name}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    for groups in LINK.findall(document.read_text(encoding="utf-8")):
        target = next(filter(None, groups)).split("#")[0]
        if target and not re.match(r"[a-z]+:", target):
            assert (document.parent / target).exists(), f"{target} in {document.name}"


def test_every_method_of_the_daemon_is_documented() -> None:
    text = (TOP / "assets" / "docs" / "daemon.md").read_text(encoding="utf-8")
    listed = re.search(r"^.*Methods: (.*?)\. ", text, re.M | re.S)
    assert listed is not None
    assert set(re.findall(r"`([a-z_]+)`", listed[1])) >= {*METHODS, "daemon"}


def test_the_manual_page_in_the_wheel_is_the_one_that_ken_prints() -> None:
    written = (TOP / "assets" / "ken.1").read_text(encoding="utf-8")
    assert written == f"{page().rstrip()}\n", "ken man > assets/ken.1"


def test_every_command_explains_itself() -> None:
    for name, command in commands().items():
        assert command.get_short_help_str(), f"ken {name} has no help"
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                assert parameter.help, f"ken {name} {parameter.opts} has no help"


def test_nothing_tracked_names_the_machine_it_was_written_on() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, capture_output=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    foreign = re.compile(rb"(?<![\w.])/(?:work|root)/|extra-index-url|find-links|pypi-more|/opt/wheels")
    for name in filter(None, listed.stdout.split(b"\0")):
        path = TOP / name.decode()
        if path == Path(__file__) or not path.is_file():
            continue
        found = foreign.search(path.read_bytes())
        assert found is None, f"{path.relative_to(TOP)}: {found[0]!r}"


def modules() -> list[str]:
    files = [
        file for package in ("app", "embedder", "index") for file in sorted((TOP / package).rglob("*.py"))
    ]
    names = [".".join(file.relative_to(TOP).with_suffix("").parts) for file in files]
    return [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]


@pytest.mark.slow
def test_every_module_can_be_imported_without_a_warning(tmp_path: Path) -> None:
    """In one fresh interpreter that compiles anew; warnings of other people's modules stay warnings."""
    script = (
        "import importlib, sys, warnings\n"
        "top, *names = sys.argv[1:]\n"
        "sys.path.insert(0, top)\n"
        "for name in names:\n"
        "    with warnings.catch_warnings(record=True) as caught:\n"
        "        warnings.simplefilter('always')\n"
        "        importlib.import_module(name)\n"
        "    ours = [str(w.message) for w in caught if w.filename.startswith(top)]\n"
        "    assert not ours, (name, ours)\n"
    )
    command = [sys.executable, "-X", f"pycache_prefix={tmp_path}", "-c", script, str(TOP), *modules()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
