"""Benchmark `assistant`: what a model reads for twenty questions, through the protocol's own client.

Two ways to the same passages: a search and two reads of what it found (in the form of release 0.1.0 and as it
is now), and one bundle. The questions are the titles of files, evenly spread over the folder.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import anyio

from app import json_output
from app.api import Library
from app.query import parse
from tests.benchmarks.own_daemon import Say
from tests.benchmarks.own_library import own_library

QUESTIONS = 20
READ = 2
"""Hits that are read after a search."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What all questions together cost."""

    way: str
    calls: int
    bytes: int
    """Of the texts that a model reads: results of tools, in UTF-8."""
    seconds: float


def run(folder: Path, say: Say, mode: str = "hybrid") -> list[Cost]:
    """Index the folder apart from everything else, and ask."""
    with own_library([folder], say) as library:
        listed = library.search("", limit=10_000, filter=parse(f'in:"{folder}"').filter).hits
        titles = sorted({hit.title for hit in listed if hit.title})
        asked = titles[:: max(1, len(titles) // QUESTIONS)][:QUESTIONS]
        questions = [f"what do I know about {title.replace(':', ' ')} mode:{mode}" for title in asked]
        say(f"{len(questions)} questions")
        return [
            _old_form(library, questions),
            anyio.run(_search_and_read, library, questions),
            anyio.run(_bundles, library, questions),
        ]


def table(costs: list[Cost]) -> str:
    rows = [f"{'way':<34}{'calls':>7}{'bytes':>10}{'a question':>12}{'s':>7}"]
    for cost in costs:
        each = cost.bytes / QUESTIONS
        rows.append(f"{cost.way:<34}{cost.calls:>7}{cost.bytes:>10,}{each:>12,.0f}{cost.seconds:>7.1f}")
    return "\n".join(rows)


def as_json(costs: list[Cost]) -> list[dict[str, Any]]:
    return [asdict(cost) for cost in costs]


def _old_form(library: Library, questions: list[str]) -> Cost:
    """As 0.1.0 answered: every key of every hit, indented."""
    began, size = time.monotonic(), 0
    for question in questions:
        query = parse(question)
        found = library.search(query.text, mode=query.mode or "hybrid")
        size += len(json.dumps(json_output.answer(found), indent=2, ensure_ascii=False).encode())
        for hit in found.hits[:READ]:
            text = library.excerpt(hit.path, hit.start, 4000).text
            size += len(json.dumps({"path": hit.path, "title": hit.title, "text": text}, indent=2).encode())
    calls = len(questions) * (1 + READ)
    return Cost("search and two reads, as in 0.1.0", calls, size, time.monotonic() - began)


async def _search_and_read(library: Library, questions: list[str]) -> Cost:
    from mcp.client import Client

    from app.mcp.server import server

    began, size, calls = time.monotonic(), 0, 0
    async with Client(server(library)) as client:
        for question in questions:
            text = (await client.call_tool("search", {"query": question})).content[0].text  # type: ignore[union-attr]
            spans = [
                {"path": hit["path"], "start": hit["start"], "length": 4000}
                for hit in json.loads(text)["hits"][:READ]
            ]
            read = (await client.call_tool("read_many", {"spans": spans})).content[0].text  # type: ignore[union-attr]
            size += len(text.encode()) + len(read.encode())
            calls += 2
    return Cost("search and read_many", calls, size, time.monotonic() - began)


async def _bundles(library: Library, questions: list[str]) -> Cost:
    from mcp.client import Client

    from app.mcp.server import server

    began, size = time.monotonic(), 0
    async with Client(server(library)) as client:
        for question in questions:
            found = await client.call_tool("bundle", {"questions": [question]})
            size += len(found.content[0].text.encode())  # type: ignore[union-attr]
    return Cost("bundle of 2,000 tokens", len(questions), size, time.monotonic() - began)
