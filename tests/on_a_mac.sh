#!/usr/bin/env bash
# Ten minutes on a Mac: what no other system can show. Run it in a checkout and paste all that it prints.
#
#   tests/on_a_mac.sh            with Python 3.11 or later as python3, or PYTHON=...
#   KEN_MODELS=DIR tests/...     takes the model from there; otherwise it is fetched (1.3 GB) and deleted at the end
#
# Nothing outside of a temporary folder is changed, but for a launch agent that is removed again.
set -uo pipefail
cd "$(dirname "$0")/.."
[ "$(uname)" = Darwin ] || [ -n "${ANYWHERE:-}" ] || { echo "This is for a Mac (ANYWHERE=1 tries it here)."; exit 1; }

work=$(mktemp -d)
export KEN_HOME="$work/home" KEN_MODELS="${KEN_MODELS:-$work/models}"
finish() {
  ken daemon stop > /dev/null 2>&1
  ken daemon uninstall > /dev/null 2>&1
  rm -rf "$work"
}
trap finish EXIT
step() { printf '\n== %s\n' "$1"; }
seconds() { python -c 'import time; print(time.time())'; }

step "The machine"
sw_vers 2> /dev/null
sysctl -n machdep.cpu.brand_string hw.memsize hw.perflevel0.physicalcpu 2> /dev/null
diskutil info / 2> /dev/null | grep -i personality

step "Installing"
"${PYTHON:-python3}" -m venv "$work/venv" && "$work/venv/bin/pip" --quiet install '.[test]' 2>&1 | tail -5
export PATH="$work/venv/bin:$PATH"
python --version
ken --version || exit 1

step "The model, the engine and its self-test"
ken model fetch 2>&1 | tail -1
ken doctor
tmutil isexcluded "$KEN_MODELS" 2> /dev/null
echo "a cold radiator" | ken embed > /dev/null && echo "the self-test passed"

step "Speed"
python -m tests.benchmarks embed --json 2>&1 | tail -60

step "Scaled integer products on this processor (SME on an M4)"
python - <<'PY'
import numkong

print({name for name, there in numkong.get_capabilities().items() if there})
PY

step "Limits and calls that only macOS has"
python - <<'PY'
import ctypes
import resource

import psutil

print("setiopolicy_np:", ctypes.CDLL(None).setiopolicy_np(3, 0, 1) if hasattr(ctypes.CDLL(None), "setiopolicy_np") else "none")
mapped = psutil.Process().memory_info().vms
for extra in (1 << 30, 4 << 30):
    try:
        resource.setrlimit(resource.RLIMIT_AS, (mapped + extra, resource.RLIM_INFINITY))
        print(f"RLIMIT_AS {mapped >> 20} + {extra >> 20} MB: set")
        bytearray(2 * extra)
        print("  and not held")
    except (ValueError, OSError, MemoryError) as error:
        print(f"  {type(error).__name__} {error}")
PY

step "Names as the disk has them"
mkdir -p "$work/Notes"
python - "$work/Notes" <<'PY'
import pathlib
import sys
import unicodedata

folder = pathlib.Path(sys.argv[1]) / unicodedata.normalize("NFD", "Büro")
folder.mkdir()
(folder / "plan.md").write_text("# Plan\n\nAbout ospreys.\n")
PY
ken daemon start
ken index "$work/Notes" && ken index "$work/notes" && ken index "$work/NOTES/Büro"
ken status
ken search --mode words ospreys "in:$work/notes/büro"

step "Events: a save under another spelling, seconds until it is found"
began=$(seconds)
printf '# Plan\n\nAbout guillemots.\n' > "$work/notes/BÜRO/Plan.md"
for _ in $(seq 200); do
  ken search --mode words guillemots 2> /dev/null | grep -q . && break
  sleep 0.05
done
python -c "import sys; print(round($(seconds) - $began, 1), 's')"
ken status | sed -n '/files/p'

step "Events: a folder renamed away and back"
mv "$work/Notes" "$work/Elsewhere" && sleep 2 && mv "$work/Elsewhere" "$work/Notes" && sleep 8
printf '# New\n\nAbout fulmars.\n' > "$work/Notes/new.md"
sleep 3
ken search --mode words fulmars
ken daemon stop

step "The service manager: installed twice, as an upgrade does"
for _ in 1 2; do ken daemon install; done
sleep 5
ken daemon status
ken doctor | grep -i "at login"
ken daemon uninstall

step "Files in the cloud (none is fetched)"
if command -v brctl > /dev/null; then
  find ~/Documents ~/Desktop -maxdepth 3 -flags +dataless 2> /dev/null | head -3 | while read -r file; do
    ken index "$file" && ken why "$file"
  done
fi

step "Tests"
python -m pytest -q -n 4 tests/app/test_disk_names.py tests/app/test_watcher.py tests/app/test_macos.py \
  tests/app/daemon/test_service.py tests/embedder/test_engines.py tests/embedder/test_gemma.py \
  tests/index/test_confinement.py tests/index/test_reader_memory.py 2>&1 | tail -25
