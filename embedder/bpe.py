"""Gemma's byte-pair encoding from memory-mapped tables: exact, small and ready in milliseconds.

Owns the vocabulary and the merges; knows nothing of prompts, `<bos>` or the context length. The `tokenizers`
library parses 33 MB of JSON for a second and then holds 285 MB, twice the memory of the rest of the embedder.
Here the same vocabulary is a file of sorted numbers that is mapped and searched. The results equal those of
the library (`tests/embedder/test_tokenizer.py`), except for runs of more than `LONGEST_WORD` characters
without a space, which are merged in parts of that length to keep time linear.
"""

from __future__ import annotations

import json
import mmap
import re
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from heapq import heapify, heappop, heappush
from itertools import pairwise
from pathlib import Path
from typing import Any

from embedder.errors import ModelInvalid

SPACE = "▁"
LONGEST_WORD = 4096
"""Characters merged together: merging takes n log n, and no real word is as long."""

_MAX_CACHED = 1 << 15
"""Entries of each cache: a few megabytes."""

_CACHED_LENGTH = 32
"""Characters of the longest word that is cached: longer ones seldom occur twice."""

ID_BITS = 20
ID_MASK = (1 << ID_BITS) - 1
"""Bits of a token id: the vocabulary has 262,144. A pair of ids is one integer, the left id in the upper
bits; a merge is one integer, its rank in the upper bits and the resulting id in the lower."""
_NEVER = 1 << 63
"""Greater than any merge: marks a pair that does not merge."""

_SHORT = 48
"""Symbols up to which the quadratic merge is faster than the heap (measured)."""

_SURROGATE = re.compile("[\ud800-\udfff]")

_HEADER = 4096
"""Bytes of the header before the tables: name, type and offsets of each, in JSON, one page."""

Tables = dict[str, memoryview]
"""`pairs` (sorted) and `results`, `characters` (sorted) and `character_ids`: numbers; `words`: JSON."""


def build_tables(tokenizer: dict[str, Any]) -> Tables:
    """Tables from the contents of `tokenizer.json`. Raises `ModelInvalid` for other tokenizers than
    Gemma's."""
    _check_kind(tokenizer)
    model = tokenizer["model"]
    vocabulary: dict[str, int] = model["vocab"]
    if max(vocabulary.values()) > ID_MASK:
        raise ModelInvalid("tokenizer.json numbers its tokens beyond a million.", _OTHER)
    merges = [tuple(m.split(" ", 1)) if isinstance(m, str) else tuple(m) for m in model["merges"]]
    merged = {
        vocabulary[a] << ID_BITS | vocabulary[b]: rank << ID_BITS | vocabulary[a + b]
        for rank, (a, b) in enumerate(merges)  # a pair listed twice has its last rank
    }
    pairs = sorted(merged)
    singles = sorted((ord(token), number) for token, number in vocabulary.items() if len(token) == 1)
    added = {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    words = {
        "added": {token[:end]: -1 for token in added for end in range(1, len(token))} | added,
        "bytes": [vocabulary[f"<0x{byte:02X}>"] for byte in range(256)],
        "joined": sorted({a for token in vocabulary for a, b in pairwise(token) if b == SPACE != a}),
        "longest": max(map(len, (*vocabulary, *added))),
    }
    return {
        "pairs": _numbers("Q", pairs),
        "results": _numbers("Q", map(merged.__getitem__, pairs)),
        "characters": _numbers("I", (character for character, _ in singles)),
        "character_ids": _numbers("I", (number for _, number in singles)),
        "words": memoryview(json.dumps(words).encode()),
    }


def _numbers(kind: str, numbers: Iterable[int]) -> memoryview:
    return memoryview(array(kind, numbers))


_OTHER = "ken runs EmbeddingGemma: fetch it, tokenizer included, with `ken model fetch`."


def _check_kind(tokenizer: dict[str, Any]) -> None:
    """Raise `ModelInvalid` for a tokenizer with a step that this module does not have."""
    model, split = tokenizer.get("model") or {}, tokenizer.get("pre_tokenizer")
    normalizer = {"type": "Replace", "pattern": {"String": " "}, "content": SPACE}
    plain = ("single_word", "lstrip", "rstrip", "normalized")
    checks = {
        "model": model.get("type") == "BPE" and model.get("byte_fallback") is True,
        "merging": not any(
            model.get(key)
            for key in ("dropout", "continuing_subword_prefix", "end_of_word_suffix", "ignore_merges")
        ),
        "normalizer": tokenizer.get("normalizer") == normalizer,
        "pre_tokenizer": split is None
        or (split.get("type") == "Split" and split.get("pattern") == {"String": " "}),
        "added_tokens": not any(token[key] for token in tokenizer["added_tokens"] for key in plain),
    }
    if wrong := [name for name, right in checks.items() if not right]:
        raise ModelInvalid(f"tokenizer.json is not Gemma's kind of tokenizer ({', '.join(wrong)}).", _OTHER)


def write_tables(path: Path, tables: Tables) -> None:
    """Write tables for `read_tables`, each on a boundary of 8 bytes. Raises `OSError`."""
    layout: dict[str, tuple[str, int, int]] = {}
    end = _HEADER
    for name, table in tables.items():
        start = -(-end // 8) * 8
        end = start + table.nbytes
        layout[name] = table.format, start, end
    with path.open("wb") as file:
        file.write(json.dumps(layout).encode().ljust(_HEADER))
        for name, table in tables.items():
            file.seek(layout[name][1])
            file.write(table)


def read_tables(path: Path) -> Tables:
    """The tables that `write_tables` wrote to `path`, mapped. Raises `ModelInvalid` for any other file."""
    try:
        with path.open("rb") as file:
            whole = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        layout = json.loads(bytes(whole[:_HEADER]))
        tables = {name: whole[start:end].cast(kind) for name, (kind, start, end) in layout.items()}
        complete = all(tables[name].nbytes == end - start for name, (_, start, end) in layout.items())
    except (AttributeError, TypeError, ValueError, RecursionError) as error:
        raise ModelInvalid(f"{path} holds no tokenizer's tables: {error}.", "Delete it.") from error
    if not complete or tables.keys() != _TABLES:
        raise ModelInvalid(f"{path} is cut off.", "Delete it.")
    return tables


_TABLES = {"pairs", "results", "characters", "character_ids", "words"}


class _Pairs(dict[int, int]):
    """Rank and resulting id of a pair as one integer; `_NEVER` where the pair does not merge."""

    def __init__(self, tables: Tables) -> None:
        self._pairs, self._results = tables["pairs"], tables["results"]

    def __missing__(self, pair: int) -> int:
        place = bisect_left(self._pairs, pair)
        found = place < len(self._pairs) and self._pairs[place] == pair
        if len(self) >= _MAX_CACHED:
            self.clear()
        self[pair] = result = self._results[place] if found else _NEVER
        return result


class BytePairEncoding:
    """Text to ids, without special tokens around it. Safe to use from several threads."""

    def __init__(self, tables: Tables) -> None:
        words = json.loads(tables["words"].tobytes())
        self._characters, self._character_ids = tables["characters"], tables["character_ids"]
        self._added: dict[str, int] = words["added"]
        """Added tokens with their ids, and -1 for every proper prefix of one."""
        self._bytes: list[int] = words["bytes"]
        self.longest_token: int = words["longest"]
        starts = {prefix for prefix in self._added if len(prefix) == 1}
        self._added_starts = re.compile(f"[{re.escape(''.join(starts))}]" if starts else "(?!)")
        self._not_plain = re.compile(f"[{re.escape(''.join(starts))}\ud800-\udfff]")
        self._words = re.compile(_word_pattern(words["joined"]))
        self._word_cache: dict[str, tuple[int, ...]] = {}
        self._merged = _Pairs(tables).__getitem__
        self._character_cache: dict[str, tuple[int, ...]] = {}

    def encode(self, text: str) -> list[int]:
        """Ids of a text; a lone surrogate counts as U+FFFD."""
        ids: list[int] = []
        if self._not_plain.search(text) is None:
            self._encode_plain(text, ids)
            return ids
        text = _SURROGATE.sub("\ufffd", text)
        position = 0
        for start, end, number in self._find_added(text):
            self._encode_plain(text[position:start], ids)
            ids.append(number)
            position = end
        self._encode_plain(text[position:], ids)
        return ids

    def _find_added(self, text: str) -> Iterator[tuple[int, int, int]]:
        """Added tokens in the text, as start, end and id: the leftmost, and of those the longest."""
        added, position = self._added, 0
        while match := self._added_starts.search(text, position):
            start = match.start()
            position = end = start + 1
            found = -1
            while (number := added.get(text[start:end])) is not None:
                if number >= 0:
                    found, position = number, end
                if end >= len(text):
                    break
                end += 1
            if found >= 0:
                yield start, position, found

    def _encode_plain(self, text: str, ids: list[int]) -> None:
        cache = self._word_cache
        text = text.replace(" ", SPACE)
        for word in self._words.findall(text) if text.rfind(SPACE) > 0 else (text,):
            cached = cache.get(word)
            ids += self._encode_long(word) if cached is None else cached

    def _encode_long(self, word: str) -> Sequence[int]:
        """Ids of a word of any length; equal parts in a row are merged once."""
        if len(word) <= LONGEST_WORD:
            return self._encode_word(word)
        last = ""
        found: Sequence[int] = ()
        ids: list[int] = []
        for start in range(0, len(word), LONGEST_WORD):
            part = word[start : start + LONGEST_WORD]
            if part != last:
                last, found = part, self._encode_word(part)
            ids += found
        return ids

    def _encode_word(self, word: str) -> Sequence[int]:
        symbols: list[int] = []
        for character in word:
            symbols += self._character_cache.get(character) or self._symbols_of(character)
        ids = tuple(self._merge(symbols) if len(symbols) > _SHORT else self._merge_short(symbols))
        if len(word) <= _CACHED_LENGTH:
            if len(self._word_cache) >= _MAX_CACHED:
                self._word_cache.clear()
            self._word_cache[word] = ids
        return ids

    def _symbols_of(self, character: str) -> tuple[int, ...]:
        """The id of a character, or those of its bytes."""
        point = ord(character)
        place = bisect_left(self._characters, point)
        if place < len(self._characters) and self._characters[place] == point:
            symbols: tuple[int, ...] = (self._character_ids[place],)
        else:
            symbols = tuple(self._bytes[byte] for byte in character.encode())
        if len(self._character_cache) >= _MAX_CACHED:
            self._character_cache.clear()
        self._character_cache[character] = symbols
        return symbols

    def _merge_short(self, symbols: list[int]) -> list[int]:
        """As `_merge`, faster for few symbols: the time grows with their square."""
        merged = self._merged
        ranks = [merged(left << ID_BITS | right) for left, right in pairwise(symbols)]
        while ranks and (best := min(ranks)) != _NEVER:
            place = ranks.index(best)
            symbols[place] = symbol = best & ID_MASK
            del symbols[place + 1], ranks[place]
            if place:
                ranks[place - 1] = merged(symbols[place - 1] << ID_BITS | symbol)
            if place < len(ranks):
                ranks[place] = merged(symbol << ID_BITS | symbols[place + 1])
        return symbols

    def _merge(self, symbols: list[int]) -> list[int]:
        """Merge the pair of lowest rank, leftmost first, until none is left. O(n log n)."""
        merged = self._merged
        end = len(symbols)
        following = list(range(1, end + 1))
        preceding = list(range(-1, end - 1))
        queue = [
            (result, place)
            for place in range(end - 1)
            if (result := merged(symbols[place] << ID_BITS | symbols[place + 1])) != _NEVER
        ]
        heapify(queue)
        while queue:
            result, place = heappop(queue)
            left, right = symbols[place], following[place]
            if left < 0 or right == end or merged(left << ID_BITS | symbols[right]) != result:
                continue  # one of the two has been merged away since
            symbols[place], symbols[right] = result & ID_MASK, -1
            following[place] = right = following[right]
            if right < end:
                preceding[right] = place
                if (result := merged(symbols[place] << ID_BITS | symbols[right])) != _NEVER:
                    heappush(queue, (result, place))
            left = preceding[place]
            if left >= 0 and (result := merged(symbols[left] << ID_BITS | symbols[place])) != _NEVER:
                heappush(queue, (result, left))
        return [symbol for symbol in symbols if symbol >= 0]


def _word_pattern(joined: Sequence[str]) -> str:
    """Words with the spaces before them; no token, so no merge, reaches from one into the next.

    `joined` are the characters that some token has before a space.
    """
    word = f"{SPACE}*[^{SPACE}]*"
    joined_words = f"(?:(?<=[{re.escape(''.join(joined))}]){SPACE}+[^{SPACE}]*)*" if joined else ""
    return f"(?s:{word}{joined_words})"
