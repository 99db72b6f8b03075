"""PowerPoint presentations of before 2007 (.ppt): slides as pages, their texts, notes and comments.

Owns where the records are (MS-PPT): the newest edit says which slides there are, and where.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from index.errors import FileFailed, FileSkipped
from index.extract.document_builder import DocumentBuilder, one_line
from index.extract.ole import Compound
from index.extract.source import Source
from index.types import Document

_HEADER = struct.Struct("<HHI")
_CONTAINER = 15
_SLIDE_LIST, _PERSIST, _HEADING, _CHARACTERS, _BYTES, _WORDS = 4080, 1011, 3999, 4000, 4008, 4026
_USER_EDIT, _DIRECTORY, _COMMENT, _NOTES_OF = 4085, 6002, 12000, 1009
_TITLES = frozenset({0, 6})
_SLIDES, _NOTES = 0, 2
_MOST_RECORDS = 500_000
_MOST_EDITS = 1_000
_ENCRYPTED = 0xF3D1C4DF


class _Record(NamedTuple):
    kind: int
    instance: int
    start: int
    end: int
    is_container: bool


@dataclass(slots=True)
class _Slide:
    place: int
    """The number by which the slide is found."""
    number: int
    """The number by which others refer to it."""
    texts: list[tuple[int, str]] = field(default_factory=list)
    """What kind of text, and its words."""


def read(source: Source) -> Document:
    """A presentation of PowerPoint 97 to 2003."""
    file = Compound(source)
    stream = file.stream("PowerPoint Document")
    try:
        deck = _Deck(stream, file.stream("Current User"))
        builder = DocumentBuilder()
        notes = {deck.number_of_notes(slide): slide for slide in deck.slides(_NOTES)}
        for number, slide in enumerate(deck.slides(_SLIDES), 1):
            builder.begin_page()
            _add(builder, number, [*slide.texts, *deck.texts_at(slide.place)])
            if slide.number in notes:
                for _, words in deck.texts_at(notes[slide.number].place):
                    builder.add(words, "prose")
    except struct.error:
        raise FileFailed("It is damaged: where its slides are cannot be made out.") from None
    return builder.document("pptx", file.title)


def _add(builder: DocumentBuilder, number: int, texts: list[tuple[int, str]]) -> None:
    title = next((one_line(words) for kind, words in texts if kind in _TITLES and words.strip()), "")
    builder.open(1, title or f"Slide {number}", shown=bool(title))
    for words in dict.fromkeys(words for kind, words in texts if one_line(words) != title):
        builder.add(words, "slide")


class _Deck:
    """The records of a presentation and where the newest edit finds them."""

    def __init__(self, stream: bytes, user: bytes) -> None:
        self._stream = stream
        self._records = 0
        (token, offset) = struct.unpack_from("<II", user, 12)
        if token == _ENCRYPTED:
            raise FileSkipped("It is locked with a password.", "Save a copy without a password.")
        self._places, document = self._directory(offset)
        self._document = self._at(self._places.get(document, -1))

    def slides(self, instance: int) -> Iterator[_Slide]:
        """The slides in order, or the pages of notes, with the texts that the outline keeps."""
        lists = (r for r in self._inside(self._document) if r.kind == _SLIDE_LIST and r.instance == instance)
        for record in lists:
            slide: _Slide | None = None
            kind = -1
            for part in self._inside(record):
                if part.kind == _PERSIST:
                    if slide is not None:
                        yield slide
                    place, _, _, number = struct.unpack_from("<IIII", self._stream, part.start)
                    slide = _Slide(place, number)
                elif part.kind == _HEADING:
                    (kind,) = struct.unpack_from("<I", self._stream, part.start)
                elif slide is not None and (words := self._words(part)):
                    slide.texts.append((kind, words))
            if slide is not None:
                yield slide

    def number_of_notes(self, notes: _Slide) -> int:
        """The number of the slide that a page of notes belongs to."""
        page = self._at(self._places.get(notes.place, -1))
        atom = next((part for part in self._inside(page) if part.kind == _NOTES_OF), None)
        return int(struct.unpack_from("<I", self._stream, atom.start)[0]) if atom is not None else -1

    def texts_at(self, place: int) -> Iterator[tuple[int, str]]:
        """The texts in a slide's own shapes, and its comments."""
        waiting = [self._at(self._places.get(place, -1))]
        kind = -1
        while waiting:
            record = waiting.pop()
            if record.kind == _COMMENT:
                yield (
                    -1,
                    ": ".join(self._utf_16(part) for part in self._inside(record) if part.kind == _WORDS),
                )
            elif record.is_container:
                waiting.extend(reversed([*self._inside(record)]))
            elif record.kind == _HEADING:
                (kind,) = struct.unpack_from("<I", self._stream, record.start)
            elif words := self._words(record):
                yield kind, words

    def _directory(self, offset: int) -> tuple[dict[int, int], int]:
        """The offset of each numbered record, the newest edit first, and the number of the document."""
        places: dict[int, int] = {}
        document = -1
        for _ in range(_MOST_EDITS):
            edit = self._at(offset)
            if edit.kind != _USER_EDIT:
                break
            before, directory, main = struct.unpack_from("<III", self._stream, edit.start + 8)
            document = main if document < 0 else document
            for number, place in self._entries(self._at(directory)):
                places.setdefault(number, place)
            if not before or before == offset:
                break
            offset = before
        return places, document

    def _entries(self, directory: _Record) -> Iterator[tuple[int, int]]:
        at = directory.start if directory.kind == _DIRECTORY else directory.end
        while at + 4 <= directory.end:
            (head,) = struct.unpack_from("<I", self._stream, at)
            first, count = head & 0xFFFFF, head >> 20
            for i, place in enumerate(struct.unpack_from(f"<{count}I", self._stream, at + 4)):
                yield first + i, place
            at += 4 + 4 * count

    def _at(self, offset: int) -> _Record:
        if not 0 <= offset <= len(self._stream) - _HEADER.size:
            return _Record(-1, 0, 0, 0, False)
        version, kind, size = _HEADER.unpack_from(self._stream, offset)
        start = offset + _HEADER.size
        end = min(start + size, len(self._stream))
        return _Record(kind, version >> 4, start, end, version & 15 == _CONTAINER)

    def _inside(self, record: _Record) -> Iterator[_Record]:
        at = record.start
        while at + _HEADER.size <= record.end:
            self._records += 1
            if self._records > _MOST_RECORDS:
                raise FileFailed("It is damaged, or has more parts than are read.")
            part = self._at(at)
            yield part._replace(end=min(part.end, record.end))
            at = part.end

    def _words(self, record: _Record) -> str:
        if record.kind == _CHARACTERS:
            return self._utf_16(record)
        if record.kind == _BYTES:
            return _lines(self._stream[record.start : record.end].decode("latin-1"))
        return ""

    def _utf_16(self, record: _Record) -> str:
        return _lines(self._stream[record.start : record.end].decode("utf-16-le", "replace"))


def _lines(words: str) -> str:
    return words.replace("\r", "\n").replace("\x0b", "\n")
