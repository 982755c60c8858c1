"""What does not depend on the machine's mood: system calls, allocations and instructions for one
request, each as the difference that N further requests make.

SPDX-License-Identifier: Apache-2.0
"""
import glob
import os
import re
import shutil
import signal
import struct
import subprocess
import time
from functools import partial

from translated import PROVIDERS

WARM = 2000
REQUESTS = 4000


def have(*programs):
    return all(shutil.which(p) for p in programs)


def with_perf(lab, subject, **options):
    """The kernel's own count: does not slow the process down, so it batches as it always does."""
    out = lab.path("perf.csv")
    argv = ["perf", "stat", "-x,", "-o", out, "-e", "raw_syscalls:sys_enter",
            "-p", str(subject.pid), "--"] + lab.load_argv(subject, **options)
    done = subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if done.returncode != 0 or not os.path.exists(out):
        return None
    with open(out) as f:
        match = re.search(r"^(\d+),,raw_syscalls", f.read(), re.M)
    return int(match.group(1)) if match else None


def with_strace(lab, subject, **options):
    """By name.  Returns {name: count}, or None where tracing is not allowed."""
    out = lab.path("strace.txt")
    with subprocess.Popen(["strace", "-f", "-c", "-U", "calls,name", "-o", out,
                           "-p", str(subject.pid)],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as trace:
        time.sleep(0.7)
        if trace.poll() is not None:
            return None
        lab.load(subject, **options)
        trace.send_signal(signal.SIGINT)
    with open(out) as f:
        rows = re.findall(r"^\s*(\d+)\s+(\w+)\s*$", f.read(), re.M)
    return {name: int(calls) for calls, name in rows if name != "total"}


def system_calls(lab, subject, requests=REQUESTS, **options):
    lab.load(subject, requests=WARM, **options)
    result = {}
    for connections in (1, 32):
        run = {**options, "connections": connections, "requests": requests}
        names = with_strace(lab, subject, **run) if have("strace") else None
        total = with_perf(lab, subject, **run) if have("perf") else None
        if names:
            result[f"by_name_{connections}"] = {
                n: round(c / requests, 3) for n, c in sorted(names.items()) if c > requests / 1000}
        if total is None and names:
            total = sum(names.values())
        if total is not None:
            result[f"per_request_{connections}"] = round(total / requests, 3)
    return result


def read_counts(path):
    with open(path, "rb") as f:
        return struct.unpack("QQQ", f.read(24))


def allocations(lab, start, sim, **options):
    counts = lab.path("malloc.count")
    if os.path.exists(counts):
        os.unlink(counts)
    env = {"MALLOC_COUNT": counts, "LD_PRELOAD": os.path.join(lab.tools, "malloc_count.so")}
    with start(sim, env=env) as subject:
        run = {"connections": 32, **options}
        lab.load(subject, requests=WARM, **run)
        before = read_counts(counts)
        lab.load(subject, requests=REQUESTS, **run)
        # 32 new connections are in it; they are not the path of a request.
        middle = read_counts(counts)
        lab.load(subject, requests=2 * REQUESTS, **run)
        after = read_counts(counts)
    more = (after[0] - middle[0]) - (middle[0] - before[0])
    return {"per_request": round(max(more, 0) / REQUESTS, 3),
            "bytes_per_request": round(((after[2] - middle[2]) - (middle[2] - before[2]))
                                       / REQUESTS, 1)}


def total_instructions(pattern):
    total = 0
    for name in glob.glob(pattern):
        with open(name) as f:
            match = re.search(r"^(?:summary|totals): (\d+)", f.read(), re.M)
        total += int(match.group(1)) if match else 0
    return total


def instructions(lab, start, sim, **options):
    """callgrind, twice: N requests, then 2 N; starting and ending costs the same both times."""
    if not have("valgrind"):
        return None
    totals = []
    requests = 500
    for n in (requests, 2 * requests):
        out = lab.path(f"callgrind.{n}")
        for old in glob.glob(out + "*"):
            os.unlink(old)
        wrap = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]
        with start(sim, wrap=wrap, seconds=60) as subject:
            lab.load(subject, connections=1, requests=n + 200, **options)
        totals.append(total_instructions(out + "*"))
    return round((totals[1] - totals[0]) / requests) if all(totals) else None


def measure(lab, start, sim, with_instructions=True):
    with start(sim) as subject:
        calls = system_calls(lab, subject)
        stream_calls = system_calls(lab, subject, requests=400, model="short", stream=True)
    result = {
        "syscalls": calls, "stream_syscalls": stream_calls,
        "allocations": allocations(lab, start, sim),
        "stream_allocations": allocations(lab, start, sim, model="short", stream=True),
    }
    if with_instructions:
        result["instructions"] = instructions(lab, start, sim)
        result["translated_instructions"] = instructions(
            lab, partial(start, providers=PROVIDERS), sim, dialect="anthropic")
    return result


def flat(measured):
    """The figures that bench/counters.json keeps."""
    picked = {
        "syscalls_per_request_1": measured["syscalls"].get("per_request_1"),
        "syscalls_per_request_32": measured["syscalls"].get("per_request_32"),
        "syscalls_per_stream_of_8_tokens": measured["stream_syscalls"].get("per_request_1"),
        "allocations_per_request": measured["allocations"]["per_request"],
        "allocations_per_stream": measured["stream_allocations"]["per_request"],
        "instructions_per_request": measured.get("instructions"),
        "instructions_per_translated_request": measured.get("translated_instructions"),
    }
    return {name: value for name, value in picked.items() if value is not None}
