"""No telemetry: what OpenVINO brings along stays out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("openvino")


def test_openvino_leaves_nothing_in_the_home_and_loads_no_telemetry(tmp_path: Path) -> None:
    script = (
        "import sys, embedder.engines.openvino\n"
        "loaded = [name for name in sys.modules if name.startswith('openvino_telemetry')]\n"
        "assert loaded == ['openvino_telemetry'] and sys.modules['openvino_telemetry'] is None, loaded\n"
    )
    environment = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert list(tmp_path.iterdir()) == []


def test_only_one_module_imports_openvino() -> None:
    package = Path(__file__).resolve().parents[2] / "embedder"
    importing = [
        file.name
        for file in package.rglob("*.py")
        if any(
            line.startswith(("import openvino", "from openvino")) for line in file.read_text().splitlines()
        )
    ]
    assert importing == ["openvino_quiet.py"]
