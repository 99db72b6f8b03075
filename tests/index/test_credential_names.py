"""Names of files that hold keys and passwords are left out, whatever their case; texts about them are not."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from index.walk.credential_names import matching_pattern
from index.walk.walker import Found, Rules, Skipped, check_path, walk

HELD = [
    "id_rsa", "ID_RSA", "id_dsa", "id_ecdsa", "id_ed25519", "id_ed25519_sk", "id_rsa.bak",
    "deploy_rsa", "ssh_host_rsa_key", "server.key", "SERVER.KEY", "cert.PEM", "site.pem",
    "AuthKey_ABC123.p8", "store.p12", "store.PFX", "app.jks", "debug.keystore", "putty.ppk",
    "secret.gpg", "backup.age", "krb5.keytab", "cert.snk", "Company.mobileprovision", "secring.gpg",
    "private_key.txt", "office.ovpn", "wg0.conf", "WG1.conf", "home.nmconnection",
    "wpa_supplicant.conf", "Home.mobileconfig", ".env", ".ENV", ".env.local", ".env.production",
    "prod.env", ".envrc", ".netrc", "_netrc", ".pgpass", ".my.cnf", ".htpasswd", ".git-credentials",
    ".npmrc", ".pypirc", ".dockercfg", ".s3cfg", ".boto", "wp-config.php", "terraform.rc",
    ".vault-token", "rclone.conf", "sftp-config.json", "FileZilla.xml", "sitemanager.xml",
    "prod.publishsettings", "server.rdp", "main.tfstate", "main.tfstate.backup", "prod.tfvars",
    "master.key", "database.yml", "credentials", "credentials.json", "Credentials.json",
    "CREDENTIALS.JSON", "aws_credentials.csv", "client_secret_123.json", "secrets.yml", "secrets.yaml",
    "secrets.json", "secrets.toml", "service-account.json", "service_account.json",
    "ServiceAccountKey.json", "app-firebase-adminsdk-x1.json", "application_default_credentials.json",
    "me_accessKeys.csv", "rootkey.csv", "kubeconfig", "kubeconfig-prod.yaml", "tokens.json",
    "api_keys.txt", "Database.KDBX", "old.kdb", "vault.psafe3", "export.1pif", "export.1pux",
    "login.keychain", "login.keychain-db", "wallet.dat", "my_wallet.json", "UTC--2020-01-01T00-00-00",
    "Bitwarden_Export.json", "bitwarden_export_2024.csv", "lastpass_export.csv",
    "LastPass_Vault_Export.csv", "1PasswordExport-2024.csv", "keepass.xml", "KeePass_Database.csv",
    "Dashlane_Export.csv", "nordpass_2024.csv", "proton_pass_export.csv", "enpass.json",
    "authenticator_export.json", "backup.2fas", "aegis-export.json", "logins.json", "key3.db",
    "key4.db", "signons.sqlite", "passwords.csv", "passwords.txt", "Passwords.xlsx", "password.txt",
    "my_passwords.csv", "logins.csv", "edge-passwords.csv", "Passwörter.txt", "contraseñas.txt",
    "senhas.txt", "пароли.txt", "passwd", "shadow", "unattend.xml", "recovery-codes.txt",
    "recovery_codes.txt", "google-backup-codes.txt", "seed_phrase.txt", "seedphrase.txt",
    "mnemonic.txt", "github-recovery-codes.txt", "bitlocker-recovery-key.txt", ".bash_history",
    ".zsh_history", ".psql_history", ".python_history", "fish_history", "Login Data", "Cookies",
    "Web Data", "Chrome Passwords.csv", "GitHub Recovery Codes.txt", "mots de passe.txt",
    "My Passwords.docx", "passwords.md", "Recovery codes.md", "Seed phrase.pdf",
    "1Password Emergency Kit A3-ABCDEF.pdf", "BitLocker Recovery Key 1234.TXT", "id_rsa.old",
    "id_ed25519.bak", "my_key.pem", "privkey.pem", "ca.key", "release.keystore", "client.ovpn",
    "wg-client.conf", "aws_credentials", "aws-credentials.txt", "gcp-key.json",
    "gcp_service_account.json", "my-project-service-account.json",
    "my-project-123456-abcdef012345.json", "azureauth.json", "kubeconfig.yaml",
    "cluster-kubeconfig.yml", "prod-kubeconfig", "vault-token", "vault_token.txt", "token.txt",
    "access_token.txt", "github_token.txt", "github-token", "api_token.txt", "slack_token",
    "bearer_token.txt", "auth_token", "client-secret.json", "google_client_secret.json",
    "secret_key.txt", "secretkey.txt", "secret-key", "secrets.txt", "secret.txt", "my_secrets.txt",
    "prod.secrets.yaml", "secrets.enc.yaml", "apikey", "API Keys.txt", "api keys.txt", "ssh_keys.txt",
    "ssh_key", "deploy_key", "private.asc", "secret.asc", "private.gpg", "my-private-key.asc",
    "pgp_private_key.txt", "keystore.json", "recovery_phrase.txt", "Ledger recovery phrase.txt",
    "backup_codes.txt", "Backup-codes-alice.txt", "2FA codes.txt", "discord_backup_codes.txt",
    "otp_secrets.json", "andOTP_accounts.json", "Authy export.json", "bitwarden.json",
    "bitwarden_encrypted_export_20240101.json", "lastpass_vault.csv", "lastpass.csv", "1password.csv",
    "dashlane_credentials.csv", "keeper_export.csv", "KeeperExport.json", "RoboForm.csv",
    "passbolt-recovery-kit.txt", "buttercup.bcup", "Safari Passwords.csv",
    "Microsoft Edge Passwords.csv", "Firefox logins.csv", "chrome_passwords.csv",
    "iCloud Keychain.csv", "passwords.kdbx", "passwords.docx", "passwords.pdf", "Passwords.numbers",
    "Passwords.rtf", "pwd.txt", "logins.txt", "wifi password.txt", "wifi-passwords.txt",
    "Wifi Passwort.txt", "Passwortliste.xlsx", "Zugangsdaten.txt", "mdp.txt", "mot_de_passe.txt",
    "contraseñas.xlsx", "パスワード.txt", "credentials.txt", "creds.txt", "creds.json", "credentials.csv",
    "credentials.xml", "db_credentials.yml", ".credentials", "passwd.bak", "ntds.dit", "krb5cc_1000",
    ".env.bak", "production.env", ".env.production.local", ".dev.vars", ".secrets", "secret.tfvars",
    "terraform.tfvars.json", "vault_password.txt", ".vault_pass.txt", "vault_unseal_keys.txt",
    "unseal-keys.json", "ngrok.yml", "GoogleService-Info.plist", "google-services.json",
    "serviceAccountKey.json", "keystore.properties", "apple.pk8", "foo.keyring", "Login Data-journal",
    "Login Data For Account", "cert9.db", "logins-backup.json", "cookies.json", "auth.json",
    "kaggle.json", "openai_key.txt", "anthropic_api_key.txt", ".authinfo.gpg", ".authinfo", ".msmtprc",
    ".databrickscfg", ".pg_service.conf", "pull-secret.txt", "talosconfig", "k3s.yaml",
    "kube_config_cluster.yml", "db-secret.yaml", "app-secrets.yaml", "ipsec.secrets", "chap-secrets",
    "home.psk", "passwords_backup.csv", "passwords-2024.csv", "recovery-codes-github.txt",
    "my passwords.txt", "MyPasswords.xlsx", "PASSWORDS.TXT", "Password.txt", "password-list.txt",
    "old_passwords.txt", "SSH Keys.txt", "accessKeys.csv", "alice_accessKeys.csv", "root-key.csv",
    "otr.private_key", ".irb_history", "wp-config.php.bak", "Local.keychain-db", "signing.properties",
]  # fmt: skip
ORDINARY = [
    "notes.md", "password-managers.md", "passwords-and-why-they-fail.md", "how-to-rotate-keys.md",
    "keys.py", "secrets.py", "tokens.md", "test_credentials.py", "credentials.go", "credentials.md",
    "id_rsa.pub", "keyboard.txt", "monkey.md", "donkey.key.md", "README.md", ".env.example",
    ".env.sample", "token.py", "tokenizer.json", "wallets-compared.md", "environment.yml", "shadow.md",
    "cookies.md", "kubeconfig.py", "recovery.md", "backup-strategy.md",
    "the-seed-and-the-phrase-of-the-day.md", "passwordless.html", "Password managers compared.md",
    "Reset password.md", "forgot_password.txt", "password_reset_email.txt", "Choosing passwords.md",
    "hash-passwords.md", "design.json", "package.json", "public.crt", "ca-certificates.crt",
    "settings.py", "tokenization.txt", "key-findings.txt", "keynote.txt", "monkeys.csv",
    "keywords.csv", "turkey.json", "history.md", "passport-scan.txt", "compass.txt", "bypass.txt",
    "login.html", "login.md", "tokens.txt", "secretary.yaml", "secret-garden.txt",
    "secretariat-minutes.txt", "keyboard.json", "wallet.md", "identity.md", "identity.txt",
    "cookies.txt.md", "seed.csv", "seeds.txt", "backup.txt", "recovery-plan.txt", "codebook.txt",
    "backup codes compared.md", "api.json", "access.log", "env.md", "environment.txt", "wireguard.md",
    "earthquake-emergency-kit.txt", "credentials_test.go", "PKCS12.md", "the-password-game.txt",
    "1password-vs-bitwarden.md", "client.conf", "rsa.txt", "digital_rsa.txt", "abcdef012345.json",
    "report-20240101.json", "pass.md", "mail.rdp.md", "token-economy.txt", "oauth.md", "kubeconfig.md",
    "docker-compose.yml", "config.json", "history.txt", "auth.md", "session.json", "master-thesis.txt",
    "private.txt", "access-keys-explained.md", "rotate_keys.sh", "service-account.md",
]  # fmt: skip


@pytest.mark.parametrize("name", HELD)
def test_a_telling_name_is_left_out_in_small_and_in_capital_letters(name: str) -> None:
    assert matching_pattern(f"/x/{name}", folder=False)
    assert matching_pattern(f"/x/{name.upper()}", folder=False)


@pytest.mark.parametrize("name", ORDINARY)
def test_an_ordinary_name_is_not(name: str) -> None:
    assert matching_pattern(f"/x/{name}", folder=False) == ""


def test_few_files_of_the_standard_library_have_telling_names() -> None:
    """Programs about credentials are no credentials: what is left out there are keys and certificates."""
    library = Path(os.__file__).parent
    names = [Path(folder, name) for folder, _, files in os.walk(library) for name in files]
    own = [path for path in names if "site-packages" not in path.parts and "test" not in path.parts]
    assert len(own) > 500
    assert [str(path) for path in own if matching_pattern(str(path), folder=False)] == []


def test_decomposed_names_are_the_same_names() -> None:
    assert matching_pattern("/x/" + unicodedata.normalize("NFD", "Passwörter.txt"), folder=False)


@pytest.mark.parametrize(
    "folder", [".ssh", ".SSH", ".aws", ".kube", ".gnupg", "Keychains", "pass.agilekeychain", ".config/gcloud"]
)
def test_a_telling_folder_is_left_out_with_all_in_it(folder: str, tmp_path: Path) -> None:
    inside = tmp_path / "a" / folder / "deeper" / "config.md"
    inside.parent.mkdir(parents=True)
    inside.write_text("words")
    assert [type(verdict) for verdict in walk(str(tmp_path), Rules(hidden=True))] == [Skipped]
    verdict = check_path(str(inside), str(tmp_path), Rules(hidden=True))
    assert isinstance(verdict, Skipped)
    assert verdict.rule.startswith("secret:")


def test_what_is_named_inside_such_a_folder_is_judged_by_the_names_in_it(tmp_path: Path) -> None:
    """Who keeps `~/.kube/notes` gets the notes; the files with the tokens stay out, also through a link."""
    kube = tmp_path / ".kube"
    (kube / "notes").mkdir(parents=True)
    for name in ("config", "notes/a.md", "notes/admin.kubeconfig"):
        (kube / name).write_text("words")
    (tmp_path / "cluster.yaml").symlink_to(kube / "config")
    found = [verdict.path for verdict in walk(str(kube), Rules()) if isinstance(verdict, Found)]
    assert found == [str(kube / "notes" / "a.md")]
    for named, kept in (
        (kube / "notes" / "a.md", True),
        (kube / "config", False),
        (tmp_path / "cluster.yaml", False),
    ):
        path = str(named)
        assert isinstance(check_path(path, path, Rules()), Found) == kept, named


def test_only_the_root_takes_credentials_back(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    clone.mkdir()
    (clone / ".env").write_text("KEY=1")
    (clone / ".kenignore").write_text("!.env\n")
    rules = Rules(hidden=True)
    assert isinstance(check_path(str(clone / ".env"), str(tmp_path), rules), Skipped)
    (tmp_path / ".kenignore").write_text("!.env\n")
    assert isinstance(check_path(str(clone / ".env"), str(tmp_path), rules), Found)
    (tmp_path / ".kenignore").unlink()
    assert isinstance(check_path(str(clone / ".env"), str(tmp_path), rules), Skipped)
    assert isinstance(
        check_path(str(clone / ".env"), str(tmp_path), Rules(hidden=True, ignore=("!.env",))), Found
    )
