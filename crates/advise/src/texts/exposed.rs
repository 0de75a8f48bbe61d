//! A password that came in clear.

texts! {
    SUBJECT_LOCKED:
        "Ihr Passwort war unterwegs lesbar und gilt nicht mehr",
        "Your password could be read on its way and is no longer valid";
    SUBJECT_UNTIL:
        "Ihr Passwort war unterwegs lesbar: bitte bis {day} ändern",
        "Your password could be read on its way: please change it by {day}";
    SUBJECT_UNLOCKED:
        "Ihr Passwort war unterwegs lesbar: bitte ändern",
        "Your password could be read on its way: please change it";
    SUBJECT_APP_LOCKED:
        "Ein App-Passwort war unterwegs lesbar und gilt nicht mehr",
        "An app password could be read on its way and is no longer valid";
    SUBJECT_APP_UNTIL:
        "Ein App-Passwort war unterwegs lesbar: bitte bis {day} ersetzen",
        "An app password could be read on its way: please replace it by {day}";
    SUBJECT_APP_UNLOCKED:
        "Ein App-Passwort war unterwegs lesbar: bitte ersetzen",
        "An app password could be read on its way: please replace it";
    SUBJECT_REMINDER:
        "Erinnerung: Ihr Passwort gilt nur noch bis {day}",
        "Reminder: your password is only valid until {day}";
    WHAT:
        "ein E-Mail-Programm hat das Passwort Ihres Postfachs {address} ohne Verschlüsselung geschickt. Wer unterwegs \
         mitliest, zum Beispiel in einem fremden WLAN, kennt es jetzt vielleicht. Das Programm haben wir nicht \
         hereingelassen: Auf diesem Weg wurde keine Post gelesen und keine gelöscht.",
        "A mail app has sent the password of your mailbox {address} without encryption. Whoever listens on the way, for \
         example in a public Wi-Fi, may know it now. We did not let the app in: no mail was read or deleted that way.";
    WHAT_APP:
        "ein E-Mail-Programm hat das App-Passwort „{name}“ Ihres Postfachs {address} ohne Verschlüsselung geschickt. Wer \
         unterwegs mitliest, zum Beispiel in einem fremden WLAN, kennt es jetzt vielleicht. Das Programm haben wir nicht \
         hereingelassen: Auf diesem Weg wurde keine Post gelesen und keine gelöscht.",
        "A mail app has sent the app password “{name}” of your mailbox {address} without encryption. Whoever listens on the \
         way, for example in a public Wi-Fi, may know it now. We did not let the app in: no mail was read or deleted that \
         way.";
    STILL:
        "am {day} hat ein E-Mail-Programm das Passwort Ihres Postfachs {address} ohne Verschlüsselung geschickt. Seither ist \
         es nicht geändert worden.",
        "On {day} a mail app sent the password of your mailbox {address} without encryption. It has not been changed since.";
    STILL_APP:
        "am {day} hat ein E-Mail-Programm das App-Passwort „{name}“ Ihres Postfachs {address} ohne Verschlüsselung geschickt. \
         Seither ist es nicht ersetzt worden.",
        "On {day} a mail app sent the app password “{name}” of your mailbox {address} without encryption. It has not been \
         replaced since.";
    FACT_WHEN: "Wann", "When";
    FACT_FROM: "Von der Adresse", "Sent from";
    FACT_PROTOCOL: "Auf dem Weg", "By way of";
    FACT_PROGRAM: "Programm", "App";
    UNKNOWN_PROGRAM: "hat seinen Namen nicht genannt", "did not give its name";
    THIS_MACHINE: "der Server selbst", "the server itself";
    NAMELESS: "ohne Namen", "without a name";
    LOCKED:
        "Dieses Passwort gilt jetzt nicht mehr, in keinem Programm, bis es geändert ist. Was vorher schon verschlüsselt \
         verbunden war, bleibt vorerst verbunden.",
        "This password is no longer valid now, in any app, until it is changed. What was connected with encryption before \
         stays connected for now.";
    LOCKED_APP:
        "Dieses App-Passwort gilt jetzt nicht mehr. Ihre anderen Passwörter gelten weiter.",
        "This app password is no longer valid now. Your other passwords stay valid.";
    UNTIL:
        "Dieses Passwort gilt noch bis {time}. Danach nimmt der Server es nicht mehr an, in keinem Programm, bis es geändert \
         ist.",
        "This password is valid until {time}. After that the server does not take it any more, in any app, until it is \
         changed.";
    UNTIL_APP:
        "Dieses App-Passwort gilt noch bis {time}. Ihre anderen Passwörter gelten weiter.",
        "This app password is valid until {time}. Your other passwords stay valid.";
    UNLOCKED:
        "Dieses Passwort gilt weiter, für Sie und für jeden, der mitgelesen hat. Lassen Sie es bald ändern.",
        "This password stays valid, for you and for whoever listened. Have it changed soon.";
    UNLOCKED_APP:
        "Dieses App-Passwort gilt weiter, für Sie und für jeden, der mitgelesen hat. Lassen Sie es bald ersetzen.",
        "This app password stays valid, for you and for whoever listened. Have it replaced soon.";
    TO_DO:
        "Was Sie jetzt tun sollten:",
        "What to do now:";
    STEP_ENCRYPT:
        "Stellen Sie in diesem Programm die verschlüsselte Verbindung ein (SSL/TLS): Anschluss 993 für IMAP, 995 für POP3, 465 \
         zum Senden. Sonst geschieht es wieder.",
        "Set this app to an encrypted connection (SSL/TLS): port 993 for IMAP, 995 for POP3, 465 for sending. Otherwise it \
         happens again.";
    STEP_CHANGE:
        "Bitten Sie die, die Ihr Postfach betreiben, um ein neues Passwort, am besten persönlich oder am Telefon. Es muss ein \
         anderes sein.",
        "Ask those who run your mailbox for a new password, best in person or by phone. It has to be a different one.";
    STEP_CHANGE_APP:
        "Bitten Sie die, die Ihr Postfach betreiben, um ein neues App-Passwort für dieses Programm.",
        "Ask those who run your mailbox for a new app password for this app.";
    STEP_ELSEWHERE:
        "Benutzen Sie dasselbe Passwort auch anderswo? Dann ändern Sie es dort ebenfalls.",
        "Do you use the same password elsewhere? Then change it there too.";
    STRANGER:
        "Kennen Sie weder das Programm noch die Adresse, dann kennt jemand anderes Ihr Passwort. Warten Sie in diesem Fall \
         nicht.",
        "If you know neither the app nor the address, somebody else knows your password. In that case do not wait.";
    NEVER_ASKED:
        "Wir fragen Sie nie nach Ihrem Passwort, auch nicht in einem Brief.",
        "We never ask you for your password, not in a letter either.";
}
