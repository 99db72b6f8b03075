"""Files from the model hub: the list of a repository, and downloads that can be resumed.

Owns the protocol of the hub; knows nothing of the meaning of the files. `HF_ENDPOINT` names another hub,
`HF_TOKEN` is sent to repositories that need one. Source: https://huggingface.co/docs/hub/api.
"""

from __future__ import annotations

import json
import os
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

from truststore import SSLContext  # the system's certificates, which some builds of Python come without

from embedder.checkpoints import Progress
from embedder.checkpoints.known_models import KnownFile
from embedder.errors import DownloadFailed, ModelInvalid

HUB = "https://huggingface.co"
TIMEOUT_SECONDS = 10.0
"""Seconds without data after which a connection counts as broken; a retry costs little."""

_MAX_TRIES = 4
"""Broken connections in a row, without any data, after which the download of a file fails."""

_MAX_LISTING_BYTES = 4 << 20
"""Bytes of a listing that are read: a real one has 10 KB."""

_READ_AT_ONCE = 1 << 20
"""Bytes between two calls of the progress callback."""


class HubUnreachable(DownloadFailed):
    """The hub cannot be reached, so its other repositories are not tried."""


def list_files(repository: str) -> tuple[KnownFile, ...]:
    """The files of a repository that a checkpoint consists of, with the hub's digests."""
    with _open(f"/api/models/{repository}/revision/main?blobs=true", repository) as response:
        try:
            listing = json.loads(response.read(_MAX_LISTING_BYTES))
            files = [_known_file(entry) for entry in listing["siblings"] if _is_needed(entry["rfilename"])]
        except (HTTPException, OSError) as error:
            raise HubUnreachable(f"The model hub broke off ({error}).") from error
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise DownloadFailed(f"The hub's list of {repository} makes no sense: {error!r}.") from error
    return tuple(sorted(files, key=lambda file: file.bytes))


def _is_needed(path: str) -> bool:
    weights = path.endswith(".safetensors") and ("/" not in path or path.split("/")[0].endswith("_Dense"))
    safe = not path.startswith(("/", ".")) and ".." not in path.split("/") and "\\" not in path
    return safe and (weights or path in ("config.json", "tokenizer.json", "tokenizer_config.json"))


def _known_file(entry: dict[str, Any]) -> KnownFile:
    large = entry.get("lfs") or {}
    digest, git = str(large.get("sha256", "")), str(entry.get("blobId", ""))
    if not digest and not git:
        raise ValueError(f"{entry['rfilename']} has no digest")
    return KnownFile(entry["rfilename"], int(large.get("size", entry["size"])), digest, git)


def download(repository: str, file: KnownFile, target: Path, progress: Progress) -> None:
    """Complete `target` to the length of the file; bytes that it holds already are not fetched again.

    The bytes stay for the next try, also after an error. Raises `DownloadFailed`.
    """
    tries = 0
    while (size := _size(target)) != file.bytes:
        if size > file.bytes:
            target.unlink()
            continue
        try:
            _resume(repository, file, target, size, progress)
        except (HTTPException, ConnectionError, TimeoutError, ssl.SSLError) as error:
            tries = 0 if _size(target) > size else tries + 1
            if tries == _MAX_TRIES:
                raise DownloadFailed(f"{file.path} stopped coming: {error}.") from error
            time.sleep(tries)
    progress(file.bytes, file.bytes)


def _resume(repository: str, file: KnownFile, target: Path, size: int, progress: Progress) -> None:
    """Fetch the missing bytes of a file over one connection; `size` is the number of bytes in `target`."""
    path = f"/{repository}/resolve/main/{quote(file.path)}"
    with _open(path, repository, {"Range": f"bytes={size}-"} if size else {}) as response:
        start = size if response.status == 206 else 0
        stated = response.headers.get("Content-Length", "")
        if stated.isdigit() and start + int(stated) != file.bytes:
            raise ModelInvalid(
                f"{file.path} has {start + int(stated):,} bytes in {repository}; {file.bytes:,} are expected."
            )
        with target.open("r+b" if start else "wb") as out:
            out.seek(start)
            progress(start, file.bytes)
            while start < file.bytes and (part := response.read(min(_READ_AT_ONCE, file.bytes - start))):
                out.write(part)
                start += len(part)
                progress(start, file.bytes)
    if start < file.bytes:
        raise ConnectionError(f"the connection ended {file.bytes - start:,} bytes early")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


@contextmanager
def _open(path: str, repository: str, headers: dict[str, str] | None = None) -> Iterator[HTTPResponse]:
    request = Request(os.environ.get("HF_ENDPOINT", HUB).rstrip("/") + path, headers=headers or {})
    if token := os.environ.get("HF_TOKEN"):
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    try:
        response = urlopen(request, timeout=TIMEOUT_SECONDS, context=SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    except HTTPError as error:
        error.close()
        raise DownloadFailed(_refusal(repository, error.code)) from error
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise HubUnreachable(f"The model hub cannot be reached ({reason}).") from error
    with response:
        yield response


def _refusal(repository: str, status: int) -> str:
    if status in (401, 403):
        return f"{repository} opens only to those who agreed to its terms (set HF_TOKEN to be known there)."
    return f"The hub answered {status} for {repository}."
