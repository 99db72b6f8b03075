"""The file of constraints has a version of everything that ken needs, and one that ken accepts."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

TOP = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NEEDED = [Requirement(one) for one in (*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"])]


@pytest.mark.parametrize(
    "needed", [one for one in NEEDED if not one.marker or "darwin" not in str(one.marker)], ids=str
)
def test_every_dependency_is_constrained_to_a_version_that_ken_accepts(needed: Requirement) -> None:
    lines = (TOP / ".ci" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    versions = dict(line.split("==") for line in lines if not line.startswith("#"))
    by_name = {canonicalize_name(name): version for name, version in versions.items()}
    assert needed.specifier.contains(by_name[canonicalize_name(needed.name)])
