"""Benchmark `words`: of documents whose words are known, how many are found, by format and by place.

The documents are made by `known_texts` in a Python that has the libraries; the same Python may have
markitdown, which then reads the same files.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from app.errors import UsageInvalid
from index.errors import FileFailed, FileSkipped
from index.extract import ReaderPool

_SECONDS = 900.0
"""For writing all documents, and for the other reader to read them."""
_OTHER = """
import json, logging, os, sys, warnings
warnings.filterwarnings("ignore"); logging.disable(50)
answers = os.fdopen(os.dup(1), "w"); os.dup2(2, 1)
from markitdown import MarkItDown
reader = MarkItDown()
for line in sys.stdin:
    try:
        text = reader.convert(json.loads(line)).text_content
    except Exception:
        text = ""
    print(json.dumps(text), file=answers, flush=True)
"""


@dataclass(slots=True)
class FoundWords:
    """Of the words of one format: all, and those found, by their places."""

    format: str
    files: int = 0
    words: Counter[str] = field(default_factory=Counter)
    ken: Counter[str] = field(default_factory=Counter)
    other: Counter[str] | None = None

    @property
    def missing(self) -> str:
        """The places at which ken finds not all words."""
        return ", ".join(place for place, count in self.words.items() if self.ken[place] < count)


def run(python: str, files: int, beside: bool, say: Callable[[str], None]) -> list[FoundWords]:
    """Write the documents, read them with ken and, where wanted, with markitdown."""
    with tempfile.TemporaryDirectory(prefix="ken-words-") as folder:
        program = Path(__file__).with_name("known_texts.py")
        written = subprocess.run(
            [python, str(program), folder, str(files)],
            capture_output=True, text=True, timeout=_SECONDS, check=False,
        )  # fmt: skip
        if written.returncode:
            last = written.stderr.strip().rpartition("\n")[2]
            raise UsageInvalid(
                f"The documents could not be written: {last}", "Name a Python that has the libraries."
            )
        known = {p.with_suffix(""): json.loads(p.read_text()) for p in sorted(Path(folder).glob("*.words"))}
        say(f"{len(known)} documents")
        texts = _by_ken([*known])
        others = _by_other(python, [*known]) if beside else {}
    formats: dict[str, FoundWords] = {}
    for path, places in known.items():
        found = formats.setdefault(path.suffix, FoundWords(path.suffix, other=Counter() if beside else None))
        found.files += 1
        found.words.update([*places])
        found.ken.update(place for place, word in places.items() if word in texts[path])
        if found.other is not None:
            found.other.update(place for place, word in places.items() if word in others[path])
    return list(formats.values())


def _by_ken(paths: list[Path]) -> dict[Path, str]:
    """The text of each file with its title; empty where it is left out."""
    texts: dict[Path, str] = {}
    with ReaderPool(2) as pool:
        for path in paths:
            try:
                document = pool.read(str(path)).document
                texts[path] = f"{document.title}\n{document.text}"
            except (FileSkipped, FileFailed):
                texts[path] = ""
    return texts


def _by_other(python: str, paths: list[Path]) -> dict[Path, str]:
    asked = "".join(f"{json.dumps(str(path))}\n" for path in paths)
    done = subprocess.run(
        [python, "-c", _OTHER], input=asked, capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if len(answers) < len(paths):
        raise UsageInvalid(
            "markitdown does not read the files.", "Name the Python that has it: --beside-python."
        )
    return dict(zip(paths, answers, strict=True))


def table(result: list[FoundWords]) -> str:
    """A line for each format, and one for all."""
    lines = [f"{'format':8}{'files':>7}{'words':>7}{'ken':>7}{'markitdown':>12}  ken misses"]
    for one in result:
        other = str(one.other.total()) if one.other is not None else "-"
        lines.append(
            f"{one.format:8}{one.files:7}{one.words.total():7}{one.ken.total():7}{other:>12}  {one.missing}"
        )
    totals = [
        sum(one.files for one in result),
        *(sum(c.total() for c in part) for part in zip(*((o.words, o.ken) for o in result), strict=True)),
    ]
    others = str(sum(one.other.total() for one in result if one.other is not None))
    return "\n".join([*lines, f"{'all':8}{totals[0]:7}{totals[1]:7}{totals[2]:7}{others:>12}"])


def as_json(result: list[FoundWords]) -> list[dict[str, object]]:
    """The same with every place."""
    return [
        {
            "format": one.format,
            "files": one.files,
            "words": one.words,
            "ken": one.ken,
            "markitdown": one.other,
        }
        for one in result
    ]
