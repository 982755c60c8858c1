#!/usr/bin/env python3
# docs/guarantees.md: which test proves which promise, found by the numbers in the tests' names.
#
#   tools/guarantees.py           fails when the page lists a test that is not there, when a promise of
#                                 this version has no test, or a test names a number nobody knows
#   tools/guarantees.py --write   writes the page
#
# A test proves R10 when its name begins with R10: static void R10_…(void **state) in tests/unit, where
# it also has to be registered, and test('R10 …') in tests/e2e.  What is filled in at run time is shown as …
# SPDX-License-Identifier: Apache-2.0
import pathlib
import re
import sys

PAGE = pathlib.Path("docs/guarantees.md")

# Number, what is promised.  None: the number is taken, the promise is not made by this version.
PROMISES = {
    "R1": "When the client leaves, by FIN or RST and wherever its request stands, the upstream is left within a second and nobody else is asked.",
    "R2": "Usage says whether it was reported; an explicit zero stays zero.",
    "R3": "An answer that was cut ends with one error event, without `[DONE]` and without an invented finish reason; a finish reason without `[DONE]` is success.",
    "R3b": "A malformed event is skipped and counted, or ends the stream with an error, by setting.",
    "R4": "However an upstream's bytes are framed and cut, text and usage are the same; only data that is exactly `[DONE]` ends a stream; an event has a maximum.",
    "R5": "Silence is bridged by a sign of life at an event boundary (comment, chunk or none), and the fallback goes on behind it.",
    "R6": "Each chunk is passed on by itself as it comes; nothing on the way is told to gather.",
    "R7": "Usage is always asked of the upstream, and told only to the client who asked.",
    "R8": "Parallel tool calls come out well numbered, in whatever style a provider sends them.",
    "R9": "Five limits (connect, headers, first content, idle, total), each of which fires alone, and none of which cuts a healthy drip.",
    "R10": "Nothing is committed before the first content: what fails before it goes to the next target, and when all fail there is a real HTTP status.",
    "R11": "What fails after the first content ends the stream with an error; no other target continues it.",
    "R12": "Before a target is asked again, the longer of its Retry-After and the back-off is waited; a wait that cannot end in time is not begun.",
    "R13": "What refuses the request is passed on as it came; what refuses the credential goes to the next credential; the rest is retried.",
    "R14": "The upstreams together see at most the configured attempts, and the client is told not to multiply them.",
    "R15": "One deadline covers queue, attempts and waits, and the client is answered within it.",
    "R15b": None,
    "R16": "With one good key of five the request is answered; with none the error has a code of its own.",
    "R17": None,
    "R18": None,
    "R19": "A client that does not read stops its upstream, costs a bounded amount of memory, and is cut after a while.",
    "R20": "Large bodies go both ways byte for byte.",
    "R21": "A pooled connection that the upstream had closed is replaced once, silently, and held against nobody.",
    "R22": "Cancelling in masses leaves no descriptor, slot or count behind.",
    "R23": None,
    "R24": "One command measures what the gateway adds, against a direct call and nginx.",
    "R25": "Changes of a name's addresses are followed within their lifetime; a failed connect forgets the address.",
    **{f"R{n}": None for n in range(26, 44)},
    "R44": "On the same dialect a body goes upstream byte for byte but for the spliced fields, and comes back byte for byte.",
    "R45": "For a target of another dialect each field is mapped, or dropped and named in `x-dragoman-dropped-params`, or refused with a 400 that names it; `translation.strict` refuses what would be dropped.",
    "R46": "Read and written again a conversation is the same: texts, images, calls and their results, thinking with its signatures.",
    "R47": "A finish reason that nobody knows is kept, and drops nothing.",
    "R48": "A target that cannot be told what was asked is passed over before the call.",
    "R49": "Odd JSON is passed on as it is or refused with a 400 that names the field; numbers stay text.",
    "R50": "A credential is one of the configured ones or the answer is 401; odd targets are refused; no admin port beyond this machine without a token.",
    "R51": "A key uses its models and no others, fallbacks and relayed paths included.",
    "R52": "No secret is in any log, error, metric or page, whatever goes wrong.",
    "R53": "Nothing in a request makes the gateway call anybody but the configured providers.",
    "R54": "What could be read in two ways is refused and the connection closed; what belongs to one hop is not passed on to the next.",
    "R55": None,
    "R56": "A configuration that is not understood is refused with file, line and column; each setting is enforced.",
    "R57": None,
    "R58": None,
    "R58b": "SIGTERM: not ready first, then what runs is finished; what cannot be hears why.",
    "R59": "The number of series does not depend on what clients send; counters add up over threads and never fall.",
    "R60": "Probes answer under load and touch no upstream.",
    "R61": "A log line has a kilobyte at most; a slow reader of logs costs lines, which are counted, and never time.",
    "R62": None,
    "R63": "A body over the limit gets a 413 that names the limit.",
    "R64": "Content-Encoding and Content-Length describe the bytes that are sent.",
    "R65": None,
    "R66": None,
    "R67": None,
    "R68": None,
    "R69": "Weights hold within 3 % over ten thousand requests, and a weight of 0 is never.",
    "R70": None,
    "R71": None,
}

UNIT = re.compile(r"^static void ((R\d+b?)_\w+)\(void \*\*\w+\)", re.M)
E2E = re.compile(r"\btest\(\s*(['\"`])((R\d+b?) (?:\\.|(?!\1).)*)\1", re.S)
HEAD = """# Guarantees

<!-- Written by tools/guarantees.py from the names of the tests. -->

What this version promises, and the tests that prove it. The numbers are stable: tests, issues and
changes name them. A test's name says what it proves; `…` stands for what it is run with.
"""


def unit_tests():
    for path in sorted(pathlib.Path("tests/unit").rglob("*_test.c")):
        text = path.read_text(encoding="utf-8")
        for name, number in UNIT.findall(text):
            if len(re.findall(rf"\b{name}\b", text)) < 2:
                sys.exit(f"{path}: {name} is not registered")
            yield number, path, name[len(number) + 1 :].replace("_", " ")


def e2e_tests():
    for path in sorted(pathlib.Path("tests/e2e").glob("*.test.mjs")):
        for _, title, number in E2E.findall(path.read_text(encoding="utf-8")):
            title = re.sub(r"\$\{[^}]*\}", "…", title).replace("\\'", "'")
            yield number, path, title[len(number) + 1 :]


def proofs():
    found = {}
    for number, path, name in [*e2e_tests(), *unit_tests()]:
        names = found.setdefault(number, {}).setdefault(path, [])
        if name not in names:
            names.append(name)
    return found


def section(number, promise, tests):
    lines = [f"\n## {number}\n", promise, ""]
    for path, names in tests.items():
        lines.append(f"- `{path}`")
        lines += [f"  - {name}" for name in names]
    if number == "R24":
        lines.append("- `make bench`")
    return "\n".join(lines) + "\n"


def page(found):
    text = HEAD
    for number, promise in PROMISES.items():
        if promise is not None:
            text += section(number, promise, found.get(number, {}))
    return text


def complaints(found, text):
    for number, promise in PROMISES.items():
        if promise is not None and number not in found and number != "R24":
            yield f"error: {number} has no test"
    for number, tests in found.items():
        if number not in PROMISES:
            yield f"error: {', '.join(map(str, tests))}: nobody knows {number}"
    current = set(text.splitlines())
    for n, line in enumerate(PAGE.read_text(encoding="utf-8").splitlines(), 1):
        if line not in current:
            yield f"{PAGE}:{n}: there is no such test (any more): {line.strip(' -')}"


def main():
    found = proofs()
    text = page(found)
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(text, encoding="utf-8")
    problems = list(complaints(found, text))
    print("\n".join(problems) or f"{sum(p is not None for p in PROMISES.values())} promises, each with its tests")
    if PAGE.read_text(encoding="utf-8") != text and not problems:
        print(f"{PAGE} lacks tests that have come since: tools/guarantees.py --write")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
