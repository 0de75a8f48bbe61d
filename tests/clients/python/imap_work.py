"""imaplib: what a program does with mail all day, over TLS and over STARTTLS."""

import imaplib
import time

from settings import HOST, PASSWORD, PORTS, USER, check, context

MESSAGE = b"From: a@example.test\r\nSubject: imaplib %d\r\n\r\nText %d\r\n"


def fine(answer):
    status, data = answer
    check(status == "OK", answer)
    return data


def refused_before_tls():
    imap = imaplib.IMAP4(HOST, PORTS["imap"])
    check("LOGINDISABLED" in imap.capabilities, imap.capabilities)
    try:
        imap.login(USER, PASSWORD)
    except imaplib.IMAP4.error as error:
        check("PRIVACYREQUIRED" in str(error), error)
    else:
        check(False, "LOGIN was taken in clear")
    fine(imap.starttls(context()))
    check("LOGINDISABLED" not in imap.capabilities, imap.capabilities)
    imap.authenticate("PLAIN", lambda _: f"\0{USER}\0{PASSWORD}".encode())
    return imap


def work(imap):
    for name in ("Work", "Work/Sub"):
        fine(imap.create(name))
    fine(imap.rename("Work/Sub", "Work/Other"))
    fine(imap.subscribe("Work/Other"))
    check(any(b"Work/Other" in line for line in fine(imap.list())), "LIST")
    check(any(b"Work/Other" in line for line in fine(imap.lsub())), "LSUB")
    check(b"((" in fine(imap.namespace())[0], "NAMESPACE")
    for number in range(1, 6):
        date = imaplib.Time2Internaldate(time.time())
        data = fine(imap.append("Work", r"(\Seen)" if number == 1 else None, date, MESSAGE % (number, number)))
        check(b"APPENDUID" in data[0], data)
    check(fine(imap.select("Work")) == [b"5"], "five messages")
    check(fine(imap.search(None, "UNSEEN")) == [b"2 3 4 5"], "UNSEEN")
    check(fine(imap.search(None, "SUBJECT", '"imaplib 3"')) == [b"3"], "SUBJECT")
    check(fine(imap.search("UTF-8", "BODY", "Text")) == [b"1 2 3 4 5"], "BODY")
    fine(imap.store("2:3", "+FLAGS", r"(\Flagged keyword)"))
    check(fine(imap.search(None, "KEYWORD", "keyword")) == [b"2 3"], "KEYWORD")
    fine(imap.copy("2", "Work/Other"))
    fine(imap.uid("MOVE", "3", "Work/Other"))
    check(imap.response("EXPUNGE")[1] == [b"3"], "MOVE tells the EXPUNGE")
    fine(imap.store("1", "+FLAGS", r"(\Deleted)"))
    check(fine(imap.expunge()) == [b"1"], "EXPUNGE")
    check(fine(imap.search(None, "ALL")) == [b"1 2 3"], "three are left")
    parts = fine(imap.fetch("1:*", "(UID FLAGS RFC822.SIZE BODY.PEEK[HEADER.FIELDS (SUBJECT)])"))
    check(len([part for part in parts if isinstance(part, tuple)]) == 3, parts)
    status = fine(imap.status("Work/Other", "(MESSAGES UIDNEXT UIDVALIDITY UNSEEN)"))
    check(b"MESSAGES 2" in status[0], status)
    fine(imap.close())
    fine(imap.select("Work/Other", readonly=True))
    check(imap.store("1", "+FLAGS", r"(\Seen)")[0] == "NO", "EXAMINE is read-only")
    fine(imap.unselect())
    for name in ("Work/Other", "Work"):
        fine(imap.delete(name))
    check(imap.logout()[0] == "BYE", "LOGOUT")


with imaplib.IMAP4_SSL(HOST, PORTS["imaps"], ssl_context=context()) as secure:
    try:
        secure.login(USER, "wrong")
    except imaplib.IMAP4.error as error:
        check("AUTHENTICATIONFAILED" in str(error), error)
    else:
        check(False, "a wrong password was taken")
    secure.login(USER, PASSWORD)
    work(secure)
work(refused_before_tls())
