#!/usr/bin/env bash
# Run the fuzzers: tools/fuzz.sh BUILD [NAME|all] [SECONDS each].  Findings land in BUILD/findings.
set -u
build=$1 name=${2:-all} seconds=${3:-30} bad=0 ran=0
mkdir -p "$build/findings"
for f in $(find "$build/fuzz" -maxdepth 1 -type f -name '*_fuzz' | sort); do
    n=$(basename "$f" _fuzz)
    [ "$name" = all ] || [ "$name" = "$n" ] || continue
    ran=$((ran + 1))
    work=$build/corpus/$n seeds=tests/fuzz/corpus/$n
    mkdir -p "$work"
    [ -d "$seeds" ] || seeds=
    if "$f" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -artifact_prefix="$build/findings/$n-" \
        "$work" $seeds >"$build/$n.log" 2>&1; then
        echo "fuzz $n: $(grep -oE 'Done [0-9]+ runs in [0-9]+' "$build/$n.log") s, corpus $(find "$work" -type f | wc -l)"
    else
        echo "fuzz $n: FAILED"
        grep -m 1 -n -A 30 -E 'ERROR|runtime error' "$build/$n.log" || tail -n 30 "$build/$n.log"
        finding=$(ls -t "$build/findings/$n-"* 2>/dev/null | head -n 1)
        [ -z "$finding" ] || { echo "$finding, in base64:"; base64 "$finding" | head -n 60; }
        bad=$((bad + 1))
    fi
done
[ "$ran" -gt 0 ] || { echo "no fuzzer named $name"; exit 2; }
exit $((bad > 0))
