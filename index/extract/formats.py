"""Every format ken reads, in one table: a format is one line here and one file beside it.

Owns which reader a file gets, by its name and then by its first bytes, and the kinds of file that
are known and not read. Imports no reader: that is done where a file is read.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from index.extract import languages
from index.extract.source import MEBIBYTE, Source
from index.types import Document

TEXT = 32 * MEBIBYTE
CONTAINER = 512 * MEBIBYTE
_DATA = (
    ".json .jsonl .ndjson .json5 .geojson .yaml .yml .toml .ini .cfg .conf .properties .xml .plist .rss .atom"
)


@dataclass(frozen=True, slots=True)
class Format:
    """One readable format; its reader is `index.extract.<module>.read(source) -> Document`."""

    kind: str
    module: str
    suffixes: tuple[str, ...]
    names: tuple[str, ...] = ()
    max_bytes: int = TEXT
    """Larger files are left out; formats that are read in parts may be larger."""

    def reader(self) -> Callable[[Source], Document]:
        """The function that reads it, imported now."""
        read: Callable[[Source], Document] = import_module(f"index.extract.{self.module}").read
        return read


FORMATS = (
    Format("markdown", "markdown", (".md", ".markdown", ".mdown", ".mkd", ".mdx", ".qmd", ".rmd")),
    Format("pdf", "pdf", (".pdf",), max_bytes=CONTAINER),
    Format("docx", "docx", (".docx", ".docm", ".dotx", ".dotm"), max_bytes=CONTAINER),
    Format("pptx", "pptx", (".pptx", ".pptm", ".ppsx", ".potx"), max_bytes=CONTAINER),
    Format("sheet", "sheets", (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"), max_bytes=2 * TEXT),
    Format("csv", "delimited", (".csv", ".tsv", ".psv"), max_bytes=2 * TEXT),
    Format("odf", "odf", (".odt", ".odp", ".ott", ".otp"), max_bytes=CONTAINER),
    Format("epub", "epub", (".epub",), max_bytes=CONTAINER),
    Format("archive", "zip_names", (".zip",), max_bytes=CONTAINER),
    Format("html", "html", (".html", ".htm", ".xhtml", ".shtml")),
    Format("mail", "mail", (".eml", ".emlx"), max_bytes=2 * TEXT),
    Format("mbox", "mailbox", (".mbox", ".mbx"), max_bytes=CONTAINER),
    Format("rtf", "rtf", (".rtf",)),
    Format("notebook", "notebook", (".ipynb",)),
    Format("markup", "markup", (".org", ".rst", ".rest", ".tex", ".latex", ".ltx", ".adoc", ".asciidoc")),
    Format("subtitles", "subtitles", (".srt", ".vtt", ".sbv")),
    Format("data", "data", tuple(_DATA.split())),
    Format("text", "text", (".txt", ".text", ".log", ".me", ".wiki", ".textile")),
    Format("code", "code", languages.SUFFIXES, languages.NAMES),
)

TEXT_FORMAT = next(form for form in FORMATS if form.kind == "text")

UNREAD = {
    "pictures": ".jpg .jpeg .png .gif .bmp .tif .tiff .webp .heic .heif .ico .icns .psd .ai .raw .cr2 .nef"
    " .dng .avif .xcf .svg",
    "sound and music": ".mp3 .m4a .wav .flac .ogg .opus .aac .aiff .wma .mid .midi",
    "films": ".mp4 .m4v .mov .avi .mkv .webm .wmv .flv .mpg .mpeg .3gp",
    "archives": ".tar .gz .tgz .bz2 .xz .7z .rar .zst .lz4 .jar .war .whl .iso .dmg .pkg .deb .rpm .apk .cab",
    "programs and compiled code": ".exe .dll .so .dylib .a .o .obj .lib .class .pyc .pyo .wasm .bin"
    " .elf .ko .node",
    "databases": ".db .sqlite .sqlite3 .mdb .accdb .realm .ldb .parquet .feather .arrow",
    "models and arrays": ".safetensors .gguf .onnx .pt .pth .ckpt .h5 .hdf5 .npy .npz .pkl .pickle .joblib"
    " .tflite .mlmodel",
    "fonts": ".ttf .otf .woff .woff2 .eot",
    "disk images and virtual machines": ".img .vmdk .qcow2 .vdi .vhd",
    "old PowerPoint files": ".ppt .pps",
    "Outlook files": ".msg .pst .ost",
    "Apple's iWork files": ".pages .numbers .key",
    "drawings and models in three dimensions": ".dwg .dxf .stl .blend .fbx .skp .vsd .vsdx",
    "temporary and lock files": ".tmp .temp .swp .swo .part .crdownload .lock .bak",
    "minified and generated code": ".min.js .min.css .map",
}
"""Kinds of file known and not read, in the words a person is told."""


def by_name(name: str) -> Format | None:
    """The format a file's name says it has; None where the name says nothing."""
    return _NAMES.get(name) or _SUFFIXES.get(_suffix(name))


def by_kind(kind: str) -> Format:
    """The format of that name."""
    return next(form for form in FORMATS if form.kind == kind)


def unread(name: str) -> str:
    """The kind of file, in words, where the name says that it is one ken does not read."""
    lower = name.lower()
    found = _UNREAD.get(_suffix(name), "")
    return found or next((kind for ending, kind in _UNREAD_DOUBLE.items() if lower.endswith(ending)), "")


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122


_SUFFIXES = {suffix: form for form in reversed(FORMATS) for suffix in form.suffixes}
_NAMES = {name: form for form in FORMATS for name in form.names}
_PAIRS = tuple((suffix, kind) for kind, suffixes in UNREAD.items() for suffix in suffixes.split())
_UNREAD = {suffix: kind for suffix, kind in _PAIRS if suffix.count(".") == 1}
_UNREAD_DOUBLE = {suffix: kind for suffix, kind in _PAIRS if suffix.count(".") > 1}
