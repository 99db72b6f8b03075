"""Every key that is printed is documented, and every documented example is what ken would print."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from support.commands import commands_with_json

from app import json_output
from app.api import Answer, Folder, Problem, Progress, Status, SyncReport, Why
from app.cli.daemon import status_json
from app.daemon.protocol import DaemonInfo
from embedder.checkpoints.models import InstalledModel
from index.types import Hit

TEXT = (Path(__file__).resolve().parents[2] / "assets" / "docs" / "json.md").read_text(encoding="utf-8")

HIT = Hit(
    path="/home/me/notes/garden.md",
    title="Garden",
    heading=("Trees", "Winter"),
    page=None,
    line=12,
    start=340,
    end=1210,
    text="The pear is pruned in winter.",
    snippet="The pear is pruned …",
    score=0.71,
    similarity=0.58,
    words=0.4,
    modified_ns=1762194011_000000000,
    size=4211,
    inode=1,
    kind="markdown",
)
ANSWER = Answer("when to cut fruit trees", "hybrid", (HIT,), True, 0.93, 0, 12.4)
FOLDER = Folder("/home/me/notes", 175, 841, 2, "watching")
STATUS = Status(
    (FOLDER,), 175, 841, 0, 2, "embeddinggemma-300m", "native", 256, Progress("idle"), True, 5242880,
    left_out=1,
)  # fmt: skip
REPORT = SyncReport(added=3, changed=1, unchanged=171, passages=12, embedded=9, seconds=1.204)
WHY = Why("/home/me/notes/a.md", True, "kept with /home/me/notes", "indexed", "", 1762194012_000000000, 4)
PROBLEM = Problem("/home/me/notes/scan.pdf", "failed", "It is encrypted.", "pdf")
PROCESS = DaemonInfo(4711, "0.1.0", 1762194012.0, 412.5, 61.25, True)
EMPTY = Status(
    (), 0, 0, 0, 0, "embeddinggemma-300m", "native", 256, Progress("idle"), True, 5242880
)  # fmt: skip
MODEL = InstalledModel(
    "embeddinggemma-300m", Path("/home/me/.local/share/ken/models/embeddinggemma-300m"), 1245184000
)

PRINTED: dict[str, Any] = {
    "ken search": json_output.answer(ANSWER),
    "ken index": json_output.report(REPORT),
    "ken status --json": json_output.status(STATUS),
    "ken status --problems": json_output.problems([PROBLEM]),
    "ken why": json_output.why(WHY),
    "ken daemon status": status_json(PROCESS, EMPTY, age=5025.3),
    "ken model list": json_output.models([(MODEL, "f32")]),
}


def documented(command: str) -> Any:
    part = TEXT.split(f"## `{command}", 1)[1]
    return json.loads(re.search(r"```json\n(.*?)```", part, re.S)[1])  # type: ignore[index]


@pytest.mark.parametrize("command", PRINTED)
def test_the_documented_example_is_what_is_printed(command: str) -> None:
    assert json.loads(json_output.dumps(PRINTED[command])) == documented(command)


def test_every_command_that_prints_json_is_documented() -> None:
    printing = commands_with_json()
    assert len(printing) > 9
    assert [name for name in printing if f"`ken {name} --json`" not in TEXT] == []


def test_keys_that_appear_only_now_and_then_are_documented() -> None:
    explained = json_output.hit(Hit(**{**_fields(HIT), "explain": {"words": 1.0}}))
    noticed = json_output.answer(Answer("q", "words", (), False, 0, 0, 1, notice="Words only."))
    assert "explain" in explained and "notice" in noticed
    assert "`explain`" in TEXT and "`notice`" in TEXT


def test_one_line_that_any_pipe_can_carry() -> None:
    printed = json_output.dumps({"path": "/caf\udce9\n", "text": "日本 \u001b[31m"})
    assert "\n" not in printed and "\x1b" not in printed
    printed.encode()
    assert json.loads(printed)["path"] == "/caf\udce9\n"


def test_a_number_that_json_lacks_is_null() -> None:
    assert json_output.hit(Hit(**{**_fields(HIT), "similarity": float("nan")}))["similarity"] is None


@pytest.mark.parametrize("nanoseconds", [-(10**30), 10**30])
def test_a_time_that_no_calendar_holds_is_null(nanoseconds: int) -> None:
    assert json_output.iso_time(nanoseconds) is None


def _fields(hit: Hit) -> dict[str, Any]:
    return {name: getattr(hit, name) for name in Hit.__slots__}
