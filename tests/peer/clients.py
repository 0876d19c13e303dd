#!/usr/bin/env python3
"""Do real clients deliver through our smtp-sink? What it recorded is compared with what they were
given.

Postfix, Exim, swaks and curl, from the private roots that mkroot makes, each send messages of many
shapes over every route of the table below: to a sink that records in all its ways at once. Each
message must be there exactly once in every record, for exactly its recipients, with its octets: but
for the header fields that the client puts in front, or rewrites, as its row says.

    tests/peer/clients.py [BUILD] [--peers DIRECTORY] [-k PATTERN] [-v]

Runs as deliver.py does, and ends with 'N passed, N failed' (', N skipped').
"""

import argparse
import collections
import concurrent.futures
import glob
import json
import os
import re
import signal
import smtplib
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field

from deliver import TOP, Rooted, free_port, many_users, write

LIMIT = 40          # seconds that a client has for a message, and Postfix for all
EXIM = 906          # as in mkroot


# --- The messages --------------------------------------------------------------------------------

@dataclass
class Message:
    name: str
    body: bytes
    recipients: tuple = ('user',)
    sender: str = 'sender@client.test'
    ends: bool = True       # the last line has an end

    @property
    def id(self):
        return f'<{self.name}@client.test>'

    @property
    def content(self):
        """With LF, as a file of the client has it."""
        head = (f'Message-Id: {self.id}\nDate: Fri, 02 Jan 2026 03:04:05 +0000\n'
                f'From: sender@client.test\nTo: user@client.test\nSubject: {self.name}\n'
                'MIME-Version: 1.0\nContent-Type: text/plain; charset=iso-8859-1\n'
                'Content-Transfer-Encoding: 8bit\n\n')
        return head.encode() + self.body

    @property
    def whole(self):
        """What is to arrive: a mail client ends the last line."""
        return self.content if self.ends else self.content + b'\n'


DOTS = b'.\n..\n...\n.x\n..x\nx.\nx\n.\n\n.\n\n..\n. \n.\t.\nin.side\n.'
SMUGGLED = b'one\n.\nMAIL FROM:<evil@client.test>\nRCPT TO:<victim@client.test>\nDATA\nx\n.\nQUIT\n'
MESSAGES = [
    Message('plain', b'hello\n'),
    Message('empty', b''),
    Message('blank', b'\n\n\n'),
    Message('dots', DOTS + b'\n'),
    Message('first-dot', b'.\n'),
    Message('no-end', b'the last line has no end', ends=False),
    Message('no-end-dot', DOTS, ends=False),
    Message('long-lines', (b'x' * 998 + b'\n') * 30 + b'.' + b'y' * 997 + b'\n' + b'z' * 997 + b'\n'),
    Message('dotted-lines', b''.join(b'.' * n + b'\n' for n in range(1, 200))),
    Message('8-bit', bytes(range(0x80, 0x100)) * 3 + b'\n\xff\n.\xfe\n\xa0\n'),
    Message('controls', bytes(n for n in range(1, 32) if n not in (10, 13)) + b'\x7f\n'),
    Message('from-lines', b'From me\n>From you\n>>From\nFrom \n\nFrom: x\n'),
    Message('trailing', b'blank \ntab\t\n  lead\n\t\n \n'),
    Message('large', b''.join(b'.%07d %s\n' % (i, b'b' * (i % 90)) for i in range(26000))),
    Message('many', b'to many\n', tuple(f'r{i}' for i in range(300))),
    Message('bounce', b'of the null sender\n', sender=''),
    Message('commands', SMUGGLED),
]


# --- The clients ---------------------------------------------------------------------------------

class Client(Rooted):
    """A root with programs that send one message each time they run."""

    root = 'clients'

    def begin(self):
        pass

    def options(self, route):
        """Those of the route, in which {config} is a directory of the client's."""
        return [o.replace('{config}', f'{self.run}/config') for o in route.client]

    def submit(self, message, route):
        """Sends; raises when the client says that it could not."""
        name = f'{route.name}.{message.name}'
        with open(f'{self.directory}/{name}', 'wb') as file:
            file.write(self.form(message))
        with open(f'{self.directory}/{name}', 'rb') as file:
            done = subprocess.run(self.chrooted(self.command(message, route, f'{self.run}/{name}')),
                                  stdin=file, capture_output=True, timeout=LIMIT, check=False,
                                  cwd='/')
        if done.returncode != 0:
            raise RuntimeError(f'{message.name}: exit status {done.returncode}: '
                               f'{(done.stdout[-600:] + done.stderr[-600:]).decode("latin-1")}')

    def form(self, message):
        return message.content

    def settle(self):
        """Returns when what was submitted has been delivered: these wait for that themselves."""


class Curl(Client):
    def form(self, message):
        return message.content.replace(b'\n', b'\r\n')

    def command(self, message, route, file):
        recipients = [a for r in message.recipients for a in ('--mail-rcpt', f'{r}@{route.domain}')]
        return ['/usr/bin/curl', '--silent', '--show-error', '--mail-from', message.sender,
                *recipients, '--upload-file', file, *self.options(route),
                f'{route.scheme}://127.0.0.1:{route.port}/curl.test']


class Swaks(Client):
    def form(self, message):
        """With the dot that swaks takes off and puts back; else it ends the message by one more line."""
        return message.whole + b'.\n'

    def command(self, message, route, file):
        where = ['--socket', f'{self.run}/{route.name}/socket'] if route.unix else \
            ['--server', '127.0.0.1', '--port', str(route.port)]
        return ['/usr/bin/swaks', *where, '--silent', '3', '--helo', 'swaks.test', '--protocol',
                'LMTP' if route.lmtp else 'ESMTP', '--from', message.sender or '<>', '--to',
                ','.join(f'{r}@{route.domain}' for r in message.recipients), '--data', f'@{file}',
                *self.options(route)]


EXIM_CONF = '''primary_hostname = exim.test
exim_user = Debian-exim
exim_group = Debian-exim
spool_directory = {run}/exim
log_file_path = {run}/exim/log.%s
keep_environment =
never_users =
disable_ipv6
begin routers
all:
  driver = manualroute
  route_list = * 127.0.0.1
  transport = out
  self = send
begin transports
out:
  driver = smtp
  port = {port}
  allow_localhost
  hosts_try_dane =
  {transport}
begin retry
* * F,1m,10s
begin authenticators
{authenticators}
'''


class Exim(Client):
    authenticators = ''

    def begin(self):
        self.make('exim', EXIM, EXIM, 0o750)

    def transport(self, route):
        """What is particular about it, of the options of the transport."""
        return f'protocol = {"lmtp" if route.lmtp else "smtp"}\n  hosts_avoid_tls = *'

    def prepare(self, route):
        write(f'{self.directory}/{route.name}.conf', EXIM_CONF.format(
            run=self.run, port=route.port, transport=self.transport(route),
            authenticators=self.authenticators.format(run=self.run)))

    def command(self, message, route, file):
        return ['/usr/sbin/exim4', '-C', f'{self.run}/{route.name}.conf', '-odi', '-i', '-f',
                message.sender or '<>', *(f'{r}@{route.domain}' for r in message.recipients)]


POSTFIX_MAIN_CF = '''compatibility_level = 3.6
queue_directory = {run}/spool
data_directory = {run}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
shlib_directory = /usr/lib/postfix
mail_owner = postfix
setgid_group = postdrop
maillog_file = {run}/log/postfix
maillog_file_prefixes = {run}
myhostname = postfix.test
mydestination =
mynetworks = 127.0.0.0/8
local_header_rewrite_clients =
transport_maps = texthash:{run}/config/routes
default_transport = error
smtpd_peername_lookup = no
smtpd_error_sleep_time = 0
smtp_dns_support_level = disabled
disable_mime_output_conversion = yes
message_size_limit = 50000000
in_flow_delay = 0
notify_classes =
'''

POSTFIX_MASTER_CF = '''127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
'''


class Postfix(Rooted):
    """Takes the messages by SMTP and relays them by the route of the recipient's domain."""

    root = 'debian'
    main_cf, master_cf = POSTFIX_MAIN_CF, POSTFIX_MASTER_CF

    def begin(self):
        self.routes = ''
        self.make_spool()

    def prepare(self, route):
        to = f'unix:{self.run}/{route.name}/socket' if route.unix else f'[127.0.0.1]:{route.port}'
        protocol = 'lmtp' if route.lmtp else 'smtp'
        to = f'inet:{to}' if route.lmtp and not route.unix else to
        self.routes += f'{route.domain} {protocol}:{to}\n'

    def serve(self):
        self.ports['smtp'] = free_port()
        config = f'{self.directory}/config'
        write(f'{config}/main.cf', self.main_cf.format(run=self.run))
        write(f'{config}/master.cf', self.master_cf.format(port=self.ports['smtp']))
        write(f'{config}/routes', self.routes)
        self.start('smtp', ['/usr/lib/postfix/sbin/master', '-d', '-c', f'{self.run}/config'])

    def submit(self, message, route):
        with smtplib.SMTP('127.0.0.1', self.ports['smtp'], timeout=LIMIT) as smtp:
            refused = smtp.sendmail(message.sender, [f'{r}@{route.domain}' for r in message.recipients],
                                    message.content.replace(b'\n', b'\r\n'), ['BODY=8BITMIME'])
        assert not refused, refused

    def settle(self):
        end = time.monotonic() + LIMIT
        while self.queued() and time.monotonic() < end:
            time.sleep(0.05)
        with open(f'{self.directory}/log/postfix', encoding='utf-8', errors='replace') as file:
            trouble = [line for line in file if re.search('deferred|warning|fatal', line)]
        assert not self.queued(), f'Postfix still has mail:\n{"".join(trouble[-20:])}'


# --- The routes ----------------------------------------------------------------------------------

RECEIVED = rb'(?:Received: [^\n]*\n(?:[ \t][^\n]*\n)*)'


@dataclass
class Route:
    """From a client to a sink of its own."""
    program: type
    name: str
    sink: str = ''          # options
    client: list = field(default_factory=list)
    unix: bool = False
    adds: bytes = b''       # what the client puts in front, a regular expression
    by: str = 'DATA'        # what the content comes by
    messages: list = field(default_factory=lambda: MESSAGES)
    scheme: str = 'smtp'    # of a URL
    check: object = None    # function(route, sink, summary): complaints
    port: int = 0           # of the sink

    @property
    def lmtp(self):
        return '-L' in self.sink.split()

    @property
    def domain(self):
        return f'{self.name}.test'


CHUNKING = '--announce=CHUNKING,SIZE=20M'


def routes():
    for name, options in (('plain', ''), ('lockstep', '-p'), ('sized', CHUNKING), ('helo', '-e'),
                          ('lmtp', '-L'), ('lmtp-lockstep', '-L -p')):
        yield Route(Postfix, f'postfix-{name}', options, adds=RECEIVED)
    yield Route(Postfix, 'postfix-lmtp-unix', '-L', unix=True, adds=RECEIVED)
    for name, options in (('plain', ''), ('lockstep', '-p'), ('bdat', CHUNKING),
                          ('bdat-lockstep', f'-p {CHUNKING}'), ('lmtp', '-L'),
                          ('lmtp-bdat', f'-L {CHUNKING}')):
        yield Route(Exim, f'exim-{name}', options, adds=RECEIVED,
                    by='BDAT' if 'bdat' in name else 'DATA')
    yield Route(Swaks, 'swaks-plain')
    yield Route(Swaks, 'swaks-pipelined', client=['--pipeline'])
    yield Route(Swaks, 'swaks-lmtp', '-L')
    yield Route(Swaks, 'swaks-lmtp-unix', '-L', client=['--pipeline'], unix=True)
    yield Route(Curl, 'curl-plain')
    yield Route(Curl, 'curl-sized', '--announce=SIZE=20M')
    yield Route(Curl, 'curl-helo', '-e')


class Sink:
    """Ours, recording in every way, in a directory within the client's."""

    def __init__(self, program, route, parent):
        self.directory = f'{parent}/{route.name}'
        os.makedirs(self.directory)
        os.chmod(self.directory, 0o777)
        if not route.unix:
            route.port = free_port()
        # A relative path keeps the name of the UNIX socket short.
        address = 'unix:socket' if route.unix else f'127.0.0.1:{route.port}'
        with open(f'{self.directory}/said', 'wb') as said:
            self.process = subprocess.Popen(
                [program, '--report=json', '-v', '-u', 'nobody', '--mbox', 'mbox', '--maildir', 'maildir',
                 '-d', 'dump/', '--log', 'log',
                 *route.sink.replace('{config}', f'{parent}/config').split(), address],
                cwd=self.directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said)
        end = time.monotonic() + LIMIT
        while time.monotonic() < end and b'listening on' not in self.read('said'):
            assert self.process.poll() is None, self.read('said')
            time.sleep(0.01)

    def read(self, name):
        with open(f'{self.directory}/{name}', 'rb') as file:
            return file.read()

    def stop(self):
        """The summary."""
        self.process.send_signal(signal.SIGTERM)
        try:
            output, _ = self.process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            output, _ = self.process.communicate()
        assert self.process.returncode == 0, self.read('said')[-2000:]
        return json.loads(output)['sink']


# --- Comparing -----------------------------------------------------------------------------------

DUMP = re.compile(rb'((?:X-[A-Za-z-]+: [^\n]*\n)+)' + RECEIVED)
STORED = re.compile(rb'Return-Path: <([^\n]*)>\n((?:Delivered-To: [^\n]*\n)+)' + RECEIVED)


def from_dump(text):
    head = DUMP.match(text)
    fields = [line.split(b': ', 1) for line in head[1].splitlines()]
    senders = [re.match(rb'<([^>]*)>', v)[1] for k, v in fields if k == b'X-Mail-Args']
    return (senders[0].decode(), [re.match(rb'<([^>]*)>', v)[1].decode() for k, v in fields
                                  if k == b'X-Rcpt-Args'], text[head.end():-1])


def from_maildir(text):
    head = STORED.match(text)
    return (head[1].decode(), [line[len('Delivered-To: '):].decode()
                               for line in head[2].splitlines()], text[head.end():])


def from_mbox(text):
    """All messages: the quoting undone, and the blank line behind each taken off."""
    for part in re.split(rb'(?m)^From [^\n]*\n', text)[1:]:
        assert part.endswith(b'\n\n'), part[-20:]
        yield from_maildir(re.sub(rb'(?m)^>(>*From )', rb'\1', part[:-1]))


def records(sink):
    """Per way of recording: sender, recipients and content of each message."""
    files = {kind: [open(p, 'rb').read() for p in glob.glob(f'{sink.directory}/{kind}/*')]
             for kind in ('dump', 'maildir/new')}
    return {'dump': [from_dump(text) for text in files['dump']],
            'maildir': [from_maildir(text) for text in files['maildir/new']],
            'mbox': list(from_mbox(sink.read('mbox')))}


def wrong_content(route, message, content):
    """What is wrong with one copy, or None."""
    head = re.match(route.adds + b'*', content)[0] if route.adds else b''
    if route.adds and not head:
        return f'{message.name}: no field of the client in front: {content[:80]!r}'
    got = content[len(head):]
    if got == message.whole:
        return None
    at = len(os.path.commonprefix([got, message.whole]))
    return (f'{message.name}: {len(got)} octets, not {len(message.whole)}; from octet {at} '
            f'{got[at:at + 60]!r}, not {message.whole[at:at + 60]!r}')


def examine_records(route, kind, found):
    """Every message once a recipient, and nothing else."""
    by_id = collections.defaultdict(list)
    for sender, recipients, content in found:
        number = re.search(rb'(?m)^Message-Id: (\S+)$', content)
        by_id[number[1].decode() if number else None].append((sender, recipients, content))
    for message in route.messages:
        copies = by_id.pop(message.id, [])
        got = collections.Counter(r for _, recipients, _ in copies for r in recipients)
        wanted = collections.Counter(f'{r}@{route.domain}' for r in message.recipients)
        if got != wanted:
            yield f'{kind}: {message.name}: recipients {str(dict(got))[:200]}, {len(copies)} copies'
        for sender, _, content in copies:
            if sender != message.sender:
                yield f'{kind}: {message.name}: sender {sender!r}'
            if complaint := wrong_content(route, message, content):
                yield f'{kind}: {complaint}'
    if by_id:
        yield f'{kind}: messages that nobody sent: {str(dict(by_id))[:300]}'


def examine_account(route, sink, summary, found):
    """The summary and the log count what the records have."""
    lines = [json.loads(line) for line in sink.read('log').splitlines()]
    wanted = sum(len(m.recipients) for m in route.messages)
    counted = (summary['messages'], summary['recipients'], summary['refused_by_verb'].get('.', 0))
    if counted != (len(found), wanted, 0):
        yield f'summary: messages, recipients, refused {counted}, not {(len(found), wanted, 0)}'
    logged = (len(lines), sum(len(line['recipients']) for line in lines))
    if logged != (len(found), wanted) or any(line['outcome'] != 'accepted' for line in lines):
        yield f'log: transactions, recipients {logged}: {str(lines)[:300]}'
    octets = sum(len(c) + c.count(b'\n') for _, _, c in found)
    for what, n in (('log', sum(line['size'] for line in lines)),
                    ('summary', summary['content_bytes'])):
        if n != octets:
            yield f'{what}: {n} octets of content, not {octets}'
    said = collections.Counter(re.findall(rb'(?m): (DATA|BDAT)\b', sink.read('said')))
    other = {'DATA': b'BDAT', 'BDAT': b'DATA'}[route.by]
    if said[route.by.encode()] < len(found) or said[other]:
        yield f'content came by {dict(said)}, not by {route.by} alone'


def examine(route, sink):
    """All complaints."""
    summary = sink.stop()
    found = records(sink)
    complaints = [c for kind in found for c in examine_records(route, kind, found[kind])]
    complaints += examine_account(route, sink, summary, found['dump'])
    return complaints + (list(route.check(route, sink, summary)) if route.check else [])


# --- Running -------------------------------------------------------------------------------------

def try_route(route, client, sink):
    """All messages over one route; what is wrong with each."""
    complaints = []
    for message in route.messages:
        try:
            client.submit(message, route)
        except (RuntimeError, OSError, AssertionError, smtplib.SMTPException,
                subprocess.TimeoutExpired) as error:
            complaints.append(f'{message.name}: {error}')
    return complaints


def run_all(program, peers, wanted):
    """Complaints by route."""
    clients, sinks, results = {}, {}, {}
    try:
        for route in wanted:
            if route.program not in clients:
                clients[route.program] = route.program(f'{peers}/{route.program.root}')
            client = clients[route.program]
            sinks[route.name] = Sink(program, route, client.directory)
            if hasattr(client, 'prepare'):
                client.prepare(route)
        for client in clients.values():
            if hasattr(client, 'serve'):
                client.serve()
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            jobs = {r.name: pool.submit(try_route, r, clients[r.program], sinks[r.name])
                    for r in wanted}
            results = {name: job.result() for name, job in jobs.items()}
        for client in clients.values():
            client.settle()
        for route in wanted:
            results[route.name] += examine(route, sinks[route.name])
        return results
    finally:
        for sink in sinks.values():
            if sink.process.poll() is None:
                sink.process.kill()
                sink.process.communicate()
        for client in clients.values():
            client.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('build', nargs='?', default=f'{TOP}/build', help='where smtp-sink is')
    parser.add_argument('--ours', metavar='PROGRAM', help='instead of BUILD/smtp-sink')
    parser.add_argument('--peers', default=f'{TOP}/build/peers', help='made by mkroot')
    parser.add_argument('-k', metavar='PATTERN', default='', help='only the routes named so')
    parser.add_argument('-v', action='store_true', help='also list what passed')
    arguments = parser.parse_args()
    ours = os.path.abspath(arguments.ours or f'{arguments.build}/smtp-sink')
    if not os.access(ours, os.X_OK):
        parser.error(f'no program {ours}')
    subprocess.run([f'{TOP}/tests/peer/mkroot', arguments.peers], check=True, timeout=600)
    wanted = [r for r in routes() if re.search(arguments.k, r.name)]
    if obstacle := many_users():
        print(f'skipped: {obstacle}')
        print(f'0 passed, 0 failed, {len(wanted)} skipped')
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    start = time.monotonic()
    results = run_all(ours, os.path.abspath(arguments.peers), wanted)
    for name, complaints in results.items():
        if complaints:
            print(f'FAILED: {name}')
            print('\n'.join(f'    {c[:700]}' for c in complaints[:10]))
        elif arguments.v:
            print(f'passed: {name}')
    failed = sum(bool(complaints) for complaints in results.values())
    print(f'took {time.monotonic() - start:.0f} s')
    print(f'{len(results) - failed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
