"""A server that takes mail by SMTP or LMTP, and misbehaves at a step of its conversation, now and then.

It counts the messages that it has accepted, so that a client's account can be held against it.
"""
import random
import socket
import struct
import threading
import time

STEPS = ("CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "END", "RSET", "QUIT")
ACTIONS = ("close", "reset", "silence", "garbage", "extra", "421", "421-stay", "half", "refuse",
           "late", "pieces", "flood", "early")
# After these the other side can wait for ever.
SILENT = ("silence", "half", "421-stay", "flood")
# A message whose end is answered so is not accepted.
NOT_TAKEN = ("refuse", "421", "421-stay", "garbage", "flood")


class Gone(Exception):
    """This side has ended the connection."""


class Misbehaving:
    """step, action: what goes wrong, and where; one: in that many tries one, by chance. slow: accepts so
    seldom (s). outages: (from, to), in s since the start, when nobody listens and all is reset."""

    def __init__(self, seed, lmtp=False, step="", action="", one=1, slow=0.0, outages=()):
        self.lmtp, self.step, self.action, self.one = lmtp, step, action, one
        self.slow = slow
        self.random = random.Random(seed)
        self.lock = threading.Lock()
        self.accepted = 0  # messages with a positive reply to their end, before it is sent
        self.ending = False
        self.open = set()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=2 if slow else 100)
        self.port = self.listener.getsockname()[1]
        self.where = f"127.0.0.1:{self.port}"
        threading.Thread(target=self.serve, daemon=True).start()
        if outages:
            threading.Thread(target=self.fail, args=(outages, time.monotonic()),
                             daemon=True).start()

    def serve(self):
        listener = self.listener
        while not self.ending:
            try:
                conn, _ = listener.accept()
            except OSError:
                return
            with self.lock:
                self.open.add(conn)
            threading.Thread(target=self.one_session, args=(conn,), daemon=True).start()
            time.sleep(self.slow)

    def fail(self, outages, start):
        for begin, end in outages:
            time.sleep(max(0, start + begin - time.monotonic()))
            with self.lock:
                if self.ending:
                    return
                self.listener.shutdown(socket.SHUT_RDWR)
                self.listener.close()
                for conn in self.open:
                    self.cut(conn)
            time.sleep(max(0, start + end - time.monotonic()))
            with self.lock:
                if self.ending:
                    return
                self.listener = socket.create_server(("127.0.0.1", self.port), backlog=100)
            threading.Thread(target=self.serve, daemon=True).start()

    @staticmethod
    def cut(conn):
        """Resets it, and wakes who reads from it."""
        try:
            conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            conn.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def one_session(self, conn):
        try:
            with conn:
                conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                Session(self, conn).converse()
        except (OSError, Gone, ValueError):
            pass
        with self.lock:
            self.open.discard(conn)

    def wrong(self, step):
        """Is it now that something goes wrong?"""
        with self.lock:
            return step == self.step and self.random.randrange(self.one) == 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with self.lock:
            self.ending = True
            for conn in self.open:
                self.cut(conn)
            try:
                self.listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            self.listener.close()


class Session:
    def __init__(self, server, conn):
        self.server, self.conn = server, conn
        self.input = conn.makefile("rb")
        self.rcpts = 0

    def say(self, step, reply, wrong=None):
        """The reply, or what goes wrong instead. Is the command accepted?"""
        if not (self.server.wrong(step) if wrong is None else wrong):
            self.conn.sendall(reply)
            return True
        action = self.server.action
        if action == "reset":
            self.conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if action in ("close", "reset"):
            raise Gone
        if action in ("silence", "half"):
            self.conn.sendall(reply[:6] if action == "half" else b"")
            while self.conn.recv(65536):
                pass
            raise Gone
        if action == "refuse":
            lines = max(1, reply.count(b"\r\n")) if step == "END" and self.server.lmtp else 1
            self.conn.sendall(b"550 5.7.1 No\r\n" * lines)
            return False
        return self.say_oddly(action, reply)

    def say_oddly(self, action, reply):
        if action == "421" or action == "421-stay":
            self.conn.sendall(b"421 4.3.2 Shutting down\r\n")
            while action == "421-stay" and self.conn.recv(65536):
                pass
            raise Gone
        if action == "garbage":
            self.conn.sendall(bytes(range(256)) * 8 + b"\r\n\r\n\n" + reply)
            return False
        elif action == "flood":
            for _ in range(300):
                self.conn.sendall(b"250-" + b"x" * 4000 + b"\r\n")
            while self.conn.recv(65536):
                pass
            raise Gone
        elif action == "extra":
            self.conn.sendall(reply + b"250 2.0.0 Unasked\r\n")
        elif action == "late":
            time.sleep(0.15)
            self.conn.sendall(reply)
        elif action == "pieces":
            for octet in reply:
                self.conn.sendall(bytes([octet]))
        elif action == "early":  # twice, the second in the next command's way
            self.conn.sendall(reply)
            time.sleep(0.002)
            self.conn.sendall(b"421 4.4.2 Idle too long\r\n")
            raise Gone
        return True

    def converse(self):
        if not self.say("CONNECT", b"220 odd.example ESMTP\r\n"):
            return
        for line in self.input:
            verb = line[:4].upper().strip()
            if verb in (b"EHLO", b"LHLO"):
                self.say("EHLO", b"250-odd.example\r\n250-PIPELINING\r\n250-SIZE\r\n250 CHUNKING\r\n")
            elif verb == b"MAIL":
                self.rcpts = 0
                self.mail = self.say("MAIL", b"250 2.1.0 Ok\r\n")
            elif verb == b"RCPT":
                if not self.mail:
                    self.conn.sendall(b"503 5.5.1 MAIL first\r\n")
                elif self.say("RCPT", b"250 2.1.5 Ok\r\n"):
                    self.rcpts += 1
            elif verb == b"DATA":
                self.data()
            elif verb == b"BDAT":
                self.bdat(line)
            elif verb == b"QUIT":
                self.say("QUIT", b"221 2.0.0 Bye\r\n")
                return
            else:
                self.mail = False
                self.say("RSET" if verb == b"RSET" else "EHLO", b"250 2.0.0 Ok\r\n")

    mail = False

    def data(self):
        if not self.mail or self.rcpts == 0:
            self.conn.sendall(b"503 5.5.1 Nobody to take it for\r\n")
            return
        if self.say("DATA", b"354 Go\r\n"):
            for line in self.input:
                if line == b".\r\n":
                    self.end()
                    return
            raise Gone

    def bdat(self, line):
        words = line.split()
        size = int(words[1])
        if len(self.input.read(size)) < size:
            raise Gone
        if not self.mail or self.rcpts == 0:
            self.conn.sendall(b"503 5.5.1 Nobody to take it for\r\n")
        elif len(words) > 2:
            self.end()
        elif not self.say("DATA", b"250 2.0.0 Chunk\r\n"):
            self.mail = False

    def end(self):
        """Counted before it is told, since the client may end with that."""
        wrong = self.server.wrong("END")
        with self.server.lock:
            self.server.accepted += not wrong or self.server.action not in NOT_TAKEN
        self.mail = False
        self.say("END", b"250 2.0.0 Ok\r\n" * (self.rcpts if self.server.lmtp else 1), wrong)
