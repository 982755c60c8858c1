#!/usr/bin/env bash
# Run the fuzzers, as many at once as there are cores: tools/fuzz.sh BUILD [NAME|all] [SECONDS each].
# Findings land in BUILD/findings.
set -u
export build=$1 seconds=${3:-30}
name=${2:-all}
mkdir -p "$build/findings"

fuzz_report() { # NAME: what went wrong, with its input whole
    local log=$build/$1.log finding
    echo "fuzz $1: FAILED"
    grep -m 1 -n -A 30 -E 'ERROR|runtime error' "$log" || tail -n 30 "$log"
    finding=$(find "$build/findings" -name "$1-*" -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d' ' -f2)
    [ -z "$finding" ] || { echo "$finding, in base64:"; base64 "$finding" | head -n 60; }
}

fuzz_run() { # NAME
    local n=$1 work=$build/corpus/$1 seeds=tests/fuzz/corpus/$1
    mkdir -p "$work"
    [ -d "$seeds" ] || seeds=
    if "$build/fuzz/${n}_fuzz" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
        -artifact_prefix="$build/findings/$n-" "$work" $seeds >"$build/$n.log" 2>&1; then
        echo "fuzz $n: $(grep -oE 'Done [0-9]+ runs in [0-9]+' "$build/$n.log") s, corpus $(find "$work" -type f | wc -l)"
    else
        fuzz_report "$n" >"$build/$n.report"
        cat "$build/$n.report" # in one piece
        return 1
    fi
}

names=$(find "$build/fuzz" -maxdepth 1 -type f -name '*_fuzz' -printf '%f\n' | sed 's/_fuzz$//' | sort)
[ "$name" = all ] || names=$(grep -x -- "$name" <<<"$names")
[ -n "$names" ] || { echo "no fuzzer named $name"; exit 2; }
export -f fuzz_run fuzz_report
xargs -P "$(nproc)" -I {} bash -c 'fuzz_run {}' <<<"$names" || exit 1
