//! What stands in every letter.

texts! {
    OTHER_LANGUAGE_BELOW:
        "(English below)",
        "(English below)";
    GREETING:
        "Guten Tag,",
        "Hello,";
    HELP:
        "Hilfe, Schritt für Schritt: {help}",
        "Help, step by step: {help}";
    QUESTIONS:
        "Fragen? Antworten Sie einfach auf diesen Brief. Die Antwort geht an {postmaster}; das liest, wer Ihr Postfach \
         betreibt.",
        "Questions? Just answer this letter. The answer goes to {postmaster}, which is read by those who run your mailbox.";
    SIGNED:
        "Geschrieben vom Server {hostname}",
        "Written by the server {hostname}";
}
