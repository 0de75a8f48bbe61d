"""smtplib: submission over TLS and STARTTLS, every refusal that matters, addresses beyond ASCII."""

import email.message
import email.policy
import smtplib

from settings import HOST, PASSWORD, PORTS, SETTINGS, USER, check, context

TO = SETTINGS["to"]
MESSAGE = b"From: %s\r\nTo: %s\r\nSubject: smtplib %s\r\n\r\n.dot\r\n..two\r\n\xc3\xbc\r\n"


def message(name):
    return MESSAGE % (USER.encode(), TO.encode(), name)


def refused(code, action, *arguments):
    try:
        action(*arguments)
    except smtplib.SMTPRecipientsRefused as error:
        check(all(answer[0] == code for answer in error.recipients.values()), error)
    except smtplib.SMTPResponseException as error:
        check(error.smtp_code == code, error)
    else:
        check(False, action, arguments, "was taken")


with smtplib.SMTP_SSL(HOST, PORTS["submissions"], context=context()) as smtp:
    smtp.ehlo()
    for name in ("size", "pipelining", "8bitmime", "smtputf8", "chunking", "enhancedstatuscodes", "auth"):
        check(smtp.has_extn(name), name, smtp.esmtp_features)
    refused(530, smtp.sendmail, USER, [TO], message(b"none"))
    refused(535, smtp.login, USER, "wrong")
    smtp.login(USER, PASSWORD)
    check(smtp.sendmail(USER, [TO], message(b"tls"), ["BODY=8BITMIME"]) == {}, "tls")
    letter = email.message.EmailMessage(policy=email.policy.SMTPUTF8)
    letter["From"], letter["To"], letter["Subject"] = USER, TO, "smtplib grüße"
    letter.set_content("Grüße\n")
    check(smtp.send_message(letter) == {}, "send_message")
    answers = smtp.sendmail(USER, [TO, "nobody@example.test"], message(b"partly"))
    check(list(answers) == ["nobody@example.test"] and answers["nobody@example.test"][0] == 550, answers)

with smtplib.SMTP(HOST, PORTS["submission"]) as smtp:
    smtp.ehlo()
    check(not smtp.has_extn("auth") and smtp.has_extn("starttls"), smtp.esmtp_features)
    code, text = smtp.docmd("AUTH", "PLAIN AGFubmEAeA==")
    check(code in (530, 538), code, text)
    smtp.starttls(context=context())
    smtp.ehlo()
    smtp.user, smtp.password = USER, PASSWORD
    smtp.auth("LOGIN", smtp.auth_login)
    check(smtp.sendmail(USER, [TO], message(b"starttls")) == {}, "starttls")

with smtplib.SMTP(HOST, PORTS["smtp"]) as smtp:
    smtp.ehlo()
    check(not smtp.has_extn("auth"), smtp.esmtp_features)
    refused(550, smtp.sendmail, "x@elsewhere.example", ["y@elsewhere.example"], message(b"relay"))
    check(smtp.sendmail("x@elsewhere.example", [TO], message(b"mx")) == {}, "mx")

with smtplib.LMTP(HOST, PORTS["lmtp"]) as lmtp:
    check(lmtp.sendmail("x@elsewhere.example", [TO], message(b"lmtp")) == {}, "lmtp")
