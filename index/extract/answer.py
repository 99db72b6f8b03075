"""A reader's answer as the parent takes it: checked whole, for who sends it has met a hostile file.

Owns what an answer may hold. A number outside its text, a kind that is none, a part that is missing:
each is that file's failure and nothing else. Knows nothing of processes and sockets.
"""

from __future__ import annotations

import errno
import json
import os
import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

from index import kinds
from index.errors import FileFailed, FileSkipped, FileWithheld
from index.extract.front_matter import MOST_FIELDS, MOST_LINKS
from index.extract.opening import error_of_errno
from index.extract.recognizer import MOST_PAGES
from index.extract.source import MAX_CHARACTERS
from index.extract.worker import NO_LINES, SECTION_KINDS
from index.languages import TITLES
from index.place import MAX_PLACES
from index.types import UNKNOWN_CTIME, CatalogEntry, Document, Passage, Place, Section, clamp_int64

MAX_HEADER_BYTES = 16 << 20
"""Bytes: ten times what the largest documents have."""
MAX_NUMBERS_BYTES = 64 << 20
MAX_TEXT_BYTES = 4 * (MAX_CHARACTERS + 2)
_MOST_LISTS = 1_000_000
"""In a header: each costs the parent some seventy bytes of memory, and the child two."""
_SECTION_NUMBERS, _PASSAGE_NUMBERS, _PLACE_NUMBERS = 4, 7, 5
_MOST_LINES = 1 << 31
_LONGEST_REASON = 1_000
_LONGEST_DIGITS = 18
_NONSENSE = (
    "It made the reader give an answer that cannot be right, so the file is damaged, or made to do harm."
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_HASH = re.compile("[0-9a-f]{32}")
_LANGUAGES = TITLES | {""}

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class ExtractedDocument:
    """A document, and the file it was read from as it stood then."""

    document: Document
    """Without its sections where it was cut."""
    passages: tuple[Passage, ...]
    hash: bytes
    """BLAKE2b of the content, 16 bytes."""
    size: int
    mtime_ns: int
    inode: int
    ctime_ns: int = UNKNOWN_CTIME


@dataclass(frozen=True, slots=True)
class PackedAnswer:
    """What a child sent: the parts of `worker.pack_answer`, as bytes."""

    header: bytes
    numbers: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class ParsedAnswer:
    """An answer that was understood."""

    document: Document
    passages: tuple[Passage, ...]
    hash: bytes
    memory: int
    """Resident bytes of the child at its peak."""

    def of_file(self, status: os.stat_result) -> ExtractedDocument:
        """With the file as it stood when it was read."""
        return ExtractedDocument(
            self.document,
            self.passages,
            self.hash,
            status.st_size,
            clamp_int64(status.st_mtime_ns),
            status.st_ino,
            clamp_int64(status.st_ctime_ns),
        )


@dataclass(frozen=True, slots=True)
class Refusal:
    """The reader found a reason not to read the file."""

    error: FileSkipped | FileFailed
    memory: int


class _Nonsense(ValueError):
    """An answer no reader gives."""


def parse_answer(answer: PackedAnswer, most_tokens: int | None) -> ParsedAnswer | Refusal:
    """What an answer says; `most_tokens` of a passage, None where sections were asked for.

    Raises FileFailed where it is not what a reader answers.
    """
    try:
        header = _header(answer.header)
        if "refused" in header:
            return _decode_refusal(header)
        return _read(header, _numbers(answer.numbers), _text(answer.body), most_tokens)
    except (ValueError, RecursionError, OverflowError):
        raise FileFailed(_NONSENSE) from None


def _header(data: bytes) -> dict[str, Any]:
    if data.count(b"[") + data.count(b"{") > _MOST_LISTS:
        raise _Nonsense
    header = json.loads(data.decode("ascii"), parse_float=_no_number, parse_constant=_no_number)
    return _check_type(header, dict)


def _no_number(_: str) -> Any:
    raise _Nonsense


def _decode_refusal(header: dict[str, Any]) -> Refusal:
    what, fix = (" ".join(_words(header.get(key, "")).split())[:_LONGEST_REASON] for key in ("what", "fix"))
    memory = _count(header.get("memory"))
    match header["refused"]:
        case "skipped" if what:
            return Refusal(FileSkipped(what, fix), memory)
        case "withheld" if what:
            return Refusal(FileWithheld(what, fix), memory)
        case "failed" if what:
            return Refusal(FileFailed(what, fix), memory)
        case "unreadable" if _count(header.get("errno")) in errno.errorcode:
            return Refusal(error_of_errno(header["errno"]), memory)
    raise _Nonsense


def _read(header: dict[str, Any], numbers: array[int], text: str, most_tokens: int | None) -> ParsedAnswer:
    headings = [_heading(path) for path in _check_type(header.get("headings"), list)]
    pages = tuple(_position(page, text) for page in _check_type(header.get("pages"), list))
    if any(a > b for a, b in pairwise(pages)) or header.get("cut") is not (most_tokens is not None):
        raise _Nonsense
    sections: tuple[Section, ...] = ()
    passages: tuple[Passage, ...] = ()
    parts = _count(header.get("parts"))
    if most_tokens is None:
        rest = _SECTION_NUMBERS * parts
        sections = tuple(_sections(numbers[:rest], text, headings))
    else:
        title = _words(header.get("passage_title"))
        places = _Places(numbers[_PASSAGE_NUMBERS * parts :], headings, len(pages))
        rows = numbers[: _PASSAGE_NUMBERS * parts]
        passages = tuple(_passages(rows, text, headings, title, len(pages), most_tokens, places))
        rest = _PASSAGE_NUMBERS * parts + places.used
    lines = _lines(numbers[rest:], text, header.get("lines"))
    document = Document(
        text,
        _one_of(header.get("kind"), kinds.names() | {"picture"}),
        _words(header.get("title")),
        _one_of(header.get("language"), _LANGUAGES),
        sections,
        pages,
        _words(header.get("note")),
        lines,
        tuple(_span(span, text) for span in _check_type(header.get("withheld"), list)),
        tuple(_decode_field(field) for field in _check_type(header.get("fields"), list)[:MOST_FIELDS]),
        tuple(_words(link) for link in _check_type(header.get("links"), list)[:MOST_LINKS]),
        tuple(_count(page) for page in _check_type(header.get("scans"), list)[:MOST_PAGES]),
        tuple(_entry(entry) for entry in _check_type(header.get("catalog"), list)),
    )
    return ParsedAnswer(document, passages, _hash(header.get("hash")), _count(header.get("memory")))


def _decode_field(value: object) -> tuple[str, str]:
    name, words = _check_type(value, list)
    return _words(name), _words(words)


def _entry(value: object) -> CatalogEntry:
    """What is said of another file, which is below the folder of the one that says it."""
    path, fields = _check_type(value, list)
    parts = _words(path).split("/")
    if "\0" in path or not all(parts) or not {".", ".."}.isdisjoint(parts):
        raise _Nonsense
    return CatalogEntry(
        _words(path), tuple(_decode_field(one) for one in _check_type(fields, list)[:MOST_FIELDS])
    )


def _sections(numbers: array[int], text: str, headings: list[tuple[str, ...]]) -> Iterator[Section]:
    at = 0
    for start, end, kind, heading in _rows(numbers, _SECTION_NUMBERS):
        if not at <= start <= end <= len(text) or kind >= len(SECTION_KINDS) or heading >= len(headings):
            raise _Nonsense
        yield Section(start, end, SECTION_KINDS[kind], headings[heading])
        at = end


def _passages(
    numbers: array[int],
    text: str,
    headings: list[tuple[str, ...]],
    title: str,
    pages: int,
    most_tokens: int,
    places: _Places,
) -> Iterator[Passage]:
    at = 0
    for start, end, line, heading, page, tokens, placed in _rows(numbers, _PASSAGE_NUMBERS):
        if not at <= start < end <= len(text) or line > _MOST_LINES or tokens > most_tokens:
            raise _Nonsense
        if heading >= len(headings) or page > pages:
            raise _Nonsense
        yield Passage(
            text[start:end],
            start,
            end,
            line,
            title,
            headings[heading],
            page or None,
            tokens,
            tuple(places.take(placed, end - start)),
        )
        at = end


class _Places:
    """The places of all passages, taken one passage after the other."""

    def __init__(self, numbers: array[int], headings: list[tuple[str, ...]], pages: int) -> None:
        self._numbers = numbers
        self._headings = headings
        self._pages = pages
        self.used = 0

    def take(self, count: int, length: int) -> Iterator[Place]:
        """The next `count`, of a passage of `length` characters."""
        first, self.used = self.used, self.used + _PLACE_NUMBERS * count
        if count > MAX_PLACES or self.used > len(self._numbers):
            raise _Nonsense
        at = 0
        for offset, line, counted, page, heading in _rows(self._numbers[first : self.used], _PLACE_NUMBERS):
            if not at <= offset < length or line > _MOST_LINES or counted > 1:
                raise _Nonsense
            if heading >= len(self._headings) or page > self._pages:
                raise _Nonsense
            yield Place(offset, line, bool(counted), page or None, self._headings[heading])
            at = offset


def _lines(numbers: array[int], text: str, count: object) -> tuple[tuple[int, int], ...] | None:
    """Which positions come from which line of the file; None where the text is the file's own."""
    if count == NO_LINES:
        if numbers:
            raise _Nonsense
        return None
    pairs = tuple((position, line) for position, line in _rows(numbers, 2))
    wrong = any(position > len(text) or line > _MOST_LINES for position, line in pairs)
    if len(pairs) != _count(count) or wrong or any(a[0] > b[0] for a, b in pairwise(pairs)):
        raise _Nonsense
    return pairs


def _rows(numbers: array[int], width: int) -> Iterator[tuple[int, ...]]:
    return zip(*[iter(numbers)] * width, strict=True)


def _numbers(data: bytes) -> array[int]:
    return array("I", data)


def _text(data: bytes) -> str:
    """The text; half a surrogate pair becomes U+FFFD, so that no position moves."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = _whole(data.decode("utf-8", "surrogatepass"))
    if len(text) > MAX_CHARACTERS + 2:
        raise _Nonsense
    return text


def _heading(path: object) -> tuple[str, ...]:
    return tuple(_words(part) for part in _check_type(path, list))


def _words(value: object) -> str:
    return _whole(_check_type(value, str))


def _whole(words: str) -> str:
    return _SURROGATE.sub("\ufffd", words)


def _one_of(value: object, known: frozenset[str]) -> str:
    words = _check_type(value, str)
    if words not in known:
        raise _Nonsense
    return words


def _hash(value: object) -> bytes:
    words = _check_type(value, str)
    if not _HASH.fullmatch(words):
        raise _Nonsense
    return bytes.fromhex(words)


def _span(value: object, text: str) -> tuple[int, int]:
    start, end = _check_type(value, list)
    if not 0 <= _count(start) < _count(end) <= len(text):
        raise _Nonsense
    return start, end


def _position(value: object, text: str) -> int:
    found = _count(value)
    if found > len(text):
        raise _Nonsense
    return found


def _count(value: object) -> int:
    number = _check_type(value, int)
    if not 0 <= number < 10**_LONGEST_DIGITS:
        raise _Nonsense
    return number


def _check_type(value: object, kind: type[_T]) -> _T:
    """The value, which is of exactly this type: JSON's true is no number."""
    if type(value) is not kind:
        raise _Nonsense
    return value
