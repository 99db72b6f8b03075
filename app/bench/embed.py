"""`ken bench embed`: tokens a second, query latency, cold start, memory and exactness of every engine here.

Each engine and precision runs in a process of its own, so that peak memory and cold start are its own.
MLX is measured where it has a GPU: its CPU build computes a hundred times slower than OpenVINO.
"""

from __future__ import annotations

import json
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import embedder

LENGTHS = (64, 128, 256, 512)
TOKENS_EACH = 6000
"""Tokens embedded at each length: a few seconds on two cores."""
QUERIES = 40
CANDIDATES = {"openvino": ("f32", "bf16", "int8"), "mlx": ("f32", "bf16", "8bit", "4bit")}
WORDS = (
    "river",
    "mountain",
    "kitchen",
    "garden",
    "letter",
    "winter",
    "journey",
    "engine",
    "market",
    "window",
)


@dataclass(frozen=True, slots=True)
class Speed:
    """What one engine does at one precision. Cosines are with the float32 reference that is shipped."""

    engine: str
    precision: str
    tokens_per_second: float
    """Over texts of every length."""
    tokens_per_second_by_length: dict[str, float]
    query_ms_p50: float
    query_ms_p95: float
    cold_s: float
    """From the start of a process to its first vector."""
    peak_mb: float
    cosine_mean: float | None
    """None for weights whose reference is not shipped."""
    cosine_min: float | None


def run(say: Callable[[str], None] = lambda _: None) -> list[Speed]:
    """Measure every engine and precision of this machine, one after the other."""
    from embedder.engine import choose

    engines = ("openvino",) if choose("auto") == "openvino" else ("mlx",)
    results = []
    for engine in engines:
        for precision in CANDIDATES[engine]:
            say(f"{engine} {precision} …")
            results.append(_in_child(engine, precision))
    return results


def as_json(results: Sequence[Speed]) -> list[dict[str, object]]:
    return [asdict(result) for result in results]


def table(results: Sequence[Speed]) -> str:
    head = f"{'engine':10}{'precision':11}" + "".join(f"{f'{n} tok':>9}" for n in LENGTHS)
    lines = [head + f"{'query p50':>11}{'p95':>8}{'cold':>8}{'peak':>9}{'cosine':>10}{'worst':>10}"]
    for r in results:
        speeds = "".join(f"{r.tokens_per_second_by_length[str(n)]:>9.0f}" for n in LENGTHS)
        cosines = "".join(
            f"{c:>10.5f}" if c is not None else f"{'-':>10}" for c in (r.cosine_mean, r.cosine_min)
        )
        times = f"{r.query_ms_p50:>8.1f} ms{r.query_ms_p95:>5.0f} ms{r.cold_s:>6.2f} s{r.peak_mb:>6.0f} MB"
        lines.append(f"{r.engine:10}{r.precision:11}{speeds}{times}{cosines}")
    return "\n".join([*lines, "Columns in tok: tokens a second for texts of that many tokens."])


def measure(engine: str, precision: str, started: float) -> Speed:
    """Measure in this process, which began at `started` (seconds since the epoch)."""
    import embedder

    with embedder.load(engine=engine, precision=precision) as model:  # type: ignore[arg-type]
        model.embed_queries(["where did we leave the boat?"])
        cold = time.time() - started
        rng = random.Random(1)
        latencies = [_seconds(model.embed_queries, [_text(rng, 8)]) * 1000 for _ in range(QUERIES)]
        timed = {str(length): _timed(model, rng, length) for length in LENGTHS}
        mean, worst = _cosines(model)
        cuts = statistics.quantiles(latencies, n=20)
        return Speed(
            engine=engine,
            precision=precision,
            tokens_per_second=sum(t for t, _ in timed.values()) / sum(s for _, s in timed.values()),
            tokens_per_second_by_length={length: t / s for length, (t, s) in timed.items()},
            query_ms_p50=statistics.median(latencies),
            query_ms_p95=cuts[18],
            cold_s=cold,
            peak_mb=_peak_mb(),
            cosine_mean=mean,
            cosine_min=worst,
        )


def _in_child(engine: str, precision: str) -> Speed:
    command = [sys.executable, "-m", "app.bench.embed", engine, precision, repr(time.time())]
    finished = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Speed(**json.loads(finished.stdout))


def _timed(model: embedder.Embedder, rng: random.Random, length: int) -> tuple[int, float]:
    """Tokens of texts of about that length, and the seconds they took."""
    texts = [_text(rng, length - 12) for _ in range(max(4, TOKENS_EACH // length))]
    model.embed_documents(texts[: max(2, len(texts) // 4)])
    tokens = sum(model.count_tokens(texts))
    return tokens, _seconds(model.embed_documents, texts)


def _cosines(model: embedder.Embedder) -> tuple[float | None, float | None]:
    from embedder import canary

    reference = canary.references().get(model.fingerprint.split("-")[0])
    if reference is None:
        return None, None
    cosines = (model.embed_documents(canary.TEXTS) * reference).sum(axis=1)
    return float(cosines.mean()), float(cosines.min())


def _text(rng: random.Random, words: int) -> str:
    """Words that are one token each, near enough."""
    return " ".join(rng.choices(WORDS, k=words))


def _seconds(function: Callable[[list[str]], object], texts: list[str]) -> float:
    start = time.perf_counter()
    function(texts)
    return time.perf_counter() - start


def _peak_mb() -> float:
    """Resident memory at its highest; the unit of `ru_maxrss` is bytes on macOS and KiB elsewhere."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        1 << 20 if sys.platform == "darwin" else 1 << 10
    )


if __name__ == "__main__":
    result = measure(sys.argv[1], sys.argv[2], float(sys.argv[3]))
    sys.stdout.write(json.dumps(asdict(result)))
