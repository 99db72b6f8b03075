"""The command line end to end, on real files, with a tiny real model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.tiny_home import ken, ken_json, notes, with_tiny_model

from app import paths
from app.lock import WriteLock
from embedder.engines import choose

pytestmark = pytest.mark.fast

GARDEN = (
    "# Garden\n\nThe pear tree is pruned in winter.\n\n## Water\n\nTomatoes get watered in the morning.\n"
)


@pytest.fixture(autouse=True)
def tiny(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_tiny_model(monkeypatch, home)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return notes(
        tmp_path / "notes",
        garden__md=GARDEN,
        bread__md="# Bread\n\nFlour, water, salt.\n",
        f__py="def f(): return 1\n",
    )


def index(*arguments: str | Path) -> dict[str, object]:
    report: dict[str, object] = ken_json("index", *arguments)
    return report


# -- index


@pytest.mark.skipif(sys.platform != "linux", reason="Linux shows its state as files")
@pytest.mark.parametrize("path", ["/", "/proc", "/sys/kernel"])
def test_the_running_system_is_no_folder_of_documents(path: str, home: Path) -> None:
    result = ken("index", path)
    assert result.exit_code == 1
    assert "Path cannot be used" in result.stderr and "Name the folders that hold your files" in result.stderr


def test_index_then_nothing_changed_then_one_edit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = index(folder)
    assert (first["added"], first["embedded"]) == (3, first["passages"])

    with monkeypatch.context() as context:
        context.setattr("embedder.load", _must_not_load)
        again = index(folder)
    assert (again["unchanged"], again["embedded"], again["added"]) == (3, 0, 0)

    (folder / "bread.md").write_text("# Bread\n\nFlour, water, salt and yeast.\n")
    edited = index()
    assert (edited["changed"], edited["embedded"], edited["unchanged"]) == (1, 1, 2)
    assert [hit["path"] for hit in ken_json("search", "--mode", "words", "yeast")["hits"]] == [
        str(folder / "bread.md")
    ]


def _must_not_load(*_: object, **__: object) -> None:
    raise AssertionError("the model was loaded")


def test_what_is_gone_is_dropped_and_what_moved_keeps_its_vectors(folder: Path) -> None:
    index(folder)
    (folder / "f.py").unlink()
    (folder / "bread.md").rename(folder / "loaf.md")
    report = index()
    assert (report["removed"], report["moved"], report["embedded"]) == (1, 1, 0)
    assert ken_json("status")["files"] == 2
    found = ken_json("search", "--mode", "words", "flour")["hits"]
    assert [hit["path"] for hit in found] == [str(folder / "loaf.md")]


def test_a_root_that_is_missing_or_suddenly_empty_loses_nothing(folder: Path, tmp_path: Path) -> None:
    index(folder)
    folder.rename(tmp_path / "elsewhere")
    assert index()["removed"] == 0
    assert ken_json("status")["folders"][0]["state"] == "missing"
    folder.mkdir()
    report = index()
    assert report["removed"] == 0
    assert "suddenly empty" in str(report["notices"])
    assert ken_json("status")["files"] == 3


def test_one_process_writes_at_a_time(folder: Path) -> None:
    index(folder)
    with WriteLock("ken index /elsewhere"):
        result = ken("index", folder)
    assert result.exit_code == 1
    assert "ken index /elsewhere" in result.stderr and str(os.getpid()) in result.stderr


@pytest.mark.slow
def test_an_interrupt_keeps_what_is_done_and_the_next_run_goes_on(tmp_path: Path) -> None:
    # More passages than the batches that run when the signal comes: these are finished and kept.
    files = {
        f"n{i}__md": "\n\n".join(f"# Part {part}\n\nWords of part {part} of note {i}." for part in range(400))
        for i in range(12)
    }
    folder = notes(tmp_path / "many", **files)
    code = (
        "import os, signal, sys; from app.cli import main; import app.sync.pipeline as p\n"
        "put = p.Store.put_vectors\n"
        "def once(*a):\n    put(*a); p.Store.put_vectors = put; os.kill(os.getpid(), signal.SIGINT)\n"
        "p.Store.put_vectors = once\nmain(sys.argv[1:])"
    )
    stopped = subprocess.run(
        [sys.executable, "-c", code, "index", str(folder)], capture_output=True, text=True
    )
    assert stopped.returncode == 130, stopped.stderr
    assert "go on" in stopped.stderr and "Traceback" not in stopped.stderr
    before = ken_json("status")
    assert before["pending"] or before["files"] < 12
    resumed = index()
    after = ken_json("status")
    assert (after["files"], after["pending"]) == (12, 0)
    assert 0 < resumed["embedded"] < after["passages"]


def test_forgetting_lasts_until_it_is_kept_again(folder: Path) -> None:
    index(folder)
    assert "Forgot 1 file" in ken("forget", folder / "f.py").stderr
    index()
    assert ken_json("status")["files"] == 2
    assert ken_json("why", folder / "f.py")["rule"] == "forgotten"
    index(folder / "f.py")
    assert ken_json("status")["files"] == 3
    ken("forget", folder)
    assert ken_json("status")["folders"] == []


def test_a_folder_inside_a_kept_one_is_not_counted_twice(folder: Path) -> None:
    notes(folder / "sub", deep__md="# Deep\n\nSomething below.\n")
    index(folder)
    index(folder / "sub")
    now = ken_json("status")
    assert [f["path"] for f in now["folders"]] == [str(folder)]
    assert now["files"] == 4


# -- search


def test_search_json_keeps_its_contract(folder: Path) -> None:
    index(folder)
    answer = ken_json("search", "pear tree")
    assert {"query", "mode", "fresh", "took_ms", "hits"} <= set(answer)
    assert (answer["query"], answer["mode"], answer["fresh"]) == ("pear tree", "hybrid", True)
    hit = answer["hits"][0]
    documented = "path title heading page line start end snippet score similarity modified"
    assert set(hit) >= set(documented.split())
    assert hit["path"] == str(folder / "garden.md")
    assert "pear tree" in GARDEN[hit["start"] : hit["end"]]
    assert hit["modified"] == "2023-11-14T22:13:20Z"
    assert 0 <= hit["score"] <= 1 and -1 <= hit["similarity"] <= 1


def test_search_shows_place_heading_and_words_without_escapes(folder: Path) -> None:
    index(folder)
    result = ken("search", "pear", "tree", "--mode", "words")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{folder}/garden.md:3:") and "\x1b" not in result.stdout
    assert "pear tree" in result.stdout and not result.stderr


def test_a_hostile_file_cannot_drive_the_terminal(tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    notes(folder, **{"evil\x1b]0;owned\x07__md": "# Owned \x1b[2J\n\npear \x1b[31mtree\x07\u202e here\n"})
    index(folder)
    for arguments in (
        ("search", "pear"),
        ("search", "pear", "--mode", "words"),
        ("status",),
        ("status", "--problems"),
    ):
        result = ken(*arguments)
        assert not {"\x1b", "\x07", "\u202e"} & set(result.output), arguments


def test_filters_narrow(folder: Path) -> None:
    index(folder)

    def paths_of(*arguments: str) -> set[str]:
        return {Path(hit["path"]).name for hit in ken_json("search", *arguments)["hits"]}

    assert paths_of("water", "--type", "code") == {"f.py"}
    assert paths_of("water type:md") == {"garden.md", "bread.md"}
    assert paths_of("water lang:python") == {"f.py"}
    assert paths_of("water", "--glob", "g*.md") == {"garden.md"}
    assert paths_of("water", "--in", "notes") == {"garden.md", "bread.md", "f.py"}
    assert paths_of("water", "--in", "elsewhere") == set()
    assert paths_of("water", "--since", "2w") == set()
    assert paths_of("water", "--before", "2024", "--max-size", "20") == {"f.py"}


def test_a_hit_whose_file_is_gone_is_not_shown_and_a_changed_one_is_read_again(folder: Path) -> None:
    index(folder)
    (folder / "garden.md").unlink()
    (folder / "bread.md").write_text("# Bread\n\nNow about pear cider.\n")
    answer = ken_json("search", "--mode", "words", "flour pear")
    assert str(folder / "garden.md") not in {hit["path"] for hit in answer["hits"]}
    assert "pear cider" in next(hit["snippet"] for hit in answer["hits"] if hit["path"].endswith("bread.md"))
    assert answer["fresh"]


def test_a_changed_hit_is_marked_while_somebody_else_writes(folder: Path) -> None:
    index(folder)
    (folder / "bread.md").write_text("# Bread\n\nFlour no more.\n")
    with WriteLock("other"):
        answer = ken_json("search", "--mode", "words", "flour")
    assert not answer["fresh"] and answer["waiting"] == 1
    assert answer["hits"][0]["stale"]


def test_similar(folder: Path) -> None:
    index(folder)
    found = ken_json("similar", folder / "garden.md")["hits"]
    assert {Path(hit["path"]).name for hit in found} == {"bread.md", "f.py"}
    assert ken("similar", f"{folder}/garden.md:5").exit_code == 0


def test_without_a_model_words_still_answer(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    index(folder)
    monkeypatch.setenv("KEN_MODELS", str(tmp_path / "none"))
    result = ken("search", "pear")
    assert result.exit_code == 0 and "garden.md" in result.stdout
    assert "words only" in result.stderr and "ken model fetch" in result.stderr
    assert ken_json("search", "pear")["mode"] == "words"
    refused = ken("search", "pear", "--mode", "meaning")
    assert refused.exit_code == 1 and "Model not found" in refused.stderr


# -- status and why


def test_status_json_keeps_its_contract(folder: Path) -> None:
    empty = ken_json("status")
    assert (empty["files"], empty["folders"]) == (0, [])
    index(folder)
    now = ken_json("status")
    assert set(now) >= {"folders", "files", "passages", "pending", "problems", "model", "engine", "dimension"}
    assert (now["files"], now["pending"], now["problems"]) == (3, 0, 0)
    assert now["folders"][0]["path"] == str(folder)
    assert now["model"] == "embeddinggemma-300m"
    assert "3 files" in ken("status").stdout


def test_problems_are_listed_with_reasons(folder: Path) -> None:
    (folder / "nul.txt").write_bytes(b"\0" * 5000)
    (folder / "keys.md").write_text("# Keys\n\nThe pear tree.\n\n" + "token: ghp_" + "aB3" * 12 + "\n")
    index(folder)
    found = {Path(p["path"]).name: p for p in ken_json("status", "--problems")}
    states = {(name, p["state"]) for name, p in found.items()}
    assert states == {("nul.txt", "skipped"), ("keys.md", "partial")}
    assert all(p["reason"] for p in found.values())
    assert "nul.txt" in ken("status", "--problems").stdout
    assert not ken_json("why", folder / "nul.txt")["indexed"]
    assert ken_json("why", folder / "keys.md")["reason"] == found["keys.md"]["reason"]


def test_why_names_the_rule(folder: Path) -> None:
    (folder / ".gitignore").write_text("*.py\n")
    index(folder)
    indexed = ken_json("why", folder / "garden.md")
    assert indexed["indexed"] and not indexed["reason"]
    (folder / "new note.md").write_text("# New\n")
    assert ken_json("why", folder / "new note.md")["reason"] == "It has not been read yet."
    assert ken_json("why", folder)["reason"].startswith("A folder:")
    verdict = ken_json("why", folder / "f.py")
    assert not verdict["indexed"] and "*.py" in verdict["rule"]
    assert ken_json("why", "/elsewhere/x.md")["rule"] == "not kept"


# -- embed


def embed(*arguments: str, stdin: str) -> list[list[float]]:
    result = ken("embed", *arguments, stdin=stdin)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_embed_gives_a_vector_a_line() -> None:
    rows = np.array(embed(stdin="one text\nanother\n\nlast without newline"))
    assert rows.shape == (4, 768)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_embed_titles_tasks_and_dimensions() -> None:
    plain = embed(stdin="text\n")
    titled = embed("--title", "T", stdin="text\n")
    lines = embed("--jsonl", stdin='{"text": "text", "title": "T"}\n{"text": "text"}\n')
    assert np.allclose(titled[0], lines[0], atol=1e-5) and np.allclose(plain[0], lines[1], atol=1e-5)
    assert not np.allclose(plain[0], titled[0], atol=1e-3)
    assert not np.allclose(plain[0], embed("--task", "search result", stdin="text\n")[0], atol=1e-3)
    assert len(embed("--dim", "128", stdin="text\n")[0]) == 128


@pytest.mark.parametrize(
    "line", ["nonsense", '{"title": "x"}', "[1]", '{"text": 3}', '{"text": "a", "title": 1}']
)
def test_embed_names_a_line_that_is_no_json_object(line: str) -> None:
    result = ken("embed", "--jsonl", stdin='{"text": "fine"}\n' + line + "\n")
    assert result.exit_code == 1 and "Line 2" in result.stderr


def test_embed_refuses_what_is_not_utf8() -> None:
    result = ken("embed", stdin=b"fine\n\xff\xfe\n")
    assert result.exit_code == 1 and "Line 2" in result.stderr and "UTF-8" in result.stderr


@pytest.mark.skipif(choose.has_gpu(), reason="MLX has a GPU here")
def test_embed_says_at_once_that_mlx_has_no_gpu() -> None:
    told, failed = ken("embed", "--engine", "mlx", "--precision", "int8", stdin="").stderr.split(
        "MLX has no GPU"
    )
    assert not told and "MLX has no int8 arithmetic" in failed
    assert "MLX" not in ken("embed", stdin="").stderr


# -- bad input: a title, what to do, a code, and nothing harmed


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["index", "/no/such/folder"], 1, "Path cannot be used"),
        (["index", "/dev/null"], 1, "neither a folder nor a file"),
        (["index"], 1, "Nothing is indexed yet"),
        (["search", "  "], 1, "query is empty"),
        (["search", "anything"], 1, "Nothing is indexed yet"),
        (["search", "x since:soon"], 1, "since:soon"),
        (["search", "x", "--since", "soon"], 2, "--since"),
        (["search"], 2, "QUERY"),
        (["forget", "/no/such/folder"], 1, "Path cannot be used"),
        (["nonsense"], 2, "No such command"),
    ],
)
def test_bad_input_is_told_in_words(arguments: list[str], code: int, told: str) -> None:
    result = ken(*arguments)
    assert result.exit_code == code
    assert told in result.stderr and "Traceback" not in result.stderr
    assert result.stdout == ""


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind the superuser")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    result = ken("index", closed)
    assert result.exit_code == 1 and "permission" in result.stderr


def test_a_huge_text_file_is_left_out_with_a_reason(folder: Path) -> None:
    with (folder / "huge.txt").open("wb") as stream:
        stream.truncate(200 << 20)
    assert index(folder)["added"] == 3
    (problem,) = ken_json("status", "--problems")
    assert problem["state"] == "skipped" and "200 MB" in problem["reason"]


def test_a_corrupt_model_is_named_and_the_index_unharmed(folder: Path, home: Path, tmp_path: Path) -> None:
    from support.tiny_model import make_tiny_checkpoint

    index(folder)
    broken = make_tiny_checkpoint(tmp_path / "broken")
    with (broken / "model.safetensors").open("r+b") as stream:
        stream.truncate(1000)
    other = make_tiny_checkpoint(tmp_path / "other")
    settings = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(
        json.dumps({**settings, "model_type": "bert", "architectures": ["BertModel"]})
    )
    for model in (broken, other):
        (home / "config.toml").write_text(f'[model]\nname = "{model}"\n')
        for arguments in (["index", str(folder)], ["search", "pear", "--mode", "meaning"]):
            result = ken(*arguments)
            assert result.exit_code == 1 and "Model cannot be read" in result.stderr, result.stderr
    (home / "config.toml").unlink()
    assert ken_json("search", "pear")["hits"]


def test_an_index_of_a_newer_ken_is_refused_untouched(folder: Path) -> None:
    import apsw

    index(folder)
    database = apsw.Connection(str(paths.index_path()))
    database.pragma("user_version", 999)
    database.close()
    before = paths.index_path().read_bytes()
    for arguments in (["search", "pear"], ["index", str(folder)], ["status"]):
        result = ken(*arguments)
        assert result.exit_code == 1 and "newer ken" in result.stderr, result.stderr
    assert paths.index_path().read_bytes() == before


def test_ken_alone_shows_its_help_where_nobody_sees_a_screen() -> None:
    result = ken()
    assert result.exit_code == 0 and "ken search" not in result.stderr
    assert "Commands:" in result.stdout and "\x1b" not in result.stdout


def test_what_nobody_foresaw_is_a_sentence_and_a_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.library.Library.status", _must_not_load)
    result = ken("status")
    assert result.exit_code == 1 and "unexpected" in result.stderr and "Traceback" not in result.stderr
    assert "Traceback" in paths.log_path().read_text()
    paths.log_path().unlink()
    paths.log_path().mkdir()
    result = ken("status")
    assert result.exit_code == 1 and "log could not be written" in result.stderr, result.stderr
    started = ken("daemon", "start")
    assert f"{paths.log_path()} cannot be written" in started.stderr, started.stderr
