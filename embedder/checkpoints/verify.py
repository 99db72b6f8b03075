"""Checkpoints in folders of this machine: what they consist of, copying them, their lists of digests.

Owns `SHA256SUMS`, which stands in every folder ken makes so that `ken model verify` (or `sha256sum -c`) can
tell later whether a byte changed. Knows nothing of networks.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from embedder.checkpoints.checkpoint import Checkpoint
from embedder.checkpoints.known_models import GOOGLE_FILES, KnownFile
from embedder.checkpoints.safetensors_file import widen
from embedder.errors import ModelInvalid

_ROWS_AT_ONCE = 16384
SUMS = "SHA256SUMS"
_SUM_LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")
_WHOLE = "Give the folder of a whole checkpoint."


def precision_of(checkpoint: Checkpoint) -> str:
    """How a checkpoint's weights are stored: "f32", "bf16", "f16", "8bit" or "4bit"."""
    if checkpoint.quantization:
        return f"{checkpoint.quantization[1]}bit"
    return checkpoint.tensors["model.embed_tokens.weight"].dtype.lower()


def files_of(checkpoint: Checkpoint) -> list[Path]:
    """What a checkpoint in any layout consists of."""
    weights = {tensor.path for tensor in checkpoint.tensors.values()}
    return [checkpoint.folder / "config.json", checkpoint.folder / "tokenizer.json", *sorted(weights)]


def as_it_is(folder: Path, path: Path) -> KnownFile:
    """A file as it lies there, digest included. Raises `ModelInvalid` where it is missing."""
    name = path.relative_to(folder).as_posix()
    try:
        with path.open("rb") as file:
            return KnownFile(name, path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())
    except FileNotFoundError:
        raise ModelInvalid(f"{folder} has no {name}.", _WHOLE) from None


def copy(source: Path, files: Sequence[KnownFile], target: Path, have: Callable[[int], None]) -> None:
    """Copy files of a folder; what arrives is yet to be checked."""
    done = 0
    for file in files:
        if not (source / file.path).is_file():
            raise ModelInvalid(f"{source} has no {file.path}.", _WHOLE)
        (target / file.path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / file.path, target / file.path)
        done += file.bytes
        have(done)


def write_sums(folder: Path, files: Iterable[KnownFile]) -> None:
    lines = sorted(f"{file.sha256}  {file.path}\n" for file in files)
    (folder / SUMS).write_text("".join(lines), "utf-8")


def expected_files(checkpoint: Checkpoint) -> tuple[tuple[KnownFile, ...], str]:
    """The files a folder should hold, and whose word that is.

    Nothing where nobody's word is known: neither Google's digests fit the layout nor is there a list.
    """
    folder = checkpoint.folder
    if precision_of(checkpoint) == "f32" and (folder / "2_Dense").is_dir():
        return GOOGLE_FILES, "Google's published digests"
    if (folder / SUMS).is_file():
        return _read_sums(folder), f"the digests in {SUMS}"
    return (), ""


def _read_sums(folder: Path) -> tuple[KnownFile, ...]:
    files = []
    for line in (folder / SUMS).read_text("utf-8", "replace").splitlines()[:100]:
        match = _SUM_LINE.fullmatch(line)
        if not match or ".." in Path(match[2]).parts or Path(match[2]).is_absolute():
            raise ModelInvalid(f"{SUMS} in {folder} is damaged.", "Delete it, or fetch the model again.")
        path = folder / match[2]
        files.append(KnownFile(match[2], path.stat().st_size if path.exists() else 0, match[1]))
    return tuple(files)


def check(files: Sequence[KnownFile], folder: Path, have: Callable[[int], None]) -> None:
    """Compare every file with its digest. Raises `ModelInvalid` naming the first that is wrong or missing."""
    done = 0

    def read(count: int) -> None:
        nonlocal done
        done += count
        have(done)

    for file in files:
        if not (folder / file.path).is_file():
            raise ModelInvalid(f"{folder} has no {file.path}.", "Run `ken model fetch --again`.")
        file.check(folder / file.path, read)


def check_numbers(checkpoint: Checkpoint, have: Callable[[int, int], None]) -> None:
    """Read every weight of a checkpoint. Raises `ModelInvalid` naming one that is infinite or no number."""
    total, done = sum(tensor.bytes for tensor in checkpoint.tensors.values()), 0
    for name, tensor in checkpoint.tensors.items():
        rows = tensor.map()
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            part = rows[start : start + _ROWS_AT_ONCE]
            if tensor.dtype != "U32" and not np.isfinite(widen(part, tensor.dtype)).all():
                raise ModelInvalid(
                    f"{name} holds weights that are no numbers.", "Fetch or copy the model again."
                )
            done += part.nbytes
            have(done, total)
