#!/usr/bin/env bash
# Does a program carry the hardening that the Makefile asked for?  tools/hardening.sh PROGRAM
set -u
file=$1 bad=0

want() { # WHAT PATTERN TEXT
    if grep -qE -- "$2" <<<"$3"; then echo "  $1: yes"; else echo "  $1: MISSING"; bad=1; fi
}

header=$(readelf -W -h "$file") segments=$(readelf -W -l "$file") dynamic=$(readelf -W -d "$file")
symbols=$(readelf -W --dyn-syms "$file")
want "position independent (PIE)" 'Flags:.*PIE' "$dynamic"
want "type DYN" 'Type: +DYN' "$header"
want "relocations read-only (RELRO)" 'GNU_RELRO' "$segments"
want "bound at start (NOW)" 'Flags:.*NOW' "$dynamic"
want "stack not executable" 'GNU_STACK .* RW +0x' "$segments"
want "stack protector" '__stack_chk_fail' "$symbols"
want "fortified calls" '__[a-z]+_chk' "$symbols"
exit $bad
