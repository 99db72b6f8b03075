"""Names of files that hold keys and passwords are left out, whatever their case; texts about them are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from index.walk.credential_names import file_pattern, folder_pattern
from index.walk.walker import Found, Rules, Skipped, judge, walk

HELD = [
    "id_rsa", "ID_RSA", "id_dsa", "id_ecdsa", "id_ed25519", "id_ed25519_sk", "id_rsa.bak", "deploy_rsa",
    "ssh_host_rsa_key", "server.key", "SERVER.KEY", "cert.PEM", "site.pem", "AuthKey_ABC123.p8",
    "store.p12", "store.PFX", "app.jks", "debug.keystore", "putty.ppk", "secret.gpg", "backup.age",
    "krb5.keytab", "cert.snk", "Company.mobileprovision", "secring.gpg", "private_key.txt", "office.ovpn",
    "wg0.conf", "WG1.conf", "home.nmconnection", "wpa_supplicant.conf", "Home.mobileconfig", ".env", ".ENV",
    ".env.local", ".env.production", "prod.env", ".envrc", ".netrc", "_netrc", ".pgpass", ".my.cnf",
    ".htpasswd", ".git-credentials", ".npmrc", ".pypirc", ".dockercfg", ".s3cfg", ".boto", "wp-config.php",
    "terraform.rc", ".vault-token", "rclone.conf", "sftp-config.json", "FileZilla.xml", "sitemanager.xml",
    "prod.publishsettings", "server.rdp", "main.tfstate", "main.tfstate.backup", "prod.tfvars",
    "master.key", "database.yml", "credentials", "credentials.json", "Credentials.json", "CREDENTIALS.JSON",
    "aws_credentials.csv", "client_secret_123.json", "secrets.yml", "secrets.yaml", "secrets.json",
    "secrets.toml", "service-account.json", "service_account.json", "ServiceAccountKey.json",
    "app-firebase-adminsdk-x1.json", "application_default_credentials.json", "me_accessKeys.csv",
    "rootkey.csv", "kubeconfig", "kubeconfig-prod.yaml", "tokens.json", "api_keys.txt", "Database.KDBX",
    "old.kdb", "vault.psafe3", "export.1pif", "export.1pux", "login.keychain", "login.keychain-db",
    "wallet.dat", "my_wallet.json", "UTC--2020-01-01T00-00-00", "Bitwarden_Export.json",
    "bitwarden_export_2024.csv", "lastpass_export.csv", "LastPass_Vault_Export.csv",
    "1PasswordExport-2024.csv", "keepass.xml", "KeePass_Database.csv", "Dashlane_Export.csv",
    "nordpass_2024.csv", "proton_pass_export.csv", "enpass.json", "authenticator_export.json",
    "backup.2fas", "aegis-export.json", "logins.json", "key3.db", "key4.db", "signons.sqlite",
    "passwords.csv", "passwords.txt", "Passwords.xlsx", "password.txt", "my_passwords.csv", "logins.csv",
    "edge-passwords.csv", "Passwörter.txt", "contraseñas.txt", "senhas.txt", "пароли.txt", "passwd",
    "shadow", "unattend.xml", "recovery-codes.txt", "recovery_codes.txt", "google-backup-codes.txt",
    "seed_phrase.txt", "seedphrase.txt", "mnemonic.txt", "github-recovery-codes.txt",
    "bitlocker-recovery-key.txt", ".bash_history", ".zsh_history", ".psql_history", ".python_history",
    "fish_history", "Login Data", "Cookies", "Web Data", "Chrome Passwords.csv",
    "GitHub Recovery Codes.txt", "mots de passe.txt", "My Passwords.docx", "passwords.md",
    "Recovery codes.md", "Seed phrase.pdf", "1Password Emergency Kit A3-ABCDEF.pdf",
    "BitLocker Recovery Key 1234.TXT",
]  # fmt: skip
ORDINARY = [
    "notes.md", "password-managers.md", "passwords-and-why-they-fail.md", "how-to-rotate-keys.md",
    "keys.py", "secrets.py", "tokens.md", "test_credentials.py", "credentials.go", "credentials.md",
    "id_rsa.pub", "keyboard.txt", "monkey.md", "donkey.key.md", "README.md", ".env.example", ".env.sample",
    "token.py", "tokenizer.json", "wallets-compared.md", "environment.yml", "shadow.md", "cookies.md",
    "kubeconfig.py", "recovery.md", "backup-strategy.md", "the-seed-and-the-phrase-of-the-day.md",
    "passwordless.html",
]  # fmt: skip


@pytest.mark.parametrize("name", HELD)
def test_a_telling_name_is_left_out(name: str) -> None:
    assert file_pattern(name)
    assert file_pattern(name.upper()) or name.endswith((".md", ".pdf", ".docx"))


@pytest.mark.parametrize("name", ORDINARY)
def test_an_ordinary_name_is_not(name: str) -> None:
    assert file_pattern(name) == ""


def test_there_are_enough_names_to_say_something() -> None:
    assert len(HELD) >= 121


def test_decomposed_names_are_the_same_names() -> None:
    import unicodedata

    assert file_pattern(unicodedata.normalize("NFD", "Passwörter.txt"))


@pytest.mark.parametrize(
    "folder", [".ssh", ".SSH", ".aws", ".kube", ".gnupg", "Keychains", "pass.agilekeychain"]
)
def test_a_telling_folder_is_left_out_with_all_in_it(folder: str, tmp_path: Path) -> None:
    inside = tmp_path / "a" / folder / "config.md"
    inside.parent.mkdir(parents=True)
    inside.write_text("words")
    assert folder_pattern(str(tmp_path / "a" / folder / "deeper"))
    verdicts = list(walk(str(tmp_path), Rules(hidden=True)))
    assert [type(verdict) for verdict in verdicts] == [Skipped]
    assert isinstance(
        judge(str(tmp_path / "a" / folder / "config.md"), str(tmp_path), Rules(hidden=True)), Skipped
    )


def test_a_file_asked_for_by_name_inside_such_a_folder_is_left_out(tmp_path: Path) -> None:
    (tmp_path / ".ssh").mkdir()
    asked = tmp_path / ".ssh" / "notes.md"
    asked.write_text("words")
    assert isinstance(judge(str(asked), str(asked), Rules()), Skipped)
    link = tmp_path / "notes.md"
    link.symlink_to(asked)
    assert isinstance(judge(str(link), str(link), Rules()), Skipped)


def test_only_the_root_takes_credentials_back(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    clone.mkdir()
    (clone / ".env").write_text("KEY=1")
    (clone / ".kenignore").write_text("!.env\n")
    rules = Rules(hidden=True)
    assert isinstance(judge(str(clone / ".env"), str(tmp_path), rules), Skipped)
    (tmp_path / ".kenignore").write_text("!.env\n")
    (clone / ".kenignore").unlink()
    assert isinstance(judge(str(clone / ".env"), str(tmp_path), rules), Found)
    (tmp_path / ".kenignore").unlink()
    assert isinstance(judge(str(clone / ".env"), str(tmp_path), Rules(hidden=True, ignore=("!.env",))), Found)
