#!/usr/bin/env python3
"""What an idle IMAP connection costs the server, with and without COMPRESS (RFC 4978).

    bench/postamt.sh start
    bench/idle_compressed.py 27993 "$(cat "$PEER_DIR/pa/pid")" 5000 plain|compressed

Opens that many connections over TLS as u0201 to u0300, each of which has signed in, selected INBOX, fetched from it and is in
IDLE; prints the anonymous memory of the server that each adds, in KiB.
"""

import socket
import ssl
import sys
import time
import zlib

port, pid, count, compressed = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "compressed"
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE


def anonymous_kib():
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("Anonymous"))


class Connection:
    def __init__(self, user):
        self.socket = context.wrap_socket(socket.create_connection(("127.0.0.1", port)))
        self.deflate = self.inflate = None
        self.wait_for(b"* OK")
        self.command(f"a LOGIN {user}@bench.test bench-pass", b"a OK")
        if compressed:
            self.command("b COMPRESS DEFLATE", b"b OK")
            self.deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
            self.inflate = zlib.decompressobj(-15)
        self.command("c SELECT INBOX", b"c OK")
        self.command("d FETCH 1:50 (FLAGS ENVELOPE BODYSTRUCTURE)", b"d ")
        self.command("e IDLE", b"+")

    def command(self, line, answer):
        data = line.encode() + b"\r\n"
        if self.deflate:
            data = self.deflate.compress(data) + self.deflate.flush(zlib.Z_SYNC_FLUSH)
        self.socket.sendall(data)
        self.wait_for(answer)

    def wait_for(self, answer):
        seen = b""
        while not any(line.startswith(answer) for line in seen.split(b"\n")):
            data = self.socket.recv(65536)
            if not data:
                sys.exit(f"the server closed the connection: {seen[-200:]!r}")
            seen += self.inflate.decompress(data) if self.inflate else data


def user(n):
    return f"u{201 + n % 100:04d}"


# What the first connection of each account loads is not the price of a connection.
first = [Connection(user(n)) for n in range(100)]
time.sleep(5)
before = anonymous_kib()
connections = [Connection(user(n)) for n in range(count)]
time.sleep(10)
print(f"{count} {'compressed' if compressed else 'plain'}: {(anonymous_kib() - before) / count:.1f} KiB each")
