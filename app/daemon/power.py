"""Whether indexing should wait for better times: the battery, the load, as the settings ask."""

from __future__ import annotations

import os

from app.config import DaemonConfig


def reason_to_wait(config: DaemonConfig) -> str:
    """Why indexing waits just now, as a person reads it; empty where it need not."""
    if config.pause_on_battery and _on_battery():
        return "paused: on battery"
    if config.pause_above_load and (load := _load()) > config.pause_above_load:
        return f"paused: the machine is busy (load {load:.1f} for each core)"
    return ""


def _on_battery() -> bool:
    import psutil  # 20 ms, and only needed where it is asked for

    battery = psutil.sensors_battery()
    return battery is not None and battery.power_plugged is False


def _load() -> float:
    return os.getloadavg()[0] / (os.cpu_count() or 1)
