"""Benchmark `language FOLDER...`: how many passages of a folder's files are no language.

Judges passages by a measure of its own, coarser than the one that takes data out of documents: the share of
their characters that stands in unbroken runs no one would read. Lists every such passage.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field

from index.errors import FileSkipped
from index.passages.chunker import chunk_document
from tests.benchmarks.credentials import documents

_RUN = re.compile(r"[!-~]{30,}")
_ADDRESS = re.compile(r"\w{1,20}://|www\.|[\w.-]+@|[\w~./-]+/[\w.-]+\Z")
_WORD = re.compile(r"[A-Z]?[a-z]{3,20}")
_MOST = 0.4
"""Of a passage's characters, no blanks counted."""
_SHOWN = 100


@dataclass(slots=True)
class Odd:
    """A passage that is no language."""

    path: str
    share: float
    text: str


@dataclass(slots=True)
class LanguageScan:
    files: int = 0
    passages: int = 0
    odd: list[Odd] = field(default_factory=list)


def run(folders: Sequence[str], say: Callable[[str], None] = lambda _: None) -> LanguageScan:
    """Cut every readable file below `folders`."""
    result = LanguageScan()
    for path, document in documents(folders, say):
        if isinstance(document, FileSkipped):
            continue
        result.files += 1
        for passage in chunk_document(document, path.stem, _count):
            result.passages += 1
            if (share := unreadable(passage.text)) > _MOST:
                result.odd.append(Odd(str(path), share, " ".join(passage.text.split())[:_SHOWN]))
    return result


def _count(texts: Sequence[str]) -> list[int]:
    """Tokens, about: four bytes each."""
    return [len(text.encode("utf-8", "surrogatepass")) // 4 for text in texts]


def unreadable(text: str) -> float:
    """The share of a text in long runs that are neither words nor addresses."""
    size = len("".join(text.split()))
    runs = (found.group() for found in _RUN.finditer(text))
    odd = sum(len(run) for run in runs if not _ADDRESS.match(run) and not _reads(run) and len(set(run)) > 3)
    return odd / size if size else 0.0


def _reads(run: str) -> bool:
    return sum(map(len, _WORD.findall(run))) >= 0.4 * len(run)


def as_json(result: LanguageScan) -> dict[str, object]:
    return asdict(result)


def table(result: LanguageScan) -> str:
    lines = [f"{one.path}\n    {one.share:.0%}: {one.text}" for one in result.odd]
    share = 100 * len(result.odd) / max(1, result.passages)
    lines.append(
        f"{result.files:,} files, {result.passages:,} passages, {len(result.odd)} no language ({share:.2f} %)"
    )
    return "\n".join(lines)
