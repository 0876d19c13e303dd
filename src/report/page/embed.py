#!/usr/bin/env python3
"""Makes the parts of the report page, with everything inlined, into a C file.

    embed.py PAGE.html PAGE.css PAGE.js CHART.js OUTPUT.c

The policy in the page allows these very scripts and styles, by their digests, and nothing else: no
request, no script that came with the data.
"""
import base64
import hashlib
import re
import sys


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def digest(text):
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def array(name, text):
    octets = text.encode()
    lines = [",".join(str(b) for b in octets[i:i + 24]) for i in range(0, len(octets), 24)]
    return (f"const unsigned char {name}[] = {{\n" + ",\n".join(lines) + f"}};\n"
            f"const size_t {name}_size = {len(octets)};\n")


def main():
    page, style, script, chart = (read(path) for path in sys.argv[1:5])
    # A map of its sources would be looked for beside the page.
    chart = re.sub(r"(?m)^//# sourceMappingURL=.*$", "", chart)
    for text in (script, chart):
        if re.search(r"</script|<!--", text, re.I):
            sys.exit("embed.py: a script holds what would end it")
    policy = (f"default-src 'none'; script-src {digest(chart)} {digest(script)}; "
              f"style-src {digest(style)}; img-src data:; base-uri 'none'; form-action 'none'")
    for mark, text in (("@POLICY@", policy), ("@STYLE@", style), ("@CHART@", chart),
                       ("@SCRIPT@", script)):
        before, after = page.split(mark)
        page = before + text + after
    first, tail = page.split("@DATA@")
    head, rest = first[:first.index(policy) + len(policy)], first[first.index(policy) + len(policy):]
    with open(sys.argv[5], "w", encoding="ascii") as out:
        out.write("/* Made by embed.py. */\n#include \"page_data.h\"\n\n"
                  + array("page_policy", head) + array("page_head", rest) + array("page_tail", tail))


if __name__ == "__main__":
    main()
