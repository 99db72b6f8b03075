"""What ignore files cost: reading 1,000 and 80,000 patterns, and a path judged under them.

python -m tests.benchmarks.ignore_rules [--json]
"""

from __future__ import annotations

import json
import random
import sys
import time

from index.walk.ignore_rules import parse

FORMS = ("*.x{}", "name{}", "dir{}/", "/a/b{}", "a*b{}", "**/q{}/*.c", "foo?{}", "[ab]{}*")
PATHS = tuple(f"src/module{number}/file{number}.py" for number in range(2_000))


def measured(patterns: int) -> dict[str, float]:
    draw = random.Random(1)
    text = "\n".join(draw.choice(FORMS).format(number) for number in range(patterns))
    began = time.perf_counter()
    compiled = parse(text)
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


def main() -> None:
    rows = [measured(patterns) for patterns in (1_000, 80_000)]
    if "--json" in sys.argv[1:]:
        print(json.dumps(rows))
        return
    for row in rows:
        print(
            "{patterns:7,.0f} patterns: compiled in {compile_ms:,.1f} ms, {path_us:,.1f} µs a path".format(
                **row
            )
        )


if __name__ == "__main__":
    main()
