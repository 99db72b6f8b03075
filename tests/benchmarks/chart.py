"""Lines over time as an SVG: one small chart a quantity, one below the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT, LEFT, RIGHT, GAP, TOP = 720, 110, 56, 110, 46, 34
COLOURS = ("#2563a8", "#c2571a", "#2e7d4f", "#7b4ea3")
STEPS = (1, 2, 5, 10)


def lines(
    title: str, x: Sequence[float], x_label: str, charts: Mapping[str, Mapping[str, Sequence[float]]]
) -> str:
    """`charts`: what is measured and its unit, to each line's name and values, one for each of `x`."""
    height = TOP + len(charts) * (HEIGHT + GAP) + 8
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="#333">',
        f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#fff"/>',
        f'<text x="{LEFT}" y="20" font-size="14" font-weight="600">{escape(title)}</text>',
    ]
    for number, (name, values) in enumerate(charts.items()):
        parts += _chart(TOP + 12 + number * (HEIGHT + GAP), name, x, values)
    parts.append(f'<text x="{WIDTH - RIGHT}" y="{height - 12}" text-anchor="end">{escape(x_label)}</text>')
    return "\n".join([*parts, "</svg>\n"])


def _chart(top: int, name: str, x: Sequence[float], series: Mapping[str, Sequence[float]]) -> list[str]:
    high = _round_up(max((value for values in series.values() for value in values), default=1.0))
    last = max(x, default=1.0) or 1.0
    right, bottom = WIDTH - RIGHT, top + HEIGHT

    def place(at: float, value: float) -> str:
        return f"{LEFT + at / last * (right - LEFT):.1f},{bottom - value / high * HEIGHT:.1f}"

    parts = [f'<text x="{LEFT}" y="{top - 6}" font-weight="600">{escape(name)}</text>']
    for share in (0.0, 0.5, 1.0):
        y = bottom - share * HEIGHT
        parts.append(f'<path d="M{LEFT} {y}H{right}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{share * high:g}</text>')
    parts += [
        f'<text x="{LEFT + share * (right - LEFT):.1f}" y="{bottom + 15}" text-anchor="middle">'
        f"{share * last:.0f}</text>"
        for share in (0.0, 0.25, 0.5, 0.75)
    ]
    for index, (label, values) in enumerate(series.items()):
        colour = COLOURS[index % len(COLOURS)]
        points = " ".join(place(*point) for point in zip(x, values, strict=True))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        y = top + 12 + 16 * index
        parts.append(f'<text x="{right + 8}" y="{y}" fill="{colour}">{escape(label)}</text>')
    return parts


def _round_up(value: float) -> float:
    """The next of 1, 2, 5, 10, 20, … from `value` on."""
    size = 10.0 ** _exponent(value)
    return next(step * size for step in STEPS if step * size >= value)


def _exponent(value: float) -> int:
    exponent = -3
    while 10.0 ** (exponent + 1) < value:
        exponent += 1
    return exponent
