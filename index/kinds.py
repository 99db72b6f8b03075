"""The one table of kinds of documents: names, recognition, readers, opening and filters.

Owns every suffix, alias and limit. Readers, the walk, filters, completion, estimates, opening and the
documentation derive from it: a kind is one row here and one module in `index/extract`. Imports no reader and
opens no file.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from index import languages

MEBIBYTE = 1 << 20
"""Bytes."""
TEXT_BYTES = 32 * MEBIBYTE
"""Largest file of plain text: it is read completely, and its text is in memory several times."""
TABLE_BYTES = 64 * MEBIBYTE
"""Largest file of a table or a mail: a part of it is no text."""
CONTAINER_BYTES = 512 * MEBIBYTE
"""Largest file of a format that is read in parts."""

OTHER = "file"
"""The stored kind of a file that is not read and has an unknown suffix."""

Opener = Literal["editor", "viewer"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of document. `name` is what the index stores in `files.kind`."""

    name: str
    reader: str
    """The module in `index.extract` with the `read(source)` for this kind."""
    suffixes: tuple[str, ...] = ()
    file_names: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    """Other words for this kind after `type:`."""
    opens: Opener = "editor"
    """`editor`: the file is text, and a hit opens at its line. `viewer`: the system shows it."""
    max_bytes: int = TEXT_BYTES
    """Larger files are left out."""
    text_share: float = 1.0
    """Bytes of text per byte of file, for estimates before anything is read (measured on ordinary files)."""
    textless: bool = False
    """Such files often hold no text: they are then found by their names, and are no problem."""
    magic: bytes = b""
    """The first bytes of a file of this kind, if no other kind begins with them."""
    member: str = ""
    """The beginning of the name of a member, by which a ZIP archive is of this kind."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What a word after `type:` selects: files of any of these kinds, or with any of these suffixes."""

    kinds: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()


class UnknownKind(ValueError):
    """A word that names no kind. The message completes a sentence that begins with the word."""


def _suffixes(separated: str) -> tuple[str, ...]:
    return tuple(separated.split())


_DATA_SUFFIXES = (
    ".json .jsonl .ndjson .json5 .geojson .yaml .yml .toml .ini .cfg .conf .properties .xml .plist .rss .atom"
    " .opml .mm .gpx .kml .xliff .xlf .tmx .fb2 .dbk .docbook .ttml .dfxp .webloc .url .canvas"
    " .drawio .dio"
)

_PACKED: dict[str, Any] = {"opens": "viewer", "max_bytes": CONTAINER_BYTES}
"""Formats that are read in parts and opened by their own programs."""

KINDS: tuple[Kind, ...] = (
    Kind("markdown", "markdown", _suffixes(".md .markdown .mdown .mkd .mdx .qmd .rmd"),
         aliases=("md", "note", "notes")),
    Kind("pdf", "pdf", (".pdf",), text_share=0.04, magic=b"%PDF-", **_PACKED),
    Kind("docx", "docx", _suffixes(".docx .docm .dotx .dotm .doc .dot"),
         aliases=("doc",), text_share=0.08, member="word/", **_PACKED),
    Kind("pptx", "pptx", _suffixes(".pptx .pptm .ppsx .ppsm .potx .potm .ppt .pps .pot"),
         aliases=("powerpoint", "ppt"), text_share=0.01, member="ppt/", **_PACKED),
    Kind("sheet", "sheets", _suffixes(".xlsx .xlsm .xltx .xltm .xlsb .xls .xlt .ods .ots .fods"),
         opens="viewer", max_bytes=TABLE_BYTES, text_share=0.25, member="xl/"),
    Kind("csv", "delimited", _suffixes(".csv .tsv .psv"), max_bytes=TABLE_BYTES),
    Kind("odt", "odf", _suffixes(".odt .ott .odm .oth .fodt"), text_share=0.08, **_PACKED),
    Kind("odp", "odf", _suffixes(".odp .otp .fodp"), text_share=0.01, **_PACKED),
    Kind("odg", "odf", _suffixes(".odg .otg .fodg"), text_share=0.01, **_PACKED),
    Kind("iwork", "iwork", _suffixes(".pages .numbers .key"),
         aliases=("pages", "numbers", "keynote"), text_share=0.02, member="Index/", **_PACKED),
    Kind("epub", "epub", (".epub",),
         aliases=("book", "books"), text_share=0.4, member="META-INF/container.xml", **_PACKED),
    Kind("archive", "archives", _suffixes(".zip .tar .tgz .tbz .tbz2 .txz .gz .bz2 .xz .7z"),
         aliases=("archives",), text_share=0.2, **_PACKED),
    Kind("html", "html", _suffixes(".html .htm .xhtml .shtml"), aliases=("web",), text_share=0.35),
    Kind("enex", "enex", (".enex",), aliases=("evernote",), max_bytes=CONTAINER_BYTES, text_share=0.05),
    Kind("contacts", "cards", (".vcf", ".vcard"), aliases=("contact", "vcard", "addresses")),
    Kind("directory", "ldif", (".ldif", ".ldi"), aliases=("ldif",)),
    Kind("calendar", "cards", (".ics", ".ical", ".ifb", ".icalendar"), aliases=("events", "ical")),
    Kind("bibtex", "bibtex", (".bib", ".bibtex"), aliases=("bib", "references")),
    Kind("mhtml", "mhtml", _suffixes(".mht .mhtml .webarchive"),
         opens="viewer", max_bytes=TABLE_BYTES, text_share=0.2),
    Kind("mail", "mail", _suffixes(".eml .emlx .msg .oft"), file_names=("winmail.dat", "WINMAIL.DAT"),
         opens="viewer", max_bytes=TABLE_BYTES),
    Kind("signed", "signed", (".p7m",), aliases=("signature",), max_bytes=TABLE_BYTES, opens="viewer",
         text_share=0.05),
    Kind("mbox", "mailbox", (".mbox", ".mbx"), aliases=("mailbox",), max_bytes=CONTAINER_BYTES),
    Kind("rtf", "rtf", (".rtf",), opens="viewer", magic=b"{\\rtf"),
    Kind("notebook", "notebook", (".ipynb",), aliases=("notebooks", "jupyter"), text_share=0.3),
    Kind("org", "markup", (".org",)),
    Kind("rst", "markup", (".rst", ".rest"), aliases=("restructuredtext",)),
    Kind("man", "man", (".man", ".mdoc"), aliases=("manual",)),
    Kind("latex", "markup", (".tex", ".latex", ".ltx")),
    Kind("asciidoc", "markup", (".adoc", ".asciidoc")),
    Kind("subtitles", "subtitles", (".srt", ".vtt", ".sbv", ".ass", ".ssa", ".lrc"), aliases=("subtitle",)),
    Kind("zotero", "zotero", file_names=("zotero.sqlite",), text_share=0.0, textless=True, **_PACKED),
    Kind("svg", "svg", (".svg",), opens="viewer", text_share=0.05, textless=True),
    Kind("data", "data", _suffixes(_DATA_SUFFIXES)),
    Kind("translations", "gettext_catalog", (".po", ".pot"), aliases=("gettext", "po")),
    Kind("text", "text", _suffixes(".txt .text .log .me .wiki .textile"), aliases=("plain",)),
    Kind("code", "code", languages.SUFFIXES, file_names=languages.NAMES, aliases=("source",)),
)  # fmt: skip

GROUPS: dict[str, Selection] = {
    "word": Selection(("docx", "odt")),
    "slides": Selection(("pptx", "odp")),
    "html": Selection(("html", "mhtml")),
    "web": Selection(("html", "mhtml")),
    "sheet": Selection(("sheet", "csv")),
    "sheets": Selection(("sheet", "csv")),
    "table": Selection(("sheet", "csv")),
    "tables": Selection(("sheet", "csv")),
    "spreadsheet": Selection(("sheet", "csv")),
    "excel": Selection(suffixes=_suffixes(".xlsx .xlsm .xltx .xltm .xlsb .xls .xlt")),
    "email": Selection(("mail", "mbox")),
    "mail": Selection(("mail", "mbox")),
    **dict.fromkeys(
        ("picture", "pictures", "image", "images", "photo", "photos"), Selection(("picture", "svg"))
    ),
    "yaml": Selection(suffixes=(".yaml", ".yml")),
    "yml": Selection(suffixes=(".yaml", ".yml")),
    "odf": Selection(("odt", "odp", "odg"), (".ods", ".ots", ".fods")),
}
"""Words for several kinds at once, or for a part of one."""

OFFERED = ("md", "pdf", "code", "word", "html", "txt", "slides", "sheet", "epub", "mail", "notebook", "data")
"""The words that completion offers after `type:`, the most common first."""


@dataclass(frozen=True, slots=True)
class UnreadKind:
    """A kind of file that is found only by its name, folder and date. `name` is as in `Kind`."""

    name: str
    words: str
    """The word for such files in messages."""
    suffixes: str
    """The ends of their names, separated by blanks."""
    aliases: tuple[str, ...] = ()


UNREAD: tuple[UnreadKind, ...] = (
    UnreadKind("picture", "pictures",
               ".jpg .jpeg .png .gif .bmp .tif .tiff .webp .heic .heif .ico .icns .psd .ai .raw .cr2 .nef"
               " .dng .avif .xcf", ("pictures", "image", "images", "photo", "photos")),
    UnreadKind("sound", "sound and music",
               ".mp3 .m4a .wav .flac .ogg .opus .aac .aiff .wma .mid .midi", ("audio", "music")),
    UnreadKind("film", "films",
               ".mp4 .m4v .mov .avi .mkv .webm .wmv .flv .mpg .mpeg .3gp",
               ("films", "video", "videos", "movie", "movies")),
    UnreadKind("archive", "archives",
               ".rar .zst .lz4 .jar .war .whl .iso .dmg .pkg .deb .rpm .apk .cab"),
    UnreadKind("program", "programs and compiled code",
               ".exe .dll .so .dylib .a .o .obj .lib .class .pyc .pyo .wasm .bin .elf .ko .node",
               ("programs",)),
    UnreadKind("database", "databases",
               ".db .sqlite .sqlite3 .mdb .accdb .realm .ldb .parquet .feather .arrow", ("databases",)),
    UnreadKind("weights", "models and arrays",
               ".safetensors .gguf .onnx .pt .pth .ckpt .h5 .hdf5 .npy .npz .pkl .pickle .joblib"
               " .tflite .mlmodel"),
    UnreadKind("font", "fonts", ".ttf .otf .woff .woff2 .eot", ("fonts",)),
    UnreadKind("disk", "disk images and virtual machines", ".img .vmdk .qcow2 .vdi .vhd"),
    UnreadKind("mail", "Outlook's stores", ".pst .ost"),
    UnreadKind("drawing", "drawings and models in three dimensions",
               ".dwg .dxf .stl .blend .fbx .skp .vsd .vsdx", ("drawings", "cad")),
    UnreadKind("backup", "lock files and backups", ".lock .bak", ("backups",)),
    UnreadKind("generated", "minified and generated code", ".min.js .min.css .map"),
)  # fmt: skip
"""Kinds of file that are known and not read."""

TEMPORARY = _suffixes(
    ".tmp .temp .swp .swo .part .crdownload -wal -shm .db-journal .sqlite-journal .sqlite3-journal"
)
"""The ends of names of temporary files of other programs, which are never indexed."""


def of_file_name(name: str) -> Kind | None:
    """The kind of a file by its name; None where no kind has such names."""
    return _BY_FILE_NAME.get(name) or _BY_SUFFIX.get(suffix_of(name))


def names() -> frozenset[str]:
    """The stored names of all kinds."""
    return _NAMES


def named(name: str) -> Kind:
    """The kind of that stored name. Raises KeyError where there is none."""
    return _BY_NAME[name]


def opens(name: str) -> Opener:
    """The program that opens a file of that stored kind; `viewer` for an unknown kind."""
    return _BY_NAME[name].opens if name in _BY_NAME else "viewer"


def is_known(name: str) -> bool:
    """Whether a stored kind is in the table: an older index can hold others."""
    return name in _BY_NAME


def unread_kind(name: str) -> UnreadKind | None:
    """The kind of a file that is not read, by its name; None for any other file."""
    if name in _BY_FILE_NAME:
        return None
    lower = name.lower()
    by_ending = (kind for ending, kind in _UNREAD_ENDING if lower.endswith(ending))
    return _UNREAD_SUFFIX.get(suffix_of(name)) or next(by_ending, None)


def is_temporary(name: str) -> bool:
    """Whether a file has the name of a temporary file of another program."""
    return name.lower().endswith(TEMPORARY)


def guessed(name: str) -> str:
    """The stored kind of a file that is not read, by its name."""
    kind = unread_kind(name) or of_file_name(name)
    return kind.name if kind else OTHER


def select(word: str) -> Selection:
    """The selection of a word after `type:`: a group, a kind, an alias or a suffix; case is ignored.

    Raises UnknownKind with the nearest known word.
    """
    typed = word.strip().lower().lstrip(".")
    if typed in GROUPS:
        return GROUPS[typed]
    if typed in _BY_ALIAS:
        return Selection((_BY_ALIAS[typed].name,))
    if f".{typed}" in _BY_SUFFIX:
        return Selection(suffixes=(f".{typed}",))
    if typed in _UNREAD_ALIAS:
        return Selection((_UNREAD_ALIAS[typed],))
    if f".{typed}" in _UNREAD_SUFFIX:
        return Selection(suffixes=(f".{typed}",))
    meant = did_you_mean(typed, [*GROUPS, *_BY_ALIAS, *_UNREAD_ALIAS])
    meant = meant or did_you_mean(typed, [suffix[1:] for suffix in (*_BY_SUFFIX, *_UNREAD_SUFFIX)])
    raise UnknownKind(f"is no kind of file{meant}")


def select_all(words: Iterable[str]) -> Selection:
    """The union of the selections of the words. Raises UnknownKind at the first unknown word."""
    found = [select(word) for word in words]
    return Selection(
        tuple(dict.fromkeys(kind for one in found for kind in one.kinds)),
        tuple(dict.fromkeys(suffix for one in found for suffix in one.suffixes)),
    )


def count_words(files: Mapping[str, int]) -> dict[str, int]:
    """The words that `type:` takes for these stored kinds, with the number of files, most files first.

    Of several words for a kind it is the offered one; a kind that no word selects is left out.
    """
    offered = {kind: word for word in reversed(OFFERED) for kind in select(word).kinds}
    found: Counter[str] = Counter()
    for kind, number in files.items():
        word = offered.get(kind, kind)
        if word in GROUPS or word in _BY_ALIAS or word in _UNREAD_ALIAS:
            found[word] += number
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def did_you_mean(typed: str, known: Iterable[str]) -> str:
    """`; did you mean …?` with the nearest known word, or nothing where none is near."""
    import difflib  # only a mistake pays for it

    near = difflib.get_close_matches(typed, list(dict.fromkeys(known)), n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


def suffix_of(name: str) -> str:
    """The last suffix of a file's name in lower case with its dot; empty where there is none."""
    return os.path.splitext(name)[1].lower()  # noqa: PTH122


_BY_NAME = {kind.name: kind for kind in KINDS}
_NAMES = frozenset(_BY_NAME)
_BY_SUFFIX = {suffix: kind for kind in reversed(KINDS) for suffix in kind.suffixes}
_BY_FILE_NAME = {name: kind for kind in KINDS for name in kind.file_names}
_BY_ALIAS = {alias: kind for kind in KINDS for alias in (kind.name, *kind.aliases)}
_BY_ALIAS |= {"txt": _BY_NAME["text"], "htm": _BY_NAME["html"], "tex": _BY_NAME["latex"]}
_UNREAD_PAIRS = tuple((suffix, kind) for kind in UNREAD for suffix in kind.suffixes.split())
_UNREAD_SUFFIX = {suffix: kind for suffix, kind in _UNREAD_PAIRS if suffix.count(".") == 1}
_UNREAD_ENDING = tuple((suffix, kind) for suffix, kind in _UNREAD_PAIRS if suffix.count(".") != 1)
_UNREAD_ALIAS = {alias: kind.name for kind in UNREAD for alias in (kind.name, *kind.aliases)}
