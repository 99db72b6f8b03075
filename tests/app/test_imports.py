"""A command imports what it needs and nothing else: asked of a fresh interpreter each time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.daemons import Daemons, daemons, tiny_models
from support.tiny_home import ken_json, notes, with_tiny_model

__all__ = ["daemons", "tiny_models"]

SCRIPT = """
import json, sys
from app.cli import main
try:
    main(sys.argv[1:])
except SystemExit as ended:
    print(json.dumps({"code": ended.code, "modules": sorted(sys.modules)}), file=sys.stderr)
"""
SCREEN = {"textual", "rich"}
MODEL = {"mlx", "embedder.engines.mlx", "embedder.engines.native"}
WORK = {"index.store.store", "index.search.searcher", "numpy", "apsw", "app.library", "app.sync.pipeline"}


def imported(*arguments: str | Path) -> set[str]:
    """The modules a command had imported when it ended well."""
    command = [sys.executable, "-c", SCRIPT, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    told = json.loads(done.stderr.splitlines()[-1])
    assert told["code"] == 0, done.stderr
    return set(told["modules"])


def test_a_question_the_daemon_answers_needs_neither_screen_model_nor_index(
    daemons: Daemons, tmp_path: Path
) -> None:
    folder = notes(tmp_path / "notes", garden__md="# Garden\n\nThe pear tree.\n")
    daemons.start()
    ken_json("index", folder)
    modules = imported("search", "pear", "--json")
    assert not modules & (SCREEN | MODEL | WORK)
    assert "app.daemon.client" in modules


@pytest.mark.fast
def test_help_and_version_import_no_model_and_no_index() -> None:
    assert not imported("--version") & (SCREEN | MODEL | WORK)
    assert not imported("search", "--help") & (SCREEN | MODEL | WORK)


def test_words_need_no_model(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with_tiny_model(monkeypatch, home)
    ken_json("index", notes(tmp_path / "notes", garden__md="# Garden\n\nThe pear tree.\n"))
    assert not imported("search", "pear", "--mode", "words", "--json") & (SCREEN | MODEL)
    assert not imported("status", "--json") & (SCREEN | MODEL)


def test_an_index_run_with_nothing_to_do_loads_no_engine(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with_tiny_model(monkeypatch, home)
    folder = notes(tmp_path / "notes", garden__md="# Garden\n\nThe pear tree.\n")
    ken_json("index", folder)
    assert not imported("index", folder, "--json") & (SCREEN | MODEL)


def test_a_question_the_daemon_answers_imports_nothing_that_starting_one_needs(
    daemons: Daemons, tmp_path: Path
) -> None:
    folder = notes(tmp_path / "notes", garden__md="# Garden\n\nThe pear tree.\n")
    daemons.start()
    ken_json("index", folder)
    modules = imported("search", "pear", "--json")
    slow = {
        "tempfile",
        "subprocess",
        "hashlib",
        "tomllib",
        "app.config",
        "app.daemon.lifecycle",
        "index.kinds",
    }
    assert not modules & (slow | {"index.kinds"})


def test_the_screen_starts_without_readers_and_the_database() -> None:
    script = "import sys, app.tui.app; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    modules = set(done.stdout.split())
    assert not modules & {"index.extract", "index.credentials", *WORK}
