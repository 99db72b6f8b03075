"""Patterns of ignore files: git's semantics, line by line, in bounded time; a bad line stops nothing."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.walk import ignore_rules
from index.walk.ignore_rules import parse
from index.walk.walker import Found, Rules, Skipped, judge, walk

PIECES = (
    "a", "b", "ab", "*", "**", "***", "?", "[ab]", "[!a]", "[a-b]", "[z-a]", "[", "]", "\\", "\\a", "\\*",
    "/", "**/", "/**", "/**/", "#", " ", "\\ ", ".", "a.b", "*.b", "[[:alpha:]]", "[[:foo:]]", "[]a]",
    "[^]b]", "[a/b]", "-", "[a-]", "[[:]",
)  # fmt: skip
NAMES = ("a", "b", "ab", "ba", "aa", "a.b", "[", "*", "a b", "x", "-", "#", "a\\")


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@pytest.mark.parametrize("seed", range(4))
def test_a_pattern_matches_what_git_matches(seed: int, tmp_path: Path) -> None:
    """Asked of `git check-ignore`, which judges the folders above a path too."""
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    draw = random.Random(seed)
    paths = list({"/".join(draw.choices(NAMES, k=draw.randint(1, 3))) for _ in range(80)})
    for _ in range(40):
        line = "".join(draw.choices(PIECES, k=draw.randint(1, 6)))
        (tmp_path / ".gitignore").write_text(line + "\n")
        git = ["git", "-C", tmp_path, "check-ignore", "--no-index", "-z", "--stdin"]
        asked = subprocess.run(git, input="\0".join(paths) + "\0", capture_output=True, text=True)
        ignored = set(asked.stdout.split("\0"))
        compiled = parse(line.encode() + b"\n")
        for path in paths:
            above = [path[:at] for at, sign in enumerate(path) if sign == "/"]
            mine = any(compiled.match(one, folder=True) for one in above) or compiled.match(
                path, folder=False
            )
            assert bool(mine) == (path in ignored), (line, path)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("!", "no pattern is left"),
        ("foo\\", "a backslash stands at its end"),
        ("[z-a].txt", "its range goes backwards"),
        ("[abc", "its bracket has no end"),
        ("x[[:nope:]]", "is no class"),
        ("a" * 5000 + "*", "longer than a name"),
    ],
)
def test_a_line_that_matches_nothing_is_skipped_and_told(line: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("words")
    (tmp_path / "b.log").write_text("words")
    (tmp_path / ".gitignore").write_text(f"# first\n{line}\n*.log\n")
    found = {Path(verdict.path).name: verdict for verdict in walk(str(tmp_path), Rules())}
    assert isinstance(found["a.md"], Found)
    assert isinstance(found["b.log"], Skipped)
    told = found[".gitignore"]
    assert isinstance(told, Skipped)
    assert told.rule == "ignore file"
    assert "Line 2" in told.reason
    assert reason in told.reason
    assert judge(told.path, str(tmp_path), Rules()) == told


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.binary(max_size=40) | st.sampled_from([b"!", b"\\", b"[", b"[[:", b"**/**", b"*" * 300]),
        max_size=20,
    )
)
def test_no_bytes_in_an_ignore_file_stop_the_walk(lines: list[bytes]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "sub").mkdir()
        (Path(folder) / "good.md").write_text("words")
        (Path(folder) / "sub" / ".gitignore").write_bytes(b"\n".join(lines))
        paths = [verdict.path for verdict in walk(folder, Rules()) if isinstance(verdict, Found)]
        assert paths == [str(Path(folder) / "good.md")]


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*a" * 60 + "*b", "a" * 240),
        ("*a*a*a*a*a*a*a*b", "a" * 240 + ".md"),
        ("**/a*/" * 40 + "b", "/".join(["a" * 20] * 190)),
        ("**/*a*a*/**/*b*b*/**/c", "/".join(["ab" * 20] * 90)),
        ("[ab]*" * 120 + "c", "ab" * 120),
        ("?*" * 120 + "c", "a" * 250),
    ],
)
def test_no_pattern_takes_long_however_many_stars_it_has(pattern: str, path: str) -> None:
    """With backtracking each of these takes hours: here a thousand take less than the suite's patience."""
    compiled = parse(pattern.encode() + b"\n")
    for _ in range(1000):
        assert compiled.match(path, folder=False) is None


def test_a_file_is_compiled_once_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compilings = []
    parsed = ignore_rules.parse
    monkeypatch.setattr(ignore_rules, "parse", lambda content: compilings.append(content) or parsed(content))
    (tmp_path / ".gitignore").write_text("*.log\n")
    for number in range(20):
        (tmp_path / f"{number}.md").write_text("words")
        judge(str(tmp_path / f"{number}.md"), str(tmp_path), Rules())
    assert len(compilings) == 1
    (tmp_path / ".gitignore").write_text("*.md\n")
    assert isinstance(judge(str(tmp_path / "1.md"), str(tmp_path), Rules()), Skipped)
    assert len(compilings) == 2


def test_what_is_no_ignore_file_is_passed_over_or_told(tmp_path: Path) -> None:
    for name in ("pipe", "folder", "link", "dark", "large"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.md").write_text("words")
    os.mkfifo(tmp_path / "pipe" / ".gitignore")
    (tmp_path / "folder" / ".gitignore").mkdir()
    (tmp_path / "rules").write_text("*.md\n")
    (tmp_path / "link" / ".gitignore").symlink_to(tmp_path / "rules")
    (tmp_path / "large" / ".gitignore").write_text("".join(f"x{n}.log\n" for n in range(150_000)))
    found = {os.path.relpath(verdict.path, tmp_path): verdict for verdict in walk(str(tmp_path), Rules())}
    for name in ("pipe", "folder", "link", "dark", "large"):
        assert isinstance(found[f"{name}/a.md"], Found), name
    told = {
        path: verdict.reason
        for path, verdict in found.items()
        if getattr(verdict, "rule", "") == "ignore file"
    }
    assert set(told) == {"link/.gitignore", "large/.gitignore"}
    assert "1 MB" in told["large/.gitignore"]


def test_text_as_editors_save_it(tmp_path: Path) -> None:
    compiled = parse(b"\xef\xbb\xbf*.log\r\nbuild/\r\nkeep\\ \r\n# note\r\n\r\nlast")
    assert compiled.match("a.log", folder=False)
    assert compiled.match("build", folder=True)
    assert not compiled.match("build", folder=False)
    assert compiled.match("keep ", folder=False)
    assert compiled.match("last", folder=False)
    assert compiled.faults == []
