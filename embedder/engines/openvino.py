"""OpenVINO: x86 and Arm processors. Owns how a graph is compiled for a processor and how a batch runs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedder.batching import padded
from embedder.checkpoints.artifact_cache import compiled_folder, keep, used
from embedder.checkpoints.checkpoint import Checkpoint
from embedder.engines.choose import Engine
from embedder.engines.openvino_graph import GRAPH_VERSION, build_graph
from embedder.engines.openvino_quiet import ov
from embedder.errors import PrecisionUnavailable

_ACTIVATION_GROUP = 128
"""Activations quantised together where the plugin runs int8 products: 32 to 256 differ by noise in speed."""

_BATCH_TOKENS = 512
"""Products gain under 5% from more rows than this, and a question never waits longer for its turn."""


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

    def run(self, ids: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        tokens, lengths = padded(ids)
        self._request.infer([self._checkpoint.embedding_rows(tokens), lengths])
        mean: NDArray[np.float32] = self._request.get_output_tensor(0).data
        vectors = mean @ self._dense[0] @ self._dense[1]
        unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit

    def close(self) -> None:
        del self._request, self._compiled


_WEIGHTS = {"f32": "f32", "bf16": "bf16", "int8": "int8", "8bit": "bf16", "4bit": "bf16"}
"""How the weights of products are stored in the graph at each precision."""


def resolve(checkpoint: Checkpoint, precision: str) -> str:
    """The precision to run at: int8 weights unless asked; packed checkpoints may also run as they are."""
    packed = f"{checkpoint.quantization[1]}bit" if checkpoint.quantization else None
    if precision == "auto":
        return packed or "int8"
    if precision in ("8bit", "4bit") and precision != packed:
        raise PrecisionUnavailable(
            f"The checkpoint holds no {precision} weights for OpenVINO to run.",
            f"Make some with `ken model convert --precision {precision}`, or ask for int8, bf16 or f32.",
        )
    return precision


def _settings(precision: str, capabilities: Sequence[str], threads: int | None) -> dict[str, Any]:
    """What the plugin is told: the only place where a processor's abilities decide anything.

    bfloat16 activations where the processor multiplies them, float32 elsewhere. Where it also has int8
    products the plugin quantises activations by group; on AMX it widens int8 weights to bfloat16 instead.
    """
    narrow = precision != "f32" and "BF16" in capabilities
    settings: dict[str, Any] = {
        "INFERENCE_PRECISION_HINT": ov.Type.bf16 if narrow else ov.Type.f32,
        "DYNAMIC_QUANTIZATION_GROUP_SIZE": _ACTIVATION_GROUP if precision == "int8" else 0,
        "NUM_STREAMS": 1,
    }
    return settings | ({"INFERENCE_NUM_THREADS": threads} if threads else {})


def _compile(
    core: ov.Core, checkpoint: Checkpoint, weights: str, settings: dict[str, Any], version: str
) -> ov.CompiledModel:
    """The graph compiled for this processor, from the copy an earlier start left where there is one."""
    identity = f"{checkpoint.fingerprint}\0{weights}\0{settings}\0{version}".encode()
    kept = compiled_folder() / hashlib.blake2b(identity, digest_size=16).hexdigest()
    with suppress(OSError, RuntimeError):  # a copy that cannot be used is made again
        imported = core.import_model(ov.Tensor(np.memmap(kept, np.uint8, "r")), "CPU", settings)
        used(kept)
        return imported
    compiled = core.compile_model(build_graph(checkpoint, weights), "CPU", settings)
    if weights == "int8":  # the others would take 400 MB of disk to save a second
        with suppress(OSError):  # a folder that cannot be written to costs the next start a second
            keep(kept, lambda beside: beside.write_bytes(compiled.export_model().getbuffer()))
    return compiled
