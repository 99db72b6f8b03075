"""Files to documents: the pool of reading processes is the face; one module a format is behind it."""

from index.extract.answer import ExtractedDocument
from index.extract.pool import ReaderPool
from index.extract.worker import ChunkerSettings

__all__ = ["ChunkerSettings", "ExtractedDocument", "ReaderPool"]
