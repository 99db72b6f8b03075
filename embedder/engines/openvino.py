"""OpenVINO: x86 and Arm processors.

Owns compiling the graph for a processor and running a batch; `openvino_graph` builds the graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from embedder.checkpoints.artifact_cache import compiled_path, mark_used, store
from embedder.checkpoints.checkpoint import Checkpoint
from embedder.engines.base import Engine, Ids, Vectors
from embedder.engines.batching import pad
from embedder.engines.openvino_graph import GRAPH_VERSION, build_graph
from embedder.engines.openvino_quiet import ov
from embedder.errors import PrecisionUnavailable

_ACTIVATION_GROUP = 128
"""Activations that share a scale in int8 products of the plugin: 32 to 256 are equally fast."""

_BATCH_TOKENS = 512
"""Tokens of a batch: more make products less than 5% faster, and a query waits for one batch."""


class OpenVINOEngine(Engine):
    """One checkpoint as a compiled graph."""

    name = "openvino"

    def __init__(self, checkpoint: Checkpoint, precision: str, *, threads: int | None = None) -> None:
        self._checkpoint = checkpoint
        self.precision = resolve(checkpoint, precision)
        self.batch_tokens = _BATCH_TOKENS
        core = ov.Core()
        processor = core.get_property("CPU", "FULL_DEVICE_NAME")
        self.version = f"openvino-{ov.__version__}-{GRAPH_VERSION}-{processor}"
        settings = _settings(self.precision, core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"), threads)
        self._compiled = _compile(core, checkpoint, _WEIGHTS[self.precision], settings, self.version)
        self._request = self._compiled.create_infer_request()
        self._dense = [checkpoint.float32(f"dense.{i}.weight").T for i in range(2)]

    def run(self, ids: Ids) -> Vectors:
        tokens, lengths = pad(ids)
        self._request.infer([self._checkpoint.embedding_rows(tokens), lengths])
        mean: Vectors = self._request.get_output_tensor(0).data
        vectors = mean @ self._dense[0] @ self._dense[1]
        unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit

    def close(self) -> None:
        del self._request, self._compiled


_WEIGHTS = {"f32": "f32", "bf16": "bf16", "int8": "int8", "8bit": "bf16", "4bit": "bf16"}
"""The storage of the products' weights in the graph at each precision."""


def resolve(checkpoint: Checkpoint, precision: str) -> str:
    """The precision to run at; `auto` is the stored one of quantized weights, int8 for floats."""
    stored = checkpoint.quantized_precision
    if precision == "auto":
        return stored or "int8"
    if precision in ("8bit", "4bit") and precision != stored:
        raise PrecisionUnavailable(
            f"The checkpoint holds no {precision} weights for OpenVINO to run.",
            f"Make some with `ken model convert --precision {precision}`, or ask for int8, bf16 or f32.",
        )
    return precision


def _settings(precision: str, capabilities: Sequence[str], threads: int | None) -> dict[str, Any]:
    """The plugin's properties.

    bfloat16 activations where the processor multiplies them, float32 elsewhere. Where it also has int8
    products the plugin quantizes activations by group; on AMX it widens int8 weights to bfloat16 instead.
    """
    use_bf16 = precision != "f32" and "BF16" in capabilities
    settings: dict[str, Any] = {
        "INFERENCE_PRECISION_HINT": ov.Type.bf16 if use_bf16 else ov.Type.f32,
        "DYNAMIC_QUANTIZATION_GROUP_SIZE": _ACTIVATION_GROUP if precision == "int8" else 0,
        "NUM_STREAMS": 1,
    }
    return settings | ({"INFERENCE_NUM_THREADS": threads} if threads else {})


def _compile(
    core: ov.Core, checkpoint: Checkpoint, weights: str, settings: dict[str, Any], version: str
) -> ov.CompiledModel:
    """The graph compiled for this processor, or the cached copy of an earlier start."""
    kept = compiled_path(f"{checkpoint.fingerprint}\0{weights}\0{settings}\0{version}")
    with suppress(OSError, RuntimeError):  # a copy that cannot be used is replaced
        imported = core.import_model(ov.Tensor(np.memmap(kept, np.uint8, "r")), "CPU", settings)
        mark_used(kept)
        return imported
    compiled = core.compile_model(build_graph(checkpoint, weights), "CPU", settings)
    if weights == "int8":  # the others would take 400 MB of disk to save a second
        with suppress(OSError):  # where nothing can be written, each start compiles: a second
            store(kept, lambda work: work.write_bytes(compiled.export_model().getbuffer()))
    return compiled
