"""JSON as chats, sites and editors export it: letters as bytes, entities, texts in pieces."""

from __future__ import annotations

import json
from typing import Any

import pytest

from index.extract import sniff
from index.extract.source import from_bytes


def text_of(value: Any, *, name: str = "export.json", ascii_only: bool = True) -> str:
    return sniff.read(from_bytes(json.dumps(value, ensure_ascii=ascii_only).encode(), name)).text


def misread(words: str) -> str:
    return words.encode().decode("latin-1")


def large(value: Any) -> Any:
    """The value with so much beside it that the file is read by its strings."""
    return [value, [f"The ferry waits for the tide at the western quay, number {i}." for i in range(400)]]


@pytest.mark.parametrize("size", [large, lambda value: value])
@pytest.mark.parametrize(
    "words", ["Schöne Grüße aus Köln 😀", "Паром отходит в полдень", "渡轮在中午离开码头"]
)
def test_letters_written_as_bytes_are_letters(size: Any, words: str) -> None:
    messages = [{"sender_name": misread("Jürgen Möwe"), "content": misread(words)}] * 3
    text = text_of(size({"messages": messages}))
    assert words in text and "Jürgen Möwe" in text


@pytest.mark.parametrize(
    "words",
    ["Il dit : voilà\u00a0», puis « CAFÉ» à São Paulo", "Ã¼ is what a misread ü looks like, à la carte"],
)
def test_letters_that_look_like_bytes_by_chance_stay(words: str) -> None:
    assert words in text_of({"text": words})


@pytest.mark.parametrize("size", [large, lambda value: value])
def test_entities_and_tags_in_strings_are_resolved_once(size: Any) -> None:
    chat = {"text": "Bringt Tau &amp; Takel mit &lt;heute&gt;, nicht &amp;amp; morgen"}
    page = {"content": "<p>Gr&uuml;&szlig;e vom <b>Wind</b>jammer&#33;<br>Ahoi</p>"}
    text = text_of(size([chat, page]))
    assert "Bringt Tau & Takel mit <heute>, nicht &amp; morgen" in text
    assert "Grüße vom Windjammer!" in text and "Ahoi" in text and "!Ahoi" not in text


def piece(words: str, kind: str = "bold", **more: str) -> dict[str, str]:
    return {"type": kind, "text": words, **more}


@pytest.mark.parametrize(
    "pieces",
    [
        [
            "Die Tonne heißt ",
            piece("Wind"),
            "jammer und liegt ",
            piece("hier", href="https://example.org/[x]"),
            ".",
        ],
        [piece("Die Tonne heißt ", "plain"), piece("Wind"), piece("jammer und liegt hier.", "plain")],
    ],
)
def test_a_text_in_pieces_is_one_text(pieces: list[Any]) -> None:
    messages = [
        {"id": i, "date": "2026-03-02T08:00:00", "from_id": "user1", "text": pieces} for i in range(150)
    ]
    text = text_of({"name": "Segeln", "messages": messages}, ascii_only=False)
    assert "Die Tonne heißt Windjammer und liegt hier." in text


@pytest.mark.parametrize(
    "entries",
    [
        ["Tauwerk kaufen", "Rumpf streichen"],
        [piece("Tauwerk kaufen", "item"), piece("Rumpf streichen", "item")],
        [{"text": "Tauwerk kaufen "}, {"text": "Rumpf streichen"}],
        [{**piece("Tauwerk kaufen "), "a": "1", "b": "2", "c": "3"}, piece("Rumpf streichen")],
    ],
)
def test_a_list_of_texts_stays_a_list(entries: list[Any]) -> None:
    text = text_of(large({"entries": entries}), ascii_only=False)
    assert "Tauwerk kaufen" in text and "Rumpf streichen" in text
    assert "kaufenRumpf" not in text and "kaufen Rumpf" not in text


def test_lists_that_are_none_take_no_time_with_their_square() -> None:
    open_ = '[{"type": "x", "text": "a "}, ' * 20_000 + '["' * 20_000 + '[\\"' * 20_000
    prose = json.dumps(["The ferry waits for the tide at the western quay."] * 5_000)
    assert "ferry" in sniff.read(from_bytes((prose + open_).encode(), "a.json")).text
