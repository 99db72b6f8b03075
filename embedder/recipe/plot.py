"""The log of a training as an SVG: a curve for each quantity, against steps. Owns drawing only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

WIDTH, HEIGHT, LEFT, GAP = 640, 110, 70, 44


def plot(log: Sequence[Mapping[str, float]]) -> str:
    """One chart for each quantity of the records but `step`, one below the other."""
    names = [name for name in log[0] if name != "step"]
    height = len(names) * (HEIGHT + GAP) + GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="system-ui, sans-serif" font-size="12" fill="#333">',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
    ]
    steps = [record["step"] for record in log]
    for number, name in enumerate(names):
        parts += _chart(GAP + number * (HEIGHT + GAP), name, steps, [record[name] for record in log])
    return "\n".join([*parts, "</svg>\n"])


def _chart(top: int, name: str, steps: Sequence[float], values: Sequence[float]) -> list[str]:
    low, high = min(values), max(values)
    reach, last, bottom = (high - low) or 1.0, max(steps) or 1.0, top + HEIGHT
    points = " ".join(
        f"{LEFT + step / last * (WIDTH - LEFT - 20):.1f},{bottom - (value - low) / reach * HEIGHT:.1f}"
        for step, value in zip(steps, values, strict=True)
    )
    return [
        f'<text x="{LEFT}" y="{top - 8}" font-weight="600">{name}</text>',
        f'<path d="M{LEFT} {top}V{bottom}H{WIDTH - 20}" fill="none" stroke="#ddd"/>',
        f'<text x="{LEFT - 6}" y="{top + 8}" text-anchor="end">{high:.3g}</text>',
        f'<text x="{LEFT - 6}" y="{bottom}" text-anchor="end">{low:.3g}</text>',
        f'<text x="{WIDTH - 20}" y="{bottom + 16}" text-anchor="end">step {last:.0f}</text>',
        f'<polyline points="{points}" fill="none" stroke="#2563a8" stroke-width="1.6"/>',
    ]
