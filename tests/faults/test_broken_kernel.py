"""A processor on which compiled code compares vectors wrongly: NumPy answers, and a person is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.daemons import Daemons

BROKEN = """
import numkong
import numpy as np

right = numkong.dots_packed

def wrong(*arguments, **options):
    made = np.array(right(*arguments, **options))
    made[1::2] = 0
    return made

numkong.dots_packed = wrong
"""
"""Python imports a module of the name `sitecustomize` at each start."""


def test_status_and_doctor_say_it_and_answers_stay_the_same(
    daemons: Daemons, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    for number in range(40):
        (notes / f"note{number}.md").write_text(f"About subject{number} and what came of it.\n")

    def scores() -> list[tuple[str, float]]:
        hits = daemons.library.search("what came of subject7", mode="meaning", limit=20).hits
        return [(hit.path, round(hit.score, 3)) for hit in hits]

    daemons.start()
    daemons.keep(notes)
    expected = scores()
    daemons.kill()

    (tmp_path / "python").mkdir()
    (tmp_path / "python" / "sitecustomize.py").write_text(BROKEN)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "python"))
    daemons.start()
    assert scores() == expected
    assert any("numkong" in notice for notice in daemons.library.status().notices)
    daemons.kill()
    ken = [sys.executable, "-c", "from app.cli import main; main()", "doctor"]
    done = subprocess.run(ken, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "numkong" in done.stdout + done.stderr
