"""Credentials as they stand in notes, made by chance when asked for: this file holds none.

Owns the samples, by the name of their kind: a text, and the part of it that must not be found.
"""

from __future__ import annotations

import base64
import string
from random import Random
from typing import NamedTuple

_HEX = string.digits + "abcdef"
_UPPER = string.ascii_uppercase + string.digits
_ALL = string.ascii_letters + string.digits
_URL = _ALL + "_-"
_BASE64 = _ALL + "+/"
_SMALL = string.ascii_lowercase + string.digits
PASSWORD = "sonne" + "99"
"""A weak one."""


class Sample(NamedTuple):
    text: str
    secret: str


class _Maker:
    def __init__(self) -> None:
        self._random = Random(7)

    def __call__(self, length: int, alphabet: str = _ALL) -> str:
        """So many characters, a digit among them."""
        drawn = self._random.choices(alphabet, k=length)
        if "7" in alphabet:
            drawn[length // 2] = "7"
        return "".join(drawn)

    def lines(self, count: int = 8) -> str:
        return "\n".join(self(64, _BASE64) for _ in range(count))


def tokens() -> dict[str, Sample]:
    """Tokens with published beginnings, each in a sentence."""
    r = _Maker()
    d = string.digits
    made = {
        "aws": "AKIA" + r(16, string.ascii_uppercase),
        "aws temporary": "ASIA" + r(16, string.ascii_uppercase),
        "google": "AIza" + r(35, _URL),
        "google secret": "GOCSPX" + "-" + r(28),
        "google token": "ya29." + r(60, _URL),
        **{f"github {kind}": f"gh{kind}_" + r(36) for kind in "pousr"},
        "github fine": "github" + "_pat_" + r(22) + "_" + r(59),
        **{f"gitlab {kind}": f"gl{kind}-" + r(20) for kind in ("pat", "rt", "dt", "ptt", "ft", "soat")},
        "slack bot": "xox" + "b-" + r(12, d) + "-" + r(12, d) + "-" + r(24),
        "slack user": "xox" + "p-" + r(12, d) + "-" + r(32, _HEX),
        "slack app": "xapp" + "-1-A" + r(10, _UPPER) + "-" + r(13, d) + "-" + r(64, _HEX),
        "slack hook": "https://hooks."
        + "slack.com/services/T"
        + r(8, _UPPER)
        + "/B"
        + r(8, _UPPER)
        + "/"
        + r(24),
        "discord hook": "https://discord.com/api/" + "webhooks/" + r(18, d) + "/" + r(68, _URL),
        "discord bot": "M" + r(23) + "." + r(6) + "." + r(38, _URL),
        "telegram": r(10, "123456789") + ":AA" + r(33, _URL),
        **{f"stripe {kind}": f"{kind}_live_" + r(24) for kind in ("sk", "rk")},
        "stripe hook": "whsec" + "_" + r(32),
        "openai": "sk-" + r(20) + "T3Blbk" + "FJ" + r(20),
        "openai project": "sk-" + "proj-" + r(48, _URL),
        "anthropic": "sk-" + "ant-api03-" + r(93, _URL) + "AA",
        "openrouter": "sk-" + "or-v1-" + r(64, _HEX),
        "deepseek": "sk-" + r(32, _HEX),
        "groq": "gsk" + "_" + r(52),
        "xai": "xai" + "-" + r(80),
        "perplexity": "pplx" + "-" + r(48),
        "replicate": "r8" + "_" + r(37),
        "huggingface": "hf" + "_" + r(34, string.ascii_letters),
        "databricks": "dapi" + r(32, _HEX),
        "grafana": "glsa" + "_" + r(32) + "_" + r(8, _HEX),
        "grafana cloud": "glc" + "_" + r(60),
        "new relic": "NRAK" + "-" + r(27, _UPPER),
        "linear": "lin_api" + "_" + r(40),
        "notion": "ntn" + "_" + r(46),
        "notion old": "secret" + "_" + r(43),
        "sentry": "sntryu" + "_" + r(64, _HEX),
        "digitalocean": "dop_v1" + "_" + r(64, _HEX),
        "doppler": "dp." + "pt." + r(43),
        "planetscale": "pscale_tkn" + "_" + r(43),
        "postman": "PMAK" + "-" + r(24, _HEX) + "-" + r(34, _HEX),
        "twilio": "SK" + r(32, _HEX),
        "mailgun": "key" + "-" + r(32, _HEX),
        "mailchimp": r(32, _HEX) + "-us14",
        "sendgrid": "SG." + r(22, _URL) + "." + r(43, _URL),
        "npm": "npm" + "_" + r(36),
        "pypi": "pypi" + "-AgEIcHlwaS5vcmc" + r(60, _URL),
        "rubygems": "rubygems" + "_" + r(48, _HEX),
        "docker": "dckr" + "_pat_" + r(27, _URL),
        "terraform": r(14) + ".atlas" + "v1." + r(67, _URL),
        "vault": "hvs." + r(90, _URL),
        "vault batch": "hvb." + r(140, _URL),
        "supabase": "sbp" + "_" + r(40, _HEX),
        "figma": "figd" + "_" + r(40, _URL),
        "airtable": "pat" + r(14) + "." + r(64, _HEX),
        "atlassian": "ATATT" + "3xFfGF0" + r(180, _URL),
        "dropbox": "sl." + r(130, _URL),
        "facebook": "EAAC" + r(120),
        "square": "sq0" + "atp-" + r(22, _URL),
        **{f"shopify {kind}": f"shp{kind}_" + r(32, _HEX) for kind in ("at", "ss", "ca", "pa")},
        "azure application": r(3) + "8Q" + "~" + r(34),
        "age": "AGE-SECRET" + "-KEY-1" + r(58, "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"),
        "jwt": "eyJ" + r(30) + ".eyJ" + r(40, _URL) + "." + r(43, _URL),
        "tailscale": "tskey" + "-auth-" + r(12) + "-" + r(32),
        "brevo": "xkeysib" + "-" + r(64, _HEX) + "-" + r(16),
        "heroku": "HRKU" + "-AA" + r(58),
        "heroku of before": "HRKU" + "-" + "-".join(r(n, _HEX) for n in (8, 4, 4, 4, 12)),
        "netlify": "nfp" + "_" + r(36),
        "flyio": "fo1" + "_" + r(43),
        "1password": "ops" + "_eyJ" + r(260),
        "elevenlabs": "sk" + "_" + r(48, _HEX),
        "fireworks": "fw" + "_" + r(24),
        "clickup": "pk" + "_84417243_" + r(32, _UPPER),
        "infisical": "st." + r(24, _HEX) + "." + r(32, _HEX) + "." + r(32, _HEX),
        "neon": "npg" + "_" + r(12),
        "firebase": r(11) + ":APA" + "91b" + r(134, _URL),
        "asana": "1/" + r(16, d) + ":" + r(32, _HEX),
        "zapier": "https://hooks." + "zapier.com/hooks/catch/8937518/" + r(7, string.ascii_lowercase + d),
        "ifttt": "https://maker." + "ifttt.com/trigger/door/with/key/" + r(22),
        "mailgun sending": r(32, _HEX) + "-" + r(8, _HEX) + "-" + r(8, _HEX),
        "bitlocker": "-".join(r(6, d) for _ in range(8)),
    }
    return {
        name: Sample(f"For the blog I use {token} since May.", token.rsplit("/", 1)[-1])
        for name, token in made.items()
    }


def key_blocks() -> dict[str, Sample]:
    """Private keys in all sorts of armour; the secret is a part of the body."""
    r = _Maker()
    body = r.lines()
    secret = body.split("\n")[5][4:44]

    def armoured(name: str, inside: str, dashes: str = "-----", end: bool = True) -> str:
        head = f"{dashes}BEGIN {name} {'KEY BLOCK' if 'PGP' in name else 'KEY'}{dashes}\n{inside}\n"
        return head + (head.split("\n")[0].replace("BEGIN", "END") if end else "")

    rsa = "RSA " + "PRIVATE"
    encrypted = f"Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,{r(32, _HEX)}\n\n{body}"
    quoted = "\n".join(f"> {line}" for line in armoured(rsa, body).split("\n"))
    texts = {
        "rsa": armoured(rsa, body),
        "encrypted": armoured(rsa, encrypted),
        "openssh": armoured("OPENSSH " + "PRIVATE", body),
        "pgp with a comment": armoured("PGP " + "PRIVATE", f"Comment: self-made\n\n{body}\n=aB3d"),
        "ssh2": armoured("SSH2 ENCRYPTED " + "PRIVATE", f'Comment: "mine"\n{body}', "----")
        .replace("----BEGIN", "---- BEGIN")
        .replace("KEY----", "KEY ----"),
        "putty": f"PuTTY-User-Key-File-2: ssh-rsa\nComment: a-b\nPublic-Lines: 1\n{r(64, _BASE64)}\n"
        f"Private-Lines: 8\n{body}\nPrivate-MAC: {r(40, _HEX)}",
        "no end": armoured(rsa, body, end=False) + "\nAfter it comes prose.",
        "encrypted, no end": armoured(rsa, encrypted, end=False) + "\nAfter it comes prose.",
        "quoted": quoted,
        "quoted, no end": quoted.rsplit("\n", 1)[0] + "\n\nAfter it comes prose.",
        "indented": armoured(rsa, body).replace("\n", "\n    "),
        "json": '{"private_key": "' + armoured("PRIVATE", body).replace("\n", "\\n") + '\\n"}',
        "json, no end": '{"k": "' + armoured("PRIVATE", body, end=False).replace("\n", "\\n") + '"}',
        "html": armoured(rsa, body).replace("\n", "&#10;"),
        "openvpn": "-----BEGIN OpenVPN Static " + f"key V1-----\n{body}\n-----END OpenVPN Static key V1-----",
        "dashes that a word processor set": armoured(rsa, body, "–––––"),
    }
    return {name: Sample(text, secret) for name, text in texts.items()}


def forms() -> dict[str, Sample]:
    """Credentials known by the form around them."""
    r = _Maker()
    key = r(40, _BASE64)
    word = "sommer" + "wind9"
    slashes = f"{r(1)}/{r(22)}/{r(15)}"
    encoded = base64.b64encode(f"anna:{word}".encode()).decode()
    armour = base64.b64encode(("-----BEGIN RSA " + "PRIVATE KEY-----\n" + r(200)).encode()).decode()
    texts = {
        "aws secret beside its id": (f"id AKIA{r(16, string.ascii_uppercase)}\nand\n{key}\n", key),
        "aws secret": (f"aws_secret_access_key = {key}", key),
        "aws secret with slashes": (f"aws_secret_access_key = {slashes}", slashes),
        "key in small letters": (f"api_key={r(36, _SMALL)}", "key="),
        "vault": (f"VAULT_TOKEN=s.{r(24)}", "s."),
        "personal token": (f"AZURE_DEVOPS_EXT_PAT={r(52, _SMALL)}", "PAT="),
        "session cookie": (f"Cookie: theme=dark; sessionid={r(32, _SMALL)}", "sessionid="),
        "set cookie": (f"Set-Cookie: session={r(64)}; HttpOnly", "session="),
        "npmrc": (f"_auth={encoded}", encoded),
        "okta": (f"Authorization: SSWS 00{r(40)}", "00"),
        "ngrok": (f"ngrok authtoken {r(49)}", "authtoken "),
        "pgpass, another port": (f"localhost:5433:shop:anna:{word}", word),
        "line of htpasswd": (f"anna:$apr1${r(8)}${r(22)}", "$apr1$"),
        "line of shadow": (f"anna:$6${r(8)}${r(86)}:19000:0:99999:7:::", "$6$"),
        "wallet": (f"Private key: 0x{r(64, _HEX)}", "0x"),
        "docker login": (f"docker login -u anna -p {word}", word),
        "redis-cli": (f"redis-cli -h cache -a {word}", word),
        "ldapsearch": (f"ldapsearch -D cn=admin -w {word}", word),
        "net use": (f"net use X: \\\\srv\\files /user:anna {word}", word),
        "nmcli": (f"nmcli dev wifi connect Hut password {word}", word),
        "smbclient": (f"smbclient //srv/files -U anna%{word}", word),
        "without width, after the sign": (f"Password:\u200b {word}", word),
        "without width, before the sign": (f"Password\ufeff: {word}", word),
        "docker env": (f"FROM x\nENV MYSQL_ROOT_PASSWORD {word}\nRUN y", word),
        "powershell": (f'ConvertTo-SecureString "{word}" -AsPlainText -Force', word),
        "filezilla": (f'<User>a</User><Pass encoding="base64">{r(12)}</Pass>', "Pass"),
        "openssl": (f"openssl enc -aes256 -k {word}", word),
        "app password": ("Gmail app password: " + "abzu kqwe rtyp mnbv", "kqwe"),
        "app password with hyphens": ("app-specific password: " + "abzu-kqwe-rtyp-mnbv", "kqwe"),
        "azure account": (f"AccountName=ken;AccountKey={r(86)}==;EndpointSuffix=x", "AccountKey="),
        "azure signature": (f"https://x.example.net/c?sv=2022-11-02&sig={r(43)}%3D", "sig="),
        "bearer": (f"curl -H 'Authorization: Bearer {key[:30]}7a' https://x.org", key[:30]),
        "basic": (f"Authorization: Basic {encoded}", encoded),
        "api key header": (f"X-Api-Key: {r(32)}", "Key: "),
        "netrc": (f"machine ftp.org login anna password {word}", word),
        "netrc, many lines": (f"machine imap.org\n  login anna\n  password {word}\n", word),
        "pgpass": (f"db.org:5432:shop:anna:{word}", word),
        "kubeconfig": (f"- name: anna\n  user:\n    token: {r(40)}", "token: "),
        "kubeconfig, a weak token": (
            "apiVersion: v1\nkind: Config\nclusters:\n- name: home\nusers:\n- name: anna\n  user:\n"
            "    token: kubetokensecretvalue12345\n",
            "kubetokensecret",
        ),
        "kubeconfig key": (f"    client-key-data: {armour}", armour[:40]),
        "base64 of a key": (f"It says {armour} there.", armour[:40]),
        "docker": ('{"auths": {"x": {"auth": "' + encoded + '"}}}', encoded),
        "redis": (f"redis://:{word}@cache.host:6379/0", word),
        "postgres": (f"postgres://anna:{word}@db.host/shop", word),
        "mongodb": (f"mongodb+srv://anna:{word}@cluster0.abc.net", word),
        "git": (f"https://anna:{word}@git.host/x/y.git", word),
        "wifi code": (f"WIFI:T:WPA;S:hut;P:{word};;", word),
        "one-time": (f"otpauth://totp/x:anna?secret={r(16, 'ABCDEFGH234567')}&issuer=x", "secret="),
        "curl": (f"curl -u anna:{word} https://x.org", word),
        "sshpass": (f"sshpass -p '{word}' ssh host", word),
        "mysql": (f"mysql -u root -p{word} shop", word),
        "jwk": ('{"kty": "EC", "d": "' + r(43, _URL) + '", "crv": "P-256"}', '"d": '),
    }
    return {name: Sample(*sample) for name, sample in texts.items()}


_ONE_WORD = """
Password PASSWORD Passphrase Passcode pw PW pwd Pass MDP db_password Passwort Kennwort contraseña senha
wachtwoord hasło şifre ŞİFRE parola lösenord passord adgangskode salasana heslo jelszó lozinka пароль Пароль
κωδικός סיסמה 密码 密碼 パスワード 비밀번호 पासवर्ड รหัสผ่าน WLAN-Schlüssel WPA2
"""
LABELS = (
    *_ONE_WORD.split(),
    "mot de passe",
    "Mot de passe",
    "mật khẩu",
    "kata sandi",
    "كلمة المرور",
    "Wi-Fi key",
    "Wifi password",
    "Gmail Passwort",
    "password for the router",
    "Passwort (Gast)",
)
"""Names of passwords in languages and scripts."""


def labelled() -> dict[str, Sample]:
    """A weak password given to a name: plain, bold, in a cell of a table."""
    forms = {"plain": "{}: {}", "bold": "- **{}:** {}", "wide": "{}：{}", "cell": "| {} | {} |"}
    return {
        f"{label}, {form}": Sample(f"# Hut\n\n{pattern.format(label, PASSWORD)}\n\nbye", PASSWORD)
        for label in LABELS
        for form, pattern in forms.items()
    }


def written() -> dict[str, Sample]:
    """As people write passwords down."""
    weak = "sunshine" + "99"
    seed = "army van defense carry jealous true garbage claim echo media make crunch"
    numbered = "\n".join(f"{i}. {word}" for i, word in enumerate(seed.split(), 1))
    codes = "\n".join(f"{i}a2b{i}-c4d{i}e" for i in range(1, 9))
    texts = {
        "hunter": "password: {hunter2}",
        "signs": "Password: {CorrectHorse!Battery}",
        "your": "password: {yourGreen7Boat}",
        "brackets": "password: {ab[cd]77x}",
        "dot": "password: {.Sommer77}",
        "tilde": "password: {~Sommer77!}",
        "italic": f"*password*: {{{weak}}}",
        "code": f"password: `{{{weak}}}`",
        "code label": f"`password`: {{{weak}}}",
        "dash": f"Password - {{{weak}}}",
        "arrow": f"password -> {{{weak}}}",
        "sentence": f"The wifi password is {{{weak}}}.",
        "german sentence": f"Das Passwort lautet {{{weak}}}.",
        "french sentence": f"Le mot de passe est {{{weak}}}.",
        "chinese sentence": "密码是 {sunny99a}",
        "japanese sentence": "パスワードは {sunny99a} です",
        "words": 'password = "{correct horse 9 battery}"',
        "json": f'user: anna, "password": "{{{weak}}}"',
        "yaml": f"db:\n  user: anna\n  password: {{{weak}}}",
        "shell": f"export DB_PASSWORD={{{weak}}}",
        "element": f"<password>{{{weak}}}</password>",
        "connection": f"Server=x;User Id=anna;Password={{{weak}}};",
        "option": f"ken --password {{{weak}}}",
        "html": f"<b>Password:</b> {{{weak}}}",
        "mail": f"Your temporary password is: {{{weak}}}",
        "next line": f"Password:\n{{{weak}}}\n",
        "heading": f"## Password\n\n{{{weak}}}\n",
        "pin": "PIN: {4711}",
        "pin without a sign": "PIN {4711}.",
        "puk": "PUK: {12345679}",
        "pin in words": "Bank card PIN is {4711}",
        "door": "Door code: {4711}",
        "login": f"login: anna / {{{weak}}}",
        "user and password": f"user/pass: anna / {{{weak}}}",
        "credentials": f"Credentials: admin:{{{weak}}}",
        "german login": f"Zugangsdaten: anna / {{{weak}}}",
        "column": f"| Wifi | Passwort |\n|---|---|\n| Hut | {{sunshine}} |\n| Boat | {weak} |",
        "column without bars": f"Site | Password\n--- | ---\nshop | {{{weak}}}",
        "recovery codes": f"Recovery codes\n\n{{{codes}}}\n",
        "backup codes": "GitHub backup codes:\n{12345678\n23456789\n34567891}\n",
        "german codes": "Wiederherstellungscodes\n- {1234 5678\n- 2345 6789\n- 3456 7891}\n",
        "seed": f"{{{seed}}}",
        "numbered seed": f"Wallet\n{numbered}",
        "seed with commas": "Seed phrase: " + seed.replace(" ", ", "),
        "attribute": f'<add key="Password" value="{{{weak}}}"/>',
        "plist": f"<key>password</key>\n<string>{{{weak}}}</string>",
        "constant": f"define('DB_PASSWORD', '{{{weak}}}');",
        "json in json": f'{{\\"password\\":\\"{{{weak}}}\\"}}'.replace("{\\", "(\\", 1),
        "far from its name": f"The password for the router in the attic is {{{weak}}}.",
        "login on a line": f"login anna pw {{{weak}}}",
        "spanish": f"Clave: {{{weak}}}",
        "network": "Wifi password: {sunflower}",
        "german network": "WLAN-Passwort: {Sonnenblume}",
        "alarm": "Alarmcode: {4711}",
        "key in groups": "Recovery key: {IF7O L97S AX72 QA7Z QH7U 0U77}",
        "totp in groups": "2FA key: {jbsw y3dp ehpk 3pxp}",
        "seed in columns": "1. candy  2. maple  3. cake\n4. sugar  5. pudding  6. cream\n7. honey  8. rich\n"
        "9. smooth  10. crumble  11. sweet  12. treat",
        "seed under a heading of the list's words": f"# Note\n\n{{{seed}}}\n",
        "seed with slashes": "Seed: " + seed.replace(" ", " / "),
        "sql": f'CREATE USER anna IDENTIFIED BY "{{{weak}}}"',
    }
    return {name: _marked(text) for name, text in texts.items()}


def _marked(text: str) -> Sample:
    """The secret stands in braces, else it is the end of the text."""
    if "{" not in text:
        return Sample(text, text[-20:])
    before, _, rest = text.partition("{")
    secret, _, after = rest.rpartition("}")
    return Sample(before + secret + after, secret)


def every() -> dict[str, Sample]:
    """All of them, by kind and name."""
    kinds = {
        "token": tokens(),
        "key": key_blocks(),
        "form": forms(),
        "label": labelled(),
        "written": written(),
    }
    return {f"{kind}: {name}": sample for kind, some in kinds.items() for name, sample in some.items()}
