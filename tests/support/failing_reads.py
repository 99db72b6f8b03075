"""What happens to an index when its disk fails for a while. Each scenario needs mounts (`namespace`)."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.disks import opened
from support.namespace import run_with_mounts
from support.tiny_home import notes, tiny_models
from support.tiny_model import PRECISION
from support.waiting import until

from app.config import Config, ModelConfig
from app.daemon.parts import DaemonParts
from app.library import Library

PASSING = ("EIO", "ETIMEDOUT", "ESTALE", "EDEADLK", "ENETDOWN", "EHOSTDOWN", "ENOTCONN", "ENOMEM", "EACCES")


class Faulty:
    """A folder `source`, seen at `root` through a disk that fails as `fails` says.

    `names` is "folding" where the disk ignores case and Unicode form.
    """

    def __init__(self, folder: Path, names: str = "") -> None:
        self.source = notes(folder / "source", a__md="# A\n\nAbout herons.\n", b__md="# B\n\nAbout terns.\n")
        (self.source / "sub").mkdir()
        notes(self.source / "sub", c__md="# C\n\nAbout gulls.\n")
        self.root = folder / "root"
        self.root.mkdir()
        self.faults = folder / "faults"
        self.faults.touch()
        self.server = subprocess.Popen(
            [sys.executable, "-m", "support.faulty_disk", self.source, self.root, self.faults, names],
            stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1],
        )  # fmt: skip
        assert self.server.stdout is not None
        assert self.server.stdout.readline() == "mounted\n"

    def fails(self, *faults: str) -> None:
        draft = self.faults.with_suffix(".draft")
        draft.write_text("\n".join(faults))
        draft.replace(self.faults)

    def write(self, name: str, text: str) -> None:
        (self.source / name).write_text(text)
        os.utime(self.source / name, (1_700_000_500, 1_700_000_500))


@contextmanager
def faulty(folder: Path, names: str = "") -> Iterator[Faulty]:
    disk = Faulty(folder, names)
    try:
        yield disk
    finally:
        disk.server.kill()
        disk.server.wait()
        assert disk.server.stdout is not None
        disk.server.stdout.close()


def names(library: Library, query: str) -> list[str]:
    return [Path(hit.path).name for hit in library.search(query, mode="words").hits]


def reading_fails(folder: Path) -> None:
    """A changed file that cannot be read keeps what the index has of it, marked, until it can be read."""
    with faulty(folder) as disk, opened(folder) as library:
        library.add([str(disk.root)])
        library.sync()
        disk.write("a.md", "# A\n\nAbout ospreys.\n")
        disk.write("new.md", "# New\n\nAbout eagles.\n")
        for name in PASSING:
            number = getattr(errno, name)
            disk.fails(f"read a.md {number}", f"read new.md {number}")
            report = library.sync()
            assert (report.failed, report.removed, report.embedded) == (2, 0, 0), (name, report)
            problems = {Path(one.path).name: one.reason for one in library.problems()}
            assert set(problems) == {"a.md", "new.md"}
            assert all("It is tried again." in reason for reason in problems.values()), problems
            answer = library.search("herons", mode="words")
            assert [Path(hit.path).name for hit in answer.hits] == ["a.md"] and answer.stale
            assert names(library, "terns") == ["b.md"]
        disk.fails()
        assert library.sync().embedded == 2
        assert (names(library, "ospreys"), names(library, "eagles")) == (["a.md"], ["new.md"])
        assert not library.problems() and not names(library, "herons")


def looking_fails(folder: Path) -> None:
    """A file or folder that cannot be looked at is not gone, and nothing is embedded when it is back."""
    with faulty(folder) as disk, opened(folder) as library:
        library.add([str(disk.root)])
        library.sync()
        disk.fails(f"stat a.md {errno.ESTALE}", f"list sub {errno.EIO}")
        report = library.sync()
        assert (report.removed, report.embedded) == (0, 0), report
        assert {Path(one.path).name for one in library.problems()} == {"a.md"}
        answer = library.search("herons", mode="words")
        assert [Path(hit.path).name for hit in answer.hits] == ["a.md"] and answer.stale
        assert names(library, "gulls") == ["c.md"]
        disk.fails()
        report = library.sync()
        assert (report.removed, report.embedded, report.unchanged) == (0, 0, 3), report
        assert not library.problems() and not library.search("herons", mode="words").stale


def its_server_dies(folder: Path) -> None:
    with opened(folder) as library:
        with faulty(folder) as disk:
            library.add([str(disk.root)])
            library.sync()
        report = library.sync()
        assert (report.removed, library.status().files) == (0, 3), report
        assert library.status().folders[0].state == "missing"


def a_read_never_comes_back(folder: Path) -> None:
    """A saved note is found while another file is being read, and that file is not given up."""
    model = ModelConfig(name=str(tiny_models() / "embeddinggemma-300m"), precision=PRECISION, threads=1)
    saved = notes(folder / "notes", old__md="# Old\n")
    parts = DaemonParts(Config(model=model))
    library = parts.library
    with faulty(folder) as disk:
        parts.start()
        try:
            library.add([str(saved), str(disk.root)])
            library.sync()
            disk.write("stuck.md", "# Stuck\n\nAbout ospreys.\n")
            disk.fails("read stuck.md 0")
            syncing = threading.Thread(target=library.sync)
            syncing.start()
            until(lambda: library.status().progress.phase == "reading", what="the stuck file being read")
            for number in range(5):
                (saved / f"new{number}.md").write_text(f"# New\n\nAbout eagle{number}.\n")
                until(lambda number=number: names(library, f"eagle{number}"), what="the saved note")  # type: ignore[misc]
            assert not names(library, "ospreys") and syncing.is_alive()
            disk.fails()
            until(lambda: names(library, "ospreys"), what="the stuck file")
            syncing.join()
        finally:
            disk.fails()
            library.close()


def run(scenario: str, folder: Path, module: str = "failing_reads") -> None:
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        pytest.skip("there is no /dev/fuse here, so no disk that fails can be made")
    run_with_mounts(module, scenario, folder)
