#!/bin/bash
# Packs a folder into a verified tar.gz in the job's data folder and keeps the newest few.
#
#   jobyard script deploy examples/backup-rotate --name backup --env BACKUP_SOURCE=/etc
#   jobyard script run backup --wait                # or another folder: … --wait -- /srv/photos
#
# BACKUP_SOURCE  the folder, when the run brings no argument
# BACKUP_KEEP    how many archives of it to keep (default 7)
#
# settings.job beside this file has it run every night. A run that is stopped in the middle leaves no half archive.
set -euo pipefail
export LC_ALL=C
umask 077

fail() {
  echo "backup: $1" >&2
  exit "${2:-1}"
}

source_folder=${1:-${BACKUP_SOURCE:-}}
keep=${BACKUP_KEEP:-7}
target=${WEBJOBS_DATA_PATH:?this script is meant to be run by Jobyard}

[[ -n $source_folder ]] || fail 'name the folder: as the argument of the run, or in BACKUP_SOURCE' 2
[[ -d $source_folder ]] || fail "$source_folder is not a folder" 2
[[ $keep =~ ^[1-9][0-9]{0,3}$ ]] || fail "BACKUP_KEEP is \"$keep\", not a number from 1 to 9999" 2

source_folder=$(cd "$source_folder" && pwd -P)
name=$(basename "$source_folder")
name=${name//[^A-Za-z0-9._-]/_}
[[ $source_folder != / ]] || name=root
# Folders of the same name in other places are other backups.
place=$(printf '%s' "$source_folder" | sha256sum)
prefix=$name-${place:0:8}
archive=$target/$prefix-$(date -u +%Y%m%dT%H%M%S.%3NZ).tar.gz
partial=$archive.partial

trap 'rm -f "$partial" "$partial.list"' EXIT
rm -f "$target/$prefix"-*.partial "$target/$prefix"-*.partial.list

echo "Packing $source_folder"
# tar ends with 1 when a file changed while it was read. Such an archive is no good backup, so that is an error, too.
tar --create --gzip --verbose --file "$partial" --directory "$source_folder" . >"$partial.list" \
  || fail "tar ended with $?; no archive was kept"

gzip --test "$partial" || fail 'the archive is damaged; was the disk full?'
packed=$(wc -l <"$partial.list")
readable=$(tar --list --gzip --file "$partial" | wc -l)
[[ $packed -eq $readable ]] || fail "$packed entries were packed, but $readable can be read back"

mv "$partial" "$archive"
echo "Wrote $archive ($readable entries, $(stat --format %s "$archive") bytes)"

# The time is in the name, so the order of the names is that of the archives.
archives=("$target/$prefix"-*.tar.gz)
surplus=$((${#archives[@]} - keep))
for ((i = 0; i < surplus; i++)); do
  rm -- "${archives[i]}"
  echo "Removed ${archives[i]}"
done
echo "Kept $((surplus > 0 ? keep : ${#archives[@]})) of at most $keep archives"
