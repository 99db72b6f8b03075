"""Recovery phrases of wallets and recovery codes of accounts.

Owns what makes words a phrase and lines a list of codes. Source of the lengths: BIP-39.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, pairwise

from index.credentials.bip39 import WORDS
from index.credentials.searched import Searched

_LENGTHS = (12, 15, 18, 21, 24)
"""Words that a phrase can have."""
_FEWEST_DIFFERENT = 8
"""Different words in a run that is taken for a phrase."""
_LISTED, _NUMBER = 1, 2
_CLASSES = {
    **{form: _LISTED for word in WORDS for form in (word, f"{word},", word.capitalize(), word.upper())},
    **{f"{n}{sign}": _NUMBER for n in range(1, 25) for sign in (".", ")", ":", "")},
    **dict.fromkeys(("-", "*", "|", "•"), _NUMBER),
}
_STEP = 4
_SHORTEST = bytes([True] * (_LENGTHS[0] // _STEP))
_SEED_NAMES = ("seed", "mnemonic", "phrase", "助记词", "ニーモニック", "мнемоник", "сид-фраз", "semilla")
_SEED_BEFORE = re.compile(r"(?:seed|recovery|wallet|mnemonic|backup|secret|recuperación|récupération)[ -]?$")
_WORD = re.compile(r"[^\W\d_]+")
_BETWEEN = re.compile(r"[\s\d.,;:)|*•-]{1,12}")
_FAR = 600
"""Characters after the name of a phrase or of codes within which they are looked for."""
_STRETCH = 60
"""Characters after a name in which the next one says nothing new: what follows both is looked at once."""
_UNLISTED = 2
"""Words of a named phrase that may be missing from the list: it was copied by hand."""
_CODE_NAMES = ("code", "codici", "коды", "恢复码", "恢复代码", "备用代码", "コード", "코드", "kody")
_CODE_BEFORE = re.compile(
    r"(?:recovery|backup|back-up|scratch|emergency|one[- ]time|2fa|two-factor|mfa|rescue|wiederherstellungs|"
    r"sicherungs|ersatz|notfall|einmal|herstel|резервные|リカバリー|バックアップ|復旧|복구|백업)"
    r"[ -]{0,3}(?:\w{1,12}[ -])?$"
)
_CODE_AFTER = re.compile(
    r"codes? (?:de|d.) ?(?:secours|récupération|respaldo|emergencia|sauvegarde|urgence)"
    r"|c[óo]digos? de (?:recuperación|recuperação|respaldo|backup)|codici di (?:recupero|backup)"
    r"|коды (?:восстановления|доступа)|kody (?:zapasowe|odzyskiwania)|恢复码|恢复代码|备用代码"
)
_CODE = re.compile(
    r"(?<![\w/.-])(?:\d{4}[ -]\d{4}|\d{6,10}|[a-z]{5}-[a-z]{5}"
    r"|(?=[a-z-]{0,30}\d)[a-z0-9]{4,6}(?:-[a-z0-9]{4,6}){1,5}"
    r"|(?=[a-z]{0,15}\d)(?=\d{0,15}[a-z])[a-z0-9]{8,16})(?![\w/-]|\.\w)"
)
_FEWEST_CODES = 3


def phrases(searched: Searched) -> Iterator[tuple[int, int]]:
    """Where phrases and codes stand."""
    small = searched.small
    yield from _listed(searched.text, searched.words)
    for start in _places(searched, _SEED_NAMES, _names_seed):
        yield from _named(small, start)
    for start in _places(searched, _CODE_NAMES, _names_codes):
        yield from _codes(small, start)


def _places(searched: Searched, names: Sequence[str], right: Callable[[str, int], bool]) -> Iterator[int]:
    """Where `right` finds a name, one in a stretch."""
    small = searched.small
    for name in [name for name in names if searched.holds(name)]:
        at, free = small.find(name), 0
        while at >= 0:
            if at >= free and right(small, at):
                yield at
                free = at + _STRETCH
            at = small.find(name, at + len(name))


def _names_seed(small: str, at: int) -> bool:
    named = _SEED_BEFORE.search(small, max(0, at - 20), at)
    return not small.startswith("phrase", at) or named is not None


def _names_codes(small: str, at: int) -> bool:
    named = _CODE_BEFORE.search(small, max(0, at - 40), at) or _CODE_AFTER.match(small, at)
    return named is not None


def _listed(text: str, words: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Runs of as many words of the list as a phrase has, and no more."""
    sought = 0
    for run in _runs(words):
        phrase = [word.rstrip(",") for word in run if _CLASSES[word] == _LISTED]
        if len(phrase) in _LENGTHS and len(set(phrase)) >= _FEWEST_DIFFERENT:
            found = re.compile(r"[\W\d]{1,40}".join(phrase)).search(text, sought)
            if found:
                yield found.span()
                sought = found.end()


def _runs(words: Sequence[str]) -> Iterator[Sequence[str]]:
    """Words of the list, and numbers between them, that stand together; no run with a phrase is missing.

    Every fourth word is looked at, since three of those lie in the shortest phrase.
    """
    every = bytes(map(_CLASSES.__contains__, words[::_STEP]))
    at = every.find(_SHORTEST)
    while at >= 0:
        start = end = at * _STEP
        while start and words[start - 1] in _CLASSES:
            start -= 1
        while end < len(words) and words[end] in _CLASSES:
            end += 1
        yield words[start:end]
        at = every.find(_SHORTEST, end // _STEP + 1)


def _named(small: str, start: int) -> Iterator[tuple[int, int]]:
    """The phrase that follows its name, however its words are numbered and divided."""
    words = list(_WORD.finditer(small, start, start + _FAR))
    first = next((i for i in range(len(words) - 11) if _is_phrase(words[i : i + 12])), None)
    if first is not None:
        last = first + 11
        while last + 1 < len(words) and words[last + 1].group() in WORDS:
            last += 1
        yield start, words[last].end()


def _is_phrase(words: Sequence[re.Match[str]]) -> bool:
    listed = sum(word.group() in WORDS for word in words)
    text = words[0].string
    near = all(_BETWEEN.fullmatch(text, a.end(), b.start()) for a, b in pairwise(words))
    return near and listed >= len(words) - _UNLISTED and all(len(word.group()) >= 3 for word in words)


def _codes(small: str, start: int) -> Iterator[tuple[int, int]]:
    codes = list(islice(_CODE.finditer(small, start, start + _FAR), 40))
    if len(codes) >= _FEWEST_CODES and codes[0].start() - start < _FAR // 3:
        yield start, codes[-1].end()
