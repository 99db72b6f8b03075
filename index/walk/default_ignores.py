"""The folders and files that are left out by default: dependencies, caches, build outputs, system files.

Owns the tables of names. A common name ("build", "vendor", "target") counts as a build output or a dependency
only where a file of the tool that fills such a folder is beside it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase

_DEFAULT_FOLDERS = {
    "dependencies": "node_modules bower_components site-packages .venv Pods elm-stuff "
    "jspm_packages .bundle .cargo "
    ".rustup .npm .yarn .pnpm-store",
    "caches": "__pycache__ .mypy_cache .pytest_cache .ruff_cache .tox .nox .cache "
    "Caches .gradle .parcel-cache "
    ".turbo .sass-cache .hypothesis .ipynb_checkpoints .terraform CachedData",
    "build outputs": "DerivedData .next .nuxt .svelte-kit .output cmake-build-debug "
    "cmake-build-release .build",
    "version control data": ".git .hg .svn .bzr CVS .jj .fossil _darcs",
    "the system's own files": ".Trash .Trashes .Spotlight-V100 .fseventsd .DocumentRevisions-V100 "
    ".TemporaryItems $RECYCLE.BIN "
    "lost+found",
    "photo, music and application libraries": "*.photoslibrary *.musiclibrary *.tvlibrary *.imovielibrary "
    "*.app "
    "*.framework *.xcodeproj *.xcassets *.bundle *.sparsebundle",
    "folders that a program shows as one file": "*.pages *.numbers *.key *.logicx *.band *.fcpbundle "
    "*.lrlibrary *.aplibrary *.lrdata *.xcarchive *.xcworkspace *.dSYM *.pkg *.mpkg *.plugin *.kext *.appex "
    "*.component *.vst *.vst3 *.prefPane *.qlgenerator *.mdimporter *.wdgt *.pvm "
    "*.vmwarevm *.utm",
}
_FOLDERS_BESIDE = {
    "dependencies": (("vendor deps Carthage", "go.mod composer.json Gemfile mix.exs rebar.config Cartfile"),),
    "build outputs": (
        ("target", "Cargo.toml pom.xml build.sbt project.clj"),
        (
            "dist build out",
            "package.json pyproject.toml setup.py CMakeLists.txt build.gradle build.gradle.kts Makefile",
        ),
        ("_build", "mix.exs rebar.config dune-project conf.py"),
        ("obj bin", "packages.config Directory.Build.props global.json"),
    ),
}
"""Common names of folders, each with the files of which one must be beside the folder."""
_DEFAULT_FILES = {
    "lock files": "package-lock.json yarn.lock pnpm-lock.yaml poetry.lock Cargo.lock "
    "Gemfile.lock composer.lock "
    "uv.lock go.sum flake.lock Pipfile.lock bun.lockb",
    "the system's own files": ".DS_Store Thumbs.db desktop.ini Icon\r",
    "editors' leftovers": "*~ ~$* .#* #*#",
}


def category_of(path: str, name: str, folder: bool) -> str:
    """The category of a path that is left out by default ("caches", ...); empty where it is not left out."""
    if not folder:
        return _lookup(name, _FILES, _FILE_GLOBS)
    if name == "Library" and _is_macos_home(os.path.dirname(path)):  # noqa: PTH120
        return "programs' own files"
    kind = _lookup(name, _FOLDERS, _FOLDER_GLOBS) or _build_output(path, name)
    return kind or ("caches and environments" if _holds(path, ("CACHEDIR.TAG", "pyvenv.cfg")) else "")


def is_by_name(name: str, folders: Sequence[str]) -> bool:
    """Whether a file of that name in those folders is left out whatever is beside it."""
    return bool(
        _lookup(name, _FILES, _FILE_GLOBS) or any(_lookup(f, _FOLDERS, _FOLDER_GLOBS) for f in folders)
    )


def _is_macos_home(folder: str) -> bool:
    """Whether the folder is a user's home on macOS, whose `Library` is for what programs keep."""
    above = os.path.dirname(folder)  # noqa: PTH120
    return sys.platform == "darwin" and (above == "/Users" or folder == os.path.expanduser("~"))  # noqa: PTH111


def _lookup(name: str, exact: dict[str, str], globs: Sequence[tuple[str, str]]) -> str:
    return exact.get(name) or next((kind for pattern, kind in globs if fnmatchcase(name, pattern)), "")


def _build_output(path: str, name: str) -> str:
    """The category of a folder with a common name, if a file of the tool that fills it is beside it."""
    for kind, pairs in _FOLDERS_BESIDE.items():
        for names, beside in pairs:
            if name in names.split() and _holds(os.path.dirname(path), beside.split()):  # noqa: PTH120
                return kind
    return ""


def _holds(folder: str, names: Sequence[str]) -> bool:
    return any(os.path.lexists(os.path.join(folder, name)) for name in names)  # noqa: PTH118


def _table(kinds: dict[str, str]) -> tuple[dict[str, str], list[tuple[str, str]]]:
    pairs = [(name, kind) for kind, names in kinds.items() for name in names.split(" ") if name]
    return {n: k for n, k in pairs if "*" not in n}, [(n, k) for n, k in pairs if "*" in n]


_FOLDERS, _FOLDER_GLOBS = _table(_DEFAULT_FOLDERS)
_FILES, _FILE_GLOBS = _table(_DEFAULT_FILES)
