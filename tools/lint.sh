#!/usr/bin/env bash
# Everything that can be said about the source without running it.  One line a check, its findings
# below it; fails when any check does.
#
#   tools/lint.sh            all of it
#   tools/lint.sh tidy ...   only these: format layers banned sizes guarantees cppcheck tidy fanalyzer
#
# A file that passed is remembered under build/lint by the content of all it includes, so a second
# run looks only at what changed.
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
cd "$(dirname "$0")/.."

CACHE=${LINT_CACHE:-build/lint}
JOBS=${LINT_JOBS:-2}
FLAGS="-std=gnu17 -D_GNU_SOURCE -DDRAGOMAN_VERSION=\"0\" -Isrc"
FLAGS="$FLAGS $(pkg-config --cflags libuv libllhttp yyjson openssl yaml-0.1 2>/dev/null)"
ALL="format layers banned sizes guarantees cppcheck tidy fanalyzer"

# ---- one tool on one file: silent and 0 when there is nothing to say ----

on_file_format() {
    clang-format --dry-run -Werror "$1" >/dev/null 2>&1 || { echo "$1: wants clang-format -i"; false; }
}
on_file_tidy() { clang-tidy --quiet --checks="$(allowed tidy "$1" ,-)" "$1" -- $FLAGS 2>/dev/null; }
on_file_cppcheck() {
    cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
        --suppress=missingInclude --suppress=missingIncludeSystem $(allowed cppcheck "$1" " --suppress=") \
        --suppress=normalCheckLevelMaxBranches --error-exitcode=1 -D_GNU_SOURCE -DDRAGOMAN_VERSION='"0"' \
        -Isrc "$1"
}
on_file_fanalyzer() {
    gcc $FLAGS -DANALYZED -O2 -fanalyzer -fdiagnostics-plain-output -Werror $(allowed fanalyzer "$1" " -Wno-") \
        -c "$1" -o /dev/null
}

# The checks that tools/lint.allow takes from this tool on this file, each with `prefix` before it.
allowed() { # TOOL FILE PREFIX
    awk -v tool="$1" -v file="$2" -v prefix="$3" \
        '$1 == tool && ($2 == file || $2 == "*") {printf "%s%s", prefix, $3}' tools/lint.allow
}

# The file and every header of ours it reads, as one hash; worked out once a run.
content() { # FILE
    local memo=$CACHE/content/${1//\//_} run hash
    if [ -e "$memo" ] && read -r run hash <"$memo" && [ "$run" = "$LINT_RUN" ]; then
        echo "$hash"
        return
    fi
    hash=$(gcc $FLAGS -MM -MT x "$1" 2>/dev/null | tr -d '\\' | sed 's/^x://' | xargs cat | sha256sum)
    echo "$LINT_RUN ${hash%% *}" >"$memo"
    echo "${hash%% *}"
}

# What a verdict depends on: the tool, its settings and what it reads.
digest() { # STEP FILE
    {
        echo "$LINT_VERSION $1 $(allowed "$1" "$2" ,)"
        case $1 in
        format) cat "$2" ;;
        *) content "$2" ;;
        esac
    } | sha256sum | cut -c1-40
}

one() { # STEP FILE
    local mark
    mark=$CACHE/$1/$(digest "$1" "$2")
    [ -e "$mark" ] && return 0
    local out
    if out=$("on_file_$1" "$2" 2>&1); then
        : >"$mark"
    else
        printf 'fault: %s on %s\n%s\n' "$1" "$2" "$out"
        return 1
    fi
}

version() { # STEP
    case $1 in
    format) clang-format --version; cat .clang-format ;;
    tidy) clang-tidy --version; cat .clang-tidy ;;
    cppcheck) cppcheck --version ;;
    fanalyzer) gcc --version ;;
    esac | cat - "$0" | sha256sum
}

sources() { # STEP
    case $1 in
    format) find src tests bench -name '*.[ch]' 2>/dev/null ;;
    *) find src -name '*.c' ;;
    esac | sort
}

# ---- whole checks ----

on_all() { # STEP
    mkdir -p "$CACHE/$1" "$CACHE/content"
    LINT_VERSION=$(version "$1")
    export LINT_VERSION LINT_RUN
    sources "$1" | xargs -r -n 1 -P "$JOBS" "$0" --one "$1"
}

# A finding in a header comes once for every file that includes it.
brief() { grep -v ': note: ' | grep -E '(error|warning|question|fault):|^[^ ]+:[0-9]+:|wants clang' | awk '!seen[$0]++' | head -n 60; }

run() { # STEP
    case $1 in
    layers | banned | sizes | guarantees) python3 "tools/$1.py" ;;
    *) on_all "$1" ;;
    esac
}

if [ "${1:-}" = --one ]; then
    one "$2" "$3"
    exit
fi

failed=0
LINT_RUN=$(date +%s.%N)
for step in ${*:-$ALL}; do
    case " $ALL " in
    *" $step "*) ;;
    *) echo "lint: no check called $step; there are: $ALL" >&2; exit 2 ;;
    esac
    began=$SECONDS
    if out=$(run "$step" 2>&1); then
        printf 'lint: %-10s ok      %3d s\n' "$step" $((SECONDS - began))
        [ "$step" = sizes ] && printf '%s\n' "$out"
    else
        printf 'lint: %-10s failed  %3d s\n' "$step" $((SECONDS - began))
        [ "$step" = sizes ] && printf '%s\n' "$out" || printf '%s\n' "$out" | brief
        failed=1
    fi
done
exit $failed
