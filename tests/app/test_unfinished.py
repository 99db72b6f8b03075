"""While passages wait for their vectors, no front says that nothing answers, nor that all is current."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from support.pilots import application, ask, drive, library, shown, until
from support.tiny_home import ken, notes, with_tiny_model

from app import config
from app.api import Mode, Progress
from app.connect import local_library

FAR = "chromodynamics of boilers in quantum vectors"
"""A question with one word that the notes hold, and which explains little of it."""


@pytest.fixture
def half_read(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose passages are stored, and none of them embedded."""
    with_tiny_model(monkeypatch, home)
    folder = notes(tmp_path / "notes", boiler__md="# Boilers\n\nTop up to one bar.\n", pear__md="# Pears\n")
    with monkeypatch.context() as without_model:
        without_model.setenv("KEN_MODELS", str(tmp_path / "none"))
        with local_library(config.load()) as kept:
            kept.add([str(folder)])
            kept.sync()
            assert kept.status().pending == 2
    return folder


def test_the_command_line_says_what_is_so_instead(half_read: Path) -> None:
    result = ken("search", FAR)
    assert "boiler.md" in result.stdout
    assert "Indexing is not finished" in result.stderr and "words" in result.stderr
    assert "Nothing close" not in result.stderr and "all current" not in result.stderr
    found = json.loads(ken("search", FAR, "--json").stdout)
    assert not found["complete"] and not found["close"] and "not finished" in found["notice"]


@pytest.mark.parametrize("mode", ["hybrid", "words", "meaning"])
def test_no_verdict_in_any_mode(half_read: Path, mode: str) -> None:
    result = ken("search", FAR, "--mode", mode)
    assert "Nothing close" not in result.stderr and "all current" not in result.stderr


@pytest.mark.parametrize("mode", ["hybrid", "words", "meaning"])
def test_the_answer_that_every_front_shows_abstains_only_with_all_vectors(
    half_read: Path, mode: Mode
) -> None:
    with local_library(config.load()) as kept:
        answer = kept.search(FAR, mode=mode)
        assert not (answer.is_close or answer.complete or answer.abstains)
        assert "Indexing is not finished" in answer.notice
        kept.sync()
        answer = kept.search(FAR, mode="words")
        assert answer.complete and answer.abstains and not answer.notice


def test_once_every_passage_has_its_vector_the_verdict_is_given(half_read: Path) -> None:
    assert ken("index").exit_code == 0
    result = ken("search", FAR, "--mode", "words")
    assert "Nothing close" in result.stderr
    assert "not finished" not in result.stderr


def test_without_the_model_words_give_no_verdict(half_read: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ken("index").exit_code == 0
    monkeypatch.setenv("KEN_MODELS", str(half_read))
    result = ken("search", FAR)
    assert "Found by words only" in result.stderr and "Nothing close" not in result.stderr


def test_the_screen_says_so_and_asks_again_when_all_is_there() -> None:
    lib = library()
    notice = "Indexing is not finished: some passages are found by their words only."
    parts = {"is_close": False, "complete": False, "notice": notice}
    lib.shown["pending"] = 3
    lib.instead["search"] = lambda *given, **named: replace(lib.real.search(*given, **named), **parts)

    async def steps(pilot, app):
        await ask(pilot, app, "boilerplate vectors quantum weekend chromodynamics")
        await until(pilot, lambda: "Indexing is not finished" in shown(app))
        assert "answers this" not in shown(app) and "All current" not in shown(app)
        parts.update(complete=True, notice="")
        lib.shown["pending"] = 0
        await until(pilot, lambda: "Nothing here answers this" in shown(app))
        assert "not finished" not in shown(app) and "All current" in shown(app)

    drive(application(lib), steps)


def test_a_deleted_file_is_dropped_while_passages_of_others_still_wait(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_tiny_model(monkeypatch, home)
    long = "\n\n".join(f"# Part {n}\n\nThe boiler of house {n} holds {n} bar." for n in range(400))
    folder = notes(tmp_path / "notes", boiler__md=long, pear__md="# Pears\n")
    with local_library(config.load()) as kept:
        counts: list[tuple[int, bool]] = []

        def stop_before_embedding(now: Progress) -> None:
            if now.passages_total and kept.status().files == 2:
                kept.pause()

        def count(now: Progress) -> None:
            counts.append((kept.status().files, now.passages_done < now.passages_total))

        kept.add([str(folder)])
        kept.sync(None, stop_before_embedding)
        kept.resume()
        (folder / "pear.md").unlink()
        report = kept.sync(None, count)
        assert (1, True) in counts, counts
        assert report.removed == 1 and kept.status().files == 1
