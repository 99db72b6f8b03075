"""Without a model, files are read and found by their words; when the model comes, vectors follow."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.daemons import Daemons, daemons, tiny_models  # noqa: F401 -- fixtures
from support.tiny_home import ken, ken_json, notes
from support.tiny_model import make_tiny_checkpoint
from support.waiting import until

from app.token_counter import TokenCounterOf, estimating_counter

BOILER = "# Boiler\n\nWhen radiators stay cold, look at the pressure first.\n"
LONG = "The boiler in the cellar loses pressure each week. " * 2000


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for models, with none in it."""
    monkeypatch.setenv("KEN_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.mark.fast
def test_files_are_indexed_and_found_and_the_commands_say_what_is_lacking(
    models: Path, tmp_path: Path
) -> None:
    folder = notes(tmp_path / "notes", boiler__md=BOILER, long__txt=LONG)
    indexed = ken("index", folder)
    assert indexed.exit_code == 0
    assert "2 new files" in indexed.stderr
    assert "ken model fetch" in indexed.stderr
    found = ken_json("search", "radiators")
    assert [Path(hit["path"]).name for hit in found["hits"]] == ["boiler.md"]
    status = ken_json("status")
    assert (status["model"], status["files"]) == ("", 2)
    assert any("words only" in notice for notice in status["notices"])
    assert "none" in ken("status").stdout


def test_vectors_follow_once_the_model_is_there_and_nothing_is_read_again(
    models: Path, tmp_path: Path
) -> None:
    folder = notes(tmp_path / "notes", boiler__md=BOILER, long__txt=LONG)
    ken("index", folder)
    waiting = ken_json("status")["pending"]
    make_tiny_checkpoint(models / "embeddinggemma-300m")
    report = ken_json("index")
    assert (report["added"], report["changed"], report["unchanged"]) == (0, 0, 2)
    assert report["embedded"] == waiting > 2
    assert ken_json("status")["pending"] == 0
    assert ken_json("search", "radiators")["mode"] == "hybrid"


def test_the_daemon_takes_files_in_without_a_model_and_notices_when_it_comes(
    daemons: Daemons,  # noqa: F811
    models: Path,
    tmp_path: Path,
) -> None:
    folder = notes(tmp_path / "notes", boiler__md=BOILER)
    daemons.start()
    daemons.keep(folder)
    assert daemons.finds("radiators", "boiler.md")
    (folder / "bread.md").write_text("# Bread\n\nThe oven must be hot.\n")
    until(lambda: daemons.finds("oven", "bread.md"), what="the new file's words")
    answer = daemons.library.search("oven")
    assert answer.mode == "words" and "ken model fetch" in answer.notice
    make_tiny_checkpoint(models / "embeddinggemma-300m")
    assert daemons.settled().model == "embeddinggemma-300m"
    assert daemons.library.search("oven").mode == "hybrid"


@pytest.mark.parametrize(
    "text",
    ["The boiler loses pressure each week.", "Die Heizung verliert Druck.", "def read(path): return 12345",
     "Москва — столица России.", "東京は日本の首都です。", "القاهرة هي عاصمة", "नई दिल्ली भारत",
     "กรุงเทพมหานคร", "😀 👍"],
)  # fmt: skip
def test_estimates_keep_passages_within_what_the_model_takes_in(text: str, real_models: Path) -> None:
    """The longest passage has 768 tokens by the estimate, and the model takes 2,048."""
    exact = TokenCounterOf(real_models / "embeddinggemma-300m", real_models)([text * 20])[0]
    assert exact * 768 / estimating_counter()([text * 20])[0] < 2048
