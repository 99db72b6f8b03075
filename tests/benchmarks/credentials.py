"""Benchmark `credentials FOLDER...`: what is taken for a credential in ordinary files, and at what speed.

Reads every file that indexing would read of each folder, in this process, and lists what would be withheld.
In folders of ordinary files every alarm is a false one, until someone looks at it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from index import kinds
from index.credentials import credentials
from index.errors import FileFailed, FileSkipped
from index.extract import sniff
from index.extract.source import from_bytes
from index.types import Document
from index.walk.credential_names import matching_pattern

_LARGEST = 4 << 20
"""Bytes: larger files would make the figures those of a few files."""
_SHOWN = 100
"""Characters of an alarm that are shown."""
_EVERY = 1_000


@dataclass(slots=True)
class Alarm:
    """A file of which something would be withheld."""

    path: str
    spans: int
    first: str


@dataclass(slots=True)
class CredentialScan:
    """What became of all files."""

    files: int = 0
    megabytes: float = 0.0
    """Of text, a million characters each."""
    seconds: float = 0.0
    """Spent on looking for credentials alone, a second time over the same text."""
    alarms: list[Alarm] = field(default_factory=list)


def run(folders: Sequence[str], say: Callable[[str], None] = lambda _: None) -> CredentialScan:
    """Look through every readable file below `folders`."""
    result = CredentialScan()
    for path, document in documents(folders, say):
        if isinstance(document, FileSkipped):
            if "password" in document.what and "locked" not in document.what:
                result.alarms.append(Alarm(str(path), 1, document.what))
            continue
        _count(result, path, document.text, document.kind == "code", document.withheld)
        if result.files % _EVERY == 0:
            say(f"{result.files:,} files, {len(result.alarms)} alarms")
    return result


def _count(
    result: CredentialScan, path: Path, text: str, code: bool, withheld: Sequence[tuple[int, int]]
) -> None:
    began = time.process_time()
    credentials(text, code=code)
    result.seconds += time.process_time() - began
    result.files += 1
    result.megabytes += len(text) / 1e6
    if withheld:
        start, end = withheld[0]
        first = " ".join(text[start:end].split())[:_SHOWN]
        result.alarms.append(Alarm(str(path), len(withheld), first))


def documents(
    folders: Sequence[str], say: Callable[[str], None]
) -> Iterator[tuple[Path, Document | FileSkipped]]:
    """Every file below the folders that indexing would read: its text, or why it is left out."""
    for path in _readable_files(folders):
        try:
            yield path, sniff.read(from_bytes(path.read_bytes(), path.name))
        except FileSkipped as skipped:
            yield path, skipped
        except (FileFailed, OSError):
            continue
        except Exception as error:  # noqa: BLE001 (one damaged file is not what is measured)
            say(f"{path}: {type(error).__name__}")


def _readable_files(folders: Sequence[str]) -> Iterator[Path]:
    """Every file below the folders that indexing would read."""
    for top in folders:
        for folder, folders_below, names in os.walk(top):
            folders_below.sort()
            for name in sorted(names):
                path = Path(folder, name)
                read = not kinds.unread_kind(name) and not matching_pattern(
                    str(Path(folder, name)), folder=False
                )
                if read and path.is_file() and not path.is_symlink() and path.stat().st_size <= _LARGEST:
                    yield path


def as_json(result: CredentialScan) -> dict[str, object]:
    return asdict(result)


def table(result: CredentialScan) -> str:
    lines = [f"{alarm.path}\n    {alarm.spans}: {alarm.first}" for alarm in result.alarms]
    speed = result.megabytes / result.seconds if result.seconds else 0.0
    summary = (
        f"{result.files:,} files, {result.megabytes:,.1f} million characters, {len(result.alarms)} alarms"
        f" ({len(result.alarms) / max(1, result.files) * 30_000:.1f} in 30,000 files),"
        f" {speed:,.1f} million characters a second"
    )
    return "\n".join([*lines, summary])
