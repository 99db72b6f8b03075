"""The walk's rules as the settings give them, with ken's own folders left out.

Owns the one place where `[reading]` becomes `index.walk` rules.
"""

from __future__ import annotations

import os

from app import paths
from app.config import ReadingConfig
from embedder.checkpoints.models import models_folder
from index.walk.walker import Rules


def rules_of(reading: ReadingConfig) -> Rules:
    """What is looked at, by these settings, on this machine."""
    own = (paths.home(), models_folder())
    return Rules(
        ignore=reading.ignore,
        ocr_ignore=reading.ocr_ignore,
        hidden=reading.include_hidden,
        max_bytes=reading.max_file_mb * 1024 * 1024 or None,
        own=tuple(os.path.realpath(folder) for folder in own),
    )
