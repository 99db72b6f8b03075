"""`ken eval` on a set made here, with a tiny real model."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from support.tiny_home import ken, ken_json, with_tiny_model

DOCUMENTS = {f"d{i}": f"The {word} of the harbour was repaired in spring." for i, word in enumerate(
    ("lantern", "bridge", "winch", "quay", "pump", "mast", "crane", "gate"))}  # fmt: skip


@pytest.fixture(autouse=True)
def tiny(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_tiny_model(monkeypatch, home)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "harbour"
    folder.mkdir()
    corpus = [{"_id": id_, "title": "", "text": text} for id_, text in DOCUMENTS.items()]
    queries = [{"_id": "q1", "text": "who repaired the winch"}, {"_id": "q2", "text": "without an answer"}]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, corpus)))
    (folder / "queries.jsonl").write_text("\n".join(map(json.dumps, queries)))
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td2\t1\n")
    return folder


def test_every_way_of_searching_is_measured(folder: Path) -> None:
    found = ken_json("eval", folder)
    assert (found["set"], found["documents"], found["queries"]) == ("harbour", 8, 1)
    ways = [(one["mode"], one["dimension"]) for one in found["results"]]
    assert ways == [("words", None), ("meaning", 768), ("meaning", 256), ("hybrid", 768), ("hybrid", 256)]
    words = found["results"][0]
    assert [words[name] for name in ("ndcg@10", "recall@10", "recall@100", "mrr@10")] == [1, 1, 1, 1]


def test_documents_that_are_programs_are_code_and_have_a_prompt_of_their_own(folder: Path) -> None:
    program = "def repair(winch):\n    winch.oil()\n    return winch\n"
    with (folder / "corpus.jsonl").open("a") as corpus:
        corpus.write("\n" + json.dumps({"_id": "d8", "title": "", "text": program}))
    assert ken_json("eval", folder, "--mode", "meaning")["code"] == 1
    assert "9 documents (1 of code)" in ken("eval", folder, "--task", "code retrieval").stdout
    assert "poetry" in ken("eval", folder, "--task", "poetry").stderr


def test_one_mode_and_the_table(folder: Path) -> None:
    done = ken("eval", folder, "--mode", "words")
    assert "words" in done.stdout
    assert "hybrid" not in done.stdout


def test_a_folder_that_is_no_set_is_told(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert ken("eval", tmp_path / "empty").exit_code == 1
    (folder / "queries.jsonl").write_text("{broken")
    done = ken("eval", folder)
    assert done.exit_code == 1
    assert "line 1" in done.stderr
    assert "Traceback" not in done.stderr


def test_refusals_are_counted_and_what_was_taken_out_is_put_back(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "sheds"
    shutil.copytree(folder, other)
    found = ken_json("eval", folder, "--mode", "words", "--against", other)
    assert (found["set"], found["questions"]) == ("harbour", 1)
    assert found["refused"] == {"own": 0.0, "removed": 1.0, "others": {"sheds": 0.0}}
    again = ken_json("eval", folder, "--mode", "words")
    assert again["results"][0]["recall@10"] == 1
    assert (
        "100.0% in its own index without" in ken("eval", folder, "--mode", "words", "--against", other).stdout
    )


def made_set(folder: Path, texts: list[str], question: str, answer: int) -> Path:
    """A set of these texts, with one question that one of them answers."""
    folder.mkdir()
    corpus = [{"_id": f"d{i}", "title": "", "text": text} for i, text in enumerate(texts)]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, corpus)))
    (folder / "queries.jsonl").write_text(json.dumps({"_id": "q", "text": question}))
    (folder / "qrels.tsv").write_text(f"query-id\tcorpus-id\tscore\nq\td{answer}\t1\n")
    return folder


def test_of_several_sets_one_index_is_asked_whole_and_without_what_answers(tmp_path: Path) -> None:
    boats = [f"The {word} of the boat was repaired." for word in ("winch", "mast", "pump")]
    harbour = made_set(tmp_path / "harbour", boats, "winch", 0)
    kitchen = made_set(tmp_path / "kitchen", ["Bread rises at night.", "Soup needs salt."], "bread", 0)
    again = made_set(tmp_path / "harbour-de", ["Der Mast steht. winch", "Die Pumpe steht."], "winch", 0)
    found = ken_json("eval", harbour, kitchen, again, "--mode", "words")
    assert (found["documents"], found["passages"]) == (7, 7)
    assert [(one["set"], one["questions"]) for one in found["sets"]] == [
        ("harbour", 1), ("kitchen", 1), ("harbour-de", 1)]  # fmt: skip
    # The other set of the harbour answers too, and is taken out with it.
    for one in found["sets"]:
        assert one["refused"] == {"own": 0.0, "removed": 1.0, "foreign": 1.0}
    assert found["refused"] == {"own": 0.0, "removed": 1.0, "foreign": 1.0}
    done = ken("eval", harbour, kitchen, "--mode", "words")
    assert "5 documents of 2 sets" in done.stdout
    assert "--against" in ken("eval", harbour, kitchen, "--against", again).stderr
    assert "same name" in ken("eval", harbour, harbour).stderr


def test_the_date_of_a_document_counts_where_a_question_names_it(tmp_path: Path) -> None:
    folder = made_set(tmp_path / "harbour", ["The winch was oiled."] * 2, "winch in May 2023", 1)
    documents = [
        {"_id": f"d{i}", "text": f"The winch was oiled {much}.", "date": date}
        for i, (much, date) in enumerate((("twice", "2024-05-02"), ("again", "2023-05-31")))
    ]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, documents)))
    assert ken_json("eval", folder, "--mode", "words")["results"][0]["ndcg@10"] == 1
    documents[0]["date"], documents[1]["date"] = documents[1]["date"], documents[0]["date"]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, documents)))
    assert ken_json("eval", folder, "--mode", "words")["results"][0]["ndcg@10"] < 1
    (folder / "corpus.jsonl").write_text(json.dumps({**documents[0], "date": "in spring"}))
    assert "in spring" in ken("eval", folder).stderr


def test_a_missing_extra_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ir_measures", None)
    done = ken("eval", folder)
    assert done.exit_code != 0
    assert "ken-search[eval]" in done.stderr
