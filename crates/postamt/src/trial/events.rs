//! The live lines of a trial: what the sessions tell, one line each, for people or (`--json`) for programs. Warnings
//! and errors of the server appear among them.

use crate::print::say;
use serde_json::json;
use service_session::TARGET;
use std::fmt::{self, Write as _};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// Starts printing.
pub(super) fn start(json: bool) -> anyhow::Result<()> {
    tracing_subscriber::registry().with(Lines { json }).try_init()?;
    Ok(())
}

struct Lines {
    json: bool,
}

#[derive(Default)]
struct Fields {
    who: String,
    service: String,
    what: String,
    detail: String,
    message: String,
    others: String,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        self.record_str(field, &text);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let place = match field.name() {
            "who" => &mut self.who,
            "service" => &mut self.service,
            "what" => &mut self.what,
            "detail" => &mut self.detail,
            "message" => &mut self.message,
            name => {
                let _ = write!(self.others, " {name}={value}");
                return;
            }
        };
        value.clone_into(place);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut text = value.to_string();
        let mut source = value.source();
        while let Some(cause) = source {
            let _ = write!(text, ": {cause}");
            source = cause.source();
        }
        let _ = write!(self.others, " {}={text}", field.name());
    }
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let is_happening = metadata.target() == TARGET;
        if !is_happening && *metadata.level() > Level::WARN {
            return;
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        let now = jiff::ZonedDateTime::now();
        let Fields { who, service, what, detail, message, others } = fields;
        if self.json {
            let time = now.timestamp().to_string();
            let line = if is_happening {
                json!({"time": time, "who": who, "service": service, "what": what, "detail": detail})
            } else {
                json!({"time": time, "level": metadata.level().as_str(), "message": message + &others})
            };
            return say(&format!("{line}\n"));
        }
        let time = now.strftime("%H:%M:%S");
        let line = if is_happening {
            let name = who.split('@').next().unwrap_or(&who);
            format!("{time}  {name:<6} {service:<5} {what:<13} {detail}")
        } else {
            format!("{time}  {:<6} {message}{others}", metadata.level())
        };
        // What a peer wrote must not steer the terminal.
        let clean: String = line.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
        say(&format!("{}\n", clean.trim_end()));
    }
}
