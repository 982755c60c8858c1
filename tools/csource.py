# What the other checks share: C text without its comments and literals, line for line.
# SPDX-License-Identifier: Apache-2.0
import pathlib
import re

TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)


def blank(match):
    """Nothing but the newlines, so that line numbers stay."""
    text = match.group(0)
    if text[0] in "\"'":
        return text[0] + text[0]
    return "\n" * text.count("\n") or " "


def files(*roots, suffixes=(".c", ".h")):
    for root in roots:
        for path in sorted(pathlib.Path(root).rglob("*")):
            if path.suffix in suffixes:
                yield path


def code(path):
    return TOKEN.sub(blank, path.read_text(encoding="utf-8"))


def without_directives(text):
    return DIRECTIVE.sub(lambda m: "\n" * m.group(0).count("\n"), text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1
