#!/usr/bin/env python3
"""valgrind over normal runs of both programs: no leak, no bad access, no descriptor left open; and
memory that does not grow with the number of connections.

    leaks.py BUILD
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

BUILD = sys.argv[1]
VALGRIND = ["valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full",
            "--show-leak-kinds=all", "--errors-for-leak-kinds=definite,indirect,possible",
            "--trace-children=no"]
CASES = [
    ["-d", "-m", "20", "--html", "/dev/null", "--hdr", "/dev/null", "sink:"],
    ["-d", "-s", "3", "-m", "60", "-r", "2", "sink:"],
    ["-s", "3", "-m", "20", "-L", "-r", "3", "--transactions", "/dev/null", "sink:"],
    ["-d", "-s", "2", "-m", "60", "--pipelining", "--chunking", "--in-flight=4", "sink:"],
    ["-d", "-s", "2", "-m", "20", "-F", __file__, "--report=json", "sink:"],
    ["-s", "3", "-m", "6", "--tls", "--tls-resume=50%", "-l", "100k", "sink:"],
    ["-m", "2", "--tls=implicit", "--tls-fingerprint=" + "0" * 64, "sink:"],
    ["--io=epoll", "-s", "2", "-m", "4", "--auth-user=tim", "--xclient", "--xclient-addr=fd00::/64",
     "sink:"],
    ["-m", "2", "127.0.0.1:1"],
    ["--bogus"],
]


def source(case):
    done = subprocess.run([*VALGRIND, os.path.join(BUILD, "smtp-source"), *case],
                          capture_output=True, text=True, timeout=100, check=False,
                          env={**os.environ, "SMTP_SOURCE_PASSWORD": "secret"})
    return done.returncode != 99, done.stderr


def sink():
    """smtp-sink under valgrind, loaded by smtp-source over a UNIX-domain socket."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        path = f"unix:{folder}/s"
        with subprocess.Popen([*VALGRIND, os.path.join(BUILD, "smtp-sink"), "-M", "50",
                               "--announce=CHUNKING,SIZE=100000", path], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as p:
            subprocess.run([os.path.join(BUILD, "smtp-source"), "--quiet", "-C", "100000000",
                            "-s", "5", "-d", "-m", "50", path], stderr=subprocess.DEVNULL,
                           timeout=60, check=False)
            _, error = p.communicate(timeout=60)
    return p.returncode == 0, error


def does_not_grow(*options):
    """Peak memory of few connections and of many, one message each; sanitizers keep memory of their own."""
    program = os.path.join(BUILD, "smtp-source")
    with open(program, "rb") as f:
        octets = f.read()
    if b"__asan_init" in octets or b"__tsan_init" in octets:
        return True, ""
    used = []
    for messages in ("100", "5000"):
        done = subprocess.run([program, "--report=json", "-s", "2", "-m", messages, *options, "sink:"],
                              capture_output=True, text=True, timeout=100, check=True)
        used.append(json.loads(done.stdout)["peak_rss_bytes"])
    return used[1] < used[0] + (5 << 20), f"{used[0]} octets, then {used[1]}"


def main():
    if not shutil.which("valgrind"):
        print("skipped: no valgrind on this machine")
        print(f"0 passed, 0 failed, {len(CASES) + 1} skipped")
        return 0
    results = [(" ".join(case), *source(case)) for case in CASES] + [("smtp-sink", *sink())]
    results += [(f"memory {' '.join(options)}", *does_not_grow(*options))
                for options in ([], ["--pipelining"], ["--chunking", "--pipelining"])]
    for name, ok, error in results:
        if not ok:
            print(f"{name}:\n{error[-3000:]}")
    failed = sum(not ok for _, ok, _ in results)
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
