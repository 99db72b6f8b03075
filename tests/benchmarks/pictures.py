"""Benchmark `pictures`: words found on pages that are drawn here, and on the scans of a folder.

Each page is drawn from known text in one script, at one resolution, clean or skewed and noisy, and read as
ken reads it: by the confined process. Word accuracy is the share of the page's words that were read.
"""

from __future__ import annotations

import random
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app.sync.recognize_stage import MEMORY_BYTES, SECONDS
from index.errors import FileFailed, FileSkipped
from index.extract import ChunkerSettings, ReaderPool

SENTENCES = {
    "English": "The ferry leaves the old harbour before sunrise, and nobody speaks until the coast is gone.",
    "German": "Früh am Morgen öffnet der Bäcker die Läden, während über den Dächern grauer Nebel hängt.",
    "French": "Le gardien du phare écrit chaque soir une lettre à sa sœur, même quand la mer a tout pris.",
    "Polish": "Żeglarze wrócili późno, gdyż wiatr ucichł między wyspami, a łódź stała w miejscu całą noc.",
    "Turkish": "Yağmurdan sonra çocuklar sokağa çıktı ve büyük ağacın gölgesinde güneşin dönüşünü bekledi.",
    "Greek": "Το πλοίο φεύγει πριν από την ανατολή και κανείς δεν μιλά ώσπου να χαθεί η ακτή.",
    "Russian": "Рано утром пекарь открывает ставни, пока над крышами ещё висит серый туман и молчат птицы.",
    "Georgian": "დილით ადრე მეზღვაურები ნავსადგურს ტოვებენ და ნაპირი ნელა იკარგება ნისლში.",
}
"""Text of the pages, by language. Drawn with a font of the machine that has the letters."""
FONTS = ("DejaVuSans.ttf", "Arial Unicode.ttf", "NotoSans-Regular.ttf")
RESOLUTIONS = (100, 150, 300)
"""Dots an inch: a fax, a screenshot of a page, a good scan."""
LINES = 12
_SIZE = (6.0, 4.0)
"""Inches of a page that is drawn."""
_POINTS = 12
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class PictureScore:
    """Pages of one kind. `accuracy` is None where it is not known what stands on them."""

    name: str
    dpi: int
    damaged: bool
    pages: int
    words: int
    accuracy: float | None
    seconds_a_page: float
    failed: int = 0


def counted(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def counter() -> Callable[[Sequence[str]], list[int]]:
    return counted


def run(progress: Callable[[str], None], folder: str = "", each: int = 1) -> list[PictureScore]:
    """`each` pages of every kind, and the scans in `folder`."""
    entries: list[PictureScore] = []
    settings = ChunkerSettings(counter, recognizes=True)
    with (
        ReaderPool(1, seconds=SECONDS, memory_bytes=MEMORY_BYTES) as pool,
        tempfile.TemporaryDirectory() as made,
    ):
        _read(pool, settings, [(_drawn(Path(made), "English", 150, False, 0), 1)])  # starts the process
        for language in SENTENCES:
            for dpi in RESOLUTIONS:
                for damaged in (False, True):
                    progress(f"{language} at {dpi} dots an inch")
                    pages = [
                        (_drawn(Path(made), language, dpi, damaged, number), 1) for number in range(each)
                    ]
                    texts, seconds, failed = _read(pool, settings, pages)
                    truth = _words([_text(language, number) for number in range(each)])
                    found = truth & _words(texts)
                    entries.append(PictureScore(
                        language, dpi, damaged, len(pages), found.total(), found.total() / truth.total(),
                        seconds / len(pages), failed,
                    ))  # fmt: skip
        if folder:
            progress("scans")
            entries.append(_scans(pool, settings, folder))
    return entries


def _scans(pool: ReaderPool, settings: ChunkerSettings, folder: str) -> PictureScore:
    pages: list[tuple[Path, int]] = []
    with ReaderPool(1) as readers:
        for path in sorted(Path(folder).rglob("*.pdf")):
            try:
                pages += [(path, page) for page in readers.read(str(path)).document.scans[:3]]
            except (FileSkipped, FileFailed):
                continue
    texts, seconds, failed = _read(pool, settings, pages)
    words = _words(texts).total()
    return PictureScore("scans", 0, True, len(pages), words, None, seconds / max(1, len(pages)), failed)


def _read(
    pool: ReaderPool, settings: ChunkerSettings, pages: Iterable[tuple[Path, int]]
) -> tuple[list[str], float, int]:
    texts, failed = [], 0
    began = time.perf_counter()
    for path, page in pages:
        try:
            texts.append(pool.read(str(path), settings, page=page).document.text)
        except (FileSkipped, FileFailed):
            failed += 1
    return texts, time.perf_counter() - began, failed


def _words(texts: Sequence[str]) -> Counter[str]:
    return Counter(word for text in texts for word in _WORD.findall(text.casefold()))


def _text(language: str, number: int) -> str:
    """The words of a page: the sentence's, in an order of the page's own."""
    words = SENTENCES[language].split()
    draw = random.Random(f"{language}{number}")
    return "\n".join(" ".join(draw.sample(words, 7)) for _ in range(LINES))


def _drawn(folder: Path, language: str, dpi: int, damaged: bool, number: int) -> Path:
    import numpy as np
    from PIL import Image, ImageDraw, ImageFilter

    width, height = (round(side * dpi) for side in _SIZE)
    picture = Image.new("L", (width, height), 250)
    text = _text(language, number)
    ImageDraw.Draw(picture).multiline_text((dpi // 4, dpi // 4), text, 20, _font(dpi), spacing=dpi / 15)
    if damaged:
        draw = np.random.default_rng(number)
        picture = picture.rotate(float(draw.uniform(-3, 3)), Image.Resampling.BICUBIC, fillcolor=250)
        picture = picture.filter(ImageFilter.GaussianBlur(dpi / 300))
        noisy = np.asarray(picture, np.float32) + draw.normal(0, 18, (height, width))
        picture = Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
    path = folder / f"{language}-{dpi}-{damaged}-{number}.png"
    picture.save(path)
    return path


def _font(dpi: int) -> Any:
    from PIL import ImageFont

    for name in FONTS:
        try:
            return ImageFont.truetype(name, _POINTS * dpi / 72)
        except OSError:
            continue
    return ImageFont.load_default(_POINTS * dpi / 72)


def as_json(entries: list[PictureScore]) -> list[dict[str, Any]]:
    return [asdict(entry) for entry in entries]


def table(entries: list[PictureScore]) -> str:
    lines = ["language   dots/inch          pages   words   found   seconds a page"]
    for entry in entries:
        state = "skewed" if entry.damaged else "clean"
        share = "      -" if entry.accuracy is None else f"{entry.accuracy:7.1%}"
        lines.append(
            f"{entry.name:10} {entry.dpi or '':>6}  {state:8} {entry.pages:6} {entry.words:7} {share}"
            f"   {entry.seconds_a_page:6.2f}" + (f"   {entry.failed} failed" if entry.failed else "")
        )
    return "\n".join(lines)
