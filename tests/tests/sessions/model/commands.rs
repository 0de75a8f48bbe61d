//! Random commands that make sense to a client.

use super::client::{Command, Kind, Mode, Model, Slot};
use std::fmt::Write as _;
use store_kv::Seeded;

pub(super) const MAILBOXES: [&str; 2] = ["INBOX", "Archive"];
const FLAGS: [&str; 5] = ["\\Seen", "\\Flagged", "\\Deleted", "\\Deleted", "$Forwarded"];
const MESSAGE: &str = "Subject: x\r\n\r\nbody\r\n";

fn plain(text: impl Into<String>, expunges: bool) -> Command {
    Command { text: text.into(), expunges, kind: Kind::Plain }
}

/// A command for the state the client is in.
pub(super) fn choose(model: &mut Model, random: &mut Seeded) -> Command {
    if model.open.is_none() {
        return if random.chance(1, 6) { append(random) } else { select(model, random) };
    }
    let by_uid = model.mode == Mode::UidOnly || random.chance(1, 2);
    match random.below(24) {
        0 | 1 => select(model, random),
        2..=5 => fetch(model, by_uid, random),
        6..=10 => store(model, by_uid, random),
        11 => plain("EXPUNGE", true),
        12 => plain(format!("UID EXPUNGE {}", uids(model, random)), true),
        13 | 14 => transfer(model, by_uid, random),
        15..=17 => append(random),
        18 => plain(*random.pick(&["NOOP", "CHECK"]).unwrap(), true),
        19 | 20 => search(model, by_uid, random),
        21 => close(model, random),
        _ => Command { text: "IDLE".into(), expunges: true, kind: Kind::Idle },
    }
}

/// SELECT or EXAMINE; with what was kept, if there is something.
pub(super) fn select(model: &mut Model, random: &mut Seeded) -> Command {
    model.keep();
    let mailbox = *random.pick(&MAILBOXES).unwrap();
    let word = if random.chance(1, 6) { "EXAMINE" } else { "SELECT" };
    let mut text = format!("{word} {mailbox}");
    let kept = model.kept.iter().find(|known| known.mailbox == mailbox);
    let Some(kept) = kept.filter(|_| model.mode == Mode::QResync && random.chance(4, 5)) else {
        return Command { text, expunges: true, kind: Kind::Select { mailbox, kept: Vec::new() } };
    };
    write!(text, " (QRESYNC ({} {}", kept.validity, kept.highest).unwrap();
    let uids: Vec<_> = kept.slots.iter().filter_map(|slot| slot.uid).collect();
    if let (Some(last), true) = (uids.last(), random.chance(1, 2)) {
        write!(text, " 1:{last}").unwrap();
    }
    if let (false, true) = (uids.is_empty(), random.chance(1, 2)) {
        let mut places: Vec<_> = (0..3).map(|_| random.index(uids.len())).collect();
        places.sort_unstable();
        places.dedup();
        let list = |number: &dyn Fn(usize) -> String| places.iter().map(|p| number(*p)).collect::<Vec<_>>().join(",");
        write!(text, " ({} {})", list(&|p| (p + 1).to_string()), list(&|p| uids[p].to_string())).unwrap();
    }
    text += "))";
    let kept = kept.slots.clone();
    Command { text, expunges: true, kind: Kind::Select { mailbox, kept } }
}

fn close(model: &mut Model, random: &mut Seeded) -> Command {
    model.keep();
    Command { text: (*random.pick(&["CLOSE", "UNSELECT"]).unwrap()).into(), expunges: false, kind: Kind::Close }
}

/// Sequence numbers, and the same as a set.
fn numbers(model: &Model, random: &mut Seeded) -> Option<(Vec<u32>, String)> {
    let last = u32::try_from(model.exists()).unwrap();
    let mut number = || u32::try_from(random.below(u64::from(last.max(1)))).unwrap() + 1;
    let (a, b, c) = (number(), number(), number());
    let (low, high) = (a.min(b), a.max(b));
    let mut all: Vec<u32> = (low..=high).collect();
    if random.chance(1, 2) {
        all.push(c);
        return (last > 0).then(|| (all, format!("{high}:{low},{c}")));
    }
    (last > 0).then(|| (all, format!("{low}:{high}")))
}

fn uids(model: &Model, random: &mut Seeded) -> String {
    let known: Vec<_> = model.open.iter().flat_map(|open| open.slots.iter().filter_map(|slot| slot.uid)).collect();
    match (random.pick(&known).copied(), random.pick(&known).copied()) {
        (Some(a), Some(b)) if random.chance(3, 4) => format!("{a}:{b}"),
        (Some(a), _) => format!("{a}:*"),
        _ => "1:*".into(),
    }
}

fn fetch(model: &Model, by_uid: bool, random: &mut Seeded) -> Command {
    let with_modseq = matches!(model.mode, Mode::CondStore | Mode::QResync) && random.chance(1, 2);
    let items = *random.pick(&["FLAGS", "UID FLAGS", "UID", "UID BODY[]", "FLAGS BODY.PEEK[]<0.9>"]).unwrap();
    let items = if with_modseq { format!("({items} MODSEQ)") } else { format!("({items})") };
    if by_uid {
        let known = model.open.as_ref().map_or(0, |open| open.highest);
        let since = if with_modseq && random.chance(1, 3) { format!(" (CHANGEDSINCE {known})") } else { String::new() };
        return plain(format!("UID FETCH {} {items}{since}", uids(model, random)), true);
    }
    let Some((named, set)) = numbers(model, random) else { return plain("NOOP", true) };
    Command { text: format!("FETCH {set} {items}"), expunges: false, kind: Kind::Fetch(named) }
}

fn store(model: &Model, by_uid: bool, random: &mut Seeded) -> Command {
    let (add, flag) = (random.chance(3, 5), *random.pick(&FLAGS).unwrap());
    let sign = if add { '+' } else { '-' };
    let silent = random.chance(1, 2);
    let dot = if silent { ".SILENT" } else { "" };
    let conditional = matches!(model.mode, Mode::CondStore | Mode::QResync) && random.chance(1, 4);
    let highest = model.open.as_ref().map_or(0, |open| open.highest);
    let condition = if conditional { format!(" (UNCHANGEDSINCE {highest})") } else { String::new() };
    let change = format!("{condition} {sign}FLAGS{dot} ({flag})");
    if by_uid {
        let set = uids(model, random);
        let slots: &[Slot] = model.open.as_ref().map_or(&[], |open| &open.slots);
        let known: Vec<u32> = slots.iter().filter_map(|slot| slot.uid).collect();
        // With `*` the client cannot reckon: the highest UID may be one that it was not told of.
        if silent && !set.contains('*') {
            let (a, b) = super::line::set(&set)[0];
            let named = known.into_iter().filter(|uid| (a.min(b)..=a.max(b)).contains(uid)).collect();
            let kind = Kind::Silent { by_uid: true, named, add, flag };
            return Command { text: format!("UID STORE {set}{change}"), expunges: true, kind };
        }
        let change = change.replace(".SILENT", "");
        return plain(format!("UID STORE {set}{change}"), true);
    }
    let Some((named, set)) = numbers(model, random) else { return plain("NOOP", true) };
    let kind = if silent { Kind::Silent { by_uid: false, named, add, flag } } else { Kind::Plain };
    Command { text: format!("STORE {set}{change}"), expunges: false, kind }
}

fn transfer(model: &Model, by_uid: bool, random: &mut Seeded) -> Command {
    let (word, target) = (*random.pick(&["COPY", "MOVE"]).unwrap(), *random.pick(&MAILBOXES).unwrap());
    if by_uid || model.exists() == 0 {
        return plain(format!("UID {word} {} {target}", uids(model, random)), true);
    }
    let number = random.index(model.exists()) + 1;
    plain(format!("{word} {number} {target}"), true)
}

fn search(model: &Model, by_uid: bool, random: &mut Seeded) -> Command {
    let key = *random.pick(&["ALL", "DELETED", "UNSEEN OR FLAGGED ANSWERED"]).unwrap();
    match numbers(model, random) {
        Some((_, set)) if model.mode != Mode::UidOnly && random.chance(1, 3) => {
            let uid = if by_uid { "UID " } else { "" };
            plain(format!("{uid}SEARCH {set} {key}"), false)
        }
        _ if by_uid => plain(format!("UID SEARCH {key}"), true),
        _ => plain(format!("SEARCH {key}"), false),
    }
}

fn append(random: &mut Seeded) -> Command {
    let (mailbox, flag) = (*random.pick(&MAILBOXES).unwrap(), *random.pick(&FLAGS).unwrap());
    plain(format!("APPEND {mailbox} ({flag}) {{{}+}}\r\n{MESSAGE}", MESSAGE.len()), true)
}
