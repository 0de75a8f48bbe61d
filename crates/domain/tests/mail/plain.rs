//! What a message says, read naively from its bytes: the other opinion that search, sorting and threading are compared
//! with. Knows only what `letters.rs` writes, recurses where it likes, and calls nothing of what is tested.

/// A message taken apart.
pub(crate) struct PlainMessage {
    pub(crate) fields: Vec<(String, String)>,
    /// Decoded text parts, and each field of messages within.
    pub(crate) body: Vec<String>,
    /// Fields of MIME parts.
    pub(crate) mime: Vec<String>,
}

impl PlainMessage {
    pub(crate) fn read(raw: &[u8]) -> Self {
        let (fields, rest) = header(raw);
        let mut read = Self { fields: fields.clone(), body: Vec::new(), mime: Vec::new() };
        read.part(&fields, rest);
        read
    }

    fn part(&mut self, fields: &[(String, String)], content: &[u8]) {
        let of = |name: &str| find(fields, name).unwrap_or_default();
        let kind = of("content-type");
        if let Some((_, boundary)) = kind.split_once("boundary=") {
            let text = String::from_utf8_lossy(content).into_owned();
            let line = format!("--{boundary}");
            let pieces: Vec<&str> = text.split(&line).collect();
            for piece in &pieces[1..pieces.len() - 1] {
                let piece = piece.strip_prefix("\r\n").unwrap().strip_suffix("\r\n").unwrap();
                let (own, rest) = header(piece.as_bytes());
                self.mime.extend(own.iter().map(|(name, value)| format!("{name}: {}", words(value))));
                self.part(&own, rest);
            }
        } else if kind == "message/rfc822" {
            let (inner, rest) = header(content);
            self.body.extend(inner.iter().map(|(name, value)| format!("{name}: {}", words(value))));
            self.part(&inner, rest);
        } else if kind.is_empty() || kind.starts_with("text/") {
            let decoded = match of("content-transfer-encoding").as_str() {
                "base64" => base64(&String::from_utf8_lossy(content)),
                "quoted-printable" => quoted(&String::from_utf8_lossy(content), false),
                _ => content.to_vec(),
            };
            self.body.push(String::from_utf8_lossy(&decoded).into_owned());
        }
    }

    /// The decoded values of a field.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        let named = self.fields.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name));
        named.map(|(_, value)| words(value)).collect()
    }

    fn raw(&self, name: &str) -> Vec<&str> {
        let named = self.fields.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect()
    }

    pub(crate) fn subject(&self) -> String {
        self.all("subject").pop().unwrap_or_default()
    }

    /// `name <mailbox@host>`, comma by comma, and of the first entry mailbox and display.
    pub(crate) fn addresses(&self, name: &str) -> (String, String, String) {
        let entries: Vec<Entry> = self.raw(name).into_iter().flat_map(entries).collect();
        let mut text = String::new();
        let mut is_after_group = true;
        for entry in &entries {
            if matches!(entry, Entry::End) {
                text.push(';');
                continue;
            }
            if !is_after_group {
                text.push(',');
            }
            text.push(' ');
            is_after_group = matches!(entry, Entry::Group(_));
            match entry {
                Entry::Group(name) => text += &[name, ":"].concat(),
                Entry::Address(name, address) if name.is_empty() => text.push_str(address),
                Entry::Address(name, address) => text += &[name, " <", address, ">"].concat(),
                Entry::End => {}
            }
        }
        let (mailbox, display) = match entries.first() {
            Some(Entry::Group(name)) => (name.clone(), name.clone()),
            Some(Entry::Address(name, address)) => {
                let mailbox = address.split('@').next().unwrap().to_owned();
                (mailbox, if name.is_empty() { address.clone() } else { name.clone() })
            }
            _ => (String::new(), String::new()),
        };
        (text.trim_start().to_owned(), mailbox, display)
    }

    /// Days since 1970 as the field has it, and seconds since then reckoned to UTC.
    pub(crate) fn sent(&self) -> Option<(i64, i64)> {
        const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
        let value = self.raw("date").pop()?.to_owned();
        let value = value.split_once(", ").map_or(value.clone(), |(_, rest)| rest.to_owned());
        let parts: Vec<&str> = value.split(' ').collect();
        let day: i64 = parts.first()?.parse().ok()?;
        let month = i64::try_from(MONTHS.find(parts.get(1)?)? / 3).unwrap();
        let year: i64 = parts.get(2)?.parse().ok()?;
        let mut days = day - 1;
        let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        days += (1970..year).map(|year| if is_leap(year) { 366 } else { 365 }).sum::<i64>();
        let lengths = [31, 28 + i64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        days += lengths[..usize::try_from(month).unwrap()].iter().sum::<i64>();
        let time: Vec<i64> = parts.get(3).into_iter().flat_map(|t| t.split(':')).flat_map(str::parse).collect();
        let [hour, minute, second] = match <[i64; 3]>::try_from(time) {
            Ok(time) if time[0] < 24 && time[1] < 60 => time,
            // A time that is none is midnight (RFC 5256 §2.2).
            _ => return Some((days, days * 86_400)),
        };
        let zone: i64 = parts.get(4).and_then(|zone| zone.parse().ok()).unwrap_or(0);
        let zone = (zone / 100 * 60 + zone % 100) * 60;
        Some((days, days * 86_400 + hour * 3600 + minute * 60 + second - zone))
    }

    /// Its own id and those of what it answers, as RFC 5256 wants them.
    pub(crate) fn ids(&self) -> (Option<String>, Vec<String>) {
        let own = self.raw("message-id").pop().and_then(|value| ids(value).into_iter().next());
        let mut references: Vec<String> = self.raw("references").into_iter().flat_map(ids).collect();
        if references.is_empty() {
            references = self.raw("in-reply-to").into_iter().flat_map(ids).take(1).collect();
        }
        (own, references)
    }
}

enum Entry {
    Group(String),
    Address(String, String),
    End,
}

fn entries(value: &str) -> Vec<Entry> {
    let mut out = Vec::new();
    let mut rest = value.trim().to_owned();
    while !rest.is_empty() {
        let text = rest.clone();
        if let Some((group, inside)) = text.split_once(':').filter(|(group, _)| !group.contains(['@', ',', '"'])) {
            let (members, after) = inside.split_once(';').unwrap();
            out.push(Entry::Group(words(group)));
            out.extend(entries(members));
            out.push(Entry::End);
            after.trim_start_matches([',', ' ']).clone_into(&mut rest);
            continue;
        }
        let mut is_quoted = false;
        let comma = text.find(|c| {
            is_quoted ^= c == '"';
            c == ',' && !is_quoted
        });
        let (one, after) = comma.map_or((text.as_str(), ""), |at| (&text[..at], &text[at + 1..]));
        after.trim().clone_into(&mut rest);
        if let Some((name, address)) = one.split_once('<') {
            let name = words(name.trim()).replace('"', "");
            out.push(Entry::Address(name, address.trim_end_matches('>').to_owned()));
        } else if let Some((address, comment)) = one.split_once(" (") {
            out.push(Entry::Address(words(comment.trim_end_matches(')')), address.to_owned()));
        } else {
            out.push(Entry::Address(String::new(), one.to_owned()));
        }
    }
    out
}

fn ids(value: &str) -> Vec<String> {
    let inside = value.split('<').skip(1).filter_map(|part| part.split_once('>')).map(|(id, _)| id.replace('"', ""));
    inside.filter(|id| id.split_once('@').is_some_and(|(a, b)| !a.is_empty() && !b.is_empty())).collect()
}

fn header(raw: &[u8]) -> (Vec<(String, String)>, &[u8]) {
    let end = raw.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(raw.len());
    let text = String::from_utf8(raw[..end].to_vec()).unwrap().replace("\r\n ", " ");
    let fields = text.split("\r\n").filter_map(|line| line.split_once(':'));
    let fields = fields.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect();
    (fields, raw.get(end + 4..).unwrap_or_default())
}

fn find(fields: &[(String, String)], name: &str) -> Option<String> {
    fields.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_lowercase())
}

/// Encoded words in UTF-8.
fn words(value: &str) -> String {
    let joined = value.replace("?= =?", "?==?");
    let mut out = String::new();
    let mut rest = joined.as_str();
    while let Some((before, after)) = rest.split_once("=?utf-8?") {
        out.push_str(before);
        let (kind, after) = after.split_once('?').unwrap();
        let (text, after) = after.split_once("?=").unwrap();
        let bytes = if kind == "b" { base64(text) } else { quoted(text, true) };
        out.push_str(&String::from_utf8(bytes).unwrap());
        rest = after;
    }
    out + rest
}

fn base64(text: &str) -> Vec<u8> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: Vec<String> = text.chars().filter_map(|c| ALPHABET.find(c)).map(|value| format!("{value:06b}")).collect();
    let bits = bits.concat();
    let whole = bits.len() / 8 * 8;
    (0..whole).step_by(8).map(|at| u8::from_str_radix(&bits[at..at + 8], 2).unwrap()).collect()
}

fn quoted(text: &str, is_word: bool) -> Vec<u8> {
    let text = if is_word { text.replace('_', " ") } else { text.replace("=\r\n", "") };
    let mut pieces = text.split('=');
    let mut out = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        out.push(u8::from_str_radix(&piece[..2], 16).unwrap());
        out.extend_from_slice(&piece.as_bytes()[2..]);
    }
    out
}

/// i;unicode-casemap of the few letters that tests use.
pub(crate) fn fold(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            'ä' | 'Ä' => out.push_str("A\u{308}"),
            'é' | 'É' => out.push_str("E\u{301}"),
            'ε' => out.push('Ε'),
            'δ' => out.push('Δ'),
            'σ' | 'ς' => out.push('Σ'),
            'ί' => out.push_str("Ι\u{301}"),
            other => out.push(other.to_ascii_uppercase()),
        }
    }
    out
}

/// RFC 5256 §2.1 step by step, each on a copy.
pub(crate) fn base(subject: &str) -> (String, bool) {
    let mut text = subject.replace(['\t', '\r', '\n'], " ");
    while text.contains("  ") {
        text = text.replace("  ", " ");
    }
    let mut is_reply = false;
    loop {
        loop {
            if text.ends_with(' ') {
                text.pop();
            } else if text.to_ascii_lowercase().ends_with("(fwd)") {
                text.truncate(text.len() - 5);
                is_reply = true;
            } else {
                break;
            }
        }
        loop {
            if let Some(rest) = text.strip_prefix(' ') {
                text = rest.to_owned();
            } else if let Some(rest) = leader(&text) {
                text = rest;
                is_reply = true;
            } else if let Some(rest) = blob(&text).filter(|rest| !rest.is_empty()) {
                text = rest;
            } else {
                break;
            }
        }
        if !(text.to_ascii_lowercase().starts_with("[fwd:") && text.ends_with(']')) {
            return (text, is_reply);
        }
        is_reply = true;
        text = text[5..text.len() - 1].to_owned();
    }
}

fn blob(text: &str) -> Option<String> {
    let (inside, rest) = text.strip_prefix('[')?.split_once(']')?;
    (!inside.contains('[')).then(|| rest.trim_start_matches(' ').to_owned())
}

fn leader(text: &str) -> Option<String> {
    if let Some(rest) = blob(text) {
        return leader(&rest);
    }
    let lower = text.to_ascii_lowercase();
    let word = ["fwd", "fw", "re"].into_iter().find(|word| lower.starts_with(word))?;
    let rest = text[word.len()..].trim_start_matches(' ');
    blob(rest).unwrap_or(rest.to_owned()).strip_prefix(':').map(str::to_owned)
}
