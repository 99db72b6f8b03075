"""Something that embeds, in a process of its own, asked over its standard input: ken, or another way to run
the same model.

A request is a line of JSON: `{"task": "document" | "query", "texts": [...], "alone": bool}`; the answer is
`{"seconds": [...], "processor_s": …}`, one number for each text where they were embedded alone, else one for
all, and the processor time of every thread. An empty
request is answered with what the process knows of itself, and ends it. The file runs on its own, in whichever
Python has the other software: only the standard library is imported before a contestant is.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any, Protocol

PROMPTS = {"document": "title: none | text: ", "query": "task: search result | query: "}


class Contestant(Protocol):
    def embed(self, texts: list[str], task: str) -> Any:
        """Vectors (texts, 768) of texts without their prompts."""

    def cosines(self) -> list[float] | None:
        """With the float32 reference that is shipped; None where there is none, as for all but ken."""
        return None


class KenContestant(Contestant):
    def __init__(self, engine: str, precision: str, instructions: str = "auto") -> None:
        import embedder

        self.model = embedder.load(
            engine=engine,  # type: ignore[arg-type]
            precision=precision,  # type: ignore[arg-type]
            instructions=instructions,  # type: ignore[arg-type]
        )

    def embed(self, texts: list[str], task: str) -> Any:
        return self.model.embed_documents(texts) if task == "document" else self.model.embed_queries(texts)

    def cosines(self) -> list[float] | None:
        from embedder import self_test

        reference = self_test.references().get(self.model.fingerprint.split("-")[0])
        if reference is None:
            return None
        return [float(c) for c in (self.model.embed_documents(self_test.TEXTS) * reference).sum(axis=1)]


class SentenceTransformers(Contestant):
    """`dtype` as torch names it; one text at a time, which is its fastest way on a processor."""

    def __init__(self, model: str, dtype: str) -> None:
        import torch
        from sentence_transformers import SentenceTransformer

        options = {"dtype": getattr(torch, dtype), "attn_implementation": "sdpa"}
        self.model = SentenceTransformer(model, device="cpu", model_kwargs=options)
        self.dtype = dtype

    def embed(self, texts: list[str], task: str) -> Any:
        prompted = [PROMPTS[task] + text for text in texts]
        vectors = self.model.encode(prompted, batch_size=1, convert_to_tensor=True, show_progress_bar=False)
        return vectors.float().cpu().numpy()


class OpenVINO(Contestant):
    """A graph exported from PyTorch: `ids`, `mask` to vectors; bfloat16 where the processor has it."""

    def __init__(self, graph: str, tokenizer: str) -> None:
        import openvino
        from tokenizers import Tokenizer

        self.tokenizer = Tokenizer.from_file(str(Path(tokenizer) / "tokenizer.json"))
        self.tokenizer.enable_truncation(2048)
        options = {
            "INFERENCE_PRECISION_HINT": "bf16",
            "NUM_STREAMS": 1,
            "DYNAMIC_QUANTIZATION_GROUP_SIZE": 128,
        }
        self.model = openvino.Core().compile_model(graph, "CPU", options)

    def embed(self, texts: list[str], task: str) -> Any:
        import numpy as np

        rows = []
        for encoding in self.tokenizer.encode_batch([PROMPTS[task] + text for text in texts]):
            ids = np.array([encoding.ids], dtype=np.int64)
            rows.append(self.model((ids, np.ones_like(ids)))[0][0].copy())
        return np.stack(rows)


class LlamaCpp(Contestant):
    """A GGUF file through llama-cpp-python."""

    def __init__(self, file: str) -> None:
        from llama_cpp import Llama

        options = {"n_ctx": 2048, "n_batch": 2048, "n_ubatch": 2048, "flash_attn": True, "verbose": False}
        self.model = Llama(file, embedding=True, **options)

    def embed(self, texts: list[str], task: str) -> Any:
        return [self.model.embed([PROMPTS[task] + text], normalize=True, truncate=True) for text in texts]


PEERS: dict[str, type[Any]] = {
    "sentence-transformers": SentenceTransformers,
    "openvino": OpenVINO,
    "llama.cpp": LlamaCpp,
}


def seconds(contestant: Contestant, request: dict[str, Any]) -> list[float]:
    texts: list[str] = request["texts"]
    times = []
    for part in [[text] for text in texts] if request["alone"] else [texts]:
        start = time.perf_counter()
        contestant.embed(part, request["task"])
        times.append(time.perf_counter() - start)
    return times


def main(kind: str, started: float, *arguments: str) -> None:
    kinds: dict[str, type[Any]] = {"ken": KenContestant, **PEERS}
    contestant: Contestant = kinds[kind](*arguments)
    contestant.embed(["where did we leave the boat?"], "query")
    cold = time.time() - started
    for line in sys.stdin:
        request = json.loads(line)
        if not request:
            break
        began = time.process_time()
        took = seconds(contestant, request)
        answer = {"seconds": took, "processor_s": time.process_time() - began}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    facts = {"cold_s": cold, "peak_mb": _peak_mb(), "cosines": contestant.cosines()}
    sys.stdout.write(json.dumps(facts) + "\n")


def _peak_mb() -> float:
    """Resident memory at its highest; the unit of `ru_maxrss` is bytes on macOS and KiB elsewhere."""
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), *sys.argv[3:])
