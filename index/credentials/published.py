"""Values that look like credentials and are public: samples of documentation, certificates, signatures.

Owns the list. A sample from documentation is in many ordinary files, and is the password of no account.

Sources: Amazon's command line examples (github.com/aws/aws-cli, awscli/examples, Apache-2.0), in which every
reserved identifier holds EXAMPLE; RFC 5280 (names in certificates), RFC 3279 (signatures).
"""

from __future__ import annotations

import hashlib
import re
from itertools import pairwise

_SAMPLES = frozenset(
    {
        "fb714e1a8338", "2b11fd6ecebd", "4c3b7b4cfff5", "6020b22f93c5", "96503086b08c", "764dbdae02c6",
        "37c10670de90", "21689c404419", "53ba0360eb3f", "a8f64d5157f3", "defff8ab5afc", "24d63b291f68",
    }
)  # fmt: skip
"""Digests of sample passwords and keys that are not marked as samples."""
_DIGEST_BYTES = 6
"""Bytes of a digest: enough to make a collision with an ordinary value improbable."""
_LONGEST_SAMPLE = 80
"""Characters."""
_IN_CERTIFICATE = re.compile(r"BgNVBA[MoY]|YDVQQ[DKG]|GA1UE[ABC]")
"""In base64, at each of its three offsets: the name of a subject, an organization or a country follows."""
_SIGNATURE = re.compile(r"M[EG][QUY]C[IM][A-Za-z0-9+/]{80,150}={0,2}")
"""In base64, a sequence of two numbers, as ECDSA signs."""
_SAMPLE_ID = re.compile(r"(?<![A-Za-z])(?=[A-Z]{0,30}\d)[A-Z0-9]{0,24}EXAMPLE[A-Z0-9]{0,24}(?![A-Za-z])")
_NEAR = 400
"""Characters around a value, within its paragraph, in which the identifier of a sample marks it as a
sample."""
_FEWEST_DIGITS = 12
"""Digits of a value that can count up: shorter runs also occur in real passwords."""
_COUNTED = 0.8
"""Share of the digits of a value that are the successor of the digit before: with more, it is not random."""


def is_published(value: str) -> bool:
    """Whether `value` is public, or a sequence of the keyboard."""
    if len(value) <= _LONGEST_SAMPLE and _digest(value) in _SAMPLES:
        return True
    if len(value) >= 40 and (_IN_CERTIFICATE.search(value) or _SIGNATURE.fullmatch(value)):
        return True
    return _counts_up(value)


def beside_sample(text: str, start: int, end: int) -> bool:
    """Whether the paragraph around `text[start:end]` names an identifier that is reserved for samples."""
    first = max(text.rfind("\n\n", start - _NEAR, start), start - _NEAR, 0)
    last = text.find("\n\n", end, end + _NEAR)
    last = last if last >= 0 else end + _NEAR
    if "EXAMPLE" not in text[first:last]:
        return False
    return any(len(found.group()) >= 12 for found in _SAMPLE_ID.finditer(text, first, last))


def _digest(value: str) -> str:
    return hashlib.blake2b(value.encode("utf-8", "replace"), digest_size=_DIGEST_BYTES).hexdigest()


def _counts_up(value: str) -> bool:
    digits = [int(sign) for sign in value if sign in "0123456789"]
    if len(digits) < _FEWEST_DIGITS:
        return False
    steps = sum((after - before) % 10 == 1 for before, after in pairwise(digits))
    return steps >= _COUNTED * (len(digits) - 1)
