"""Records `ken` as it is used: real keys go to a real process in a terminal, and what it writes is kept.

    python assets/screens/keys.py

Writes `ken.cast` beside itself, which `asciinema play` shows. Needs the model (`ken model fetch`); everything
else happens in a throw-away home with the demo's files. Format: docs.asciinema.org/manual/asciicast/v2.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from embedder.checkpoints.models import list_models, models_folder

HERE = Path(__file__).resolve().parent
START = HERE.parents[1] / "app" / "ken_search_main.py"
COLUMNS, ROWS = 88, 22
QUIET_SECONDS = 0.8
"""Without output for so long, the screen is taken for complete."""
MOST_SECONDS = 20.0
LETTER_SECONDS = 0.09
"""Between two letters, as a person types."""
DOWN, QUIT = b"\x1b[B", b"\x11"
STEPS = (b"someone faints", DOWN, DOWN, QUIT)
"""Few, so that the recording stays small: each picture of the whole screen is some 20 kB."""


def main() -> None:
    if not list_models():
        raise SystemExit("There is no model. `ken model fetch` fetches it.")
    with tempfile.TemporaryDirectory() as top:
        home = Path(top) / "home"
        shutil.copytree(HERE.parent / "demo", home / "notes")
        environment = {
            "HOME": str(home), "KEN_HOME": f"{top}/ken", "KEN_MODELS": str(models_folder()),
            "PATH": os.environ["PATH"], "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8",
        }  # fmt: skip
        subprocess.run([*ken(), "index", str(home / "notes")], env=environment, cwd=home, check=True)
        try:
            events = list(recorded(environment, home))
        finally:
            subprocess.run([*ken(), "daemon", "stop"], env=environment, cwd=home, check=False)
    header = {"version": 2, "width": COLUMNS, "height": ROWS, "title": "ken"}
    lines: list[object] = [header, *([round(at, 3), "o", text] for at, text in events)]
    recording = "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines)
    (HERE / "ken.cast").write_text(recording, encoding="utf-8")


def ken() -> tuple[str, ...]:
    return (
        sys.executable,
        "-P",
        "-c",
        f"import sys; sys.path.insert(0, {str(START.parent)!r}); import ken_search_main as k; k.main()",
    )


def recorded(environment: Mapping[str, str], home: Path) -> Iterator[tuple[float, str]]:
    """Seconds since the start, and what was written then."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    process = subprocess.Popen(
        ken(), stdin=slave, stdout=slave, stderr=slave, env=environment, cwd=home, start_new_session=True
    )
    os.close(slave)
    began = time.monotonic()
    yield from written(master, began, QUIET_SECONDS)
    for step in STEPS:
        for key in [bytes([letter]) for letter in step] if step.isascii() and step[:1].isalpha() else [step]:
            os.write(master, key)
            yield from written(master, began, LETTER_SECONDS)
        yield from written(master, began, QUIET_SECONDS)
    process.wait(MOST_SECONDS)
    os.close(master)


def written(master: int, began: float, quiet: float) -> Iterator[tuple[float, str]]:
    """What is written until nothing was for `quiet` seconds, at most for `MOST_SECONDS`."""
    until = time.monotonic() + MOST_SECONDS
    while time.monotonic() < until and select.select([master], [], [], quiet)[0]:
        try:
            data = os.read(master, 65_536)
        except OSError:  # the process has ended
            return
        yield time.monotonic() - began, data.decode("utf-8", "replace")


if __name__ == "__main__":
    main()
