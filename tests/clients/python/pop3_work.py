"""poplib: refused before TLS, STLS, then TOP, DELE, RSET and QUIT."""

import poplib

from settings import HOST, PASSWORD, PORTS, USER, check, context

pop3 = poplib.POP3(HOST, PORTS["pop3"])
check("STLS" in pop3.capa() and "USER" not in pop3.capa(), pop3.capa())
try:
    pop3.user(USER)
except poplib.error_proto:
    pass
else:
    check(False, "USER was taken in clear")
pop3.stls(context())
check("USER" in pop3.capa(), pop3.capa())
pop3.user(USER)
pop3.pass_(PASSWORD)
count, octets = pop3.stat()
check(count == 3 and octets > 0, count, octets)
check(pop3.list(2).startswith(b"+OK 2 "), pop3.list(2))
lines = pop3.top(1, 1)[1]
place = lines.index(b"")
check(len(lines) == place + 2, lines)
pop3.dele(1)
check(pop3.stat()[0] == 2, "DELE")
pop3.rset()
check(pop3.stat()[0] == 3, "RSET")
pop3.dele(2)
try:
    pop3.retr(2)
except poplib.error_proto:
    pass
else:
    check(False, "RETR of a message that DELE marked")
pop3.noop()
check(pop3.quit().startswith(b"+OK"), "QUIT")
pop3 = poplib.POP3_SSL(HOST, PORTS["pop3s"], context=context())
pop3.user(USER)
try:
    pop3.pass_("wrong")
except poplib.error_proto as error:
    check(b"[AUTH]" in error.args[0], error)
else:
    check(False, "a wrong password was taken")
pop3.quit()
