"""The measurements.  Each returns plain data; report.py prints it.

A run is void when a request failed, or when the generator or the simulator was the limit where
the measured process should have been.  Void runs are kept, with the reason, and judged nowhere.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import resource
import statistics
import subprocess
import time

from process import CORES, LOAD_CORES, SUBJECT_CORES

BUSY = 0.90  # of a core: from here on a process counts as the limit


def cpu_of_children_ns():
    use = resource.getrusage(resource.RUSAGE_CHILDREN)
    return int((use.ru_utime + use.ru_stime) * 1e9)


def observe(lab, subject, sim, **options):
    """One run of the generator with the CPU time of all three beside it."""
    before = subject.cpu_ns(), sim.cpu_ns()
    start = time.monotonic_ns()
    run = lab.load(subject, **options)
    wall = time.monotonic_ns() - start
    run["subject_cpu_ns"] = subject.cpu_ns() - before[0]
    run["sim_cpu_ns"] = sim.cpu_ns() - before[1]
    run["subject_busy"] = run["subject_cpu_ns"] / 1e9 / run["seconds"]
    load = run["sim_cpu_ns"] / 1e9 + run["cpu_seconds"]
    if subject is sim:
        load = run["cpu_seconds"]
    run["load_busy"] = load / len(LOAD_CORES) / run["seconds"]
    run["wall_ns"] = wall
    run["void"] = why_void(run, options)
    return run


def why_void(run, options):
    if run["failed"]:
        return f"{run['failed']} failed: {run['first_failure']}"
    if "requests" in options and run["completed"] != options["requests"]:
        return f"{run['completed']} of {options['requests']} completed"
    return None


def load_was_the_limit(run):
    return run["load_busy"] > BUSY and run["subject_busy"] < BUSY


def median(values):
    values = [v for v in values if v is not None]
    return statistics.median(values) if values else None


def summary(values):
    """Median, and what the rounds spread over."""
    values = [v for v in values if v is not None]
    if not values:
        return None
    return {"median": statistics.median(values), "min": min(values), "max": max(values),
            "rounds": len(values)}


def rounds(lab, subjects, sim, count, budget_s, **options):
    """Interleaved, so that what the machine does meanwhile hits all of them; and each time in
    another order, so that none always comes first.  A machine that is too busy for `count` rounds
    within the budget gets fewer, but not less than three."""
    runs = {s.name: [] for s in subjects}
    until = time.monotonic() + budget_s
    for i in range(count):
        if i >= 3 and time.monotonic() > until:
            break
        turn = i % len(subjects)
        for subject in subjects[turn:] + subjects[:turn]:
            runs[subject.name].append(observe(lab, subject, sim, **options))
    return runs


# ---- CPU per request ----

def quiet(values):
    """The mean of the lowest quarter.  Neighbours on the machine can only add to what a request
    costs, so the quietest rounds are the nearest to its own price."""
    lowest = sorted(values)[:max(1, len(values) // 4)]
    return statistics.mean(lowest) if lowest else None


def cpu_per_request(lab, subjects, sim, scale):
    """Many short rounds: a neighbour's burst spoils a few of them, and the median of the ratios
    round by round does not see it."""
    options = {"connections": 32, "requests": 4000}
    for subject in subjects:
        lab.load(subject, connections=32, requests=5000)
    runs = rounds(lab, subjects, sim, max(3, int(40 * scale)), 60 * scale, **options)
    table = {}
    for name, all_runs in runs.items():
        good = [r for r in all_runs if not r["void"]]
        table[name] = {
            "cpu_us": summary([r["subject_cpu_ns"] / 1e3 / r["completed"] for r in good]),
            "quiet_cpu_us": quiet([r["subject_cpu_ns"] / 1e3 / r["completed"] for r in good]),
            "per_second": summary([r["per_second"] for r in good]),
            "busy": median([r["subject_busy"] for r in good]),
            "load_busy": median([r["load_busy"] for r in good]),
            "load_limited": sum(load_was_the_limit(r) for r in good),
            "p50_us": median([r["latency_us"]["p50"] for r in good]),
            "p99_us": median([r["latency_us"]["p99"] for r in good]),
            "void": [r["void"] for r in all_runs if r["void"]],
        }
    result = {"options": options, "rounds": len(runs["dragoman"]), "subjects": table, "ratio": None}
    if "nginx" in runs:
        result["ratio"] = summary([
            ours["subject_cpu_ns"] / ours["completed"] * theirs["completed"]
            / theirs["subject_cpu_ns"]
            for ours, theirs in zip(runs["dragoman"], runs["nginx"])
            if not ours["void"] and not theirs["void"]])
        ours, theirs = table["dragoman"]["quiet_cpu_us"], table["nginx"]["quiet_cpu_us"]
        result["quiet_ratio"] = ours / theirs if ours and theirs else None
    return result


# ---- latency ----

def added(runs, what, percentile):
    """What each subject adds to a direct call, round by round."""
    result = {}
    for name, all_runs in runs.items():
        pairs = zip(all_runs, runs["simulator"])
        result[name] = {
            "us": summary([r[what][percentile] for r in all_runs if not r["void"]]),
            "added_us": summary([r[what][percentile] - d[what][percentile] for r, d in pairs
                                 if not r["void"] and not d["void"]]),
            "void": [r["void"] for r in all_runs if r["void"]],
        }
    return result


def latency(lab, subjects, sim, scale):
    """Over one connection only one of the three processes has work at any time, and then all run
    on one core: between virtual cores each wake-up costs the hypervisor tens of microseconds, and
    a direct call would be spared them.  Then an open loop, at a rate that all of them can hold."""
    one = {"connections": 1, "requests": int(6000 * scale)}
    open_loop = {"connections": 64, "rate": 4000, "seconds": max(2, int(2 * scale))}
    stream = {"connections": 1, "requests": int(3000 * scale), "model": "short", "stream": True}
    result = {}
    for name, options, what in (("one connection", one, "latency_us"),
                                ("first token", stream, "first_content_us"),
                                ("open loop", open_loop, "latency_us")):
        one_core = options["connections"] == 1
        for subject in subjects:
            subject.move(LOAD_CORES if one_core or subject is sim else SUBJECT_CORES)
        runs = rounds(lab, subjects, sim, 5, 20 * scale, **options)
        result[name] = {"options": options, "one_core": one_core, "p50": added(runs, what, "p50"),
                        "p99": added(runs, what, "p99")}
    return result


# ---- event streams ----

def streams(lab, subjects, sim, scale):
    """`full`: as fast as it goes, many events in a packet.  `paced`: each event by itself."""
    cases = {
        "full": {"connections": 8, "requests": max(8, int(16 * scale)), "model": "firehose"},
        "paced": {"connections": 128, "requests": max(128, int(256 * scale)), "model": "paced"},
    }
    result = {}
    for case, options in cases.items():
        runs = rounds(lab, subjects, sim, 5, 20 * scale, stream=True, timeout=60, **options)
        expected = median([r["events"] for r in runs["simulator"]])
        table = {}
        for name, all_runs in runs.items():
            for r in all_runs:
                if not r["void"] and r["events"] != expected:
                    r["void"] = f"{r['events']} events came, direct brings {expected:.0f}"
                if not r["void"] and r["dones"] != r["completed"]:
                    r["void"] = f"{r['completed'] - r['dones']} streams without [DONE]"
            good = [r for r in all_runs if not r["void"]]
            table[name] = {
                "cpu_us": summary([r["subject_cpu_ns"] / 1e3 / r["events"] for r in good]),
                "per_second": summary([r["events"] / r["seconds"] for r in good]),
                "per_core": summary([r["events"] * 1e9 / r["subject_cpu_ns"] for r in good]),
                "busy": median([r["subject_busy"] for r in good]),
                "load_limited": sum(load_was_the_limit(r) for r in good),
                "events": median([r["events"] for r in good]),
                "void": [r["void"] for r in all_runs if r["void"]],
            }
        result[case] = {"options": options, "subjects": table}
    return result


# ---- memory ----

def settled_kib(subject, seconds, goal_kib=None):
    """Memory once it stopped falling (allocators give back late), or after `seconds`."""
    until = time.monotonic() + seconds
    lowest = subject.memory_kib()
    while time.monotonic() < until and (goal_kib is None or lowest > goal_kib):
        time.sleep(0.5)
        lowest = min(lowest, subject.memory_kib())
    return lowest


def hold_streams(lab, subject, steps, **options):
    """Open streams step by step; the memory at each step."""
    argv = lab.load_argv(subject, model="held", stream=True, timeout=60, connections=max(steps),
                         hold=",".join(map(str, steps)), **options)
    points, trouble = [], None
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as load:
        for step in steps:
            line = json.loads(load.stdout.readline() or '{"held": 0, "why": "ended"}')
            if line["held"] < step:
                trouble = f"{line['held']} of {step} streams: {line['why'] or 'timed out'}"
                break
            time.sleep(0.3)
            points.append({"streams": step, "kib": subject.memory_kib()})
            load.stdin.write(b"\n")
            load.stdin.flush()
        load.stdin.close()
        load.stdout.read()
    return points, trouble


def slope_bytes(points):
    """Least squares, since one point may catch a buffer that is just growing."""
    if len(points) < 2:
        return None
    xs, ys = [p["streams"] for p in points], [p["kib"] * 1024 for p in points]
    mx, my = statistics.mean(xs), statistics.mean(ys)
    return (sum((x - mx) * (y - my) for x, y in zip(xs, ys))
            / sum((x - mx) ** 2 for x in xs))


def memory(lab, start, sim, patience):
    """`start` gives a fresh process: memory is history."""
    result = {}
    most = (lab.files - 200) // 2
    steps = [n for n in (1000, 2000, 5000, 10000) if n <= most]
    if steps[-1] != 10000:
        steps.append(most // 100 * 100)
    with start(sim) as subject:
        result["idle_kib"] = subject.memory_kib()
        lab.load(subject, connections=32, requests=20000)
        result["after_requests_kib"] = subject.memory_kib()
        points, result["trouble"] = hold_streams(lab, subject, steps)
        result["points"] = points
        result["per_stream_bytes"] = slope_bytes(points)
        goal = result["after_requests_kib"] * 1.1
        result["after_streams_kib"] = settled_kib(subject, patience, goal)
    result["burst"] = burst(lab, start, sim, patience, "short")
    result["burst_echoed"] = burst(lab, start, sim, patience, "chat")
    return result


def burst(lab, start, sim, patience, model):
    """Large requests, all at once; answered in a few words, or with as much as was asked."""
    with start(sim) as subject:
        idle = subject.memory_kib()
        run = lab.load(subject, connections=1500, requests=1500, body_bytes=150_000, model=model)
        return {
            "bodies": 1500, "body_bytes": 150_000, "idle_kib": idle, "failed": run["failed"],
            "peak_kib": subject.memory_kib("VmHWM"),
            "at_end_kib": subject.memory_kib(),
            "settled_kib": settled_kib(subject, patience, idle * 1.1)}


def machine(lab):
    """What a figure is worth nothing without."""
    def first(argv):
        try:
            out = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            return out.stdout.decode().splitlines()[0].strip()
        except (OSError, IndexError):
            return "unknown"

    cpu = "unknown"
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                cpu = line.split(":", 1)[1].strip()
    here = os.path.dirname(os.path.abspath(__file__))
    commit = first(["git", "-C", here, "describe", "--always", "--dirty", "--abbrev=12"])
    if commit.startswith("fatal"):
        commit = "unknown"
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "cpu": cpu, "cores": len(CORES), "kernel": os.uname().release,
        "load_average_before": os.getloadavg()[0],
        "commit": commit, "dragoman": first([lab.dragoman_program, "version"]),
        "nginx": first(["nginx", "-v"]), "files": lab.files,
    }
