"""Which sentence of a passage is shown where no word of the question occurs in it."""

from __future__ import annotations

import pytest

from index.snippet import _sentences, _tells


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("# Left knee\n\nTwisted it stepping off a kerb.", "Twisted it stepping off a kerb."),
        (
            "---\ntags: [a]\n---\n# Log\n\nOne line a day is enough for this.",
            "One line a day is enough for this.",
        ),
        ("## Days\n\n**Friday.** Tiles are shown till six.", "**Friday.** Tiles are shown till six."),
    ],
)
def test_a_heading_or_a_rule_gives_way_to_the_first_sentence(text: str, shown: str) -> None:
    telling = [text[slice(*one)].strip() for one in _sentences(text) if _tells(text, one)]
    assert telling[0] == shown


def test_japanese_sentences_tell_too() -> None:
    assert _tells("観光の時期はバスが混んで進まないので、地下鉄と徒歩がいちばん早い。", (0, 34))


def test_a_sentence_goes_on_over_a_hard_line_break_and_rows_do_not() -> None:
    wrapped = "Anything larger than a hamster needs the consent of the owner,\n  which is given in writing."
    rows = "food: duck breast; core: 57; remark: start skin side down in a cold pan\nfood: lamb leg; core: 60"
    assert len(_sentences(wrapped)) == 1
    assert len(_sentences(rows)) == 2
