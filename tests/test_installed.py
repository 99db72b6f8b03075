"""The wheel as it is installed: what is in it, and that it runs its own packages wherever it is started."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from support.tiny_home import notes, tiny_models
from support.tiny_model import PRECISION

from embedder.engines.native_kernel.build import why_unsupported

TOP = Path(__file__).resolve().parent.parent
START = "ken_search_main.py"
CONSOLE_SCRIPT = "#!{python}\nimport sys\nfrom ken_search_main import main\nsys.exit(main())\n"
"""What pip writes for the entry point."""

Run = Callable[..., str]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(build, cwd=TOP, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_the_packages_the_demo_and_the_styles(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    demo = TOP / "assets" / "demo"
    for file in demo.rglob("*"):
        if file.is_file():
            assert f"app/assets/demo/{file.relative_to(demo)}" in inside
    elsewhere = {"app/" + START, "embedder/engines/native_kernel/build.py"}
    for package in ("app", "embedder", "index"):
        for file in (TOP / package).rglob("*"):
            if file.suffix in {".py", ".tcss", ".sql", ".json", ".toml"} or file.name == "py.typed":
                name = str(file.relative_to(TOP))
                assert (name in inside) != (name in elsewhere), name
    (manual,) = (name for name in inside if ".data/" in name)
    assert manual.endswith(".data/data/share/man/man1/ken.1")
    top_level = {name.split("/")[0] for name in inside if ".dist-info/" not in name} - {manual.split("/")[0]}
    assert top_level == {"app", "embedder", "index", START}
    assert not [name for name in inside if "__pycache__" in name or "bench" in name]
    if sys.platform == "linux" and platform.machine() == "x86_64" and shutil.which("cc"):
        assert {
            f"{folder}/kernel.so" for folder in ("embedder/engines/native_kernel", "index/search/scan_kernel")
        } <= inside


@pytest.fixture
def installed(wheel: Path, tmp_path: Path) -> Path:
    """The command of a virtual environment with the wheel and the packages it needs."""
    environment = tmp_path / "venv"
    venv.create(environment, symlinks=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    zipfile.ZipFile(wheel).extractall(packages)
    (packages / "needed.pth").write_text(str(Path(click.__file__).parents[1]))
    command = environment / "bin" / "ken"
    command.write_text(CONSOLE_SCRIPT.format(python=environment / "bin" / "python"))
    command.chmod(0o755)
    return command


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder with packages of ken's names that end any process that imports them."""
    for name in ("app", "embedder", "index", "tests"):
        package = tmp_path / "hostile" / name
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(f"raise SystemExit('another {name} was imported')\n")
    return tmp_path / "hostile"


@pytest.fixture
def ken(installed: Path, hostile: Path, home: Path) -> Iterator[Run]:
    """Runs the installed command in the hostile folder, which is on PYTHONPATH too."""
    home.mkdir(parents=True)
    (home / "config.toml").write_text(f'[model]\nprecision = "{PRECISION}"\nthreads = 1\n')
    environment = {name: value for name, value in os.environ.items() if name != "KEN_NO_DAEMON"}
    environment |= {"KEN_MODELS": str(tiny_models()), "PYTHONPATH": f"{hostile}{os.pathsep}"}

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [str(installed), *arguments],
            cwd=hostile,
            env=environment,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done.stdout

    yield run
    run("daemon", "stop")


def test_packages_of_the_same_names_elsewhere_are_not_imported(ken: Run, tmp_path: Path) -> None:
    assert ken("--version").startswith("ken")
    folder = notes(tmp_path / "notes", boiler__md="# Boiler\n\nIt loses pressure in winter.\n")
    ken("daemon", "start")
    ken("index", str(folder))
    found = json.loads(ken("search", "boiler pressure", "--json"))
    assert [Path(hit["path"]).name for hit in found["hits"]] == ["boiler.md"]
    assert json.loads(ken("status", "--json"))["daemon"]


@pytest.mark.parametrize(
    ("system", "machine", "version", "why"),
    [
        ("darwin", "arm64", "14.2", ""),
        ("darwin", "arm64", "13.6.1", "macOS 14 or later, and this is 13.6.1"),
        ("darwin", "x86_64", "15.0", "Apple silicon"),
        ("linux", "x86_64", "2.35", ""),
        ("linux", "aarch64", "2.41", ""),
        ("linux", "x86_64", "2.34", "glibc 2.35 or later, and this system has 2.34"),
        ("linux", "aarch64", "", "musl"),
        ("linux", "ppc64le", "2.41", "x86-64 or 64-bit Arm"),
        ("win32", "AMD64", "", "x86-64 or 64-bit Arm"),
    ],
)
def test_why_a_system_cannot_have_it_is_said(
    system: str, machine: str, version: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(platform, "mac_ver", lambda: (version, ("", "", ""), machine))
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc" if version else "", version))
    said = why_unsupported()
    assert why in said and bool(said) == bool(why)


def test_an_installation_that_cannot_succeed_ends_with_the_reason(tmp_path: Path) -> None:
    older = "import platform\nplatform.libc_ver = lambda: ('glibc', '2.34')\n"
    (tmp_path / "sitecustomize.py").write_text(older)
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "metadata"],
        cwd=TOP,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode and "ken cannot be installed here: it needs glibc 2.35" in done.stderr
