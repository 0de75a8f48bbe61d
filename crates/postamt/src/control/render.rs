//! Shows an answer to a person: a list of objects as a table, an object as lines, everything else as it is.

use jiff::ZonedDateTime;
use serde_json::Value;
use std::fmt::Write as _;

/// The text for a terminal, with a line end.
pub(crate) fn render(value: &Value) -> String {
    match value {
        Value::Array(rows) if rows.is_empty() => "none\n".into(),
        Value::Array(rows) if rows.iter().all(Value::is_object) => table(rows),
        Value::Array(rows) => rows.iter().map(|r| cell(r) + "\n").collect(),
        Value::Object(fields) => {
            let width = fields.keys().map(|k| k.chars().count()).max().unwrap_or(0);
            let mut out = String::new();
            for (key, value) in fields {
                match value {
                    Value::Array(rows) if rows.iter().any(Value::is_object) => {
                        let _ = write!(out, "{key}\n{}", indented(&table(rows)));
                    }
                    value => {
                        let _ = writeln!(out, "{key:width$}  {}", named_cell(key, value));
                    }
                }
            }
            out
        }
        Value::Null => String::new(),
        value => cell(value) + "\n",
    }
}

fn indented(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    for line in text.lines() {
        let _ = writeln!(out, "  {line}");
    }
    out
}

/// What is a time, by its name: shown in the zone of whoever reads it.
const TIMES: [&str; 3] = ["last used", "exposed", "valid until"];

fn named_cell(key: &str, value: &Value) -> String {
    match value {
        Value::String(text) if TIMES.contains(&key) => shown_time(text, &ZonedDateTime::now()),
        value => cell(value),
    }
}

/// A time (RFC 3339) where somebody reads it; with its year instead of its hour if that is another.
pub(crate) fn shown_time(text: &str, now: &ZonedDateTime) -> String {
    let Ok(at) = text.parse::<jiff::Timestamp>() else { return escaped(text) };
    let at = at.to_zoned_datetime(now.time_zone().clone());
    let form = if at.year() == now.year() { "%e %b %H:%M" } else { "%e %b  %Y" };
    at.strftime(form).to_string()
}

/// One value on one line.
fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(", "),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        value => value.to_string(),
    };
    escaped(&text)
}

/// A text on one line; control characters that a peer wrote are escaped.
pub(crate) fn escaped(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] }).collect()
}

fn table(rows: &[Value]) -> String {
    let objects: Vec<_> = rows.iter().filter_map(Value::as_object).collect();
    let Some(first) = objects.first() else { return String::new() };
    let columns: Vec<(&String, usize)> = first
        .keys()
        .map(|key| {
            let widest = objects
                .iter()
                .filter_map(|o| o.get(key))
                .map(|v| named_cell(key, v).chars().count())
                .max()
                .unwrap_or(0);
            (key, widest.max(key.chars().count()))
        })
        .collect();
    let mut out = String::new();
    let line = |out: &mut String, cells: Vec<String>| {
        let mut joined = String::new();
        for (cell, (_, width)) in cells.iter().zip(&columns) {
            let _ = write!(joined, "{cell:width$}  ");
        }
        let _ = writeln!(out, "{}", joined.trim_end());
    };
    line(&mut out, columns.iter().map(|(key, _)| (*key).clone()).collect());
    for object in objects {
        line(
            &mut out,
            columns.iter().map(|(key, _)| object.get(*key).map_or_else(String::new, |v| named_cell(key, v))).collect(),
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lists_are_tables_and_objects_are_lines() {
        assert_eq!(
            render(&json!([{"address": "anna@example.test", "mails": 12}, {"address": "b@x", "mails": 3}])),
            "address            mails\nanna@example.test  12\nb@x                3\n"
        );
        assert_eq!(render(&json!({"a": true, "long": ["x", "y"]})), "a     yes\nlong  x, y\n");
        assert_eq!(render(&json!([])), "none\n");
        assert_eq!(render(&json!({"certificates": []})), "certificates  none\n");
    }

    #[test]
    fn times_are_shown_where_they_are_read() {
        let now: ZonedDateTime = "2026-11-24T12:00:00[UTC]".parse().unwrap();
        assert_eq!(shown_time("2026-11-02T09:12:07.5Z", &now), " 2 Nov 09:12");
        assert_eq!(shown_time("2025-11-23T09:12:00Z", &now), "23 Nov  2025");
        assert_eq!(shown_time("\u{1b}", &now), "\\u{1b}");
        assert!(!render(&json!({"last used": "2026-11-02T09:12:07Z"})).contains('Z'));
    }

    #[test]
    fn what_a_peer_wrote_cannot_steer_the_terminal() {
        assert_eq!(render(&json!({"subject": "\u{1b}[2J\nx"})), "subject  \\u{1b}[2J\\nx\n");
    }
}
