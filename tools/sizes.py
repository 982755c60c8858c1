#!/usr/bin/env python3
# How long functions and files are.  Lengths are lines from a function's first word to its last
# brace, comments inside included.  Over the limit is a fault; over the mark, a question.
# SPDX-License-Identifier: Apache-2.0
import collections
import re
import statistics
import sys

import csource

FUNCTION_LIMIT, FUNCTION_MARK = 100, 60
FILE_LIMIT, FILE_MARK = 900, 600
SHOWN = 8
NAME = re.compile(r"(\w+)\s*\(")


def functions(path):
    """(name, lines) of each function body: a brace at depth 0 behind a parameter list."""
    text = csource.without_directives(csource.code(path))
    depth, start = 0, 0
    for match in re.finditer(r"[{};]", text):
        if match[0] == "{":
            if depth == 0:
                head = text[start:match.start()]
                body = NAME.search(head) if head.rstrip().endswith(")") else None
                begin = start + len(head) - len(head.lstrip())
            depth += 1
            continue
        if match[0] == "}":
            depth -= 1
            if depth == 0 and body is not None:
                yield body[1], text.count("\n", begin, match.start()) + 1
        if depth == 0:
            start = match.end()


def table(title, rows):
    print(f"  {title}")
    for size, name in sorted(rows, reverse=True)[:SHOWN]:
        print(f"    {size:5}  {name}")


def main():
    lengths, sizes, folders = [], [], collections.Counter()
    for path in csource.files("src"):
        lines = path.read_text(encoding="utf-8").count("\n")
        sizes.append((lines, str(path)))
        folders[path.parts[1] if len(path.parts) > 2 else "."] += lines
        if path.suffix == ".c":
            lengths += [(n, f"{path}:{name}") for name, n in functions(path)]
    if not lengths:
        sys.exit("no function found")
    only = [n for n, _ in lengths]
    tenths = statistics.quantiles(only, n=10) if len(only) > 1 else only * 9
    print(f"  {len(only)} functions: median {statistics.median(only):.0f} lines, "
          f"90 % up to {tenths[8]:.0f}; over {FUNCTION_MARK}: {sum(n > FUNCTION_MARK for n in only)}")
    print("  lines: " + ", ".join(f"{name} {n}" for name, n in sorted(folders.items())))
    table("longest functions", lengths)
    table("longest files", sizes)
    faults = [f"{name}: a function of {n} lines (at most {FUNCTION_LIMIT})"
              for n, name in lengths if n > FUNCTION_LIMIT]
    faults += [f"{name}: {n} lines (at most {FILE_LIMIT})"
               for n, name in sizes if n > FILE_LIMIT and name.endswith(".c")]
    questions = [f"{name}: {n} lines" for n, name in lengths if FUNCTION_MARK < n <= FUNCTION_LIMIT]
    questions += [f"{name}: {n} lines" for n, name in sizes if FILE_MARK < n <= FILE_LIMIT]
    for text in questions:
        print(f"  question: {text}")
    for text in faults:
        print(f"  fault: {text}")
    return len(faults) > 0


sys.exit(main())
