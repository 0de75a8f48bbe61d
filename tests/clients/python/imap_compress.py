"""COMPRESS=DEFLATE against Python's zlib: other levels, windows and flushes than ours."""

import imaplib
import zlib

from settings import HOST, PASSWORD, PORTS, USER, check, context

imaplib.Commands["COMPRESS"] = ("AUTH", "SELECTED")
MESSAGE = b"From: a@example.test\r\nSubject: deflate %d\r\n\r\n" + b"The same line again.\r\n" * 4000


imaplib.Commands["COMPRESS"] = ("AUTH", "SELECTED")


class Compressed(imaplib.IMAP4_SSL):
    """imaplib with a layer between it and its socket."""

    def compress(self, level, bits, flush):
        status, data = self._simple_command("COMPRESS", "DEFLATE")
        check(status == "OK", data)
        self.deflater = zlib.compressobj(level, zlib.DEFLATED, -bits)
        self.inflater = zlib.decompressobj(-15)
        self.flush, self.plain, self.heard = flush, b"", 0

    def _more(self):
        data = self.sock.recv(4096)
        check(data, "the server ended the connection")
        self.heard += len(data)
        self.plain += self.inflater.decompress(data)

    def read(self, size):
        if not hasattr(self, "inflater"):
            return super().read(size)
        while len(self.plain) < size:
            self._more()
        data, self.plain = self.plain[:size], self.plain[size:]
        return data

    def readline(self):
        if not hasattr(self, "inflater"):
            return super().readline()
        while b"\n" not in self.plain:
            self._more()
        line, newline, self.plain = self.plain.partition(b"\n")
        return line + newline

    def send(self, data):
        if hasattr(self, "deflater"):
            data = self.deflater.compress(data) + self.deflater.flush(self.flush)
        super().send(data)


def fine(answer):
    status, data = answer
    check(status == "OK", answer)
    return data


for level, bits, flush in (
    (0, 15, zlib.Z_SYNC_FLUSH),
    (1, 9, zlib.Z_FULL_FLUSH),
    (6, 15, zlib.Z_PARTIAL_FLUSH),
    (9, 15, zlib.Z_SYNC_FLUSH),
    (9, 12, zlib.Z_SYNC_FLUSH),
):
    with Compressed(HOST, PORTS["imaps"], ssl_context=context()) as imap:
        imap.login(USER, PASSWORD)
        check("COMPRESS=DEFLATE" in imap.capabilities, imap.capabilities)
        imap.compress(level, bits, flush)
        name = f"Box{level}{bits}"
        fine(imap.create(name))
        for number in range(3):
            fine(imap.append(name, None, None, MESSAGE % number))
        check(fine(imap.select(name)) == [b"3"], "three messages")
        before = imap.heard
        parts = fine(imap.fetch("1:3", "(BODY.PEEK[])"))
        texts = [part[1] for part in parts if isinstance(part, tuple)]
        check(texts == [MESSAGE % number for number in range(3)], "every byte")
        check(imap.heard - before < len(MESSAGE), imap.heard - before, "bytes for", 3 * len(MESSAGE))
        check(imap.logout()[0] == "BYE", "LOGOUT")
