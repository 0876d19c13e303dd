#!/usr/bin/env python3
"""The documents we write are valid, and the validator notices when they are not.

usage: test_validate.py WRITE_SAMPLES

Every field that follows from others is changed, one at a time, in a document with every kind of
trouble; the validator must object each time. (In few phases and refusals: the others are alike,
and it takes time.)
"""

import copy
import json
import pathlib
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import validate  # noqa: E402  (exits 77 when python3-jsonschema is missing)


def paths(node, here=()):
    """All places in a document, as tuples of keys."""
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in items:
        yield here + (key,)
        if isinstance(value, (dict, list)):
            yield from paths(value, here + (key,))


def at(node, path):
    for key in path:
        node = node[key]
    return node


# What may have any number without contradicting another field.
FREE = {"elapsed_ns", "peak_rss_bytes", "content_bytes", "sent_bytes", "received_bytes", "timeouts",
        "protocol_errors", "code", "min_ns", "environment", "recipients", "config", "workers", "above", "warmup_ns",
        "pauses", "transactions",
        # bounded only
        "quits", "unrecorded", "attempts", "lost", "aborted", "sessions", "peak_sessions", "partial", "collateral", "started",
        "made", "weight"}


def shortened(document):
    """The same with few phases, buckets and rows, but still valid."""
    for group in ("latency", "refused_latency"):
        for phase in list(document.get(group, {})):
            if len(document[group][phase]["buckets"]) > 8:
                del document[group][phase]
    for row in document.get("targets", []):
        row["latency"] = {}
    other = document.get("refusals_other")
    while other and len(document["refusals"]) > 2:
        row = document["refusals"].pop()
        other["messages"] += row["messages"]
        other["replies"] += row["replies"]
    return document


def changed(document):
    """Pairs of a description and a document with one thing wrong."""
    for path in paths(document):
        value = at(document, path)
        broken = copy.deepcopy(document)
        parent = at(broken, path[:-1])
        if isinstance(path[-1], str) and len(path) == 1 and path[0] not in ("sink", "targets"):
            del parent[path[-1]]
            yield f"without {path}", broken
        if isinstance(value, dict) and "refused_by_verb" not in path and "kinds" not in path and path not in (
                ("latency",), ("refused_latency",), ("auth", "mechanisms"), ("auth", "refused_users"),
                ("sink", "auth", "mechanisms"), ("sink", "auth", "refused_mechanisms")):
            broken = copy.deepcopy(document)
            at(broken, path)["unheard_of"] = 1
            yield f"with more in {path}", broken
        if isinstance(value, bool) or not isinstance(value, int):
            continue
        broken = copy.deepcopy(document)
        at(broken, path[:-1])[path[-1]] = -1
        yield f"negative {path}", broken
        if not FREE.intersection(path[-2:]) or path[0] == "recipients":
            broken = copy.deepcopy(document)
            at(broken, path[:-1])[path[-1]] = value + 10**6 * max(1, value // 10**6)
            yield f"changed {path}", broken


def main():
    schema = json.loads(validate.SCHEMA.read_text(encoding="utf-8"))
    failures = 0
    tried = 0

    with tempfile.TemporaryDirectory() as directory:
        subprocess.run([sys.argv[1], directory], check=True)
        files = sorted(pathlib.Path(directory).glob("*.json"))
        if len(files) != 8:
            print(f"expected 8 samples, found {len(files)}")
            return 1
        for path in files:
            text = path.read_text(encoding="utf-8")
            for line in validate.check(json.loads(text), schema):
                print(f"{path.name}: {line}")
                failures += 1
            if "troubled" not in path.name:
                continue
            short = shortened(json.loads(text))
            assert not validate.check(short, schema), "what is changed must be valid before"
            for what, broken in changed(short):
                tried += 1
                if not validate.check(broken, schema):
                    print(f"{path.name}: not noticed: {what}")
                    failures += 1
    print(f"{tried} changes tried, {failures} failures")
    return 1 if failures or tried < 100 else 0


if __name__ == "__main__":
    sys.exit(main())
