#!/usr/bin/env python3
# Functions that cannot be used safely, and what is used here instead.
# SPDX-License-Identifier: Apache-2.0
import re
import sys

import csource

INSTEAD = {
    "strcpy strcat strncpy strncat stpcpy": "buf_put(), arena_dup(), or memcpy() with a length",
    "sprintf vsprintf": "buf_printf(), arena_printf() or snprintf()",
    "gets": "nothing",
    "strtok": "str_cut()",
    "atoi atol atoll atof sscanf": "str_to_u64(), or strtod() with its end checked",
    "alloca": "an arena",
    "localtime gmtime ctime asctime": "gmtime_r()",
    "system popen": "nothing: no shell is started",
    "rand srand random srandom": "base/rand.h",
}
ADVICE = {name: advice for names, advice in INSTEAD.items() for name in names.split()}
CALL = re.compile(r"(?<![\w.>])(" + "|".join(ADVICE) + r")\s*\(")

found = 0
for path in csource.files("src", "tests"):
    text = csource.code(path)
    for match in CALL.finditer(text):
        print(f"{path}:{csource.line_of(text, match.start())}: {match[1]}() is banned; "
              f"use {ADVICE[match[1]]}")
        found += 1
sys.exit(found > 0)
