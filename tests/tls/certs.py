"""Certificates for tests, made by openssl(1) in a folder of their own."""
import os
import subprocess


def openssl(*args, **kwargs):
    done = subprocess.run(["openssl", *args], capture_output=True, check=False, **kwargs)
    if done.returncode:
        raise RuntimeError(f"openssl {' '.join(args)}: {done.stderr.decode()}")
    return done.stdout


class Certs:
    """An issuer in ca.pem, and whatever it has signed."""

    def __init__(self, folder):
        self.folder = folder
        self.key = self.path("key.pem")
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.key)
        self.ca = self.path("ca.pem")
        openssl("req", "-x509", "-new", "-key", self.key, "-subj", "/CN=test issuer", "-days",
                "2", "-out", self.ca)

    def path(self, name):
        return os.path.join(self.folder, name)

    def make(self, name, names="DNS:localhost", days="2", issued=True, rsa=False):
        """A certificate, with its key in one PEM file. days below 0: expired."""
        key, out = self.path(name + ".key"), self.path(name + ".pem")
        config, request = self.path(name + ".cnf"), self.path(name + ".csr")
        if rsa:
            openssl("genrsa", "-out", key, "2048")
        else:
            openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
        with open(config, "w", encoding="ascii") as f:
            f.write(f"subjectAltName={names}\n")
        openssl("req", "-new", "-key", key, "-subj", "/CN=" + name, "-out", request)
        signer = (["-CA", self.ca, "-CAkey", self.key, "-CAcreateserial"] if issued
                  else ["-signkey", key])
        when = ["-days", days]
        openssl("x509", "-req", "-in", request, *signer, *when, "-extfile", config, "-out",
                out + ".cert")
        with open(out, "w", encoding="ascii") as f:
            for part in (out + ".cert", key):
                f.write(open(part, encoding="ascii").read())
        return out


def digest(pem, key=False):
    """SHA-256 of a certificate, or of its public key, in hexadecimal."""
    if key:
        public = openssl("x509", "-in", pem, "-noout", "-pubkey")
        der = openssl("pkey", "-pubin", "-outform", "DER", input=public)
        return openssl("dgst", "-sha256", "-r", input=der).split()[0].decode()
    line = openssl("x509", "-in", pem, "-noout", "-fingerprint", "-sha256").decode()
    return line.split("=")[1].strip()
