"""Tables of Markdown in the preview: aligned by cells, and nothing of them lost at any width."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from textual.content import Content
from textual.style import Style

from app.tui.markdown import markdown_lines
from app.tui.tables import table_rows, with_tables

TEXT = """\
valve | turns
a | line

| **Ventil 東京** | turns | note |
|---|--:|:-:|
| flow | 2 | by hand, see [[keys\\|the keys]] |
| return | 10 |
|  |  | last |

```
a | b
--|--
```
"""


def drawn(text: str, width: int) -> list[str]:
    """The lines of a preview of this width, but for wrapping what is no table."""
    shown: list[str] = []
    for line in with_tables(markdown_lines(text, 0, 1)):
        content = Content(line.text, strip_control_codes=False)
        shown += [row.plain for row in table_rows(line, content, width, Style()) or [content]]
    return shown


def test_columns_are_aligned_and_wrap_where_there_is_little_room() -> None:
    assert drawn(TEXT, 60)[3:8] == [
        "Ventil 東京 │ turns │ note",
        "────────────┼───────┼──────────────────────",
        "flow        │     2 │ by hand, see the keys",
        "return      │    10 │",
        "            │       │ last",
    ]
    assert drawn(TEXT, 40)[5:7] == ["flow        │     2 │ by hand, see the", "            │       │ keys"]
    assert drawn(TEXT, 25)[3:5] == ["| Ventil 東京 | turns | note |", "|---|--:|:-:|"]
    assert [row for row in drawn(TEXT, 60) if "│" not in row and "|" in row] == [
        "valve | turns",
        "a | line",
        "a | b",
        "--|--",
    ]


@given(
    st.lists(st.text(alphabet="ab é東|-: *_`\\", max_size=40), min_size=1, max_size=4), st.integers(10, 80)
)
def test_no_character_is_lost_and_no_row_is_too_wide(rows: list[str], width: int) -> None:
    lines = with_tables(markdown_lines("\n".join(["|a|b|", "|-|-:|", *rows]), 0, 1))
    for line in lines:
        cells = table_rows(line, Content(line.text), width, Style())
        if cells is not None and line.cells:
            assert max(row.cell_length for row in cells) <= width
            told = sorted("".join(row.plain for row in cells).translate({ord(c): None for c in "│ |"}))
            assert told == sorted(line.text.translate({ord(c): None for c in "│ |"}))
