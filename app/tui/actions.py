"""The registry of actions: everything the user can do, once, behind keys, menu, palette and help alike.

An action names the method that does it (`screen.` or `app.` in front, as Textual resolves it), the keys that
do it while a query is typed, and a letter. The letter works in the menu on every terminal, whatever that
makes of function keys and of Alt; in the list and the preview it works where the keymap has letters (`vim`).
Knows no widget and no screen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding, BindingType

from app.tui.keys import read_keys, show_key, unknown_keys

Group = Literal["Find", "Move", "Act on a result", "Preview", "Ken"]
Where = Literal["search", "anywhere"]


@dataclass(frozen=True, slots=True)
class Action:
    """One thing the user can do."""

    name: str
    """What the configuration calls it, under `[tui.keys]`."""
    title: str
    """What menu, palette and help call it."""
    does: str
    """The method, as Textual names it: `screen.open_hit`, `app.show_folders`."""
    group: Group
    keys: str = ""
    """Keys that work everywhere on the search screen (or anywhere), comma-separated."""
    letters: str = ""
    """Characters, comma-separated: each chooses it in the menu, and acts in lists that have letters."""
    list_keys: str = ""
    """Keys that work where nothing is typed, whatever the keymap."""
    where: Where = "search"
    palette: bool = True


ACTIONS: tuple[Action, ...] = (
    Action("clear", "Clear the query, or go back to it", "screen.back", "Find", "escape", palette=False),
    Action("ask", "Go to the query", "screen.focus_query", "Find", "alt+q", "slash,i", palette=False),
    Action("sort", "Sort by relevance, or newest first", "screen.toggle_sort", "Find", "ctrl+s", "d"),
    Action("kind", "Choose a kind of file", "screen.choose('type')", "Find", "ctrl+t", "t"),
    Action("time", "Choose a time", "screen.choose('since')", "Find", "ctrl+r", "a"),
    Action("folder", "Choose a folder", "screen.choose('in')", "Find", "ctrl+g", "f"),
    Action("tag", "Choose a tag", "screen.choose('tag')", "Find", "alt+t", "T"),
    Action("unfilter", "Remove all filters", "screen.clear_filters", "Find", "alt+u,alt+0", "u"),
    Action("watch", "Save this search, and be told of new answers", "screen.on_hit('watch')", "Find",
           "alt+w", "w"),
    Action("down", "Next result", "screen.move(1)", "Move", "down,ctrl+n,ctrl+j", "j", palette=False),
    Action("up", "Previous result; above the first, earlier queries", "screen.move(-1)", "Move",
           "up,ctrl+p,ctrl+k", "k", palette=False),
    Action("page_down", "A page down", "screen.scroll('page', 1)", "Move", "pagedown", "", "ctrl+d",
           palette=False),
    Action("page_up", "A page up", "screen.scroll('page', -1)", "Move", "pageup", "", "ctrl+u",
           palette=False),
    Action("first", "First result", "screen.scroll('edge', -1)", "Move", "ctrl+home", "g", "home"),
    Action("last", "Last result", "screen.scroll('edge', 1)", "Move", "ctrl+end", "G", "end"),
    Action("expand", "Show every place in the file", "screen.expand(True)", "Move", "alt+l", "l", "right"),
    Action("collapse", "Show only the best place", "screen.expand(False)", "Move", "alt+h", "h", "left"),
    Action("next_pane", "Go on to the list, the preview, the query", "screen.next_pane", "Move", "tab",
           palette=False),
    Action("previous_pane", "Go back a pane", "screen.pane(-1)", "Move", "shift+tab", palette=False),
    Action("open", "Open at the line", "screen.open_hit", "Act on a result", "enter", "o"),
    Action("reveal", "Show in the file manager", "screen.on_hit('reveal')", "Act on a result", "alt+r", "r"),
    Action("similar", "Find more like this", "screen.similar", "Act on a result", "ctrl+l", "s"),
    Action("copy_path", "Copy the path", "screen.on_hit('copy_path')", "Act on a result", "ctrl+y", "y"),
    Action("copy_passage", "Copy the passage", "screen.on_hit('copy_passage')", "Act on a result", "alt+c",
           "c"),
    Action("copy_citation", "Copy a Markdown citation", "screen.on_hit('copy_citation')", "Act on a result",
           "alt+m", "m"),
    Action("pin", "Pin, or take the pin out", "screen.on_hit('pin')", "Act on a result", "ctrl+b", "p",
           "delete"),
    Action("why", "Say why this is here", "screen.on_hit('explain')", "Act on a result", "alt+x", "x"),
    Action("preview", "Show or hide the preview", "screen.toggle_preview", "Preview", "ctrl+o", "v"),
    Action("preview_down", "Scroll the preview down", "screen.scroll('rows', 1)", "Preview",
           "shift+down,alt+down", "J"),
    Action("preview_up", "Scroll the preview up", "screen.scroll('rows', -1)", "Preview",
           "shift+up,alt+up", "K"),
    Action("next_place", "Next place in the file", "screen.place(1)", "Preview", "alt+n", "n"),
    Action("previous_place", "Previous place in the file", "screen.place(-1)", "Preview", "alt+p", "N"),
    Action("outline", "Go to a heading or a page", "screen.outline", "Preview", "alt+o", "e"),
    Action("menu", "Every action, by its letter", "app.show_menu", "Ken", "ctrl+x", where="anywhere",
           palette=False),
    Action("palette", "Every action and theme, by name", "app.command_palette", "Ken", "f9", "colon",
           where="anywhere", palette=False),
    Action("help", "Help", "app.show_help", "Ken", "f1", "question_mark", where="anywhere"),
    Action("folders", "Folders: add, pause, forget", "app.show_folders", "Ken", "f2", "2", where="anywhere"),
    Action("problems", "Files with problems, and why", "app.show_problems", "Ken", "f3", "3",
           where="anywhere"),
    Action("standing", "Saved searches", "app.show_saved_searches", "Ken", "f4", "4", where="anywhere"),
    Action("sync", "Look for changed files now", "app.sync_now", "Ken", "f5", "5", where="anywhere"),
    Action("pause", "Pause indexing, or go on", "app.pause_or_resume", "Ken", "f6", "6", where="anywhere"),
    Action("model", "Fetch the model", "app.show_model", "Ken", "f7", "7", where="anywhere"),
    Action("theme", "Next theme: dark, light, the terminal's own colours, automatic", "app.next_theme", "Ken",
           "f8", "8", where="anywhere"),
    Action("suspend", "Suspend: `fg` comes back", "app.suspend_process", "Ken", "ctrl+z", where="anywhere",
           palette=False),
    Action("quit", "Quit", "app.quit", "Ken", "ctrl+q", "q", where="anywhere"),
)  # fmt: skip

AS_CHOOSER = {"open": "Choose what is marked, or else this", "next_pane": "Mark, and go to the next result",
              "previous_pane": "Mark, and go to the previous result"}  # fmt: skip
"""What some actions do where the interface is run as a chooser (`ken pick`)."""

BY_NAME = {action.name: action for action in ACTIONS}
GROUPS: tuple[Group, ...] = ("Find", "Act on a result", "Move", "Ken", "Preview")

PRESETS: dict[str, dict[str, str]] = {
    "default": {},
    "vim": {"page_down": "pagedown,ctrl+f", "page_up": "pageup,ctrl+b", "pin": "alt+i"},
    "emacs": {"palette": "alt+x,f9", "why": "alt+y", "clear": "escape,ctrl+g", "folder": "alt+g",
              "page_down": "pagedown,ctrl+v", "page_up": "pageup,alt+v", "sort": "alt+s", "ask": "ctrl+s",
              "pin": "alt+i"},
}  # fmt: skip
WITH_LETTERS = ("vim",)
"""Keymaps in which letters act in the list and the preview; elsewhere they go to the query."""


def bindings(where: Where) -> list[Binding]:
    """Bindings of the keys that work on the search screen, or anywhere."""
    return [_binding(action) for action in ACTIONS if action.where == where and action.keys]


def list_bindings() -> list[BindingType]:
    """Bindings of the keys that work where nothing is typed."""
    return [
        Binding(action.list_keys, action.does, action.title, show=False)
        for action in ACTIONS
        if action.list_keys
    ]


def by_letter(key: str) -> Action | None:
    """The action that has this key among its letters."""
    return next((action for action in ACTIONS if key in action.letters.split(",")), None)


def in_menu() -> list[Action]:
    """The actions that the menu offers: those with a letter, but for moving about."""
    return [action for action in ACTIONS if action.letters and (action.palette or action.where == "anywhere")]


def _binding(action: Action) -> Binding:
    anywhere = action.where == "anywhere"
    return Binding(action.keys, action.does, action.title, show=False, priority=anywhere, id=action.name)


def keymap(preset: str, own: dict[str, str]) -> dict[str, str]:
    """What differs from the default keys: the preset's keys, then the user's own."""
    chosen = {name: read_keys(keys) for name, keys in own.items() if name in BY_NAME}
    return {**PRESETS.get(preset, {}), **chosen}


def faults(own: dict[str, str]) -> list[str]:
    """What is wrong under `[tui.keys]`, in words: names that no action has, and keys that are none."""
    return [
        *(f"[tui.keys] names no action {name!r}" for name in own if name not in BY_NAME),
        *(f"[tui.keys] {name}: there is no key {key!r}" for name in own for key in unknown_keys(own[name])),
    ]


def keys_of(action: Action, changed: dict[str, str], *, letters: bool = False) -> list[str]:
    """The action's keys as they are shown, the reliable ones first: `^y`, `alt+c`, `^x c`.

    `letters`: lists have letters, so they are keys by themselves too.
    """
    keys = changed.get(action.name, action.keys).split(",")
    shown = [show_key(key) for key in sorted(filter(None, keys), key=lambda key: key.startswith("alt+"))]
    own = [show_key(key) for key in action.letters.split(",") if key]
    if action in in_menu():
        first = changed.get("menu", BY_NAME["menu"].keys).split(",")[0]
        shown.append(f"{show_key(first)} {own[0]}")
    return list(dict.fromkeys([*shown, *(own if letters else [])]))


def sure_key(action: Action, changed: dict[str, str]) -> str:
    """The key to name in a sentence: one that every terminal sends."""
    keys = keys_of(action, changed)
    return next((key for key in keys if not key.startswith("alt+")), keys[0] if keys else "")
