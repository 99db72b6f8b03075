"""Credentials: found in every form that people and programs write, nowhere else, and in linear time."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.credential_samples import PASSWORD, every

from index.credentials import credentials
from index.credentials.exports import is_export

SAMPLES = every()


@pytest.mark.parametrize("name", SAMPLES)
def test_a_credential_is_found(name: str) -> None:
    text, secret = SAMPLES[name]
    at = text.index(secret)
    found = credentials(text)
    assert any(start <= at and at + len(secret) <= end for start, end in found), (text, found)


@pytest.mark.parametrize("name", SAMPLES)
def test_words_met_before_hide_no_credential(name: str) -> None:
    """The words that hold nothing are remembered from text to text."""
    text = SAMPLES[name].text
    credentials("some other words")
    assert credentials(text) == credentials(text) != []


@pytest.mark.parametrize(
    "text",
    [
        "The password: choose a long one, of twelve characters or more.",
        "Password: required. Passwords are hashed with bcrypt10.",
        "A password must have 8 characters; the password is base64 encoded.",
        "password: <password>",
        "password: your-password-here",
        "password=YOUR_PASSWORD",
        "password: ${DB_PASSWORD}",
        "password: $PASSWORD1",
        "password: {{ vault.password1 }}",
        "password: ********",
        "password: changeme",
        'password: os.environ["DB_PASSWORD1"]',
        "password: get_password(user1)",
        "password: self.password2",
        "def login(user: str, password: str = None) -> Token2:",
        '"password": "Passwort"',
        '"password": "密码"',
        "password: /etc/ssl/private1",
        "password: https://example.org/reset1",
        "Token: OAuth2Token",
        'Sets "NextToken": "9f4d9f69-275a-41fe-b58e-2b837bd9ba48"',
        "secret: see chapter 12",
        "API key: ask Anna",
        "pin 14 of the connector, PINs: 2048",
        "PIN: 2024-05-01",
        "https://user:password@host/ and https://user@host:8080/",
        "http://[::1]:8080/a@b and ssh://git@host:22/x",
        "A file begins with -----BEGIN PRIVATE KEY----- and ends with -----END PRIVATE KEY-----.",
        "Write to sk-learn-contributors-mailing-list-about-classes@example.org",
        "| Option | Password | Passkey |\n| --- | --- | --- |\n| strength | weak | strong |",
        "The seed of the phrase was sown; mnemonic devices help to recall words of a list.",
        "パスワードはプロンプトで求められ、アカウントで2FAが有効な場合は自動的に要求されます。",
        "libmtwist/seed.c\nReleased into the public domain.\nLicense: public-domain\n\n" * 3,
        "Key: AKIAIOSFODNN7" + "EXAMPLE",
        "Recovery codes let you sign in. Keep the codes safe. See 3 ways in 2024.",
        "Login: 2024-01-02 / 10:33:12",
        '{"OldPassword": "3s0K_;xh4~8XXI", "NewPassword": "]35d/{pB9Fo9wJ"}',
        "Password: PassWordMustBeAtLeast6Chars. password: generatedwebdavpassword1",
        'AppServerPrivateKey="a123b45c6d78e9f012a34cd5e6a7890b12c3d45e6f78a1b2"',
        '"Password": "k1zPZM6uVxMQ3oxqgoYlNuJPyRTZ1vRE=", "Id": "ACCAEXAMPLE123EXAMPLE"',
        "https://x.org/a?X-Amz-Security-Token=IQoJb3JpZ2luX2VjEB8aCXVzLXdlc3QtMiJHMEUCIHV5K",
        "https://x.org/a?X-Amz-Credential=AKIA" + "5C56P35AEBRX2QQA%2F20190215%2Fus-east-1",
        'sessionToken": "fICCQD6m7oRw0uXOjANBgkqhkiG9w0BAQUFADCBiDELMAkGA1UEBhMCVVMxCzAJBgNVBAgTAldBMRAw"',
        '"SharedSecret": "MEYCIQCKZLWyTk5runarx6XiAkU9gv3lbwPO/pHa+DXFehzdDwIhANwpsIV2g/9SPWLLsF6p'
        '/hiSskuIXMTRwqrMdVKWTMHG"',
        "fixes to pass callback function (cf: 20130112), needed here",
        '- Pass CFLAGS="-xO4 -xtarget=generic"',
        "* Pass option --lgpl=3orGPLv2",
        "strdup it so\n  pw_free() can be used. (Closes: Debian#691459, alioth#313957)",
        "passwd manpage. Closes: Bug#53857,#75791",
        "pass values as :term:`A-label`",
        "allow it to\npass along :envvar:`PYTHON*` variables",
        "PASS: addr2line\nPASS: gdb.cp/nodebug-c++-d0.exp: print\nFAIL: ar symbol table",
        "the recovery code assumed no padding. Closes: #497041, #499070\n  * See also #367226.",
        "nfp_tunnel_add_shared_mac",
        "token_trees_until_close_delim (tokentrees.rs:27) #8: 0x95CACC9:",
        "EAAC3481FC612665CA112D3F889A0E5B7843EFFCEFACA24A01B6AC2B7DDE02F4",
    ],
)
def test_what_only_speaks_of_credentials_is_not_one(text: str) -> None:
    assert [text[a:b] for a, b in credentials(text)] == []


def test_a_sample_hides_no_credential_of_another_paragraph_and_no_token() -> None:
    sample = "aws_access_key_id = AKIAIOSFODNN7" + "EXAMPLE"
    for other in (f"\n\npassword: {PASSWORD}", " ghp_" + "k3Yq8Zt1" * 5, "\nAKIA" + "IOSQODNN7DNNXAMP"):
        assert credentials(sample + other) != []


@pytest.mark.parametrize(
    "line",
    [
        'password = "swordfish"',
        "password = Prompt2User",
        "token = next_token1[cursor]",
        'parser.add_argument("--password", default="secret1")',
        "api_key: OAuth2Client = None",
        'PASSWORD_FIELD = "password_v2"',
    ],
)
def test_in_code_a_weak_value_is_none(line: str) -> None:
    assert credentials(line, code=True) == []
    assert credentials('password = "k7#Vq9!mZx2' + 'Lw"', code=True) != []


def test_spans_are_in_order_and_apart() -> None:
    text = "\n\n".join(sample.text for sample in SAMPLES.values())
    found = credentials(text)
    assert all(a < b for a, b in found)
    assert all(first[1] <= second[0] for first, second in pairwise(found))


@settings(max_examples=60, deadline=None)
@given(
    st.text("İıßŞ Πσς文ー\n|:-ab1", max_size=60),
    st.sampled_from(["password: ", "ŞİFRE: ", "пароль: "]),
)
def test_no_letter_before_it_moves_a_credential(before: str, label: str) -> None:
    text = f"{before}\n\n{label}{PASSWORD}\n"
    assert any(text[a:b].endswith(PASSWORD) for a, b in credentials(text))


HOSTILE = (
    "a", "-", " ", "\n", "|", "=", ":", "eyJ", "-eyJ", ".eyJa", "password", "password ", "password: ",
    "password:\n", "password (", "password is ", "| password |\n", "|password|a1b2c3|\n", "://", "://a:b",
    "-----BEGIN RSA " + "PRIVATE KEY-----\n", "PuTTY-User-Key-File-2: x\n", "sk-", "AKIA", "zoo ", "1. zoo ",
    "seed ", "recovery code ", "authorization: bearer ", "login: ", "curl -u ", "mysql -p", "wifi:a:b;",
    "пароль ", "密码", "token=", "pin 1", "> ", "otpauth://", "\\n",
)  # fmt: skip


def seconds(text: str) -> float:
    began = time.process_time()
    credentials(text)
    return time.process_time() - began


@pytest.mark.parametrize("shape", HOSTILE)
@pytest.mark.slow
def test_time_grows_with_the_text_and_not_with_its_square(shape: str) -> None:
    """Eight times the text would take 64 times as long; compared generously, and again where it is close."""
    small, large = (shape * (size // len(shape)) for size in (20_000, 160_000))
    assert any(seconds(large) < 24 * max(seconds(small), 0.002) for _ in range(3))


@pytest.mark.parametrize(
    "head",
    [
        "name,url,username,password,note\n",
        '"url","username","password","httpRealm","formActionOrigin","guid"\n',
        "Title,URL,Username,Password,Notes,OTPAuth\n",
        "folder,favorite,type,name,notes,fields,reprompt,login_uri,login_username,login_password,login_totp\n",
        "url,username,password,totp,extra,name,grouping,fav\n",
        '"Account","Login Name","Password","Web Site","Comments"\n',
        '"Group","Title","Username","Password","URL","Notes"\n',
        "username,username2,username3,title,password,note,url,category,otpSecret\n",
        "Name,Url,MatchUrl,Login,Pwd,Note,Folder,RfFieldsV2\n",
        "Access key ID,Secret access key\n",
        "Webseite;Benutzername;Passwort\n",
        '{\n  "encrypted": false,\n  "folders": [],\n  "items": []',
        '<?xml version="1.0"?>\n<KeePassFile>\n',
    ],
)
def test_an_export_of_passwords_is_known_by_its_head(head: str) -> None:
    assert is_export(head)


def test_other_tables_are_no_exports() -> None:
    assert not is_export("name,url,stars\n")
    assert not is_export("rule,password length,login page\n")
    assert not is_export('{"encrypted": "at rest", "password": "no"}')
