#!/usr/bin/env python3
"""Has a change made the deterministic counters worse?  Compares BUILD/bench/report.json with
bench/counters.json.

    bench/check_counters.py BUILD             exit 1 when a counter grew beyond its tolerance
    bench/check_counters.py BUILD --update    the measured ones become the accepted ones

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import platform
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ACCEPTED = os.path.join(HERE, "counters.json")
# How much a counter may grow unremarked.  Timers move system calls a little; with 32 connections
# they depend on how many were ready at once, which is the machine's mood again; a pool that grows
# late leaves a few allocations; instructions hang on compiler and libraries too.
TOLERANCE = {"syscalls": 0.25, "allocations": 0.05}
TOLERANCE_BATCHED = 1.0
INSTRUCTIONS_SHARE = 0.03


def toolchain():
    """Instruction counts are compared only where they mean the same."""
    cc = subprocess.run(["gcc", "-dumpfullversion"], stdout=subprocess.PIPE)
    return f"gcc {cc.stdout.decode().strip()}, {platform.machine()}, {platform.libc_ver()[1]}"


def allowed(name, accepted):
    if name.startswith("instructions"):
        return accepted * (1 + INSTRUCTIONS_SHARE)
    if name.endswith("_32"):
        return accepted + TOLERANCE_BATCHED
    return accepted + TOLERANCE[name.split("_")[0]]


def verdict(name, accepted, now, same_tools):
    if now is None:
        return "not measured"
    if name.startswith("instructions") and not same_tools:
        return "not compared: other compiler or library"
    if now > allowed(name, accepted):
        return "WORSE"
    return "better" if now < accepted else "ok"


def compare(measured, accepted):
    """Print a row for each counter.  Returns how many are worse."""
    same_tools = accepted["toolchain"] == toolchain()
    worse = 0
    for name, value in accepted["counters"].items():
        now = measured.get(name)
        word = verdict(name, value, now, same_tools)
        worse += word == "WORSE"
        print(f"  {name:34} {value:>10} -> {now if now is not None else '-':>10}  {word}")
    return worse


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    with open(os.path.join(sys.argv[1], "bench", "report.json")) as f:
        measured = json.load(f)["counters_flat"]
    if "--update" in sys.argv:
        with open(ACCEPTED, "w") as f:
            json.dump({"toolchain": toolchain(), "counters": measured}, f, indent=2)
            f.write("\n")
        return
    with open(ACCEPTED) as f:
        worse = compare(measured, json.load(f))
    if worse:
        print(f"{worse} counter(s) worse than bench/counters.json; if that is worth it, say why "
              "in the commit and accept them with --update")
    sys.exit(1 if worse else 0)


if __name__ == "__main__":
    main()
