"""Limits what indexing takes from the machine: it pauses as the settings say, and lowers its priority."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from app.config import DaemonConfig


def reason_to_wait(config: DaemonConfig) -> str:
    """Why indexing pauses now, as text for the user; empty if it need not."""
    if config.pause_on_battery and _on_battery():
        return "paused: on battery"
    if config.pause_above_load and (load := _load()) > config.pause_above_load:
        return f"paused: the machine is busy (load {load:.1f} for each core)"
    return ""


def lower_process_priority(nice: int) -> None:
    """Add `nice` to the nice value of this process, which leads its session, and of the session.

    Linux may schedule whole sessions against each other. A process's nice value then has no effect outside of
    its session, which has a value of its own (man 7 sched, "The autogroup feature").
    """
    os.nice(nice)
    with suppress(OSError):
        session = Path("/proc/self/autogroup")
        if nice and session.exists():
            session.write_text(str(nice))


def _on_battery() -> bool:
    import psutil  # its import takes 20 ms

    battery = psutil.sensors_battery()
    return battery is not None and battery.power_plugged is False


def _load() -> float:
    return os.getloadavg()[0] / (os.cpu_count() or 1)
