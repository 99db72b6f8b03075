"""Recovery phrases of wallets and recovery codes of accounts.

Owns the rules by which words are a phrase and lines are a list of codes. Source of the lengths: BIP-39.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, pairwise

from index.credentials.bip39 import WORDS
from index.credentials.search_text import SearchText

_LENGTHS = (12, 15, 18, 21, 24)
"""The numbers of words in a phrase (BIP-39)."""
_FEWEST_DIFFERENT = 8
"""Least different words in a run that counts as a phrase."""
_LONGEST_RUN = 200
"""Words: a longer run of the list's is the list itself."""
_PARAGRAPH = re.compile(r"\n[^\S\n]*\n")
_LISTED, _NUMBER = 1, 2
_CLASSES = {
    **{form: _LISTED for word in WORDS for form in (word, f"{word},", word.capitalize(), word.upper())},
    **{f"{n}{sign}": _NUMBER for n in range(1, 25) for sign in (".", ")", ":", "")},
    **dict.fromkeys(("-", "*", "|", "•"), _NUMBER),
}
_STEP = 4
"""Every fourth word is tested for membership in the list."""
_SHORTEST = bytes([True] * (_LENGTHS[0] // _STEP))
_SEED_NAMES = ("seed", "mnemonic", "phrase", "助记词", "ニーモニック", "мнемоник", "сид-фраз", "semilla")
_SEED_BEFORE = re.compile(r"(?:seed|recovery|wallet|mnemonic|backup|secret|recuperación|récupération)[ -]?$")
_WORD = re.compile(r"[^\W\d_]+")
_BETWEEN = re.compile(r"[\s\d.,;:)|*•-]{1,12}|\s{1,3}/\s{1,3}")
_FAR = 600
"""Characters after the name of a phrase or of codes in which they are searched."""
_STRETCH = 60
"""Characters after a name in which a further name is ignored: the text after both is searched once."""
_UNLISTED = 2
"""Words of a named phrase that may be missing from the list, since people copy phrases by hand."""
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
    r"(?<![\w/.#-])(?:\d{4}[ -]\d{4}|\d{6,10}|[a-z]{5}-[a-z]{5}"
    r"|(?=[a-z-]{0,30}\d)[a-z0-9]{4,6}(?:-[a-z0-9]{4,6}){1,5}"
    r"|(?=[a-z]{0,15}\d)(?=\d{0,15}[a-z])[a-z0-9]{8,16})(?![\w/-]|\.\w)"
)
_FEWEST_CODES = 3
"""Least codes after a name: fewer also occur in ordinary text."""


def phrases(search_text: SearchText) -> Iterator[tuple[int, int]]:
    """The spans of phrases and codes."""
    lowercase = search_text.lowercase
    yield from _runs_of_list_words(search_text.text, search_text.words)
    for start in _places(search_text, _SEED_NAMES, _names_seed):
        yield from _phrases_after_names(lowercase, start)
    for start in _places(search_text, _CODE_NAMES, _names_codes):
        yield from _codes(lowercase, start)


def _places(
    search_text: SearchText, names: Sequence[str], right: Callable[[str, int], bool]
) -> Iterator[int]:
    """The positions of names that `right` accepts, at most one in each stretch."""
    lowercase = search_text.lowercase
    for name in [name for name in names if search_text.contains(name)]:
        at, free = lowercase.find(name), 0
        while at >= 0:
            if at >= free and right(lowercase, at):
                yield at
                free = at + _STRETCH
            at = lowercase.find(name, at + len(name))


def _names_seed(lowercase: str, at: int) -> bool:
    named = _SEED_BEFORE.search(lowercase, max(0, at - 20), at)
    return not lowercase.startswith("phrase", at) or named is not None


def _names_codes(lowercase: str, at: int) -> bool:
    named = _CODE_BEFORE.search(lowercase, max(0, at - 40), at) or _CODE_AFTER.match(lowercase, at)
    return named is not None


def _runs_of_list_words(text: str, words: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Runs of words of the list that are exactly as long as a phrase."""
    sought = 0
    for run in _runs(words):
        phrase = [word.rstrip(",") for word in run if _CLASSES[word] == _LISTED]
        if len(set(phrase)) < _FEWEST_DIFFERENT or len(phrase) > _LONGEST_RUN:
            continue
        found = re.compile(r"[\W\d]{1,40}".join(phrase)).search(text, sought)
        if found:
            sought = found.end()
            if len(phrase) in _LENGTHS:
                yield found.span()
            else:
                yield from _paragraphs(found)


def _paragraphs(run: re.Match[str]) -> Iterator[tuple[int, int]]:
    """The phrases in a run that is too long for one: a heading or a sentence can be beside it."""
    at = run.start()
    for paragraph in _PARAGRAPH.split(run.group()):
        start = run.string.index(paragraph, at)
        at = start + len(paragraph)
        found = _WORD.findall(paragraph)
        if len(found) in _LENGTHS and len(set(found)) >= _FEWEST_DIFFERENT:
            yield start, at


def _runs(words: Sequence[str]) -> Iterator[Sequence[str]]:
    """Runs of words of the list and of numbers between them; every run that holds a phrase is among them.

    It suffices to test each fourth word: the shortest phrase holds three of those.
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


def _phrases_after_names(lowercase: str, start: int) -> Iterator[tuple[int, int]]:
    """The phrase after its name, with any numbering and separators."""
    words = list(_WORD.finditer(lowercase, start, start + _FAR))
    first = next((i for i in range(len(words) - 11) if _is_phrase(words[i : i + 12])), None)
    if first is not None:
        last = first + 11
        while last + 1 < len(words) and words[last + 1].group() in WORDS:
            last += 1
        yield start, words[last].end()


def _is_phrase(words: Sequence[re.Match[str]]) -> bool:
    listed = sum(word.group() in WORDS for word in words)
    if len({word.group() for word in words}) < _FEWEST_DIFFERENT:
        return False
    text = words[0].string
    near = all(_BETWEEN.fullmatch(text, a.end(), b.start()) for a, b in pairwise(words))
    return near and listed >= len(words) - _UNLISTED and all(len(word.group()) >= 3 for word in words)


def _codes(lowercase: str, start: int) -> Iterator[tuple[int, int]]:
    codes = list(islice(_CODE.finditer(lowercase, start, start + _FAR), 40))
    if len(codes) >= _FEWEST_CODES and codes[0].start() - start < _FAR // 3:
        yield start, codes[-1].end()
