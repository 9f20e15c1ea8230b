#!/usr/bin/env bash
# Runs a command with a real Apache Kafka: one broker in a folder of its own, stopped in any case.
# RANTAI_TEST_KAFKA (host:port) gives the command its address; the exit status is the command's.
#
#   deploy/kafka/test.sh .venv/bin/python -m pytest -m kafka
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly HERE
readonly ATTEMPTS=20
readonly EX_USAGE=64 EX_UNAVAILABLE=69 EX_SOFTWARE=70

say() { printf 'test.sh: %s\n' "$*" >&2; }

[[ $# -gt 0 ]] || { say "give the command to run"; exit "$EX_USAGE"; }

status=0
"$HERE/kafka.sh" fetch > /dev/null || status=$?
if [[ "$status" -eq "$EX_UNAVAILABLE" ]]; then
  if [[ "${CI:-}" == true ]]; then
    say "Apache Kafka is not available (see above), which is a failure with CI=true: FAILED"
    exit "$EX_UNAVAILABLE"
  fi
  say "SKIPPED: $*"
  say "Apache Kafka is not available: Maven Central is out of reach, or mvn or Java 17 is missing (see above)"
  exit 0
fi
[[ "$status" -eq 0 ]] || exit "$status"

dir=$(mktemp -d "${TMPDIR:-/tmp}/rantai-kafka.XXXXXX")
clean() {
  # A folder without the file `cluster` never had a broker.
  if [[ -f "$dir/cluster" ]]; then "$HERE/kafka.sh" stop --dir "$dir" || true; fi
  rm -rf "$dir"
}
trap clean EXIT
# On a signal the script calls `exit`, so that the trap above runs.
trap 'exit 130' INT
trap 'exit 143' TERM HUP

bootstrap=""
for ((attempt = 0; attempt < ATTEMPTS; attempt++)); do
  # A port below the range that the kernel uses for outgoing connections.
  status=0
  started=$("$HERE/kafka.sh" start --dir "$dir" --port "$((20000 + RANDOM % 12000))") || status=$?
  if [[ "$status" -eq 0 ]]; then
    bootstrap=$(tail -n 1 <<< "$started")
    break
  fi
  # If the folder has a cluster, the ports were free, so something else is wrong.
  if [[ "$status" -ne "$EX_SOFTWARE" || -f "$dir/cluster" ]]; then exit "$status"; fi
done
[[ -n "$bootstrap" ]] || { say "no free port after $ATTEMPTS attempts"; exit "$EX_SOFTWARE"; }

say "Apache Kafka on $bootstrap"
status=0
# In the foreground: Ctrl-C reaches the command too, and it ends cleanly before the broker is stopped.
RANTAI_TEST_KAFKA="$bootstrap" "$@" || status=$?
exit "$status"
