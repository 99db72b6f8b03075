"""What is shown of a document that holds credentials: nothing of them, and everything at its place."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from index.passages.withheld import COVER, without_withheld
from index.types import Document


def test_the_line_of_a_credential_is_covered_and_the_others_are_not() -> None:
    text = "before\nuser anna, key k3y-k3y-k3y\nafter\n"
    at = text.index("k3y")
    shown = without_withheld(Document(text, "text", withheld=((at, at + 11),))).text
    assert shown == f"before\n{COVER * 26}\nafter\n"


def test_a_document_without_credentials_is_the_same_object() -> None:
    document = Document("words", "text")
    assert without_withheld(document) is document


def test_of_a_line_without_end_only_the_words_that_touch_the_credential_are_covered() -> None:
    text = "word " * 1000 + 'x="s3cret-value"; ' + "word " * 1000
    at = text.index("s3cret")
    shown = without_withheld(Document(text, "text", withheld=((at, at + 12),))).text
    assert shown == "word " * 1000 + COVER * 17 + " " + "word " * 1000


@given(
    st.text("ab \n\u2028é", max_size=1200),
    st.lists(st.tuples(st.integers(0, 1200), st.integers(1, 60)), max_size=9),
)
def test_no_position_moves_and_nothing_withheld_is_left(text: str, spans: list[tuple[int, int]]) -> None:
    withheld = tuple((a, min(len(text), a + n)) for a, n in spans if a < len(text))
    shown = without_withheld(Document(text, "text", withheld=withheld)).text
    assert len(shown) == len(text)
    assert [i for i, c in enumerate(shown) if c == "\n"] == [i for i, c in enumerate(text) if c == "\n"]
    assert all(set(shown[a:b]) <= {COVER, "\n"} for a, b in withheld)
