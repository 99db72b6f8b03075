"""Gives waiting texts approximate vectors, so that they are found by meaning before the model has read them.

Once the model has read some texts of the index, the student is adapted to these, and makes its vectors again.
Owns the windows: one thread makes their vectors one after another, and the calling thread, the only one that
uses the store, commits each. Where the model does not tell what a token means, that is tried again later; a
student that fails otherwise ends the stage and nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from app.errors import TITLED_ERRORS
from app.model import TextModel
from embedder.errors import EmbedderError, ModelInvalid
from index.store import approximate
from index.store.embedding_queue import EmbeddingJob
from index.store.store import Store
from index.store.vectors import require_expectations

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from embedder.student import Student

log = logging.getLogger(__name__)

WINDOW = 512
"""Texts of a transaction: some 200 ms of work, after which what waits is looked at again."""
AHEAD = 2
"""Windows at once: one that is computed, while the one before it is stored."""
ADAPTED_AT = (256, 2_048)
"""Texts that the model has read when the student is adapted to them, at most so many."""
LEAST_WAITING = 1_000
"""Waiting texts for which the student is adapted: the model reads fewer in about as long."""
FAILED = (
    "Passages are found by their words until the model has read them: approximate vectors failed ({error})."
)


class ApproximateStage:
    """`fill`, wait for any of `running`, `finished`, and again until nothing runs; then `close`."""

    def __init__(self, store: Store, model: TextModel) -> None:
        self.notice = ""
        """What went wrong, for the user."""
        self._store = store
        self._model = model
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="approximate")
        self._loading: Future[Student | None] | None = None
        self._student: Student | None = None
        self._running: dict[Future[NDArray[np.float32]], list[EmbeddingJob]] = {}
        self._adapting: Future[Student | None] | None = None
        self._read = self._adapted_to = 0
        """Texts that the model has read; and those that the student was last adapted to, or was to be."""
        self._dry = self._ended = False

    @property
    def running(self) -> set[Future[Any]]:
        return {*self._running, *filter(None, (self._loading, self._adapting))}

    def more(self, read: int = 0) -> None:
        """The store has new texts without vectors, or the model has read so many more."""
        self._read += read
        self._dry = False

    def fill(self, busy: Collection[int]) -> None:
        """Queue windows, up to `AHEAD`, without the texts that the model reads already, `busy`."""
        self._adapt()
        waits = self._ended or self._loading or self._adapting
        while not (waits or self._dry) and len(self._running) < AHEAD:
            taken = {*busy, *(job.id for jobs in self._running.values() for job in jobs)}
            found = approximate.waiting(self._store, WINDOW + len(taken))
            jobs = [job for job in found if job.id not in taken]
            self._dry = not found
            if self._student is None:
                if jobs or approximate.exist(self._store):
                    own = approximate.own_student(self._store)
                    self._loading = self._thread.submit(_load, self._model, own)
                return
            if not jobs:
                return
            self._running[self._thread.submit(_vectors, self._student, jobs)] = jobs

    def finished(self) -> None:
        """Store the vectors that are ready."""
        if self._loading and self._loading.done():
            self._use(self._loading)
            self._loading = None
        for future in [future for future in self._running if future.done()]:
            jobs = self._running.pop(future)
            if (error := future.exception()) is None:
                approximate.put(self._store, jobs, future.result())
                self.notice = ""
            else:
                self._fail(error)
                self._ended = not isinstance(error, EmbedderError)
        if self._adapting and self._adapting.done():
            self._use_adapted(self._adapting)
            self._adapting = None

    def _adapt(self) -> None:
        """Have the student adapted, if the model has read enough for it and enough waits."""
        if self._student is None or self._ended or self._adapting or self._running:
            return
        due = max((count for count in ADAPTED_AT if count <= self._read), default=0)
        if due <= self._adapted_to or approximate.count_waiting(self._store) < LEAST_WAITING:
            return
        jobs, rows = approximate.with_vectors(self._store, due)
        self._adapted_to = due
        if len(jobs) >= ADAPTED_AT[0]:
            self._adapting = self._thread.submit(_adapted, self._student, jobs, rows)

    def _use_adapted(self, adapted: Future[Student | None]) -> None:
        if error := adapted.exception():
            self._fail(error)
        elif student := adapted.result():
            approximate.adapt_student(self._store, student.fingerprint, student.head.packed())
            self._student, self._dry = student, False

    def _use(self, loaded: Future[Student | None]) -> None:
        if error := loaded.exception():
            self._fail(error)
            self._ended = True
            return
        self._student = loaded.result()
        self._adapted_to = self._student.head.passages if self._student else 0
        self._ended = self._student is None
        self._dry = False
        self._read = approximate.count_true(self._store)
        approximate.use_student(self._store, self._student.fingerprint if self._student else "")

    def _fail(self, error: BaseException) -> None:
        log.warning("approximate vectors failed", exc_info=error)
        what = error.what if isinstance(error, TITLED_ERRORS) else type(error).__name__
        self.notice = FAILED.format(error=what.rstrip("."))
        self._dry = True

    def close(self) -> None:
        """Drop the queued windows; the next run makes them."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _load(model: TextModel, own: bytes) -> Student | None:
    """The model's student, adapted as `own`, which the index keeps, says.

    One that is damaged, or was adapted from another student, is left alone: the student is adapted again.
    """
    student = model.student()
    if student is None or not own:
        return student
    from embedder.student import unpack_head

    try:
        head = unpack_head(own, "The index")
    except ModelInvalid as error:
        log.warning("%s", error.what)
        return student
    return student.with_head(head) if head.base == student.fingerprint else student


def _adapted(student: Student, jobs: Sequence[EmbeddingJob], rows: NDArray[np.float32]) -> Student | None:
    return student.adapted([job.text for job in jobs], [job.title for job in jobs], rows)


def _vectors(student: Student, jobs: list[EmbeddingJob]) -> NDArray[np.float32]:
    rows = student.embed([job.text for job in jobs], [job.title for job in jobs])
    return require_expectations(rows, len(jobs))
