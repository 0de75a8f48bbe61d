"""imaplib: writes every message of INBOX into a directory, one file for each UID."""

import imaplib
import pathlib

from settings import HOST, PASSWORD, PORTS, SETTINGS, USER, check, context

imaplib._MAXLINE = 50_000_000
out = pathlib.Path(SETTINGS["out"])
with imaplib.IMAP4_SSL(HOST, PORTS["imaps"], ssl_context=context()) as imap:
    imap.login(USER, PASSWORD)
    status, count = imap.select("INBOX", readonly=True)
    check(status == "OK", status, count)
    status, found = imap.uid("SEARCH", "ALL")
    uids = found[0].split()
    check(len(uids) == int(count[0]), uids, count)
    for uid in uids:
        status, parts = imap.uid("FETCH", uid.decode(), "(BODY.PEEK[])")
        check(status == "OK", uid, status)
        literals = [part[1] for part in parts if isinstance(part, tuple)]
        check(len(literals) == 1, uid, parts)
        (out / uid.decode()).write_bytes(literals[0])
