"""What must not be found by searching: files that hold keys and passwords, and credentials in text.

Owns two tables: names of files, and shapes of credentials. Reads nothing itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

FILES = (
    # keys and certificates with keys
    "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.ppk", "*.gpg", "*.pgp", "*.asc.key",
    "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519",
    "id_ecdsa_sk", "id_ed25519_sk", "*.ovpn", "*.mobileprovision",
    # settings that hold passwords
    ".env", ".env.*", "*.env", ".envrc", ".netrc",
    "_netrc", ".pgpass", ".my.cnf", ".htpasswd", ".git-credentials",
    ".npmrc", ".pypirc", ".dockercfg",
    "credentials", "credentials.json", "client_secret*.json", "secrets.y*ml",
    "secrets.json", "secrets.toml", "service-account*.json", "*.tfstate", "*.tfstate.backup", "*.tfvars",
    "wp-config.php", "terraform.rc", ".vault-token", ".s3cfg", "rclone.conf", "*.publishsettings",
    # password stores and keychains
    "*.kdbx", "*.kdb", "*.psafe3", "*.agilekeychain", "*.opvault", "*.1pux", "*.keychain", "*.keychain-db",
    "*.walletx", "wallet.dat", "logins.json", "key3.db",
    "key4.db", "Login Data", "Cookies", "*bitwarden*export*",
    "*lastpass*export*", "*1password*export*", "recovery-codes*.txt", "*recovery*codes*.txt",
)  # fmt: skip
FOLDERS = (
    ".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker", ".password-store", "Keychains", ".pki",
    "*.agilekeychain", "*.opvault", ".gcloud", ".config/gcloud", "1Password", "Bitwarden",
)  # fmt: skip
EXAMPLES = (".env.example", ".env.sample", ".env.template", ".env.dist", ".env.defaults")
"""Names that look like a secret's and are there to be read."""

_SHAPES = tuple(
    re.compile(shape)
    for shape in (
        r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:[^-]{0,20000}-----END[^-]{0,60}-----)?",
        r"A(?:[KS]IA[A-Z0-9]{16}|Iza[\w-]{35})\b",
        r"g(?:h[pos]_[A-Za-z0-9]{36,255}\b|ithub_pat_\w{40,255}|lpat-[\w-]{20,})",
        r"xox[abeoprs]-[A-Za-z0-9-]{10,}",
        r"sk-(?:ant-|proj-|live-|or-)?[A-Za-z0-9_-]{32,}",
        r"k_live_[A-Za-z0-9]{20,}",
        r"ya29\.[\w-]{30,}",
        r"SG\.[\w-]{16,}\.[\w-]{32,}",
        r"npm_[A-Za-z0-9]{36}\b",
        r"pypi-[\w-]{50,}",
        r"hf_[A-Za-z0-9]{30,}\b",
        r"dop_v1_[a-f0-9]{64}\b",
        r"eyJ[\w-]{10,2000}\.eyJ[\w-]{10,}\.[\w-]{20,}",
        r"://[^\s/:@\"'<>]{1,80}:(?!\*{3}|\$|<|\{|(?:password|pass|pwd|secret)@)[^\s/:@\"'<>]{6,120}@[\w.-]+",
    )
)
"""Each begins with a letter or more that it cannot do without: by those `re` goes through a text quickly."""
_NAMES = (
    r"passw(?:or)?d", "passphrase", "secret", "api[_-]?key", "private[_-]?key", "auth[_-]?token",
    "access[_-]?(?:key|token)",
)  # fmt: skip
_GIVEN = tuple(
    re.compile(name + r"[\w-]{0,20}[\"'`]?[ \t]*(?::=|=>|[:=])[ \t]*([\"'`]?[^\s\"'`<>{}()$,;]{8,200})")
    for name in _NAMES
)
"""Something given to a name like a password's. One pattern a name, in small letters: each is then looked
for by its first letters, which is ten times as quick."""


def credentials(text: str) -> list[tuple[int, int]]:
    """Where `text` holds something that opens a door: spans, in order."""
    found = [match.span() for pattern in _SHAPES for match in pattern.finditer(text)]
    return sorted([*found, *_given(text)])


def _given(text: str) -> Iterator[tuple[int, int]]:
    """Where something like a real value is given to a name like a password's."""
    # bytes' own lower() changes A to Z alone, and so no position
    small = text.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")
    for pattern in _GIVEN:
        for given in pattern.finditer(small):
            if _is_random(text[slice(*given.span(1))].strip("\"'`*_")):
                yield given.span()


def _is_random(value: str) -> bool:
    """A value is a credential where it mixes characters, a digit among them, and is no path or example."""
    kinds = sum(re.search(kind, value) is not None for kind in (r"[a-z]", r"[A-Z]", r"[^\w.]"))
    other = re.match(r"https?:|[./~]|\w+\.\w+\.|.*(?:example|your|xxxx|\*\*\*|\[)", value, re.IGNORECASE)
    mixed = kinds >= 2 and any(map(str.isdigit, value)) and len(set(value)) >= 6
    return len(value) >= 8 and mixed and other is None
