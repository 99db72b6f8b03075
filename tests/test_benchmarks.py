"""`python -m tests.benchmarks`: its commands, and what it refuses before anything starts."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys

import pytest
from click.testing import CliRunner

from app.errors import UsageInvalid
from tests.benchmarks import TOP, embed
from tests.benchmarks.__main__ import main


@pytest.mark.parametrize("named", ["foo:bar", "openvino", "llama.cpp:"])
def test_other_software_that_is_not_known_is_refused_by_name(named: str) -> None:
    with pytest.raises(UsageInvalid, match="can be measured") as refused:
        embed.check_beside([named])
    assert "openvino:PATH" in refused.value.fix


@pytest.mark.parametrize("command", [("embed",), ("read", ".")])
def test_a_python_that_is_not_there_is_refused_before_anything_starts(command: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, [*command, "--beside-python", "/nowhere/python"])
    assert result.exit_code == 2
    assert "/nowhere/python" in result.stderr and "--beside-python" in result.stderr


def test_every_benchmark_explains_itself_and_imports() -> None:
    for name in main.commands:
        assert CliRunner().invoke(main, [name, "--help"]).exit_code == 0
        importlib.import_module(f"tests.benchmarks.{name.replace('-', '_')}")


def test_every_benchmark_is_in_the_table_for_contributors() -> None:
    rows = (TOP / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()
    first_cells = " ".join(row.split("|")[1] for row in rows if row.startswith("|"))
    assert {found.split()[0] for found in re.findall(r"`([^`]+)`", first_cells)} >= set(main.commands)


def test_it_runs_from_the_top_of_the_source_tree() -> None:
    command = [sys.executable, "-m", "tests.benchmarks", "ignore-rules", "--json"]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert [row["patterns"] for row in json.loads(done.stdout)] == [1_000, 80_000]
