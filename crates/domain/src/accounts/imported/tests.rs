//! Hashes that Dovecot 2.3 and Debian's crypt(3) made of one password, and what is not taken.

use super::*;
use std::fmt::Write as _;

const PASSWORD: &str = "Tinte und Feder 7";

/// Scheme as it is shown, and hashes of [`PASSWORD`].
const HASHES: &[(&str, &str)] = &[
    ("SHA", "{SHA}MdbtwXFNPTgolkp+Y3yddppjtZA="),
    ("SSHA", "{SSHA}w6qRDiSrqrQTcjCCwNaj6ZyiDpFJxQ+t"),
    ("SSHA", "{SSHA.HEX}80c3afd4eedb63f2c0561d6fd1cbd5629ac2409b7d0071a9"),
    ("SSHA256", "{SSHA256}F0mO7yC1btqauzV247VY+n2swefQVpcReIEajRso5G7YQG0e"),
    (
        "SSHA512",
        "{SSHA512}sv/BX8mFVKSU0oxD3UpGKcOQIF7bNQuY+yB7+QzchfEitH66XWIaMEySQ1YgBkH59U5IjK/i3zx/aRD6nH8orzDpgy8=",
    ),
    (
        "SSHA512",
        "{SSHA512.B64}Yr4o06sAb2N2Tnd8piEOQXa1hv+tTblFcuks9PhT9FBs+PF4cTX6vjUYXZnlG7gAd/+rGWLrlGQk6kvh9d7Jw+FZO3o=",
    ),
    ("SHA256", "{SHA256}n8mlhkupyTkxKPBPUEjBjA4PEApJe269srD21MfMXDI="),
    ("SHA512", "{SHA512}YYn+ri2JTvfvTGgcdsMNK6JHB7nc0kjYsqwQ6lmjG5L4PqZVzttRJBVOht4q4SuD9N161L3vvQHL0YOC7JqaOg=="),
    ("PLAIN-MD5", "{PLAIN-MD5}97471824553011b3dc7b9af13d341085"),
    ("LDAP-MD5", "{LDAP-MD5}l0cYJFUwEbPce5rxPTQQhQ=="),
    ("SMD5", "{SMD5}ngoc2CMzaO+U27bDVje74j6q8qo="),
    ("PBKDF2", "{PBKDF2}$1$51Pv3GSASnYKGjFB$5000$8bd113040e75e8969e7ae43383505830b866b748"),
    (
        "SCRAM-SHA-256",
        "{SCRAM-SHA-256}4096,uZCWqUtfKwYDv0JeRquI7Q==,nG8yrDpXs45lMuSqiYx+1Fpek5ZYwp1JdWHWRgNklYw=,cYpavqOpjJIxE1knKRchJfgBJEnPhfqCICdaWyktYXg=",
    ),
    (
        "SCRAM-SHA-1",
        "{SCRAM-SHA-1}4096,tkKpmPpe3ZwC8hNO1vC89Q==,OAo6fsOyH7+EveYyXJ2YSNmpQnc=,w+Oe3vmCjZzOci+3VdMHPQ+3DMU=",
    ),
    ("SHA256-CRYPT", "{SHA256-CRYPT}$5$hCg2XXvyVDnlGdNM$ns9aRghp0Ns3iEAlc5FPTpbt9OH4Blfn81t24nUMkh1"),
    ("SHA256-CRYPT", "$5$rounds=2000$salzig$vuAAiWjdnhEC4Du8mXavig6T2UlGA7uEZmhLXnI0jD8"),
    (
        "SHA512-CRYPT",
        "{SHA512-CRYPT}$6$78fV0wrK4JCc7A.T$NlfmRNz25F0/uWn9nYiYXudPH7fPhbJDN.AzuHzBIjTXKXOBKeUPIkL0RPTy9qxoqo99J1XtIYbfQlaqphZ1T.",
    ),
    (
        "SHA512-CRYPT",
        "{SHA512-CRYPT.B64}JDYkSnR3ZnJWYmw2MWFnQnNaQSRNRkZjTFl2d1pkbC56RXdFSnpYbUgwNTk3YnBBYmNtTjJzSEtnM3FJT202UFgxckx5T1dUbjRuby9oOWJGUWFLS2hoOS4xSUs0WE5nSFFTbmdNa1ZLLg==",
    ),
    (
        "SHA512-CRYPT",
        "{CRYPT}$6$CgZUo78EVqs89I7p$IeP8gM/wa1zvw2hJbXLHH09jKjOWrRENjzrIVZvZ7SEwWE4FcK5fBS/JmXs9YV4hw09IZ3op0ZpnQ7FHn2N4M/",
    ),
    ("BLF-CRYPT", "{BLF-CRYPT}$2y$05$TgL9akS0sp57pkNDkC27mel.Kfg4v7MPNInGzKZf1mUTpuDzXBMDK"),
    ("BLF-CRYPT", "{bcrypt}$2y$05$MFbWdnXiIwgm19gCXBF5QeSzbzyqtYBUJnHVP5U4gYJPYYtI06WZu"),
    ("BLF-CRYPT", "$2y$05$abcdefghijklmnopqrstuuwyny0DA3Y5ZT4kHJ4nIFIFTYHz4K2Oy"),
    (
        "ARGON2I",
        "{ARGON2I}$argon2i$v=19$m=32768,t=4,p=1$hqlmI1UkGh6WVwFEAEMGJw$5Brsw/WAAffIdEDsoIpT9maGIvPTVqKLKEmL37OPheQ",
    ),
    (
        "ARGON2ID",
        "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$P3+mzDDrmX94mUUU3u3pyQ$ozGKN5seDMLsWiZFyO5GRzkRO/825bSHqDuANlPcSwY",
    ),
    ("YESCRYPT", "$y$j9T$Zl3Kp9Q1.5mW7aB2cD4eF.$/h/kERhldwyBB3Y9V2gf..SBUroaIozYY9X7VKddah4"),
    ("YESCRYPT", "$y$j75$Zl3Kp9Q1.5mW7aB2cD4eF.$.vr/aTYzB2mM9B.CFcMyBoJMI9liJVz32YA7oOP.Ua3"),
    ("MD5-CRYPT", "{MD5-CRYPT}$1$6/Auj0hY$ymWtfgoIPVvcnU3YMPCEg."),
    ("MD5-CRYPT", "$1$salzig$JC0eyFwyky5xG93zwH.aQ1"),
];

fn hash(text: &str) -> ImportedHash {
    match Imported::parse(text) {
        Ok(Imported::Hash(hash)) => hash,
        other => panic!("{text}: {other:?}"),
    }
}

fn refusal(text: &str) -> ImportError {
    Imported::parse(text).expect_err(text)
}

#[test]
fn every_scheme_knows_its_password_and_no_other() {
    for (name, text) in HASHES {
        let hash = hash(text);
        assert_eq!(hash.name(), *name);
        assert!(hash.is_of(&Secret::new(PASSWORD.to_owned())), "{text}");
        for wrong in ["Tinte und Feder 8", "tinte und feder 7", "Tinte und Feder 7 ", "x", ""] {
            assert!(!hash.is_of(&Secret::new(wrong.to_owned())), "{text} {wrong}");
        }
    }
}

#[test]
fn what_is_kept_is_read_again_as_the_same() {
    for (_, text) in HASHES {
        let hash = hash(text);
        assert_eq!(ImportedHash::of_row(hash.text()), Some(hash));
    }
}

#[test]
fn a_password_in_clear_is_taken_to_be_hashed_by_us() {
    let password = || Ok(Imported::Password(Secret::new(PASSWORD.to_owned())));
    assert_eq!(Imported::parse(&format!("{{PLAIN}}{PASSWORD}")), password());
    assert_eq!(Imported::parse(&format!("{{cleartext}}{PASSWORD}")), password());
    assert_eq!(Imported::parse("{PLAIN.HEX}54696e746520756e642046656465722037"), password());
    assert_eq!(Imported::parse("{CLEAR.b64}VGludGUgdW5kIEZlZGVyIDc="), password());
    assert!(matches!(refusal("{PLAIN.b64}!"), ImportError::Form(_)));
}

#[test]
fn a_hash_in_hexadecimal_without_a_word_about_it_is_known_by_its_length() {
    let hash = hash("{SHA}31d6edc1714d3d3828964a7e637c9d769a63b590");
    assert!(hash.is_of(&Secret::new(PASSWORD.to_owned())));
}

#[test]
fn a_cost_at_its_limit_is_taken_and_one_past_it_is_not() {
    let sha = |rounds: u32| format!("$5$rounds={rounds}$salzig$vuAAiWjdnhEC4Du8mXavig6T2UlGA7uEZmhLXnI0jD8");
    let pbkdf2 = |rounds: u32| {
        format!("{{PBKDF2}}$1$51Pv$${rounds}$8bd113040e75e8969e7ae43383505830b866b748").replace("$$", "$")
    };
    let scram = |rounds: u32| {
        format!(
            "{{SCRAM-SHA-1}}{rounds},tkKpmPpe3ZwC8hNO1vC89Q==,OAo6fsOyH7+EveYyXJ2YSNmpQnc=,w+Oe3vmCjZzOci+3VdMHPQ+3DMU="
        )
    };
    let bcrypt = |cost: u32| format!("$2b${cost:02}$TgL9akS0sp57pkNDkC27mel.Kfg4v7MPNInGzKZf1mUTpuDzXBMDK");
    let argon = |kib: u32, passes: u32, lanes: u32| {
        format!(
            "$argon2id$v=19$m={kib},t={passes},p={lanes}$P3+mzDDrmX94mUUU3u3pyQ$ozGKN5seDMLsWiZFyO5GRzkRO/825bSHqDuANlPcSwY"
        )
    };
    let costly = |text: String| assert!(matches!(refusal(&text), ImportError::TooCostly { .. }), "{text}");
    for rounds in [sha, pbkdf2, scram] as [fn(u32) -> String; 3] {
        hash(&rounds(IMPORTED_ROUNDS_MAX));
        costly(rounds(IMPORTED_ROUNDS_MAX + 1));
        costly(rounds(u32::MAX));
    }
    hash(&bcrypt(IMPORTED_BCRYPT_MAX));
    costly(bcrypt(IMPORTED_BCRYPT_MAX + 1));
    hash(&argon(IMPORTED_MEMORY_MAX_KIB, 4, IMPORTED_LANES_MAX));
    costly(argon(IMPORTED_MEMORY_MAX_KIB + 1, 1, 1));
    costly(argon(IMPORTED_MEMORY_MAX_KIB, 5, 1));
    costly(argon(IMPORTED_MEMORY_MAX_KIB, 4, IMPORTED_LANES_MAX + 1));
    // N = 2^16 with r = 32 takes 256 MiB; then the lanes, then the time.
    let yescrypt =
        |params: &str| format!("$y${params}$Zl3Kp9Q1.5mW7aB2cD4eF.$/h/kERhldwyBB3Y9V2gf..SBUroaIozYY9X7VKddah4");
    hash(&yescrypt("jDT"));
    costly(yescrypt("jET"));
    hash(&yescrypt("j9T.C"));
    costly(yescrypt("j9T.D"));
    hash(&yescrypt("j9T//"));
    costly(yescrypt("j9T/0"));
}

#[test]
fn a_password_or_hash_that_is_too_long_is_not_looked_at() {
    let long = |octets: usize| "a".repeat(octets);
    let mut text = String::from("{SHA.HEX}");
    for octet in aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, long(257).as_bytes()).as_ref()
    {
        write!(text, "{octet:02x}").unwrap();
    }
    assert!(!hash(&text).is_of(&Secret::new(long(IMPORTED_PASSWORD_MAX + 1))));
    let plain = |octets: usize| Imported::parse(&format!("{{PLAIN}}{}", long(octets - 7)));
    assert!(plain(IMPORTED_MAX).is_ok());
    assert_eq!(plain(IMPORTED_MAX + 1), Err(ImportError::TooLong));
    let salted = |octets: usize| format!("{{SSHA.HEX}}{}", "a".repeat(2 * (20 + octets)));
    hash(&salted(IMPORTED_SALT_MAX));
    assert!(matches!(refusal(&salted(IMPORTED_SALT_MAX + 1)), ImportError::Form(_)));
}

#[test]
fn bcrypt_sees_72_octets_of_a_password() {
    let hash = hash("$2y$05$abcdefghijklmnopqrstuuGUnCqbfgs3htOkLrFduUjAyLBw1Rq/u");
    for (octets, right) in [(71, false), (72, true), (73, true), (IMPORTED_PASSWORD_MAX, true)] {
        assert_eq!(hash.is_of(&Secret::new("a".repeat(octets))), right, "{octets}");
    }
}

#[test]
fn what_is_not_taken_says_why() {
    assert_eq!(refusal("Tinte und Feder 7"), ImportError::NoScheme);
    assert_eq!(refusal(""), ImportError::NoScheme);
    assert_eq!(refusal("{SCHNECKE}abc"), ImportError::Unknown("SCHNECKE".into()));
    assert_eq!(refusal("{SHA.rot13}abc"), ImportError::Unknown("SHA.rot13".into()));
    assert_eq!(refusal("$7$abc$def"), ImportError::Unknown("$7$".into()));
    for refused in ["{DES-CRYPT}LLVDlXVgUZUXw", "{CRYPT}js7T4uVNZKtmM", "{CRAM-MD5}9105aab8", "{NTLM}00", "{OTP}x"] {
        assert!(matches!(refusal(refused), ImportError::Refused { .. }), "{refused}");
    }
}

#[test]
fn nothing_cut_short_or_changed_panics() {
    for (_, text) in HASHES {
        for end in 0..text.len() {
            let _ = Imported::parse(text.get(..end).unwrap_or_default());
        }
        for place in 0..text.len() {
            for with in *b"$,={}.~9A\0" {
                let mut bytes = text.as_bytes().to_vec();
                bytes[place] = with;
                let _ = Imported::parse(std::str::from_utf8(&bytes).unwrap_or_default());
            }
        }
        let _ = Imported::parse(&text.replace('$', "$ä$"));
    }
}
