"""Digests of checkpoint files: writing lists of them, copying files, and checking their content.

Owns `SHA256SUMS`, written into every folder that ken makes, so that `ken model verify` (or `sha256sum -c`)
can check it later. Knows nothing of networks.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from embedder.checkpoints import Progress
from embedder.checkpoints.checkpoint import Checkpoint
from embedder.checkpoints.known_models import GOOGLE_FILES, KnownFile, total_bytes
from embedder.checkpoints.quantization import ROWS_AT_ONCE
from embedder.checkpoints.safetensors_file import widen
from embedder.errors import ModelInvalid

SUMS = "SHA256SUMS"
_SUM_LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")
_MAX_LINES = 100
"""Lines of a list of digests that are read: a checkpoint has about ten files."""

_GIVE_WHOLE = "Give the folder of a whole checkpoint."


def known_file(folder: Path, path: Path) -> KnownFile:
    """A file of `folder` with its size and digest. Raises `ModelInvalid` where it is missing."""
    name = path.relative_to(folder).as_posix()
    try:
        with path.open("rb") as file:
            return KnownFile(name, path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())
    except FileNotFoundError:
        raise ModelInvalid(f"{folder} has no {name}.", _GIVE_WHOLE) from None


def known_files(checkpoint: Checkpoint) -> tuple[KnownFile, ...]:
    """Every file of a checkpoint with its digest. Raises `ModelInvalid` where one is missing."""
    return tuple(known_file(checkpoint.folder, path) for path in checkpoint.files)


def copy_files(source: Path, files: Sequence[KnownFile], target: Path, progress: Progress) -> None:
    """Copy files of a folder without checking them. Raises `ModelInvalid` where one is missing."""
    done, total = 0, total_bytes(files)
    for file in files:
        if not (source / file.path).is_file():
            raise ModelInvalid(f"{source} has no {file.path}.", _GIVE_WHOLE)
        (target / file.path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / file.path, target / file.path)
        done += file.bytes
        progress(done, total)


def write_sums(folder: Path, files: Iterable[KnownFile]) -> None:
    """Write the list of digests that `expected_files` reads."""
    lines = sorted(f"{file.sha256}  {file.path}\n" for file in files)
    (folder / SUMS).write_text("".join(lines), "utf-8")


def expected_files(checkpoint: Checkpoint) -> tuple[tuple[KnownFile, ...], str]:
    """The expected files of a folder, and the source of their digests.

    Empty where no digests are known: the layout is not Google's and there is no list of digests.
    """
    folder = checkpoint.folder
    if checkpoint.precision == "f32" and (folder / "2_Dense").is_dir():
        return GOOGLE_FILES, "Google's published digests"
    if (folder / SUMS).is_file():
        return _read_sums(folder), f"the digests in {SUMS}"
    return (), ""


def _read_sums(folder: Path) -> tuple[KnownFile, ...]:
    files = []
    for line in (folder / SUMS).read_text("utf-8", "replace").splitlines()[:_MAX_LINES]:
        match = _SUM_LINE.fullmatch(line)
        if not match or ".." in Path(match[2]).parts or Path(match[2]).is_absolute():
            raise ModelInvalid(f"{SUMS} in {folder} is damaged.", "Delete it, or fetch the model again.")
        path = folder / match[2]
        files.append(KnownFile(match[2], path.stat().st_size if path.exists() else 0, match[1]))
    return tuple(files)


def check(files: Sequence[KnownFile], folder: Path, progress: Progress) -> None:
    """Compare every file with its digest. Raises `ModelInvalid` naming the first that is wrong or missing."""
    done, total = 0, total_bytes(files)
    for file in files:
        if not (folder / file.path).is_file():
            raise ModelInvalid(f"{folder} has no {file.path}.", "Run `ken model fetch --again`.")
        before = done

        def file_progress(read: int, _: int, before: int = before) -> None:
            progress(before + read, total)

        file.check(folder / file.path, file_progress)
        done += file.bytes


def check_numbers(checkpoint: Checkpoint, progress: Progress) -> None:
    """Read every weight of a checkpoint. Raises `ModelInvalid` naming one that is not finite."""
    total, done = sum(tensor.bytes for tensor in checkpoint.tensors.values()), 0
    for name, tensor in checkpoint.tensors.items():
        rows = tensor.map()
        for start in range(0, len(rows), ROWS_AT_ONCE):
            part = rows[start : start + ROWS_AT_ONCE]
            if tensor.dtype != "U32" and not np.isfinite(widen(part, tensor.dtype)).all():
                raise ModelInvalid(
                    f"{name} holds weights that are not numbers.", "Fetch or copy the model again."
                )
            done += part.nbytes
            progress(done, total)
