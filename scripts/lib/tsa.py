#!/usr/bin/env python3
"""A time-stamp authority for tests and demonstrations: RFC 3161 over HTTP on loopback.

    python3 scripts/lib/tsa.py FOLDER [--port N] [--name NAME] [--policy OID] [--prepare]

On its first run it makes in FOLDER, with openssl, a root certificate (root.pem) and the certificate
by which it signs; then `openssl ts -reply` answers every query. It prints its URL on the first line
of standard output once it listens, and runs until it is terminated. With --prepare it only makes
the certificates and authority.cnf, openssl's configuration.
"""

import argparse
import http.server
import pathlib
import subprocess
import sys

MAX_QUERY_BYTES = 64 << 10

CERTIFICATES = """
[req]
distinguished_name = name
prompt = no
[name]
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[signer]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""

AUTHORITY = """
[tsa]
default_tsa = authority
[authority]
serial = {folder}/serial
signer_cert = {folder}/signer.pem
signer_key = {folder}/signer.key
certs = {folder}/root.pem
signer_digest = sha256
default_policy = {policy}
digests = sha256, sha384, sha512
accuracy = secs:1
ordering = no
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


def openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {arguments[0]}: {done.stderr.decode(errors='replace')}")


def make_certificates(folder, name):
    """A root, and a signer's certificate that it issued; the root's key is not kept."""
    configuration = folder / "certificates.cnf"
    configuration.write_text(CERTIFICATES)
    root_key = folder / "root.key"
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-sha256", "-days", "3650",
            "-config", configuration, "-extensions", "root", "-subj", f"/O={name}/CN={name} Root",
            "-keyout", root_key, "-out", folder / "root.pem")
    openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-sha256",
            "-config", configuration, "-subj", f"/O={name}/CN={name} Time Stamps",
            "-keyout", folder / "signer.key", "-out", folder / "signer.csr")
    openssl("x509", "-req", "-in", folder / "signer.csr", "-sha256", "-days", "3650",
            "-CA", folder / "root.pem", "-CAkey", root_key, "-set_serial", "2",
            "-extfile", configuration, "-extensions", "signer", "-out", folder / "signer.pem")
    root_key.unlink()
    (folder / "serial").write_text("01\n")


def responder(folder):
    """The handler of queries to the authority in the folder."""

    class Responder(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            length = int(self.headers.get("Content-Length", "0"))
            known = self.headers.get_content_type() == "application/timestamp-query"
            if not known or not 0 < length <= MAX_QUERY_BYTES:
                self.send_error(400)
                return
            query, reply = folder / "query.tsq", folder / "reply.tsr"
            query.write_bytes(self.rfile.read(length))
            openssl("ts", "-reply", "-config", folder / "authority.cnf",
                    "-queryfile", query, "-out", reply)
            answer = reply.read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format, *arguments):
            pass

    return Responder


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--name", default="Test Authority")
    parser.add_argument("--policy", default="1.3.6.1.4.1.99999.1")
    parser.add_argument("--prepare", action="store_true", help="make certificates and end")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "serial").exists():
        make_certificates(folder, arguments.name)
    (folder / "authority.cnf").write_text(
        AUTHORITY.format(folder=folder, policy=arguments.policy))
    if arguments.prepare:
        return
    # One query after the other: openssl counts serial numbers in a file.
    server = http.server.HTTPServer(("127.0.0.1", arguments.port), responder(folder))
    print(f"http://127.0.0.1:{server.server_port}/", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())
