"""Tokens recognized by their beginning: published prefixes of access tokens and keys.

Owns the table of issuers and the search for their tokens. Knows nothing of the text around a token.

Sources of the prefixes: the issuers' own documentation as collected in the rule lists of gitleaks
(github.com/gitleaks/gitleaks, config/gitleaks.toml), detect-secrets (github.com/Yelp/detect-secrets) and
truffleHog (github.com/trufflesecurity/trufflehog), and GitHub's list of supported secret scanning patterns.
The patterns after the prefixes are looser than the issuers' formats, since lengths change.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import NamedTuple

from index.credentials.search_text import SearchText
from index.credentials.values import is_example

_SHORTEST = 16
"""Characters of a word that is searched: no token of the table is shorter, and most words are."""
_ISSUERS: tuple[tuple[str, str, str], ...] = (
    # issuer, how its tokens begin, a pattern of the rest
    # an id that a date follows signs an address, and is public
    ("Amazon", "AKIA ASIA ABIA ACCA", r"[A-Z0-9]{16}(?![A-Za-z0-9]|(?:/|%2F)\d{8}(?:/|%2F))"),
    ("Amazon Bedrock", "ABSK", r"[A-Za-z0-9+/]{60,300}={0,2}"),
    ("Google", "AIza", r"[\w-]{35}(?!\w)"),
    ("Google OAuth", "GOCSPX-", r"[\w-]{20,}"),
    ("Google OAuth", "ya29.", r"[\w-]{30,}"),
    ("GitHub", "ghp_ gho_ ghu_ ghs_ ghr_", r"[A-Za-z0-9]{30,255}(?!\w)"),
    ("GitHub", "github_pat_", r"\w{40,255}"),
    (
        "GitLab",
        "glpat- glptt- gldt- glrt- glrtr- glcbt- glft- glffct- glimt- glagent- gloas- glsoat- glwt-",
        r"[\w.-]{20,}",
    ),
    ("GitLab", "GR1348941", r"[\w-]{20,}"),
    ("Slack", "xoxa- xoxb- xoxc- xoxd- xoxe- xoxe. xoxo- xoxp- xoxr- xoxs-", r"[A-Za-z0-9%.-]{10,}"),
    ("Slack", "xapp-", r"\d-[A-Za-z0-9-]{16,}"),
    ("Stripe", "sk_live_ rk_live_ sk_test_ rk_test_ sk_prod_ rk_prod_", r"[A-Za-z0-9]{16,}"),
    ("Stripe, Svix", "whsec_", r"[A-Za-z0-9+/]{20,}={0,2}"),
    ("Anthropic, OpenAI", "sk-ant- sk-proj- sk-svcacct- sk-admin- sk-live- sk-or- sk-lf-", r"[\w-]{20,}"),
    ("OpenAI, DeepSeek", "sk-", r"(?=[A-Za-z]{0,40}\d)(?!(?:[a-z]+-){2})[\w-]{32,}"),
    ("ElevenLabs", "sk_", r"[0-9a-f]{48}(?!\w)"),
    ("Fireworks", "fw_", r"(?=[A-Za-z]{0,20}\d)[A-Za-z0-9]{22,40}(?!\w)"),
    ("ClickUp", "pk_", r"\d{5,12}_[A-Z0-9]{32}(?!\w)"),
    ("Infisical", "st.", r"[0-9a-f]{24}\.[0-9a-f]{32}\.[0-9a-f]{32}(?!\w)"),
    ("Neon", "npg_", r"(?=[A-Za-z]{0,20}\d)[A-Za-z0-9]{12,32}(?!\w)"),
    ("Groq", "gsk_", r"[A-Za-z0-9]{20,}"),
    ("xAI", "xai-", r"[A-Za-z0-9]{20,}"),
    ("Perplexity", "pplx-", r"[A-Za-z0-9]{20,}"),
    ("Replicate", "r8_", r"[A-Za-z0-9]{30,}(?![\w-])"),
    ("Hugging Face", "hf_ api_org_", r"[A-Za-z0-9]{30,}(?!\w)"),
    ("NVIDIA, Tavily, Cerebras", "nvapi- tvly- csk-", r"[\w-]{20,}"),
    ("Pinecone, LangSmith, Jina", "pcsk_ lsv2_pt_ lsv2_sk_ jina_", r"\w{24,}"),
    ("Databricks", "dapi", r"[a-f0-9]{32}(?:-\d)?(?!\w)"),
    ("Grafana", "glsa_ glc_", r"[\w+/]{32,}={0,2}(?!-)"),
    ("New Relic", "NRAK- NRJS- NRIQ- NRII- NRAA- NRRA-", r"[A-Za-z0-9_-]{16,}"),
    ("Linear", "lin_api_ lin_oauth_", r"[A-Za-z0-9]{24,}"),
    ("Notion", "ntn_", r"[A-Za-z0-9]{30,}"),
    ("Notion", "secret_", r"(?=[A-Za-z]{0,30}\d)[A-Za-z0-9]{43}(?!\w)"),
    ("Sentry", "sntrys_ sntryu_ sntryi_", r"[\w+/=]{20,}"),
    ("DigitalOcean", "dop_v1_ doo_v1_ dor_v1_", r"[a-f0-9]{40,64}(?!\w)"),
    ("Doppler", "dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit.", r"(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{24,}"),
    ("PlanetScale", "pscale_tkn_ pscale_pw_ pscale_oauth_", r"[\w=.-]{20,}"),
    ("Postman", "PMAK- PMAT-", r"[\w-]{24,}"),
    ("Mailgun, Firecrawl", "key- fc-", r"[0-9a-f]{32}(?!\w)"),
    ("SendGrid", "SG.", r"[\w-]{16,}\.[\w-]{16,}"),
    ("Brevo", "xkeysib- xsmtpsib-", r"[a-f0-9]{32,}-[A-Za-z0-9]{8,}"),
    ("Resend", "re_", r"[A-Za-z0-9]{6,12}_[A-Za-z0-9]{16,}(?!\w)"),
    ("npm", "npm_", r"[A-Za-z0-9]{36}(?!\w)"),
    ("PyPI", "pypi-", r"[\w-]{50,}"),
    ("RubyGems", "rubygems_", r"[a-f0-9]{40,}"),
    ("crates.io", "cio", r"(?=[A-Za-z]{0,30}\d)[A-Za-z0-9]{32}(?!\w)"),
    ("NuGet", "oy2", r"[a-z0-9]{43}(?!\w)"),
    ("Clojars", "CLOJARS_", r"[a-z0-9]{60}"),
    ("Docker", "dckr_pat_ dckr_oat_", r"[\w-]{20,}"),
    ("JFrog", "AKCp cmVmd", r"(?=\D{0,40}\d)[A-Za-z0-9]{56,}(?!\w)"),
    ("HashiCorp Vault", "hvs. hvb. hvr.", r"[\w-]{20,}"),
    ("Supabase", "sbp_", r"[a-f0-9]{40}(?!\w)"),
    ("Supabase", "sb_secret_", r"[\w-]{20,}"),
    ("Cloudflare", "v1.0-", r"[a-f0-9]{24}-[a-f0-9]{100,}"),
    ("Figma", "figd_ figu_ figo_", r"[\w-]{30,}"),
    ("Airtable", "pat", r"[A-Za-z0-9]{14}\.[a-f0-9]{64}(?!\w)"),
    ("HubSpot", "pat-na1- pat-na2- pat-na3- pat-eu1- pat-ap1-", r"[0-9a-f-]{30,}"),
    ("Atlassian", "ATATT ATCTT ATSTT", r"[\w=-]{40,}"),
    ("Bitbucket", "ATBB", r"(?=[A-Za-z]{0,30}\d)[A-Za-z0-9]{28,}"),
    ("Dropbox", "sl.", r"(?:u\.)?(?=\D{0,60}\d)[\w-]{40,}"),
    ("Facebook, Square", "EAA", r"(?=\D{0,60}\d)(?=[^a-z]{0,60}[a-z])[\w-]{50,}"),
    ("Instagram", "IGQVJ IGAA", r"[\w-]{50,}"),
    ("Square", "sq0atp- sq0csp-", r"[\w-]{22,}"),
    ("Shopify", "shpat_ shpca_ shppa_ shpss_ shpua_ shptka_", r"[A-Za-z0-9]{24,}"),
    ("Heroku", "HRKU-", r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?!\w)"),
    ("Heroku, Netlify, Render", "HRKU-AA nfp_ rnd_", r"(?=\D{0,60}\d)(?=[^A-Z]{0,60}[A-Z])[\w-]{20,}"),
    ("Fly.io", "fo1_ fm1a_ fm1r_ fm2_", r"[\w+/-]{30,}={0,3}"),
    ("Pulumi", "pul-", r"[a-f0-9]{40}(?!\w)"),
    ("Prefect", "pnu_ pnb_", r"[A-Za-z0-9]{36}(?!\w)"),
    ("1Password", "ops_eyJ", r"[\w+/-]{60,}={0,3}"),
    ("1Password", "A3-", r"[A-Z0-9]{6}-(?:[A-Z0-9]{5,11}-){3,5}[A-Z0-9]{5}"),
    ("Tailscale", "tskey-", r"[\w-]{20,}"),
    ("Dynatrace", "dt0c01. dt0s01.", r"[A-Za-z0-9]{20,}\.[A-Za-z0-9]{40,}"),
    (
        "Adafruit, Vercel, Buildkite",
        "aio_ vcp_ vck_ bkua_ bkct_",
        r"(?=[A-Za-z]{0,30}\d)[A-Za-z0-9]{24,}(?!\w)",
    ),
    ("SonarQube", "sqp_ squ_ sqa_", r"[a-f0-9]{40}(?!\w)"),
    ("Sourcegraph", "sgp_", r"(?:[a-f0-9]{16}_|local_)?[a-f0-9]{40}"),
    ("CircleCI, Contentful", "CCIPAT_ CFPAT-", r"[\w-]{30,}"),
    ("Adobe", "p8e-", r"[A-Za-z0-9_-]{24,}"),
    ("Alibaba", "LTAI", r"(?=[A-Za-z]{0,20}\d)[A-Za-z0-9]{16,24}(?!\w)"),
    ("Tencent", "AKID", r"(?=[A-Za-z]{0,30}\d)[A-Za-z0-9]{32}(?!\w)"),
    ("Yandex", "y0_ AQVN t1.9eu", r"[\w-]{35,}"),
    ("Mapbox", "sk.eyJ", r"[\w-]{20,}\.[\w-]{16,}"),
    ("Flutterwave", "FLWSECK- FLWSECK_TEST-", r"[A-Za-z0-9]{12,}"),
    ("Razorpay, Shippo", "rzp_live_ rzp_test_ shippo_live_ shippo_test_", r"[A-Za-z0-9]{14,}"),
    ("EasyPost", "EZAK EZTK", r"(?=[A-Za-z]{0,40}\d)[A-Za-z0-9]{54}(?!\w)"),
    ("Duffel", "duffel_live_ duffel_test_", r"[\w=-]{30,}"),
    ("PayPal", "access_token$production$", r"[a-z0-9]{13,}\$[a-f0-9]{32}"),
    ("Typeform, Frame.io, ReadMe", "tfp_ fio-u- rdme_", r"[\w.=-]{40,}"),
    ("Scalingo, Infracost", "tk-us- ico-", r"(?=[A-Za-z_-]{0,40}\d)[\w-]{32,48}(?![\w-])"),
    ("Octopus", "API-", r"(?=[A-Z]{0,20}\d)[A-Z0-9]{25,}(?!\w)"),
    ("OpenShift", "sha256~", r"[\w-]{43}(?![\w-])"),
    ("Matrix", "syt_", r"[\w]{20,}"),
    ("age", "AGE-SECRET-KEY-1", r"[A-Z0-9]{40,}"),
    ("Bitcoin", "xprv yprv zprv", r"[1-9A-HJ-NP-Za-km-z]{90,}"),
    ("Nostr", "nsec1", r"[02-9ac-hj-np-z]{50,}"),
    ("JSON Web Token", "eyJ", r"[\w-]{10,2000}\.eyJ[\w-]{10,}\.[\w-]{16,}"),
    ("Grafana", "eyJrIjoi", r"[A-Za-z0-9+/]{60,}={0,2}"),
)
_INSIDE: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (needle, re.compile(pattern, re.ASCII))
    for needle, pattern in (
        # Terraform Cloud, Azure's applications, Telegram's bots, Mailchimp, Microsoft Teams, Google, Twilio
        (".atlasv1.", r"(?<!\w)[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{40,}"),
        ("Q~", r"(?<![\w~.])[\w~.]{3}\dQ~[\w~.-]{28,36}"),
        (":AA", r"(?<!\d)\d{8,10}:AA[\w-]{32,36}(?![\w-])"),
        ("-us", r"(?<!\w)[0-9a-f]{32}-us\d{1,2}(?!\w)"),
        (".webhook.office.com/", r"[\w-]{1,80}\.webhook\.office\.com/\w+/[\w@-]{36,}/\w+/[\w/-]{32,}"),
        ("1//0", r"(?<![\w/])1//0[\w-]{30,}"),
        # Firebase's messages, Asana, Zapier, IFTTT
        (":APA91b", r"(?<!\w)[\w-]{11}:APA91b[\w-]{100,}"),
        ("1/", r"(?<![\w/])1/\d{12,20}:[0-9a-f]{32}(?!\w)"),
        ("hooks.zapier.com/", r"hooks\.zapier\.com/hooks/catch/\d{4,12}/\w{5,12}"),
        ("maker.ifttt.com/", r"maker\.ifttt\.com/\S{1,80}/key/[\w-]{20,}"),
        # a recovery key of BitLocker; Mailgun
        ("-", r"(?<![\w-])\d{6}(?:-\d{6}){7}(?![\w-])"),
        ("-", r"(?<![\w-])[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}(?![\w-])"),
        ("SK", r"SK(?<!\wSK)[0-9a-f]{32}(?!\w)"),
        # Slack's and Discord's webhooks, one-time passwords
        ("hooks.slack.com/", r"hooks\.slack\.com/(?:services|workflows|triggers)/[\w/-]{20,}"),
        ("/api/webhooks/", r"/api/webhooks/\d{15,22}/[\w-]{40,}"),
        ("otpauth://", r"otpauth://[^\s\"'<>]{0,300}?secret=[A-Za-z2-7=%]{8,}[^\s\"'<>]{0,200}"),
    )
)
"""Tokens recognized by a part that is not their beginning, or is too short for the table."""
_DISCORD = re.compile(r"(?<![\w.-])[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,40}(?![\w.-])", re.ASCII)
_AWS_SECRET = re.compile(r"(?<![\w+/=])[A-Za-z0-9+/]{40}(?![\w+/=])", re.ASCII)
_NEAR = 300
"""Characters around the id of an AWS key in which its secret is searched."""
_FIRST = 3
"""Characters of the key of the lookup table; no prefix in the table is shorter."""
_RUN = re.compile(r"(?:\\[nrt])?([A-Za-z0-9][\w.~$-]{11,})", re.ASCII)


class _Token(NamedTuple):
    begins: str
    pattern: re.Pattern[str]


def _by_first() -> dict[str, tuple[_Token, ...]]:
    table: dict[str, tuple[_Token, ...]] = {}
    for _, beginnings, rest in _ISSUERS:
        for begins in beginnings.split():
            token = _Token(begins, re.compile(re.escape(begins) + rest, re.ASCII))
            table[begins[:_FIRST]] = (*table.get(begins[:_FIRST], ()), token)
    return table


_TABLE = _by_first()


def token_spans(search_text: SearchText) -> Iterator[tuple[int, int]]:
    """The spans of tokens.

    Each long word is searched once; only the prefixes found there are then searched in the text.
    """
    long = "\n".join([word for word in search_text.unknown_words if len(word) >= _SHORTEST])
    text = search_text.text
    for token in _tokens_present(search_text, long):
        yield from _all(text, token)
    for needle, pattern in _INSIDE:
        if needle in long and pattern.search(long) and search_text.contains(needle.lower()):
            yield from _not_examples(text, pattern)


def _tokens_present(search_text: SearchText, long: str) -> set[_Token]:
    found: set[_Token] = set()
    for run in _RUN.finditer(long):
        at = run.start(1)
        for token in _TABLE.get(long[at : at + _FIRST], ()):
            if token.pattern.match(long, at):
                found.add(token)
                search_text.contains(token.begins.lower())
        if long[at] in "MNO" and _DISCORD.match(long, at):
            found.add(_Token(long[at], _DISCORD))
            search_text.contains(run[1].lower())
    return found


def _all(text: str, token: _Token) -> Iterator[tuple[int, int]]:
    """One match attempt for each occurrence at the start of a word, so that the time is linear."""
    at = text.find(token.begins)
    while at >= 0:
        found = token.pattern.match(text, at) if _is_word_start(text, at) else None
        if (
            found
            and not is_example(found.group()[len(token.begins) :])
            and not _is_example_jwt(found.group())
        ):
            yield found.span()
            if token.begins in ("AKIA", "ASIA"):
                yield from _secrets_near(text, *found.span())
        at = text.find(token.begins, found.end() if found else at + len(token.begins))


def _is_example_jwt(token: str) -> bool:
    """Whether a JSON Web Token holds the claims of an example."""
    if not token.startswith("eyJ") or "." not in token:
        return False
    try:
        claims = base64.urlsafe_b64decode(token.split(".")[1] + "===").decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return False
    return is_example(claims) or "payload" in claims or '"value"' in claims


def _is_word_start(text: str, at: int) -> bool:
    before = text[max(0, at - 2) : at]
    last = before[-1:]
    inside = last.isascii() and (last.isalnum() or last in ("_", "-"))
    return not inside or not last or before in ("\\n", "\\r", "\\t")


def _not_examples(text: str, pattern: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    return (found.span() for found in pattern.finditer(text) if not is_example(found.group()))


def _secrets_near(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The secrets near the id of an AWS key: they have no prefix, but exactly 40 characters."""
    for found in _AWS_SECRET.finditer(text, max(0, start - _NEAR), end + _NEAR):
        key = found.group()
        if not is_example(key) and any(map(str.isdigit, key)) and key.lower() not in (key, key.upper()):
            yield found.span()
