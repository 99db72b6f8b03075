"""What an assistant may send: the types of arguments with their limits, and the reading of queries and paths.

The description of the tool names every limit; a value outside is an error, and is never cut silently.
"""

from __future__ import annotations

import os
from typing import Annotated, Any

from pydantic import BaseModel, Field

from app.errors import UsageInvalid
from app.query import Query, parse
from app.sanitize import path_of, plain_path

MAX_HITS = 50
MAX_CHARACTERS = 20_000
MAX_AROUND = 5_000
MAX_SPANS = 20
MAX_QUESTIONS = 10
MIN_TOKENS = 200
MAX_TOKENS = 20_000
MAX_QUERY = 10_000
"""Characters: more than any question; of a longer one the beginning would be compared anyway."""
MAX_PATH = 4096
"""Bytes: Linux's PATH_MAX; macOS' is 1,024."""
_MOST = (1 << 31) - 1
"""The largest position or line: more than any document that is read has."""
LANGUAGE = (
    'Query language: plain words are matched by meaning; "exact words"; one OR other; -word and -type:md '
    "exclude; /regex/; filters in:FOLDER type:pdf,md lang:python since:2w before:2024-05 heading:WORDS "
    "glob:*.md tag:NAME author:NAME size:>1mb; mode:words for words only; sort:date. Filters alone list "
    "files, newest first."
)

Limit = Annotated[int, Field(ge=1, le=MAX_HITS, description="How many files at most.")]
Path = Annotated[str, Field(description="A path as a hit gives it.")]
Start = Annotated[int, Field(ge=0, le=_MOST, description="Where to begin, in characters.")]
Length = Annotated[int, Field(ge=1, le=MAX_CHARACTERS, description="How many characters.")]
Around = Annotated[
    int, Field(ge=0, le=MAX_AROUND, description="Characters of what stands before and behind, besides.")
]
Line = Annotated[int, Field(ge=1, le=_MOST, description="A line of the file, as a hit gives it.")]
Question = Annotated[str, Field(description="A whole question, or a query with filters.")]
Questions = Annotated[
    list[str], Field(min_length=1, max_length=MAX_QUESTIONS, description="Whole questions or queries.")
]
Tokens = Annotated[
    int, Field(ge=MIN_TOKENS, le=MAX_TOKENS, description="Most tokens of the answer's texts, about.")
]


class Span(BaseModel):
    """A stretch of a file's text."""

    path: Path
    start: Start = 0
    length: Length = 2000


Spans = Annotated[list[Span], Field(min_length=1, max_length=MAX_SPANS, description="What to read.")]


def read_query(query: str) -> Query:
    """The query an assistant sends, taken apart. Raises `UsageInvalid` with words for it."""
    if len(query) > MAX_QUERY:
        raise UsageInvalid(f"The query has {len(query):,} characters.", f"Send at most {MAX_QUERY:,}.")
    parsed = parse(query.replace("\0", " ").encode("utf-8", "replace").decode())
    if parsed.problems:
        raise UsageInvalid(parsed.first_problem, "Correct the filter, or leave it out.")
    return parsed


def read_path(path: str) -> str:
    """The path that an assistant names: as an answer writes it, as JSON does, or as it is.

    Raises `UsageInvalid` where it is none.
    """
    try:
        packed = os.fsencode(path)
    except UnicodeEncodeError:
        raise UsageInvalid("The path holds characters that no path has.", _AS_IT_IS) from None
    if len(packed) > MAX_PATH or b"\0" in packed:
        what = "a NUL character" if b"\0" in packed else f"{len(packed):,} bytes"
        raise UsageInvalid(f"The path has {what}, and no path has.", _AS_IT_IS)
    if not path.startswith(os.sep):
        raise UsageInvalid(f"The path {plain_path(path)} is not absolute.", _AS_IT_IS)
    meant = path_of(path)
    return meant if os.path.lexists(meant) else path


_AS_IT_IS = "Give the path of a hit as it is written there."


def search_options(parsed: Query) -> dict[str, Any]:
    """What `Library.search` takes of a query beside its text."""
    return {"mode": parsed.mode or "hybrid", "filter": parsed.filter, "sort": parsed.sort or "score"}
