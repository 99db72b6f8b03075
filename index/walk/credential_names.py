"""Names of files and folders that hold keys and passwords: they are left out of the index.

Owns the table and how a name is compared with it: without regard to case or Unicode form, since most disks of
macOS and Windows ignore both. Opens nothing: what a text holds is `index.credentials`' to say.

Sources of the names: the path rules of gitleaks (github.com/gitleaks/gitleaks), the file checks of
truffleHog and gitrob, GitHub's gitignore templates, and the export dialogues of the password managers and
browsers named.
"""

from __future__ import annotations

import os
import re
import unicodedata
from fnmatch import translate
from functools import lru_cache
from pathlib import Path

FILES: dict[str, tuple[str, ...]] = {
    "private keys and certificates with keys": (
        "*.pem", "*.key", "*.p8", "*.p12", "*.pfx", "*.pkcs12", "*.jks", "*.keystore", "*.bks", "*.ppk",
        "*.gpg", "*.pgp", "*.asc.key", "*.age", "*.agekey", "*.kwallet", "*.keytab", "*.jceks", "*.snk",
        "*.pvk", "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", "identity", "ssh_host_*_key", "*_rsa",
        "*_dsa", "*_ed25519", "*_ecdsa", "secring.*", "private-key*", "private_key*", "privatekey*",
        "server.key*", "*.mobileprovision", "*.provisionprofile", "authkey_*",
    ),
    "VPN and Wi-Fi": (
        "*.ovpn", "wg[0-9]*.conf", "wireguard*.conf", "*.nmconnection", "wpa_supplicant*.conf", "*.pcf",
        "*.mobileconfig", "openvpn*.conf", "auth-user-pass*", "vpn-credentials*",
    ),
    "settings with passwords": (
        ".env", ".env.*", "*.env", ".envrc", ".netrc", "_netrc", "netrc", ".pgpass", "pgpass.conf",
        ".my.cnf", ".mylogin.cnf", ".htpasswd", "htpasswd", ".git-credentials", ".npmrc", ".yarnrc.yml",
        ".pypirc", ".dockercfg", ".dockerconfigjson", ".s3cfg", ".boto", ".passwd-s3fs", ".fetchmailrc",
        ".msmtprc", ".mutt_secrets", ".smbcredentials", ".cifs*", "smb-credentials*", ".gem_credentials",
        ".tugboat", "wp-config.php", "localsettings.php", "terraform.rc", ".terraformrc", ".vault-token",
        ".vault_pass*", "vault_pass*", ".rclone.conf", "rclone.conf", ".remote-sync.json",
        "sftp-config.json", ".ftpconfig", "filezilla.xml", "sitemanager.xml", "recentservers.xml",
        "*.publishsettings", "*.azureprofile.json", "*.rdp", "*.tfstate", "*.tfstate.*", "*.tfvars",
        "*.tfvars.json", "master.key", "credentials.yml.enc", "database.yml", "hub_token",
        ".cargo-credentials", "proxychains.conf",
    ),
    "accounts of cloud services": (
        "credentials", "credentials.*", "credential.json", "*_credentials.json", "*-credentials.json",
        "*_credentials.csv", "*-credentials.csv", "client_secret*.json", "client_secrets*.json",
        "secrets.y*ml", "secrets.json", "secrets.toml", "secrets.env", "secret.json", "secret.y*ml",
        "*.secrets", "service-account*.json", "service_account*.json", "serviceaccount*.json",
        "*-serviceaccount*.json", "*firebase-adminsdk*.json", "application_default_credentials.json",
        "gcloud*key*.json", "accesskeys.csv", "*_accesskeys.csv", "*accesskey*.csv", "rootkey*.csv",
        "kubeconfig*", "*.kubeconfig", "access_tokens.json", "accesstokens.json", "token.json",
        "tokens.json", "*.token", "api_keys.*", "apikeys.*", "api-keys.*", "api_key.txt", "apikey.txt",
        "oauth_token*",
    ),
    "password managers and wallets": (
        "*.kdbx", "*.kdb", "*.psafe3", "*.agilekeychain", "*.opvault", "*.1pif", "*.1pux", "*.keychain",
        "*.keychain-db", "*.enpassdb", "*.enpassdbsync", "*.walletx", "*.dashlane", "*.dash", "*.bwdb",
        "wallet.dat", "*.wallet", "*wallet*.json", "utc--*", "*.mmdb.wallet", "*bitwarden*export*",
        "*lastpass*export*", "*lastpass*.csv", "*1password*.csv", "*1password*export*", "*keepass*.csv",
        "*keepass*.xml", "*dashlane*.csv", "*nordpass*.csv", "*proton*pass*.csv", "*protonpass*",
        "*enpass*.json", "*enpass*.csv", "*roboform*.csv", "*authenticator*export*", "*authy*backup*",
        "*.2fas", "aegis-*.json", "*otpauth*", "andotp*",
    ),
    "browsers and exports of passwords": (
        "logins.json", "key3.db", "key4.db", "signons.sqlite", "login data", "login data for account",
        "cookies", "cookies.sqlite", "cookies.txt", "web data", "passwords.*", "password.csv",
        "password.txt", "*passwords.csv", "*passwords.txt", "*passwords.xlsx", "*passwords.ods",
        "*_passwords.*", "*-passwords.*", "* passwords.*", "logins.csv", "*logins*.csv", "passwörter.*",
        "kennwörter.*", "mots de passe.*", "contraseñas.*", "senhas.*", "пароли.*", "密码.*", "パスワード.*",
        "passwd", "shadow", "gshadow", "master.passwd", "sam.hive", "unattend.xml", "sysprep.xml",
    ),
    "recovery codes and seed phrases": (
        "*recovery*code*", "*recovery*key*", "*backup*codes*", "*backup-codes*", "*2fa*codes*",
        "*mfa*codes*", "*seed*phrase*", "*seedphrase*", "*mnemonic*.txt", "bitlocker*recovery*",
        "*1password*emergency*kit*.pdf", "*emergency*kit*", "*filevault*recovery*",
    ),
    "histories of shells": (
        ".bash_history", ".zsh_history", ".psql_history", ".mysql_history", ".python_history",
        ".sh_history", ".node_repl_history", ".rediscli_history", ".histfile", "fish_history",
        "consolehost_history.txt",
    ),
}  # fmt: skip
FOLDERS = (
    ".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker", ".password-store", "keychains", ".pki",
    "*.agilekeychain", "*.opvault", ".gcloud", "gcloud", "1password", "bitwarden", ".oci", ".config/gh",
    ".config/hub", ".local/share/keyrings", "keyrings", ".chef", ".vault", ".terraform.d", ".gem", ".putty",
    ".electrum", ".bitcoin", ".ethereum", ".monero", ".config/rclone",
)  # fmt: skip
EXAMPLES = frozenset(
    {".env.example", ".env.sample", ".env.template", ".env.dist", ".env.defaults", ".env.test.example"}
)
"""Names that look like those of credentials and are there to be read."""
_CODE = frozenset(
    (
        ".c", ".class", ".cpp", ".cs", ".css", ".go", ".h", ".hpp", ".java", ".js", ".jsx", ".kt", ".mjs",
        ".php", ".pl", ".py", ".pyc", ".pyi", ".rb", ".rs", ".sh", ".swift", ".ts", ".tsx", ".vue",
    )
)  # fmt: skip
_PROSE = frozenset(
    (
        ".adoc", ".docx", ".epub", ".htm", ".html", ".markdown", ".md", ".odt", ".org", ".pdf", ".pptx",
        ".rst", ".tex",
    )
)  # fmt: skip
"""A text or program about such things is named after them: there only what is said of `_TELLING` counts."""
_TELLING = (
    "passwords",
    "passwörter",
    "kennwörter",
    "passe",
    "contraseñas",
    "senhas",
    "пароли",
    "密码",
    "パスワード",
)
_PHRASES = ("recovery", "backup", "seed", "mnemonic", "emergency", "2fa", "mfa")
_FEW_WORDS = 3
"""Words up to which a name says what a text holds; a longer one is its subject."""


@lru_cache(maxsize=4096)
def file_pattern(name: str) -> str:
    """The pattern by which a file's name is one of these; empty where it is none."""
    folded = _folded(name)
    if folded in EXAMPLES:
        return ""
    found = _FILES.match(folded)
    if not found or folded.endswith(".pub"):
        return ""
    pattern = _PATTERNS[(found.lastindex or 1) - 1]
    suffix = os.path.splitext(folded)[1]  # noqa: PTH122
    if suffix == os.path.splitext(pattern)[1]:  # noqa: PTH122
        return pattern
    return pattern if suffix not in _CODE | _PROSE or (suffix in _PROSE and _tells(folded)) else ""


def folder_pattern(path: str) -> str:
    """The pattern by which a folder, or one on the way to it, is one of these; empty where none is."""
    parts = [_folded(part) for part in Path(path).parts]
    for length in range(len(parts), 0, -1):
        if pattern := _one_folder(parts[length - 1], parts[length - 2] if length > 1 else ""):
            return pattern
    return ""


def _one_folder(name: str, above: str) -> str:
    for candidate in (name, f"{above}/{name}"):
        if found := _FOLDERS.match(candidate):
            return FOLDERS[(found.lastindex or 1) - 1]
    return ""


def _tells(folded: str) -> bool:
    """Whether the whole name of a text says that it holds passwords, recovery codes or a seed phrase."""
    words = re.sub(r"[\W_]+", " ", os.path.splitext(folded)[0]).split()  # noqa: PTH122
    telling = words[-1:] and words[-1] in _TELLING
    return len(words) <= _FEW_WORDS and bool(telling or any(word in _PHRASES for word in words))


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


_PATTERNS = tuple(unicodedata.normalize("NFC", one) for group in FILES.values() for one in group)
_FILES = re.compile("|".join(f"({translate(one)})" for one in _PATTERNS))
_FOLDERS = re.compile("|".join(f"({translate(one)})" for one in FOLDERS))
