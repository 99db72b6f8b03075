"""Exports of password managers and browsers: files that hold nothing but credentials, under any name.

Owns the recognition of such a file by its first lines. Sources: the columns that Chrome, Edge, Firefox,
Safari, 1Password, Bitwarden, LastPass, KeePass, KeePassXC, Dashlane, NordPass, RoboForm, Proton Pass and
Amazon's console write, as their help pages and the importers of KeePassXC and Bitwarden list them.
"""

from __future__ import annotations

import re

_PASSWORDS = """
password passwords passwort kennwort pwd pass login_password loginpassword contraseña senha пароль 密码 密碼
パスワード 비밀번호 wachtwoord hasło lösenord adgangskode heslo parola şifre secret_access_key
encryptedpassword mot_de_passe
"""
_ACCOUNTS = """
url urls website web_site site login_uri loginuri matchurl hostname username user_name user login login_name
login_username loginusername email e-mail account benutzername nutzername benutzer webseite identifiant
utilisateur usuario usuário nom_d'utilisateur имя_пользователя логин сайт 用户名 网址 ユーザー名 아이디
gebruikersnaam użytkownik access_key_id
"""
_PASSWORD, _ACCOUNT = frozenset(_PASSWORDS.split()), frozenset(_ACCOUNTS.split())
_LONGEST_HEAD = 2_000
"""Characters of the row of column names: longer lines are data."""
_MARKS = (
    re.compile(r"<KeePassFile\b|<pwlist>|<passwordsafe\b"),
    re.compile(
        r'\A\s*\{\s*"encrypted"\s*:\s*(?:true|false)\s*,.{0,400}"(?:folders|collections|items|encKeyValidation)',
        re.DOTALL,
    ),
    re.compile(r'"(?:encryptedPassword|loginUsername|itemEmail|encKeyValidation_DO_NOT_EDIT)"\s*:'),
    re.compile(r"\*\*\*5642bee8-a5ff-11dc-8314-0800200c9a66\*\*\*"),
    re.compile(r'"AUTHENTIFIANT"\s*:|"securenotes?"\s*:.{0,200}"credentials"\s*:', re.DOTALL),
)


def is_export(head: str) -> bool:
    """Whether a file that begins with `head` is an export of passwords."""
    first = head.lstrip("\ufeff\n\r ").split("\n", 1)[0].strip()
    return names_accounts(first) or any(mark.search(head) for mark in _MARKS)


def names_accounts(line: str) -> bool:
    """Whether `line` is a row of column names with both an account and a password."""
    if len(line) > _LONGEST_HEAD:
        return False
    return any(_are_accounts(line.strip(" |").split(delimiter)) for delimiter in ",;\t|")


def _are_accounts(cells: list[str]) -> bool:
    names = {cell.strip(" \"'*").lower().replace(" ", "_") for cell in cells}
    return bool(names & _PASSWORD) and bool(names & _ACCOUNT)
