"""Names of files that hold keys and passwords are left out, whatever their case; texts about them are not."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest
from support.credential_names import HELD, ORDINARY

from index.walk.credential_names import matching_pattern
from index.walk.walker import FoundFile, Rules, Skipped, check_path, walk


@pytest.mark.parametrize("name", HELD)
def test_a_telling_name_is_left_out_in_small_and_in_capital_letters(name: str) -> None:
    assert matching_pattern(f"/x/{name}", folder=False)
    assert matching_pattern(f"/x/{name.upper()}", folder=False)


@pytest.mark.parametrize("name", ORDINARY)
def test_an_ordinary_name_is_not(name: str) -> None:
    assert matching_pattern(f"/x/{name}", folder=False) == ""


@pytest.mark.slow
def test_few_files_of_the_standard_library_have_telling_names() -> None:
    """Programs about credentials are no credentials: what is left out there are keys and certificates."""
    library = Path(os.__file__).parent
    names = [Path(folder, name) for folder, _, files in os.walk(library) for name in files]
    own = [path for path in names if "site-packages" not in path.parts and "test" not in path.parts]
    assert len(own) > 500
    assert [str(path) for path in own if matching_pattern(str(path), folder=False)] == []


def test_decomposed_names_are_the_same_names() -> None:
    assert matching_pattern("/x/" + unicodedata.normalize("NFD", "Passwörter.txt"), folder=False)


@pytest.mark.parametrize(
    "folder", [".ssh", ".SSH", ".aws", ".kube", ".gnupg", "Keychains", "pass.agilekeychain", ".config/gcloud"]
)
def test_a_telling_folder_is_left_out_with_all_in_it(folder: str, tmp_path: Path) -> None:
    inside = tmp_path / "a" / folder / "deeper" / "config.md"
    inside.parent.mkdir(parents=True)
    inside.write_text("words")
    assert [type(verdict) for verdict in walk(str(tmp_path), Rules(hidden=True))] == [Skipped]
    verdict = check_path(str(inside), str(tmp_path), Rules(hidden=True))
    assert isinstance(verdict, Skipped)
    assert verdict.rule.startswith("secret:")


def test_what_is_named_inside_such_a_folder_is_judged_by_the_names_in_it(tmp_path: Path) -> None:
    """Who keeps `~/.kube/notes` gets the notes; the files with the tokens stay out, also through a link."""
    kube = tmp_path / ".kube"
    (kube / "notes").mkdir(parents=True)
    for name in ("config", "notes/a.md", "notes/admin.kubeconfig"):
        (kube / name).write_text("words")
    (tmp_path / "cluster.yaml").symlink_to(kube / "config")
    found = [verdict.path for verdict in walk(str(kube), Rules()) if isinstance(verdict, FoundFile)]
    assert found == [str(kube / "notes" / "a.md")]
    for named, kept in (
        (kube / "notes" / "a.md", True),
        (kube / "config", False),
        (tmp_path / "cluster.yaml", False),
    ):
        path = str(named)
        assert isinstance(check_path(path, path, Rules()), FoundFile) == kept, named


def test_only_the_root_takes_credentials_back(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    clone.mkdir()
    (clone / ".env").write_text("KEY=1")
    (clone / ".kenignore").write_text("!.env\n")
    rules = Rules(hidden=True)
    assert isinstance(check_path(str(clone / ".env"), str(tmp_path), rules), Skipped)
    (tmp_path / ".kenignore").write_text("!.env\n")
    assert isinstance(check_path(str(clone / ".env"), str(tmp_path), rules), FoundFile)
    (tmp_path / ".kenignore").unlink()
    assert isinstance(check_path(str(clone / ".env"), str(tmp_path), rules), Skipped)
    assert isinstance(
        check_path(str(clone / ".env"), str(tmp_path), Rules(hidden=True, ignore=("!.env",))), FoundFile
    )
