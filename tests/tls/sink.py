#!/usr/bin/env python3
"""smtp-sink with TLS: clients that do it right (openssl, curl, swaks, Python), and clients that
don't.

    sink.py BUILD
"""
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

from certs import Certs, digest

BUILD = sys.argv[1]
SINK = os.path.join(BUILD, "smtp-sink")
USER = ["-u", "nobody"] if os.geteuid() == 0 else []
LIMIT = 20
passed = failed = skipped = 0


def check(name, good, what=""):
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print(f"FAIL {name}: {what}")


class Sink:
    """A running sink; leaving the context stops it, and then there are its report and stderr."""

    def __init__(self, *options):
        self.process = subprocess.Popen([SINK, *USER, "--report=json", *options, "127.0.0.1:0"],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        first = self.process.stderr.readline().decode()
        self.port = int(re.search(r":(\d+)$", first.strip()).group(1))
        self.report = self.text = None

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.process.send_signal(signal.SIGINT)
        out, text = self.process.communicate(timeout=LIMIT)
        self.report = json.loads(out)["sink"]
        self.text = text.decode()

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=LIMIT)


def reply(conn):
    """All lines of a reply; what there is at the end of the connection."""
    text = b""
    while not re.search(rb"(^|\n)\d\d\d( [^\n]*)?\r\n$", text):
        octets = conn.recv(4096)
        if not octets:
            break
        text += octets
    return text


def ask(conn, text):
    conn.sendall(text)
    return reply(conn)


def client(**settings):
    cx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    cx.check_hostname = False
    cx.verify_mode = ssl.CERT_NONE
    for name, value in settings.items():
        if name == "cert":
            cx.load_cert_chain(value)
        else:
            setattr(cx, name, value)
    return cx


def starttls(sink, cx):
    """A connection up to the end of the handshake."""
    conn = sink.connect()
    reply(conn)
    ask(conn, b"EHLO me\r\n")
    ask(conn, b"STARTTLS\r\n")
    return cx.wrap_socket(conn)


def mail(conn):
    return [ask(conn, text)[:3] for text in
            (b"EHLO me\r\n", b"MAIL FROM:<a@b>\r\n", b"RCPT TO:<c@d>\r\n", b"DATA\r\n",
             b"Subject: x\r\n\r\n" + b"x" * 70 + b"\r\n.\r\n", b"QUIT\r\n")]


WELL = [b"250", b"250", b"250", b"354", b"250", b"221"]


def conversation():
    with Sink("--tls") as sink:
        conn = sink.connect()
        check("greeting", reply(conn).startswith(b"220 "))
        check("announced", b"250-STARTTLS\r\n" in ask(conn, b"EHLO me\r\n"))
        check("argument", ask(conn, b"STARTTLS now\r\n").startswith(b"501 "))
        check("220", ask(conn, b"STARTTLS\r\n").startswith(b"220 "))
        tls = client().wrap_socket(conn)
        check("not announced inside", b"STARTTLS" not in ask(tls, b"EHLO me\r\n"))
        check("not twice", ask(tls, b"STARTTLS\r\n").startswith(b"503 "))
        check("mail", mail(tls) == WELL)
        conn = sink.connect()
        reply(conn)
        check("in plaintext too", mail(conn) == WELL)
    check("numbers", sink.report["messages"] == 2 and sink.report["tls"]["full"] == 1 and
          sink.report["sessions"] == sink.report["quits"] == 2 and not sink.text, sink.report)
    with Sink() as sink:
        conn = sink.connect()
        reply(conn)
        check("not without --tls", b"STARTTLS" not in ask(conn, b"EHLO me\r\n") and
              ask(conn, b"STARTTLS\r\n").startswith(b"500 "))
    with Sink("--tls=implicit") as sink:
        tls = client().wrap_socket(sink.connect())
        check("implicit", reply(tls).startswith(b"220 ") and mail(tls) == WELL)
    with Sink("--tls", "-f", "STARTTLS") as sink:
        conn = sink.connect()
        reply(conn)
        check("refused", ask(conn, b"STARTTLS\r\n").startswith(b"500 ") and mail(conn) == WELL)
    with Sink("--tls", "-W", "STARTTLS:50ms") as sink:
        check("delayed", mail(starttls(sink, client())) == WELL)


def injection():
    for io in ("epoll", "uring"):
        with Sink("--tls", f"--io={io}") as sink:
            conn = sink.connect()
            reply(conn)
            text = ask(conn, b"STARTTLS\r\nMAIL FROM:<a@b>\r\n") + conn.recv(1000)
            check(f"pipelined ({io})", text.startswith(b"554 ") and text.count(b"\r\n") == 1, text)
            conn = sink.connect()
            reply(conn)
            ask(conn, b"STARTTLS\r\n")
            conn.sendall(b"MAIL FROM:<a@b>\r\n")
            text = conn.recv(1000)
            check(f"in the clear ({io})", b"250" not in text, text)
            conn.close()
            conn = sink.connect()
            reply(conn)
            conn.sendall(b"EHLO me\r\nSTARTTLS\r\n")
            time.sleep(0.1)
            text = conn.recv(4096)
            check(f"the last of a group ({io})", b"\r\n220 " in text and
                  mail(client().wrap_socket(conn)) == WELL, text)
        check(f"injection is told ({io})", "octets behind STARTTLS" in sink.text and
              "what the client sends is no TLS" in sink.text and
              sink.report["tls"]["failed"] == 1 and sink.report["aborted"] == 2,
              f"{sink.text} {sink.report}")
    with Sink("--tls", "-W", "STARTTLS:200ms") as sink:
        conn = sink.connect()
        reply(conn)
        conn.sendall(b"STARTTLS\r\n")
        time.sleep(0.05)
        conn.sendall(b"MAIL FROM:<a@b>\r\n")
        text = b""
        while octets := conn.recv(1000):
            text += octets
        check("before the 220", text.count(b"\r\n") == 1 and text.startswith(b"220 "), text)
    # Whether they are read before or behind the 220 is the driver's choice.
    check("before the 220 is told", len(sink.text.splitlines()) == 1 and
          ("octets behind STARTTLS" in sink.text or "is no TLS" in sink.text), sink.text)


def certificates(c, host):
    with Sink("--tls", "--tls-cert", host) as sink:
        cx = ssl.create_default_context(cafile=c.ca)
        conn = sink.connect()
        reply(conn)
        ask(conn, b"STARTTLS\r\n")
        with cx.wrap_socket(conn, server_hostname="localhost") as tls:
            check("its certificate", mail(tls) == WELL)
    mine = c.make("client")
    other = c.make("other", issued=False)
    for options, cert, taken in (
            (["--tls-client-cert=require"], None, False),
            (["--tls-client-cert=require"], other, True),
            (["--tls-client-cert=require", "--tls-ca", c.ca], other, False),
            (["--tls-client-cert=require", "--tls-ca", c.ca], mine, True),
            (["--tls-client-cert=ask"], None, True),
            (["--tls-client-cert=ask", "--tls-ca", c.ca], other, False)):
        with Sink("--tls", *options) as sink:
            cx = client(cert=cert) if cert else client()
            try:
                done = mail(starttls(sink, cx)) == WELL
            except OSError:
                done = False
        check(f"{options} {cert}", done == taken and
              sink.report["tls"]["failed"] == (0 if taken else 1) and
              len(sink.text.splitlines()) == (0 if taken else 1), f"{sink.report} {sink.text}")
    with Sink("--tls", "--tls-max=1.2", "--tls-ciphers=ECDHE-ECDSA-AES128-GCM-SHA256",
              "--tls-groups=P-256") as sink:
        check("cipher", mail(starttls(sink, client())) == WELL)
    check("cipher is told", sink.report["tls"]["kinds"] ==
          {"TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256 prime256v1": 1} or
          sink.report["tls"]["kinds"] ==
          {"TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256 secp256r1": 1}, sink.report["tls"])
    with Sink("--tls", "--tls-min=1.3") as sink:
        try:
            starttls(sink, client(maximum_version=ssl.TLSVersion.TLSv1_2))
            done = True
        except OSError:
            done = False
    check("too old", not done and "no version of TLS in common" in sink.text, sink.text)


def resumption():
    with Sink("--tls") as sink:
        cx = client(maximum_version=ssl.TLSVersion.TLSv1_2)
        first = starttls(sink, cx)
        session = first.session
        mail(first)
        conn = sink.connect()
        reply(conn)
        ask(conn, b"STARTTLS\r\n")
        with cx.wrap_socket(conn, session=session) as tls:
            check("resumed", tls.session_reused and mail(tls) == WELL)
    check("resumed is counted", sink.report["tls"]["full"] == 1 == sink.report["tls"]["resumed"],
          sink.report["tls"])


def threads():
    """What one thread began another resumes."""
    with Sink("--tls=implicit", "--threads=4") as sink:
        cx = client(maximum_version=ssl.TLSVersion.TLSv1_2)
        first = cx.wrap_socket(sink.connect())
        reply(first)
        mail(first)
        for _ in range(20):
            with cx.wrap_socket(sink.connect(), session=first.session) as tls:
                reply(tls)
                mail(tls)
    check("threads share tickets", sink.report["tls"]["full"] == 1 and
          sink.report["tls"]["resumed"] == 20 == sink.report["messages"] - 1, sink.report["tls"])


def troubles():
    for io in ("epoll", "uring"):
        with Sink("--tls=implicit", "-t", "1", f"--io={io}") as sink:
            conn = sink.connect()
            start = time.monotonic()
            check(f"silence ({io})", conn.recv(10) == b"" and
                  0.5 < time.monotonic() - start < LIMIT)
            conn = sink.connect()
            conn.sendall(b"\x16\x03\x01\x40\x00" + b"x" * 100)
            conn.shutdown(socket.SHUT_WR)
            conn.recv(1000)
            conn.close()
            conn = sink.connect()
            conn.sendall(bytes(range(256)) * 300)
            conn.close()
            tls = client().wrap_socket(sink.connect())
            check(f"others go on ({io})", reply(tls).startswith(b"220") and mail(tls) == WELL)
        lines = sink.text.splitlines()
        check(f"each one line ({io})", len(lines) == 3 and "read timeout" in lines[0] and
              sink.report["sessions"] == 4, lines)
    # A large message, in octets that come as they like.
    with Sink("--tls") as sink:
        tls = starttls(sink, client())
        for text in (b"EHLO me\r\n", b"MAIL FROM:<a@b>\r\n", b"RCPT TO:<c@d>\r\n", b"DATA\r\n"):
            ask(tls, text)
        for n in (1, 3, 16383, 16384, 16385, 100000):
            tls.sendall(b"x" * n + b"\r\n")
        check("large", ask(tls, b".\r\n").startswith(b"250"))
    check("large is whole", sink.report["content_bytes"] ==
          sum((1, 3, 16383, 16384, 16385, 100000)) + 12, sink.report)
    # A client that ends its side behind its last command, by TLS and by TCP, gets its replies.
    for io in ("epoll", "uring"):
        with Sink("--tls", f"--io={io}", "-W", "QUIT:200ms") as sink:
            pair = ssl.MemoryBIO(), ssl.MemoryBIO()
            conn = sink.connect()
            reply(conn)
            ask(conn, b"STARTTLS\r\n")
            tls = client().wrap_bio(*pair)
            while True:
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    conn.sendall(pair[1].read())
                    pair[0].write(conn.recv(10000))
            tls.write(b"EHLO me\r\nNOOP\r\nQUIT\r\n")
            try:
                tls.unwrap()
            except ssl.SSLWantReadError:
                pass
            conn.sendall(pair[1].read())
            conn.shutdown(socket.SHUT_WR)
            text = b""
            while octets := conn.recv(10000):
                pair[0].write(octets)
            while pair[0].pending:
                try:
                    text += tls.read(10000)
                except (ssl.SSLZeroReturnError, ssl.SSLWantReadError):
                    break
            check(f"half closed ({io})", text.endswith(b"\r\n221 Bye\r\n"), text)
        check(f"half closed is a QUIT ({io})", sink.report["quits"] == 1, sink.report)
    # A client that leaves in the middle.
    with Sink("--tls") as sink:
        tls = starttls(sink, client())
        ask(tls, b"EHLO me\r\n")
        tls.unwrap().close()
    check("close_notify", sink.report["lost"] == 1 and not sink.text, f"{sink.report} {sink.text}")


def others(folder):
    """Clients that are not ours."""
    global skipped
    with Sink("--tls", "--tls-ciphers=DEFAULT") as sink:
        for version in ("-tls1_2", "-tls1_3"):
            done = subprocess.run(["openssl", "s_client", "-quiet", "-starttls", "smtp", version,
                                   "-connect", f"127.0.0.1:{sink.port}"], input=b"QUIT\r\n",
                                  capture_output=True, timeout=LIMIT, check=False)
            check(f"openssl {version}", b"221 Bye" in done.stdout, done.stderr)
        letter = os.path.join(folder, "letter")
        with open(letter, "w", encoding="ascii") as f:
            f.write("Subject: x\r\n\r\nx\r\n")
        if shutil.which("curl"):
            done = subprocess.run(["curl", "-sS", "--ssl-reqd", "-k", "--mail-from", "a@b",
                                   "--mail-rcpt", "c@d", "-T", letter,
                                   f"smtp://127.0.0.1:{sink.port}"], capture_output=True,
                                  timeout=LIMIT, check=False)
            check("curl", done.returncode == 0, done.stderr)
        else:
            skipped += 1
            print("skipped: no curl")
        if shutil.which("swaks"):
            done = subprocess.run(["swaks", "--tls", "--to", "c@d", "--from", "a@b", "--server",
                                   f"127.0.0.1:{sink.port}"], capture_output=True, timeout=LIMIT,
                                  check=False)
            check("swaks", done.returncode == 0 and b"TLS started" in done.stdout, done.stdout)
        else:
            skipped += 1
            print("skipped: no swaks")
    check("others are counted", sink.report["tls"]["full"] == 4 - skipped and
          sink.report["messages"] == 2 - skipped, sink.report)


def faults(c):
    """Of clients in TLS: each is one line, and others go on."""
    huge = c.make("huge-client", ",".join(f"DNS:host-number-{i}.a-long-domain-name.example"
                                          for i in range(4000)))
    for io in ("epoll", "uring"):
        with Sink("--tls", "--tls-client-cert=ask", f"--io={io}") as sink:
            try:
                conn = starttls(sink, client(cert=huge))
                conn.recv(10)
            except OSError:
                pass
            check(f"others go on behind huge certificates ({io})", mail(starttls(sink, client())) == WELL)
        check(f"huge certificates ({io})", len(sink.text.splitlines()) == 1 and
              "the client's certificates are too large" in sink.text and
              sink.report["tls"]["failed"] == 1, f"{sink.text} {sink.report['tls']}")
        # At a line "R" s_client(1) renegotiates.
        with Sink("--tls=implicit", f"--io={io}") as sink:
            with subprocess.Popen(["openssl", "s_client", "-tls1_2", "-connect",
                                   f"127.0.0.1:{sink.port}"], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as p:
                while b"220 " not in p.stdout.readline():
                    pass
                p.stdin.write(b"R\n")
                p.stdin.flush()
                try:
                    p.wait(LIMIT)
                    ended = True
                except subprocess.TimeoutExpired:
                    p.kill()
                    ended = False
            check(f"others go on behind a renegotiation ({io})",
                  reply(conn := client().wrap_socket(sink.connect())).startswith(b"220") and
                  mail(conn) == WELL)
        check(f"renegotiation ({io})", ended and len(sink.text.splitlines()) == 1 and
              "the client refuses the handshake" in sink.text and
              sink.report["sessions"] == 2, f"{ended} {sink.text} {sink.report}")


def deliver(conn, hello, auth):
    """A message behind this greeting, or behind none."""
    if hello:
        ask(conn, hello.encode() + b" me\r\n")
    if auth:
        ask(conn, b"AUTH PLAIN AGEAYg==\r\n")
    for text in b"MAIL FROM:<a@b>\r\n", b"RCPT TO:<c@d>\r\n", b"DATA\r\n", b".\r\n", b"QUIT\r\n":
        ask(conn, text)


def recorded(folder):
    """The protocol in records is RFC 3848's word, of the greeting within TLS (RFC 3207 section 4.2)."""
    os.chmod(folder, 0o777)
    for options, first, hellos in (([], "EHLO", {"EHLO": "ESMTP", "HELO": "SMTP", "": "SMTP"}),
                                   (["-L"], "LHLO", {"LHLO": "LMTP", "": "LMTP"})):
        files = log, dump = [os.path.join(folder, first + kind) for kind in (".log", ".dump")]
        want = []
        with Sink("--tls", "--auth", "--log", log, "-D", dump, *options) as sink:
            for hello, word in hellos.items():
                for tls in "", "S":
                    for auth in "", "A":
                        conn = sink.connect()
                        reply(conn)
                        if tls:
                            ask(conn, first.encode() + b" outside\r\n")
                            ask(conn, b"STARTTLS\r\n")
                            conn = client().wrap_socket(conn)
                        deliver(conn, hello, auth)
                        want.append((word + (tls + auth) * (word != "SMTP"), "me" if hello else None))
        lines, dumped = (open(name, encoding="utf-8").read() for name in files)
        told = [json.loads(line) for line in lines.splitlines()]
        check(f"log {options}", [(t["protocol"], t.get("helo")) for t in told] == want, told)
        for pattern in r"^X-Client-Proto: (\w+)$", r" with (\w+) id ":
            check(f"{pattern} {options}", re.findall(pattern, dumped, re.M) == [w for w, _ in want], dumped)


def usage():
    for options, words in ((["--tls-cert", "/nowhere"], "--tls-cert needs --tls"),
                           (["--tls=maybe"], "bad TLS mode: maybe"),
                           (["--tls", "--tls-cert", "/nowhere"], "cannot read the certificate"),
                           (["--tls", "--tls-key", "/nowhere"], "--tls-key needs --tls-cert"),
                           (["--tls", "--tls-ca", "/nowhere"], "--tls-ca needs --tls-client-cert"),
                           (["--tls", "--tls-client-cert=x"], "bad client certificate: x"),
                           (["--announce=STARTTLS"], "cannot announce STARTTLS")):
        done = subprocess.run([SINK, *options, "127.0.0.1:0"], capture_output=True, timeout=LIMIT,
                              check=False)
        text = done.stderr.decode()
        check(" ".join(options), done.returncode == 1 and len(text.splitlines()) == 1 and
              words in text, text)


def main():
    with tempfile.TemporaryDirectory() as folder:
        c = Certs(folder)
        host = c.make("host")
        conversation()
        injection()
        certificates(c, host)
        resumption()
        threads()
        troubles()
        others(folder)
        faults(c)
        recorded(folder)
        usage()
        check("a fingerprint", len(digest(host)) == 95)
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
