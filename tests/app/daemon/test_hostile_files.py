"""A daemon beside files that cannot be taken in: it comes to rest, and what is saved is found."""

from __future__ import annotations

from pathlib import Path

from support.daemons import Daemons
from support.hostile_files import KINDS
from support.waiting import until


def test_the_daemon_goes_on_beside_all_of_them(tmp_path: Path, daemons: Daemons) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    for number in range(20):
        (folder / f"good{number}.md").write_text(f"# Good {number}\n\nAbout subject{number}.\n")
    for make in KINDS.values():
        make(folder)
    daemons.start()
    daemons.keep(folder)
    assert daemons.settled().notices == ()
    (folder / "saved.md").write_text("A zebracrossing.\n")
    until(lambda: daemons.finds("zebracrossing", "saved.md"))
    assert daemons.finds("subject7", "good7.md")
