"""The registry of actions: everything a person can do, once, behind keys, palette and help alike.

An action names the method that does it (`screen.` or `app.` in front, as Textual resolves it), the keys
that work while typing a question, and the letters that work while the list or the preview has the focus.
Knows no widget and no screen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding, BindingType

Group = Literal["Find", "Move", "Act on a result", "Preview", "Ken"]
Where = Literal["search", "anywhere"]

LETTER = ":letter"
"""What follows an action's name in the name of its single-letter binding."""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a person can do."""

    name: str
    """What the configuration calls it, under `[tui.keys]`."""
    title: str
    """What the palette and the help call it."""
    does: str
    """The method, as Textual names it: `screen.open_hit`, `app.show_folders`."""
    group: Group
    keys: str = ""
    """Keys that work everywhere on the search screen (or anywhere), comma-separated."""
    letters: str = ""
    """Keys that work where nothing is typed: in the list and the preview."""
    where: Where = "search"
    palette: bool = True


ACTIONS: tuple[Action, ...] = (
    Action("clear", "Clear the question, or go back to it", "screen.back", "Find", "escape", palette=False),
    Action("ask", "Type a question", "screen.focus_query", "Find", "alt+q", "slash,i"),
    Action("sort", "Sort by relevance, or newest first", "screen.cycle('sort')", "Find", "ctrl+s"),
    Action("kind", "Narrow to a kind of file", "screen.cycle('type')", "Find", "ctrl+t"),
    Action("time", "Narrow to recent files", "screen.cycle('since')", "Find", "ctrl+r"),
    Action("folder", "Narrow to a folder", "screen.cycle('in')", "Find", "ctrl+g"),
    Action("unfilter", "Remove all filters", "screen.clear_filters", "Find", "alt+0"),
    Action("watch", "Keep this as a standing question", "screen.on_hit('watch')", "Find", "alt+w", "w"),
    Action("down", "Next result", "screen.move(1)", "Move", "down", "j", palette=False),
    Action("up", "Previous result; above the first, earlier questions", "screen.move(-1)", "Move", "up", "k",
           palette=False),
    Action("page_down", "A page down", "screen.page(1)", "Move", "pagedown", "ctrl+d", palette=False),
    Action("page_up", "A page up", "screen.page(-1)", "Move", "pageup", "ctrl+u", palette=False),
    Action("first", "First result", "screen.edge(-1)", "Move", "ctrl+home", "g,home", palette=False),
    Action("last", "Last result", "screen.edge(1)", "Move", "ctrl+end", "G,end", palette=False),
    Action("expand", "Show every place in the file", "screen.expand(True)", "Move", "alt+down,alt+right",
           "l,right,space"),
    Action("collapse", "Show only the best place", "screen.expand(False)", "Move", "alt+up,alt+left",
           "h,left"),
    Action("next_pane", "Go on to the list, the preview, the question", "screen.next_pane", "Move", "tab",
           palette=False),
    Action("previous_pane", "Go back a pane", "screen.pane(-1)", "Move", "shift+tab", palette=False),
    Action("open", "Open at the line", "screen.open_hit", "Act on a result", "enter", "enter,o"),
    Action("reveal", "Show in the file manager", "screen.on_hit('reveal')", "Act on a result", "alt+r", "r"),
    Action("similar", "Find more like this", "screen.similar", "Act on a result", "ctrl+l", "s"),
    Action("copy_path", "Copy the path", "screen.on_hit('copy_path')", "Act on a result", "ctrl+y", "y"),
    Action("copy_passage", "Copy the passage", "screen.on_hit('copy_passage')", "Act on a result", "alt+c",
           "c"),
    Action("copy_citation", "Copy a Markdown citation", "screen.on_hit('copy_citation')", "Act on a result",
           "alt+m", "m"),
    Action("pin", "Pin, or take the pin out", "screen.on_hit('pin')", "Act on a result", "ctrl+b", "p"),
    Action("why", "Say why this is here", "screen.on_hit('explain')", "Act on a result", "alt+x", "x"),
    Action("preview", "Show or hide the preview", "screen.toggle_preview", "Preview", "ctrl+o", "v"),
    Action("next_place", "Next place in the file", "screen.place(1)", "Preview", "alt+n", "n"),
    Action("previous_place", "Previous place in the file", "screen.place(-1)", "Preview", "alt+p", "N"),
    Action("outline", "Go to a heading or a page", "screen.outline", "Preview", "alt+o", "e"),
    Action("palette", "Every action, by name", "app.command_palette", "Ken", "ctrl+p", where="anywhere",
           palette=False),
    Action("help", "Help", "app.show_help", "Ken", "f1", "question_mark", where="anywhere"),
    Action("folders", "Folders: add, pause, forget", "app.show_folders", "Ken", "f2", where="anywhere"),
    Action("problems", "Files with problems, and why", "app.show_problems", "Ken", "f3",
           where="anywhere"),
    Action("standing", "Standing questions", "app.show_standing", "Ken", "f4", where="anywhere"),
    Action("sync", "Look for changed files now", "app.sync_now", "Ken", "f5", where="anywhere"),
    Action("pause", "Pause indexing, or go on", "app.pause_or_resume", "Ken", "f6", where="anywhere"),
    Action("model", "Fetch the model", "app.show_model", "Ken", "f7", where="anywhere"),
    Action("theme", "Next theme: dark, light, the terminal's own colours", "app.next_theme", "Ken", "f8",
           where="anywhere"),
    Action("quit", "Quit", "app.quit", "Ken", "ctrl+q", where="anywhere"),
)  # fmt: skip

BY_NAME = {action.name: action for action in ACTIONS}
GROUPS: tuple[Group, ...] = ("Find", "Move", "Act on a result", "Preview", "Ken")

PRESETS: dict[str, dict[str, str]] = {
    "default": {},
    "vim": {"down": "down,ctrl+j", "up": "up,ctrl+k", "ask": "ctrl+slash", "page_down": "pagedown,ctrl+f",
            "page_up": "pageup,ctrl+b", "pin": "alt+b"},
    "emacs": {"down": "down,ctrl+n", "up": "up,ctrl+p", "palette": "alt+x", "why": "alt+y",
              "clear": "escape,ctrl+g", "folder": "alt+f", "page_down": "pagedown,ctrl+v",
              "page_up": "pageup,alt+v", "sort": "alt+s", "ask": "ctrl+s", "pin": "alt+b"},
}  # fmt: skip


def bindings(where: Where) -> list[Binding]:
    """Bindings of the keys that work on the search screen, or anywhere."""
    return [_binding(action) for action in ACTIONS if action.where == where and action.keys]


def letter_bindings() -> list[BindingType]:
    """Bindings of the keys that work where nothing is typed."""
    return [
        Binding(action.letters, action.does, action.title, show=False, id=action.name + LETTER)
        for action in ACTIONS
        if action.letters
    ]


def _binding(action: Action) -> Binding:
    return Binding(action.keys, action.does, action.title, show=False, priority=True, id=action.name)


def keymap(preset: str, own: dict[str, str]) -> dict[str, str]:
    """What differs from the default keys: the preset's keys, then the person's own."""
    return {**PRESETS.get(preset, {}), **{name: keys for name, keys in own.items() if name in BY_NAME}}


def unknown(own: dict[str, str]) -> list[str]:
    """Names under `[tui.keys]` that no action has."""
    return [name for name in own if name not in BY_NAME]


def keys_of(action: Action, changed: dict[str, str]) -> Iterator[str]:
    """The action's keys as a person reads them: `^y`, `alt+c`, `enter`."""
    keys = [*changed.get(action.name, action.keys).split(","), *action.letters.split(",")]
    for key in dict.fromkeys(keys):
        if key:
            yield show_key(key)


_NAMES = {"slash": "/", "question_mark": "?", "pagedown": "pgdn", "pageup": "pgup", "escape": "esc",
          "left": "←", "right": "→", "up": "↑", "down": "↓"}  # fmt: skip


def show_key(key: str) -> str:
    """A key's name as it stands on keyboards."""
    *held, last = key.split("+")
    shown = _NAMES.get(last, last)
    if held == ["ctrl"] and len(shown) == 1:
        return "^" + shown
    return "+".join([*held, shown])
