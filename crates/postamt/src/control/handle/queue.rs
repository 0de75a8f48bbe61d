//! The queue and the traces.

use super::super::protocol::Failure;
use super::failures::of_queue;
use super::{Answer, Handler};
use domain::{Found, QueueItem};
use serde_json::{Value, json};
use types::{Timestamp, TraceId};

/// Messages that are read at once.
const PAGE: usize = 500;

fn time(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| at.0.to_string(), |t| t.to_string())
}

fn shown(item: &QueueItem) -> Value {
    let from = item.reverse_path.as_ref().map_or_else(|| "<>".to_owned(), ToString::to_string);
    let to: Vec<_> = item.waiting().map(|(_, r)| r.address.to_string()).collect();
    json!({
        "id": item.trace.to_string(),
        "from": from,
        "to": to,
        "octets": item.size.0,
        "attempts": item.attempts,
        "due": if item.held { "held".to_owned() } else { time(item.due) },
    })
}

impl Handler {
    /// The id in the queue that begins so.
    async fn queue_id(&self, part: &str) -> Result<TraceId, Failure> {
        if let Ok(id) = TraceId::parse(part) {
            return Ok(id);
        }
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let page = self.core.queue.list(after, PAGE).await.map_err(|e| of_queue(&e))?;
            let Some(last) = page.last() else { break };
            after = Some(last.trace);
            let part = part.to_ascii_lowercase();
            found.extend(page.iter().map(|i| i.trace).filter(|t| t.to_string().starts_with(&part)));
        }
        match found.as_slice() {
            [one] => Ok(*one),
            [] => Err(Failure::new(
                format!("nothing in the queue begins with {part}"),
                "it may have left",
                "postamt queue list",
            )),
            _ => Err(Failure::new(
                format!("more than one message begins with {part}"),
                "the part is too short",
                "postamt queue list",
            )),
        }
    }

    pub(super) async fn queue_list(&self) -> Answer {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self.core.queue.list(after, PAGE).await.map_err(|e| of_queue(&e))?;
            let Some(last) = page.last() else { break };
            after = Some(last.trace);
            all.extend(page.iter().map(shown));
        }
        Ok(Value::Array(all))
    }

    pub(super) async fn queue_show(&self, part: &str) -> Answer {
        let item = self.core.queue.show(self.queue_id(part).await?).await.map_err(|e| of_queue(&e))?;
        let mut value = shown(&item);
        let recipients: Vec<_> = item
            .recipients
            .iter()
            .map(|r| {
                json!({
                    "address": r.envelope.address.to_string(),
                    "state": format!("{:?}", r.state).to_lowercase(),
                    "last": r.last.as_ref().map(|a| format!("{} {} {}", time(a.at), a.status, a.text)),
                    "host": r.last.as_ref().and_then(|a| a.host.clone()),
                })
            })
            .collect();
        if let Some(fields) = value.as_object_mut() {
            fields.insert("created".into(), json!(time(item.created)));
            fields.insert("recipients".into(), Value::Array(recipients));
        }
        Ok(value)
    }

    pub(super) async fn queue_hold(&self, part: &str) -> Answer {
        let id = self.queue_id(part).await?;
        self.core.queue.hold(id).await.map_err(|e| of_queue(&e))?;
        Ok(json!({"held": id.to_string()}))
    }

    pub(super) async fn queue_release(&self, part: &str) -> Answer {
        let id = self.queue_id(part).await?;
        self.core.queue.release(id).await.map_err(|e| of_queue(&e))?;
        Ok(json!({"released": id.to_string()}))
    }

    pub(super) async fn queue_retry(&self, part: Option<&str>) -> Answer {
        let mut ids = Vec::new();
        if let Some(part) = part {
            ids.push(self.queue_id(part).await?);
        } else {
            let mut after = None;
            loop {
                let page = self.core.queue.list(after, PAGE).await.map_err(|e| of_queue(&e))?;
                let Some(last) = page.last() else { break };
                after = Some(last.trace);
                ids.extend(page.iter().map(|i| i.trace));
            }
        }
        for id in &ids {
            self.core.queue.retry(*id).await.map_err(|e| of_queue(&e))?;
        }
        Ok(json!({"retried": ids.len()}))
    }

    pub(super) async fn queue_drop(&self, part: &str) -> Answer {
        let id = self.queue_id(part).await?;
        self.core.queue.drop_item(id).await.map_err(|e| of_queue(&e))?;
        Ok(json!({"dropped": id.to_string()}))
    }

    pub(super) async fn trace(&self, part: &str) -> Answer {
        let unknown = |why: String| {
            Failure::new(
                format!("cannot trace {part}"),
                why,
                "take the id from a 250 answer, a Received line or the log",
            )
        };
        let flushed = self.core.traces.flush().await;
        flushed.map_err(|e| unknown(e.to_string()))?;
        match self.core.traces.find(part).await.map_err(|e| unknown(e.to_string()))? {
            Found::One(trace, events) => {
                let row = |e: &domain::Event| json!({"time": time(e.at), "event": e.kind.to_string(), "who": e.who, "text": e.text});
                Ok(json!({"id": trace.to_string(), "events": events.iter().map(row).collect::<Vec<_>>()}))
            }
            Found::Several(ids) => {
                let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
                Err(unknown(format!("more than one begins so: {}", ids.join(", "))))
            }
            Found::None => Err(unknown("no message has such an id".into())),
            Found::NotAnId => {
                Err(unknown(format!("an id has letters and digits, at least {} of them", domain::TRACE_PART_MIN)))
            }
        }
    }
}
