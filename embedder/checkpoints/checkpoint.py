"""An opened checkpoint: any known layout of EmbeddingGemma's weights under one naming.

Owns reading, widening and the fingerprint; knows nothing of engines.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedder.checkpoints import layouts
from embedder.checkpoints.quantization import QuantizedWeight, dequantize_affine
from embedder.checkpoints.safetensors_file import FETCH_AGAIN, Tensor, widen
from embedder.config import GemmaConfig
from embedder.errors import ModelInvalid

EMBEDDING = "model.embed_tokens"

_SAMPLE_BYTES = 4096
"""Bytes of each sample of a tensor in the fingerprint: one page of memory or disk."""

_MAX_CACHED = 8
"""Checkpoints whose headers are cached, of about 100 KB each: more than users have models."""


def open_checkpoint(folder: Path) -> Checkpoint:
    """Open a checkpoint and check every tensor's name, type and shape; no weight is read.

    Raises `ModelInvalid`, naming each tensor that is missing, unexpected or of another shape.
    """
    config = GemmaConfig.from_folder(folder)
    tensors = layouts.read_tensors(folder)
    shapes = layouts.expected_shapes(config, layouts.dense_size(tensors))
    quantization = layouts.check_tensors(tensors, shapes)
    return Checkpoint(folder, config, tensors, shapes, quantization)


def cached_checkpoint(folder: Path) -> Checkpoint:
    """As `open_checkpoint`, but a folder is opened again only where a file's size or time changed.

    For frequent use of the fingerprint: a call costs a few `stat`s, while opening reads every tensor.
    """
    paths = [folder / "config.json", *(path for path, _ in layouts.weight_files(folder))]
    return _open_cached(folder, tuple(map(_stamp, paths)))


@lru_cache(maxsize=_MAX_CACHED)
def _open_cached(folder: Path, stamps: tuple[tuple[str, int, int], ...]) -> Checkpoint:
    return open_checkpoint(folder)


def _stamp(path: Path) -> tuple[str, int, int]:
    """Path, bytes and time of change in nanoseconds; zeros where there is no such file."""
    try:
        stat = path.stat()
    except OSError:
        return str(path), 0, 0
    return str(path), stat.st_size, stat.st_mtime_ns


@dataclass(frozen=True)
class Checkpoint:
    """An opened checkpoint. Reading is thread-safe; arrays are fresh maps or copies that the caller owns."""

    folder: Path
    config: GemmaConfig
    tensors: dict[str, Tensor]
    shapes: layouts.Shapes
    """Logical shape of each weight, also where it is stored quantized."""
    quantization: layouts.Scheme | None
    """Group size and bits of the quantized weights; None where all weights are floats."""

    @property
    def names(self) -> tuple[str, ...]:
        """The weights: `….weight` of every layer, without scales and biases."""
        return tuple(self.shapes)

    @property
    def quantized_precision(self) -> str | None:
        """ "8bit" or "4bit"; None where all weights are floats."""
        return f"{self.quantization[1]}bit" if self.quantization else None

    @property
    def precision(self) -> str:
        """How the weights are stored: "f32", "bf16", "f16", "8bit" or "4bit"."""
        return self.quantized_precision or self.tensors[f"{EMBEDDING}.weight"].dtype.lower()

    @property
    def files(self) -> list[Path]:
        """The files that this checkpoint consists of."""
        weights = {tensor.path for tensor in self.tensors.values()}
        return [self.folder / "config.json", self.folder / "tokenizer.json", *sorted(weights)]

    def float32(self, name: str) -> NDArray[np.float32]:
        """A weight in float32 with its logical shape: mapped, widened or dequantized."""
        quantized = self.quantized(name)
        if quantized is None:
            return self.tensors[name].float32()
        return dequantize_affine(quantized, self.shapes[name][1])

    def quantized(self, name: str) -> QuantizedWeight | None:
        """Codes, scales and biases of a weight, the last two in float32; None for a float weight."""
        layer = name.removesuffix(".weight")
        if f"{layer}.scales" not in self.tensors:
            return None
        scales, biases = (self.tensors[f"{layer}.{part}"].float32() for part in ("scales", "biases"))
        return QuantizedWeight(self.tensors[name].map(), scales, biases)

    def embedding_rows(self, ids: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
        """Rows of the embedding table, float32 of shape `ids.shape + (hidden_size,)`, unscaled.

        Each distinct row is read from the file, so that the table (400 MB in bfloat16) never takes memory.
        Raises `ValueError` for an id beyond the vocabulary.
        """
        distinct, places = np.unique(ids, return_inverse=True)
        if distinct.size and not 0 <= distinct[0] <= distinct[-1] < self.config.vocab_size:
            raise ValueError(f"token ids reach from {distinct[0]} to {distinct[-1]}")
        weight, *rest = (
            (tensor, self._rows(tensor, distinct))
            for part in ("weight", "scales", "biases")
            if (tensor := self.tensors.get(f"{EMBEDDING}.{part}"))
        )
        if rest:
            scales, biases = (widen(rows, tensor.dtype) for tensor, rows in rest)
            table = dequantize_affine(QuantizedWeight(weight[1], scales, biases), self.config.hidden_size)
        else:
            table = widen(weight[1], weight[0].dtype)
        gathered: NDArray[np.float32] = table[places.reshape(np.shape(ids))]
        return gathered

    def _rows(self, tensor: Tensor, rows: NDArray[np.integer[Any]]) -> NDArray[Any]:
        width = tensor.bytes // tensor.shape[0]
        descriptor = os.open(tensor.path, os.O_RDONLY)
        try:
            data = b"".join([os.pread(descriptor, width, tensor.offset + int(row) * width) for row in rows])
        finally:
            os.close(descriptor)
        if len(data) != width * len(rows):
            raise ModelInvalid(f"{tensor.path} became shorter while it was read.", FETCH_AGAIN)
        return np.frombuffer(data, tensor.map().dtype).reshape(len(rows), *tensor.shape[1:])

    @cached_property
    def fingerprint(self) -> str:
        """32 hex digits, equal for equal weights under any naming, made from a sample of every tensor.

        It distinguishes models in milliseconds; `ken model verify` digests whole files, which takes seconds.
        """
        digest = hashlib.blake2b(repr(sorted(asdict(self.config).items())).encode(), digest_size=16)
        for name, tensor in sorted(self.tensors.items()):
            digest.update(f"{name} {tensor.dtype} {tensor.shape}".encode())
            for part in _sample(tensor):
                digest.update(part)
        return digest.hexdigest()


def _sample(tensor: Tensor) -> Iterator[bytes]:
    """The first bytes of a tensor and those from its middle."""
    size = min(_SAMPLE_BYTES, tensor.bytes)
    with tensor.path.open("rb") as file:
        for start in (0, (tensor.bytes - size) // 2):
            file.seek(tensor.offset + start)
            yield file.read(size)
