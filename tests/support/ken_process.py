"""`ken` as a process of its own, as a shell starts it."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

OVERRIDE = (1, 2)
"""CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH (linux/capability.h): what lets root write where nobody may."""
PR_CAPBSET_DROP = 24


def ken(*words: str, timeout: float = 120.0, **environment: str | None) -> subprocess.CompletedProcess[str]:
    """Run a command; permissions of files count for root too. A variable that is None is taken away."""
    changed = {**os.environ, **{name: value for name, value in environment.items() if value is not None}}
    for name, value in environment.items():
        if value is None:
            changed.pop(name, None)
    return subprocess.run(
        [sys.executable, "-c", "from app.cli import main; main()", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
        env=changed,
        preexec_fn=_obey_permissions,
    )


def is_titled(done: subprocess.CompletedProcess[str]) -> bool:
    """Whether a command failed as it should: a title, what happened, what to do, and nothing else."""
    lines = done.stderr.splitlines()
    nonsense = any(word in done.stderr for word in ("unexpected", "Traceback", "process 0"))
    return done.returncode == 1 and len(lines) == 3 and not nonsense and not done.stdout


def _obey_permissions() -> None:
    if sys.platform == "linux" and os.geteuid() == 0:
        libc = ctypes.CDLL(None)
        for capability in OVERRIDE:
            libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
