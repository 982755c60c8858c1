#!/usr/bin/env bash
# Run every test of one build and close with "N passed, N failed".
#
#   tools/test.sh BUILD [unit|e2e|all]
#
# Unit tests (golden and corpus replays are among them) speak TAP through cmocka; end-to-end tests
# speak it through Node.  A program that crashes, hangs or reports nothing counts as one failure.
set -u
build=$1
what=${2:-all}
passed=0 failed=0
logs=$build/test-logs
mkdir -p "$logs"
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:allocator_may_return_null=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:allocator_may_return_null=1:suppressions=$PWD/tools/tsan.supp

count() { # NAME STATUS LOG
    local name=$1 status=$2 log=$3 ok bad
    ok=$(grep -cE '^ok ' "$log")
    bad=$(grep -cE '^not ok ' "$log")
    if [ "$status" != 0 ] && [ "$bad" -eq 0 ] || [ $((ok + bad)) -eq 0 ]; then
        bad=$((bad + 1))
        echo "not ok - $name ended with status $status"
        tail -n 40 "$log"
    elif [ "$bad" -gt 0 ]; then
        echo "not ok - $name"
        grep -vE '^ok ' "$log" | head -n 60
    fi
    passed=$((passed + ok))
    failed=$((failed + bad))
}

unit_log() { echo "$logs/unit-${1//\//-}.log"; }

unit_run() { # NAME: into its log, the status beside it
    local log
    log=$(unit_log "$1")
    CMOCKA_MESSAGE_OUTPUT=TAP timeout 600 "$build/unit/$1" >"$log" 2>&1
    echo $? >"$log.status"
}

unit() {
    local names name
    names=$(cd tests/unit && find . -type f -name '*_test.c' | sed 's|^\./||; s|\.c$||' | sort)
    [ -n "$names" ] || { echo "no unit tests found"; failed=$((failed + 1)); }
    rm -f "$logs"/unit-*
    export -f unit_run unit_log
    export build logs
    echo "$names" | xargs -P "$(nproc)" -I {} bash -c 'unit_run {}'
    for name in $names; do
        count "$name" "$(cat "$(unit_log "$name").status" || echo "unknown: not run")" "$(unit_log "$name")"
    done
    echo "unit: $passed passed, $failed failed so far"
}

# Node's TAP nests subtests by indentation; the summary lines at the end are what counts.
e2e() {
    local log=$logs/e2e.log ok bad status files node
    node=$(tools/node.sh) || { echo "no Node.js for the end-to-end tests"; failed=$((failed + 1)); return; }
    export PATH=$(dirname "$node"):$PATH
    files=$(find tests/e2e -name '*.test.mjs' -not -path '*/node_modules/*' | sort)
    [ -n "$files" ] || { echo "no end-to-end tests found"; failed=$((failed + 1)); return; }
    DRAGOMAN=$PWD/$build/dragoman timeout 1200 node --test --test-concurrency=2 \
        --test-reporter=tap $files >"$log" 2>&1
    status=$?
    ok=$(awk '/^# pass /{print $3}' "$log")
    bad=$(awk '/^# fail /{f=$3} /^# cancelled /{c=$3} END{print f + c}' "$log")
    if [ -z "$ok" ] || { [ "$status" -ne 0 ] && [ "${bad:-0}" -eq 0 ]; }; then
        echo "not ok - end-to-end tests ended with status $status"
        tail -n 60 "$log"
        bad=$((${bad:-0} + 1))
    elif [ "$bad" -gt 0 ]; then
        grep -A 25 -E '^ *not ok ' "$log" | head -n 200
    fi
    passed=$((passed + ${ok:-0}))
    failed=$((failed + bad))
}

case $what in
unit) unit ;;
e2e) e2e ;;
all) unit; e2e ;;
*) echo "usage: tools/test.sh BUILD [unit|e2e|all]"; exit 2 ;;
esac
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
