"""A daemon whose settings name another model: the one whose vectors answer is asked until it is whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.daemons import Daemons
from support.tiny_home import notes
from support.tiny_model import PRECISION, make_tiny_checkpoint
from support.waiting import until

from app import paths


@pytest.fixture
def models(tmp_path: Path, daemons: Daemons, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "models"
    make_tiny_checkpoint(folder / "old", seed=1)
    make_tiny_checkpoint(folder / "new", seed=2)
    monkeypatch.setenv("KEN_MODELS", str(folder))


def settings_name(model: str) -> None:
    paths.make_home()
    paths.config_path().write_text(f'[model]\nname = "{model}"\nprecision = "{PRECISION}"\nthreads = 1\n')


def similarities(daemons: Daemons) -> dict[str, float | None]:
    answer = daemons.library.search("when are pears pruned", mode="meaning")
    assert answer.mode == "meaning"
    return {hit.path: round(hit.similarity or 0, 3) for hit in answer.hits}


def test_the_old_model_answers_until_the_new_one_has_made_every_vector(
    models: None, daemons: Daemons, tmp_path: Path
) -> None:
    settings_name("old")
    daemons.start()
    daemons.keep(
        notes(tmp_path / "notes", a__md="# Pears\n\nPruned in winter.\n", b__md="# Bread\n\nFlour.\n")
    )
    before = similarities(daemons)
    daemons.library.pause()
    daemons.kill()

    settings_name("new")
    daemons.start()
    assert similarities(daemons) == before
    daemons.library.resume()
    until(lambda: similarities(daemons) != before, what="the new model's vectors")
    after = similarities(daemons)
    assert after.keys() == before.keys()
