"""The rules of the walk from the settings.

Owns how `[reading]` becomes `index.walk` rules, and that ken's own folders are left out.
"""

from __future__ import annotations

import os

from app import paths
from app.config import ReadingConfig
from embedder.checkpoints.models import models_folder
from index.walk.walker import Rules


def rules_of(reading: ReadingConfig) -> Rules:
    """The rules for these settings on this machine."""
    own = (paths.home(), models_folder())
    return Rules(
        ignore=reading.ignore,
        ocr_ignore=reading.ocr_ignore,
        hidden=reading.include_hidden,
        max_bytes=reading.max_file_mb * 1024 * 1024 or None,
        own=tuple(os.path.realpath(folder) for folder in own),
    )
