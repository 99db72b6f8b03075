"""Files whose shape costs a careless reader more time than their size: one thing over and over, or in itself.

Owns the shapes; a shape is a function of how many times.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from support.documents import zipped

Shape = Callable[[int], bytes]

_TEXT = {
    ".md": "` ``` ~~~ # - > | [ ]( ![ [[ * _ < --- === 1. \\ ``` \t <!-- $ : ^",
    ".org": "* #+title: : [[ | - #+begin_src\n TODO",
    ".rst": "= - .. :: ` | * +--+ _",
    ".tex": "\\ { } [ % \\section{ \\begin{abstract} \\title{ $ \\[ \\section[ \\section*",
    ".adoc": "= == |=== * [ ---- .",
    ".txt": '. ! ? : - = / @ 。 \' " ) a." \u3000 \u00a0 eyJ sk- -----BEGIN password= :// ://a:',
    ".html": "< > & &# <!-- <![CDATA[ <div <div> <p> <a> <b> <table> <td> <li> <dl> <dt> <font> <svg> <math> <select>"
    " <script> <style> <title> <textarea> <pre> <h1> </p> </div> <form> <br> <ruby> <template> <nobr> &amp; &lt"
    " <button> <!DOCTYPE <? <ul><li> <dl><dd> <table><tr><td> <b><p> <a><div> <DIV> <x-y> <i><b><u><s> <frameset>"
    " <object> <optgroup><option> <details> <details><summary> <blockquote> <center> <fieldset> <marquee>",
    ".xml": "<!-- < > <a> & &# <![CDATA[ <? <!DOCTYPE </a> --> ]]> &amp; <a\n",
    ".json": '[ { " \\ \\u , : " ], "," }, \\ud800 \\" a,',
    ".yaml": '- a: : [ { & * | > # " -- a',
    ".toml": '[ [[ = " # a.',
    ".ini": "[ = ; #",
    ".csv": ', ; \t | " "" ,"',
    ".srt": "1 --> 00:00:01,000 < {\\ : 1: <i>",
    ".vtt": "WEBVTT --> 00:01.000 < Kind: : ,",
    ".rtf": "\\ { } {\\* \\par {\\field{\\*\\fldinst{HYPERLINK HYPERLINK\\ \" \\'e9 \\u8364? \\f0 {\\fonttbl \\fcharset0 {\\f0\\fcharset0"
    ' {\\pict \\bin \\bin9 \\ansicpg1252 {\\*\\fldinst {\\field {\\title HYPERLINK\\ "a"}}{ ; {\\info',
    ".py": 'def class @ # ( """ a. \\',
    ".c": "a_ a:: * ( int { } # // /* a<a< ~ a[a,a",
    ".cs": "public [ ( < a.",
    ".js": "function const async ( => a( {  let get . *",
    ".ts": "const a: ( => <a> async",
    ".rs": "pub(a) impl fn <",
    ".go": "func ( )",
    ".rb": "def self. class",
    ".sh": "function a() { :",
    ".sql": "create or replace table a ( ;",
    ".lisp": "( (def (define ' ",
    ".hs": ":: data a'",
    ".f90": "integer ( ) * = function a",
    ".css": "{ } @media a, :",
    ".tf": "resource data { a",
    ".erl": "a( ) -> . ,",
    ".kt": "fun < > . public",
    ".mk": ": a/ %",
    ".nix": "= - a.",
    ".eml": 'Subject: = =?utf-8?q? =?utf-8?b? <a@b> " ( , ; : @ > -- boundary= \\ [',
    ".mbox": "\nFrom  Subject: > \nFrom\ta",
    ".ipynb": '[ { " \\u , :',
}
_NESTED = {
    ".html": "div span table ul dl dd b a p font blockquote svg select sub ruby x-y details h1 form button i nobr option",
    ".xml": "a",
}
_LEADS = {
    ".rtf": "{\\rtf1\\ansi {\\fonttbl{\\f0\\fcharset0 Arial;}}\\f0 ", ".eml": "Subject: a\n\n",
    ".mbox": "From a@b Mon\nSubject: a\n\n", ".ipynb": '{"cells": [{"cell_type": "markdown", "source": "',
}  # fmt: skip


def of_text() -> Iterator[tuple[str, Shape]]:
    """By the name of a file, for every format of text."""
    for suffix, separated in _TEXT.items():
        lead = _LEADS.get(suffix, "")
        tokens = [token for token in separated.replace("\\ ", "\\\u2028").split(" ") if token]
        for number, token in enumerate(token.replace("\u2028", " ") for token in tokens):
            yield f"line{number}{suffix}", _run(lead, token, "")
            yield f"words{number}{suffix}", _run(lead, token + " ", "")
            yield f"lines{number}{suffix}", _run(lead, token + "\n", "")
            yield f"blanks{number}{suffix}", _spread(lead, token, " ")
            yield f"letters{number}{suffix}", _spread(lead, token, "a")
            yield f"breaks{number}{suffix}", _spread(lead, token, "\n")
            if suffix in (".eml",):
                yield f"head{number}{suffix}", _run("Subject: a\nTo: ", token, "\n\na")
                yield f"type{number}{suffix}", _run("Content-Type: text/plain; a=", token, "\n\na")
        for name, line in (("letters", "a"), ("blanks", " "), ("breaks", "\n"), ("tabs", "\t"), ("nines", "9"),
                           ("han", "漢"), ("tails", " \n"), ("pairs", "a \n\n"), ("marks", "\u0301"), ("returns", "\r")):  # fmt: skip
            yield f"{name}{suffix}", _run(lead, line, "b")
            yield f"a{name}{suffix}", _run(lead + "* a", line, "b")
    for suffix, tags in _NESTED.items():
        for tag in tags.split():
            yield f"in-{tag}{suffix}", _nested("", f"<{tag}>", f"</{tag}>", "")
            yield f"open-{tag}{suffix}", _run("", f"<{tag}>a", "")
            yield f"shut-{tag}{suffix}", _run("<p>a", f"</{tag}>", "")
            yield f"attributes-{tag}{suffix}", lambda n, tag=tag: (  # type: ignore[misc]
                f"<{tag} " + "".join(f"a{i}='1' " for i in range(n)) + f">a</{tag}>").encode()  # fmt: skip
            yield f"same-{tag}{suffix}", _run(f"<{tag} ", "a=1 ", f">a</{tag}>")


def _run(lead: str, token: str, end: str) -> Shape:
    return lambda n: (lead + token * n + end).encode()


def _spread(lead: str, token: str, filler: str) -> Shape:
    return lambda n: (lead + token + filler * n + "b" + token).encode()


def _nested(lead: str, begin: str, end: str, tail: str) -> Shape:
    return lambda n: (lead + begin * n + "a" + end * n + tail).encode()


_W = "<document><body>{}</body></document>"
_PARTS: dict[str, tuple[str, str, str]] = {
    # name of the file: a part of it, what is over and over in it, what ends that
    "tables.docx": ("<tbl><tr><tc><p><r><t>a</t></r></p>", "</tc></tr></tbl>", _W),
    "boxes.docx": ("<p><r><t>a</t><txbxContent>", "</txbxContent></r></p>", _W),
    "controls.docx": ("<sdt><sdtContent>", "</sdtContent></sdt>", _W),
    "paragraphs.docx": ("<p><r><t>a</t>", "</r></p>", _W),
    "cells.docx": ("<tbl><tr><tc>", "</tc></tr></tbl>", _W),
    "tables.pptx": ("<tbl><tr><tc><p><r><t>a</t></r></p>", "</tc></tr></tbl>", "<sld>{}</sld>"),
    "shapes.pptx": ("<sp><txBody><p><r><t>a</t></r></p>", "</txBody></sp>", "<sld>{}</sld>"),
    "groups.pptx": ("<grpSp>", "</grpSp>", "<sld>{}<sp><txBody><p><t>a</t></p></txBody></sp></sld>"),
    "notes.odt": ("<p>a<note><note-body>", "</note-body></note></p>", _W),
    "frames.odt": ("<p>a<frame><text-box>", "</text-box></frame></p>", _W),
    "tables.odt": ("<table><table-row><table-cell><p>a</p>", "</table-cell></table-row></table>", _W),
    "lists.odt": ("<list><list-item><p>a</p>", "</list-item></list>", _W),
    "spans.odt": ("<span>a", "</span>", "<document><body><p>{}</p></body></document>"),
    "headings.odt": ("<h outline-level='1'>a", "</h>", _W),
}
_MEMBERS = {"docx": "word/document.xml", "pptx": "ppt/slides/slide1.xml", "odt": "content.xml"}


def of_archives() -> Iterator[tuple[str, Shape]]:
    """By the name of a file, for archives of XML: elements in themselves, and side by side."""
    for name, (begin, end, whole) in _PARTS.items():
        member = _MEMBERS[name.rpartition(".")[2]]
        yield f"in-{name}", _packed(member, whole, lambda n, b=begin, e=end: b * n + e * n)  # type: ignore[misc]
        yield f"many-{name}", _packed(member, whole, lambda n, b=begin, e=end: (b + e) * n)  # type: ignore[misc]
    for suffix, member in _MEMBERS.items():
        yield f"attributes.{suffix}", _packed(member, _W, _attributes("a{i}='1'"))
        yield f"spaces.{suffix}", _packed(member, _W, _attributes("xmlns:a{i}='b{i}'"))
        yield f"comments.{suffix}", _packed(member, _W, lambda n: "<!-- -->" * n + _SOME)
        yield f"characters.{suffix}", _packed(member, _W, lambda n: f"<p><r><t>{'&#97;' * n}</t></r></p>")
    yield "spine.epub", _book("<itemref idref='x'/>")
    yield "items.epub", _book("<item id='y' href='z'/>")


_SOME = "<p>a<r><t>a</t></r></p>"


def _attributes(one: str) -> Callable[[int], str]:
    return lambda n: "<p " + " ".join(one.format(i=i) for i in range(n)) + ">a<r><t>a</t></r></p>"


def _packed(member: str, whole: str, inner: Callable[[int], str]) -> Shape:
    return lambda n: zipped({member: whole.format(inner(n))})


def _book(one: str) -> Shape:
    return lambda n: zipped(
        {
            "META-INF/container.xml": "<container><rootfile full-path='p.opf'/></container>",
            "p.opf": f"<package><item id='x' href='1.xhtml'/>{one * n}<itemref idref='x'/></package>",
            "1.xhtml": "<html><body><p>a</p></body></html>",
        }
    )
