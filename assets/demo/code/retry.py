"""Call something that may be temporarily unavailable, patiently and without making it worse.

When a service is already struggling, a thousand clients that come back in the same instant keep it on
its knees. So the pause doubles after each unsuccessful attempt, up to a ceiling, and the real pause is
drawn at random between zero and that value ("full jitter"), which spreads the crowd out.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

TRANSIENT = (ConnectionError, TimeoutError)
"""Worth another go. A refused password or a malformed request is not: it will be refused again."""


def patiently(
    call: Callable[[], T],
    *,
    attempts: int = 6,
    base: float = 0.2,
    ceiling: float = 20.0,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """Return `call()`, trying up to `attempts` times; the last exception is passed on unchanged.

    With the defaults the longest possible total pause is 0.2 + 0.4 + 0.8 + 1.6 + 3.2 = 6.2 seconds and
    the expected one is half of that. Only for calls that may be repeated safely: reading, or writing
    with an idempotency key. Charging a card without one can charge it twice.
    """
    for attempt in range(attempts):
        try:
            return call()
        except TRANSIENT:
            if attempt == attempts - 1:
                raise
            sleep(random.uniform(0.0, min(ceiling, base * 2**attempt)))
    raise ValueError("attempts must be at least 1")
