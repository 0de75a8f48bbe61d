//! Passwords that can be read aloud: three short words and a number.

/// Short, everyday German words without umlauts, easy to say and to type: 64 of them, six bits each.
const WORDS: [&str; 64] = [
    "abend", "amsel", "anker", "apfel", "bach", "balkon", "birne", "blatt", "boot", "brot", "brunnen", "dach", "dorf",
    "eiche", "fahne", "farn", "feder", "fels", "fjord", "flut", "garten", "gras", "grau", "hafen", "hase", "haus",
    "herbst", "holz", "honig", "insel", "kanne", "kiesel", "klee", "korb", "kranich", "lampe", "laub", "licht",
    "linde", "mais", "mond", "moos", "morgen", "nebel", "nest", "ofen", "otter", "papier", "pfad", "quelle", "rabe",
    "regen", "reh", "ried", "salz", "sand", "segel", "stern", "tau", "tinte", "tor", "turm", "wald", "wolke",
];

/// A password of the form `tinte-hafen-grau-41` from four random bytes. About 25 bits: enough for a server that only
/// this computer can reach and that lives for an afternoon, for nothing else.
pub(crate) fn password(random: [u8; 4]) -> String {
    let [a, b, c, n] = random;
    let word = |byte: u8| WORDS.get(usize::from(byte % 64)).copied().unwrap_or("tinte");
    format!("{}-{}-{}-{}", word(a), word(b), word(c), 10 + u32::from(n) % 90)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_three_words_and_a_number() {
        assert_eq!(password([59, 23, 22, 31]), "tinte-hafen-grau-41");
        assert!(WORDS.iter().all(|w| w.len() >= 3 && w.bytes().all(|b| b.is_ascii_lowercase())));
        assert!(WORDS.windows(2).all(|w| w[0] < w[1]), "sorted, so no word stands twice");
    }
}
