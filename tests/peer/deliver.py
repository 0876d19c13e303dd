#!/usr/bin/env python3
"""Does what our smtp-source sends arrive? Real servers receive, and every message is counted.

Postfix (SMTP) and Dovecot (LMTP) run in the private root that mkroot makes, with configuration,
queue and mailboxes in a directory of this run; they listen on free loopback ports and on a UNIX
socket in that directory. Nothing of the host's mail system is touched, whatever it is. After each
case the mailbox is compared with what was to be sent: the recipients, each once; the bodies; the
Message-Ids, each once.

    tests/peer/deliver.py [BUILD] [--peers DIRECTORY] [-k PATTERN] [-v]

Servers need a chroot and several users: it runs as root, or as anyone who may have a user name
space with many users (newuidmap, /etc/subuid); else all is skipped, saying why. Ends with
'N passed, N failed' (', N skipped').
"""

import argparse
import collections
import concurrent.futures
import email
import json
import os
import random
import re
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '../tls'))
from certs import Certs    # pylint: disable=wrong-import-position

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DOMAIN = 'deliver.test'
USERS = 400                 # The servers know user, 1user … 400user, missing, 1missing … but for
UNKNOWN = '2missing'
POSTFIX, POSTDROP, MAILBOX = 901, 902, 905     # as in mkroot


# --- The cases -----------------------------------------------------------------------------------

DEFAULT = b''.join(b'La de da de da %d.\n' % i for i in (1, 2, 3, 4))

DOTS = b'''Subject: dots
Message-Id: <dots@file.test>

.
..
.hidden
a line that is not hidden.
8-bit: \xe4\xf6\xfc
'''
LONG_LINE = b'Subject: long\n\n' + b'y' * 900 + b'\n.' + b'z' * 3000 + b'\nno newline at the end'
BIG = b'Subject: big\n\n' + b''.join(b'.%07d %s\n' % (i, b'b' * 60) for i in range(30000))


def generated(length):
    """The body of -l: blocks of 80 that start with a digit, the last 1 to 80 bytes plain X."""
    blocks = [b'%d' % (i % 10) + b'X' * 77 + b'\n' for i in range(1, (length - 1) // 80 + 1)]
    return b''.join(blocks) + b'X' * (length - 80 * len(blocks)) + b'\n'


@dataclass
class Case:
    """A run of ours; {to} is the server. Each message goes to `recipients` local parts."""
    args: str
    messages: int = 1
    recipients: tuple = ('user',)
    body: bytes = DEFAULT
    content: bytes = b''    # of {file}, for -F; its body is expected
    numbered: bool = False  # -N: recipients are 1user … and stand for all messages together
    subject: str = None
    servers: str = 'smtp lmtp unix'
    status: int = 0


MODES = ('', '--pipelining', '--chunking', '--pipelining=if-offered --chunking=if-offered')


def cases():
    for mode in MODES:
        yield Case(f'{mode} {{to}}')
        yield Case(f'{mode} -s 5 -m 50 {{to}}', 50)
        yield Case(f'{mode} -s 4 -m 80 -d {{to}}', 80)
        yield Case(f'{mode} -r 5 -m 6 -d {{to}}', 6, ('5user', '4user', '3user', '2user', 'user'))
        yield Case(f'{mode} -N -r 4 -s 3 -m 30 -d {{to}}', 30, ('user',) * 4, numbered=True)
        yield Case(f'{mode} -l 1 {{to}}', body=generated(1))
        yield Case(f'{mode} -l 5000 -s 3 -m 12 -d {{to}}', 12, body=generated(5000))
        yield Case(f'{mode} -l 1000000 -m 3 -s 3 {{to}}', 3, body=generated(1000000))
        yield Case(f'{mode} -F {{file}} -m 4 -d {{to}}', 4, content=DOTS)
        yield Case(f'{mode} -F {{file}} {{to}}', content=LONG_LINE)
        yield Case(f'{mode} -F {{file}} -s 2 -m 4 -d {{to}}', 4, content=BIG)
        yield Case(f'{mode} -A -r 3 -m 3 -d -t missing@{DOMAIN} {{to}}', 3,
                   ('3missing', 'missing'))
        yield Case(f'{mode} -A -m 5 -d -t user@elsewhere.test {{to}}', 0, servers='smtp')
        yield Case(f'{mode} -A -m 5 -d -t {UNKNOWN}@{DOMAIN} {{to}}', 0)
    tls = '--tls-ca {ca} --tls-name localhost'
    for mode in MODES:
        yield Case(f'{mode} --tls {tls} -s 3 -m 12 {{to}}', 12)
        yield Case(f'{mode} --tls {tls} -l 1000000 -m 3 -d {{to}}', 3, body=generated(1000000))
    for version in '1.2', '1.3':
        yield Case(f'--tls {tls} --tls-min {version} --tls-max {version} --tls-resume=on -m 6 {{to}}',
                   6)
    yield Case(f'--tls=implicit {tls} -m 3 -r 2 {{smtps}}', 3, ('2user', 'user'), servers='smtp')
    dsn = '--dsn --dsn-ret=hdrs --dsn-envid=job+1 --dsn-notify=never --dsn-orcpt'
    for mode in MODES:
        yield Case(f'{mode} --size --8bitmime --smtputf8 --enhanced-codes {dsn} -r 2 -m 6 -d {{to}}', 6,
                   ('2user', 'user'), servers='smtp')
    yield Case('--size -l 60000000 {to}', 0, servers='smtp', status=1)
    yield Case('--ehlo --mail-param BODY=8BITMIME --rcpt-param NOTIFY=NEVER -m 3 {to}', 3, servers='smtp')
    yield Case('--8bitmime=if-offered --limits=if-offered -m 3 {to}', 3)
    yield Case("--xclient --xclient-addr 192.0.2.0/24,10.0.0.1 --xclient-attr 'HELO=x NAME=a.test' "
               '-s 2 -m 5 {to}', 5, servers='smtp')
    yield Case(f'--tls {tls} --xclient --xclient-addr fd00::/64 -d -m 5 {{to}}', 5, servers='smtp')
    for version in 'v1', 'v2':
        for more in '--proxy-source 192.0.2.0/24', '--proxy-source fd00::/64', '':
            if version == 'v1' and not more:
                continue  # this Postfix takes no UNKNOWN
            yield Case(f'--proxy {version} {more} -s 2 -m 4 {{proxied}}', 4, servers='smtp')
    yield Case("-S 'a subject' -f '' {to}", subject='a subject')
    yield Case('-c -m 3 -d {to}', 3)
    yield Case('--sessions 3 --messages 9 {to}', 9)
    yield Case('-t user@elsewhere.test {to}', 0, servers='smtp', status=1)


# --- The servers ---------------------------------------------------------------------------------

given = set()


def free_port():
    """One that no connection gets by itself, and that is given once."""
    while True:
        port = random.randrange(15000, 32000)
        with socket.socket() as sock:
            try:
                sock.bind(('127.0.0.1', port))
            except OSError:
                continue
        if port not in given:
            given.add(port)
            return port


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)


MAIN_CF = '''compatibility_level = 3.6
queue_directory = {run}/spool
data_directory = {run}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
shlib_directory = /usr/lib/postfix
mail_owner = postfix
setgid_group = postdrop
maillog_file = {run}/log/postfix
maillog_file_prefixes = {run}
myhostname = mx.{domain}
mydestination =
mynetworks = 192.0.2.255/32
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {run}/smtp
virtual_mailbox_maps = texthash:{run}/config/boxes
virtual_uid_maps = static:{mailbox}
virtual_gid_maps = static:{mailbox}
smtpd_authorized_xclient_hosts = 127.0.0.0/8
smtpd_tls_security_level = may
smtpd_tls_cert_file = {run}/config/tls.pem
smtpd_tls_key_file = {run}/config/tls.pem
smtpd_tls_session_cache_database = btree:{run}/data/smtpd
tls_random_source =
smtpd_recipient_restrictions = reject_unauth_destination
smtpd_data_restrictions = reject_unauth_pipelining
smtpd_peername_lookup = no
smtpd_error_sleep_time = 0
smtpd_client_connection_count_limit = 0
smtp_dns_support_level = disabled
message_size_limit = 50000000
mailbox_size_limit = 0
virtual_mailbox_limit = 0
in_flow_delay = 0
notify_classes =
'''

MASTER_CF = '''127.0.0.1:{smtp} inet n - n - - smtpd
127.0.0.1:{smtps} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
127.0.0.1:{proxied} inet n - n - - smtpd -o smtpd_upstream_proxy_protocol=haproxy
tlsmgr unix - - n 1000? 1 tlsmgr
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
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
'''

DOVECOT_CONF = '''base_dir = {run}/dovecot
state_dir = {run}/data
log_path = {run}/log/dovecot
instance_name = run
protocols = lmtp
listen = 127.0.0.1
ssl = yes
ssl_cert = <{run}/config/tls.pem
ssl_key = <{run}/config/tls.pem
default_internal_user = dovecot
default_internal_group = dovecot
default_login_user = dovenull
first_valid_uid = 1
hostname = lmtp.{domain}
postmaster_address = postmaster@{domain}
auth_username_format = %n
mail_location = maildir:{run}/lmtp/%n
lmtp_save_to_detail_mailbox = no
userdb {{
  driver = passwd-file
  args = {run}/config/users
}}
{passdb}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
  unix_listener {run}/socket {{
    mode = 0666
  }}
}}
service anvil {{
  chroot =
}}
'''


# Runs a command until standard input ends, as it does when this program ends, however it ends. A
# death signal (prctl) would not do: it is lost when a server changes its user.
UNTIL_EOF = 'exec 3<&0 </dev/null; { read -r _; kill 0; } <&3 & exec 3<&-; exec "$@"'


ANY_PASSWORD = '''passdb {{
  driver = static
  args = nopassword=y
}}'''

SPOOL = ('active', 'bounce', 'corrupt', 'defer', 'deferred', 'flush', 'hold', 'incoming', 'private',
         'saved', 'trace')


class Rooted:
    """Servers in a private root, with a directory of this run, from construction until stop()."""

    spools = ('spool/incoming', 'spool/active', 'spool/deferred', 'spool/maildrop')    # Postfix's

    def __init__(self, root):
        self.root = root
        clear_stale(root)
        # Inside the root it is /run.PID.XXXX.
        self.directory = tempfile.mkdtemp(prefix=f'run.{os.getpid()}.', dir=root)
        os.chmod(self.directory, 0o755)
        self.running = {}
        self.ports = {}
        try:
            self.make_null()
            self.make('log', 0)
            self.begin()
        except BaseException:
            self.stop()
            raise

    @property
    def run(self):
        """The directory as the servers see it."""
        return '/' + os.path.basename(self.directory)

    def make_null(self):
        """There complete or not at all: others may begin in the same root at the same time."""
        null = f'{self.root}/dev/null'
        if not os.path.exists(null):
            new = f'{self.directory}/null'
            try:
                os.mknod(new, stat.S_IFCHR | 0o666, os.makedev(1, 3))
            except PermissionError:     # in a user name space; an ordinary file does as well
                write(new, '')
            os.chmod(new, 0o666)
            os.rename(new, null)

    def make(self, name, uid, gid=0, mode=0o755):
        path = f'{self.directory}/{name}'
        os.makedirs(path, exist_ok=True)
        os.chown(path, uid, gid)
        os.chmod(path, mode)

    def make_spool(self):
        """What Postfix wants to find."""
        for name in SPOOL:
            self.make(f'spool/{name}', POSTFIX, mode=0o700)
        self.make('spool/pid', 0)
        self.make('spool/maildrop', POSTFIX, POSTDROP, 0o730)
        self.make('spool/public', POSTFIX, POSTDROP, 0o710)
        self.make('data', POSTFIX)

    def chrooted(self, command):
        return [shutil.which('chroot', path='/usr/sbin:/usr/bin:/sbin:/bin'), self.root, *command]

    def start(self, name, command, first=b''):
        """Until its service of this name, told this first, greets."""
        with open(f'{self.directory}/log/{name}.out', 'wb') as output:
            server = subprocess.Popen(
                ['sh', '-c', UNTIL_EOF, 'sh', *self.chrooted(command)], stdin=subprocess.PIPE,
                stdout=output, stderr=output, cwd='/', start_new_session=True)
        self.running[name] = server
        limit = time.monotonic() + 15
        while time.monotonic() < limit and server.poll() is None:
            try:
                with socket.create_connection(('127.0.0.1', self.ports[name]), timeout=5) as sock:
                    sock.sendall(first)
                    if sock.recv(3) == b'220':
                        sock.sendall(b'QUIT\r\n')
                        return
            except OSError:
                pass
            time.sleep(0.05)
        raise RuntimeError(f'{name} server did not start:\n{self.logs()}')

    def logs(self):
        text = ''
        for name in sorted(os.listdir(f'{self.directory}/log')):
            with open(f'{self.directory}/log/{name}', encoding='utf-8', errors='replace') as file:
                text += ''.join(f'    {name}: {line}' for line in file.readlines()[-30:])
        return text

    def halt(self, names):
        """Ends these servers; what they hold in the directory stays."""
        halted = [self.running.pop(name) for name in names]
        for server in halted:
            server.stdin.close()
        for server in halted:
            try:
                server.wait(5)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
            # Each leads a session of its own: what is left of it are its children.
            for pid in session(server.pid):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass

    def stop(self):
        self.halt(list(self.running))
        for _ in range(50):
            shutil.rmtree(self.directory, ignore_errors=True)
            if not os.path.exists(self.directory):
                break
            time.sleep(0.1)

    def queued(self):
        """Files that are not delivered yet."""
        return sum(len(files) for spool in self.spools
                   for _, _, files in os.walk(f'{self.directory}/{spool}'))

    def make_certificate(self, **kind):
        """config/tls.pem, with its key, issued by config/ca.pem."""
        os.makedirs(f'{self.directory}/config', exist_ok=True)
        certs = Certs(f'{self.directory}/config')
        os.rename(certs.make('localhost', 'DNS:localhost,IP:127.0.0.1', **kind),
                  f'{self.directory}/config/tls.pem')
        return certs


class Receiver(Rooted):
    """Servers that deliver into Maildirs: DIRECTORY/smtp/LOCAL PART, and lmtp/ for those by LMTP."""

    services = ('smtp',)        # that have a port

    def make_ports(self):
        self.ports = {name: free_port() for name in self.services}

    @property
    def values(self):
        """What stands in configurations."""
        return {'run': self.run, 'domain': DOMAIN, 'mailbox': MAILBOX, **self.ports}

    def configure(self, name, text, **more):
        write(f'{self.directory}/config/{name}', text.format(**self.values, **more))

    def arrived(self, server):
        """The files of new mail, one for each recipient of each message."""
        boxes = f'{self.directory}/{server}'
        return [f'{boxes}/{box}/new/{name}' for box in os.listdir(boxes)
                if os.path.isdir(f'{boxes}/{box}/new') for name in os.listdir(f'{boxes}/{box}/new')]

    def mail(self, server, count):
        """Waits for `count` messages and takes them: a list of (local part, content)."""
        limit = time.monotonic() + 20
        before, quiet_since = -1, time.monotonic()
        while (now := time.monotonic()) < limit:
            here, waiting = len(self.arrived(server)), self.queued() if server == 'smtp' else 0
            if here >= count and not waiting:
                break
            if here != before or waiting:
                before, quiet_since = here, now
            if now > quiet_since + 3:
                break
            time.sleep(0.02)
        mail = []
        for path in self.arrived(server):
            with open(path, 'rb') as file:
                mail.append((path.split('/')[-3], file.read()))
            os.unlink(path)
        return mail

    def fill(self, text):
        """Puts in what stands for places: {ca}, {config}, and the address of each service."""
        config = f'{self.directory}/config'
        for name, value in {'ca': f'{config}/ca.pem', 'config': config,
                            **{k: f'127.0.0.1:{v}' for k, v in self.ports.items()}}.items():
            text = text.replace('{%s}' % name, value)
        return text


class Servers(Receiver):
    """Postfix's SMTP server and Dovecot's for LMTP."""

    services = ('smtp', 'smtps', 'proxied', 'lmtp')
    main_cf, master_cf, dovecot_conf = MAIN_CF, MASTER_CF, DOVECOT_CONF
    passdb = ANY_PASSWORD

    def begin(self):
        self.prepare()
        self.start_postfix()
        self.start('lmtp', ['/usr/sbin/dovecot', '-F', '-c', f'{self.run}/config/dovecot.conf'])

    def start_postfix(self):
        self.start('smtp', ['/usr/lib/postfix/sbin/master', '-d', '-c', f'{self.run}/config'])

    def prepare(self):
        self.make_ports()
        self.make_certificate()
        self.configure('main.cf', self.main_cf)
        self.configure('master.cf', self.master_cf)
        self.configure('dovecot.conf', self.dovecot_conf, passdb=self.passdb.format(**self.values))
        config = f'{self.directory}/config'
        names = [f'{i or ""}{name}' for i in range(USERS + 1) for name in ('user', 'missing')]
        names.remove(UNKNOWN)
        write(f'{config}/boxes', ''.join(f'{n}@{DOMAIN} {n}/\n' for n in names))
        write(f'{config}/users',
              ''.join(f'{n}::{MAILBOX}:{MAILBOX}::{self.run}::\n' for n in names))
        self.make_spool()
        self.make('dovecot', 0)
        self.make('smtp', MAILBOX, MAILBOX)
        self.make('lmtp', MAILBOX, MAILBOX)


def clear_stale(root):
    """Removes what killed runs have left behind."""
    for name in os.listdir(root):
        if (run := re.fullmatch(r'run\.(\d+)\..*', name)) and not os.path.exists(f'/proc/{run[1]}'):
            shutil.rmtree(f'{root}/{name}', ignore_errors=True)


def session(leader):
    """The processes of a session."""
    pids = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/stat', encoding='utf-8') as file:
                if int(file.read().rsplit(')', 1)[1].split()[3]) == leader:
                    pids.append(int(pid))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return pids


# --- Comparing -----------------------------------------------------------------------------------

def wanted_recipients(case):
    if case.numbered:
        count = case.messages * len(case.recipients)
        return collections.Counter(f'{i}user' for i in range(1, count + 1))
    return collections.Counter({name: case.messages for name in case.recipients})


def wanted_body(case):
    if not case.content:
        return case.body
    body = case.content.split(b'\n\n', 1)[1]
    # -F always adds an empty line.
    return body + (b'' if body.endswith(b'\n') else b'\n') + b'\n'


def examine(case, mail):
    """What is wrong with the mail that arrived, or None."""
    wanted = wanted_recipients(case)
    got = collections.Counter(recipient for recipient, _ in mail)
    if got != wanted:
        return (f'{len(mail)} copies arrived of {wanted.total()}; too many: '
                f'{str(dict(got - wanted))[:200]}, missing: {str(dict(wanted - got))[:200]}')
    body = wanted_body(case)
    ids = collections.Counter()
    for _, content in mail:
        head, arrived = content.split(b'\n\n', 1)
        if arrived != body:
            at = len(os.path.commonprefix([arrived, body]))
            return (f'body of {len(arrived)} bytes, not {len(body)}; from byte {at} '
                    f'{arrived[at:at + 40]!r}, not {body[at:at + 40]!r}')
        fields = email.message_from_bytes(head)
        ids[fields['Message-Id']] += 1
        if case.subject not in (None, fields['Subject']):
            return f'subject {fields["Subject"]!r}'
    if mail and not case.content:
        copies = wanted.total() // case.messages
        if None in ids or len(ids) != case.messages or set(ids.values()) != {copies}:
            return f'{len(ids)} Message-Ids of {case.messages} messages'
    return None


def send(case, ours, servers, to, server):
    """Runs ours with {to}: the finished process, and what it reported; raises when it has no end."""
    report = f'{servers.directory}/report.{server}'
    with tempfile.NamedTemporaryFile(prefix='deliver.') as file:
        file.write(case.content)
        file.flush()
        args = [servers.fill(a.replace('{to}', to).replace('{file}', file.name))
                for a in shlex.split(case.args)]
        args = ['-f', f'sender@{DOMAIN}', '-t', f'user@{DOMAIN}', '--quiet', '--output', report,
                *(['-L'] if server == 'lmtp' else []), *args]
        run = subprocess.run([ours, *args], stdin=subprocess.DEVNULL, capture_output=True,
                             timeout=30, check=False, cwd=servers.directory)
    try:
        with open(report, encoding='utf-8') as file:
            return run, json.load(file)
    except FileNotFoundError as error:
        raise RuntimeError(f'no report; stderr: {run.stderr.decode()}') from error
    finally:
        Path(report).unlink(missing_ok=True)


def try_case(case, ours, servers, kind):
    """Runs a case with one of the servers; returns what is wrong, or None."""
    server = 'smtp' if kind == 'smtp' else 'lmtp'
    # A relative path keeps the name of the UNIX socket short.
    to = 'unix:socket' if kind == 'unix' else '{%s}' % kind
    servers.mail(server, 0)     # a case that failed may have left some
    try:
        run, account = send(case, ours, servers, to, server)
    except (subprocess.TimeoutExpired, RuntimeError) as error:
        return str(error)
    wanted = wanted_recipients(case).total()
    complaint = examine(case, servers.mail(server, wanted))
    if not complaint:
        counted = (account['messages']['accepted'], account['recipients']['accepted'])
        if counted != (case.messages, wanted):
            complaint = f'reported {counted} (messages, recipients), not {(case.messages, wanted)}'
    if run.returncode != case.status:
        complaint = (f'exit status {run.returncode}, not {case.status}; '
                     f'{complaint or "the mail is right"}')
    if complaint and run.stderr:
        complaint += f'; stderr: {run.stderr[:500]!r}'
    return complaint


def many_users():
    """Starts this program anew in a user name space with many users unless we are root; returns
    what stands against it, or None."""
    if os.geteuid() == 0:
        return None
    command = ['unshare', '--user', '--map-root-user', '--map-auto']
    able = subprocess.run([*command, 'true'], capture_output=True, check=False)
    if able.returncode != 0:
        return f'not root, and no user name space: {able.stderr.decode().strip()}'
    os.execvp(command[0], [*command, sys.executable, *sys.argv])
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('build', nargs='?', default=f'{TOP}/build', help='where smtp-source is')
    parser.add_argument('--ours', metavar='PROGRAM', help='instead of BUILD/smtp-source')
    parser.add_argument('--peers', default=f'{TOP}/build/peers', help='made by mkroot')
    parser.add_argument('-k', metavar='PATTERN', default='', help='only the cases named so')
    parser.add_argument('-v', action='store_true', help='also list what passed')
    arguments = parser.parse_args()
    ours = os.path.abspath(arguments.ours or f'{arguments.build}/smtp-source')
    if not os.access(ours, os.X_OK):
        parser.error(f'no program {ours}')
    subprocess.run([f'{TOP}/tests/peer/mkroot', arguments.peers], check=True, timeout=600)
    root = os.path.abspath(f'{arguments.peers}/debian')
    if obstacle := many_users():
        print(f'skipped: {obstacle}')
        print(f'0 passed, 0 failed, {sum(len(c.servers.split()) for c in cases())} skipped')
        return 0

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    stopping = threading.Event()

    def try_all(kinds):
        results = []
        for case in cases():
            for kind in (k for k in case.servers.split() if k in kinds):
                name = f'{kind}: {case.args}'
                if not stopping.is_set() and re.search(arguments.k, name):
                    results.append((name, try_case(case, ours, servers, kind)))
        return results

    start = time.monotonic()
    servers = Servers(root)
    try:
        # The servers are independent of each other; a server's cases share its mailboxes.
        pool = concurrent.futures.ThreadPoolExecutor(2)
        results = sum(pool.map(try_all, (['smtp'], ['lmtp', 'unix'])), [])
        failures = [(name, complaint) for name, complaint in results if complaint]
        for name, complaint in failures:
            print(f'FAILED: {name}\n    {complaint}')
        if arguments.v:
            for name, complaint in results:
                print(f'{"FAILED" if complaint else "passed"}: {name}')
            print(servers.logs() if failures else '', end='')
    finally:
        stopping.set()
        servers.stop()
    print(f'took {time.monotonic() - start:.0f} s')
    print(f'{len(results) - len(failures)} passed, {len(failures)} failed')
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
