"""The names and shapes of EmbeddingGemma's weights, and the check of the tensors in a folder.

Canonical names are those of the MLX layout (`model.layers.0.self_attn.q_proj.weight`, `dense.0.weight`). ken
reads Google's layout (dense layers in `2_Dense` and `3_Dense`) and MLX's bf16, 8-bit and 4-bit ones. Knows
nothing of the values of the weights.
"""

from __future__ import annotations

import re
from pathlib import Path

from embedder.checkpoints.quantization import BITS, GROUP_SIZES
from embedder.checkpoints.safetensors_file import FETCH_AGAIN, Tensor, read_header
from embedder.config import GemmaConfig
from embedder.errors import ModelInvalid

FLOATS = ("F32", "BF16", "F16")

Shapes = dict[str, tuple[int, ...]]

Scheme = tuple[int, int]
"""Group size and bits of a quantized weight."""

_DENSE_SIZE = 3072
"""Width between the two dense layers of the published model, for a message where the first one is missing."""

_MAX_PROBLEMS = 20
"""Problems that one error lists: a foreign checkpoint has hundreds."""

_HOW_TO_GET_ONE = (
    "ken reads Google's float layout and MLX's bf16, 8-bit and 4-bit ones in groups of 32, 64 or 128; "
    "`ken model fetch` gets one."
)


def weight_files(folder: Path) -> list[tuple[Path, str]]:
    """The safetensors files of a folder, each with what is put before the names of its tensors."""
    dense = [(folder / f"{i + 2}_Dense" / "model.safetensors", f"dense.{i}.") for i in range(2)]
    main = [(path, "") for path in sorted(folder.glob("model*.safetensors"))]
    return main + [(path, prefix) for path, prefix in dense if path.is_file()]


def read_tensors(folder: Path) -> dict[str, Tensor]:
    """Every tensor of a folder under its canonical name; no weight is read. Raises `ModelInvalid`."""
    files = weight_files(folder)
    if not any(prefix == "" for _, prefix in files):
        raise ModelInvalid(f"{folder} has no model.safetensors.", "Give the folder of a whole checkpoint.")
    found: dict[str, Tensor] = {}
    for path, prefix in files:
        for stored, tensor in read_header(path).items():
            name = prefix + stored.removeprefix("linear.") if prefix else canonical_name(stored)
            if name in found:
                raise ModelInvalid(f"{folder} holds {name} twice ({path.name}).", FETCH_AGAIN)
            found[name] = tensor
    return found


def canonical_name(stored: str) -> str:
    """The MLX layout's name of a tensor stored with or without its `model.` prefix."""
    if re.match(r"(embed_tokens|layers|norm)\.", stored):
        return "model." + stored
    return stored


def dense_size(tensors: dict[str, Tensor]) -> int:
    """Width between the two dense layers: the rows of the first, which config.json does not state."""
    first = tensors.get("dense.0.weight")
    return first.shape[0] if first and len(first.shape) == 2 else _DENSE_SIZE


def expected_shapes(config: GemmaConfig, dense: int) -> Shapes:
    """Canonical name and logical shape of every weight, matrices as (outputs, inputs)."""
    hidden, mlp = config.hidden_size, config.intermediate_size
    queries, keys = (n * config.head_dim for n in (config.num_attention_heads, config.num_key_value_heads))
    layer: Shapes = {
        "input_layernorm": (hidden,),
        "mlp.down_proj": (hidden, mlp),
        "mlp.gate_proj": (mlp, hidden),
        "mlp.up_proj": (mlp, hidden),
        "post_attention_layernorm": (hidden,),
        "post_feedforward_layernorm": (hidden,),
        "pre_feedforward_layernorm": (hidden,),
        "self_attn.k_norm": (config.head_dim,),
        "self_attn.k_proj": (keys, hidden),
        "self_attn.o_proj": (hidden, queries),
        "self_attn.q_norm": (config.head_dim,),
        "self_attn.q_proj": (queries, hidden),
        "self_attn.v_proj": (keys, hidden),
    }
    shapes: Shapes = {
        "dense.0.weight": (dense, hidden),
        "dense.1.weight": (hidden, dense),
        "model.embed_tokens.weight": (config.vocab_size, hidden),
        "model.norm.weight": (hidden,),
    }
    for index in range(config.num_hidden_layers):
        shapes |= {f"model.layers.{index}.{part}.weight": shape for part, shape in layer.items()}
    return shapes


def check_tensors(tensors: dict[str, Tensor], shapes: Shapes) -> Scheme | None:
    """Compare tensors with the expected shapes; the scheme that all quantized weights share, None for floats.

    Raises `ModelInvalid`, naming each tensor that is missing, unexpected or of another shape.
    """
    problems: list[str] = []
    schemes: dict[Scheme, str] = {}
    known = set(shapes)
    for name, shape in shapes.items():
        layer = name.removesuffix(".weight")
        known |= {f"{layer}.scales", f"{layer}.biases"} if len(shape) == 2 else set()
        found = _scheme_or_problem(tensors, layer, shape)
        if isinstance(found, str):
            problems.append(found)
        elif found:
            schemes.setdefault(found, name)
    problems += [
        f"{name} {describe_tensor(tensors[name])} is not expected" for name in tensors if name not in known
    ]
    if len(schemes) > 1:
        each = (f"{bits} bits in groups of {group} ({name})" for (group, bits), name in schemes.items())
        problems.append(f"the weights are quantized in more than one way: {', '.join(each)}")
    if problems:
        more = len(problems) - _MAX_PROBLEMS
        shown = "\n  ".join(problems[:_MAX_PROBLEMS] + ([f"and {more} more"] if more > 0 else []))
        raise ModelInvalid(f"The tensors are not those of this architecture:\n  {shown}", _HOW_TO_GET_ONE)
    return next(iter(schemes), None)


def describe_tensor(tensor: Tensor) -> str:
    """A tensor's stored type and shape, for messages."""
    return f"{tensor.dtype} {list(tensor.shape)}"


def _scheme_or_problem(tensors: dict[str, Tensor], layer: str, shape: tuple[int, ...]) -> Scheme | str | None:
    """The scheme of a quantized weight, None for a float one, or a sentence on what is wrong with it."""
    weight, scales, biases = (tensors.get(f"{layer}.{part}") for part in ("weight", "scales", "biases"))
    expected = f"{layer}.weight: expected floats {list(shape)}"
    if weight is None:
        return f"{expected}, found nothing"
    if scales is None and biases is None:
        fits = weight.dtype in FLOATS and weight.shape == shape
        return None if fits else f"{expected}, found {describe_tensor(weight)}"
    if scales and biases and len(shape) == 2 and (scheme := _scheme(weight, scales, biases, shape)):
        return scheme
    found = ", ".join(
        f"{part} {describe_tensor(tensor) if tensor else 'missing'}"
        for part, tensor in (("weight", weight), ("scales", scales), ("biases", biases))
    )
    return f"{expected}, or quantized to 4 or 8 bits in groups of 32, 64 or 128; found {found}"


def _scheme(weight: Tensor, scales: Tensor, biases: Tensor, shape: tuple[int, ...]) -> Scheme | None:
    """The group size and bits that the stored shapes fit, if any."""
    rows, columns = shape
    for bits in BITS:
        for group in GROUP_SIZES:
            codes, groups = (rows, columns * bits // 32), (rows, columns // group)
            fits = columns % group == 0 and weight.shape == codes and scales.shape == biases.shape == groups
            if fits and weight.dtype == "U32" and scales.dtype in FLOATS and biases.dtype in FLOATS:
                return group, bits
    return None
