"""Whether a value assigned to the name of a password is a real credential, or an example, code or prose.

Owns the decision on one value. Knows no names and no text around the value.
"""

from __future__ import annotations

import re
from itertools import pairwise

from index.credentials.published import is_published

_EXAMPLE = re.compile(
    r"example|placeholder|redacted|changeme|change[_-]me|dummy|foobar|mock[-_]|(?<!\w)fake|replace|insert"
    r"|generated|at[-_ ]?least|left.out|your[-_ ]"
    r"|your(?:pass|key|token|secret|api|own|user|name)|xxxx|\*\*\*|\.\.\.|…|•|█"
    r"|____|0{10}|1234567890|abcdef|1a2b3c4d|arn:|<[^<>]+>|\{\{|\|\||\[[^\]]*-[^\]]*\]|\\[dwsSDW]|\.\*",
    re.IGNORECASE,
)
"""Parts that no real credential has, and that examples in documents often have."""
_CODE = re.compile(
    r"""
    [A-Za-z_][\w.]*\(.*                # a call
    | [A-Za-z_][\w.]*\[[\"'].*         # an item of a table
    | [A-Z]\w*\[.*                     # a type
    | (?:[A-Za-z_]\w*(?:\.|::|->))+[A-Za-z_]\w*[()]*  # self.password
    | [$%&@]?\{.*\}?                   # {name}, ${NAME}
    | \$[A-Za-z_(].*                   # $NAME
    | %[\w(].*%?                       # %s, %NAME%
    | [@:][A-Za-z_-]+                  # @name, :name
    | <.* | \[.*\] | &\w+;.*           # <name>, [name]
    | --?[A-Za-z][A-Za-z-]*(?:=.*)?    # an option
    | .*[)\]}]\(.*
    """,
    re.VERBOSE,
)
_PLACE = re.compile(
    r"""
    [a-zA-Z][\w+.-]*://.*              # an address
    | (?:[.~]{0,2}|[A-Za-z]:)[/\\][\w./\\~@ -]*  # a path
    | [\w.-]+(?:/[\w.-]*[a-z][\w.-]*)+ # a relative path
    | [\w.+-]+@[\w-]+(?:\.[\w-]+)+     # an address of mail
    | [\w-]+\.[A-Za-z]{2,4}            # a file, a host
    | [vV]?\d+(?:[.:/-]\d+)+           # a version, a date, a time
    | \#[0-9a-fA-F]{3,8}
    | 0[xX][0-9a-fA-F]{1,16}           # an address in memory
    """,
    re.VERBOSE,
)
_TERM = re.compile(
    r"(?:base|sha|md|aes|rsa|utf|ucs|iso|rfc|pkcs|pbkdf|oauth|ipv|x|argon|http|des|bcrypt|scrypt|win|python|py|"
    r"php|ed|curve|secp|ecdsa|ed|rc|crc|blake|ntlm|wpa|web|sha3|hmac|version|ver|v|cp|latin|step|"
    r"chapter|section|table|figure|no|nr|test|phase|option|field|arg|param|value|user|string|str|int|u?int\d*)"
    r"[-_ ]?\d{1,4}(?:[-_./]?[a-z0-9]{0,12}){0,3}",
    re.IGNORECASE,
)
"""Words with a number that name a method or a thing, and are not secret."""
_PLACEHOLDER = re.compile(
    r"(?:\$|\{|<|\[|%[A-Za-z(]|\*).*|[\w.-]*(?:passw(?:or)?d|passwort|secret|token)[\w.-]{0,3}|pass|pw|pwd",
    re.IGNORECASE,
)
_LETTERS, _OTHERS = 3, 4
"""Least average letters of the words in a name; most digits and signs in it."""
_NAME_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_HEX = re.compile(r"(?:0x)?(?:[0-9a-f]{20,}|[0-9A-F]{20,})")
_BASE32 = re.compile(r"[A-Z2-7]{16,}=*")
_UPPER, _LOWER, _DIGIT = re.compile(r"[A-Z]"), re.compile(r"[a-z]"), re.compile(r"\d")
_RUN = re.compile(r"[A-Za-z0-9]{10,}")
_SWITCH = re.compile(r"(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])")
"""Between a letter and a digit."""
_CHANGES = 0.4
"""In random letters and digits, three of five neighbouring pairs are of different sorts."""
_LONG = 20
"""Characters from which on letters of one case and digits, mixed, are no word with a number."""
_SIGN = re.compile(r"[^\w.,:;'\"/\s*-]")
_ASIDE = "\"'`“”„«»「」『』*_"


def is_example(value: str) -> bool:
    """Whether `value` is marked as an example, or is too uniform for a credential."""
    return _EXAMPLE.search(value) is not None or len(set(value)) < min(3, len(value))


def is_placeholder(value: str) -> bool:
    """Whether `value` is a placeholder: the name of a credential, or a template variable."""
    return _PLACEHOLDER.fullmatch(value) is not None or is_example(value)


def is_program_name(value: str) -> bool:
    """Whether `value` consists of words, as names in programs do: `OAuth2Token`."""
    words = _NAME_WORD.findall(value)
    letters = sum(map(len, words))
    if not value.isidentifier() or value.isupper():
        return False
    return letters >= _LETTERS * len(words) and letters >= len(value) - _OTHERS


def is_strong(value: str) -> bool:
    """Whether `value` mixes characters as generated or carefully chosen passwords do."""
    if len(value) < 8 or _is_no_secret(value):
        return False
    digit = _DIGIT.search(value) is not None
    if _HEX.fullmatch(value):
        return digit and re.search(r"[a-fA-F]", value) is not None
    if _BASE32.fullmatch(value):
        return digit
    if len(value) >= _LONG and value.isalnum() and len(_SWITCH.findall(value)) * 5 >= len(value):
        return True
    kinds = sum(pattern.search(value) is not None for pattern in (_LOWER, _UPPER, re.compile(r"[^\w.]")))
    return digit and kinds >= 2 and len(set(value)) >= 6


def is_password(value: str) -> bool:
    """Whether `value` looks like a password, also a weak one.

    Six characters or more: letters with digits or with signs, or digits alone; in scripts other than
    Latin, letters and digits.
    """
    if len(value) < 6 or _is_no_secret(value) or _TERM.fullmatch(value):
        return False
    letters = any(map(str.isalpha, value))
    if _DIGIT.search(value):
        return (letters and len(set(value)) >= 4) or (value.isdecimal() and len(set(value)) >= 3)
    mixed = _LOWER.search(value) is not None and _UPPER.search(value) is not None
    return mixed and _SIGN.search(value) is not None


def has_digit(value: str) -> bool:
    return _DIGIT.search(value) is not None


def can_be_password(value: str) -> bool:
    """Whether `value` can be a password where its position says that it is one, as in a table."""
    return len(value) >= 4 and not _is_no_secret(value) and not value.startswith("--")


def strip_quotes(value: str) -> str:
    """The value without quotes, emphasis and punctuation around it."""
    return value.strip(_ASIDE).rstrip(".,;:)]}>").strip(_ASIDE)


def _is_no_secret(value: str) -> bool:
    if is_example(value) or is_published(value):
        return True
    return bool(_CODE.fullmatch(value) or _PLACE.fullmatch(value)) and not any(
        map(_is_drawn, _RUN.findall(value))
    )


def _is_drawn(run: str) -> bool:
    """Whether letters and digits are mixed as by chance, and not as in the name of a path or an attribute."""
    changes = sum(_class_of(before) != _class_of(after) for before, after in pairwise(run))
    return changes >= _CHANGES * len(run) and all(pattern.search(run) for pattern in (_LOWER, _UPPER, _DIGIT))


def _class_of(sign: str) -> int:
    return 0 if sign.isdigit() else 1 if sign.islower() else 2
