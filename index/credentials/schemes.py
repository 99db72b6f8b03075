"""Credentials recognized by the form around them: addresses with passwords, headers, lines of settings.

Owns those forms. Knows no names in other languages (`labels`) and no tokens (`tokens`).

Sources of the forms: RFC 3986 (user information in addresses), RFC 7235 (Authorization), the PostgreSQL
manual on .pgpass, kubeconfig and Docker's config.json as their tools write them, Azure's documentation of
shared access signatures, RFC 7517 (JSON Web Keys), ZXing's Wi-Fi QR codes, Docker's reference of ENV,
Microsoft's of ConvertTo-SecureString, FileZilla's sitemanager.xml.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import unquote

from index.credentials.published import is_published
from index.credentials.search_text import SearchText
from index.credentials.values import (
    has_digit,
    is_example,
    is_password,
    is_program_name,
    is_strong,
    strip_quotes,
)


class _Form(NamedTuple):
    needle: str
    """A part of a word in every text that holds the form."""
    pattern: re.Pattern[str]
    """Matches the text in lower case; group 1 is the secret."""
    judge: Callable[[str], bool]
    """Decides on the secret in its original case."""


_PLACEHOLDER = re.compile(
    r"(?:\$|\{|<|\[|%[A-Za-z(]|\*).*|[\w.-]*(?:passw(?:or)?d|passwort|secret|token)[\w.-]{0,3}|[a-z]+|[A-Z_]+"
)


def _any(value: str) -> bool:
    return not is_example(value) and not is_published(value)


def _weak(value: str) -> bool:
    """Whether the value can be a password, where its position says that it is one; placeholders do not
    count."""
    plain = unquote(value)
    return len(plain) >= 6 and not is_example(plain) and _PLACEHOLDER.fullmatch(plain) is None


def _token(value: str) -> bool:
    value = strip_quotes(value)
    return is_strong(value) or (len(value) >= 16 and has_digit(value) and not is_example(value))


def _session(value: str) -> bool:
    return is_strong(value) and not is_program_name(value)


def _user_and_password(value: str) -> bool:
    """Base64 of `user:password`."""
    try:
        plain = base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False
    _, colon, password = plain.partition(b":")
    return bool(colon) and len(password) >= 3 and plain.isascii() and not is_example(plain.decode("ascii"))


def _private_key(value: str) -> bool:
    """Base64 of a private key in armour."""
    try:
        return b"PRIVATE" in base64.b64decode(value[:64])
    except (binascii.Error, ValueError):
        return False


def _pair(value: str) -> bool:
    """`user / password`, the password with a digit."""
    password = strip_quotes(re.split(r" {1,2}[/|,] {1,2}|[:/]", value, maxsplit=1)[1])
    plain = password.isdecimal() or re.search(r"@.*:", password)
    return is_password(password) and has_digit(password) and not plain


_GIVEN = r" {0,2}[:=：] {0,2}[*`\"]{0,3}"
_USER_AND_PASSWORD = r"([^\s/|:]{2,60}[*`\"]{0,3}(?: {1,2}[/|,] {1,2}|[:/])[*`\"]{0,3}\S{5,60})"
_PGPASS_END = r":[\w*.@-]{1,60}:([^\s:$\"{},]{3,100})(?m:$)"
"""User and password, at the end of a line of .pgpass."""
_FORMS = tuple(
    _Form(needle, re.compile(pattern), judge)
    for needle, pattern, judge in (
        ("://", r"://[^\s/:@\"'<>()|]{0,80}:([^\s/:@\"'<>]{3,120})@[\w.\[-]+", _weak),
        ("accountkey=", r"accountkey=([a-z0-9+/%]{40,}={0,2})", _any),
        ("accesskey=", r"accesskey=([a-z0-9+/%]{40,}={0,2})", _any),
        ("sig=", r"sig=(?<=[?&;]sig=)([a-z0-9%/+_-]{30,})", _any),
        (
            "authorization",
            r"authorization[\"']?\s{0,3}[:=,]\s{0,3}[\"'`]?(?!basic)[a-z]{3,10}\s{1,3}([^\s\"'`<>{}$]{8,})",
            _token,
        ),
        (
            "authorization",
            r"authorization[\"']?\s{0,3}[:=,]\s{0,3}[\"'`]?basic\s{1,3}([a-z0-9+/]{8,}={0,2})",
            _user_and_password,
        ),
        ("bearer", r"bearer ([a-z0-9_.~+/-]{20,}=*)", _token),
        ('"auth"', r"\"auth\"\s{0,3}:\s{0,3}\"([a-z0-9+/]{8,}={0,2})\"", _user_and_password),
        (":543", r":543\d:[\w*.-]{1,60}" + _PGPASS_END, _any),
        (":6432:", r":6432:[\w*.-]{1,60}" + _PGPASS_END, _any),
        (":$", r"(?m:^)[\w.@-]{1,40}:(\$(?:apr1|[156y]|2[abxy]|argon2\w{0,2})\$[^\s:]{20,300})", _any),
        ("_auth=", r"_auth=\"?([a-z0-9+/]{8,}={0,2})", _user_and_password),
        ("cookie:", r"cookie:[^\n]{0,200}?=([a-z0-9%._~+/-]{20,2000})", _session),
        ("ssws", r"\bssws ([\w-]{30,})", _token),
        ("authtoken", r"authtoken ([\w-]{30,})", _token),
        (":*:*:", r":\*:\*" + _PGPASS_END, _any),
        ("wifi:", r"wifi:(?:[a-z]:[^;\s]{0,40};){0,3}p:((?:[^;\\\s]|\\.){4,70});", _any),
        ("key-data", r"key-data(?<=client-key-data)\"?:\s{1,4}\"?([a-z0-9+/]{40,}={0,2})", _any),
        ("clusters:", r"(?m:^)[ -]{2,12}token: {1,4}[\"']?([\w.:-]{8,})", _any),
        ("ls0tls1crudjti", r"(ls0tls1crudjti[a-z0-9+/]{50,}={0,2})", _private_key),
        ('"kty"', r"\"d\"\s{0,3}:\s{0,3}\"([\w-]{20,})\"", _any),
        ("curl", r"curl [^\n]{0,200}?(?:-u|--user)[ =]?[\"']?[^\s:\"'$<{]{1,80}:([^\s\"'$<{]{3,80})", _weak),
        ("identified", r"identified (?:with \S{1,40} )?by [\"']([^\s\"']{4,80})[\"']", _weak),
        ("sshpass", r"sshpass\s{1,3}-p\s{0,3}[\"']?([^\s\"'$<{]{3,80})", _any),
        ("mysql", r"mysql(?:dump|admin)? [^\n|;]{0,100}?\s-p([^\s\"'$<{-][^\s\"'$<{]{3,80})", _weak),
        ("docker", r"docker login [^\n|;]{0,100}?-p[ =]?[\"']?([^\s\"'$<{]{4,80})", _weak),
        ("redis-cli", r"redis-cli [^\n|;]{0,100}?-a[ =]?[\"']?([^\s\"'$<{]{4,80})", _weak),
        (
            "ldap",
            r"ldap(?:search|modify|add|delete|passwd|whoami) [^\n|;]{0,100}?-w ?[\"']?([^\s\"'$<{]{4,80})",
            _weak,
        ),
        ("/user:", r"net use [^\n]{0,100}?/user:\S{1,60} ([^\s\"'$<{/*]{4,80})", _weak),
        ("nmcli", r"nmcli [^\n]{0,100}? password [\"']?([^\s\"'$<{]{6,80})", _weak),
        ("smbclient", r"smbclient [^\n]{0,100}?-u ?[\"']?[^\s%]{1,40}%([^\s\"'$<{]{4,80})", _weak),
        ("xfreerdp", r"xfreerdp [^\n]{0,200}?/p:[\"']?([^\s\"'$<{]{4,80})", _weak),
        ("openssl", r"openssl [^\n]{0,200}?(?:-k |-pass(?:in|out)? pass:)[\"']?([^\s\"'$<{]{4,80})", _weak),
        (
            "env",
            r"(?m:^) {0,8}env \w{0,40}(?:password|passwd|secret|token|api_?key)\w{0,20} "
            r"([^\s\"'$<{=]{6,120})",
            _weak,
        ),
        (
            "convertto-securestring",
            r"convertto-securestring (?:-string )?[\"']([^\"'\s$]{4,80})[\"']",
            _weak,
        ),
        ("encoding=", r"<pass encoding=\"base64\">([a-z0-9+/]{4,200}={0,2})</pass>", _any),
        (
            "app",
            r"app(?:lication|likation|le)?(?:[ -]specific|[ -]?spezifisch\w{0,2})?[ -]?"
            r"(?:passwor[dt]|kennwort|pw)[*`\"']{0,3}\s{0,3}[:=] ?[*`\"' ]{0,3}"
            r"([a-z]{4}(?:[ -][a-z]{4}){3})(?![\w-])",
            _any,
        ),
        ("login", rf"login(?:daten)?(?: ?[/&+] ?\w{{1,14}})?{_GIVEN}{_USER_AND_PASSWORD}", _pair),
        ("user", rf"user(?:name)? ?[/&+] ?\w{{1,14}}{_GIVEN}{_USER_AND_PASSWORD}", _pair),
        ("zugang", rf"zugang(?:sdaten)?{_GIVEN}{_USER_AND_PASSWORD}", _pair),
        ("cred", rf"cred(?:ential)?s?{_GIVEN}{_USER_AND_PASSWORD}", _pair),
    )
)


def schemes(search_text: SearchText) -> Iterator[tuple[int, int]]:
    """The spans of these forms."""
    for needle, pattern, judge in _FORMS:
        if search_text.contains(needle):
            for found in pattern.finditer(search_text.lowercase):
                if judge(search_text.text[slice(*found.span(1))]):
                    yield found.span()
