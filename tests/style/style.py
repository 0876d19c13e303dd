#!/usr/bin/env python3
"""House rules that a machine can hold: banned calls, layout by clang-format where it is installed,
file openings, no leftovers."""
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BANNED = re.compile(r"\b(atoi|atol|sprintf|vsprintf|strcpy|strcat|gets|usleep)\s*\(")
LINES_MAX = 700
LEFTOVER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def sources():
    for top in ("src", "tests", "bench"):
        for folder, _, names in os.walk(os.path.join(ROOT, top)):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    yield os.path.join(folder, name)


def main():
    faults = []
    checked = 0
    files = list(sources())
    for path in files:
        short = os.path.relpath(path, ROOT)
        with open(path, encoding="utf-8") as f:
            text = f.read()
        checked += 1
        if not text.startswith("/*"):
            faults.append(f"{short}: does not open with what it is for")
        lines = text.splitlines()
        if short.startswith("src") and len(lines) > LINES_MAX:
            faults.append(f"{short}: {len(lines)} lines: more than {LINES_MAX}, so it is two things")
        for number, line in enumerate(lines, 1):
            if BANNED.search(line):
                faults.append(f"{short}:{number}: banned call: {line.strip()}")
            if LEFTOVER.search(line):
                faults.append(f"{short}:{number}: leftover: {line.strip()}")
            if len(line) > 100:
                faults.append(f"{short}:{number}: longer than 100 columns")
            if "\t" in line:
                faults.append(f"{short}:{number}: a tab")
    if shutil.which("clang-format"):
        checked += len(files)
        done = subprocess.run(["clang-format", "--dry-run", *files], capture_output=True, text=True,
                              check=False)
        for path in sorted(set(re.findall(r"^(\S+?):\d+:\d+: ", done.stderr, re.M))):
            faults.append(f"{os.path.relpath(path, ROOT)}: clang-format would lay it out otherwise")
    for fault in faults:
        print(fault)
    print(f"{max(checked - len(faults), 0)} passed, {len(faults)} failed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
