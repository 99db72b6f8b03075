"""Patterns of ignore files: git's semantics, line by line, in bounded time; a bad line stops nothing."""

from __future__ import annotations

import errno
import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.walk import ignore_rules
from index.walk.ignore_rules import parse_ignore_file
from index.walk.walker import FoundFile, Rules, Skipped, check_path, walk

CLASSES = (
    "alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper",
    "xdigit",
)  # fmt: skip
PIECES = (
    "a", "b", "ab", "z", "A", "*", "**", "***", "?", "[ab]", "[!a]", "[a-b]", "[z-a]", "[", "]", "\\", "\\a",
    "\\*", "\\/", "/", "**/", "/**", "/**/", "**a", "a**", "#", "!", " ", "\\ ", "\t", "\r", ".", "a.b",
    "*.b", "[[:alpha:]]", "[[:foo:]]", "[[:punct:]]", "[[:space:]-]", "[[:upper:][:digit:]]", "[[:]", "[]a]",
    "[^]b]", "[a/b]", "[\\]]", "[--a]", "[a-c-e]", "[a-]", "-", "é", "[é]", "\udcff",
)  # fmt: skip
NAMES = (
    "a", "b", "ab", "ba", "aa", "aab", "a.b", "z", "A", "[", "*", "a b", " ", "-", "#", "!", "a\\", "\t", "é",
    "\udcff",
)  # fmt: skip


def asked_of_git(repository: Path, paths: list[str]) -> dict[str, int]:
    """The line of `.gitignore` by which `git check-ignore` judges each path; 0 where none does."""
    git = ["git", "-C", repository, "check-ignore", "--no-index", "-v", "-n", "-z", "--stdin"]
    asked = subprocess.run(
        git, input="\0".join(paths).encode("utf-8", "surrogateescape"), capture_output=True
    )
    parts = asked.stdout.decode("utf-8", "surrogateescape").split("\0")
    return {parts[at + 3]: int(parts[at + 1] or 0) for at in range(0, len(parts) - 3, 4)}


def judged(compiled: ignore_rules.IgnoreFile, path: str) -> int:
    """The same of compiled patterns: of the first folder on the way that is left out, else of the path."""
    names = path.split("/")
    found = None
    for depth in range(1, len(names) + 1):
        found = compiled.match("/".join(names[:depth]), folder=depth < len(names))
        if found and found.ignored:
            break
    return found.line if found else 0


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@pytest.mark.parametrize("seed", range(4))
def test_patterns_match_what_git_matches(seed: int, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    draw = random.Random(seed)
    for _ in range(150):
        paths = list({"/".join(draw.choices(NAMES, k=draw.randint(1, 4))) for _ in range(100)})
        lines = ["".join(draw.choices(PIECES, k=draw.randint(1, 6))) for _ in range(draw.choice((1, 1, 3)))]
        text = "\n".join(draw.choice(("", "", "!")) + line for line in lines)
        content = text.encode("utf-8", "surrogateescape")
        (tmp_path / ".gitignore").write_bytes(content)
        compiled = parse_ignore_file(content)
        for path, line in asked_of_git(tmp_path, paths).items():
            assert judged(compiled, path) == line, (text, path)


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_every_byte_means_what_it_means_to_git(tmp_path: Path) -> None:
    """In brackets, classes and as itself; on paths that git is asked about, so that no disk has its say."""
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    paths = ["d/" + os.fsdecode(bytes([byte, ord("x")])) for byte in range(1, 256) if byte != ord("/")]
    for pattern in (*(f"[[:{name}:]]x" for name in CLASSES), "?x", "[!a-f]x", "[\udc80-\udcff]x", "[ -~]x"):
        content = pattern.encode("utf-8", "surrogateescape")
        (tmp_path / ".gitignore").write_bytes(content)
        compiled = parse_ignore_file(content)
        mine = {path: judged(compiled, path) for path in paths}
        assert mine == asked_of_git(tmp_path, paths), pattern


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param("!", "is skipped: it has no pattern", id="nothing but !"),
        pytest.param("/", "is skipped: it has no pattern", id="nothing but a slash"),
        pytest.param("foo\\", "is skipped: it ends with a backslash", id="backslash"),
        pytest.param("[abc", "is skipped: its bracket has no end", id="open bracket"),
        pytest.param("a[!", "is skipped: its bracket has no end", id="open negated bracket"),
        pytest.param("x[[:nope:]]", "is skipped: it names an unknown class of characters", id="class"),
        pytest.param("[z-a].txt", "is applied as git does: its range z-a goes backwards", id="range"),
        pytest.param("*" + "a" * 20_000, "is skipped: it is longer than", id="long"),
    ],
)
def test_a_line_that_does_not_hold_is_told_and_all_others_hold(
    line: str, reason: str, tmp_path: Path
) -> None:
    (tmp_path / "a.md").write_text("words")
    (tmp_path / "b.log").write_text("words")
    (tmp_path / ".gitignore").write_text(f"# first\n{line}\n*.log\n")
    for rules in (Rules(), Rules(hidden=True)):
        verdicts = list(walk(str(tmp_path), rules))
        found = {Path(verdict.path).name: verdict for verdict in verdicts}
        assert len(found) == len(verdicts)
        assert isinstance(found["a.md"], FoundFile)
        assert isinstance(found["b.log"], Skipped)
        told = found[".gitignore"]
        assert isinstance(told, Skipped)
        assert told.rule == "ignore file"
        assert "Line 2" in told.reason
        assert reason in told.reason
        assert check_path(told.path, str(tmp_path), rules) == told


NEVER = ("!", "/", "\\", "x\\", "[", "[!", "[a", "**/[", "a[[:x:]]", "[[:alpha:]", "!/", "*\\")
HOLDS = ("*.o", "/build/", "# words", "", "  ", "!kept.o", "**/x/**", "[a-c]?.tmp", "\udcff*", "\x07")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(NEVER + HOLDS), min_size=1, max_size=12))
def test_among_any_lines_the_bad_are_counted_and_the_good_files_found(lines: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in ("good.md", "deep/er/good.md"):
            (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
            (Path(folder) / name).write_text("words")
        ignore = Path(folder) / "deep" / ".gitignore"
        ignore.write_bytes("\n".join(lines).encode("utf-8", "surrogateescape"))
        verdicts = {verdict.path: verdict for verdict in walk(folder, Rules())}
        found = [
            os.path.relpath(path, folder) for path, one in verdicts.items() if isinstance(one, FoundFile)
        ]
        assert found == ["good.md", "deep/er/good.md"]
        bad = [number for number, line in enumerate(lines, 1) if line in NEVER]
        told = verdicts[str(ignore)]
        assert isinstance(told, Skipped)
        assert (told.rule == "ignore file") == bool(bad)
        assert not bad or f"Line {bad[0]} " in told.reason


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.binary(max_size=40) | st.sampled_from([b"!", b"\\", b"[", b"[[:", b"**/**", b"*" * 300]),
        max_size=20,
    )
)
def test_no_bytes_in_an_ignore_file_stop_the_walk(lines: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "sub").mkdir()
        (Path(folder) / "good.md").write_text("words")
        (Path(folder) / "sub" / ".gitignore").write_bytes(b"\n".join(lines))
        paths = [verdict.path for verdict in walk(folder, Rules()) if isinstance(verdict, FoundFile)]
        assert paths == [str(Path(folder) / "good.md")]


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        pytest.param("*a" * 60 + "*b", "a" * 240, id="60 stars"),
        pytest.param("*a*a*a*a*a*a*a*b", "a" * 240 + ".md", id="8 stars"),
        pytest.param("**/a*/" * 40 + "b", "/".join(["a" * 20] * 190), id="any depth 40 times"),
        pytest.param("**/*a*a*/**/*b*b*/**/c", "/".join(["ab" * 20] * 90), id="both mixed"),
        pytest.param("**/a**/**a", "/".join(["ab" * 20] * 90), id="stars that are not any depth"),
        pytest.param("[ab]*" * 120 + "c", "ab" * 120, id="brackets"),
        pytest.param("?*" * 120 + "c", "a" * 250, id="question marks"),
    ],
)
def test_no_pattern_takes_long_however_many_stars_it_has(pattern: str, path: str) -> None:
    """With backtracking most of these take hours: here fifty take less than the suite's patience."""
    compiled = parse_ignore_file(pattern.encode())
    for _ in range(50):
        assert compiled.match(path, folder=False) is None


def test_a_whole_file_of_the_worst_patterns_takes_no_longer_than_one_of_any_other() -> None:
    """A path takes one step for each of its bytes, whatever the patterns: that is counted, not timed."""
    path = "/".join(["a" * 250] * 16)
    compiled = parse_ignore_file(
        b"".join(b"**/*" + b"a" * 120 + b"b*/**/%d\n" % number for number in range(7000))
    )
    assert compiled.faults == []
    steps = 0

    class Counted(bytes):
        def __iter__(self) -> Iterator[int]:
            nonlocal steps
            for byte in bytes(self):
                steps += 1
                yield byte

    assert compiled._path_globs.last_match(Counted(path.encode()), folder=False) == -1
    assert steps == len(path)


def test_a_file_is_compiled_once_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compilings = []
    parsed = ignore_rules.parse_ignore_file
    monkeypatch.setattr(
        ignore_rules, "parse_ignore_file", lambda content: compilings.append(content) or parsed(content)
    )
    (tmp_path / ".gitignore").write_text("*.log\n")
    for number in range(20):
        (tmp_path / f"{number}.md").write_text("words")
        check_path(str(tmp_path / f"{number}.md"), str(tmp_path), Rules())
    assert len(compilings) == 1
    (tmp_path / ".gitignore").write_text("*.md\n")
    assert isinstance(check_path(str(tmp_path / "1.md"), str(tmp_path), Rules()), Skipped)
    assert len(compilings) == 2


def test_what_is_no_ignore_file_is_passed_over_or_told(tmp_path: Path) -> None:
    for name in ("pipe", "folder", "link", "large", "wide", "gone"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.md").write_text("words")
    os.mkfifo(tmp_path / "pipe" / ".gitignore")
    (tmp_path / "folder" / ".gitignore").mkdir()
    (tmp_path / "rules").write_text("*.md\n")
    (tmp_path / "link" / ".gitignore").symlink_to(tmp_path / "rules")
    (tmp_path / "gone" / ".gitignore").symlink_to(tmp_path / "nothing")
    (tmp_path / "large" / ".gitignore").write_text("".join(f"x{n}.log\n" for n in range(150_000)))
    (tmp_path / "wide" / ".gitignore").write_text("*.md\n", encoding="utf-16")
    found = {os.path.relpath(verdict.path, tmp_path): verdict for verdict in walk(str(tmp_path), Rules())}
    for name in ("pipe", "folder", "link", "large", "wide", "gone"):
        assert isinstance(found[f"{name}/a.md"], FoundFile), name
    told = {path: one.reason for path, one in found.items() if getattr(one, "rule", "") == "ignore file"}
    assert set(told) == {f"{name}/.gitignore" for name in ("link", "gone", "large", "wide")}
    assert "larger than 1 MB" in told["large/.gitignore"]
    assert "UTF-16" in told["wide/.gitignore"]
    assert "a link" in told["link/.gitignore"]


@pytest.mark.parametrize("code", [errno.EIO, errno.ESTALE, errno.EACCES, errno.ETIMEDOUT, errno.EMFILE])
@pytest.mark.parametrize("call", ["open", "fstat"])
def test_an_ignore_file_that_cannot_be_read_stops_nothing(
    code: int, call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.md").write_text("words")
    (tmp_path / ".gitignore").write_text("*.md\n")

    def refused(*arguments: object, **named: object) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(ignore_rules.os, call, refused)
    told = ignore_rules.read(str(tmp_path / ".gitignore"))
    assert told is not None
    assert told.match("a.md", folder=False) is None
    assert os.strerror(code) in told.faults[0].reason


def test_ignore_files_that_nest_hold_up_to_a_total(tmp_path: Path) -> None:
    """Each costs time at every path below it, and identical files in a clone cost nothing to make."""
    folder = tmp_path
    for _ in range(8):
        folder = folder / "deeper"
        folder.mkdir()
        (folder / ".gitignore").write_text("x\n" * 500_000 + "*.log\n")
    (folder / "a.md").write_text("words")
    (folder / "b.log").write_text("words")
    verdicts = {verdict.path: verdict for verdict in walk(str(tmp_path), Rules())}
    assert isinstance(verdicts[str(folder / "a.md")], FoundFile)
    assert isinstance(verdicts[str(folder / "b.log")], Skipped)
    told = [one.reason for one in verdicts.values() if getattr(one, "rule", "") == "ignore file"]
    assert 0 < len(told) < 8
    assert all("4 MB already" in reason for reason in told)


def test_text_as_editors_save_it() -> None:
    compiled = parse_ignore_file(b"\xef\xbb\xbf*.log\r\nbuild/\r\nkeep\\ \r\n# note\r\n\r\nnul\0not\nlast")
    for name in ("a.log", "keep ", "nul", "last"):
        assert compiled.match(name, folder=False), name
    assert compiled.match("build", folder=True)
    assert not compiled.match("build", folder=False)
    assert compiled.faults == []
