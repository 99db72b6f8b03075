"""Every reader on files made wrong on purpose: each is read soundly, or refused with a reason.

A few for each format in every run; `KEN_FUZZ=600 python -m pytest tests/index/test_fuzz.py -s` goes on for
so many seconds in all and prints what it tried and found.
"""

from __future__ import annotations

import hashlib
import io
import os
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from support import documents
from support.mutations import OPERATIONS, Edit, mutated
from support.sound import CheckedCutting, bytes_counter

from index import kinds
from index.errors import FileFailed, FileSkipped
from index.extract import ReaderPool, sniff
from index.extract.source import from_bytes

SECONDS = float(os.environ.get("KEN_FUZZ", "0"))
PROCESSOR_SECONDS = 10.0
"""Longer than any file of `mutations.LARGEST` bytes may take, on a slow machine too."""
SIZE = 200
NO_REASONS = ("made the reader crash", "took more than", "more memory than", "not what its name says (")
"""What is said of a file only where no reader foresaw it: each is a defect of ken's."""
SEEDS = documents.every()
KINDS = {
    kind.name: [name for name, data in SEEDS.items() if sniff._kind(from_bytes(data, name)) is kind]
    for kind in kinds.KINDS
}


def crossed(ods: bytes) -> bytes:
    """A spreadsheet whose table is ended by another tag."""
    with zipfile.ZipFile(io.BytesIO(ods)) as archive:
        members: dict[str, str | bytes] = {name: archive.read(name) for name in archive.namelist()}
        content = archive.read("content.xml").replace(b"</table:table>", b"</table:row>")
    return documents.zipped(members | {"content.xml": content})


FOUND = {
    "dots.txt": b"a" * 1000 + b"." * 200_000 + b"b",
    "letters.toml": b"x" * 250_000,
    "heads.org": b"eyJhbGciOi" * 25_000,
    "superscript.odt": documents.zipped({"content.xml": "<c><body><h outline-level='²'>One</h></body></c>"}),
    "long.odt": documents.zipped({"content.xml": f"<c><body><p>a<s c='{'9' * 5000}'/></p></body></c>"}),
    "late.eml": b"Subject: One\nDate: Mon, 02 Mar 99999999999 09:30:00 +0000\n\nText.\n",
    "crossed.ods": crossed(SEEDS["a.ods"]),
    "brackets.md": b"# " + b"[" * 100_000 + b"\n\nText.\n",
    "title.md": b"---\ntitle: a" + b" " * 200_000 + b"b\n---\n\nText.\n",
    "nul.eml": b"Subject: One\nContent-Type: text/plain; charset*=a\0b'en'x%80\n\nText.\n",
    "people.eml": b"To: " + b"=?iso-8859-1?Q?Andr=E9?= <a@example.org>" * 6000 + b"\n\nText.\n",
    "fonts.rtf": rb"{\rtf1\ansi{\fonttbl{" + rb"\f0 " * 60_000 + rb"Arial;}}\pard Text.}",
    "far.rtf": rb"{\rtf1\ansi \u-99999? Text.}",
    "panic.xls": SEEDS["a.xls"][:512],
    "unknown.xls": '<?xml version="1.0" encoding="UTF-99"?><Workbook/>'.encode("utf-16-be"),
    "number.msg": SEEDS["a.msg"].replace(
        "__substg1.0_0037001F".encode("utf-16-le"), "__substg1.0_00IF001F".encode("utf-16-le")
    ),
    "none.bib": b"No entry at all.\n",
    "blanks.srt": b"Text.\n" + b" " * 200_000 + b"\nText.\n",
    "blanks.md": b"```\n" + b"x = 1\n" * 500 + b" " * 200_000 + b"\ny = 2\n```\n",
}
"""What was found by fuzzing, by its name."""
NUMBER = st.integers(0, 1 << 16)
EDITS = st.lists(
    st.builds(Edit, st.sampled_from(OPERATIONS), NUMBER, NUMBER, NUMBER, st.booleans(), st.booleans()),
    min_size=1,
    max_size=6,
)
FUZZING = settings(
    max_examples=100,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


class Reader:
    """Reads as `ken index` does, in a child process, and counts what came of it."""

    def __init__(self, pool: ReaderPool, folder: Path) -> None:
        self._pool = pool
        self._folder = folder
        self.counts: Counter[str] = Counter()

    def read(self, name: str, data: bytes) -> str:
        """What is wrong with how the file was dealt with; empty where nothing is."""
        path = self._folder / name
        path.write_bytes(data)
        try:
            self._pool.read(str(path), CheckedCutting(bytes_counter, SIZE))
        except FileSkipped as error:
            self.counts["skipped"] += 1
            return "" if error.what else "skipped without a reason"
        except FileFailed as error:
            self.counts["failed"] += 1
            foreseen = error.what and not any(words in error.what for words in NO_REASONS)
            return "" if foreseen else error.what or "failed without a reason"
        self.counts["read"] += 1
        return ""


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    with ReaderPool(1, seconds=PROCESSOR_SECONDS) as pool:
        yield Reader(pool, tmp_path)


def test_every_format_has_a_seed() -> None:
    assert [kind for kind, names in KINDS.items() if not names] == []


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_once_is_dealt_with(name: str, reader: Reader) -> None:
    assert reader.read(name, FOUND[name]) == ""


@pytest.mark.skipif(SECONDS > 0, reason="KEN_FUZZ asks for the long run")
@pytest.mark.parametrize("kind", KINDS)
def test_a_file_made_wrong_is_read_soundly_or_refused(kind: str, reader: Reader) -> None:
    @settings(FUZZING, max_examples=40, derandomize=True, phases=[Phase.generate, Phase.shrink])
    @given(st.sampled_from(KINDS[kind]), EDITS)
    def holds(name: str, edits: list[Edit]) -> None:
        assert reader.read(name, mutated(name, edits, SEEDS)) == ""

    holds()


@pytest.mark.skipif(SECONDS <= 0, reason="KEN_FUZZ names no seconds")
@pytest.mark.parametrize("kind", KINDS)
def test_as_many_files_as_the_time_allows(kind: str, reader: Reader) -> None:
    found: dict[str, Path] = {}
    folder = Path(tempfile.mkdtemp(prefix="ken-fuzz-"))
    end = time.monotonic() + SECONDS / len(KINDS)

    @settings(FUZZING)
    @given(st.sampled_from(KINDS[kind]), EDITS)
    def try_one(name: str, edits: list[Edit]) -> None:
        if time.monotonic() > end:
            return
        data = mutated(name, edits, SEEDS)
        wrong = reader.read(name, data)
        if wrong and wrong not in found:
            found[wrong] = folder / f"{hashlib.sha256(data).hexdigest()[:12]}-{name}"
            found[wrong].write_bytes(data)

    round_ = int.from_bytes(os.urandom(4), "big")
    while time.monotonic() < end:
        round_ += 1
        seed(round_)(try_one)()
    counts = reader.counts
    print(
        f"{kind:10} {counts.total():7,} tried {counts['read']:7,} read {counts['skipped']:6,} skipped "
        f"{counts['failed']:6,} failed {len(found)} found",
        file=sys.stderr,
    )
    assert not found, "\n".join(f"{wrong}: {path}" for wrong, path in found.items())
