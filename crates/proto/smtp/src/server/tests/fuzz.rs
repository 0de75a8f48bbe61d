//! Mutated dialogues in every state: no panic, no growth, nothing bare passed on, and the same events however the bytes
//! arrive.
//!
//! `POSTAMT_FUZZ_ROUNDS` sets the number of rounds (default 400).

use super::*;

/// A small generator of numbers: xorshift, seeded, so that a failing round can be repeated.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound.max(1) as u64).unwrap()
    }
}

const SEEDS: [&[u8]; 7] = [
    b"EHLO a.example\r\nMAIL FROM:<anna@example.org> SIZE=100\r\nRCPT TO:<ben@example.test>\r\nDATA\r\nA: b\r\n\r\n..c\r\n.\r\nQUIT\r\n",
    b"LHLO a.example\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.c>\r\nRCPT TO:<no@b.c>\r\nRCPT TO:<d@b.c>\r\nDATA\r\nx\r\n.\r\nMAIL FROM:<>\r\n",
    b"EHLO a\r\nMAIL FROM:<> SIZE=13\r\nMAIL FROM:<> SIZE=1\r\nRCPT TO:<a@b.c>\r\nBDAT 1\r\nxRSET\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.c>\r\nBDAT 5\r\na\r\nb\rBDAT 3\r\n\n\r\nBDAT 0 LAST\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.c>\r\n",
    b"EHLO a\r\nAUTH PLAIN AGEAYg==\r\nAUTH SCRAM-SHA-256\r\nbj0=\r\nbj0=\r\n*\r\nSTARTTLS\r\nEHLO b\r\nMAIL FROM:<>\r\n",
    b"MAIL FROM:<>\r\nRCPT TO:<a@b.c>\r\nDATA\r\nx\n.\r\ny\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.c>\r\nDATA\r\nx\n.\ny\r.\r\r\n.\r\nNOOP\r\n",
    b"HELO\r\nEHLO \xff\r\nMAIL FROM:<a@b> X=Y\r\nRCPT TO:<>\r\nVRFY x\r\nHELP\r\nEXPN\r\nNOOP\r\nRSET\r\nBDAT 4 LAST\r\nabcdBDAT\r\n",
    b"BDAT 9 LAST\r\nxxxxxxxxxMAIL FROM:<> BODY=8BITMIME SMTPUTF8\r\nRCPT TO:<\xc3\xb6@b.c>\r\nBDAT 300 LAST\r\nx",
];
const PIECES: [&[u8]; 14] = [
    b"\r\n",
    b"\n",
    b"\r",
    b".",
    b"\r\n.\r\n",
    b"\n.\r\n",
    b"\r\n.\n",
    b"\0",
    b"BDAT 7\r\n",
    b"DATA\r\n",
    b"RSET\r\n",
    b"STARTTLS\r\n",
    b"\x16",
    b"*\r\n",
];

fn mutate(chance: &mut Chance) -> Vec<u8> {
    let mut input = SEEDS[chance.below(SEEDS.len())].to_vec();
    for _ in 0..chance.below(8) {
        let place = chance.below(input.len() + 1);
        match chance.below(6) {
            0 if place < input.len() => input[place] ^= 1 << chance.below(8),
            1 => drop(input.splice(place..place, PIECES[chance.below(PIECES.len())].iter().copied())),
            2 if place < input.len() => drop(input.remove(place)),
            3 => input.truncate(place),
            4 => {
                let other = SEEDS[chance.below(SEEDS.len())];
                input.extend_from_slice(&other[chance.below(other.len())..]);
            }
            _ => drop(input.splice(place..place, std::iter::repeat_n(b'a', chance.below(1200)))),
        }
    }
    input
}

fn begin(start: usize, fix: bool) -> Dialogue {
    let limits = Limits { message_max: Octets(200), text_line_max: 150, recipients_max: 2, ..Limits::default() };
    let role = [Role::Mx, Role::Submission, Role::Lmtp][start % 3];
    let bare_newline = if fix { BareNewline::Fix } else { BareNewline::Refuse };
    let options = Options { bare_newline, limits, ..Options::new(role, "mx.example") };
    let policy = match start % 4 {
        0 => policy(Tls::Offered, Rule::Off, MailNeeds::Nothing),
        1 => policy(Tls::Active, Rule::Offered, MailNeeds::Nothing),
        2 => policy(Tls::Offered, Rule::RefusedInClear, MailNeeds::Nothing),
        _ => policy(Tls::Active, Rule::Offered, MailNeeds::SignIn),
    };
    let dialogue = Dialogue::with(options, policy);
    if start.is_multiple_of(2) { dialogue.hello() } else { dialogue }
}

fn answer(server: &mut Server, event: &Event) {
    let no = Reply::new(550, 1, 1, "no");
    match event {
        Event::Auth(AuthStart { exposure: Exposure::InClear, .. })
        | Event::Mail(Mail { size: Some(Octets(13)), .. })
        | Event::Data(DataStart { size: Some(Octets(1)) }) => server.refuse(&no),
        Event::Auth(AuthStart { initial_response: None, .. }) => server.challenge(b""),
        Event::AuthResponse(response) if response.expose().len() < 3 => server.challenge(b"more"),
        Event::Recipient(recipient) if recipient.forward_path.to_string().starts_with("<no") => server.refuse(&no),
        Event::Hello(_)
        | Event::Auth(_)
        | Event::AuthResponse(_)
        | Event::Mail(_)
        | Event::Recipient(_)
        | Event::Data(_) => {
            server.accept();
        }
        Event::DataEnd { .. } => {
            while server.answers_owed() > 0 {
                server.accept();
            }
        }
        Event::AuthAborted
        | Event::AuthRefused(_)
        | Event::Uninvited(_)
        | Event::DataChunk(_)
        | Event::DataAborted(_)
        | Event::Reset
        | Event::StartTls
        | Event::Closed(_) => {}
    }
}

/// What a session would have seen, the content of each message in one piece.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    events: Vec<Event>,
    messages: Vec<Vec<u8>>,
    output: Vec<u8>,
}

fn play(input: &[u8], start: usize, fix: bool, pieces: &mut dyn FnMut(usize) -> usize) -> Seen {
    let mut dialogue = begin(start, fix);
    let (mut seen, mut content, mut rest) = (Seen::default(), Vec::new(), input);
    loop {
        while let Some(event) = dialogue.server.poll_event() {
            answer(&mut dialogue.server, &event);
            match event {
                Event::DataChunk(chunk) => {
                    content.extend_from_slice(&chunk);
                    continue;
                }
                Event::DataEnd { size } => {
                    assert_eq!(size.0, content.len() as u64);
                    let text = String::from_utf8_lossy(&content).replace("\r\n", "");
                    assert!(!text.contains(['\r', '\n']), "passed on: {content:?}");
                    seen.messages.push(std::mem::take(&mut content));
                }
                Event::DataAborted(_) | Event::Reset | Event::Hello(_) => content.clear(),
                _ => {}
            }
            let tls = event == Event::StartTls;
            seen.events.push(event);
            if tls {
                seen.output.extend_from_slice(&dialogue.server.take_output());
                return seen;
            }
        }
        let written = dialogue.server.take_output();
        if !written.is_empty() {
            seen.output.extend_from_slice(&written);
            continue;
        }
        if rest.is_empty() {
            return seen;
        }
        let length = pieces(rest.len()).clamp(1, rest.len());
        let taken = dialogue.server.receive(dialogue.now, &rest[..length]);
        assert!(taken > 0, "with nothing to answer and nothing to write there is room");
        rest = &rest[taken..];
    }
}

#[test]
fn mutated_dialogues_never_panic_and_do_not_depend_on_how_they_are_cut() {
    let rounds = std::env::var("POSTAMT_FUZZ_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(400);
    for round in 1..=rounds {
        let mut chance = Chance(0x9e37_79b9_7f4a_7c15u64.wrapping_mul(round));
        let (start, fix, input) = (chance.below(12), chance.below(2) == 0, mutate(&mut chance));
        let whole = play(&input, start, fix, &mut |rest| rest);
        let single = play(&input, start, fix, &mut |_| 1);
        let random = play(&input, start, fix, &mut |rest| chance.below(rest.min(40)));
        assert_eq!(whole, single, "round {round}, {:?}", String::from_utf8_lossy(&input));
        assert_eq!(whole, random, "round {round}, {:?}", String::from_utf8_lossy(&input));
    }
}
