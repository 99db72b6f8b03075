"""How indexing steps back: it waits for better times, as the settings ask, and gives way to others."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from app.config import DaemonConfig


def reason_to_wait(config: DaemonConfig) -> str:
    """Why indexing waits just now, as a person reads it; empty where it need not."""
    if config.pause_on_battery and _on_battery():
        return "paused: on battery"
    if config.pause_above_load and (load := _load()) > config.pause_above_load:
        return f"paused: the machine is busy (load {load:.1f} for each core)"
    return ""


def step_back(nice: int) -> None:
    """Let this process, which leads its session, give way to all others by so much.

    Linux may schedule whole sessions against each other, and `nice` then counts for nothing outside of
    them: the session has a value of its own (man 7 sched, "The autogroup feature").
    """
    os.nice(nice)
    with suppress(OSError):
        session = Path("/proc/self/autogroup")
        if nice and session.exists():
            session.write_text(str(nice))


def _on_battery() -> bool:
    import psutil  # 20 ms, and only needed where it is asked for

    battery = psutil.sensors_battery()
    return battery is not None and battery.power_plugged is False


def _load() -> float:
    return os.getloadavg()[0] / (os.cpu_count() or 1)
