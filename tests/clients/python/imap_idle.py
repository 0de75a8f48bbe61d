"""imaplib in IDLE (by hand: it has a method for it from Python 3.14 on): says each line that it is told,
up to an EXPUNGE."""

import imaplib

from settings import HOST, PASSWORD, PORTS, USER, check, context

imap = imaplib.IMAP4_SSL(HOST, PORTS["imaps"], ssl_context=context())
imap.login(USER, PASSWORD)
check("IDLE" in imap.capabilities, imap.capabilities)
imap.select("INBOX")
tag = imap._new_tag()
imap.send(tag + b" IDLE\r\n")
check(imap.readline().startswith(b"+"), "IDLE waits")
print("waiting", flush=True)

line = b""
while not line.endswith(b" EXPUNGE\r\n"):
    line = imap.readline()
    check(line.startswith(b"* "), line)
    print("told", line.decode().strip()[2:], flush=True)
imap.send(b"DONE\r\n")
while not line.startswith(tag):
    line = imap.readline()
check(b" OK " in line, line)
check(imap.logout()[0] == "BYE", "LOGOUT")
