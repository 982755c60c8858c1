#!/usr/bin/env python3
"""Measure dragoman beside nginx and a direct call, on this machine, now.  Started by run.sh.

SPDX-License-Identifier: Apache-2.0
"""
import argparse
import json
import os
import shutil
import sys
import time
from contextlib import ExitStack

import counters
import measure
import report
import translated
from process import CORES, LOAD_CORES, SUBJECT_CORES, raise_file_limit
from subjects import Lab

SECTIONS = ("cpu", "latency", "streams", "translated", "memory", "counters")


def arguments():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("build", help="the build directory, with dragoman in it")
    p.add_argument("--only", default=",".join(SECTIONS), help="sections, with commas between")
    p.add_argument("--scale", type=float, default=1.0, help="times as many requests")
    p.add_argument("--patience", type=float, default=60,
                   help="seconds that memory may take to settle (the goal allows 60)")
    p.add_argument("--port", type=int, default=21700, help="first of 60 ports used")
    p.add_argument("--no-instructions", action="store_true", help="leave callgrind out")
    return p.parse_args()


def pinning():
    if shutil.which("taskset") is None or len(CORES) < 2:
        return "Nothing was pinned: subject, generator and simulator share what there is."
    return (f"The measured process ran on core {SUBJECT_CORES[0]}, the load generator and the "
            f"simulator together on core(s) {', '.join(map(str, LOAD_CORES))}.")


def run_sections(lab, wanted, options, result):
    with ExitStack() as servers:
        sim = servers.enter_context(lab.simulator())
        with ExitStack() as compared:
            subjects, nginx = [sim], None
            if shutil.which("nginx"):
                nginx = compared.enter_context(lab.nginx(sim))
                subjects.append(nginx)
            else:
                result["skipped"].append("nginx is not installed, so there is no ratio")
            subjects.append(compared.enter_context(lab.dragoman(sim)))
            for name, section in (("cpu", measure.cpu_per_request), ("latency", measure.latency),
                                  ("streams", measure.streams)):
                if name in wanted:
                    say(name)
                    result[name] = section(lab, subjects, sim, options.scale)
            if "translated" in wanted:
                say("translated")
                result["translated"] = translated.measure(lab, sim, nginx, options.scale)
        if "memory" in wanted:
            say("memory")
            result["memory"] = measure.memory(lab, lab.dragoman, sim, options.patience)
        if "counters" in wanted:
            say("counters")
            counted = counters.measure(lab, lab.dragoman, sim, not options.no_instructions)
            result["counters"], result["counters_flat"] = counted, counters.flat(counted)


def say(what):
    print(f"bench: {what} ({time.monotonic() - START:.0f} s)", file=sys.stderr, flush=True)


def missing_tools():
    needed = {"strace": "system calls by name", "perf": "system calls counted without tracing",
              "valgrind": "instructions"}
    return [f"{tool} is not installed: {what}" for tool, what in needed.items()
            if shutil.which(tool) is None]


def main():
    options = arguments()
    files = raise_file_limit()
    lab = Lab(options.build, options.port, files)
    result = {"machine": measure.machine(lab), "pinning": pinning(), "skipped": missing_tools()}
    if (files - 200) // 2 < 10000:
        result["skipped"].append(
            f"10,000 open streams: only {files:,} open files are permitted, two for each stream")
    run_sections(lab, options.only.split(","), options, result)
    result["seconds"] = round(time.monotonic() - START)
    text = report.markdown(result)
    for name, content in (("report.json", json.dumps(result, indent=2) + "\n"),
                          ("report.md", text)):
        with open(os.path.join(lab.tools, name), "w") as f:
            f.write(content)
    print(text)
    print(f"bench: {result['seconds']} s; {lab.tools}/report.json, report.md", file=sys.stderr)


START = time.monotonic()
if __name__ == "__main__":
    main()
