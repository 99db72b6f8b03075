"""Errors of the embedder: each says what happened and what to do.

EmbedderError
├── ModelNotFound        no checkpoint under that name or folder
├── ModelInvalid         a checkpoint is corrupt, incomplete or of another architecture
├── DownloadFailed       no source gave the checkpoint
├── ConversionFailed     a checkpoint cannot be written at another precision
├── EngineUnavailable    the requested engine cannot run on this machine
├── PrecisionUnavailable the engine cannot run at the requested precision
├── VectorsWrong         the self-test's vectors differ from the reference
├── InputInvalid         a text, task or dimension that the model does not support
├── EmbedderClosed       the embedder was closed before the text was embedded
└── ModelUnresponsive    a loaded model did not answer in time, ended, or gave an invalid answer
"""

from __future__ import annotations


class EmbedderError(Exception):
    """Base of every error the embedder raises on purpose.

    `what` is one sentence on what happened, `fix` one on what to do.
    """

    title = "The model could not be used"

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix


class ModelNotFound(EmbedderError):
    title = "Model not found"


class ModelInvalid(EmbedderError):
    title = "Model cannot be read"


class DownloadFailed(EmbedderError):
    title = "Model could not be fetched"


class ConversionFailed(EmbedderError):
    title = "Model could not be converted"


class EngineUnavailable(EmbedderError):
    title = "Engine not available"


class PrecisionUnavailable(EmbedderError):
    title = "Precision not available"


class VectorsWrong(EmbedderError):
    title = "Vectors are wrong on this machine"


class InputInvalid(EmbedderError):
    title = "Input cannot be embedded"


class EmbedderClosed(EmbedderError):
    title = "The model was closed"


class ModelUnresponsive(EmbedderError):
    title = "The model did not answer"
