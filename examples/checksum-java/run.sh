#!/bin/bash
# Notices which files of a folder have changed, by their SHA-256, since the last run. The work is done by Main.java.
#
#   jobyard script deploy examples/checksum-java --name checksums --arg /etc --schedule "0 0 4 * * *"
#   jobyard script run checksums --wait
#
# CHECKSUM_FAIL=1 makes the run fail when something has changed, so that the job's failure action tells somebody.
# Needs Java 17 or newer. `java FILE` compiles the source at every start; to save that second, deploy a jar as run.jar.
set -euo pipefail
exec java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC Main.java "$@"
