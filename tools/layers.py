#!/usr/bin/env python3
# Who may include whom.  A folder knows only those beneath it; main.c knows them all.
# SPDX-License-Identifier: Apache-2.0
import re
import sys

import csource

BENEATH = {
    "base": "",
    "loop": "base",
    "llm": "base",
    "conf": "base llm",
    "http": "base loop",
    "store": "base loop",
    "gateway": "base loop llm conf http store",
    "ops": "base loop llm conf http store gateway",
    "sim": "base loop http llm",
}
# llm/ computes: what opens, sleeps or tells the time has no place in it.
NOT_IN_LLM = re.compile(r"uv\.h|time\.h|unistd\.h|fcntl\.h|poll\.h|pthread\.h|netdb\.h|sys/.*|openssl/.*")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">\n]+)[">]', re.M)


def problems(path):
    text = path.read_text(encoding="utf-8")
    folder = path.parts[1] if len(path.parts) > 2 else None
    if folder is None:
        return
    if folder not in BENEATH:
        yield 1, f"{folder}/ is not in the plan of the tree (tools/layers.py)"
        return
    own = f"{folder}/{path.stem}.h"
    for nth, match in enumerate(INCLUDE.finditer(text)):
        line, quoted, name = csource.line_of(text, match.start()), match[1] == '"', match[2]
        if quoted and "/" not in name:
            yield line, f'"{name}" does not name its folder'
        elif quoted and name.split("/")[0] not in BENEATH[folder].split() + [folder]:
            yield line, f"{folder}/ may not include {name.split('/')[0]}/"
        if folder == "llm" and not quoted and NOT_IN_LLM.fullmatch(name):
            yield line, f"llm/ does no I/O and reads no clock: <{name}>"
        if nth == 0 and path.suffix == ".c" and name != own and path.with_suffix(".h").exists():
            yield line, f'a file includes its own header first: "{own}"'


found = 0
for path in csource.files("src"):
    for line, what in problems(path):
        print(f"{path}:{line}: {what}")
        found += 1
sys.exit(found > 0)
