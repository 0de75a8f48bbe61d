//! Our parser against an independent one (`imap-codec`) over generated and mutated `IMAP4rev1` commands, and our encoders
//! through its parser. Where the two differ on purpose, the difference is named here.

mod ours;
mod theirs;
mod words;

use words::Random;

/// Rounds of each loop; `POSTAMT_ORACLE_ROUNDS` says otherwise.
fn rounds(default: u32) -> u32 {
    std::env::var("POSTAMT_ORACLE_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Why we refuse what the other parser takes: rules about values that it does not know.
fn refused_on_purpose(answer: &str) -> bool {
    answer.starts_with("t NO [")
        || [
            "There is no such system flag, or it can not be set",
            "A section has too many part numbers",
            "There is no such parameter",
            "There is no such modifier",
            "There is no such value",
        ]
        .iter()
        .any(|why| answer.contains(why))
}

/// Why we take what the other parser refuses.
fn taken_on_purpose(line: &str) -> bool {
    // Spaces at the end; 64 bits in partials; bytes above 127 in quotes; CHANGEDSINCE 0; a bare LF as line end; a day
    // of one digit without its space.
    line.ends_with(" \r\n")
        || !line.is_ascii()
        || line.to_ascii_uppercase().contains("CHANGEDSINCE 0")
        || line.contains("}\n")
        || ["1-feb-2024 ", "1-Jul-1996 ", "7-Jul-1996 "].iter().any(|day| line.contains(&format!("\"{day}")))
        || has_large_partial(line)
        || literal_takes_the_carriage_return(line)
}

/// Whether a partial has a number that only RFC 9051 knows, of more than 32 bits.
fn has_large_partial(line: &str) -> bool {
    line.split('<').skip(1).any(|partial| {
        let numbers = partial.split('>').next().unwrap_or_default().split('.');
        numbers.filter_map(|number| number.parse::<u64>().ok()).any(|number| number > u64::from(u32::MAX))
    })
}

/// Whether a literal ends between the two bytes of the line end: a bare LF ends the command for us.
fn literal_takes_the_carriage_return(line: &str) -> bool {
    line.match_indices("}\r\n").any(|(at, _)| {
        let digits = line[..at].trim_end_matches('+').rsplit('{').next().unwrap_or_default();
        digits.parse::<usize>().is_ok_and(|size| at + 3 + size == line.len() - 1)
    })
}

fn compare(line: &str) {
    let (ours, theirs) = (ours::parse(line), theirs::parse(line));
    match (ours, theirs) {
        (Ok(ours), Some(theirs)) => assert_eq!(ours, theirs, "{line:?}"),
        (Err(_), None) => {}
        (Err(answer), Some(theirs)) => assert!(refused_on_purpose(&answer), "{line:?}: {answer}, but {theirs}"),
        (Ok(ours), None) => {
            assert!(taken_on_purpose(line) || ours.contains(ours::EXTENDED), "{line:?} is {ours} to us only");
        }
    }
}

#[test]
fn generated_commands_mean_the_same_to_both() {
    let mut random = Random(1);
    for _ in 0..rounds(4_000) {
        let line = words::command(&mut random);
        let ours = ours::parse(&line);
        assert_eq!(ours.ok(), theirs::parse(&line), "{line:?}");
    }
}

#[test]
fn mutated_commands_are_refused_by_both_or_mean_the_same() {
    let mut random = Random(2);
    for _ in 0..rounds(8_000) {
        let mut line = words::command(&mut random);
        words::mutate(&mut random, &mut line);
        compare(&line);
    }
}

#[test]
fn what_we_write_the_other_parser_reads() {
    for response in ours::responses() {
        theirs::read_response(&response);
    }
}
