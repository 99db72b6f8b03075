"""The examples of Python in the documents run as they are written."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.tiny_home import ken, notes, with_tiny_model

TOP = Path(__file__).resolve().parents[2]
TEXT = (TOP / "assets" / "docs" / "assistant.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", TEXT, re.M | re.S)


PACKAGES = ("langchain_core", "llama_index")
"""What a retriever is for, by the package that its example imports."""


def test_there_are_three_examples_and_two_retrievers() -> None:
    assert len(EXAMPLES) == 5 and all("BaseRetriever" in example for example in EXAMPLES[3:])


@pytest.mark.parametrize("number", range(5))
def test_an_example_runs(number: int, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in PACKAGES:
        if f"from {package}" in EXAMPLES[number] and importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    with_tiny_model(monkeypatch, home)
    folder = notes(
        tmp_path / "notes",
        boiler__md="# Boiler\n\nThe boiler loses pressure in winter.\n",
        bread__md="# Bread\n\nFlour and water.\n",
    )
    ken("index", folder)
    done = subprocess.run(
        [sys.executable, "-c", EXAMPLES[number], str(folder)],
        cwd=TOP,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert number == 0 or "boiler.md" in done.stdout
