"""Which files are looked at, by which rule, and that one path alone gets the verdict the walk gives it."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.tiny_model import make_tiny_checkpoint

import embedder
from app.folders.roots import is_under
from index import no_links
from index.walk.walker import FoundFile, Rules, Skipped, check_path, walk

pytestmark = pytest.mark.fast


def put(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("words\n")


def verdicts(root: Path, rules: Rules | None = None) -> dict[str, str]:
    """Relative path to "" for what is found, else to the rule; checked against `check_path` and parts'
    walks."""
    rules = rules or Rules()
    found: dict[str, str] = {}
    for verdict in walk(str(root), rules):
        alone = check_path(verdict.path, str(root), rules)
        rule = verdict.rule if isinstance(verdict, Skipped) else ""
        if rule != "nothing twice":
            assert (alone.rule if isinstance(alone, Skipped) else "") == rule
        found[os.path.relpath(verdict.path, root)] = rule
    for folder in (path for path in root.rglob("*") if path.is_dir()):
        for verdict in walk(str(root), rules, str(folder)):
            name = os.path.relpath(verdict.path, root)
            rule = verdict.rule if isinstance(verdict, Skipped) else ""
            assert found[name] in (rule, "nothing twice")
    return found


def test_defaults_leave_out_what_nobody_wrote(tmp_path: Path) -> None:
    put(
        tmp_path, "note.md", "node_modules/x.js", "src/__pycache__/a.py", ".hidden.md", "photo.jpg",
        "package-lock.json", "target/essay.md", "rust/Cargo.toml", "rust/target/a.md", "env/pyvenv.cfg",
        "vendor/prices.md", ".git/config",
    )  # fmt: skip
    found = verdicts(tmp_path)
    assert {name for name, rule in found.items() if not rule} == {
        "note.md", "target/essay.md", "rust/Cargo.toml", "vendor/prices.md", "photo.jpg",
    }  # fmt: skip
    assert found["node_modules"] == "default: dependencies"
    assert found["rust/target"] == "default: build outputs"
    assert found[".hidden.md"] == "default: hidden"


def test_ignore_files_speak_in_their_order(tmp_path: Path) -> None:
    put(
        tmp_path,
        "a.log",
        "b.log",
        "sub/c.log",
        "sub/deep/d.log",
        "drafts/e.md",
        "drafts/keep.md",
        "only/f.md",
    )
    (tmp_path / ".gitignore").write_text("*.log\n!b.log\n/only/\n")
    (tmp_path / "sub/.gitignore").write_text("!c.log\n")
    (tmp_path / ".ignore").write_text("drafts/*\n!drafts/keep.md\n")
    (tmp_path / ".kenignore").write_text("!only/\nb.log\n")
    found = {name for name, rule in verdicts(tmp_path).items() if not rule}
    assert found == {"sub/c.log", "drafts/keep.md", "only/f.md"}
    names = {name for name, rule in verdicts(tmp_path, Rules(ignore=("*.md", "!f.md"))).items() if not rule}
    assert names == {"sub/c.log", "only/f.md"}


def test_gitignore_agrees_with_git(tmp_path: Path) -> None:
    put(
        tmp_path, "a/b/c.txt", "a/x.txt", "x.txt", "doc/x.txt", "doc/frotz/y.txt", "frotz/y.txt",
        "foo/1/bar.txt",
        "foo/bar.txt", "keep/z.tmp.txt", "sp ace.txt", "#hash.txt", "deep/a/b/q.txt",
    )  # fmt: skip
    (tmp_path / ".gitignore").write_text(
        "/x.txt\ndoc/frotz/\nfoo/**/bar.txt\n*.tmp.*\n!keep/z.tmp.txt\nsp\\ ace.txt\n\\#hash.txt\ndeep/**\n"
    )
    (tmp_path / "a/.gitignore").write_text("b/*\n!b/c.txt\n")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    listed = subprocess.run(
        ["git", "ls-files", "-o", "--exclude-standard", "-z"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    mine = {name for name, rule in verdicts(tmp_path, Rules(hidden=True)).items() if not rule}
    assert mine == {name for name in listed if name}


def test_the_repository_above_the_folder_has_its_say(tmp_path: Path) -> None:
    put(tmp_path, "notes/a.md", "notes/b.md", ".git/HEAD")
    (tmp_path / ".gitignore").write_text("notes/b.md\n")
    assert verdicts(tmp_path / "notes") == {"a.md": "", "b.md": f"{tmp_path}/.gitignore: notes/b.md"}


def test_secrets_stay_out_unless_asked_for(tmp_path: Path) -> None:
    put(
        tmp_path,
        "id_rsa",
        "server.pem",
        "prod.env",
        "pass.kdbx",
        "logins.json",
        ".ssh/config",
        "notes.md",
        "keys.md",
    )
    (tmp_path / ".gitignore").write_text("!id_rsa\n")
    assert {name for name, rule in verdicts(tmp_path).items() if not rule} == {"notes.md", "keys.md"}
    (tmp_path / ".kenignore").write_text("!prod.env\n")
    assert verdicts(tmp_path)["prod.env"] == ""


def test_links_are_not_followed_and_no_file_is_read_twice(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    put(inside, "a.md")
    put(outside, "b.md", "deep/c.md", "id_rsa")
    (inside / "again.md").symlink_to(inside / "a.md")
    (inside / "b.md").symlink_to(outside / "b.md")
    (inside / "b2.md").symlink_to(outside / "b.md")
    (inside / "deep").symlink_to(outside / "deep")
    (inside / "key.md").symlink_to(outside / "id_rsa")
    (inside / "loop").symlink_to(inside / "loop")
    (inside / "gone.md").symlink_to(outside / "gone.md")
    os.link(inside / "a.md", inside / "z-hard.md")
    assert verdicts(inside) == {
        "a.md": "", "again.md": "nothing twice", "b.md": "link", "b2.md": "link", "deep": "link",
        "gone.md": "link", "key.md": "link", "loop": "link", "z-hard.md": "nothing twice",
    }  # fmt: skip


def test_what_is_no_file_is_named_and_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    with socket.socket(socket.AF_UNIX) as server:
        short = os.open(tmp_path, os.O_RDONLY)
        try:
            os.chdir(short)
            server.bind("s.md")
        finally:
            os.close(short)
        assert verdicts(tmp_path) == {"pipe.md": "not a file", "s.md": "not a file"}


def test_names_that_are_not_text_and_very_long_paths(tmp_path: Path) -> None:
    odd = os.fsencode(tmp_path) + b"/caf\xe9\n*.md"
    try:
        Path(os.fsdecode(odd)).write_text("words")
    except OSError:
        pytest.skip("this file system takes no such names")
    folder = tmp_path
    while len(str(folder)) < 3700:
        folder = folder / ("d" * 200)
    folder.mkdir(parents=True)
    (folder / "deep.md").write_text("words")
    found = [verdict.path for verdict in walk(str(tmp_path), Rules()) if isinstance(verdict, FoundFile)]
    assert sorted(map(os.fsencode, found)) == sorted([odd, os.fsencode(folder / "deep.md")])


@settings(max_examples=40, deadline=None)
@given(
    st.sets(
        st.binary(min_size=1, max_size=255).filter(lambda name: not {0, 47} & {*name} and name.strip(b"."))
        | st.sampled_from(
            [b"\n", b"\x1b]0;x\x07.md", "\u202edm.md".encode(), b"-rf", b"a" * 252 + b".md", b"\xff"]
        ),
        max_size=8,
    )
)
def test_every_name_gets_one_verdict_whatever_its_bytes(names: set[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        made = set()
        for number, name in enumerate(sorted(names)):
            path = os.path.join(os.fsencode(folder), name)  # noqa: PTH118
            with contextlib.suppress(OSError):
                if number % 3:
                    Path(os.fsdecode(path)).write_text("words")
                else:
                    Path(os.fsdecode(path)).mkdir()
                    path = os.path.join(path, name)  # noqa: PTH118
                    Path(os.fsdecode(path)).write_text("words")
                made.add(os.fsdecode(path))
        (Path(folder) / ".gitignore").write_text("*.never\n[z-a]\n")
        for rules in (Rules(), Rules(hidden=True, defaults=False, secrets=False)):
            verdicts = [verdict.path for verdict in walk(folder, rules)]
            assert len(verdicts) == len(set(verdicts))
            for path in made:
                assert any(is_under(path, verdict) for verdict in verdicts), path
                assert is_under(path, check_path(path, folder, rules).path)


@pytest.mark.parametrize("name", ["a\0b.md", "\ud800.md", "x/" * 5000 + "a.md"])
def test_a_name_that_no_disk_can_have_gets_a_verdict(name: str, tmp_path: Path) -> None:
    verdict = check_path(f"{tmp_path}/{name}", str(tmp_path), Rules())
    assert isinstance(verdict, Skipped)
    assert verdict.rule == "system"


def test_a_folder_that_vanishes_on_the_way_stops_nothing(tmp_path: Path) -> None:
    put(tmp_path, "a/1.md", "b/2.md", "c/3.md")
    verdicts = walk(str(tmp_path), Rules())
    assert next(verdicts).path == str(tmp_path / "a" / "1.md")
    shutil.rmtree(tmp_path / "b")
    rest = list(verdicts)
    assert [os.path.relpath(one.path, tmp_path) for one in rest] == ["b", "c/3.md"]
    assert isinstance(rest[0], Skipped)
    assert rest[0].reason == "It is gone."


@pytest.mark.parametrize("code", [errno.EIO, errno.ESTALE, errno.EACCES, errno.ENOTCONN])
def test_a_folder_that_cannot_be_listed_to_its_end_gets_one_verdict(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "a/1.md", "bad/2.md", "bad/3.md", "c/4.md")
    listing, bad = os.scandir, (tmp_path / "bad").stat().st_ino

    @contextlib.contextmanager
    def failing(folder: int) -> Iterator[Iterator[os.DirEntry[str]]]:
        def entries() -> Iterator[os.DirEntry[str]]:
            with listing(folder) as all_of_it:
                yield next(all_of_it)
                if os.fstat(folder).st_ino == bad:
                    raise OSError(code, os.strerror(code))
                yield from all_of_it

        yield entries()

    monkeypatch.setattr(no_links.os, "scandir", failing)
    found = {os.path.relpath(one.path, tmp_path): one for one in walk(str(tmp_path), Rules())}
    assert set(found) == {"a/1.md", "bad", "c/4.md"}
    assert isinstance(found["bad"], Skipped)
    assert (found["bad"].rule, found["bad"].folder) == ("system", True)


def test_a_link_on_the_way_is_not_followed_nor_one_above_the_root(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    put(inside, "real/a.md")
    put(outside, "b.md", "deep/c.md")
    (inside / "out").symlink_to(outside)
    (inside / "self").symlink_to(inside / "real")
    (inside / "up").symlink_to("../out/deep")
    for path in ("out/b.md", "out/deep/c.md", "self/a.md", "up/c.md", "out/../out/b.md"):
        verdict = check_path(str(inside / path), str(inside), Rules())
        assert isinstance(verdict, Skipped), path
        assert verdict.rule == "link"
    (tmp_path / "named").symlink_to(inside)
    for root in ("named", "named/real"):
        (left_out,) = walk(str(tmp_path / root), Rules())
        assert (left_out.rule, left_out.folder) == ("system", True)  # type: ignore[union-attr]


def test_what_a_program_keeps_beside_its_database_is_not_read(tmp_path: Path) -> None:
    put(
        tmp_path, "x.db-wal", "x.sqlite-shm", "History-journal.md", "places.sqlite-wal", "x.db-journal",
        "index.DB-SHM", "my-journal", "walking-wal.md",
    )  # fmt: skip
    found = {name for name, rule in verdicts(tmp_path).items() if not rule}
    assert found == {"History-journal.md", "my-journal", "walking-wal.md"}


def test_a_file_asked_for_by_name_is_looked_at_though_hidden(tmp_path: Path) -> None:
    put(tmp_path, ".profile", ".env")
    assert isinstance(next(iter(walk(str(tmp_path / ".profile"), Rules()))), FoundFile)
    assert isinstance(next(iter(walk(str(tmp_path / ".env"), Rules()))), Skipped)


def test_large_files_are_left_out_with_their_size(tmp_path: Path) -> None:
    with (tmp_path / "big.txt").open("wb") as stream:
        stream.truncate(200 << 20)
    verdict = next(iter(walk(str(tmp_path), Rules())))
    assert isinstance(verdict, Skipped) and "200 MB" in verdict.reason
    assert verdicts(tmp_path, Rules(max_bytes=4)) == {"big.txt": "default: size"}


def test_a_folder_asked_for_by_name_is_walked_though_the_repository_ignores_it(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text(".venv/\n*.log\n")
    inside = tmp_path / ".venv" / "lib" / "demo"
    inside.mkdir(parents=True)
    (inside / "note.md").write_text("a note")
    found = [verdict.path for verdict in walk(str(inside), Rules()) if isinstance(verdict, FoundFile)]
    assert found == [str(inside / "note.md")]
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "a.log").write_text("noise")
    assert not any(isinstance(verdict, FoundFile) for verdict in walk(str(kept), Rules()))


def test_the_folder_that_the_embedder_fills_is_recognized(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = tmp_path / "elsewhere" / "models"
    monkeypatch.setenv("KEN_MODELS", str(models))
    model = make_tiny_checkpoint(models / "tiny")
    with embedder.load(model):
        """The first start caches the tokenizer's tables and records that the self-test passed."""
    put(tmp_path / "elsewhere", "notes.md")
    found = verdicts(tmp_path, Rules(hidden=True))
    assert found == {"elsewhere/notes.md": "", "elsewhere/models": "ken's own"}


@pytest.mark.parametrize("marks", [(".canary/x", ".compiled/y"), (".self_test/x", ".tokenizers/y")])
def test_homes_and_models_of_ken_are_never_walked(tmp_path: Path, marks: tuple[str, str]) -> None:
    from index.store.store import Store

    put(tmp_path, "notes/a.md", "other/home/ken.log", "own/b.md")
    put(tmp_path / "models", *marks, "card.md")
    with Store(tmp_path / "other" / "home" / "index.db"):
        """An index makes a folder a home."""
    found = verdicts(tmp_path, Rules(own=(os.path.realpath(tmp_path / "own"),)))
    assert found == {"notes/a.md": "", "other/home": "ken's own", "models": "ken's own", "own": "ken's own"}
    inside = check_path(str(tmp_path / "other" / "home" / "ken.log"), str(tmp_path), Rules())
    assert isinstance(inside, Skipped)
    assert inside.rule == "ken's own"
