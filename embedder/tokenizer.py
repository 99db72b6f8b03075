"""Text to ids as the model takes them: `<bos>` in front, `<eos>` behind, cut at the context length.

Owns what is counted and where a text is cut; the vocabulary and its merging are `bpe`'s.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedder import bpe
from embedder.checkpoints.artifact_cache import keep, used
from embedder.checkpoints.models import models_folder
from embedder.config import ModelConfig
from embedder.errors import InputInvalid, ModelInvalid

_MAX_TOKENIZER_BYTES = 64 << 20
_FETCH_AGAIN = "Fetch or copy the checkpoint again, tokenizer.json included."
_PROBES = (
    "The quick brown fox jumps over 13 lazy dogs; it's 07:45, isn't it?\n\n\tif x != None: return [y ** 2]",
    "Zürich, façade, naïve, smørrebrød — «déjà vu» … № 5 ½ €",
    "Москва Ἐν ἀρχῇ 東京は日本の首都です。 한국어 ภาษาไทย नमस्ते مرحبا שלום",
    "🙂👩‍👩‍👧 \u200b\u0007 \U0001f9ff zzzzzzzzzzzz   \r\n <eos> <unused7> ▁▁",
)
"""Texts of many scripts on which new tables are held against the `tokenizers` library."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """Ids of texts, each between `<bos>` and `<eos>`, and which texts had to be cut."""

    ids: list[list[int]]
    truncated: list[bool]


class GemmaTokenizer:
    """Gemma's tokenizer. Safe to use from several threads; opened in milliseconds once its tables exist."""

    def __init__(self, encoding: bpe.BytePairEncoding, *, vocab_size: int, context_length: int) -> None:
        self._encoding = encoding
        self._vocab_size = vocab_size
        self.context_length = context_length
        self.pad, self.eos, self.bos, self.unknown = 0, 1, 2, 3

    @classmethod
    def from_folder(
        cls, folder: Path, config: ModelConfig | None = None, *, models: Path | None = None
    ) -> GemmaTokenizer:
        """The tokenizer of a checkpoint; its tables are kept under `models`, else in the models folder.

        Raises `ModelInvalid` where `tokenizer.json` is not Gemma's kind.
        """
        config = config or ModelConfig.from_folder(folder)
        encoding = bpe.BytePairEncoding(_tables(folder / "tokenizer.json", models or models_folder()))
        return cls(encoding, vocab_size=config.vocab_size, context_length=config.max_position_embeddings)

    def encode(
        self, texts: Iterable[str], prompts: Iterable[str] | None = None, *, max_tokens: int | None = None
    ) -> Encoded:
        """Ids of each text (each behind its prompt), at most `max_tokens` with `<bos>` and `<eos>`.

        The longest prefix that fits is kept. Raises `InputInvalid` for anything but strings.
        """
        limit = min(max_tokens or self.context_length, self.context_length) - 2
        whole = texts if prompts is None else (p + t for p, t in zip(prompts, texts, strict=True))
        ids: list[list[int]] = []
        truncated: list[bool] = []
        for text in whole:
            found, cut = self._encode(text, limit)
            ids.append([self.bos, *found, self.eos])
            truncated.append(cut)
        return Encoded(ids, truncated)

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, without prompt, `<bos>` and `<eos>`."""
        return [len(self._encoding.encode(_text(text))) for text in texts]

    def _encode(self, text: str, limit: int) -> tuple[list[int], bool]:
        # What lies behind the longest text that could fit is never looked at, so a huge text costs little.
        reach = (limit + 2) * self._encoding.longest_token
        ids = self._encoding.encode(_text(text)[:reach])
        if ids and max(ids) >= self._vocab_size:
            ids = [number if number < self._vocab_size else self.unknown for number in ids]
        return ids[:limit], len(ids) > limit or len(text) > reach


def _text(text: object) -> str:
    if not isinstance(text, str):
        raise InputInvalid(f"A text to embed is of type {type(text).__name__}.", "Give strings.")
    return text


def _tables(path: Path, models: Path) -> bpe.Tables:
    """The tables of a `tokenizer.json`, kept under `models` from the second time on."""
    try:
        stat = path.stat()
    except OSError as error:
        raise ModelInvalid(f"{path} cannot be read: {error.strerror}.", _FETCH_AGAIN) from error
    identity = f"{path.resolve()}\0{stat.st_size}\0{stat.st_mtime_ns}".encode("utf-8", "surrogateescape")
    kept = models / ".tokenizers" / f"2-{hashlib.blake2b(identity, digest_size=16).hexdigest()}"
    with suppress(ModelInvalid, OSError):
        if kept.is_file():
            tables = bpe.read_tables(kept)
            used(kept)
            return tables
    contents = _read(path, stat.st_size)
    try:
        tables = bpe.build_tables(contents)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ModelInvalid(f"{path} is not a whole tokenizer: {error!r}.", _FETCH_AGAIN) from error
    _check_tables(tables, path)
    with suppress(OSError):  # a folder that cannot be written to costs the next start a second
        keep(kept, lambda beside: bpe.write_tables(beside, tables))
    return tables


def _check_tables(tables: bpe.Tables, path: Path) -> None:
    """Hold tables that were just built against the library that reads `tokenizer.json` whole.

    Paid once per tokenizer; the library takes a second to load, so only this and tests import it.
    """
    from tokenizers import Tokenizer

    try:
        library = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise ModelInvalid(f"{path} is not a whole tokenizer: {error}.", _FETCH_AGAIN) from error
    ours = bpe.BytePairEncoding(tables)
    for text in _PROBES:
        if list(ours.encode(text)) != library.encode(text, add_special_tokens=False).ids:
            raise ModelInvalid(f"{path} cuts text in a way ken does not know.", _FETCH_AGAIN)


def _read(path: Path, size: int) -> dict[str, Any]:
    if size > _MAX_TOKENIZER_BYTES:
        raise ModelInvalid(f"{path} is larger than any tokenizer ken knows.", _FETCH_AGAIN)
    try:
        contents = json.loads(path.read_bytes())
        if isinstance(contents, dict):
            return contents
    except (OSError, ValueError, RecursionError) as error:
        raise ModelInvalid(f"{path} cannot be read: {error}.", _FETCH_AGAIN) from error
    raise ModelInvalid(f"{path} is not a JSON object.", _FETCH_AGAIN)
