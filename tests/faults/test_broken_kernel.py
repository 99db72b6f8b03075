"""A processor on which compiled code compares vectors wrongly: other code answers, and a person is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.daemons import Daemons

BROKEN = """
from index.search import scan_kernel

right = scan_kernel.best_rows

def wrong(*arguments, **options):
    ids, scores = right(*arguments, **options)
    return ids[::2], scores[::2]

scan_kernel.best_rows = wrong
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
    assert any("ken's own scan" in notice for notice in daemons.library.status().notices)
    daemons.kill()
    ken = [sys.executable, "-c", "from app.cli import main; main()", "doctor"]
    done = subprocess.run(ken, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "ken's own scan" in done.stdout + done.stderr
