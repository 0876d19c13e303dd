#!/usr/bin/env python3
"""TLS, AUTH, XCLIENT, the PROXY protocol and the other extensions with programs that are not ours.

Our smtp-source submits to Postfix (which authenticates by Dovecot, screens, and stands behind
haproxy), Dovecot, Exim and OpenSMTPD; Postfix, Exim, swaks, curl, openssl and gnutls-cli, some behind
haproxy, send to our smtp-sink. In each case every message is counted and compared, as in deliver.py
and clients.py, and what was negotiated is looked at.

    tests/peer/secure.py [BUILD] [--peers DIRECTORY] [-k PATTERN] [-v]

Runs as deliver.py does, and ends with 'N passed, N failed' (', N skipped').
"""
import argparse
import concurrent.futures
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

import clients
from deliver import DOMAIN, TOP, Case, examine, many_users, send, wanted_recipients
from secure_clients import routes
from secure_servers import Exim, OpenSmtpd, SecureServers

TLS = '--tls --tls-ca {ca} --tls-name localhost'
IMPLICIT = '--tls=implicit --tls-ca {ca} --tls-name localhost'
ME = '--auth-user user --auth-password-file {config}/password'
WRONG = '--auth-user user --auth-password-file {config}/wrong'
TOKEN = '--auth-user user --auth-password-file {config}/token'
PASSWORDS = ('plain', 'login', 'cram-md5', 'scram-sha-1', 'scram-sha-256')


@dataclass
class Secure(Case):
    """To a service of a server. The mailbox is that of SMTP but for LMTP."""
    to: str = 'smtp'
    server: type = SecureServers
    tls: str = None         # what was negotiated, a regular expression
    resumed: int = None     # so many handshakes
    auth: str = None        # by which mechanism all sessions were authenticated
    words: str = None       # the one line on stderr, a regular expression
    received: str = None    # what each message's header has
    addresses: int = 0      # so many different ones are in the fields Received
    notice: str = None      # a notification of success comes to 2user, and has this

    def __post_init__(self):
        self.args += ' {to}'

    @property
    def name(self):
        return f'{self.server.__name__} {self.to}: {self.args}'


def refused(args, words, **more):
    return Secure(args, 0, status=1, words=words, **more)


def postfix():
    """Submission, with SASL by Dovecot."""
    for mechanism in PASSWORDS:
        yield Secure(f'{TLS} {ME} --auth-mechanism {mechanism} -s 2 -m 6 -d', 6, to='submission',
                     tls='TLSv1.3', auth=mechanism, received='Authenticated|ESMTPSA')
        yield Secure(f'{ME} --auth-mechanism {mechanism} --auth-insecure -m 2', 2, to='clear',
                     auth=mechanism, received='ESMTPA')
        yield refused(f'{TLS} {WRONG} --auth-mechanism {mechanism}', 'AUTH rejected: 535',
                      to='submission')
    for mechanism in 'xoauth2', 'oauthbearer':
        yield Secure(f'{TLS} {TOKEN} --auth-mechanism {mechanism} -s 2 -m 4', 4, to='submission',
                     auth=mechanism, received='ESMTPSA')
        yield refused(f'{TLS} {WRONG} --auth-mechanism {mechanism}', 'AUTH rejected: 535',
                      to='submission')
    yield Secure(f'{TLS} {ME} -m 3 --tls-max 1.2', 3, to='submission', tls='TLSv1.2',
                 auth='scram-sha-256')
    yield Secure(f'{TLS} --auth-users {{config}}/accounts -s 3 -m 9 -d --pipelining --size --dsn --dsn-ret=full', 9,
                 to='submission', auth='scram-sha-256')
    for more in '', '--pipelining --chunking -d -s 2':
        yield Secure(f'{IMPLICIT} {ME} -r 3 -m 6 {more}', 6, ('3user', '2user', 'user'),
                     to='submissions', auth='scram-sha-256', received='ESMTPSA')
    yield refused(f'{ME}', 'does not offer AUTH|rejected: 530', to='submission')
    yield refused('--tls --tls-no-verify', 'recipient rejected: 554', to='submission')
    yield refused(f'{TLS} --auth-user user --auth-mechanism external', 'does not offer AUTH EXTERNAL, but ',
                  to='submission')


def handshakes():
    fingerprint = '--tls --tls-fingerprint {fingerprint}'
    yield Secure(f'{fingerprint} -m 2', 2, tls='TLSv1.3', received='ESMTPS ')
    yield Secure(f'{TLS} --tls-ciphers ECDHE-ECDSA-AES128-GCM-SHA256 --tls-max 1.2', tls='AES128')
    # Postfix gives a ticket with a full handshake of TLS 1.3 only, and each is used once.
    for version, resumed in ('1.2', 7), ('1.3', 4):
        yield Secure(f'{TLS} --tls-min {version} --tls-max {version} --tls-resume=on -m 8', 8,
                     resumed=resumed)
        yield Secure(f'{TLS} --tls-min {version} --tls-max {version} --tls-resume=off -m 8', 8,
                     resumed=0)
    yield Secure(f'{TLS} --tls-max 1.2 --tls-resume=on -m 6', 6, to='cached', resumed=5)
    yield Secure('--tls=if-offered --tls-no-verify -m 2', 2, tls='TLSv1.3')
    yield Secure('--tls=if-offered --tls-no-verify -m 2', 2, to='bare', words='plaintext')
    yield refused(TLS, 'the server does not offer STARTTLS', to='bare')
    yield refused(TLS, 'TLS: the server speaks an old TLS .*--tls-min', to='old')
    yield refused(f'{TLS} --tls-min 1.2', 'TLS: no version of TLS in common', to='old')
    yield Secure(f'{TLS} --tls-min 1.0', tls='TLSv1 ', to='old')
    yield refused('--tls', 'unable to get local issuer certificate')
    yield refused('--tls --tls-ca {ca} --tls-name mx.example', 'is not for mx.example but for localhost')
    yield refused(IMPLICIT, 'what the server sends is no TLS')


def extensions():
    yield refused(f'{TLS} --requiretls', 'does not offer REQUIRETLS')
    yield refused('--limits', 'does not offer LIMITS')
    yield Secure(f'{TLS} --requiretls=if-offered -m 2', 2)
    yield Secure(f'--smtputf8 -f s\u00f6nder@{DOMAIN} -m 2', 2, received='s\u00f6nder@|UTF8SMTP')
    dsn = '--dsn --dsn-ret=hdrs --dsn-envid=job+1 --dsn-orcpt --dsn-notify=success'
    yield Secure(f'{dsn} -f 2user@{DOMAIN} {TLS}', 1, received='user@',
                 notice='Original-Envelope-Id: job\\+1(?s:.*)Original-Recipient: rfc822; *user@')
    xclient = '--xclient --xclient-addr 198.51.100.0/24'
    yield Secure(f'{xclient} -m 5', 5, received=r'\[198\.51\.100\.\d+\]', addresses=5)
    yield Secure(f"{xclient} --xclient-attr 'HELO=other.test NAME=a.test LOGIN=jo' {TLS} -m 3", 3,
                 received=r'from \S+ \(a\.test \[198', addresses=3)
    yield Secure(f'--xclient --xclient-addr 2001:db8::/64 {IMPLICIT} -m 3', 3, to='smtps',
                 received=r'\[IPv6:2001:db8::', addresses=3)
    for version in 'v1', 'v2':
        for service in 'proxied', 'screened', 'outer', 'older':
            proxy = f'--proxy {version} --proxy-source 192.0.2.0/25'
            yield Secure(f'{proxy} -m 4 -s 2', 4, to=service, received=r'\[192\.0\.2\.\d+\]',
                         addresses=4)
        yield Secure(f'{proxy} {TLS} -m 3', 3, to='outer', received=r'\[192\.0\.2\.\d+\]',
                     tls='TLSv1.3', addresses=3)
    yield Secure(f'--proxy v2 --proxy-source 192.0.2.0/24 --xclient --xclient-addr 203.0.113.9', 0,
                 status=1, to='proxied', words='does not offer XCLIENT')


def dovecot():
    for mechanism in PASSWORDS:
        yield Secure(f'{TLS} {ME} --auth-mechanism {mechanism} -m 3', 3, to='dovecot',
                     auth=mechanism, tls='TLSv1.3')
    for mechanism in 'xoauth2', 'oauthbearer':
        yield Secure(f'{TLS} {TOKEN} --auth-mechanism {mechanism} -m 2', 2, to='dovecot',
                     auth=mechanism)
    yield Secure(f'{TLS} {ME} --pipelining --chunking --size -d -s 2 -m 8', 8, to='dovecot',
                 auth='scram-sha-256')
    yield refused(f'{TLS} {WRONG}', 'AUTH rejected: 535', to='dovecot')
    yield Secure(f'{TLS} -m 4 -s 2', 4, to='lmtp', tls='TLSv1.3')
    yield Secure(f'{TLS} --tls-resume=on --tls-max=1.2 -m 4 -d -r 2', 4, ('2user', 'user'), to='lmtp')
    yield Secure('-m 4 --pipelining', 4, to='lmtp')


def exim():
    for mechanism in 'plain', 'login', 'cram-md5':
        for to, tls in ('smtp', TLS), ('smtps', IMPLICIT):
            yield Secure(f'{tls} {ME} --auth-mechanism {mechanism} -s 2 -m 4 -d', 4, to=to,
                         tls='TLSv1.3', auth=mechanism, received='esmtpsa', server=Exim)
        yield refused(f'{TLS} {WRONG} --auth-mechanism {mechanism}', 'AUTH rejected: 535',
                      server=Exim)
    cert = '--tls-cert {config}/client.pem'
    yield Secure(f'{TLS} {cert} --auth-user user --auth-mechanism external -m 2', 2, auth='external',
                 server=Exim)
    yield refused(f'{TLS} --auth-user user --auth-mechanism external',
                  'does not offer AUTH EXTERNAL, but ', server=Exim)
    yield Secure(f'{ME} -m 2', 2, auth='cram-md5', server=Exim, received='esmtpa')
    yield refused(TLS, 'recipient rejected: 550', server=Exim)
    yield Secure(f'{TLS} {ME} --pipelining --size --chunking=if-offered --dsn --dsn-notify=never '
                 '-r 3 -m 5 -d', 5, ('3user', '2user', 'user'),
                 server=Exim, auth='cram-md5')
    for version in '1.2', '1.3':
        yield Secure(f'{TLS} {ME} --tls-max={version} --tls-min={version} --tls-resume=on -m 6', 6,
                     server=Exim, auth='cram-md5')


def opensmtpd():
    for mechanism in 'plain', 'login':
        for to, tls in ('smtp', TLS), ('submission', TLS), ('smtps', IMPLICIT):
            yield Secure(f'{tls} {ME} --auth-mechanism {mechanism} -s 2 -m 4 -d', 4, to=to,
                         tls='TLSv1.3', auth=mechanism, server=OpenSmtpd)
        yield refused(f'{TLS} {WRONG} --auth-mechanism {mechanism}', 'AUTH rejected: 535',
                      server=OpenSmtpd)
    yield Secure(f'{TLS} --auth-users {{config}}/accounts --pipelining=if-offered --size --dsn --dsn-ret=full --8bitmime '
                 '--enhanced-codes -d -s 3 -m 9', 9, to='submission', auth='plain',
                 server=OpenSmtpd)
    yield refused(ME, 'rejected: 530|does not offer AUTH', to='submission', server=OpenSmtpd)


def cases():
    for table in postfix, handshakes, extensions, dovecot, exim, opensmtpd:
        yield from table()


# --- What comes of it ----------------------------------------------------------------------------

def negotiated(case, report):
    """Complaints about TLS and AUTH."""
    tls, auth = report.get('tls'), report.get('auth')
    if case.tls and not (tls['kinds'] and all(re.match(f'.*{case.tls}', k) for k in tls['kinds'])):
        yield f'TLS is {tls}'
    if case.resumed is not None and tls['resumed'] != case.resumed:
        yield f'{case.resumed} are to be resumed: {tls}'
    if case.auth and (list(auth['mechanisms']) != [case.auth.upper()] or
                      auth['accepted'] != auth['mechanisms'][case.auth.upper()]):
        yield f'AUTH is {auth}'
    if not case.auth and auth and auth['accepted']:
        yield f'no AUTH is to be accepted: {auth}'


def headers(case, mail):
    """Complaints about what the server wrote of us."""
    heads = [content.split(b'\n\n', 1)[0].decode() for _, content in mail]
    if case.received and not all(re.search(case.received, head) for head in heads):
        yield f'header without {case.received}: {heads[:1]}'
    if case.addresses:
        seen = {re.search(r'\[(?:IPv6:)?([0-9a-f.:]+)\]', head)[1] for head in heads}
        if len(seen) != case.addresses:
            yield f'addresses {seen}, not {case.addresses}'


def judge(case, run, report, mail):
    """All complaints."""
    if case.notice:
        notices = [content for name, content in mail if name == '2user']
        mail = [(name, content) for name, content in mail if name != '2user']
        if len(notices) != 1 or not re.search(case.notice, notices[0].decode()):
            yield f'notices: {notices}'
    if complaint := examine(case, mail):
        yield complaint
    wanted = (case.messages, wanted_recipients(case).total())
    counted = (report['messages']['accepted'], report['recipients']['accepted'])
    if counted != wanted:
        yield f'reported {counted} (messages, recipients), not {wanted}'
    text = run.stderr.decode()
    if run.returncode != case.status:
        yield f'exit status {run.returncode}, not {case.status}'
    if case.words and not (text.count('\n') == 1 and re.search(case.words, text)):
        yield f'stderr is not one line with {case.words!r}'
    if not case.words and text:
        yield 'there is to be nothing on stderr'
    yield from negotiated(case, report)
    yield from headers(case, mail)


def try_case(case, ours, server):
    """All complaints, with what was said."""
    kind = 'lmtp' if case.to == 'lmtp' else 'smtp'
    server.mail(kind, 0)
    try:
        run, report = send(case, ours, server, '{%s}' % case.to, kind)
    except (subprocess.TimeoutExpired, RuntimeError) as error:
        return [str(error)]
    mail = server.mail(kind, wanted_recipients(case).total() + bool(case.notice))
    complaints = list(judge(case, run, report, mail))
    return complaints + [f'stderr: {run.stderr.decode()[:500]!r}'] if complaints else []


def send_all(ours, peers, wanted):
    """Complaints by case, of those of one kind of server."""
    kind = wanted[0].server
    root = f'{peers}/{kind.root}'
    server = kind(root, f'{os.path.dirname(ours)}/smtp-sink') if kind is OpenSmtpd else kind(root)
    try:
        results = {case.name: try_case(case, ours, server) for case in wanted}
        return results, server.logs() if any(results.values()) else ''
    finally:
        server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('build', nargs='?', default=f'{TOP}/build', help='where our programs are')
    parser.add_argument('--peers', default=f'{TOP}/build/peers', help='made by mkroot')
    parser.add_argument('-k', metavar='PATTERN', default='', help='only the cases named so')
    parser.add_argument('-v', action='store_true', help='also list what passed')
    arguments = parser.parse_args()
    build, peers = os.path.abspath(arguments.build), os.path.abspath(arguments.peers)
    subprocess.run([f'{TOP}/tests/peer/mkroot', peers], check=True, timeout=600)
    sent = [c for c in cases() if re.search(arguments.k, c.name)]
    absent = [c for c in sent if not os.path.isdir(f'{peers}/{c.server.root}')]
    sent = [c for c in sent if c not in absent]
    received = [r for r in routes() if re.search(arguments.k, r.name)]
    if obstacle := many_users():
        print(f'skipped: {obstacle}')
        print(f'0 passed, 0 failed, {len(sent) + len(received)} skipped')
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    start = time.monotonic()
    kinds = {}
    for case in sent:
        kinds.setdefault(case.server, []).append(case)
    with concurrent.futures.ThreadPoolExecutor(len(kinds) + 1) as pool:
        jobs = [pool.submit(send_all, f'{build}/smtp-source', peers, of) for of in kinds.values()]
        results = clients.run_all(f'{build}/smtp-sink', peers, received) if received else {}
        logs = ''
        for job in jobs:
            more, log = job.result()
            results, logs = {**results, **more}, logs + log
    for name, complaints in results.items():
        if complaints:
            print(f'FAILED: {name}')
            print('\n'.join(f'    {c[:700]}' for c in complaints[:10]))
        elif arguments.v:
            print(f'passed: {name}')
    print(logs if arguments.v else '', end='')
    failed = sum(bool(complaints) for complaints in results.values())
    print(f'took {time.monotonic() - start:.0f} s')
    print(f'{len(results) - failed} passed, {failed} failed' +
          (f', {len(absent)} skipped' if absent else ''))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
