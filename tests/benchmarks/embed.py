"""Benchmark `embed`: speed, query latency, cold start, memory and exactness of every engine here.

Each engine and precision runs in a process of its own, so that peak memory and cold start are its own, and
takes its turn in every round; so does whatever else is named with `--beside`. Figures are medians of the
rounds. MLX is measured where it has a GPU: its CPU build computes a hundred times slower than the others.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from app.errors import UsageInvalid
from tests.benchmarks import TOP, contestant
from tests.benchmarks.percentile import percentile

LENGTHS = (64, 128, 256, 512)
ROUNDS = 3
TOKENS_EACH = 6000
"""Tokens embedded at each length in a round."""
QUERIES = 20
"""Questions in a round, asked one at a time."""
SCALAR_SHARE = 10
"""Plain C gets one of so many texts and questions: it would take most of the time."""
MLX_PRECISIONS = ("f32", "bf16", "8bit", "4bit")


def contestants_here() -> list[tuple[str, str, str]]:
    """Engine, precision and instruction set (empty for engines that choose their own) of each row.

    MLX where it is what `auto` chooses; else the kernel, at bf16 with the fastest instruction set only.
    """
    from embedder.engines.choose import choose
    from embedder.engines.native_kernel import instructions

    if choose("auto") == "mlx":
        return [("mlx", precision, "") for precision in MLX_PRECISIONS]
    sets = instructions()
    return [
        ("native", "int8", sets[0]),
        ("native", "bf16", sets[0]),
        *(("native", "int8", one) for one in sets[1:]),
    ]


@dataclass(frozen=True, slots=True)
class Speed:
    """What one engine does at one precision. Cosines are with the float32 reference that is shipped."""

    engine: str
    precision: str
    instructions: str
    """The instruction set of the native engine; empty for others."""
    tokens_per_second: float
    """Over texts of every length."""
    tokens_per_cpu_second: float
    """The same by the processor time of the process."""
    tokens_per_second_by_length: dict[str, float]
    query_ms_p50: float
    query_ms_p95: float
    cold_s: float
    """From the start of a process to its first vector."""
    peak_mb: float
    cosine_mean: float | None
    """None where no reference is shipped: for packed weights, and for other software."""
    cosine_min: float | None


@dataclass(slots=True)
class _Process:
    """A contestant and what it has shown so far."""

    engine: str
    precision: str
    instructions: str
    process: subprocess.Popen[str]
    latencies: list[float] = field(default_factory=list)
    speeds: dict[int, list[float]] = field(default_factory=lambda: {length: [] for length in LENGTHS})
    processor_speeds: dict[int, list[float]] = field(
        default_factory=lambda: {length: [] for length in LENGTHS}
    )

    @property
    def name(self) -> str:
        return " ".join(filter(None, (self.engine, self.precision, self.instructions)))

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise UsageInvalid(
                f"{self.name} ended while it was measured; what it said stands above.",
                "Name it as in --help, with a file that exists and a Python that has it.",
            )
        result: dict[str, Any] = json.loads(answer)
        return result

    def embed(self, texts: list[str], task: str, *, alone: bool = False) -> tuple[list[float], float]:
        """Seconds of each text, or of all, and the processor time of all."""
        answer = self.ask({"task": task, "texts": texts, "alone": alone})
        return answer["seconds"], answer["processor_s"]

    def result(self) -> Speed:
        facts = self.ask({})
        speeds = {str(length): statistics.median(of) for length, of in self.speeds.items()}
        processor = [statistics.median(of) for of in self.processor_speeds.values()]
        cosines = facts["cosines"]
        return Speed(
            self.engine,
            self.precision,
            self.instructions,
            statistics.harmonic_mean(speeds.values()),
            statistics.harmonic_mean(processor),
            speeds,
            statistics.median(self.latencies) * 1000,
            percentile(self.latencies, 95) * 1000,
            facts["cold_s"],
            facts["peak_mb"],
            statistics.mean(cosines) if cosines else None,
            min(cosines) if cosines else None,
        )


def run(
    say: Callable[[str], None] = lambda _: None, beside: Sequence[str] = (), python: str = sys.executable
) -> list[Speed]:
    """Measure every engine and precision of this machine in turns.

    `beside` names other software, as `sentence-transformers:FOLDER`, `openvino:GRAPH.xml` or
    `llama.cpp:FILE.gguf`; `python` is the interpreter that has it.
    """
    check_beside(beside)
    texts, questions = _texts()
    with ExitStack() as stack:
        contestants = []
        for engine, precision, instructions in contestants_here():
            say(f"{engine} {precision} {instructions} starts …")
            command = [sys.executable, "-m", "tests.benchmarks.contestant", "ken"]
            arguments = [engine, precision, instructions or "auto"]
            contestants.append(_start(stack, engine, precision, instructions, command, arguments))
        for other in beside:
            kind, _, path = other.partition(":")
            say(f"{kind} starts …")
            command = [python, contestant.__file__, kind]
            contestants.append(_start(stack, kind, Path(path).stem, "", command, _arguments(kind, path)))
        for number in range(ROUNDS):
            for each in contestants:
                say(f"round {number + 1} of {ROUNDS}: {each.name} …")
                _round(each, texts, questions)
        return [each.result() for each in contestants]


def check_beside(beside: Sequence[str]) -> None:
    """Raises `UsageInvalid` for software that is not known, or named without its path."""
    for other in beside:
        kind, _, path = other.partition(":")
        if kind not in contestant.PEERS or not path:
            listed = ", ".join(f"{name}:PATH" for name in contestant.PEERS)
            raise UsageInvalid(f"Nothing called {other!r} can be measured.", f"Give one of: {listed}.")


def _start(
    stack: ExitStack,
    engine: str,
    precision: str,
    instructions: str,
    command: list[str],
    arguments: list[str],
) -> _Process:
    command = [*command, repr(time.time()), *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=TOP)
    stack.enter_context(process)
    stack.callback(process.kill)
    started = _Process(engine, precision, instructions, process)
    started.embed(["once"], "query")  # it has loaded: what follows has the machine to itself
    return started


def _arguments(kind: str, path: str) -> list[str]:
    from embedder.checkpoints.models import find_model

    if kind == "sentence-transformers":
        return [path, "bfloat16"]
    return [path, str(find_model())] if kind == "openvino" else [path]


def _round(each: _Process, texts: dict[int, tuple[list[str], list[int]]], questions: list[str]) -> None:
    from embedder.engines.native_kernel import SCALAR

    share = SCALAR_SHARE if each.instructions == SCALAR else 1
    questions = questions[::share]
    for length, (every, counts) in texts.items():
        some, tokens = every[::share], sum(counts[::share])
        if share == 1:
            each.embed(some[: max(1, 512 // length)], "document")
        took, processor = each.embed(some, "document")
        each.speeds[length].append(tokens / took[0])
        each.processor_speeds[length].append(tokens / processor)
    each.embed(questions[:3], "query", alone=True)
    each.latencies += each.embed(questions, "query", alone=True)[0]


def _texts() -> tuple[dict[int, tuple[list[str], list[int]]], list[str]]:
    """For each length texts of about so many tokens and the tokens of each, prompt counted; and questions.

    English prose that every Python has: its own reference.
    """
    from pydoc_data.topics import topics

    from embedder.checkpoints.checkpoint import open_checkpoint
    from embedder.checkpoints.models import find_model
    from embedder.tokenizer import GemmaTokenizer

    words = " ".join(topics[name] for name in sorted(topics)).split()
    folder = find_model()
    tokenizer = GemmaTokenizer.from_folder(folder, open_checkpoint(folder).config)
    around = len(tokenizer.encode([""], [contestant.PROMPTS["document"]]).ids[0])
    texts = {}
    for length in LENGTHS:
        count = TOKENS_EACH // length
        some = [_cut(words[i * 700 :], length - around, tokenizer.count) for i in range(count)]
        texts[length] = some, [tokens + around for tokens in tokenizer.count(some)]
    return texts, [" ".join(words[i * 500 : i * 500 + 8]) for i in range(QUERIES)]


def _cut(words: list[str], tokens: int, count: Callable[[list[str]], list[int]]) -> str:
    """As many words as come to about that many tokens."""
    first = " ".join(words[:tokens])
    return " ".join(words[: tokens * tokens // count([first])[0]])


def as_json(results: Sequence[Speed]) -> list[dict[str, object]]:
    return [asdict(result) for result in results]


def table(results: Sequence[Speed]) -> str:
    names = [" ".join(filter(None, (r.engine, r.precision, r.instructions))) for r in results]
    width = max(map(len, names)) + 2
    head = " " * width + "".join(f"{f'{n} tok':>9}" for n in LENGTHS) + "  of first"
    head += f"{'a core':>9}"
    lines = [head + f"{'query p50':>11}{'p95':>8}{'cold':>8}{'peak':>9}{'cosine':>10}{'worst':>10}"]
    for name, r in zip(names, results, strict=True):
        speeds = "".join(f"{r.tokens_per_second_by_length[str(n)]:>9.0f}" for n in LENGTHS)
        share = f"{r.tokens_per_second / results[0].tokens_per_second:>9.2f} "
        cosines = "".join(
            f"{c:>10.5f}" if c is not None else f"{'-':>10}" for c in (r.cosine_mean, r.cosine_min)
        )
        times = f"{r.query_ms_p50:>8.1f} ms{r.query_ms_p95:>5.0f} ms{r.cold_s:>6.2f} s{r.peak_mb:>6.0f} MB"
        lines.append(f"{name:{width}}{speeds}{share}{r.tokens_per_cpu_second:>9.0f}{times}{cosines}")
    return "\n".join(
        [
            *lines,
            "tok: tokens a second for texts of that many tokens; a core: tokens a second of processor time.",
        ]
    )
