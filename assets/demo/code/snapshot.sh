#!/usr/bin/env bash
# Dated copies of the home folder on the external disk. Each looks complete, yet only what changed takes
# space: unchanged files are hard links to the copy of the day before (rsync --link-dest).
#
#   snapshot.sh /mnt/disk/home
#
# To get something back, just copy it out of the folder of that day. No tool needed, which is the point.
# Not encrypted: the disk itself is. Not a substitute for the copy outside the house.
set -euo pipefail

target=${1:?where to, e.g. /mnt/disk/home}
today=$(date +%Y-%m-%d)
keep=30

# If the disk is not plugged in, the mount point is an empty folder on the system disk and this would
# quietly fill it. So a marker file must be there.
[[ -e $target/.this-is-the-disk ]] || { echo "disk not mounted at $target" >&2; exit 1; }

# Written under another name first: a power cut leaves a .partial, never half a day that looks whole.
rsync --archive --delete --numeric-ids \
  --exclude='.cache/' --exclude='node_modules/' --exclude='Downloads/' \
  --link-dest="$target/latest" \
  "$HOME/" "$target/$today.partial/" || {
    status=$?
    # 24: files vanished while being read. Normal on a machine in use.
    [[ $status -eq 24 ]] || exit "$status"
  }

rm -rf "${target:?}/$today"
mv "$target/$today.partial" "$target/$today"
ln -sfn "$today" "$target/latest"

# The first of each month stays for ever; of the others the newest thirty.
find "$target" -maxdepth 1 -type d -name '????-??-??' ! -name '*-01' -print |
  sort -r | tail -n "+$((keep + 1))" |
  while IFS= read -r old; do rm -rf "$old"; done
