"""Benchmark `ignore-rules`: compiling 1,000 and 80,000 patterns, and matching a path with them."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

from index.walk.ignore_rules import parse_ignore_file

FORMS = ("*.x{}", "name{}", "dir{}/", "/a/b{}", "a*b{}", "**/q{}/*.c", "foo?{}", "[ab]{}*")
PATTERNS = (1_000, 80_000)
PATHS = tuple(f"src/module{number}/file{number}.py" for number in range(2_000))


def measured(patterns: int) -> dict[str, float]:
    draw = random.Random(1)
    text = "\n".join(draw.choice(FORMS).format(number) for number in range(patterns))
    began = time.perf_counter()
    compiled = parse_ignore_file(text.encode())
    compiled.match(PATHS[0], folder=False)
    ready = time.perf_counter()
    for path in PATHS:
        compiled.match(path, folder=False)
    done = time.perf_counter()
    return {
        "patterns": patterns,
        "compile_ms": (ready - began) * 1e3,
        "path_us": (done - ready) / len(PATHS) * 1e6,
    }


def run(patterns: Sequence[int] = PATTERNS) -> list[dict[str, float]]:
    return [measured(number) for number in patterns]


def as_json(rows: list[dict[str, float]]) -> list[dict[str, float]]:
    return rows


def table(rows: list[dict[str, float]]) -> str:
    line = "{patterns:7,.0f} patterns: compiled in {compile_ms:,.1f} ms, {path_us:,.1f} µs a path"
    return "\n".join(line.format(**row) for row in rows)
