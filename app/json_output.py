"""The JSON contract: what `--json` prints, as `assets/docs/json.md` documents it.

Keys are only ever added. Paths are absolute; a path whose bytes are not UTF-8 carries them as lone
surrogates (Python's `os.fsdecode`), escaped as `\\udcNN`. Text from files is unchanged; a character that
is not printable or not visible is escaped as `\\uNNNN`, which changes no value.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from app.sanitize import escaped
from index.types import HEADING_SEPARATOR, Hit

if TYPE_CHECKING:
    from app.api import Answer, Folder, Problem, Progress, Status, SyncReport, Why
    from embedder.checkpoints.models import InstalledModel

Json = dict[str, Any]


def dumps(value: object) -> str:
    """One line of JSON of printable characters only, safe for any terminal or pipe."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return escaped(text, lambda character: json.dumps(character)[1:-1])


def answer(found: Answer) -> Json:
    """`ken search --json` and `ken similar --json`."""
    result: Json = {
        "query": found.query,
        "mode": found.mode,
        "fresh": found.fresh,
        "took_ms": round(found.took_ms, 1),
        "hits": [hit(h, found.stale) for h in found.hits],
        "close": found.is_close,
        "confidence": round(found.confidence, 4),
        "waiting": found.waiting,
        "complete": found.complete,
        "listed": found.listed,
    }
    if found.corrected:
        result["corrected"] = found.corrected
    if found.total is not None:
        result["total"] = found.total
    if found.notice:
        result["notice"] = found.notice
    return result


def hit(found: Hit, stale: frozenset[str] = frozenset(), *, nested: bool = False) -> Json:
    result: Json = {
        "path": found.path,
        "title": found.title,
        "heading": HEADING_SEPARATOR.join(found.heading),
        "page": found.page,
        "line": found.line or None,
        "start": found.start,
        "end": found.end,
        "snippet": found.snippet,
        "score": _number(found.score),
        "similarity": _number(found.similarity),
        "modified": iso_time(found.modified_ns),
        "kind": found.kind,
        "language": found.language,
        "size": found.size,
        "words": _number(found.words),
        "stale": found.path in stale,
        "approximate": found.approximate,
    }
    if found.explain:
        result["explain"] = {name: _number(value) for name, value in found.explain.items()}
    if not nested:
        result["more"] = [hit(other, stale, nested=True) for other in found.more]
        result["copies"] = list(found.copies)
    return result


def status(now: Status) -> Json:
    """`ken status --json`."""
    return {
        "folders": [folder(f) for f in now.folders],
        "files": now.files,
        "passages": now.passages,
        "pending": now.pending,
        "problems": now.problems,
        "left_out": now.left_out,
        "model": now.model,
        "engine": now.engine,
        "dimension": now.dimension,
        "daemon": now.daemon,
        "index_bytes": now.index_bytes,
        "progress": progress(now.progress),
        "notices": list(now.notices),
    }


def folder(kept: Folder) -> Json:
    return {
        "path": kept.path,
        "files": kept.files,
        "passages": kept.passages,
        "problems": kept.problems,
        "state": kept.state,
        "note": kept.note,
    }


def progress(now: Progress) -> Json:
    return {
        "phase": now.phase,
        "files_done": now.files_done,
        "files_total": now.files_total,
        "passages_done": now.passages_done,
        "passages_total": now.passages_total,
        "tokens_per_second": _number(now.tokens_per_second, 1),
        "seconds_left": _number(now.seconds_left, 1),
    }


def problems(found: Iterable[Problem]) -> list[Json]:
    """`ken status --problems --json`."""
    return [{"path": p.path, "state": p.state, "reason": p.reason, "kind": p.kind} for p in found]


def report(done: SyncReport) -> Json:
    """`ken index --json`."""
    return {
        "added": done.added,
        "changed": done.changed,
        "moved": done.moved,
        "removed": done.removed,
        "unchanged": done.unchanged,
        "named": done.named,
        "skipped": done.skipped,
        "failed": done.failed,
        "passages": done.passages,
        "embedded": done.embedded,
        "seconds": round(done.seconds, 3),
        "starved": round(done.starved, 3),
        "interrupted": done.interrupted,
        "notices": list(done.notices),
    }


def why(verdict: Why) -> Json:
    """`ken why --json`."""
    return {
        "path": verdict.path,
        "indexed": verdict.indexed,
        "rule": verdict.rule,
        "state": verdict.state,
        "reason": verdict.reason,
        "indexed_at": None if verdict.indexed_ns is None else iso_time(verdict.indexed_ns),
        "passages": verdict.passages,
        "links": list(verdict.links),
        "backlinks": list(verdict.backlinks),
    }


def iso_time(nanoseconds: int) -> str | None:
    """ISO 8601 in UTC to the second; None for a time no calendar holds."""
    try:
        when = datetime.fromtimestamp(nanoseconds // 1_000_000_000, UTC)
    except (OverflowError, OSError, ValueError):
        return None
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def _number(value: float | None, digits: int = 4) -> float | None:
    return None if value is None or not math.isfinite(value) else round(float(value), digits)


def models(found: Iterable[tuple[InstalledModel, str]]) -> list[Json]:
    """`ken model list --json`: models, each with its precision."""
    return [
        {"name": one.name, "precision": precision, "bytes": one.bytes, "path": str(one.folder)}
        for one, precision in found
    ]
