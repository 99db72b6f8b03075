"""Parts without a screen: safe text, pieces of documents, completion, lanes, memory, editors, estimates."""

from __future__ import annotations

import gc
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.pilots import NOTES, library
from textual.color import Color

from app import amounts, tui
from app.answers import open_file
from app.answers.best_sentence import best_sentences, sentences
from app.answers.preview import Excerpts
from app.config import ReadingConfig
from app.folders import onboarding
from app.sanitize import visible
from app.tui import completion, formatting, themes
from app.tui.code import code_lines
from app.tui.latest_only import LatestOnly
from app.tui.markdown import markdown_lines
from app.tui.preview_lines import lines_of
from app.tui.styled_lines import strengths
from app.tui.ui_state import Pin, UiState
from app.tui.ui_state import load as load_ui_state
from app.tui.widgets.results import readable
from index.types import Document

pytestmark = pytest.mark.fast


@given(st.text(alphabet=st.characters(codec=None, exclude_categories=())))
def test_clean_keeps_every_position_and_nothing_a_terminal_obeys(text):
    cleaned = visible(text)
    assert len(cleaned) == len(text)
    assert all(
        c in "\n\t" or c.isprintable() or not (ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0) for c in cleaned
    )
    cleaned.encode()


@given(st.text(alphabet="ab*_`[]()#->| \n\t\"'=~!.:1x/", max_size=120))
def test_markdown_pieces_stand_where_they_say(text):
    for line in markdown_lines(text.replace("\t", " "), 100, 2):
        assert 100 <= line.start <= line.end <= 100 + len(text)
        for piece in line.pieces:
            assert line.start <= piece.start <= line.end
        assert "\n" not in line.text


@given(st.text(alphabet="def x(1)\n\t'\"#: é", max_size=80))
@settings(deadline=None)  # the first asks for a process
def test_code_lines_lose_nothing(text):
    lines = code_lines(text, 0, 1, "python")
    assert [line.text for line in lines] == text.replace("\t", "    ").split("\n")


def test_markdown_reads_as_text():
    text = "# A *title*\n- [x] done [link](http://x.y)\n> quoted\n`code` [[Page|other]]"
    assert [line.text for line in markdown_lines(text, 0, 1)] == [
        "A title", "☑ done link", "▏ quoted", "code other",
    ]  # fmt: skip


def test_marked_words_keep_their_place_in_a_readable_snippet():
    text, spans = readable("see **the boiler** [here](x)", [(10, 16)])
    assert text == "see the boiler here"
    assert [text[a:b] for a, b in spans] == ["boiler"]


def test_a_readable_snippet_has_no_marks_of_quotations_and_tables():
    snippet = "> To bookmark **a boiler**:\n| valve | turns |"
    places = [(at := snippet.index(word), at + len(word)) for word in ("boiler", "valve")]
    text, spans = readable(snippet, places)
    assert text == "To bookmark a boiler: valve | turns"
    assert [text[a:b] for a, b in spans] == ["boiler", "valve"]


def test_an_answer_goes_on_to_the_end_of_its_item_while_there_is_room():
    text = (
        "- Rent: 1,180 a month, due by the third working day.\n"
        "- Animals: hamsters and fish need no permission at all. Anything larger needs consent.\n"
        "- Quiet: from ten in the evening until six in the morning."
    )
    answer = "hamsters and fish need no permission at all. Anything larger needs consent."
    assert best_sentences(library(), "hamsters permission", text) == f"- Animals: {answer}"
    long = "A first sentence about hamsters, which is long enough. " + "And so on it goes without an end " * 9
    assert (
        best_sentences(library(), "hamsters", long)
        == "A first sentence about hamsters, which is long enough."
    )


def test_sentences_and_their_strengths():
    text = "First one. Second (two)! Third?\n\n- item a\n- item b"
    assert [text[a:b] for a, b in sentences(text, 0)] == [
        "First one.", "Second (two)!", "Third?", "- item a", "- item b",
    ]  # fmt: skip
    assert strengths([0.1, 0.5, 0.49, 0.35]) == [0, 3, 3, 1]
    assert strengths([]) == []


@pytest.mark.parametrize("start", [0, 5000, 99_000, 10**9, -5])
def test_excerpts_hold_what_they_say(start):
    text = "".join(f"line {n} of many\n" for n in range(8000))
    excerpt = Excerpts(Document(text, "text")).cut("/x", start, 1000)
    assert text[excerpt.start : excerpt.start + len(excerpt.text)] == excerpt.text
    assert excerpt.text.startswith(f"line {excerpt.line - 1} ") and excerpt.text.endswith("\n")
    assert excerpt.length == len(text) and len(excerpt.text) < 4000
    assert excerpt.line == text.count("\n", 0, excerpt.start) + 1 and excerpt.lines == text.count("\n") + 1


def test_pages_of_a_pdf_begin_with_a_line_of_their_own():
    excerpt = Excerpts(Document("one\ntwo\nthree", "pdf", pages=(0, 4, 8))).cut("/x", 0, 100)
    assert [line.text for line in lines_of(excerpt)] == ["page 1", "one", "page 2", "two", "page 3", "three"]
    assert [entry.page for entry in excerpt.outline] == [1, 2, 3]


def test_filters_are_completed_set_and_taken_out():
    folders = ["/home/ada/notes", "/srv/My Papers"]
    assert completion.complete("boiler ty", folders) is None
    assert completion.complete("boiler in:no", folders) == "boiler in:notes"
    assert completion.candidates("in:", folders) == ["in:notes", 'in:"My Papers"']
    text = completion.with_filter("boiler", "in", "My Papers")
    assert text == 'boiler in:"My Papers"' and completion.value_of(text, "in") == "My Papers"
    assert completion.with_filter(text, "in", "notes") == "boiler in:notes"
    assert completion.without_filters("a type:md b since:2w") == "a b"
    assert completion.without_open_filter("boiler in:") == "boiler"


def test_a_lane_runs_the_newest_and_never_the_overtaken():
    gate, ran, done = threading.Event(), [], threading.Event()

    def work(number):
        gate.wait(5)
        ran.append(number)
        return number

    latest = LatestOnly("test", work, lambda request, outcome: done.set() if outcome == 9 else None)
    for number in range(10):
        latest.ask(number)
    gate.set()
    assert done.wait(5)
    assert ran[-1] == 9 and len(ran) <= 2
    latest.close()


def test_a_lane_outlives_failures():
    outcomes, done = [], threading.Event()

    def told(request, outcome):
        outcomes.append(outcome)
        done.set()

    latest = LatestOnly("test", lambda request: 1 // request, told)
    latest.ask(0)
    assert done.wait(5)
    done.clear()
    latest.ask(1)
    assert done.wait(5)
    assert isinstance(outcomes[0], ZeroDivisionError) and outcomes[1] == 1
    latest.close()


def test_memory_is_kept_and_damage_is_survived(home):
    memory = UiState()
    for question in ("a", "b", "a"):
        memory.update(lambda state, question=question: state.remember(question))
    assert memory.questions == ["a", "b"]
    other = load_ui_state()  # another interface, open at the same time
    memory.update(lambda state: state.add(Pin("/x", 3, "X")))
    other.update(lambda state: state.remember("c"))
    assert other.pinned("/x", 0) and other.questions == ["c", "a", "b"]
    assert load_ui_state() == other
    assert (home / "tui.json").stat().st_mode & 0o777 == 0o600
    (home / "tui.json").write_text('{"questions": 3')
    assert load_ui_state() == UiState()


@pytest.mark.parametrize(
    ("editor", "expected"),
    [
        ("vim", ["vim", "+7"]),
        ("nvim -p", ["nvim", "-p", "+7"]),
        ("nano", ["nano", "+7"]),
        ("emacs -nw", ["emacs", "-nw", "+7"]),
        ("kak", ["kak", "+7"]),
        ("micro", ["micro", "+7"]),
        ("hx", ["hx", ":7"]),
        ("code --wait", ["code", "--wait", "--goto", ":7"]),
        ("subl", ["subl", ":7"]),
        ("zed", ["zed", ":7"]),
        ("unheard-of", ["unheard-of"]),
    ],
)
def test_editors_open_at_the_line(editor, expected, tmp_path, monkeypatch):
    note = tmp_path / "a note.md"
    note.write_text("x")
    monkeypatch.setattr(open_file.shutil, "which", lambda name: "/bin/" + name)
    launch = open_file.launch_for(str(note), 7, environment={"EDITOR": editor})
    path = str(note)
    wanted = [part if part != ":7" else path + ":7" for part in expected]
    assert list(launch.command) == (wanted if any(path in part for part in wanted) else [*wanted, path])
    assert launch.terminal == (editor.split()[0] not in ("code", "subl", "zed"))


def test_what_cannot_be_opened_says_so(tmp_path):
    with pytest.raises(open_file.PathInvalid):
        open_file.launch_for(str(tmp_path / "gone"))
    (tmp_path / "x.md").write_text("x")
    with pytest.raises(open_file.NothingOpens):
        open_file.launch_for(str(tmp_path / "x.md"), environment={"EDITOR": "no-such-editor-here"})
    with pytest.raises(open_file.NothingOpens):
        open_file.launch_for(str(tmp_path / "x.md"), environment={"EDITOR": "unclosed 'quote"})


def test_estimates_count_what_is_read_and_what_is_not(tmp_path):
    for name, text in NOTES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "x.js").write_text("x")
    *_, last = onboarding.estimate(str(tmp_path), ReadingConfig())
    assert last.whole and last.files == 4 and last.kinds == {"md": 3, "py": 1}
    assert last.bytes == sum(len(text.encode()) for text in NOTES.values())
    assert sum(last.left_out.values()) == 1 and last.tokens > 0
    assert list(onboarding.estimate(str(tmp_path), ReadingConfig(), lambda: True)) == []


def test_numbers_as_people_say_them():
    assert amounts.count(1, "file") == "1 file" and amounts.count(1204, "entry") == "1,204 entries"
    assert amounts.size(38_000_000) == "38 MB"
    assert amounts.rough_duration(4700) == "1 h 18 min"
    assert amounts.rough_duration(63183 * 3600) == "2,632 days"
    assert formatting.shorten("notes/house/boiler.md", 15) == "…/boiler.md"
    assert len(formatting.shorten("x" * 50, 9)) == 9


@pytest.mark.parametrize("theme", [themes.DARK, themes.LIGHT], ids=lambda theme: theme.name)
def test_every_grey_can_be_read(theme):
    """WCAG 2.1 asks for a contrast of 4.5 to 1 in text."""
    for name in ("ken-dim", "ken-faint", "ken-word", "ken-link"):
        colour = Color.parse(theme.variables[name])
        assert _contrast(colour, theme.background) >= 4.5


def _contrast(colour, background):
    one, other = sorted((_luminance(colour), _luminance(Color.parse(background))))
    return (other + 0.05) / (one + 0.05)


def _luminance(colour):
    """Relative luminance, https://www.w3.org/TR/WCAG21/#dfn-relative-luminance."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour.normalized]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_a_filter_that_is_complete_is_not_offered_again():
    assert completion.candidates("boiler type:pdf", []) == []
    assert completion.candidates("boiler since:1", []) == ["since:1d", "since:1w", "since:1m", "since:1y"]


def test_snippets_of_code_lose_their_indentation_and_keep_their_words():
    text, spans = readable("def boiler(p):\n        return pressure(p)\n", [(23, 29), (30, 38)])
    assert text == "def boiler(p): return pressure(p)"
    assert [text[a:b] for a, b in spans] == ["return", "pressure"]


def test_garbage_is_collected_once_the_library_is_opened() -> None:
    gc.disable()
    try:
        lib = library()
        assert tui._connect(lib) is lib and gc.isenabled()
    finally:
        gc.enable()
        gc.unfreeze()
