"""What must not be found by searching: files that hold keys and passwords, and credentials in text.

Owns two tables: names of files, and shapes of credentials. Reads nothing itself.
"""

from __future__ import annotations

import re

FILES = (
    # keys and certificates with keys
    "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.ppk", "*.gpg", "*.pgp", "*.asc.key",
    "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "id_ecdsa_sk", "id_ed25519_sk", "*.ovpn", "*.mobileprovision",
    # settings that hold passwords
    ".env", ".env.*", "*.env", ".envrc", ".netrc", "_netrc", ".pgpass", ".my.cnf", ".htpasswd", ".git-credentials",
    ".npmrc", ".pypirc", ".dockercfg", "credentials", "credentials.json", "client_secret*.json", "secrets.y*ml",
    "secrets.json", "secrets.toml", "service-account*.json", "*.tfstate", "*.tfstate.backup", "*.tfvars",
    "wp-config.php", "terraform.rc", ".vault-token", ".s3cfg", "rclone.conf", "*.publishsettings",
    # password stores and keychains
    "*.kdbx", "*.kdb", "*.psafe3", "*.agilekeychain", "*.opvault", "*.1pux", "*.keychain", "*.keychain-db",
    "*.walletx", "wallet.dat", "logins.json", "key3.db", "key4.db", "Login Data", "Cookies", "*bitwarden*export*",
    "*lastpass*export*", "*1password*export*", "recovery-codes*.txt", "*recovery*codes*.txt",
)  # fmt: skip
FOLDERS = (
    ".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker", ".password-store", "Keychains", ".pki",
    "*.agilekeychain", "*.opvault", ".gcloud", ".config/gcloud", "1Password", "Bitwarden",
)  # fmt: skip
EXAMPLES = (".env.example", ".env.sample", ".env.template", ".env.dist", ".env.defaults")
"""Names that look like a secret's and are there to be read."""

_SECRET = re.compile(
    r"""
    -----BEGIN[ ](?:[A-Z0-9]+[ ])*PRIVATE[ ]KEY(?:[ ]BLOCK)?-----(?:[^-]{0,20000}-----END[^-]{0,60}-----)?
    |\b(?:AKIA|ASIA|AGPA|AIDA|AROA)[A-Z0-9]{16}\b                # AWS access key id
    |\bgh[pousr]_[A-Za-z0-9]{36,255}\b|\bgithub_pat_\w{40,255}   # GitHub
    |\bglpat-[\w-]{20,}                                          # GitLab
    |\bxox[abeoprs]-[A-Za-z0-9-]{10,}                            # Slack
    |\bsk-(?:ant-|proj-|live-|or-)?[A-Za-z0-9_-]{32,}            # model providers
    |\b[rs]k_live_[A-Za-z0-9]{20,}                               # Stripe
    |\bAIza[\w-]{35}\b|\bya29\.[\w-]{30,}                        # Google
    |\bSG\.[\w-]{16,}\.[\w-]{32,}                                # SendGrid
    |\bnpm_[A-Za-z0-9]{36}\b|\bpypi-[\w-]{50,}                   # package registries
    |\bhf_[A-Za-z0-9]{30,}\b                                     # model hub
    |\bdop_v1_[a-f0-9]{64}\b                                     # DigitalOcean
    |\bEAACEdEose0cBA\w+                                         # Facebook
    |\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}                  # JSON web token
    |\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@"'<>]{1,80}:(?!\*{3}|\$|<|\{|password@|pass@|secret@)[^\s/:@"'<>]{6,120}@[\w.-]+
    |(?i:\b(?:[\w-]{0,30}(?:password|passwd|passphrase|secret|api[_-]?key|access[_-]?key|auth[_-]?token|access[_-]?token
        |private[_-]?key|client[_-]?secret)))["']?[ \t]*[:=][ \t]*(?P<value>["'`]?[^\s"'`<>{}()$,;]{8,200})
    """,
    re.VERBOSE,
)
_HINT = re.compile(
    r"PRIVATE KEY|AKIA|ASIA|AGPA|AIDA|AROA|gh[pousr]_|github_pat|glpat-|xox[abeoprs]-|sk-|k_live_|AIza|ya29|SG\."
    r"|npm_|pypi-|hf_|dop_v1|EAACE|eyJ|://|(?i:passw|passphrase|secret|api[_-]?key|access[_-]?key|token|private[_-]?key)"
)


def credentials(text: str) -> list[tuple[int, int]]:
    """Where `text` holds something that opens a door: spans, in order."""
    if _HINT.search(text) is None:
        return []
    return [found.span() for found in _SECRET.finditer(text) if _is_value(found["value"])]


def _is_value(value: str | None) -> bool:
    """A value given to a password-like name is a credential where it is no word, path or example."""
    if value is None:
        return True
    bare = value.strip("\"'`*_")
    kinds = sum(bool(re.search(kind, bare)) for kind in (r"[a-z]", r"[A-Z]", r"\d", r"[^\w.]"))
    return len(bare) >= 8 and kinds >= 3 and len(set(bare)) >= 6 and not re.match(r"https?:|[./~]|\w+\.\w+\.|\[\[", bare)
