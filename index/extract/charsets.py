"""Which codec a declared character set means; a name that means none is no declaration.

Owns the names. Python's codecs hold more than character sets (`zip`, `idna`, `unicode_escape`, `rot13`):
a file that names one of those has named nothing. Names mean what the Encoding Standard says where it says
something (https://encoding.spec.whatwg.org/#names-and-labels), for that is what wrote the files: whoever
declares ISO 8859-1 uses Windows-1252.
"""

from __future__ import annotations

import codecs
import re

_STANDARD = {
    "utf-8": "utf8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8",
    "cp1252": "ascii us-ascii ansi_x3.4-1968 iso-8859-1 iso8859-1 iso_8859-1 iso88591 latin1 latin-1 l1 cp819"
    " ibm819 x-cp1252 iso-ir-100 csisolatin1",
    "cp1250": "x-cp1250",
    "cp1251": "x-cp1251",
    "cp1254": "iso-8859-9 iso8859-9 iso88599 latin5 l5 x-cp1254",
    "cp874": "tis-620 iso-8859-11 iso8859-11 iso885911 dos-874",
    "cp932": "shift_jis shift-jis sjis x-sjis ms_kanji ms932 windows-31j csshiftjis",
    "cp949": "euc-kr euckr ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 korean windows-949",
    "gb18030": "gb2312 gb_2312-80 gb_2312 gbk x-gbk cp936 chinese csgb2312 iso-ir-58",
    "big5hkscs": "big5 big5-hkscs cn-big5 x-x-big5 csbig5",
    "euc_jp": "x-euc-jp cseucpkdfmtjapanese",
    "mac_cyrillic": "x-mac-cyrillic x-mac-ukrainian",
    "mac_roman": "x-mac-roman mac",
    "iso8859_8": "logical visual iso-8859-8-i iso-8859-8-e",
    "utf-16-le": "unicode ucs-2 csunicode iso-10646-ucs-2 unicodefeff",
    "utf-16-be": "unicodefffe",
}
_LABELS = {label: codec for codec, labels in _STANDARD.items() for label in labels.split()}
_NO_CHARSETS = frozenset(
    {"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"}
)
"""Codecs of Python that give text and are no character sets. Those that give no text refuse by themselves."""
_LONGEST = 40
_IN_MARKUP = re.compile(
    rb"<\?xml[^>]{0,200}?encoding\s{0,9}=\s{0,9}[\"']([\w.:-]{1,40})|<meta[^>]{0,200}?charset=[\"']?([\w.:-]{1,40})",
    re.IGNORECASE,
)
_SEARCHED = 4096


def codec_of(declared: str) -> str:
    """The Python codec of a declared character set; empty where the name is that of none."""
    label = declared.strip().strip("\"'").lower()
    if not label or len(label) > _LONGEST or not label.isascii():
        return ""
    if label in _LABELS:
        return _LABELS[label]
    try:
        found = codecs.lookup(label).name
        b"a".decode(found, "ignore")
    except (LookupError, ValueError):  # ValueError: a NUL in the name
        return ""
    return "" if found.replace("_", "-") in _NO_CHARSETS else found


def declared_in_markup(data: bytes) -> str:
    """What an XML declaration or an HTML `meta` at the beginning says; empty where there is none."""
    found = _IN_MARKUP.search(data[:_SEARCHED])
    return (found[1] or found[2]).decode("ascii", "ignore") if found else ""
