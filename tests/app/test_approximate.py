"""Found by meaning before the model has read it: what is shown, and what is left of it afterwards."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.same_index import contents, fresh
from support.tiny_home import ken, ken_json, notes, with_tiny_model
from support.tiny_model import PRECISION
from support.tiny_student import Held, make_models, save_student
from support.waiting import until

from app import config, paths
from app.api import Answer, SyncReport
from app.config import Config, ModelConfig
from app.connect import local_library
from app.daemon.parts import daemon_parts
from app.library import Library
from app.model import Model
from app.sync.approximate_stage import ApproximateStage
from embedder.errors import EngineUnavailable
from index.search.candidates import EMBEDDED
from index.store import approximate
from index.store.store import Store

QUERY = "what was seen of bird 7"
UNTIL = "approximate until the model has read"
KILLED = "from support.tiny_student import main; main()"
"""Python's program for a `ken` that ends before its model has read anything."""


@pytest.fixture
def model(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the tiny model, which has a student. A search embeds all it may, also if it is slow."""
    monkeypatch.setattr("app.answers.embed_pending.QUICK", 3600.0)
    monkeypatch.setattr("app.answers.embed_pending.SECONDS", 3600.0)
    with_tiny_model(monkeypatch, home)
    monkeypatch.setenv("KEN_MODELS", str(tmp_path / "models"))
    return make_models(tmp_path / "models")


@pytest.fixture
def folder(model: Path, tmp_path: Path) -> Path:
    """Notes of more tokens than the two batches that the model has at once."""
    told = {f"bird{n}__md": f"# Bird {n}\n\n" + f"Seen today: bird {n} at the shore. " * 9 for n in range(40)}
    return notes(tmp_path / "notes", **told)


def settings(**more: bool) -> Config:
    return Config(model=ModelConfig(precision=PRECISION, threads=1, **more))  # type: ignore[arg-type]


@contextmanager
def syncing(library: Library) -> Iterator[list[SyncReport]]:
    """A sync in another thread, which has ended after the block."""
    reports: list[SyncReport] = []
    thread = threading.Thread(target=lambda: reports.append(library.sync()))
    thread.start()
    yield reports
    thread.join(60)


def by_meaning(library: Library, limit: int = 100, *, embed: bool = False) -> Answer:
    return library.search(QUERY, mode="meaning", limit=limit, embed_pending=embed)


def test_a_daemon_answers_by_meaning_while_the_model_has_read_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(monkeypatch)
    with daemon_parts(settings()) as parts:
        parts.start()
        library = parts.library
        library.add([str(folder)])
        with syncing(library):
            with_models = until(lambda: len(held.batches) == 2 and sum(map(len, held.batches)))
            until(lambda: library.status().files == 40)
            answer = until(lambda: len((found := by_meaning(library)).hits) == 40 - with_models and found)
            assert all(hit.approximate and hit.similarity for hit in answer.hits)
            assert not (answer.complete or answer.abstains) and library.status().pending == 40
            assert "by their words only" in answer.notice, "those that the model has now"
            embedded = by_meaning(library, embed=True)
            shown = by_meaning(library, limit=3).hits
            held.may.set()
        asked, first = {hit.text for hit in shown}, {*held.batches[2], *held.batches[3]}
        assert len(asked) == 3 and len(held.batches) > 4
        assert asked <= first, "what was asked for comes first"
        after = by_meaning(library)
        assert len(after.hits) == 40 and not any(hit.approximate for hit in after.hits)
        known = {hit.path: hit.similarity for hit in after.hits}
        at_once = {hit.path: hit.similarity for hit in embedded.hits if not hit.approximate}
        assert len(at_once) == EMBEDDED and not embedded.complete
        assert at_once == {path: pytest.approx(known[path], abs=0.01) for path in at_once}
        assert after.complete and library.status().pending == 0
        assert contents(library.index.path) == fresh(folder)


def test_ended_in_between_it_is_told_for_each_hit_and_the_next_run_makes_a_fresh_index(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    command = [sys.executable, "-c", KILLED, "index", str(folder)]
    assert subprocess.run(command, check=False).returncode == 9
    found = ken_json("search", QUERY, "--mode", "meaning", "--explain", "--limit", "40")
    waiting = [hit["approximate"] for hit in found["hits"]]
    assert len(waiting) > EMBEDDED == waiting.count(False) and not found["complete"]
    shown = ken("search", QUERY, "--mode", "meaning", "--explain", "--limit", "40")
    assert UNTIL in shown.stdout and "Nothing close" not in shown.stderr
    assert ken("index").exit_code == 0
    found = ken_json("search", QUERY, "--mode", "meaning", "--explain")
    assert found["complete"] and not any(hit["approximate"] for hit in found["hits"])
    assert UNTIL not in ken("search", QUERY, "--explain").stdout
    assert contents(paths.index_path()) == fresh(folder)


def test_the_student_learns_from_what_the_model_has_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.sync.approximate_stage.ADAPTED_AT", (8,))
    monkeypatch.setattr("app.sync.approximate_stage.LEAST_WAITING", 2)
    held = Held(monkeypatch, batches=4)
    with local_library(config.load()) as library:
        library.add([str(folder)])
        with syncing(library):
            store = until(library.index.store)
            head = until(lambda: approximate.own_student(store))
            until(lambda: len(approximate.waiting(store, 99)) == sum(map(len, held.batches[4:])))
            found = by_meaning(library).hits
            assert {hit.approximate for hit in found} == {False, True}
            held.may.set()
        assert contents(store.path) == fresh(folder)
        notes(folder, bird99__md="# Bird 99\n\nSeen at last.")
        library.sync()
        assert approximate.own_student(store) == head, "it is used again"


@pytest.mark.parametrize("damaged", [b"no archive", "text", 7])
def test_where_what_the_student_learned_is_damaged_it_begins_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch, damaged: Any
) -> None:
    held = Held(monkeypatch)
    with local_library(config.load()) as library:
        library.add([str(folder)])
        approximate.adapt_student(library.index.made(), "learned", damaged)
        with syncing(library) as reports:
            until(lambda: library.status().files == 40)
            until(lambda: any(hit.approximate for hit in by_meaning(library).hits))
            held.may.set()
        assert not reports[0].notices
        assert library.status().pending == 0


def test_where_the_model_fails_every_passage_has_an_approximate_vector(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    def fail(model: Model, *texts: object) -> None:
        raise EngineUnavailable("It does not start.", "Wait.")

    with monkeypatch.context() as broken, local_library(config.load()) as library:
        broken.setattr(Model, "embed_documents", fail)
        broken.setattr(Model, "embed_priority", fail)
        library.add([str(folder)])
        with pytest.raises(EngineUnavailable):
            library.sync()
        answer = by_meaning(library, embed=True)
        assert len(answer.hits) == 40 and all(hit.approximate for hit in answer.hits)
        assert UNTIL in answer.notice
    with local_library(config.load()) as library:
        assert library.sync().embedded == 40
        assert contents(library.index.path) == fresh(folder)


def test_another_student_replaces_them_and_the_setting_removes_them(
    folder: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(monkeypatch)

    def nearest(config: Config, least: float, most: float) -> float:
        """The similarity of the nearest passage, once it is between these; 0 where there is none."""
        with local_library(config) as library:
            library.add([str(folder)])

            def found() -> list[float]:
                known = [hit.similarity or 0.0 for hit in by_meaning(library).hits]
                return [best] if least <= (best := max(known, default=0.0)) <= most else []

            with syncing(library):
                until(lambda: library.status().files == 40)
                (best,) = until(found)
                library.pause()
            library.resume()
            assert library.status().pending == 40
            return best

    first = nearest(settings(), 1e-3, 1.0)
    save_student(model, 0.4)
    assert nearest(settings(), 1e-3, 0.6 * first)
    nearest(settings(approximate=False), 0.0, 0.0)
    held.may.set()


def wrong(*given: object) -> NDArray[np.float32]:
    return np.ones((1, 768), np.float32)


def broken(*given: object) -> None:
    raise MemoryError


@pytest.mark.parametrize(
    ("part", "fails", "told"),
    [("load_student", broken, "MemoryError"), ("Student.embed", wrong, "longer than a vector")],
)
def test_a_student_that_fails_is_told_and_stops_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, part: str, fails: Any, told: str
) -> None:
    failed, fail = threading.Event(), ApproximateStage._fail

    def tell(*given: Any) -> None:
        fail(*given)
        failed.set()

    monkeypatch.setattr(f"embedder.student.{part}", fails)
    monkeypatch.setattr(ApproximateStage, "_fail", tell)
    held = Held(monkeypatch)
    with local_library(config.load()) as library:
        library.add([str(folder)])
        with syncing(library) as reports:
            assert failed.wait(60)
            held.may.set()
        (report,) = reports
        assert report.embedded == 40 and any(told in notice for notice in report.notices)
        assert library.status().pending == 0


def test_tokens_that_the_model_does_not_tell_are_asked_for_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model's process may have ended, and is started again."""
    tell, tries = Model.embed_tokens, list[int]()

    def fail_once(model: Model, tokens: Sequence[int]) -> NDArray[np.float32]:
        tries.append(len(tokens))
        if len(tries) == 1:
            raise EngineUnavailable("The process has ended.", "")
        return tell(model, tokens)

    monkeypatch.setattr(Model, "embed_tokens", fail_once)
    held = Held(monkeypatch)
    with local_library(config.load()) as library:
        library.add([str(folder)])
        with syncing(library) as reports:
            until(lambda: len(tries) == 1 and len(held.batches) == 2)
            held.may.set()
        assert reports[0].embedded == 40 and not reports[0].notices


def test_a_note_that_the_model_reads_at_once_costs_the_student_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[object] = []
    monkeypatch.setattr("embedder.student.load_student", lambda *given: loaded.append(given))
    one = notes(folder.parent / "one", note__md="# Note\n\nA heron.\n")
    with local_library(config.load()) as library:
        library.add([str(one)])
        assert library.sync().embedded == 1 and not loaded
        with Store(library.index.path) as store:
            assert not approximate.exist(store)
