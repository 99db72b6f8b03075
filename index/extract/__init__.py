"""Files to documents: the pool of reading processes is the face; one module a format lies behind it."""

from index.extract.pool import ReaderPool, ReadFile

__all__ = ["ReadFile", "ReaderPool"]
