#!/bin/bash
# One run of a job, as seen from outside of the database: a line when it begins, a line when it ends. It holds locks that
# the kernel frees at the death of the last process which has them open, grandchildren included: whoever finds one
# taken runs at the same time as somebody who should have been dead.
#
# Arguments: seconds, exit code, "-" or "child" (leaves a grandchild in a session of its own), token of the request.

mark() {
  printf '%s %s %s %s %s %s %s %s\n' "$1" "$JOBYARD_RUN_ID" "$JOBYARD_TASK_ID" "$JOBYARD_ATTEMPT" \
    "$JOBYARD_INSTANCE" "$$" "${EPOCHREALTIME/[.,]/}000" "${2:--}" >>"$CHAOS_MARKS"
}

hold() {
  exec {lock}>>"$CHAOS_LOCKS/$1"
  flock -n "$lock" || mark overlap "$1"
}

seconds=${1:-0.1} code=${2:-0} sort=${3:--}
mark start
hold "run-$JOBYARD_RUN_ID"
if [ -n "$CHAOS_ALONE" ]; then hold "job-$JOBYARD_NAME"; fi
if [ "$sort" = child ]; then
  export -f mark
  setsid bash -c 'while :; do mark child; sleep 0.2; done' >/dev/null 2>&1 &
fi
echo "run $JOBYARD_RUN_ID, attempt $JOBYARD_ATTEMPT"
sleep "$seconds"
mark end "$code"
exit "$code"
