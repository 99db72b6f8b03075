"""A whole library in memory, for tests of the fronts: small, deterministic, with nothing on disk.

Words score by overlap, meaning by shared letter triples and a few synonyms; enough to tell the two apart.
It can be held (`hold`, `release`) and made to fail (`failure`), so that every state can be shown.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from app.answers.preview import Excerpts
from app.api import Answer, Excerpt, Folder, Problem, Progress, ProgressCallback, Status, SyncReport, Why
from app.errors import PathInvalid
from index.extract.markdown import sections_of
from index.types import Document, Filter, Hit, Mode

SYNONYMS = {"mobile": "phone", "smartphone": "phone", "cell": "phone", "sync": "transfer",
            "getting": "transfer", "car": "vehicle", "bread": "loaf", "bake": "oven", "heating": "boiler",
            "cold": "boiler"}  # fmt: skip


class MemoryLibrary:
    """Documents by path; every method is that of `Library`."""

    def __init__(
        self, root: str, texts: dict[str, str], *, modified_ns: int = 0, kinds: dict[str, str] | None = None
    ):
        self.root = root
        self.kinds = kinds or {}
        self.documents = {f"{root}/{name}": self._document(name, text) for name, text in texts.items()}
        self.modified_ns = modified_ns
        self.folders: tuple[Folder, ...] = (
            (Folder(root, len(texts), 4 * len(texts), 0, "watching"),) if texts else ()
        )
        self.found_problems: tuple[Problem, ...] = ()
        self.progress = Progress("idle")
        self.daemon = True
        self.pending = 0
        self.model = "embeddinggemma-300m"
        self.failure: Exception | None = None
        self.model_failure: Exception | None = None
        """Why nothing can be found by meaning."""
        self.notice = ""
        self.complete = True
        self.notices: tuple[str, ...] = ()
        self.missing: Exception | None = None
        """Why nothing can be asked yet."""
        self._closed = threading.Event()
        self.calls: list[tuple[object, ...]] = []
        self._open = {what: threading.Event() for what in ("words", "hybrid", "sync", "excerpt", "closeness")}
        for gate in self._open.values():
            gate.set()

    def hold(self, what: str) -> None:
        """Let no call of this kind (a key of `_open`) answer until `release`."""
        self._open[what].clear()

    def release(self, what: str) -> None:
        self._open[what].set()

    def _document(self, name: str, text: str) -> Document:
        kind = self.kinds.get(name) or ("code" if name.endswith(".py") else "markdown")
        pages = tuple(m.end() for m in re.finditer("\f", text)) if kind == "pdf" else ()
        return Document(
            text,
            kind,
            title=next((line[2:] for line in text.splitlines() if line.startswith("# ")), ""),
            language="python" if kind == "code" else "",
            sections=tuple(sections_of(text)) if kind == "markdown" else (),
            pages=(0, *pages) if kind == "pdf" else (),
        )

    def _check(self, *call: object) -> None:
        self.calls.append(call)
        if self.failure is not None:
            raise self.failure

    def search(
        self,
        query: str,
        *,
        limit: int = 10,
        mode: Mode = "hybrid",
        filter: Filter | None = None,  # noqa: A002
        explain: bool = False,
        typing: bool = False,
    ) -> Answer:
        self._check("search", query, mode)
        if self.missing is not None:
            raise self.missing
        self._open["words" if mode == "words" else "hybrid"].wait(10)
        mode = "words" if self.model_failure else mode
        hits = [hit for path in self.documents if (hit := self._hit(path, query, mode, filter or Filter()))]
        hits.sort(key=lambda hit: (-hit.score, hit.path))
        best = hits[0].score if hits else 0.0
        sure = min(1.0, best * 1.2)
        return Answer(query, mode, tuple(hits[:limit]), best > 0.3, sure, 0, 7.0,
                      notice=self.notice, complete=self.complete)  # fmt: skip

    def similar(
        self,
        path: str,
        line: int | None = None,
        *,
        start: int | None = None,
        limit: int = 10,
        filter: Filter | None = None,  # noqa: A002
    ) -> Answer:
        self._check("similar", path, line)
        answer = self.search(self.documents[path].text[:400], limit=limit + 1, mode="meaning")
        return replace(answer, hits=tuple(hit for hit in answer.hits if hit.path != path)[:limit])

    def _hit(self, path: str, query: str, mode: Mode, narrowed: Filter) -> Hit | None:
        document = self.documents[path]
        if narrowed.kinds and document.kind not in narrowed.kinds:
            return None
        if narrowed.folders and not any(folder in path for folder in narrowed.folders):
            return None
        wanted = [w for w in re.findall(r"\w+", query.lower()) if len(w) > 3]
        places = [
            hit
            for span in _passages(document.text)
            if (hit := self._place(path, document, span, wanted, mode))
        ]
        if not places:
            return None
        places.sort(key=lambda hit: (-hit.score, hit.start))
        return replace(places[0], more=tuple(places[1:4]))

    def _place(
        self, path: str, document: Document, span: tuple[int, int], wanted: list[str], mode: Mode
    ) -> Hit | None:
        text = document.text[slice(*span)]
        found = [m.span() for m in re.finditer(r"\w+", text) if m[0].lower() in wanted]
        words = min(1.0, len({text[a:b].lower() for a, b in found}) / max(1, len(wanted))) if found else None
        near = _nearness(" ".join(wanted), text)
        if words is None and (mode == "words" or near < 0.2):
            return None
        score = words or 0.0 if mode == "words" else 0.4 * (words or 0.0) + 0.6 * near
        snippet = text[:240]
        above = [s.heading for s in document.sections if s.kind == "heading" and s.start <= span[0]]
        return Hit(
            path=path, title=document.title or Path(path).stem, heading=above[-1] if above else (),
            page=sum(p <= span[0] for p in document.pages) or None,
            line=document.text.count("\n", 0, span[0]) + 1,
            first_line=document.text.count("\n", 0, span[0]) + 1,
            start=span[0], end=span[1], text=text, snippet=snippet, score=score,
            similarity=None if mode == "words" else near, words=words,
            modified_ns=self.modified_ns, size=len(text),
            inode=1, kind=document.kind, language=document.language,
            matched=tuple(s for s in found if s[1] <= len(snippet)),
        )  # fmt: skip

    def text(self, path: str) -> str:
        self._check("text", path)
        if path not in self.documents:
            raise PathInvalid(f"{path} is not in the index.", "Index it first.")
        return self.documents[path].text

    def excerpt(self, path: str, start: int, length: int) -> Excerpt:
        self.text(path)
        self._open["excerpt"].wait(10)
        return Excerpts(self.documents[path]).cut(path, start, length)

    def closeness(self, query: str, texts: Sequence[str]) -> tuple[float, ...]:
        self._check("closeness", query)
        self._open["closeness"].wait(10)
        if self.model_failure is not None:
            raise self.model_failure
        return tuple(_nearness(query.lower(), text) for text in texts)

    def add(self, paths: Sequence[str]) -> tuple[Folder, ...]:
        self._check("add", *paths)
        added = tuple(Folder(path, 0, 0, 0, "watching") for path in paths)
        self.folders += added
        return added

    def sync(
        self, paths: Sequence[str] | None = None, progress: ProgressCallback | None = None
    ) -> SyncReport:
        self._check("sync", *(paths or ()))
        if progress is not None:
            progress(Progress("embedding", 12, 40, 310, 1204, 1500.0, 38.0, 95.0, self.root + "/notes.md"))
        self._open["sync"].wait(10)
        return SyncReport(added=len(self.documents))

    def forget(self, path: str) -> int:
        self._check("forget", path)
        self.folders = tuple(folder for folder in self.folders if folder.path != path)
        return len(self.documents)

    def pause(self) -> None:
        self._check("pause")
        self.progress = Progress("paused")

    def resume(self) -> None:
        self._check("resume")
        self.progress = Progress("idle")

    def follow(self, progress: Callable[[Status], None]) -> None:
        """Tells what the daemon would, until the follower has enough or the daemon fails."""
        last = None
        while not self._closed.wait(0.01 if last else 0.0):
            if self.failure is not None:
                raise self.failure
            status = self._status()
            if status != last:
                progress(status)
                last = status
            if not self.daemon:
                return

    def status(self) -> Status:
        self._check("status")
        return self._status()

    def _status(self) -> Status:
        files = len(self.documents) if self.folders else 0
        return Status(
            folders=self.folders, files=files, passages=4 * files, pending=self.pending,
            problems=len(self.found_problems), model=self.model, engine="openvino", dimension=256,
            progress=self.progress, daemon=self.daemon, index_bytes=1_200_000,
            notices=self.notices,
        )  # fmt: skip

    def problems(self) -> tuple[Problem, ...]:
        self._check("problems")
        return self.found_problems

    def why(self, path: str) -> Why:
        self._check("why", path)
        return Why(path, path in self.documents, "kept", "indexed", "", None, 4)

    def close(self) -> None:
        self._closed.set()

    def __enter__(self) -> MemoryLibrary:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _passages(text: str) -> list[tuple[int, int]]:
    starts = [m.start() for m in re.finditer(r"(?m)^#{1,3} |\f", text)]
    starts = sorted({0, *starts})
    return [(a, b) for a, b in zip(starts, [*starts[1:], len(text)], strict=True) if text[a:b].strip()]


def _nearness(query: str, text: str) -> float:
    asked, there = _triples(query), _triples(text.lower())
    return len(asked & there) / max(1, len(asked))


def _triples(text: str) -> set[str]:
    words = [SYNONYMS.get(word, word) for word in re.findall(r"\w+", text) if len(word) > 3]
    return {word[i : i + 4] for word in words for i in range(max(1, len(word) - 3))}
