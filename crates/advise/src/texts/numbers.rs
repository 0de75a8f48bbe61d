//! Numbers with their plural.

texts! {
    DAY: "{count} Tag", "{count} day";
    DAYS: "{count} Tage", "{count} days";
    HOUR: "{count} Stunde", "{count} hour";
    HOURS: "{count} Stunden", "{count} hours";
    MESSAGE: "{count} Nachricht", "{count} message";
    MESSAGES: "{count} Nachrichten", "{count} messages";
}
