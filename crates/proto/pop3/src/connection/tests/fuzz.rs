//! Mutated dialogues in every state: no panic, no growth, and the same events however the bytes arrive.
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

const SEEDS: [&[u8]; 8] = [
    b"CAPA\r\nUSER anna\r\nPASS x\r\nSTAT\r\nLIST\r\nUIDL 1\r\nRETR 1\r\nTOP 1 2\r\nDELE 1\r\nRSET\r\nNOOP\r\nQUIT\r\n",
    b"AUTH PLAIN AGEAYg==\r\nSTAT\r\nLIST 2\r\nRETR 2\r\nRETR 3\r\nDELE 2\r\nQUIT\r\n",
    b"AUTH SCRAM-SHA-256\r\nbj0=\r\nbj0=\r\n*\r\nAUTH PLAIN =\r\nAGEAYg==\r\nUIDL\r\nTOP 3 0\r\n",
    b"STLS\r\nUSER anna\r\nPASS x\r\nSTAT\r\n",
    b"USER\r\nPASS\r\nLIST 0\r\nTOP 1\r\nAUTH\r\nxyzzy\r\n\r\nRETR 99999999999\r\nQUIT now\r\n",
    b"LANG\r\nLANG de-CH\r\nUTF8\r\nLANG MUL\r\nUSER j\xc3\xb6rg\r\nPASS x\r\nLANG *\r\nUTF8\r\nCAPA\r\nRETR 1\r\nQUIT\r\n",
    b"UTF8\r\nSTLS\r\nLANG \xff\r\nLANG en de\r\nUTF8 x\r\nLANG -\r\nLANG **\r\n",
    b"NOOP\nNOOP\r\r\nUSER \xff\xfe\r\nUSER a\0b\r\nPASS \x01\r\n",
];
const PIECES: [&[u8]; 15] = [
    b"\r\n",
    b"\n",
    b"\r",
    b" ",
    b"\0",
    b"*\r\n",
    b"=",
    b"RETR 1\r\n",
    b"STLS\r\n",
    b"QUIT\r\n",
    b"LANG ",
    b"LANG de\r\n",
    b"UTF8\r\n",
    b"AUTH PLAIN ",
    b"\xff",
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
            _ => drop(input.splice(place..place, std::iter::repeat_n(b'a', chance.below(600)))),
        }
    }
    input
}

/// Plays a session that answers by what was asked; gives all events and all output.
fn play(input: &[u8], start: usize, pieces: &mut dyn FnMut(usize) -> usize) -> (Vec<Event>, Vec<u8>) {
    let mut dialogue = match start {
        0 => Dialogue::in_clear(),
        1 => Dialogue::in_tls(),
        _ => Dialogue::signed_in(),
    };
    let (mut events, mut output, mut rest) = (Vec::new(), Vec::new(), input);
    loop {
        while let Some(event) = dialogue.connection.poll_event() {
            answer(&mut dialogue.connection, &event);
            if event == Event::StartTls {
                output.extend_from_slice(&dialogue.connection.take_output());
                // What is left of this piece came before TLS; the handshake is the session's.
                return (vec![event], output);
            }
            events.push(event);
        }
        assert!(dialogue.connection.waiting() <= crate::limits::INPUT_MAX);
        let written = dialogue.connection.take_output();
        if !written.is_empty() {
            output.extend_from_slice(&written);
            continue;
        }
        if rest.is_empty() {
            return (events, output);
        }
        let length = pieces(rest.len()).clamp(1, rest.len());
        let taken = dialogue.connection.receive(dialogue.now, &rest[..length]);
        assert!(taken > 0, "with nothing to answer and nothing to write there is room");
        rest = &rest[taken..];
    }
}

fn answer(connection: &mut Connection, event: &Event) {
    let Event::Command(command) = event else { return };
    match command {
        Command::Password(PasswordAttempt { exposure: Exposure::InClear, .. })
        | Command::Auth(AuthStart { exposure: Exposure::InClear, .. }) => {
            connection.login_failed(ResponseCode::SysPerm, "no");
        }
        Command::Password(attempt) if attempt.password.expose() == b"x" => connection.login_succeeded("yes"),
        Command::Password(_) => connection.login_failed(ResponseCode::Auth, "no"),
        Command::Auth(AuthStart { initial_response: None, .. }) => connection.challenge(b""),
        Command::Auth(_) => connection.login_succeeded("yes"),
        Command::AuthResponse(response) if response.expose().len() > 3 => connection.login_succeeded("yes"),
        Command::AuthResponse(response) => connection.challenge(response.expose()),
        Command::Stat => connection.stat(3, Octets(300)),
        Command::List(None) | Command::Uidl(None) => {
            connection.begin_list("all");
            connection.list_line(number(1), Octets(1));
            connection.uidl_line(number(1), "u");
            connection.end_list();
        }
        Command::List(Some(message)) => connection.list_one(*message, Octets(1)),
        Command::Uidl(Some(message)) => connection.uidl_one(*message, "u"),
        Command::Retr(message) | Command::Top(Top { message, .. }) if message.0.get() < 4 => {
            connection.begin_message("here");
            let _ = connection.message_chunk(b"A: b\r\n\r");
            let _ = connection.message_chunk(b"\n.c\r\n..");
            connection.end_message();
        }
        Command::Retr(_) | Command::Top(_) => connection.err(None, "none such"),
        Command::Dele(_) | Command::Rset | Command::Quit => connection.ok("done"),
    }
}

#[test]
fn mutated_dialogues_never_panic_and_do_not_depend_on_how_they_are_cut() {
    let rounds = std::env::var("POSTAMT_FUZZ_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(400);
    for round in 1..=rounds {
        let mut chance = Chance(0x9e37_79b9_7f4a_7c15u64.wrapping_mul(round));
        let (start, input) = (chance.below(3), mutate(&mut chance));
        let whole = play(&input, start, &mut |rest| rest);
        let single = play(&input, start, &mut |_| 1);
        let random = play(&input, start, &mut |rest| chance.below(rest.min(40)));
        assert_eq!(whole, single, "round {round}, {:?}", String::from_utf8_lossy(&input));
        assert_eq!(whole, random, "round {round}, {:?}", String::from_utf8_lossy(&input));
    }
}
