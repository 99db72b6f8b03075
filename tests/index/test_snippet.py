"""Which sentence of a passage is shown where no word of the question occurs in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.index_content import passage, record

from index.passages.snippet import _sentences, _tells
from index.search.searcher import Searcher
from index.store.store import Store


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


def test_the_stop_of_an_abbreviation_before_a_number_ends_nothing() -> None:
    whole = (
        "Piano Concerto No. 3 opens it.", "Siehe Abb. 12 und S. 7.", "It is in vol. IV, pp. 3 to 9.",
        "Смотри рис. 2 ниже.",
    )  # fmt: skip
    assert [len(_sentences(text)) for text in whole] == [1] * len(whole)
    two = ("Is it open? No. I looked.", "The casino. 3 people came.", "He rang No. She came.")
    assert [len(_sentences(text)) for text in two] == [3, 2, 2]


def test_words_that_say_nothing_are_not_marked(tmp_path: Path) -> None:
    with Store(tmp_path / "index.db", fingerprint="a") as store:
        texts = [f"This is the number {i}, which is to be read when there is time." for i in range(60)]
        store.put([(record(f"/{i}.md"), [passage(text)]) for i, text in enumerate(texts)])
        store.put([(record("/dog.md"), [passage("It is time to walk the dog when the rain stops.")])])
        with Searcher(store.path) as searcher:
            hit = searcher.search("when is the dog to be walked", None).hits[0]
    assert hit.path == "/dog.md"
    assert [hit.snippet[a:b] for a, b in hit.matched] == ["walk", "dog"]


def test_a_label_is_shown_with_what_follows_it(tmp_path: Path) -> None:
    lease = (
        "- **Rent** (§4). 1,180 a month, due by the third working day.\n"
        "- **Repairs** (§8). Small ones up to 100 each and 8 % of a year's rent are ours.\n"
    )
    with Store(tmp_path / "index.db", fingerprint="a") as store:
        store.put([(record("/lease.md"), [passage(lease)])])
        store.put([(record(f"/{i}.md"), [passage(f"Tea is for the {i}th day.")]) for i in range(9)])
        with Searcher(store.path) as searcher:
            hit = searcher.search("what is the rent", None).hits[0]
    assert hit.snippet == "- **Rent** (§4). 1,180 a month, due by the third working day."
    assert [hit.snippet[a:b] for a, b in hit.matched] == ["Rent"]


@pytest.mark.parametrize(
    ("text", "query", "shown"),
    [
        ("Languages\n\nDanish and Faroese.", "languages", "Languages\n\nDanish and Faroese."),
        ("## Pressure\n\nTop up to one bar.", "pressure", "## Pressure\n\nTop up to one bar."),
        ("Subject: Return of the oilskins\nThey are too small.", "oilskins",
         "Subject: Return of the oilskins\nThey are too small."),
        ("# Budget\n\n## Pressure\n\nTop up.", "budget", "# Budget\n\n## Pressure\n\nTop up."),
        ("## Pressure\n\nThe pressure falls at night.", "pressure", "The pressure falls at night."),
        ("Budget\n\nNothing is left of the budget for the roof.", "budget",
         "Nothing is left of the budget for the roof."),
    ],
)  # fmt: skip
def test_a_snippet_does_not_only_repeat_the_heading(
    tmp_path: Path, text: str, query: str, shown: str
) -> None:
    headings = ("Languages", "Pressure", "Return of the oilskins", "Budget")
    with Store(tmp_path / "index.db", fingerprint="a") as store:
        store.put([(record("/a.md"), [passage(text, heading=headings)])])
        with Searcher(store.path) as searcher:
            hit = searcher.search(query, None).hits[0]
    assert hit.snippet == shown


def shown_first(tmp_path: Path, text: str, query: str, *, others: int = 20) -> str:
    """The snippet of the first hit in an index with other notes."""
    with Store(tmp_path / "index.db", fingerprint="a") as store:
        store.put([(record(f"/{i}.md"), [passage(f"Tea is for the {i}th day.")]) for i in range(others)])
        store.put([(record("/a.md"), [passage(text)])])
        with Searcher(store.path) as searcher:
            return searcher.search(query, None).hits[0].snippet


FILLER = "It was a quiet year and little of note is written in the books that were kept by the clerk. " * 7


def test_a_name_that_is_repeated_counts_once(tmp_path: Path) -> None:
    text = (
        "The Panthers of Panthers Hill, said the Panthers, were the Panthers. "
        f"{FILLER}The defence of the Panthers gave up 308 points. {FILLER}"
    )
    assert "308" in shown_first(tmp_path, text, "points against the Panthers defence")


def test_of_a_long_sentence_the_part_with_most_words_is_shown(tmp_path: Path) -> None:
    names = ", ".join(f"the airport of the {i}th parish" for i in range(30))
    text = f"An airport is {names}; and Van Nuys, the busiest general aviation airport, and {names}."
    shown = shown_first(tmp_path, text, "busiest general aviation airport")
    assert "Van Nuys, the busiest general aviation airport" in shown


def test_another_form_of_a_word_chooses_the_sentence_and_is_not_marked(tmp_path: Path) -> None:
    old = "Die Mole ist alt und aus dem Stein der Insel gebaut."
    text = f"{old} {FILLER}Mit Ketten ist die Mole befestigt. {FILLER}"
    with Store(tmp_path / "index.db", fingerprint="a") as store:
        store.put([(record("/a.md"), [passage(text)])])
        store.put([(record(f"/{i}.md"), [passage(f"Tea is for the {i}th day.")]) for i in range(9)])
        with Searcher(store.path) as searcher:
            hit = searcher.search("Befestigung Mole", None).hits[0]
    assert "Mit Ketten" in hit.snippet
    assert {hit.snippet[slice(*span)] for span in hit.matched} == {"Mole"}


def test_the_best_hit_is_filled_from_its_paragraph_alone(tmp_path: Path) -> None:
    whole = "The oven is by the door. It was bought in 1998. Its lamp is broken."
    assert shown_first(tmp_path, f"{whole}\n- Next: the sink.\n", "1998") == whole


def test_the_best_hit_shows_what_its_sentence_lacks_and_others_do_not(tmp_path: Path) -> None:
    text = (
        "Lucas Cranach made the woodcuts, which were sold in the town of Wittenberg on market days. "
        "The type was set by hand, in a house near the bridge that burned down later with all that it held. "
        "The Luther Bible of 1534 has a preface and the notes of Luther. "
    )
    query = "woodcuts in the Luther Bible of 1534"
    assert "Cranach" in shown_first(tmp_path, text, query)
    with Store(tmp_path / "two.db", fingerprint="a") as store:
        best = "The woodcuts in the Luther Bible of 1534 are by Lucas Cranach."
        store.put([(record("/best.md"), [passage(best)]), (record("/a.md"), [passage(text)])])
        store.put([(record(f"/{i}.md"), [passage(f"Tea is for the {i}th day.")]) for i in range(20)])
        with Searcher(store.path) as searcher:
            first, second, *_ = searcher.search(query, None).hits
    assert (first.path, second.path) == ("/best.md", "/a.md")
    assert "Luther Bible" in second.snippet
    assert "Cranach" not in second.snippet
