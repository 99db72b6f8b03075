"""`python -m tests.benchmarks adapt`: its pairs, its maps, and a run on a small set with the tiny model."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from support.tiny_home import with_tiny_model

from tests.benchmarks import adapt
from tests.benchmarks.__main__ import main
from tests.benchmarks.adapt_maps import Descent, Floats, Maps, Training, descend, whiten_differences
from tests.benchmarks.adapt_pairs import Row, describe, make_pairs, sentences

DIMENSION = 128


def unit(rows: np.ndarray) -> Floats:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def noisy_pairs(seed: int) -> Training:
    """Pairs that agree but in the last eight of the dimensions, which are the largest."""
    generator = np.random.default_rng(seed)
    passages = generator.standard_normal((200, DIMENSION))
    queries = passages.copy()
    passages[:, -8:], queries[:, -8:] = 6 * generator.standard_normal((2, 200, 8))
    negatives = np.roll(passages, 1, axis=0)
    return Training(unit(queries), unit(passages), unit(negatives), np.arange(200))


def found_first(pairs: Training, maps: Maps) -> float:
    """The share of queries whose passage is the nearest."""
    queries = pairs.queries if maps.queries is None else unit(pairs.queries @ maps.queries)
    passages = pairs.passages if maps.passages is None else unit(pairs.passages @ maps.passages)
    return float(np.mean((queries @ passages.T).argmax(axis=1) == np.arange(len(queries))))


@pytest.mark.fast
def test_where_pairs_differ_counts_less_once_it_is_whitened() -> None:
    maps = whiten_differences(noisy_pairs(0), 0.5)
    assert maps.queries is not None
    scales = np.diag(maps.queries)
    assert scales[-8:].max() < 0.6 < scales[:-8].min()
    assert found_first(noisy_pairs(1), maps) > found_first(noisy_pairs(1), Maps()) + 0.05


@pytest.mark.parametrize(("rank", "rate"), [(None, 5e-4), (8, 3e-3)])
def test_the_losses_fall_and_other_pairs_gain(rank: int | None, rate: float) -> None:
    losses: list[float] = []
    how = Descent(weights=(1.0, 0.0, 0.1), rank=rank, rate=rate, batch=200, steps=30, record_every=10)
    maps = descend(noisy_pairs(0), how, lambda _step, loss, _maps: losses.append(loss))
    assert losses == sorted(losses, reverse=True) and len(set(losses)) == 3
    assert found_first(noisy_pairs(1), maps) > found_first(noisy_pairs(1), Maps()) + 0.05


def test_one_side_alone_is_mapped() -> None:
    maps = descend(noisy_pairs(0), Descent(sides="queries", steps=1))
    assert maps.passages is None and maps.queries is not None
    assert not np.array_equal(maps.queries, np.eye(DIMENSION))


@pytest.mark.fast
def test_a_query_is_not_in_its_passage() -> None:
    first = "The kettle was put on the stove. Steam rose from its spout after a while."
    second = "The cups stood ready on a tray. Nobody had thought of the sugar."
    rows = [Row(1, 0, "Tea", first, False), Row(2, 0, "Tea", second, False), Row(3, 1, "", "Short.", False)]
    pairs = make_pairs(rows)
    assert {pair.kind for pair in pairs} == {"sentence", "title", "neighbour"}
    for pair in pairs:
        assert pair.query not in (pair.text or rows[pair.passage].text)
    assert [pair.query for pair in pairs if pair.kind == "neighbour"] == [sentences(first)[-1]]
    assert [(pair.passage, pair.title) for pair in pairs if pair.kind == "title"] == [(0, "")]


@pytest.mark.fast
@pytest.mark.parametrize(
    ("code", "query"),
    [
        (
            'def f(a):\n    """Counts the lines of a file.\n\n    More."""\n    return a',
            "Counts the lines of a file.",
        ),
        ("def f(a):\n    return a  # the lines, without empty ones", "the lines, without empty ones"),
        ("def countLines_of(a):\n    return countLines_of(a[1:])", "count lines of"),
    ],
)
def test_a_function_is_described_by_what_is_taken_from_it(code: str, query: str) -> None:
    found, rest = describe(code)
    assert found == query
    assert query not in rest and "countLines_of" not in rest and rest.startswith("def f(a):")


def test_it_runs_on_a_small_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_tiny_model(monkeypatch, tmp_path / "home")
    monkeypatch.setattr(adapt, "WHITENED", {"whitened": 0.1})
    monkeypatch.setattr(adapt, "DESCENTS", {"recipe": replace(Descent(), steps=2, record_every=1)})
    folder = tmp_path / "small"
    folder.mkdir()
    text = "Sheet {0} lists the tides at pier {0}. Boats of line {0} leave at the flood."
    corpus = [{"_id": str(n), "title": f"Sheet {n}", "text": text.format(n)} for n in range(9)]
    queries = [{"_id": str(n), "text": f"tides at pier {n}"} for n in range(9)]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(one) + "\n" for one in corpus))
    (folder / "queries.jsonl").write_text("".join(json.dumps(one) + "\n" for one in queries))
    (folder / "qrels.tsv").write_text("".join(f"{n}\t{n}\t1\n" for n in range(9)))

    command = ["adapt", str(folder), "--svg", str(tmp_path / "curves"), "--json"]
    done = CliRunner().invoke(main, command, catch_exceptions=False)
    assert done.exit_code == 0
    (found,) = json.loads(done.stdout)
    assert found["name"] == "small" and 0 < found["held_out_pairs"] < found["pairs"]
    assert [one["name"] for one in found["maps"]] == ["whitened", "recipe"]
    assert found["chosen"] in {"whitened", "recipe"} and found["others"] == {}
    assert len(found["hybrid"]) == 2 and min(found["hybrid"]) > 0
    assert [line["step"] for line in found["log"]] == [1, 2]
    assert (tmp_path / "curves" / "small.svg").read_text().startswith("<svg")
    again = CliRunner().invoke(main, command, catch_exceptions=False)
    assert json.loads(again.stdout) == [found]
