"""Pictures and scanned pages are read as text, after everything else, page by page, and no page twice."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.sound import bytes_counter
from support.tiny_home import with_tiny_model

from app import config, query
from app.connect import local_library
from app.library import Library
from app.sync.recognize_stage import MEMORY_BYTES, SECONDS
from index.extract import ChunkerSettings, ReaderPool, recognizer
from index.store import scans
from index.store.store import Store

pytestmark = pytest.mark.skipif(not recognizer.is_installed(), reason="ken-search[ocr] is not installed")

TOKEN = "ghp_" + "aB3dE5" * 6


def drawn(*lines: str, size: tuple[int, int] = (900, 300)) -> Any:
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.new("RGB", size, "white")
    for number, line in enumerate(lines):
        font = ImageFont.load_default(size=30)
        ImageDraw.Draw(picture).text((30, 30 + 60 * number), line, fill="black", font=font)
    return picture


def write(root: Path) -> None:
    root.mkdir(parents=True)
    exif = drawn("x").getexif()
    exif[0x010E], exif[0x0132] = "Our holiday by the lighthouse", "2021:06:05 10:00:00"
    drawn("The harbour lies open", "Boats wait for the tide").save(root / "screenshot.png")
    drawn("", size=(400, 400)).save(root / "photo.jpg", exif=exif)
    drawn("Platform nine at noon").save(root / "kept out.png")
    first, second = drawn("Minutes of the meeting"), drawn("The gardener was thanked")
    first.save(root / "scan.pdf", save_all=True, append_images=[second])
    drawn("Deploy with this", f"token: {TOKEN}", size=(1400, 300)).save(root / "deploy.png")
    (root / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 200)
    shutil.copy(Path(__file__).parents[1] / "fixtures" / "turned.heic", root / "IMG_0042.HEIC")
    (root / "note.md").write_text("# Note\n\nNothing about boats.\n")
    for path in root.iterdir():
        os.utime(path, (1_700_000_000, 1_700_000_000))


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    folder = tmp_path_factory.mktemp("pictures")
    write(folder / "kept")
    with pytest.MonkeyPatch.context() as patch:
        with_tiny_model(patch, folder / "home")
        with (folder / "home" / "config.toml").open("a") as settings:
            settings.write('[reading]\nocr_ignore = ["kept out*"]\n')
        with local_library(config.load()) as library:
            library.add([str(folder / "kept")])
            library.sync()
            yield library


def hits(library: Library, typed: str) -> Any:
    asked = query.parse(typed)
    return library.search(asked.text, filter=asked.filter, mode="words").hits


def test_a_screenshot_is_found_by_its_words(library: Library) -> None:
    hit = hits(library, "boats tide")[0]
    assert Path(hit.path).name == "screenshot.png" and "harbour lies open" in hit.text
    assert (hit.kind, hit.page, hit.title) == ("picture", None, "screenshot.png")
    assert library.excerpt(hit.path, 0, 500).text[hit.start : hit.end] == hit.text


def test_what_was_read_has_its_vector(library: Library) -> None:
    assert library.status().pending == 0


def test_a_photo_is_found_by_its_caption_and_date(library: Library) -> None:
    assert Path(hits(library, "lighthouse date:2021-06 type:picture")[0].path).name == "photo.jpg"


def test_a_photo_of_a_phone_is_read_upright(library: Library) -> None:
    """Its decoder starts a thread, in a process that may start no other process."""
    pytest.importorskip("pi_heif", reason="an older ken-search[ocr]")
    hit = hits(library, "lighthouse keepers wanted date:2022-03")[0]
    assert Path(hit.path).name == "IMG_0042.HEIC" and "Lighthouse keepers wanted" in hit.text


def test_a_scan_is_found_at_its_page(library: Library) -> None:
    hit = hits(library, "gardener thanked")[0]
    assert (Path(hit.path).name, hit.page, hit.kind) == ("scan.pdf", 2, "pdf")
    shown = library.excerpt(hit.path, 0, 500)
    assert shown.text[hit.start : hit.end] == hit.text and len(shown.pages) == 2
    assert hits(library, "minutes meeting")[0].page == 1


def test_what_is_left_out_is_found_by_its_name_alone(library: Library) -> None:
    assert not [hit for hit in hits(library, "platform nine noon") if hit.text]
    assert Path(hits(library, "kept out")[0].path).name == "kept out.png"


def test_a_credential_in_a_picture_is_withheld(library: Library) -> None:
    held = b"".join(
        path.read_bytes() for path in Path(library.index.path).parent.rglob("*") if path.is_file()
    )
    assert TOKEN.encode() not in held


def test_nothing_of_it_is_a_problem_or_read_twice(library: Library) -> None:
    assert not library.problems()
    with Store(library.index.path) as store:
        assert [Path(path).name for path, _ in scans.waiting(store)] == ["kept out.png"]
    (folder,) = library.status().folders
    path = Path(folder.path) / "screenshot.png"
    path.chmod(0o600)
    assert (library.sync().embedded, library.why(str(path)).state) == (0, "indexed")
    path.rename(path.with_name("renamed.png"))
    library.sync()
    assert Path(hits(library, "boats tide")[0].path).name == "renamed.png"
    path.with_name("renamed.png").rename(path)


def test_an_edited_picture_is_read_again(library: Library) -> None:
    path = Path(library.status().folders[0].path) / "edited.png"
    drawn("A first version of parsley").save(path)
    library.sync()
    assert hits(library, "parsley")
    drawn("Another version with saffron").save(path)
    library.sync()
    assert Path(hits(library, "saffron version")[0].path) == path
    assert not [hit for hit in hits(library, "parsley") if hit.text and "parsley" in hit.text]
    path.unlink()
    library.sync()
    assert not hits(library, "saffron")


def test_without_the_extra_a_folder_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    write(tmp_path / "kept")
    with_tiny_model(monkeypatch, home)
    recognizer.is_installed.cache_clear()
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "PIL", None)
        patch.setattr(recognizer, "find_spec", lambda name: None)
        with local_library() as library:
            library.add([str(tmp_path / "kept")])
            library.sync()
            told = library.problems()
            assert [(Path(one.path).name, one.reason) for one in told] == [
                ("kept", "7 pictures: install ken-search[ocr]")
            ]
            assert library.status().problems == 0
    recognizer.is_installed.cache_clear()


@pytest.mark.skipif(
    sys.platform == "darwin" or recognizer.other_scripts() is None, reason="Tesseract is not installed"
)
@pytest.mark.parametrize(
    ("script", "lines"),
    [
        ("Greek", ["Η βάρκα δένει στο ανατολικό λιμάνι", "το βράδυ μετά την καταιγίδα, και οι"]),
        ("Cyrillic", ["Лодки стоят у восточного причала", "вечером после шторма, и рыбаки"]),
    ],
)
def test_a_script_that_rapidocr_lacks_is_read_by_tesseract(
    script: str, lines: list[str], tmp_path: Path
) -> None:
    from PIL import Image, ImageDraw, ImageFont

    known = recognizer.other_scripts()
    font = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
    if known is None or script not in known.scripts or not font.exists():
        pytest.skip(f"no data or no font for {script}")
    picture = Image.new("RGB", (900, 300), "white")
    for number, line in enumerate(lines * 2):
        at = (30, 30 + 60 * number)
        ImageDraw.Draw(picture).text(at, line, fill="black", font=ImageFont.truetype(font, 28))
    picture.save(tmp_path / "page.png")
    chunking = ChunkerSettings(bytes_counter, 400, recognizes=True)
    with ReaderPool(1, seconds=SECONDS, memory_bytes=MEMORY_BYTES) as pool:
        read = pool.read(str(tmp_path / "page.png"), chunking, page=1)
    words = set(" ".join(lines).split())
    assert len(words - set(read.document.text.split())) <= 2, read.document.text
