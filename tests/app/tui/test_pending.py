"""What the first screen shows before the model has read what is found, and after it has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.pilots import application, drive, library, until

from app.api import Answer
from index.store import approximate
from index.store.store import Store
from index.types import Hit

EMBEDDED = 8
"""Passages that a search embeds here: fewer than there are."""


def test_what_is_pending_is_embedded_once_the_first_answer_is_shown(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("app.answers.embed_pending.SECONDS", 3600.0)
    monkeypatch.setattr("index.search.candidates.EMBEDDED", EMBEDDED)
    lib = library(**{f"n{n}.md": f"thermostat {chr(97 + n) * 6} valve\n" for n in range(26)})
    with Store(lib.real.index.path) as store:
        jobs, rows = approximate.with_vectors(store, 100)
        with store.writing() as db:
            db.execute("INSERT INTO todo(text, mtime_ns) SELECT id, 0 FROM texts")
        approximate.put(store, jobs, np.float32(0.6) * rows)
    asked: list[tuple[bool, int]] = []

    def true(answer: Answer) -> list[Hit]:
        return [hit for hit in answer.hits if hit.similarity is not None and not hit.approximate]

    def search(query: str, **options: Any) -> Answer:
        answer = lib.real.search(query, **options)
        if options["mode"] == "hybrid":
            asked.append((options["embed_pending"], len(true(answer))))
        return answer

    lib.instead["search"] = search

    async def steps(pilot, app):
        screen = app.search_screen
        await pilot.press(*"thermostat")
        await until(pilot, lambda: screen.answer and len(true(screen.answer)) == EMBEDDED)
        screen.refresh_answer()
        await until(pilot, lambda: len(asked) > asked.index((True, EMBEDDED)) + 1)
        assert {*asked} == {(False, 0), (True, EMBEDDED)} and asked[0] == (False, 0)

    drive(application(lib), steps)
