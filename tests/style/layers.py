#!/usr/bin/env python3
"""Holds the #include edges of src/ against the table of layers in doc/design.md, and the symbols
that `smtp` and `stats` need against a list of what they must not know.

    layers.py BUILD
"""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SRC = os.path.join(ROOT, "src")

# Layer: the layers that it may use, and the external headers beyond libc's that it may include.
LAYERS = {
    "base": ((), ()),
    "pace": (("base",), ()),
    "smtp": (("base",), ()),
    "mail": (("base",), ("idn2.h",)),
    "stats": (("base",), ()),
    "io": (("base",), ()),
    "tls": (("base", "io"), ("openssl/",)),
    "auth": (("base",), ("gsasl.h",)),
    "run": (("base", "stats", "io"), ()),
    "load": (("base", "pace", "smtp", "mail", "stats", "io", "tls", "auth", "run"), ()),
    "sink": (("base", "smtp", "mail", "stats", "io", "tls", "auth", "run"), ()),
    "report": (("base", "stats", "mail"), ("jansson.h", "zlib.h")),
    "live": (("base", "stats", "io", "run", "report"), ("microhttpd.h",)),
}

# Headers of libraries that are not everybody's.
LIBRARIES = ("jansson.h", "zlib.h", "microhttpd.h", "openssl/", "gsasl.h")

# System headers that the pure layers may not include: sockets, clocks, files, threads.
PURE = ("pace", "smtp", "stats")
IMPURE_HEADERS = re.compile(
    r"^(sys/(socket|epoll|stat|mman|time|un|select|ioctl)|netinet/|arpa/|net|poll|pthread|time|"
    r"fcntl|unistd|stdio|signal|syslog|threads|dirent)")
IMPURE_SYMBOLS = re.compile(
    r"^(socket|connect|bind|listen|accept4?|send(to|msg)?|recv(from|msg)?|shutdown|poll|ppoll|"
    r"select|epoll_.*|clock_.*|time|gettimeofday|nanosleep|sleep|open(at)?|close|read|write|"
    r"pread|pwrite|lseek|f(open|close|read|write|printf|puts|putc)|printf|puts|perror|syslog|"
    r"pthread_.*|thrd_.*|mtx_.*|getenv|exit|signal|sigaction)$")


def edges():
    """Every #include of src: layer, file, header, is it one of ours."""
    for layer in sorted(os.listdir(SRC)):
        folder = os.path.join(SRC, layer)
        if not os.path.isdir(folder):
            continue
        for name in sorted(os.listdir(folder)):
            if not name.endswith((".c", ".h")):
                continue
            with open(os.path.join(folder, name), encoding="utf-8") as f:
                for line in f:
                    m = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
                    if m:
                        yield layer, name, m.group(2), m.group(1) == '"'


def main():
    build = sys.argv[1]
    faults = []
    checked = 0
    homes = {}
    for layer in LAYERS:
        folder = os.path.join(SRC, layer)
        for name in os.listdir(folder) if os.path.isdir(folder) else ():
            if name.endswith(".h"):
                if name in homes:
                    faults.append(f"{name} stands in {homes[name]} and in {layer}")
                homes[name] = layer
    for layer, name, header, ours in edges():
        checked += 1
        where = f"src/{layer}/{name} includes {header}"
        if layer not in LAYERS:
            faults.append(f"src/{layer} is no layer of the table")
        elif "../" in header:
            faults.append(f"{where}: no path upwards")
        elif ours and header not in homes:
            faults.append(f"{where}: no such header in any layer")
        elif ours and homes[header] not in (layer,) + LAYERS[layer][0]:
            faults.append(f"{where}: {layer} may not use {homes[header]}")
        elif not ours and layer in PURE and IMPURE_HEADERS.match(header):
            faults.append(f"{where}: {layer} knows no sockets, clocks, files, threads")
        elif not ours and header.startswith(LIBRARIES) and \
                not header.startswith(LAYERS[layer][1]):
            faults.append(f"{where}: not a library of this layer")
    for layer in PURE:
        out = subprocess.run(["nm", "-u", os.path.join(build, "src", f"lib{layer}.a")],
                             capture_output=True, text=True, check=True).stdout
        for symbol in re.findall(r"^\s+U (\w+)", out, re.M):
            checked += 1
            if IMPURE_SYMBOLS.match(symbol):
                faults.append(f"lib{layer}.a needs {symbol}()")
    for fault in sorted(set(faults)):
        print(fault)
    print(f"{checked - len(faults)} passed, {len(faults)} failed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
