//! Mail that is read by POP3 and by IMAP.

texts! {
    SUBJECT:
        "Ihre Post wird mit POP3 und mit IMAP gelesen",
        "Your mail is read by POP3 and by IMAP";
    WHAT:
        "Ihr Postfach {address} wird auf zwei Arten gelesen, mit IMAP und mit POP3. Das ist erlaubt, und es ist nichts kaputt. \
         Die beiden gehen nur verschieden mit Ihrer Post um:",
        "Your mailbox {address} is read in two ways, by IMAP and by POP3. That is allowed, and nothing is broken. The two only \
         treat your mail differently:";
    IMAP:
        "IMAP lässt die Post beim Anbieter. Alle Geräte zeigen dasselbe.",
        "IMAP leaves the mail with the provider. All devices show the same.";
    POP3:
        "POP3 holt die Post auf einen Computer ab. Die meisten Programme löschen sie danach hier; dann fehlt sie auf dem Handy \
         und auf allen anderen Geräten.",
        "POP3 fetches the mail to one computer. Most apps then delete it here; after that it is missing on the phone and on all \
         other devices.";
    FACT_IMAP: "Zuletzt mit IMAP", "Last by IMAP";
    FACT_POP3: "Zuletzt mit POP3", "Last by POP3";
    NOTHING_DELETED:
        "Bisher hat POP3 hier nichts gelöscht, was noch aufbewahrt wird. Falls es das tut: Wir bewahren Gelöschtes {time} lang \
         auf und holen es zurück, wenn Sie uns bitten.",
        "So far POP3 has deleted nothing here that is still kept. If it does: we keep deleted mail for {time} and bring it back \
         when you ask us.";
    BACK:
        "Fehlt Ihnen etwas? Was POP3 hier gelöscht hat, bewahren wir {time} lang auf; jetzt gerade: {messages}. Antworten Sie \
         auf diesen Brief, dann holen wir alles dorthin zurück, wo es war.",
        "Is something missing? What POP3 deleted here is kept for {time}; at the moment: {messages}. Answer this letter, and we \
         bring everything back to where it was.";
    TRASH:
        "Fehlt Ihnen etwas? Was POP3 hier löscht, liegt im Papierkorb Ihres Postfachs. Von dort können Sie es selbst \
         zurückholen.",
        "Is something missing? What POP3 deletes here lies in the trash of your mailbox. You can take it back from there \
         yourself.";
    ADVICE:
        "Was wir raten:",
        "What we advise:";
    SEVERAL_DEVICES:
        "Lesen Sie Ihre Post auf mehreren Geräten (ein Handy zählt mit), dann richten Sie das Postfach überall mit IMAP ein, \
         auch in dem Programm, das jetzt POP3 benutzt.",
        "If you read your mail on several devices (a phone counts), set up the mailbox with IMAP everywhere, also in the app \
         that uses POP3 now.";
    KEEP_POP3:
        "Möchten Sie POP3 behalten, dann schalten Sie dort ein, dass die Nachrichten auf dem Server bleiben.",
        "If you want to keep POP3, switch on there that messages stay on the server.";
    ALL_FINE:
        "Ist es so gewollt, brauchen Sie nichts zu tun.",
        "If this is what you want, you need not do anything.";
    ONCE:
        "Diesen Brief schreiben wir nur einmal. Möchten Sie auch sonst keine Ratschläge von uns, dann antworten Sie kurz; wer \
         Ihr Postfach betreibt, kann sie abstellen.",
        "We write this letter only once. If you want no other advice from us either, answer briefly; those who run your mailbox \
         can switch it off.";
}
