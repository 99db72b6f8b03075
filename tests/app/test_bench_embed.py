"""`ken bench embed --beside`: what is named wrongly is said before anything starts, and how to name it."""

from __future__ import annotations

import pytest
from support.tiny_home import ken

from app.bench import embed
from app.errors import UsageInvalid


@pytest.mark.parametrize("named", ["foo:bar", "openvino", "llama.cpp:"])
def test_other_software_that_is_not_known_is_refused_by_name(named: str) -> None:
    with pytest.raises(UsageInvalid, match="can be measured") as refused:
        embed.check_beside([named])
    assert "openvino:PATH" in refused.value.fix


@pytest.mark.parametrize("command", [("embed",), ("read", ".")])
def test_a_python_that_is_not_there_is_refused_before_anything_starts(command: tuple[str, ...]) -> None:
    result = ken("bench", *command, "--beside-python", "/nowhere/python")
    assert result.exit_code == 2
    assert "/nowhere/python" in result.stderr and "--beside-python" in result.stderr
