from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.model_hub import Hub
from support.tiny_model import make_tiny_checkpoint

from app.amounts import duration, size
from app.cli import main
from app.cli.transfer import Transfer
from embedder.checkpoints.checkpoint import open_checkpoint
from embedder.checkpoints.models import models_folder


def ken(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """A command's exit code, results and words."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """An 8-bit checkpoint, which needs no published digests to be taken from a folder."""
    from embedder.checkpoints.convert import convert

    return convert(make_tiny_checkpoint(tmp_path / "floats"), tmp_path / "packed", "8bit")


def test_a_model_is_fetched_from_a_folder_listed_and_verified(
    packed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "embeddinggemma-300m-8bit"
    code, out, err = ken(capsys, "model", "fetch", name, "--from", str(packed))
    assert (code, out) == (0, f"{models_folder() / name}\n")
    assert "https://ai.google.dev/gemma/terms" in err
    code, out, err = ken(capsys, "model", "fetch", name)
    assert (code, out) == (0, f"{models_folder() / name}\n")
    assert "here already" in err
    code, out, _ = ken(capsys, "model", "list")
    assert code == 0
    assert out.split()[:2] == [name, "8bit"]
    rows = json.loads(ken(capsys, "model", "list", "--json")[1])
    assert rows == [
        {"name": name, "precision": "8bit", "bytes": rows[0]["bytes"], "path": str(models_folder() / name)}
    ]
    code, out, _ = ken(capsys, "model", "verify", name)
    assert code == 0
    assert "every byte" in out


def test_one_changed_byte_is_found_and_the_file_named(
    packed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (packed / "model.safetensors").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last[0] ^ 1]))
    code, out, err = ken(capsys, "model", "verify", str(packed))
    assert (code, out) == (1, "")
    assert "model.safetensors is not the published file" in err or "digest" in err


def test_google_s_layout_is_held_to_google_s_digests(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = ken(capsys, "model", "verify", str(make_tiny_checkpoint(tmp_path)))
    assert code == 1
    assert "config.json" in err


def test_without_digests_structure_and_numbers_are_checked(
    packed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (packed / "SHA256SUMS").unlink()
    code, out, _ = ken(capsys, "model", "verify", str(packed))
    assert code == 0
    assert "no digests of this folder are known" in out
    tensor = open_checkpoint(packed).tensors["model.norm.weight"]
    with tensor.path.open("r+b") as file:
        file.seek(tensor.offset)
        file.write(b"\xff\xff")  # a float16 that is no number
    code, out, err = ken(capsys, "model", "verify", str(packed))
    assert (code, out) == (1, "")
    assert "model.norm.weight" in err


@pytest.mark.parametrize("line", ["nonsense", "0" * 64 + "  ../../etc/passwd", "0" * 64 + "  /etc/passwd"])
def test_a_damaged_list_of_digests_is_an_error(
    packed: Path, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    (packed / "SHA256SUMS").write_text(line)
    code, out, err = ken(capsys, "model", "verify", str(packed))
    assert (code, out) == (1, "")
    assert "SHA256SUMS" in err


def test_a_model_is_converted_beside_the_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = make_tiny_checkpoint(tmp_path / "floats")
    target = models_folder() / "floats-4bit"
    arguments = ("model", "convert", "4bit", "--from", str(source), "--group-size", "32")
    code, out, _ = ken(capsys, *arguments)
    assert (code, out) == (0, f"{target}\n")
    assert open_checkpoint(target).quantization == (32, 4)
    code, _, err = ken(capsys, *arguments)
    assert code == 1
    assert "exists" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["verify"], "ken model fetch"),
        (["verify", "/nowhere"], "/nowhere"),
        (["verify", "../x"], "config.json"),
        (["fetch", "gpt"], "knows no model"),
        (["fetch"], "KEN_OFFLINE"),
        (["fetch", "--from", "/nowhere"], "config.json"),
        (["convert", "8bit"], "ken model fetch"),
    ],
)
def test_what_cannot_be_done_is_told_without_a_traceback(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = ken(capsys, "model", *arguments)
    assert (code, out) == (1, "")
    assert said in err
    assert "Traceback" not in err


def test_an_empty_models_folder_lists_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert ken(capsys, "model", "list")[:2] == (0, "")
    assert ken(capsys, "model", "list", "--json")[:2] == (0, "[]\n")


def test_a_damaged_model_is_listed_as_such(packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(packed, models_folder() / "mine")
    (models_folder() / "mine" / "model.safetensors").write_bytes(b"x")
    assert ken(capsys, "model", "list")[1].split()[:2] == ["mine", "damaged"]


def test_a_fetch_stopped_by_the_keyboard_says_that_it_goes_on(tmp_path: Path) -> None:
    with Hub() as server:
        server.stall = True
        environment = os.environ | {"HF_ENDPOINT": server.address, "KEN_OFFLINE": "0", "PIP_NO_INDEX": "1"}
        process = subprocess.Popen(
            [sys.executable, "-c", "from app.cli import main; main()", "model", "fetch"],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert server.stalled.wait(60)
        process.send_signal(signal.SIGINT)
        err = process.communicate(timeout=60)[1]
        server.release.set()
    assert process.returncode == 130
    assert "the same command goes on from it" in err
    assert "Traceback" not in err


def test_amounts_and_durations_read_well() -> None:
    assert [size(n) for n in (0, 999, 33_385_008, 1_263_748_109)] == [
        "0 B",
        "999 B",
        "33 MB",
        "1.3 GB",
    ]
    assert [duration(s) for s in (0.4, 61, 3700)] == ["0 s", "1 min 1 s", "1 h 1 min"]


def test_progress_without_a_terminal_is_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with Transfer() as transfer:
        transfer.progress("Fetching", 0, 100)
        transfer.progress("Fetching", 50, 100)
        transfer.progress("Checking", 0, 100)
    assert capsys.readouterr().err.splitlines() == ["Fetching …", "Checking …"]
