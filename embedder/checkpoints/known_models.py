"""The checkpoints known by name: where each is published, and the sizes and digests of its files.

Knows nothing of fetching. The digests are those of Google's files on the model hub.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from embedder.checkpoints import Progress, no_progress
from embedder.checkpoints.models import DEFAULT_MODEL
from embedder.config import MlxPrecision
from embedder.errors import ModelInvalid, ModelNotFound

TERMS = "https://ai.google.dev/gemma/terms"
NOTICE = f"Gemma is provided under and subject to the Gemma Terms of Use found at {TERMS}\n"
FETCH_ANEW = "Run `ken model fetch --again`."

_READ_AT_ONCE = 1 << 20
"""Bytes per read of a file whose digest is computed."""


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file of a checkpoint: its path in the folder, its size in bytes and its digest.

    `sha256` is empty where a source gives only the digest that git keeps of small files, `git_sha1`.
    """

    path: str
    bytes: int
    sha256: str = ""
    git_sha1: str = ""

    def check(self, path: Path, progress: Progress = no_progress) -> None:
        """Raise `ModelInvalid`, naming the file, where its contents are not the expected ones."""
        size = path.stat().st_size
        if size != self.bytes:
            raise ModelInvalid(
                f"{self.path} has {size:,} bytes where {self.bytes:,} are expected.", FETCH_ANEW
            )
        digest = hashlib.sha256() if self.sha256 else hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
        with path.open("rb") as file:
            while part := file.read(_READ_AT_ONCE):
                digest.update(part)
                progress(file.tell(), size)
        if digest.hexdigest() != (self.sha256 or self.git_sha1):
            expected = self.sha256 or self.git_sha1
            raise ModelInvalid(
                f"{self.path} is not the published file: its digest is {digest.hexdigest()}, not {expected}.",
                FETCH_ANEW,
            )


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A checkpoint known by name.

    `repositories` of the hub are tried in order. `files` is empty where only the hub knows the digests;
    `precision` is what the float checkpoint is converted to where the hub has none.
    """

    name: str
    repositories: tuple[str, ...]
    files: tuple[KnownFile, ...] = ()
    precision: MlxPrecision | None = None

    @property
    def bytes(self) -> int:
        return total_bytes(self.files)


def total_bytes(files: Iterable[KnownFile]) -> int:
    return sum(file.bytes for file in files)


GOOGLE_FILES = (
    KnownFile("config.json", 1488, "8f863f76e2d9c710cc833dc92efa898c9adfd41031c786507cc6b0e49c2e3e68"),
    KnownFile(
        "config_sentence_transformers.json",
        997,
        "8eadac15526f83d8950aa8d962a7f4f6e3d678bea71689960194561f33a5f64f",
    ),
    KnownFile("tokenizer.json", 33385008, "6852f8d561078cc0cebe70ca03c5bfdd0d60a45f9d2e0e1e4cc05b68e9ec329e"),
    KnownFile(
        "2_Dense/model.safetensors",
        9437272,
        "c327f2acb00149676ade24a75e11eb6ebbd367f9ee050267ba56829d2979f702",
    ),
    KnownFile(
        "3_Dense/model.safetensors",
        9437272,
        "ffb6cc5162e11e2ce6bc2367e121ee3bbbc4e82e1ee26826bd7573d4948d81b8",
    ),
    KnownFile(
        "model.safetensors", 1211486072, "cbf5a78393b6a033e0b8a63a57549964f7ed5c6fbeb4ba0694214f36123f2fd2"
    ),
)

FLOAT = KnownModel(DEFAULT_MODEL, ("google/embeddinggemma-300m", "unsloth/embeddinggemma-300m"), GOOGLE_FILES)

_MLX: tuple[MlxPrecision, ...] = ("bf16", "8bit", "4bit")
KNOWN_MODELS = {FLOAT.name: FLOAT} | {
    f"{DEFAULT_MODEL}-{precision}": KnownModel(
        f"{DEFAULT_MODEL}-{precision}",
        (f"mlx-community/{DEFAULT_MODEL}-{precision}",),
        precision=precision,
    )
    for precision in _MLX
}


def known_model(name: str) -> KnownModel:
    """The model of that name. Raises `ModelNotFound` for a name ken does not know."""
    if name not in KNOWN_MODELS:
        raise ModelNotFound(
            f"ken knows no model called {name!r}.", f"Choose one of: {', '.join(KNOWN_MODELS)}."
        )
    return KNOWN_MODELS[name]
