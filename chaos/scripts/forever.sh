#!/bin/bash
# A continuous job, as seen from outside: a line when it begins, one every tenth of a second, a line when it is asked
# to end. The lock tells whether another one lives: anywhere, or with CHAOS_EVERYWHERE on the same instance.

mark() {
  printf '%s %s %s %s %s %s %s %s\n' "$1" "$JOBYARD_RUN_ID" "$JOBYARD_TASK_ID" "$JOBYARD_ATTEMPT" \
    "$JOBYARD_INSTANCE" "$$" "${EPOCHREALTIME/[.,]/}000" "${2:--}" >>"$CHAOS_MARKS"
}

finish() {
  mark end 0
  exit 0
}

trap finish TERM
mark start
name=life-$JOBYARD_NAME${CHAOS_EVERYWHERE:+-$JOBYARD_INSTANCE}
exec {lock}>>"$CHAOS_LOCKS/$name"
flock -n "$lock" || mark overlap "$name"
# A pipe that nobody writes to: waiting for it sleeps without a process.
exec {never}<> <(:)
while [ ! -e "$JOBYARD_SHUTDOWN_FILE" ]; do
  mark beat
  read -r -t 0.1 -u "$never"
done
finish
