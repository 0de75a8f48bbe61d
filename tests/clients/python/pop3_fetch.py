"""poplib: writes every message into a directory, one file for each UIDL, lines joined with CR LF."""

import pathlib
import poplib

from settings import HOST, PASSWORD, PORTS, SETTINGS, USER, check, context

# poplib refuses longer lines by itself; mail has them.
poplib._MAXLINE = 50_000_000
out = pathlib.Path(SETTINGS["out"])
pop3 = poplib.POP3_SSL(HOST, PORTS["pop3s"], context=context())
# Else headers in UTF-8 would come as surrogates (RFC 6856 §2.1).
pop3.utf8()
pop3.user(USER)
pop3.pass_(PASSWORD)
count, _ = pop3.stat()
check(len(pop3.list()[1]) == count, count)
names = {}
for line in pop3.uidl()[1]:
    number, name = line.decode().split()
    names[int(number)] = name
check(len(set(names.values())) == count, names)
for number, name in names.items():
    _, lines, _ = pop3.retr(number)
    (out / f"{number}").write_bytes(b"".join(line + b"\r\n" for line in lines))
pop3.quit()
