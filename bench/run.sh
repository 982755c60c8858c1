#!/usr/bin/env bash
# Measure: bench/run.sh BUILD [options of bench.py].  BUILD holds the dragoman to measure; the
# tools and the report go to BUILD/bench.  docs/performance.md says how to read it.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=${1:?usage: bench/run.sh BUILD [options]}
shift
build=$(cd "$build" && pwd)
cc="${CC:-gcc} -std=gnu17 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Werror"

mkdir -p "$build/bench"
$cc "$here/load.c" "$here/reply.c" "$here/samples.c" -o "$build/bench/load"
$cc -shared -fPIC "$here/malloc_count.c" -o "$build/bench/malloc_count.so"
status=0
python3 "$here/bench.py" "$build" "$@" || status=$?
if [ "$status" = 0 ] && grep -q '"counters_flat"' "$build/bench/report.json"; then
    python3 "$here/check_counters.py" "$build" || true # told, not enforced: that is for review
fi
exit "$status"
