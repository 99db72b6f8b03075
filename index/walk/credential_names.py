"""Names of files and folders that hold keys and passwords: they are left out of the index.

Owns the tables and the comparison of a name with them. Case and Unicode form are ignored, since most disks of
macOS and Windows ignore both. Opens no file: credentials inside a text are found by `index.credentials`.

Sources of the names: the path rules of gitleaks (github.com/gitleaks/gitleaks), the signatures of gitrob
(github.com/michenriksen/gitrob) and shhgit (github.com/eth0izzle/shhgit), GitHub's gitignore templates
(github.com/github/gitignore), and the manuals of the named programs on where they store and export passwords.
"""

from __future__ import annotations

import os
import re
import unicodedata
from functools import lru_cache

from index.walk.ignore_rules import IgnoreFile

_HEX_12 = "[0-9a-f]" * 12
"""The end of the names that Google Cloud gives to downloaded keys."""
FILES: dict[str, str] = {
    "private keys and certificates with keys": """
        *.pem *.key *.p8 *.p12 *.pfx *.pkcs8 *.pkcs12 *.pk8 *.pkey *.jks *.jceks *.keystore *.bks *.snk
        *.pvk *.ppk *.gpg *.pgp *.skr *.kbx *.keyring *.age *.agekey *.keytab *.ccache krb5cc_* *.bek *.fve
        *.keyfile id_rsa* id_dsa* id_ecdsa* id_ed25519* identity ssh_host_*_key *_rsa *_dsa *_ecdsa
        *_ed25519 private*.asc secret*.asc *private?key* *privatekey* *privkey* *secret?key* *secretkey*
        otr.private_key deploy_key* deploy-key* ssh_key* ssh-key* secring.* authkey_* age?key*.txt
        crypto_keyfile* *.mobileprovision *.provisionprofile keystore.properties signing.properties
        key.properties
    """,
    "VPN and Wi-Fi": """
        *.ovpn *.tblk *.pcf *.psk *.nmconnection *.mobileconfig wg.conf wg[0-9_-]*.conf *wireguard*.conf
        openvpn*.conf auth-user-pass* wpa_supplicant*.conf chap-secrets pap-secrets *.secrets
        tailscaled.state
    """,
    "settings with passwords": """
        .env .env.* *.env *.env.* .envrc .dev.vars .netrc _netrc netrc .authinfo* .pgpass* pgpass.conf
        .pg_service.conf .my.cnf* .mylogin.cnf .htpasswd* htpasswd* proftpdpasswd .git-credentials
        .gitcookies .npmrc .yarnrc.yml .pypirc .gem_credentials .dockercfg .dockerconfigjson .s3cfg .boto
        .passwd-s3fs .fetchmailrc .getmailrc .msmtprc .mbsyncrc .offlineimaprc .muttrc .mutt_secrets
        *smbcredentials smb-credentials* .cifs* .tugboat .trc .databrickscfg wp-config.php*
        localsettings.php* terraform.rc .terraformrc *.tfrc *.tfstate *.tfstate.* *.tfvars *.tfvars.json
        .vault-token .vault_pass* vault_pass* vault-pass* *rclone*.conf .remote-sync.json *sftp-config*.json
        .ftpconfig filezilla.xml sitemanager.xml recentservers.xml *data-sources.xml robomongo.json
        *.publishsettings *.pubxml.user *.azureprofile.json *.rdp *.cscfg master.key credentials.yml.enc
        database.yml ngrok.yml proxychains.conf unattend.xml autounattend.xml sysprep.xml passwd passwd.bak
        passwd- shadow shadow.bak shadow- gshadow* master.passwd ntds.dit sam.hive .kube/config
        .docker/config.json .aws/config .ssh/config .ssh/known_hosts .ssh/authorized_keys gh/hosts.yml
        .m2/settings.xml .m2/settings-security.xml .gradle/gradle.properties .composer/auth.json
        .purple/accounts.xml .irssi/config .dbt/profiles.yml .snowsql/config .bundle/config solana/id.json
        doctl/config.yaml
    """,
    "accounts of cloud services": f"""
        credentials credentials.* .credentials* credential.* *credentials.json *credentials.csv
        *credentials.xml *credentials.y*ml *credentials.ini *credentials.tfrc.json *client?secret*.json
        *service?account*.json *serviceaccount*.json *firebase-adminsdk*.json *gcp?key*.json
        *gcloud*key*.json *-{_HEX_12}.json *accesskey*.csv *access?key*.csv root?key*.csv rootkey*.csv
        *kubeconfig* kube_config* *talosconfig* k3s.yaml rke2.yaml *pull?secret* *pullsecret* *-secret.y*ml
        *_secret.y*ml *-secrets.y*ml *_secrets.y*ml *.secret.y*ml *.secrets.y*ml secrets.*.y*ml secret.*
        secrets.* .secret .secrets secrets accesstokens.json azureauth.json auth.json kaggle.json
        heroku.json token token.txt token.json tokens.json *.token .token google-services.json
        googleservice-info.plist key.json keyfile.json *unseal*key*
    """,
    "password managers and wallets": """
        *.kdbx *.kdb *.kdbx.* *.psafe3 *.agilekeychain *.opvault *.1pif *.1pux *.keychain *.keychain-db
        *.kwallet *.kwl *.enpassdb* *.walletx *.dashlane *.dash *.bcup *.bwdb *.2fas *.aes.json wallet.dat*
        *.wallet default_wallet *wallet*.json keystore.json keystore-*.json utc--* *bitwarden*.json
        *bitwarden*.csv *bitwarden*export* *lastpass*.csv *lastpass*export* *1password*.csv
        *1password*export* *1password*emergency*kit* *keepass*.csv *keepass*.xml *keeper*.csv
        *keeper*export* *dashlane*.csv *dashlane*export* *nordpass*.csv *nordpass*export* *proton?pass*
        *protonpass* *enpass*.json *enpass*.csv *roboform*.csv *passbolt*.csv *passbolt*recovery*
        *keychain*.csv *authenticator*export* *authenticator*.json *authy*export* *authy*backup*
        aegis-*.json *otpauth* andotp*
    """,
    "browsers and exports of passwords": """
        logins*.json key3.db key4.db cert8.db cert9.db signons.sqlite login?data* web?data cookies cookies-*
        cookies.sqlite* cookies.txt cookies.json *logins*.csv *passwords*.csv *passwords*.xlsx
        *passwords*.ods *passwords*.numbers
    """,
    "recovery codes and seed phrases": """
        *recovery?code* *recoverycode* *recovery?key* *recoverykey* *recovery?phrase* *backup?code*
        *backupcode* *2fa*code* *2fa?backup* *mfa*code* *scratch?code* *seed?phrase* *seedphrase*
        *seed?words* *mnemonic*.txt
    """,
    "histories of shells": """
        .*_history fish_history .histfile consolehost_history.txt
    """,
}
"""Patterns in the syntax of `.gitignore`, in lower case; `?` matches a blank, `-` or `_`."""
FOLDERS = """
    .ssh .gnupg .aws .azure .kube .docker .gcloud .config/gcloud .config/gh .config/hub .config/rclone .oci
    .password-store keychains keyrings .pki .putty .chef .vault .terraform.d .kaggle
    *.agilekeychain *.opvault *.tblk 1password bitwarden .electrum .bitcoin .ethereum .monero
"""
EXAMPLES = "*.example *.sample *.template *.dist *.defaults *.pub *.example.* *.sample.* *.template.*"
"""Names of examples and of public keys: never credentials, whatever else the name contains."""
_CODE = (
    "c", "cc", "cpp", "cs", "css", "ex", "go", "gz", "h", "hpp", "java", "js", "jsx", "kt", "lua", "mjs",
    "php", "pl", "pm", "py", "pyc", "pyi", "r", "rb", "rs", "scala", "sh", "swift", "ts", "tsx", "vim", "vue",
)  # fmt: skip
_PROSE = ("adoc", "doc", "docx", "epub", "htm", "html", "markdown", "md", "odt", "org", "pdf", "rst", "tex")
"""Suffixes of source code and of prose. Such files can be about credentials, so no pattern above applies."""
_WORDS = (
    r"passwords?|passphrases?|zugangsdaten|passwort|passwortliste|passwörter|"
    r"kennwort|kennwörter|mdp|mots? de passe|contraseñas?|senhas?|wachtwoord(?:en)?|lösenord|hasła|"
    r"пароли?|пароль|密码|密碼|パスワード|비밀번호"
)
_KEYS = (
    r"(?:api|access|secret|private|ssh|deploy|signing|encryption|master|unseal|pgp|gpg|openai|stripe) ?keys?|"
    r"(?:access|auth|api|refresh|bearer|oauth2?|github|gitlab|slack|discord|telegram|bot|vault) ?tokens?|"
    r"(?:client|app|shared|jwt|webhook|oauth|otp|totp|my) secrets?"
)
_CODES = r"(?:recovery|backup|2fa|mfa|scratch) (?:codes?|keys?)|(?:seed|recovery) (?:phrase|words)|mnemonic"
_DATA_NAME = re.compile(rf"(?:.* )?(?:{_WORDS}|{_KEYS}|passwd|pwds?|creds?|credentials?|logins)")
_PROSE_NAME = re.compile(
    rf"(?:(?:my|our|all|work|home|wi ?fi|old|new|saved|shared|family|bank|admin|server|office|meine) )*"
    rf"(?:{_WORDS.replace('s?', 's')})|(?:\S+ )?(?:{_CODES})|1password emergency kit.*"
)
_MOST_WORDS = 5
"""Words in a name: a longer name is a sentence about the subject of a text."""
_AFTER = re.compile(r"(?: (?:\d+|backup|bak|old|new|export(?:ed)?|copy|final|list|file))+$")
_ABOUT = frozenset(
    {"reset", "forgot", "forgotten", "change", "changed", "update", "set", "lost", "invalid", "confirm",
     "common", "weak", "strong", "hash", "no"}
)  # fmt: skip
"""Words that mark a text about passwords, not a file of passwords."""


def matching_pattern(path: str, *, folder: bool) -> str:
    """The pattern that matches the last name or the last two names of a path; empty where none does."""
    above, name = os.path.split(path)
    return _matching_pattern(os.path.basename(above), name, folder)  # noqa: PTH119


@lru_cache(maxsize=4096)
def _matching_pattern(above: str, name: str, folder: bool) -> str:
    both = f"{_fold(above)}/{_fold(name)}"
    if found := (_FOLDER_TABLE if folder else _FILE_TABLE).match(both, folder=folder):
        return found.text if found.ignored else _match_words(name)
    return "" if folder else _match_words(name)


def _match_words(name: str) -> str:
    """The words of a name that mark a file of credentials; empty where they do not."""
    stem, suffix = os.path.splitext(name)  # noqa: PTH122
    kind = suffix[1:].casefold()
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", stem)
    words = _AFTER.sub("", " ".join(re.split(r"[\W_]+", _fold(parted))).strip())
    if kind in _CODE or _ABOUT.intersection(words.split()) or _example(name):
        return ""
    shape = _PROSE_NAME if kind in _PROSE else _DATA_NAME
    return words if words.count(" ") < _MOST_WORDS and shape.fullmatch(words) else ""


def _example(name: str) -> bool:
    return _EXAMPLE_TABLE.match(_fold(name), folder=False) is not None


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _table(*patterns: str) -> IgnoreFile:
    return IgnoreFile([os.fsencode(pattern) for group in patterns for pattern in group.split()])


def _negate(endings: str) -> str:
    return " ".join(f"!{ending}" for ending in endings.split())


_FILE_TABLE = _table(
    *FILES.values(), _negate(" ".join(f"*.{end}" for end in (*_CODE, *_PROSE))), "wp-config.php",
    "localsettings.php", _negate(EXAMPLES),
)  # fmt: skip
_FOLDER_TABLE = _table(FOLDERS)
_EXAMPLE_TABLE = _table(EXAMPLES)
