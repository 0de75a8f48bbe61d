"""poplib: UTF8 before the sign-in, LANG, and what a message with UTF-8 in its header looks like with and without it."""

import poplib

from settings import HOST, PASSWORD, PORTS, USER, check, context


def fetched(utf8):
    pop3 = poplib.POP3_SSL(HOST, PORTS["pop3s"], context=context())
    check("UTF8" in pop3.capa() and "LANG" in pop3.capa(), pop3.capa())
    if utf8:
        check(pop3.utf8().startswith(b"+OK"), "UTF8")
    check(pop3._shortcmd("LANG de") == "+OK de Ab jetzt in dieser Sprache".encode(), "LANG")
    pop3.user(USER)
    pop3.pass_(PASSWORD)
    size = int(pop3.list(1).split()[2])
    lines = pop3.retr(1)[1]
    pop3.quit()
    return size, b"\r\n".join(lines) + b"\r\n"


size, message = fetched(True)
check(len(message) == size and "Grüße".encode() in message, message)
size, surrogate = fetched(False)
head = surrogate.split(b"\r\n\r\n")[0]
check(head.isascii() and b"=?utf-8?Q?Gr=C3=BC=C3=9Fe?=" in head, head)
check(surrogate.split(b"\r\n\r\n")[1] == message.split(b"\r\n\r\n")[1], surrogate)
