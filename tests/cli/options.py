#!/usr/bin/env python3
"""Every option row is in --help and the manual page, and some test uses it.

    options.py BUILD
"""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAMS = ("smtp-source", "smtp-sink", "smtp-report")


def ask(program, *args):
    return subprocess.run([program, *args], capture_output=True, text=True, timeout=20,
                          check=True).stdout


def tests_text():
    """All that tests say, but for this file."""
    parts = []
    for folder, _, names in os.walk(os.path.join(ROOT, "tests")):
        for name in names:
            path = os.path.join(folder, name)
            if name.endswith((".py", ".c", ".t")) and path != os.path.abspath(__file__):
                with open(path, encoding="utf-8", errors="replace") as f:
                    parts.append(f.read())
    return "\n".join(parts)


def faults_of(row, text, manual, used):
    name, letter = row.split("\t")
    if f"--{name}" not in text:
        yield f"--{name} is not in --help"
    if f"\\-\\-{name.replace('-', chr(92) + '-')}\\fR" not in manual:
        yield f"--{name} is not in the manual page"
    short = letter != "-" and re.search(rf"[\"' ]-[A-Za-z0-9]*{re.escape(letter)}\b", used)
    said = re.search(rf"^{re.escape(name)} ", used, re.M)  # in a transcript of tests/wire
    if not short and not said and f"--{name}" not in used:
        yield f"--{name} is used by no test"


def main():
    build = sys.argv[1]
    used = tests_text()
    passed = 0
    faults = []
    for program in PROGRAMS:
        path = os.path.join(build, program)
        text = ask(path, "--help")
        with open(os.path.join(build, "man", program + ".1"), encoding="utf-8") as f:
            manual = f.read()
        for row in ask(path, "--help=names").splitlines():
            found = [f"{program}: {fault}" for fault in faults_of(row, text, manual, used)]
            faults += found
            passed += not found
        checked = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z",
                                  os.path.join(build, "man", program + ".1")],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                 timeout=20, check=False)
        if checked.returncode or checked.stderr.strip():
            faults.append(f"{program}.1: man says {checked.stderr.strip()}")
        else:
            passed += 1
        for line in text.splitlines():
            if len(line) > 80:
                faults.append(f"{program} --help: longer than 80 columns: {line}")
    for fault in faults:
        print(fault)
    print(f"{passed} passed, {len(faults)} failed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
