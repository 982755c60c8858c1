"""What it costs to translate: the same question to upstreams of every dialect, and by clients of
every API, beside the same-dialect path and nginx.

SPDX-License-Identifier: Apache-2.0
"""
from measure import (hold_streams, load_was_the_limit, median, observe, quiet, slope_bytes,
                     summary)

# Dialect -> how the simulator is reached as a provider of it.
PROVIDERS = {
    "openai": 'base_url: "http://127.0.0.1:{sim}/v1", key: sk-upstream-0123456789',
    "anthropic": 'base_url: "http://127.0.0.1:{sim}/v1", key: sk-ant-upstream',
    "gemini": 'base_url: "http://127.0.0.1:{sim}/v1beta", key: AIza-upstream',
    "ollama": 'base_url: "http://127.0.0.1:{sim}"',
    "bedrock": 'base_url: "http://127.0.0.1:{sim}", region: eu-central-1, '
               'key: "AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"',
}
# Client's API, upstream's dialect.  The first is the path on which nothing is translated.
PAIRS = ([("chat", dialect) for dialect in PROVIDERS]
         + [("messages", "openai"), ("messages", "anthropic"), ("messages", "gemini"),
            ("responses", "openai"), ("responses", "anthropic")])
HELD = [500, 1000, 2000, 3000]
CASES = {
    "whole": {"model": "chat", "stream": False, "connections": 32, "requests": 4000},
    "full": {"model": "firehose", "stream": True, "connections": 8, "requests": 16},
    "paced": {"model": "paced", "stream": True, "connections": 128, "requests": 256},
}


def point(run, unit):
    """CPU-µs for a request or an event; None where the run is void."""
    count = run["completed"] if unit == "request" else run["events"]
    return None if run["void"] or not count else run["subject_cpu_ns"] / 1e3 / count


def judge(run, first):
    """An event lost, or one too many, against the first run of its kind makes a run void."""
    if not run["void"] and run["events"] != first["events"]:
        run["void"] = f"{run['events']} events came, at first there were {first['events']}"


def row(runs, ours, theirs, unit):
    costs = [point(r, unit) for r in runs]
    good = [c for c in costs if c is not None]

    def ratio(others):
        pairs = zip(costs, (point(r, unit) for r in others))
        return summary([a / b for a, b in pairs if a and b])

    return {"cpu_us": summary(good), "quiet_cpu_us": quiet(good),
            "per_core": summary([1e6 / c for c in good]),
            "to_same_dialect": ratio(ours), "to_nginx": ratio(theirs) if theirs else None,
            "load_limited": sum(load_was_the_limit(r) for r in runs),
            "events": median([r["events"] for r in runs if not r["void"]]),
            "void": [r["void"] for r in runs if r["void"]]}


def stream_bytes(lab, sim):
    """What an open stream holds of each pair, by the slope; a fresh process for each."""
    result = {}
    for surface, dialect in PAIRS:
        with lab.dragoman(sim, providers=PROVIDERS) as dragoman:
            pair = {"surface": surface, "dialect": dialect}
            lab.load(dragoman, connections=32, requests=2000, **pair)
            points, trouble = hold_streams(lab, dragoman, HELD, **pair)
            result[named(surface, dialect)] = {"bytes": slope_bytes(points), "void": trouble}
    return result


def named(surface, dialect):
    return f"{surface} → {dialect}"


def measure(lab, sim, nginx, scale):
    """Rounds are interleaved; ratios are taken round by round."""
    result = {}
    with lab.dragoman(sim, providers=PROVIDERS) as dragoman:
        kinds = {named(s, d): (dragoman, s, d) for s, d in PAIRS}
        if nginx is not None:
            kinds = {"nginx": (nginx, "chat", "openai"), **kinds}
        for case, options in CASES.items():
            unit = "request" if case == "whole" else "event"
            runs = {kind: [] for kind in kinds}
            for turn in range(max(3, int((12 if case == "whole" else 5) * scale))):
                names = list(kinds)
                turn %= len(names)
                for name in names[turn:] + names[:turn]:
                    subject, surface, dialect = kinds[name]
                    run = observe(lab, subject, sim, surface=surface, dialect=dialect, **options)
                    judge(run, (runs[name] or [run])[0])
                    runs[name].append(run)
            same = runs[named("chat", "openai")]
            result[case] = {"options": options, "unit": unit, "rounds": len(same), "rows": {
                name: row(r, same, runs.get("nginx"), unit) for name, r in runs.items()}}
    return {"cases": result, "stream_bytes": stream_bytes(lab, sim)}
