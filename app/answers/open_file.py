"""Opens a file at a passage: an editor at its line, a viewer at its page, or the file manager.

Owns the command lines of other programs. Knows nothing of screens: a `Launch` says which command to run and
whether it needs the terminal.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.errors import AppError, PathInvalid
from index import kinds
from index.errors import FileFailed, FileSkipped


class NothingOpens(AppError):
    title = "Nothing here can open this"


class EditorFailed(AppError):
    title = "The editor ended with an error"


@dataclass(frozen=True, slots=True)
class Launch:
    """A command, and whether it uses the terminal while it runs."""

    command: tuple[str, ...]
    terminal: bool


_Arguments = Callable[[str, int], list[str]]


def _plus(path: str, line: int) -> list[str]:
    return [f"+{line}", path]


def _colon(path: str, line: int) -> list[str]:
    return [f"{path}:{line}"]


def _goto(path: str, line: int) -> list[str]:
    return ["--goto", f"{path}:{line}"]


def _line_option(path: str, line: int) -> list[str]:
    return ["--line", str(line), path]


def _bare(path: str, line: int) -> list[str]:
    return [path]


_TERMINAL: dict[str, _Arguments] = {
    **dict.fromkeys(("vi", "vim", "nvim", "vis", "view", "nano", "pico", "emacs", "emacsclient", "kak",
                     "kakoune", "joe", "jed", "mg", "ne", "dte", "less", "more", "mcedit",
                     "micro"), _plus),
    **dict.fromkeys(("hx", "helix", "amp"), _colon),
    "ed": _bare,
}  # fmt: skip
_WINDOWED: dict[str, _Arguments] = {
    **dict.fromkeys(("code", "code-insiders", "codium", "vscodium", "cursor", "windsurf"), _goto),
    **dict.fromkeys(("subl", "sublime_text", "zed", "zeditor", "atom", "pulsar", "lapce"), _colon),
    **dict.fromkeys(("gvim", "mvim", "gedit", "gnome-text-editor", "xed", "pluma", "mousepad",
                     "bbedit"), _plus),
    **dict.fromkeys(("kate", "kwrite", "idea", "pycharm", "webstorm", "goland", "clion", "rubymine",
                     "rustrover"), _line_option),
    "mate": _line_option,
}  # fmt: skip
_OPENERS = frozenset(
    ("open", "xdg-open", "gio", "gvfs-open", "gnome-open", "kde-open", "kde-open5", "kfmclient", "exo-open",
     "handlr", "mimeo", "mimeopen", "run-mailcap", "see", "wslview", "explorer.exe", "cygstart")
)  # fmt: skip
_PAGED: dict[str, Callable[[str, int], list[str]]] = {
    "zathura": lambda path, page: [f"--page={page}", path],
    "evince": lambda path, page: [f"--page-index={page}", path],
    "papers": lambda path, page: [f"--page-index={page}", path],
    "okular": lambda path, page: ["--page", str(page), path],
    "mupdf": lambda path, page: [path, str(page)],
    "sioyek": lambda path, page: ["--page", str(page), path],
    "xreader": lambda path, page: [f"--page-index={page}", path],
}


def launch_for(
    path: str, line: int = 1, page: int | None = None, *, kind: str = "text", editor: str = "",
    environment: Mapping[str, str] | None = None,
) -> Launch:  # fmt: skip
    """The command that opens a file at its line or page.

    `editor` (from the settings) comes before `$VISUAL` and `$EDITOR`. Raises `PathInvalid` if the file
    does not exist, `NothingOpens` if no program here can show it.
    """
    if not Path(path).exists():
        raise PathInvalid(f"{path} does not exist any more.", "The next sync removes it from the index.")
    if kinds.opens(kind) != "editor":
        return _viewer(os.path.realpath(path), page) if is_document(path) else reveal_launch(path)
    variables = os.environ if environment is None else environment
    chosen = editor or variables.get("VISUAL") or variables.get("EDITOR") or ""
    if chosen and not _is_opener(chosen):
        return editor_launch(chosen, path, line)
    return _any_editor(path, line)


def is_document(path: str) -> bool:
    """Whether the system's opener may get a file: its name and content belong to one kind of document.

    The system chooses the program by the name (`.command`, `.desktop`, `.jnlp`) or by the first bytes (a
    Windows program), and runs some files instead of showing them. The check reads the file as it is now,
    behind all links: it may differ from the one that was indexed.
    """
    from index.extract import sniff  # 90 ms, which the first paint need not wait for
    from index.extract.opening import open_regular_file
    from index.extract.source import Source

    real = os.path.realpath(path)
    named = {kinds.of_file_name(os.path.basename(name)) for name in (path, real)}  # noqa: PTH119
    kind = named.pop()
    if named or kind is None or kind.opens != "viewer":
        return False
    try:
        with open_regular_file(real) as descriptor, open(descriptor, "rb", closefd=False) as stream:
            status = os.fstat(descriptor)
            source = Source(stream, os.path.basename(real), status.st_size)  # noqa: PTH119
            return not status.st_mode & 0o111 and sniff.content_matches_name(source)
    except (FileSkipped, FileFailed, OSError):
        return False


def _is_opener(editor: str) -> bool:
    """Whether the configured editor is the system's opener, which may run a file instead of showing it.

    `open -t`, `-e`, `-a` and `-b` of macOS name a program, so they are safe.
    """
    words = editor.split()
    named = any(word in ("-t", "-e", "-a", "-b") for word in words[1:])
    return os.path.basename(words[0]) in _OPENERS and not named if words else False  # noqa: PTH119


def editor_launch(editor: str, path: str, line: int) -> Launch:
    """The command of an editor with its own arguments, at the line if the editor's syntax for it is known."""
    try:
        words = shlex.split(editor)
    except ValueError as error:
        raise NothingOpens(
            f"The editor {editor!r} cannot be read: {error}.", "Correct $VISUAL or $EDITOR."
        ) from error
    if not words:
        raise NothingOpens("The editor's name is empty.", "Set $EDITOR, or tui.editor in the configuration.")
    if shutil.which(words[0]) is None:
        raise NothingOpens(
            f"There is no {words[0]} on this machine.", "Set $VISUAL or $EDITOR to one that is."
        )
    name = Path(words[0]).stem.lower() if words[0].lower().endswith(".exe") else Path(words[0]).name.lower()
    line = max(1, line)
    if name in _WINDOWED:
        return Launch((*words, *_WINDOWED[name](path, line)), terminal=False)
    windowed = name == "emacsclient" and any(word in ("-c", "-n", "--no-wait") for word in words[1:])
    arguments = _TERMINAL.get(name, _bare)
    return Launch((*words, *arguments(_safe(path), line)), terminal=not windowed)


def _safe(path: str) -> str:
    """A path that no program parses as an option; an absolute path never is one."""
    return path if path.startswith("/") else f"./{path}"


def _any_editor(path: str, line: int) -> Launch:
    for name in ("nano", "nvim", "vim", "vi", "micro", "hx"):
        if shutil.which(name):
            return editor_launch(name, path, line)
    if sys.platform == "darwin":
        return Launch(("open", "-t", path), terminal=False)
    raise NothingOpens("No editor was found.", "Set $EDITOR, or tui.editor in the configuration.")


def _viewer(path: str, page: int | None) -> Launch:
    if sys.platform == "darwin":
        return Launch(("open", path), terminal=False)
    if page is not None and path.lower().endswith(".pdf"):
        for name, arguments in _PAGED.items():
            if shutil.which(name):
                return Launch((name, *arguments(path, page)), terminal=False)
    if shutil.which("xdg-open"):
        return Launch(("xdg-open", path), terminal=False)
    raise NothingOpens(
        "No viewer for this kind of file was found.",
        "The preview shows its text. Install xdg-utils to open it, or copy its path.",
    )


def reveal_launch(path: str) -> Launch:
    """The command that shows a file in the file manager, selected if the file manager can do that."""
    if not Path(path).exists():
        raise PathInvalid(f"{path} does not exist any more.", "The next sync removes it from the index.")
    if sys.platform == "darwin":
        return Launch(("open", "-R", path), terminal=False)
    if shutil.which("dbus-send") and os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return Launch(
            ("dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.FileManager1",
             "/org/freedesktop/FileManager1", "org.freedesktop.FileManager1.ShowItems",
             f"array:string:{Path(path).as_uri().replace(',', '%2C')}", "string:"), terminal=False,
        )  # fmt: skip
    if shutil.which("xdg-open"):
        return Launch(("xdg-open", str(Path(path).parent)), terminal=False)
    raise NothingOpens("No file manager was found.", "Copy the path instead.")


def run(launch: Launch) -> None:
    """Run a command: wait for one that uses the terminal, start any other in the background.

    Raises `NothingOpens` where it cannot be started, and `EditorFailed` where an editor says so at its end.
    """
    try:
        if launch.terminal:
            with _interrupts_left_to_it():
                code = subprocess.run(launch.command, check=False).returncode
            if code != 0:
                raise EditorFailed(f"{launch.command[0]} ended with status {code}.")
            return
        subprocess.Popen(
            launch.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise NothingOpens(
            f"{launch.command[0]} could not be started: {error.strerror}.", "Set $EDITOR."
        ) from error


@contextmanager
def _interrupts_left_to_it() -> Iterator[None]:
    """Ctrl+C and Ctrl+\\ go to every process on the terminal: here they are meant for the editor alone.

    Only the main thread may say so. A handler, unlike SIG_IGN, is not inherited by the editor.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGQUIT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def clipboard_command() -> tuple[str, ...] | None:
    """The platform's clipboard program, for terminals that do not support OSC 52; None if there is none."""
    if sys.platform == "darwin":
        return ("env", "LC_ALL=en_US.UTF-8", "pbcopy")  # it takes its input for ASCII in other locales
    for display, command in (
        ("WAYLAND_DISPLAY", ("wl-copy",)),
        ("DISPLAY", ("xclip", "-selection", "clipboard")),
        ("DISPLAY", ("xsel", "--clipboard", "--input")),
    ):
        if os.environ.get(display) and shutil.which(command[0]):
            return command
    return None


def copy_to_clipboard(text: str) -> None:
    """Copy text with the platform's clipboard program; does nothing if there is none."""
    command = clipboard_command()
    if command is None:
        return
    subprocess.run(
        command, input=text.encode("utf-8", "surrogatepass"), check=False, timeout=3, capture_output=True
    )
