#!/usr/bin/env python3
"""The histogram log is read by hdr-histogram-js (from npm), count by count.

    hdr.py BUILD
"""
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.abspath(sys.argv[1])
PACKAGE = "hdr-histogram-js"
VERSION = "3.0.1"


def module():
    """Its main file, installed below the build directory; None with the reason when it can't be."""
    folder = os.path.join(BUILD, "npm")
    main = os.path.join(folder, "node_modules", PACKAGE, "dist", "index.js")
    if not shutil.which("node") or not shutil.which("npm"):
        return None, "no npm on this machine"
    if not os.path.exists(main):
        done = subprocess.run(["npm", "install", "--no-save", "--no-audit", "--no-fund",
                               "--ignore-scripts", "--prefix", folder, f"{PACKAGE}@{VERSION}"],
                              capture_output=True, text=True, timeout=120, check=False)
        if not os.path.exists(main):
            return None, "npm can't install " + PACKAGE + ": " + done.stderr.strip()[-200:]
    return main, ""


def main():
    path, why = module()
    if not path:
        print(f"skipped: {why}\n0 passed, 0 failed, 1 skipped")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([os.path.join(BUILD, "tests/report/write_samples"), folder], check=True)
        real = os.path.join(folder, "real")
        subprocess.run([os.path.join(BUILD, "smtp-source"), "--quiet", "-d", "-s", "3", "-m", "2000",
                        "--hdr", real + ".hlog", "--output", real + ".json", "sink:"], check=True)
        names = [os.path.join(folder, name) for name in ("source-small", "source-troubled", "real")]
        return subprocess.run(["node", os.path.join(HERE, "hdr.mjs"), path, *names],
                              check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
