"""poplib: deletes every message, as a program does that keeps mail on one computer."""

import poplib

from settings import HOST, PASSWORD, PORTS, USER, check, context

pop3 = poplib.POP3_SSL(HOST, PORTS["pop3s"], context=context())
pop3.user(USER)
pop3.pass_(PASSWORD)
count, _ = pop3.stat()
for number in range(1, count + 1):
    pop3.dele(number)
check(pop3.stat()[0] == 0, pop3.stat())
check(pop3.quit().startswith(b"+OK"), "QUIT")
