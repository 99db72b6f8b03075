"""Whether what is given to a name like a password's is a real value, or an example, code or prose.

Owns the judgement of one value. Knows no names and no text around it.
"""

from __future__ import annotations

import re

from index.credentials.published import is_published

_EXAMPLE = re.compile(
    r"example|placeholder|redacted|changeme|change[_-]me|dummy|foobar|mock[-_]|(?<!\w)fake|replace|insert"
    r"|generated|at[-_ ]?least|left.out|your[-_ ]"
    r"|your(?:pass|key|token|secret|api|own|user|name)|xxxx|\*\*\*|\.\.\.|…|•|█"
    r"|____|0{10}|1234567890|abcdef|1a2b3c4d|arn:|<[^<>]+>|\{\{|\|\||\[[^\]]*-[^\]]*\]|\\[dwsSDW]|\.\*",
    re.IGNORECASE,
)
"""What no real value holds; documents are full of what does."""
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
"""Words with a number that are names of methods, and not secret."""
_STAND_IN = re.compile(
    r"(?:\$|\{|<|\[|%[A-Za-z(]|\*).*|[\w.-]*(?:passw(?:or)?d|passwort|secret|token)[\w.-]{0,3}|pass|pw|pwd",
    re.IGNORECASE,
)
_LETTERS, _OTHERS = 3, 4
"""Letters of a name's words on average, at least; digits and signs in it, at most."""
_NAME_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_HEX = re.compile(r"[0-9a-f]{20,}|[0-9A-F]{20,}")
_BASE32 = re.compile(r"[A-Z2-7]{16,}=*")
_UPPER, _LOWER, _DIGIT = re.compile(r"[A-Z]"), re.compile(r"[a-z]"), re.compile(r"\d")
_SIGN = re.compile(r"[^\w.,:;'\"/\s*-]")
_ASIDE = "\"'`“”„«»「」『』*_"


def is_example(value: str) -> bool:
    """Whether `value` says itself that it is none, or is too uniform to be one."""
    return _EXAMPLE.search(value) is not None or len(set(value)) < min(3, len(value))


def is_stand_in(value: str) -> bool:
    """Whether `value` is the name of what it stands for, or a place for it."""
    return _STAND_IN.fullmatch(value) is not None or is_example(value)


def is_name(value: str) -> bool:
    """Whether `value` is put together from words as names in programs are: `OAuth2Token`."""
    words = _NAME_WORD.findall(value)
    letters = sum(map(len, words))
    if not value.isidentifier() or value.isupper():
        return False
    return letters >= _LETTERS * len(words) and letters >= len(value) - _OTHERS


def is_strong(value: str) -> bool:
    """Whether `value` mixes characters as only what a machine or a careful person makes does."""
    if len(value) < 8 or _is_none(value):
        return False
    digit = _DIGIT.search(value) is not None
    if _HEX.fullmatch(value):
        return digit and re.search(r"[a-fA-F]", value) is not None
    if _BASE32.fullmatch(value):
        return digit
    kinds = sum(pattern.search(value) is not None for pattern in (_LOWER, _UPPER, re.compile(r"[^\w.]")))
    return digit and kinds >= 2 and len(set(value)) >= 6


def is_password(value: str) -> bool:
    """Whether `value` is what a person would take for a password, weak ones included.

    Six characters or more: letters with digits or with signs, or digits alone; in scripts other than
    Latin, letters and digits.
    """
    if len(value) < 6 or _is_none(value) or _TERM.fullmatch(value):
        return False
    letters = any(map(str.isalpha, value))
    if _DIGIT.search(value):
        return (letters and len(set(value)) >= 4) or (value.isdecimal() and len(set(value)) >= 3)
    mixed = _LOWER.search(value) is not None and _UPPER.search(value) is not None
    return mixed and _SIGN.search(value) is not None


def has_digit(value: str) -> bool:
    return _DIGIT.search(value) is not None


def is_word(value: str) -> bool:
    """Whether `value` can be a password where its place alone says that it is one, as in a table."""
    return len(value) >= 4 and not _is_none(value) and not value.startswith("--")


def bare(value: str) -> str:
    """The value without quotes, emphasis and the sentence's own signs around it."""
    return value.strip(_ASIDE).rstrip(".,;:)]}>").strip(_ASIDE)


def _is_none(value: str) -> bool:
    return (
        is_example(value)
        or _CODE.fullmatch(value) is not None
        or _PLACE.fullmatch(value) is not None
        or is_published(value)
    )
