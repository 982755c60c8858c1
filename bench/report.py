"""The report as a Markdown table, which is also what is printed.

SPDX-License-Identifier: Apache-2.0
"""

KIB = 1024


def number(value, digits=1):
    if value is None:
        return "-"
    return f"{value:,.{digits}f}" if isinstance(value, float) or digits == 0 else f"{value:,}"


def spread(s, digits=1):
    """median (least to most)"""
    if s is None:
        return "void"
    return f"{s['median']:,.{digits}f} ({s['min']:,.{digits}f} to {s['max']:,.{digits}f})"


def mib(kib):
    return f"{kib / KIB:.1f} MiB" if kib is not None else "-"


def table(head, rows):
    out = ["| " + " | ".join(head) + " |", "|" + " --- |" + " --: |" * (len(head) - 1)]
    return out + ["| " + " | ".join(map(str, r)) + " |" for r in rows] + [""]


def judged(value, goal, unit=""):
    """A goal is a ceiling."""
    if value is None:
        return "not measured"
    word = "met" if value <= goal else "MISSED"
    return f"{word} (goal ≤ {goal:g}{unit})"


def label(name):
    return "direct to the simulator" if name == "simulator" else name


def cpu_section(cpu):
    rows = [[label(n), spread(s["cpu_us"]), number(s["quiet_cpu_us"]), spread(s["per_second"], 0),
             f"{s['busy'] or 0:.0%}", f"{s['load_busy'] or 0:.0%}",
             number(s["p50_us"]), number(s["p99_us"])]
            for n, s in cpu["subjects"].items()]
    o = cpu["options"]
    out = [f"## CPU per request: {o['requests']:,} requests a round, {o['connections']} "
           f"connections, {cpu['rounds']} rounds", ""]
    out += table(["", "CPU-µs per request", "quietest quarter", "requests/s", "its core busy", "load's core busy",
                  "p50 µs", "p99 µs"], rows)
    if cpu["ratio"]:
        out += [f"dragoman ÷ nginx: **{spread(cpu['ratio'], 3)}**, "
                + judged(cpu["ratio"]["median"], 1.0)
                + f"; in the quietest quarter of the rounds {cpu['quiet_ratio']:.3f}", ""]
    return out + limits(cpu["subjects"]) + voids(cpu["subjects"])


def limits(subjects):
    return [f"- {label(n)}: in {s['load_limited']} round(s) the core of generator and simulator "
            "was the limit, so its requests or events per second are a lower bound (CPU per request "
            "is not touched by that)" for n, s in subjects.items()
            if s["load_limited"] and n != "simulator"] + [""]


def voids(subjects):
    return [f"- VOID, {label(n)}: {why}" for n, s in subjects.items() for why in s["void"]] + [""]


def latency_section(latency):
    out = []
    goals = {"one connection": (30, 45), "first token": (60, 150)}
    for name, m in latency.items():
        options = ", ".join(f"{k} {v}" for k, v in m["options"].items())
        cores = ", all on one core" if m["one_core"] else ""
        out += [f"## Latency, {name} ({options}{cores})", ""]
        rows = []
        for s in m["p50"]:
            p50, p99 = m["p50"][s], m["p99"][s]
            direct = s == "simulator"
            rows.append([label(s), spread(p50["us"]), spread(p99["us"]),
                         "" if direct else spread(p50["added_us"]),
                         "" if direct else spread(p99["added_us"])])
        out += table(["", "p50 µs", "p99 µs", "added p50", "added p99"], rows)
        ours = m["p50"].get("dragoman"), m["p99"].get("dragoman")
        if name in goals and all(o and o["added_us"] for o in ours):
            words = [judged(o["added_us"]["median"], g, " µs") for o, g in zip(ours, goals[name])]
            out += [f"added p50 {words[0]}, added p99 {words[1]}", ""]
        out += voids(m["p50"])
    return out


def stream_section(streams):
    titles = {"full": "as fast as it goes, many events in a packet",
              "paced": "4 ms apart, so nearly each in a packet of its own"}
    out = []
    for case, m in streams.items():
        o = m["options"]
        out += [f"## Event streams, {titles[case]} ({o['connections']} at a time, "
                f"{o['requests']} a round)", ""]
        rows = [[label(n), spread(s["cpu_us"], 2), spread(s["per_core"], 0),
                 spread(s["per_second"], 0), f"{s['busy'] or 0:.0%}", number(s["events"], 0)]
                for n, s in m["subjects"].items()]
        out += table(["", "CPU-µs per event", "events per second of CPU", "events/s relayed",
                      "its core busy", "events counted"], rows)
        out += limits(m["subjects"]) + voids(m["subjects"])
    return out


def translated_section(translated):
    titles = {"whole": "whole answers", "full": "streams as fast as they go",
              "paced": "streams with one event in a packet"}
    out = []
    for case, m in translated["cases"].items():
        o, unit = m["options"], m["unit"]
        out += [f"## Translated, {titles[case]} ({o['connections']} at a time, {o['requests']} a "
                f"round, {m['rounds']} rounds)", ""]
        rows = [[name, spread(r["cpu_us"], 2), number(r["quiet_cpu_us"], 2),
                 spread(r["to_same_dialect"], 2), spread(r["to_nginx"], 2),
                 number(r["per_core"] and r["per_core"]["median"], 0), number(r["events"], 0)]
                for name, r in m["rows"].items()]
        out += table(["client → upstream", f"CPU-µs per {unit}", "quietest quarter",
                      "÷ same dialect", "÷ nginx", f"{unit}s per second of CPU", "events counted"],
                     rows)
        out += voids(m["rows"])
    rows = [[name, number(m["bytes"], 0) if not m["void"] else "VOID: " + m["void"]]
            for name, m in translated["stream_bytes"].items()]
    return out + ["## Translated, memory", ""] + table(
        ["client → upstream", "bytes an open stream (slope)"], rows)


def memory_section(memory):
    slope = memory["per_stream_bytes"]
    bursts = (("short answers", memory["burst"]), ("answers as large", memory["burst_echoed"]))
    rows = [["idle, at start", mib(memory["idle_kib"]), judged(memory["idle_kib"] / KIB, 8, " MiB")],
            ["after 20,000 requests on 32 connections", mib(memory["after_requests_kib"]),
             judged(memory["after_requests_kib"] / KIB, 16, " MiB")]]
    rows += [[f"{p['streams']:,} open streams", mib(p["kib"]), ""] for p in memory["points"]]
    rows += [["for each open stream (slope)", f"{slope:,.0f} bytes" if slope else "-",
              judged(slope, 4096, " bytes") if slope else ""],
             ["after they closed", mib(memory["after_streams_kib"]), ""]]
    for what, burst in bursts:
        goal = judged(burst["peak_kib"] / KIB, 250, " MiB") if burst is memory["burst"] else ""
        rows += [[f"highest in a burst of {burst['bodies']:,} bodies of 150 KB at once, {what}",
                  mib(burst["peak_kib"]), goal],
                 ["after it", mib(burst["settled_kib"]),
                  judged(burst["settled_kib"] / burst["idle_kib"], 1.1, " × idle")]]
    out = ["## Memory (resident set)", ""] + table(["", "dragoman", ""], rows)
    if memory["trouble"]:
        out += [f"- VOID beyond what is listed: {memory['trouble']}", ""]
    for what, burst in bursts:
        if burst["failed"]:
            out += [f"- VOID, burst, {what}: {burst['failed']} failed", ""]
    return out


def counter_section(counters, flat):
    rows = [[name.replace("_", " "), number(value, 0 if value > 1000 else 1)]
            for name, value in flat.items()]
    out = ["## Deterministic counters", ""] + table(["", "dragoman"], rows)
    for key, title in (("by_name_1", "System calls, one connection"),
                       ("by_name_32", "the same, 32 connections, traced")):
        names = counters["syscalls"].get(key)
        if names:
            out += [f"{title}: " + ", ".join(f"{n} {c:g}" for n, c in names.items()) + ".", ""]
    words = [judged(round(flat[n], 1), g) for n, g in (("syscalls_per_request_1", 6),
                                              ("allocations_per_request", 0)) if n in flat]
    return out + ["System calls and allocations: " + ", ".join(words), ""]


def markdown(report):
    m = report["machine"]
    out = ["# dragoman beside nginx", "",
           f"{m['date']}, {m['cores']} cores of {m['cpu']}, Linux {m['kernel']}; "
           f"{m['dragoman']} at {m['commit']}; {m['nginx']}.",
           f"Before the run the machine's load average was {m['load_average_before']:.2f}. "
           + report["pinning"], ""]
    sections = (("cpu", cpu_section), ("latency", latency_section), ("streams", stream_section),
                ("translated", translated_section),
                ("memory", memory_section))
    for name, section in sections:
        if name in report:
            out += section(report[name])
    if "counters" in report:
        out += counter_section(report["counters"], report["counters_flat"])
    out += [f"- skipped: {s}" for s in report["skipped"]]
    return "\n".join(squeeze(out)) + "\n"


def squeeze(lines):
    """No two empty lines together."""
    return [x for i, x in enumerate(lines) if x or i == 0 or lines[i - 1]]
