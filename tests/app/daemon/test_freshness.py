"""Real files, the real watchdog, the real socket: what is saved is found, what is gone is not."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest
from support.daemons import Daemons
from support.same_index import contents, fresh
from support.waiting import has_ended, until

from app import paths
from app.api import SyncReport
from app.daemon.client import daemon_info


@pytest.fixture
def notes(tmp_path: Path, daemons: Daemons) -> Path:
    """A kept folder of forty notes under a running daemon."""
    folder = tmp_path / "notes"
    for number in range(40):
        note = folder / f"part{number % 4}" / f"note{number}.md"
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(f"# Note {number}\n\nAbout subject{number} and rivers.\n")
    daemons.start()
    daemons.keep(folder)
    return folder


@pytest.mark.fast
def test_saving_editing_and_deleting_are_seen(notes: Path, daemons: Daemons) -> None:
    note = notes / "part1" / "new.md"
    note.write_text("A zebracrossing.\n")
    until(lambda: daemons.finds("zebracrossing", "new.md"))
    note.write_text("A level crossing with barrier42.\n")
    until(lambda: daemons.finds("barrier42", "new.md"))
    assert not daemons.finds("zebracrossing", "new.md")
    note.unlink()
    assert not daemons.finds("barrier42", "new.md")
    assert contents_settled(daemons) == fresh(notes)


def test_an_atomic_save_leaves_nothing_behind(notes: Path, daemons: Daemons) -> None:
    note = notes / "part2" / "note2.md"
    for number in range(5):
        draft = note.with_name(f".note2.md.{number}.swp")
        draft.write_text(f"# Note 2\n\nVersion number{number}.\n")
        draft.replace(note)
    until(lambda: daemons.finds("number4", "note2.md"))
    backup = note.with_name("note2.md~")
    backup.write_text("old")
    assert contents_settled(daemons) == fresh(notes)


def test_a_renamed_tree_embeds_nothing(notes: Path, daemons: Daemons) -> None:
    daemons.settled()
    before = daemons.embedded()
    (notes / "part3").rename(notes / "renamed")
    until(lambda: daemons.finds("subject7", "note7.md"))
    hit = daemons.library.search("subject7", mode="words").hits[0]
    assert hit.path == str(notes / "renamed" / "note7.md")
    assert contents_settled(daemons) == fresh(notes)
    assert daemons.embedded() == before


def test_a_copy_is_found_and_embeds_nothing(notes: Path, daemons: Daemons) -> None:
    daemons.settled()
    before = daemons.embedded()
    copy = notes / "part2" / "note1.md"
    copy.write_bytes((notes / "part1" / "note1.md").read_bytes())
    until(lambda: str(copy) in contents(paths.index_path()))
    daemons.settled()
    assert daemons.embedded() == before


def test_changes_made_while_it_was_down_are_caught_up(notes: Path, daemons: Daemons) -> None:
    daemons.kill()
    (notes / "part0" / "note0.md").unlink()
    (notes / "part0" / "note4.md").write_text("# Note 4\n\nAbout dragonflies.\n")
    (notes / "part1").rename(notes / "elsewhere")
    daemons.start()
    until(lambda: daemons.finds("dragonflies", "note4.md"))
    assert contents_settled(daemons) == fresh(notes)


def test_a_root_that_vanishes_deletes_nothing(notes: Path, daemons: Daemons, tmp_path: Path) -> None:
    files = len(contents(paths.index_path()))
    notes.rename(tmp_path / "unplugged")
    daemons.library.sync()
    status = daemons.library.status()
    assert status.folders[0].state == "missing" and status.folders[0].note
    assert len(contents(paths.index_path())) == files
    assert daemons.library.search("subject7", mode="words").hits == ()
    (tmp_path / "unplugged").rename(notes)
    daemons.library.sync()
    assert daemons.finds("subject7", "note7.md")
    assert daemons.library.status().folders[0].state == "watching"


def test_a_root_that_is_suddenly_empty_deletes_nothing(notes: Path, daemons: Daemons, tmp_path: Path) -> None:
    away = tmp_path / "away"
    away.mkdir()
    for part in list(notes.iterdir()):
        part.rename(away / part.name)
    daemons.library.sync()
    assert daemons.library.status().folders[0].state == "missing"
    assert len(contents(paths.index_path())) == 40
    answer = daemons.library.search("subject7", mode="words")
    assert answer.hits == () and str(notes) in answer.notice
    for part in list(away.iterdir()):
        part.rename(notes / part.name)
    until(lambda: daemons.finds("subject7", "note7.md"))
    until(lambda: daemons.library.status().folders[0].state == "watching")


def test_a_model_that_dies_is_started_again(notes: Path, daemons: Daemons) -> None:
    import psutil

    daemons.library.search("rivers", mode="meaning")
    process = psutil.Process(daemon_info().pid)
    model = next(
        child for child in process.children() if any("model_process" in part for part in child.cmdline())
    )
    os.kill(model.pid, signal.SIGKILL)
    until(lambda: has_ended(model))
    (notes / "part1" / "after.md").write_text("Written after the crash of the model, about peacocks.\n")
    until(lambda: daemons.finds("peacocks", "after.md"))
    daemons.settled()
    assert daemons.library.search("peacocks", mode="meaning").hits


def test_forgetting_and_adding_while_it_watches(notes: Path, daemons: Daemons, tmp_path: Path) -> None:
    assert daemons.library.forget(str(notes / "part1")) == 10
    assert not daemons.finds("subject1", "note1.md")
    other = tmp_path / "other"
    other.mkdir()
    daemons.library.add([str(other)])
    (other / "x.md").write_text("About wombats.\n")
    until(lambda: daemons.finds("wombats", "x.md"))


def test_pausing_outlives_the_daemon(notes: Path, daemons: Daemons) -> None:
    daemons.library.pause()
    daemons.kill()
    daemons.start()
    status = daemons.library.status()
    assert (status.folders[0].state, status.notices) == ("paused", ()), "told once"
    (notes / "later.md").write_text("About ocelots.\n")
    daemons.library.resume()
    until(lambda: daemons.finds("ocelots", "later.md"))


def contents_settled(daemons: Daemons) -> object:
    """The index once everything was taken in, files that are away dropped without their grace."""
    daemons.settled()
    daemons.library.sync()
    return contents(paths.index_path())


def test_a_changed_hit_is_read_again_before_it_is_shown_or_marked(notes: Path, daemons: Daemons) -> None:
    daemons.settled()
    note = notes / "part1" / "note1.md"
    note.write_text("# Note 1\n\nAbout subject1 and a narwhal.\n")
    answer = daemons.library.search("subject1", mode="words")
    hit = next(hit for hit in answer.hits if hit.path == str(note))
    assert "narwhal" in hit.text or str(note) in answer.stale
    until(lambda: daemons.finds("narwhal", "note1.md"))


def test_several_who_ask_for_a_sync_at_once_all_get_it(notes: Path, daemons: Daemons) -> None:
    for number in range(60):
        (notes / f"more{number}.md").write_text(f"# More {number}\n\n" + f"word{number} " * 200)
    reports: list[SyncReport] = []
    threads = [threading.Thread(target=lambda: reports.append(daemons.library.sync())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120.0)
    assert len(reports) == 4 and not any(report.interrupted for report in reports)
    assert daemons.settled().pending == 0


def test_many_new_files_show_how_far_they_are(notes: Path, daemons: Daemons) -> None:
    daemons.settled()
    for number in range(300):
        (notes / f"more{number}.md").write_text(f"# More {number}\n\n" + f"word{number} " * 200)
    until(lambda: daemons.library.status().progress.files_total > 10, what="progress")
    assert daemons.library.search("subject7", mode="words").waiting
