"""Scenarios that mount something, each run in a process with mounts of its own; nobody else sees them."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNSHARE = ["unshare", "--user", "--map-root-user", "--mount", "--propagation", "private"]
"""man 1 unshare: a user namespace, in which this process may mount (man 7 user_namespaces)."""


@functools.cache
def may_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    tried = [*UNSHARE, "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(tried, capture_output=True, check=False).returncode == 0


def run_with_mounts(module: str, scenario: str, folder: Path) -> None:
    """Run a function of a module of `support`, given the folder; skips where nothing may be mounted."""
    if not may_mount():
        pytest.skip("this process may not mount anything, not even in a user namespace")
    code = f"import sys; from pathlib import Path; from support.{module} import {scenario}; "
    tests = str(Path(__file__).parents[1])
    done = subprocess.run(
        [*UNSHARE, sys.executable, "-c", f"{code}{scenario}(Path(sys.argv[1]))", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": tests},
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def mount(*arguments: str | Path) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True)


def unmount(folder: Path) -> None:
    subprocess.run(["umount", str(folder)], check=True)
