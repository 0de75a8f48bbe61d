//! Mutated replies in every state: no panic, no growth, one `Finished` per transaction, and the same events however the
//! bytes arrive.
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

const SEEDS: [&[u8]; 6] = [
    b"220 x\r\n250-x\r\n250 PIPELINING\r\n250 a\r\n250 b\r\n550 c\r\n354 go\r\n250 done\r\n250 a\r\n250 b\r\n250 c\r\n354 d\r\n250 e\r\n",
    b"220 x\r\n250 x\r\n250 a\r\n250 b\r\n452 4.5.3 c\r\n354 go\r\n554 5.6.0 no\r\n250 reset\r\n221 bye\r\n",
    b"220 x\r\n502 ?\r\n250 x\r\n250 a\r\n550 b\r\n550 c\r\n250 r\r\n550 not you\r\n250 reset\r\n",
    b"220-x\r\n220 y\r\n250-x\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n220 go\r\n250-x\r\n250 AUTH PLAIN\r\n235 yes\r\n250 a\r\n",
    b"220 x\r\n250-x\r\n250 SIZE 10\r\n250 r\r\n250 r\r\n421 bye\r\n",
    b"554 no\r\n220 x\r\n250-x\r\n250 PIPELINING\r\n550 a\r\n503 b\r\n503 c\r\n354 d\r\n250 e\r\n250 f\r\n",
];
const PIECES: [&[u8]; 8] =
    [b"\r\n", b"\n", b"250 ok\r\n", b"354 go\r\n", b"421 bye\r\n", b"550 5.1.1 no\r\n", b"250-", b"\xff"];

fn mutate(chance: &mut Chance) -> Vec<u8> {
    let mut input = SEEDS[chance.below(SEEDS.len())].to_vec();
    for _ in 0..chance.below(6) {
        let place = chance.below(input.len() + 1);
        match chance.below(6) {
            0 if place < input.len() => input[place] ^= 1 << chance.below(8),
            1 | 2 => drop(input.splice(place..place, PIECES[chance.below(PIECES.len())].iter().copied())),
            3 => input.truncate(place),
            4 => input.extend_from_slice(&SEEDS[chance.below(SEEDS.len())][7..]),
            _ => drop(input.splice(place..place, std::iter::repeat_n(b'a', chance.below(5000)))),
        }
    }
    input
}

fn play(input: &[u8], kind: usize, pieces: &mut dyn FnMut(usize) -> usize) -> (Vec<ClientEvent>, Vec<u8>) {
    let options = ClientOptions {
        protocol: if kind.is_multiple_of(3) { Protocol::Lmtp } else { Protocol::Smtp },
        tls: if kind.is_multiple_of(2) { ClientTls::IfOffered } else { ClientTls::Active },
        ..if kind == 5 { relay() } else { ClientOptions::new("us.example") }
    };
    let mut dialogue = Dialogue::with(options);
    let (mut events, mut output, mut rest, mut open) = (Vec::new(), Vec::new(), input, 0);
    loop {
        while let Some(event) = dialogue.client.poll_event() {
            match &event {
                ClientEvent::Ready if open < 3 => {
                    let recipients = vec![to("ben@them.example"), to("cara@them.example")];
                    let envelope = Envelope { size: Some(Octets(9)), ..Envelope::new(ReversePath::Null, recipients) };
                    dialogue.client.send(envelope, dialogue.now);
                    open += 1;
                }
                ClientEvent::Ready => dialogue.client.quit(dialogue.now),
                ClientEvent::SendBody => {
                    dialogue.client.body_chunk(b"a\r\n.b");
                    dialogue.client.body_end(dialogue.now);
                }
                ClientEvent::Finished(answers) => assert_eq!(answers.len(), 2),
                ClientEvent::StartTls | ClientEvent::Failed(_) | ClientEvent::Closed => {}
            }
            let tls = event == ClientEvent::StartTls;
            events.push(event);
            if tls {
                output.extend_from_slice(&dialogue.client.take_output());
                return (events, output); // what is left of this piece is thrown away
            }
        }
        output.extend_from_slice(&dialogue.client.take_output());
        if rest.is_empty() {
            dialogue.client.connection_lost();
            events.extend(std::iter::from_fn(|| dialogue.client.poll_event()));
            let finished = events.iter().filter(|event| matches!(event, ClientEvent::Finished(_))).count();
            assert_eq!(finished, open, "{events:?}");
            return (events, output);
        }
        let length = pieces(rest.len()).clamp(1, rest.len());
        let taken = dialogue.client.receive(dialogue.now, &rest[..length]);
        assert!(taken > 0, "with nothing to do there is room");
        rest = &rest[taken..];
    }
}

#[test]
fn mutated_replies_never_panic_and_do_not_depend_on_how_they_are_cut() {
    let rounds = std::env::var("POSTAMT_FUZZ_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(400);
    for round in 1..=rounds {
        let mut chance = Chance(0x9e37_79b9_7f4a_7c15u64.wrapping_mul(round));
        let (kind, input) = (chance.below(6), mutate(&mut chance));
        let whole = play(&input, kind, &mut |rest| rest);
        let single = play(&input, kind, &mut |_| 1);
        let random = play(&input, kind, &mut |rest| chance.below(rest.min(40)));
        assert_eq!(whole, single, "round {round}, {:?}", String::from_utf8_lossy(&input));
        assert_eq!(whole, random, "round {round}, {:?}", String::from_utf8_lossy(&input));
    }
}
