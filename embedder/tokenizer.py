"""Text to the token ids of the model's input: `<bos>`, prompt, text, `<eos>`, at most the context length.

Owns counting and truncation. The vocabulary and its merges are in `bpe`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from embedder.bpe import BytePairEncoding
from embedder.checkpoints.tokenizer_tables import tokenizer_tables
from embedder.config import GemmaConfig
from embedder.errors import InputInvalid


@dataclass(frozen=True, slots=True)
class Encoded:
    """Ids of texts, each between `<bos>` and `<eos>`, and which texts were truncated."""

    ids: list[list[int]]
    truncated: list[bool]


class GemmaTokenizer:
    """Gemma's tokenizer. Thread-safe; opens in milliseconds once its tables exist."""

    def __init__(self, encoding: BytePairEncoding, *, vocab_size: int, context_length: int) -> None:
        self._encoding = encoding
        self._vocab_size = vocab_size
        self.context_length = context_length
        self.pad, self.eos, self.bos, self.unknown = 0, 1, 2, 3

    @classmethod
    def from_folder(
        cls, folder: Path, config: GemmaConfig | None = None, *, models: Path | None = None
    ) -> GemmaTokenizer:
        """The tokenizer of a checkpoint; its tables are cached under `models`, else in the models folder.

        Raises `ModelInvalid` where `tokenizer.json` is not Gemma's kind.
        """
        config = config or GemmaConfig.from_folder(folder)
        encoding = BytePairEncoding(tokenizer_tables(folder / "tokenizer.json", models))
        return cls(encoding, vocab_size=config.vocab_size, context_length=config.max_position_embeddings)

    def encode(
        self, texts: Iterable[str], prompts: Iterable[str] | None = None, *, max_tokens: int | None = None
    ) -> Encoded:
        """Ids of each text (each after its prompt), at most `max_tokens` with `<bos>` and `<eos>`.

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
        return [len(self._encoding.encode(checked_text(text))) for text in texts]

    def _encode(self, text: str, limit: int) -> tuple[list[int], bool]:
        # Only as much text is encoded as can fit, so that a huge text costs little.
        reach = (limit + 2) * self._encoding.longest_token
        ids = self._encoding.encode(checked_text(text)[:reach])
        if ids and max(ids) >= self._vocab_size:
            ids = [number if number < self._vocab_size else self.unknown for number in ids]
        return ids[:limit], len(ids) > limit or len(text) > reach


def checked_text(text: object) -> str:
    """`text` itself. Raises `InputInvalid` where it is not a string."""
    if not isinstance(text, str):
        raise InputInvalid(f"A text to embed is of type {type(text).__name__}.", "Give strings.")
    return text
