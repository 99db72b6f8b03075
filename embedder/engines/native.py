"""ken's own kernel, for the instruction sets of x86-64 and Arm processors.

Owns the C structures and the call. The arithmetic is in the kernel (`embedder/engines/native_kernel`), which
is built during the installation of ken, if there is a C compiler. It multiplies int8 by int8, with a Hadamard
transform and one scale for each row of activations, or bfloat16 by bfloat16.
"""

from __future__ import annotations

import ctypes
import hashlib
from collections.abc import Sequence

import numpy as np

from embedder.checkpoints.array_file import Array
from embedder.checkpoints.checkpoint import Checkpoint
from embedder.config import GemmaConfig
from embedder.engines.base import Engine, Ids, Vectors
from embedder.engines.cpu import usable_cores
from embedder.engines.instructions import INSTRUCTIONS, Instructions
from embedder.engines.native_kernel import LIBRARY, instructions
from embedder.engines.native_weights import NORMS, PRODUCTS, native_weights
from embedder.errors import EngineUnavailable, PrecisionUnavailable

_BATCH_TOKENS = 512
"""Tokens of a batch: activations of more do not fit the second-level cache, and a query waits for one
batch."""

_DEPTH_MULTIPLE, _HEAD_MULTIPLE = 128, 32
"""Numbers of a row, and of a head, that the kernel processes at a time."""


class _Layer(ctypes.Structure):
    _fields_ = (
        ("weight", ctypes.c_void_p * len(PRODUCTS)),
        ("scale", ctypes.c_void_p * len(PRODUCTS)),
        ("column_offset", ctypes.c_void_p * len(PRODUCTS)),
        ("norm", ctypes.c_void_p * len(NORMS)),
        ("sliding", ctypes.c_int32),
    )


_COUNTS = ("hidden", "heads", "kv_heads", "head_dim", "mlp", "layers", "window", "int8")


class _Model(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int32) for name in _COUNTS),
        ("epsilon", ctypes.c_float),
        ("rotary", ctypes.c_void_p * 2),
        ("norm", ctypes.c_void_p),
        ("head", ctypes.c_void_p),
        ("layer", ctypes.POINTER(_Layer)),
    )


class NativeEngine(Engine):
    """One checkpoint's weights in the kernel's layout, and the kernel."""

    name = "native"

    def __init__(
        self,
        checkpoint: Checkpoint,
        precision: str,
        *,
        threads: int | None = None,
        instruction_set: Instructions = "auto",
    ) -> None:
        """`instruction_set` is one of `native_kernel.instructions()`; `auto` is the fastest."""
        if not instructions():
            raise EngineUnavailable(
                "The native engine was not built here.",
                "Install ken again with a C compiler at hand, or choose the engine mlx.",
            )
        self.instruction_set = instructions()[0] if instruction_set == "auto" else instruction_set
        if self.instruction_set not in instructions():
            raise EngineUnavailable(
                f"This processor cannot run the native engine with {self.instruction_set}.",
                f"It has: {', '.join(instructions())}.",
            )
        _check_shapes(checkpoint.config)
        self._checkpoint = checkpoint
        self.precision = resolve(checkpoint, precision)
        self.batch_tokens = _BATCH_TOKENS
        self._threads = threads or usable_cores()
        self._library = ctypes.CDLL(str(LIBRARY))
        kind = "int8" if self.precision == "int8" else "bf16"
        self._arrays = native_weights(checkpoint, kind)
        self._model = _model(checkpoint.config, self._arrays, kind)
        kernel = hashlib.blake2b(LIBRARY.read_bytes(), digest_size=8).hexdigest()
        self.version = f"native-{kernel}-{self.instruction_set}"

    def run(self, ids: Ids) -> Vectors:
        start = np.zeros(len(ids) + 1, dtype=np.int32)
        np.cumsum([len(text) for text in ids], out=start[1:])
        states = self._checkpoint.embedding_rows(np.concatenate(ids))
        vectors = np.empty((len(ids), states.shape[1]), dtype=np.float32)
        x, starts, out = (array.ctypes.data_as(ctypes.c_void_p) for array in (states, start, vectors))
        model, number = ctypes.byref(self._model), INSTRUCTIONS.index(self.instruction_set)
        if self._library.ken_run(model, x, starts, len(ids), self._threads, number, out):
            raise MemoryError(f"There is no memory for {start[-1]} tokens at once.")
        return vectors

    def close(self) -> None:
        del self._model
        self._arrays.clear()


def resolve(checkpoint: Checkpoint, precision: str) -> str:
    """The precision to run at; `auto` is the stored one of quantized weights, int8 for floats.

    Quantized weights are converted to bfloat16.
    """
    stored = checkpoint.quantized_precision
    if precision == "auto":
        return stored or "int8"
    if precision not in ("int8", "bf16", stored):
        raise PrecisionUnavailable(
            f"The native engine does not run this checkpoint at {precision}.",
            "Ask for int8 or bf16, or for the engine mlx.",
        )
    return precision


def _check_shapes(config: GemmaConfig) -> None:
    depths = (config.hidden_size, config.num_attention_heads * config.head_dim, config.intermediate_size)
    if any(depth % _DEPTH_MULTIPLE for depth in depths) or config.head_dim % _HEAD_MULTIPLE:
        raise EngineUnavailable(
            "The native engine takes 128 numbers at a time; this model's sizes are not multiples of that.",
            "Choose the engine mlx.",
        )


def _model(config: GemmaConfig, arrays: dict[str, Array], precision: str) -> _Model:
    """The C structure, with pointers into `arrays`, which must outlive it."""

    def pointers(names: Sequence[str]) -> list[int | None]:
        return [arrays[name].ctypes.data if name in arrays else None for name in names]

    layers = (_Layer * config.num_hidden_layers)()
    for index, layer in enumerate(layers):
        layer.weight[:] = pointers([f"{index}.{product}" for product in PRODUCTS])
        layer.scale[:] = pointers([f"{index}.{product}.scale" for product in PRODUCTS])
        layer.column_offset[:] = pointers([f"{index}.{product}.column_offset" for product in PRODUCTS])
        layer.norm[:] = pointers([f"{index}.{norm}" for norm in NORMS])
        layer.sliding = config.is_sliding(index)
    counts = (
        config.hidden_size,
        config.num_attention_heads,
        config.num_key_value_heads,
        config.head_dim,
        config.intermediate_size,
        config.num_hidden_layers,
        config.window,
        precision == "int8",
    )
    rotary = (ctypes.c_void_p * 2)(*pointers(["full", "sliding"]))
    return _Model(*counts, config.rms_norm_eps, rotary, *pointers(["norm", "head"]), layers)
