"""OpenVINO: x86 and Arm processors. Owns how a graph is compiled for a processor and how a batch runs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from embedder.batching import padded
from embedder.checkpoint import Checkpoint
from embedder.engine import Engine
from embedder.errors import PrecisionUnavailable
from embedder.openvino_graph import GRAPH_VERSION, build_graph


class OpenVINOEngine(Engine):
    """One checkpoint as a compiled graph."""

    name = "openvino"

    def __init__(self, checkpoint: Checkpoint, precision: str, *, threads: int | None = None) -> None:
        self._checkpoint = checkpoint
        self.precision = "bf16" if precision == "auto" else precision
        if self.precision not in ("f32", "bf16", "int8"):
            raise PrecisionUnavailable(f"OpenVINO does not run {self.precision}.", "Ask for f32, bf16 or int8.")
        self.version = f"openvino-{ov.__version__}-{GRAPH_VERSION}"
        self.batch_tokens = 512
        hint = {"f32": ov.Type.f32, "bf16": ov.Type.bf16, "int8": ov.Type.bf16}[self.precision]
        cfg = {"INFERENCE_PRECISION_HINT": hint, "NUM_STREAMS": 1}
        if threads:
            cfg["INFERENCE_NUM_THREADS"] = threads
        self._compiled = ov.Core().compile_model(build_graph(checkpoint, self.precision), "CPU", cfg)
        self._request = self._compiled.create_infer_request()
        self._head = [checkpoint.float32(f"dense.{i}.weight").T for i in range(2)]

    def run(self, ids: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        tokens, lengths = padded(ids)
        self._request.infer([self._checkpoint.embedding_rows(tokens), lengths])
        mean = self._request.get_output_tensor(0).data
        vectors = mean @ self._head[0] @ self._head[1]
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def close(self) -> None:
        del self._request, self._compiled
