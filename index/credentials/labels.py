"""Names of passwords and keys in many languages, as people and programs write them.

Owns the words, all in lower case, and the search for them. Knows nothing of values.

Sources: the translations of "password" in the message catalogues of GNOME, Firefox and Bitwarden; the keyword
list of detect-secrets (github.com/Yelp/detect-secrets, plugins/keyword.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Literal, NamedTuple

from index.credentials.search_text import SearchText

LabelKind = Literal["password", "short", "key", "pin"]
"""The value that a name takes: `password`, also a weak one; `short`, the same for an abbreviation, which must
be a whole word; `key`, a random value; `pin`, digits."""


class Label(NamedTuple):
    """An occurrence of a name: `lowercase[start:end]`."""

    kind: LabelKind
    start: int
    end: int


class _Name(NamedTuple):
    kind: LabelKind
    needle: str
    """The beginning of every form of the name."""
    rest: str = ""
    """A pattern of the text after the needle."""
    before: str = ""
    """Words of which one must be before the name; `_` stands for a blank."""


def _names(kind: LabelKind, words: str) -> tuple[_Name, ...]:
    return tuple(_Name(kind, word) for word in words.split())


_TABLE = (
    # English, and what is made of it
    _Name("password", "pass", r"w(?:or[dt]|d)(?:s|en|et|er)?|[ -]?phrase|[ -]?code|ord(?:et)?|wörter"),
    _Name("password", "passe", before="mot_de mots_de palavra"),
    _Name("short", "pass"),
    *_names("short", "pwd pw psw mdp pswd kw пасс"),
    # German, Dutch, Danish, Swedish, Finnish, Estonian, Icelandic
    *_names("password", "kennwort wachtwoord lösenord lo\u0308senord losenord salasana lykilor"),
    _Name("password", "kode", r"ord(?:et)?"),
    _Name("password", "kode", before="adgangs tilgangs"),
    # Spanish, Catalan, Portuguese, Italian, Romanian
    _Name("password", "contrase", r"(?:ñ|n\u0303?)(?:as?|yes|ya)"),
    _Name("password", "senha", r"s?"),
    _Name("password", "parol", r"[aăeyi]?"),
    # Polish, Czech, Slovak, Slovene, Croatian, Hungarian, Lithuanian, Turkish
    *_names("password", "hasło hasła haslo"),
    _Name("password", "hesl", r"[oa]"),
    *_names("password", "lozink geslo jelsz slaptažod"),
    _Name("password", "şifre", r"(?:si|niz|m)?"),
    _Name("password", "sifre", r"(?:si|niz)?"),
    # Indonesian, Malay, Vietnamese, Swahili
    _Name("password", "sandi", before="kata"),
    _Name("password", "laluan", before="kata"),
    *_names("password", "khẩu kha\u0302\u0309u nenosiri"),
    # Greek, Cyrillic, Armenian, Georgian
    _Name("password", "κωδικ", r"\w{1,3}(?: πρόσβασης| πρόσβασησ)?"),
    *_names("password", "συνθηματικ парол лозинк գաղտնաբառ პაროლ"),
    _Name("password", "құпия", r" ?сөз"),
    # Hebrew, Arabic, Persian, Urdu
    *_names("password", "סיסמ باسورد پسورد گذرواژه"),
    _Name("password", "كلم", r"[ةه] ?(?:ال)?(?:مرور|سر)"),
    _Name("password", "الرقم", r" السري"),
    _Name("password", "رمز", r" ?(?:عبور|المرور|ورود)"),
    _Name("password", "پاس", r" ورڈ"),
    # India, Sri Lanka, Thailand, Laos, Burma, Cambodia
    *_names("password", "पासवर्ड कूटशब्द পাসওয়ার্ড পাসওয়ার্ড கடவுச்சொல் ਪਾਸਵਰਡ પાસવર્ડ මුරපද"),
    *_names("password", "రహస్యపదం పాస్‌వర్డ్ పాస్వర్డ్ ಪಾಸ್‌ವರ್ಡ್ ಪಾಸ್ವರ್ಡ್ പാസ്‌വേഡ് പാസ്വേഡ് പാസ്‌വേർഡ്"),
    *_names("password", "รหัสผ่าน ລະຫັດຜ່ານ စကားဝှက် ពាក្យសម្ងាត់"),
    # Chinese, Japanese, Korean
    *_names(
        "password", "密码 密碼 口令 パスワード パスコード パスフレーズ 暗証番号 合言葉 비밀번호 패스워드 비번"
    ),
    *_names("password", "비밀번호 패스워드 비번 암호"),
    # networks
    _Name("password", "key", before="wifi wi-fi wlan wpa wpa2 wpa3 wep network hotspot router"),
    _Name("password", "schl", r"(?:ü|u\u0308|ue)ssel", "wlan wifi wi-fi wpa wpa2 netzwerk netz router"),
    _Name("password", "clé", r" (?:du )?(?:wi-?fi|wpa|réseau|wep)"),
    _Name("password", "clave", r" (?:de )?(?:la |el |del )?(?:wi-?fi|red|router)"),
    _Name("password", "chiave", r" (?:del )?(?:wi-?fi|rete)"),
    *_names("short", "psk wpa wpa2 wpa3 wpa-psk wpa2-psk clave chave"),
    # keys
    _Name("key", "secret", r"(?:s\b|[ _-]?key|[ _-]?access[ _-]?key)?"),
    _Name("key", "token"),
    _Name(
        "key",
        "key",
        r"s?",
        "api access private secret signing encryption master auth account storage shared consumer app"
        " application deploy service server session setup subscription recovery bearer x-api admin write"
        " global",
    ),
    _Name("key", "clave", r"s?"),
    _Name("key", "chave", r"s?"),
    _Name("key", "schl", r"(?:ü|u\u0308|ue)ssel"),
    _Name("key", "clé", r"(?: (?:d.)?api| secrète)"),
    *_names("key", "ключ 密钥 密鑰 秘密鍵 キー 키 totp 2fa geheimnis jeton"),
    _Name("key", "pat", before="ext github gitlab devops azure personal"),
    # digits
    _Name("pin", "pin", r"(?:[ -]?(?:code|number|nummer|nr\.?|kod|код|码)|[12])?"),
    _Name("pin", "puk", r"(?:[ -]?code|[12])?"),
    _Name("pin", "code", r"s?", "door gate alarm safe lock entry access unlock garage tür zugangs pin"),
    _Name("pin", "code", r" (?:secret|d.accès|d.entrée|pin|porte)"),
    *_names("pin", "geheimzahl пин 핀번호"),
    _Name("pin", "пин", r"[ -]?код"),
    _Name("pin", "combination", before="safe lock"),
)
_JOINTS = " -_.'’"
_WORD_OF_ITS_OWN = ("short", "pin")
_GLUED = (
    "access", "auth", "api", "bearer", "refresh", "session", "security", "private", "deploy", "bot", "user",
    "client", "app", "consumer", "shared", "admin", "master", "id", "oauth", "account", "secret", "service",
    "webhook",
)  # fmt: skip
"""Words that form one word with the name of a key: `accessToken`."""
_PASSING = (
    "next",
    "page",
    "lock",
    "request",
    "continuation",
    "sync",
    "idempotency",
    "resume",
    "export",
    "import",
)
"""Words before tokens that open nothing. Amazon's, in a signed address, ends within hours."""
_PASSING_TOKENS = ("client", "client-", "client_", "?x-amz-security-", "&x-amz-security-")
_OTHER_KEY = re.compile(
    r"[ _-]?(?:ids?|names?|expir\w*|types?|time\w*|polic(?:y|ies)|length|urls?|uris?|path|file|count|limit"
    r"|algorithm|arn|spec|usage|manager|provider|class|version|prefix|size|source|verifier|identifier|format"
    r"|scope)\b|[a-rt-z]|s[a-z]"
)
_RULES = ("policy", "_policy", "-policy", "verifier", "_verifier", "less")
"""Text after the name of a password that makes it a statement about passwords."""
_SCRIPTS = (
    ("\u0000", "\u036f", None),
    ("\u0370", "\u058f", re.compile("[\u0370-\u058f\u10a0-\u10ff]")),
    ("\u0590", "\u08ff", re.compile("[\u0590-\u08ff]")),
    ("\u0900", "\u1fff", re.compile("[\u0900-\u109f\u1780-\u17ff]")),
    ("\u2000", "\uffff", re.compile("[\u3040-\u9fff\uac00-\ud7af]")),
)
"""First and last of the characters that needles begin with, and a pattern for texts in such scripts."""


class _Compiled(NamedTuple):
    kind: LabelKind
    pattern: re.Pattern[str]
    before: tuple[str, ...]


def _compile(name: _Name) -> _Compiled:
    before = tuple(word.replace("_", " ") for word in name.before.split())
    return _Compiled(name.kind, re.compile(f"{re.escape(name.needle)}(?:{name.rest})"), before)


def _by_needle(first: str, last: str) -> tuple[tuple[str, tuple[_Compiled, ...]], ...]:
    names = sorted((name for name in _TABLE if first <= name.needle[0] <= last), key=lambda name: name.needle)
    return tuple((needle, tuple(map(_compile, n))) for needle, n in groupby(names, lambda name: name.needle))


_BY_SCRIPT = tuple((script, _by_needle(first, last)) for first, last, script in _SCRIPTS)


def labels(search_text: SearchText) -> list[Label]:
    """All occurrences of names, in order; of several at one position the longest comes first."""
    lowercase, vocabulary = search_text.lowercase, search_text.vocabulary
    ascii_only = vocabulary.isascii()
    found: set[Label] = set()
    for script, by_needle in _BY_SCRIPT:
        if script is None or (not ascii_only and script.search(vocabulary)):
            for needle, names in by_needle:
                if search_text.contains(needle):
                    for name in names:
                        found.update(_find_labels(lowercase, name))
    return sorted(found, key=lambda label: (label.start, -label.end))


def _find_labels(lowercase: str, name: _Compiled) -> Iterator[Label]:
    for found in name.pattern.finditer(lowercase):
        start, end = found.span()
        if lowercase.startswith(_RULES, end):
            continue
        if name.before:
            words = lowercase[max(0, start - 20) : start].rstrip(_JOINTS)
            if not words.endswith(name.before):
                continue
        if name.kind == "key" and not _names_key(lowercase, start, end):
            continue
        if name.kind in _WORD_OF_ITS_OWN and not _stands_alone(
            lowercase, start, end, glued=bool(name.before)
        ):
            continue
        yield Label(name.kind, start, end)


def _names_key(lowercase: str, start: int, end: int) -> bool:
    """Whether the name means a key, and not a page token, the name of a secret, or the expiry of a key."""
    if _OTHER_KEY.match(lowercase, end) or lowercase[start - 1 : start] == ":":
        return False
    before = lowercase[max(0, start - 20) : start]
    if before.endswith(_PASSING_TOKENS) and lowercase.startswith("token", start):
        return False
    if before[-1:].isalpha():
        return before.endswith(_GLUED)
    return not before.rstrip(_JOINTS).endswith(_PASSING)


def _stands_alone(lowercase: str, start: int, end: int, *, glued: bool) -> bool:
    """`glued`: the word that must be before it may form one word with it, as in `Alarmcode`."""
    before, after = lowercase[start - 1 : start], lowercase[end : end + 1]
    return (glued or not before.isalnum()) and not after.isalpha()
