#!/usr/bin/env python3
"""Authentication of smtp-source and smtp-sink: every mechanism, with TLS and without, wrong passwords,
files of users, hostile servers, swaks against the sink; and no password shows anywhere.

    auth.py BUILD
"""
import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

BUILD = sys.argv[1]
SOURCE, SINK = (os.path.join(BUILD, p) for p in ("smtp-source", "smtp-sink"))
MECHANISMS = ("plain", "login", "cram-md5", "scram-sha-1", "scram-sha-256", "oauthbearer",
              "xoauth2", "external")
SECRET = "tanstaaftanstaaf"
LIMIT = 30
passed = failed = 0


def check(name, good, what=""):
    global passed, failed
    passed += bool(good)
    failed += not good
    if not good:
        print(f"FAIL {name}: {what}")


class Sink:
    def __init__(self, *options):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.process = subprocess.Popen([SINK, *options, f"127.0.0.1:{self.port}", "100"],
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.address = f"127.0.0.1:{self.port}"
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                break
            except OSError:
                time.sleep(0.02)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.output = self.process.communicate(timeout=LIMIT)[0]


def source(address, *options, password=None):
    """Exit status, report, stderr."""
    env = {k: v for k, v in os.environ.items() if k != "SMTP_SOURCE_PASSWORD"}
    if password is not None:
        env["SMTP_SOURCE_PASSWORD"] = password
    done = subprocess.run([SOURCE, "--report=json", *options, address], capture_output=True,
                          text=True, timeout=LIMIT, env=env, start_new_session=True, check=False)
    if SECRET in done.stdout + done.stderr:
        check("no secret shows", False, done.stderr)
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


def mechanisms(users):
    for tls in ((), ("--tls",)):
        with Sink("--auth-users", users, "--auth-required", "-v", *tls) as sink:
            trust = ("--tls", "--tls-no-verify") if tls else ()
            for m in MECHANISMS:
                name = f"{m} {' '.join(tls)}"
                status, r, err = source(sink.address, "--auth-users", users, "--auth-mechanism", m,
                                        "-v", "-s", "2", "-m", "6", *trust)
                check(name, status == 0 and r["auth"]["mechanisms"] == {m.upper(): 6}, err[-300:])
                check(f"{name}: phase", r and r["latency"]["auth"]["count"] == 6)
                if m == "external":
                    continue
                status, r, err = source(sink.address, "--auth-user", "tim", "--auth-mechanism", m,
                                        "-m", "1", *trust, password="wrong")
                check(f"{name}: wrong password", status == 1 and "535" in err, err)
                check(f"{name}: counted", r["auth"]["refused_users"] == {"tim": 1}
                      and r["messages"]["refused"] == 1, r["auth"])
            status, r, err = source(sink.address, "--auth-users", users, "--auth-order", "random",
                                    "--seed", "3", "-m", "4", *trust)
            check("the best of them", status == 0 and
                  r["auth"]["mechanisms"] == {"SCRAM-SHA-256": 4}, err)
            status, r, err = source(sink.address, "-m", "1", *trust)
            check("required", status == 1 and "530 5.7.0" in err, err)
        check("the sink shows no secret", SECRET not in sink.output and
              base64.b64encode(SECRET.encode()).decode() not in sink.output, sink.output[-500:])


def counts(users):
    """The sink's own account: taken, refused, left in the middle, by mechanism."""
    with Sink("--auth-users", users, "--auth-insecure", "--report=json") as sink:
        for m in ("plain", "scram-sha-256"):
            source(sink.address, "--auth-users", users, "--auth-mechanism", m, "-m", "3")
        source(sink.address, "--auth-user", "tim", "--auth-mechanism", "login", "-m", "1",
               password="wrong")
        for line in (b"AUTH NONE\r\n", b"AUTH " + b"x" * 500 + b"\r\n", b"AUTH LOGIN\r\n*\r\n",
                     b"AUTH LOGIN\r\n"):
            with socket.create_connection(("127.0.0.1", sink.port)) as s:
                s.sendall(b"EHLO x\r\n" + line)
                s.shutdown(socket.SHUT_WR)
                while s.recv(4096):
                    pass
    auth = json.loads(sink.output[sink.output.index("{"):])["sink"]["auth"]
    check("the sink counts", auth == {
        "attempts": 11, "accepted": 6, "refused": 4, "mechanisms": {"PLAIN": 3, "SCRAM-SHA-256": 3},
        "refused_mechanisms": {"LOGIN": 2, "unknown": 2}}, auth)


def sinks(users):
    with Sink("--auth", "--auth-mechanisms", "PLAIN,LOGIN") as sink:
        for m in ("plain", "login"):
            status, r, err = source(sink.address, "--auth-user", "any", "--auth-mechanism", m, "-m",
                                    "2", password=SECRET)
            check(f"anybody by {m}", status == 0 and r["auth"]["accepted"] == 2, err)
        status, r, err = source(sink.address, "--auth-user", "any", "--auth-mechanism", "cram-md5",
                                "-m", "1", password=SECRET)
        check("not offered", status == 1 and "does not offer AUTH CRAM-MD5, but PLAIN LOGIN" in err,
              err)
    with Sink("--auth-users", users, "--auth-refuse", "user,nobody", "--auth-insecure") as sink:
        status, r, err = source(sink.address, "--auth-users", users, "-m", "6", "-A")
        check("refused by user", r["auth"]["refused_users"].keys() == {"user"}
              and r["messages"]["refused"] == 2, r["auth"])
        if shutil.which("swaks"):
            for m in ("PLAIN", "LOGIN", "CRAM-MD5"):
                for password, good in ((SECRET, True), ("wrong", False)):
                    done = subprocess.run(["swaks", "--server", sink.address, "--to", "a@b.example",
                                           "--auth", m, "--auth-user", "tim", "--auth-password",
                                           password], capture_output=True, text=True,
                                          timeout=LIMIT, check=False)
                    check(f"swaks {m} {good}", (done.returncode == 0) == good, done.stdout[-400:])
        else:
            print("skipped: no swaks")
    status, r, err = source("sink:", "--auth-users", users, "-d", "-s", "3", "-m", "30")
    check("embedded", status == 0 and r["auth"]["accepted"] == 3, err)
    with tempfile.NamedTemporaryFile("w", suffix=".profile") as f:
        f.write("[default]\nAUTH reply 535 5.7.8 Not today\n")
        f.flush()
        with Sink("--auth", "--profile", f.name) as sink:
            status, r, err = source(sink.address, "--auth-user", "tim", "-m", "1", password=SECRET)
            check("profile", status == 1 and "535 Not today" in err.replace("5.7.8 ", ""), err)


def hostile(reply):
    """A server that offers CRAM-MD5 and SCRAM-SHA-1, and says this to AUTH and to all behind it."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        with listener, listener.accept()[0] as c:
            c.settimeout(LIMIT)
            f = c.makefile("rb")
            c.sendall(b"220 mx\r\n")
            f.readline()
            c.sendall(b"250-mx\r\n250 AUTH CRAM-MD5 SCRAM-SHA-1 LOGIN\r\n")
            while f.readline():
                if reply is None:
                    return
                c.sendall(reply)
    threading.Thread(target=serve, daemon=True).start()
    return f"127.0.0.1:{listener.getsockname()[1]}"


def servers():
    nonce = base64.b64encode(b"r=x,s=QSXCR+Q6sek8bf92,i=2000000000")
    for name, mechanism, reply, words in (
            ("no base64", "cram-md5", b"334 !!!\r\n", "CRAM-MD5: "),
            ("too long", "cram-md5", b"334 " + b"A" * 9000 + b"\r\n", "more than 8192 octets"),
            ("no number", "scram-sha-1", b"334 " + base64.b64encode(
                b"r=x,s=QSXCR+Q6sek8bf92,i= 5") + b"\r\n", "or no number of them"),
            ("iterations", "scram-sha-1", b"334 " + nonce + b"\r\n", "more than 1000000"),
            ("another's nonce", "scram-sha-1", b"334 " + base64.b64encode(
                b"r=x,s=QSXCR+Q6sek8bf92,i=4096") + b"\r\n", "did not prove that it knows the password"),
            ("not shown", "scram-sha-1", b"235 fine\r\n", "before the exchange was complete"),
            ("without end", "login", b"334 VXNlcm5hbWU6\r\n", "LOGIN: "),
            ("dropped", "login", None, "lost connection while authenticating"),
            ("refused for now", "login", b"454 4.7.0 no\r\n", "AUTH rejected: 454 4.7.0 no")):
        status, r, err = source(hostile(reply), "--auth-user", "tim", "--auth-mechanism", mechanism,
                                "-m", "1", password=SECRET)
        check(f"server: {name}", status == 1 and words in err and err.count("\n") == 1, err)


def usage(folder, users):
    bad = os.path.join(folder, "bad")
    for content, words in ((b"tim:x\nnobody\n", "line 2 has no password"),
                           (b":x\n", "line 1 has no user name"), (b"tim:\n", "line 1 has an empty"),
                           (b"a\0b:c\n", "line 1 has a NUL"), (b"# none\n", "has no users"),
                           (b"x" * 300 + b":y\n", "line 1 has too long a user name")):
        with open(bad, "wb") as f:
            f.write(content)
        for program, more in ((SOURCE, ("sink:",)), (SINK, (":0", "1"))):
            done = subprocess.run([program, "--auth-users", bad, *more], capture_output=True,
                                  text=True, timeout=LIMIT, check=False)
            check(f"bad file: {words}", done.returncode == 1 and f"{bad}" in done.stderr
                  and words in done.stderr and done.stderr.count("\n") == 1, done.stderr)
    with open(bad, "wb") as f:
        f.write(b"tim:x\n# more\nann:y\ntim:z\n")
    done = subprocess.run([SINK, "--auth-users", bad, ":0", "1"], capture_output=True, text=True,
                          timeout=LIMIT, check=False)
    check("a user twice is an error of the sink's", done.returncode == 1 and done.stderr.count("\n") == 1
          and f"{bad}: line 4 names tim again, after line 1" in done.stderr, done.stderr)
    status, r, err = source("sink:", "--auth-users", bad, "-d", "-s", "3", "-m", "3")
    check("and none of the source's", status in (0, 1) and "again" not in err, err)
    for content, words in ((b"", "is empty"), (b"\nx\n", "is empty"), (b"a\0b\n", "has a NUL in it")):
        with open(bad, "wb") as f:
            f.write(content)
        status, r, err = source("sink:", "--auth-user", "tim", "--auth-password-file", bad)
        check(f"password file: {words}", status == 1 and words in err and err.count("\n") == 1, err)
    with open(bad, "w", encoding="utf-8") as f:
        f.write(SECRET + "\n")
    status, r, err = source("sink:", "--auth-user", "tim", "--auth-password-file", bad, "-m", "2")
    check("password file", status == 0 and r["auth"]["accepted"] == 2, err)
    for options, words in ((("--auth-user", "tim", "--auth-users", users), "cannot be used"),
                           (("--auth-mechanism", "plain"), "needs --auth-user"),
                           (("--auth-password-file", users), "needs --auth-user"),
                           (("--auth-insecure",), "needs --auth-user"),
                           (("--auth-user", "tim"), "SMTP_SOURCE_PASSWORD"),
                           (("--auth-user", "tim", "--auth-password-file", "/nowhere"), "/nowhere"),
                           (("--auth-user", "tim", "--auth-mechanism", "x"), "bad mechanism"),
                           (("--auth-user", "tim", "--auth-mechanism=external",
                             "--auth-password-file", bad), "--auth-password-file is of no use"),
                           (("--auth-users", users, "-o"), "-o cannot be used")):
        status, r, err = source("sink:", *options)
        check(f"usage {options}", status == 1 and words in err and err.count("\n") == 1, err)


def main():
    with tempfile.TemporaryDirectory() as folder:
        users = os.path.join(folder, "users")
        with open(users, "w", encoding="utf-8") as f:
            f.write(f"# users\ntim:{SECRET}\n\nuser\t{SECRET}2\nc:{SECRET}:3\n")
        mechanisms(users)
        sinks(users)
        counts(users)
        servers()
        usage(folder, users)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
