"""Files to documents: the pool of reading processes is the face; one module a format lies behind it."""

from index.extract.answer import ReadFile
from index.extract.pool import ReaderPool
from index.extract.worker import Cutting

__all__ = ["Cutting", "ReadFile", "ReaderPool"]
