"""A model's process that stops (SIGSTOP, as a stuck GPU does): questions are answered, and it is replaced."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest
from support.daemons import Daemons
from support.same_index import contents, fresh
from support.waiting import until

from app import paths
from app.daemon import lifecycle
from embedder.errors import ModelUnresponsive


@pytest.fixture
def notes(daemons: Daemons, tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    for number in range(10):
        (folder / f"note{number}.md").write_text(f"# Note {number}\n\nAbout subject{number}.\n")
    daemons.start()
    daemons.keep(folder)
    return folder


def model_processes() -> list[psutil.Process]:
    daemon = psutil.Process(lifecycle.pid())
    return [child for child in daemon.children() if any("model_process" in word for word in child.cmdline())]


def stop_models() -> list[psutil.Process]:
    found = model_processes()
    assert found
    for process in found:
        os.kill(process.pid, signal.SIGSTOP)
    return found


def test_a_question_is_answered_by_words_and_the_next_by_meaning_again(daemons: Daemons, notes: Path) -> None:
    assert daemons.library.search("subject3").mode == "hybrid"
    stopped = stop_models()
    answer = daemons.library.search("subject3")
    assert answer.mode == "words" and "did not answer" in answer.notice and "started again" in answer.notice
    assert [Path(hit.path).name for hit in answer.hits] == ["note3.md"]
    assert any("did not answer" in notice for notice in daemons.library.status().notices)
    assert daemons.library.search("subject3").mode == "hybrid"
    assert not daemons.library.status().notices
    assert not any(process.is_running() for process in stopped), "the old processes were left behind"


def test_a_question_by_meaning_alone_gets_an_error_with_a_title(daemons: Daemons, notes: Path) -> None:
    daemons.library.search("subject3", mode="meaning")
    stop_models()
    with pytest.raises(ModelUnresponsive) as raised:
        daemons.library.search("subject3", mode="meaning")
    assert raised.value.title and raised.value.fix
    assert daemons.library.search("subject3", mode="meaning").hits


def test_indexing_goes_on_after_a_process_that_hung(daemons: Daemons, notes: Path) -> None:
    daemons.library.search("subject3")
    stop_models()
    for number in range(5):
        (notes / f"more{number}.md").write_text(f"About plenty{number}.\n")
    until(lambda: daemons.finds("plenty4", "more4.md"), what="the words, which need no model")
    until(lambda: contents(paths.index_path()) == fresh(notes), timeout=60.0, what="the vectors")
    assert not daemons.settled().notices and not daemons.library.problems()


NO_MODEL = """
import os, sys

if any("model_process" in word for word in sys.orig_argv):
    os._exit(1)
"""
"""Python imports a module of the name `sitecustomize` at each start."""


def test_words_of_what_is_saved_are_found_while_no_model_starts(
    daemons: Daemons, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One after the other for longer than any pause after a failure should hold them up."""
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "note.md").write_text("About ocelots.\n")
    (tmp_path / "sitecustomize.py").write_text(NO_MODEL)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    daemons.start()
    daemons.library.add([str(notes)])
    until(lambda: daemons.library.status().files, what="the first note")
    for number in range(6):
        (notes / f"saved{number}.md").write_text(f"About antelope{number}.\n")
        until(
            lambda n=number: daemons.finds(f"antelope{n}", f"saved{n}.md"), what="words, which need no model"
        )
    assert any("ended while loading" in notice for notice in daemons.library.status().notices)
