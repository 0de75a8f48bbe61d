//! QRESYNC and VANISHED (RFC 7162 §3.2).

use super::*;
use crate::command::{KnownRun, fetch, select};

#[test]
fn qresync_takes_what_a_client_knows() {
    let mut enabled = crate::Enabled::default();
    enabled.enable(Extension::QResync);
    let parse = |text: &str| {
        let mut cursor = Cursor::new(text.as_bytes()).with(enabled);
        let select = select::parse_arguments(&mut cursor)?;
        cursor.end()?;
        Ok::<_, ParseError>(*select.resync.unwrap())
    };
    let run = |seq, uid, more| KnownRun { seq, uid, more };
    let plain = parse(" a (QRESYNC (67890007 90060115194045000))").unwrap();
    assert_eq!((plain.uid_validity.get(), plain.since.0), (67_890_007, 90_060_115_194_045_000));
    assert_eq!((plain.known, plain.samples), (None, vec![]));
    let known = parse(" a (CONDSTORE qresync (1 1 41:211,540:214))").unwrap().known.unwrap();
    assert_eq!(known.to_string(), "41:211,214:540");
    let full =
        parse(" a (QRESYNC (1 1 1:29997 (5000,7500:7501,9990:9999 15000,22500,22503:22504,29970:29978)))").unwrap();
    let runs =
        [run(5000, 15000, 0), run(7500, 22500, 0), run(7501, 22503, 0), run(9990, 22504, 0), run(9991, 29970, 8)];
    assert_eq!(full.samples, runs);
    let whole = parse(" a (QRESYNC (1 1 (1:4294967295 1:4294967295)))").unwrap();
    assert_eq!((whole.known, whole.samples), (None, vec![run(1, 1, u32::MAX - 1)]));
    for bad in [
        " a (QRESYNC)",
        " a (QRESYNC ())",
        " a (QRESYNC (1))",
        " a (QRESYNC (0 1))",
        " a (QRESYNC (1 1 1:*))",
        " a (QRESYNC (1 1 (1 2) 1))",
        " a (QRESYNC (1 1 (1)))",
        " a (QRESYNC (1 1 (1:2 4)))",
        " a (QRESYNC (1 1 (1 4:5)))",
        " a (QRESYNC (1 1 (2,1 4,5)))",
        " a (QRESYNC (1 1 (1,2 5:4)))",
        " a (QRESYNC (1 1 (1,1 4,5)))",
        " a (QRESYNC (1 1) QRESYNC (1 1))",
        " a (QRESYNC (1 1)",
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn vanished_goes_with_uid_fetch_and_changedsince_once_qresync_is_enabled() {
    let fetch = |text: &str, uid, extension| {
        let mut enabled = crate::Enabled::default();
        enabled.enable(extension);
        let mut cursor = Cursor::new(text.as_bytes()).with(enabled);
        fetch::parse(&mut cursor, uid)
    };
    for text in [" 1:* (FLAGS) (CHANGEDSINCE 7 VANISHED)", " 1:* (FLAGS) (vanished changedsince 7)"] {
        let Ok(Command::Fetch(whole)) = fetch(text, true, Extension::QResync) else { panic!("{text}") };
        assert_eq!((whole.vanished, whole.changed_since), (true, Some(ModSeq(7))));
        assert!(fetch(text, true, Extension::CondStore).is_err());
        assert!(fetch(text, false, Extension::QResync).is_err());
    }
    for bad in [
        "VANISHED",
        "CHANGEDSINCE 7 CHANGEDSINCE 8",
        "VANISHED CHANGEDSINCE 7 VANISHED",
        "CHANGEDSINCE 7 ",
        "VANISHED7",
    ] {
        assert!(fetch(&format!(" 1 FLAGS ({bad})"), true, Extension::QResync).is_err(), "{bad}");
    }
    let Ok(Command::Fetch(bare)) = fetch(" 1 FLAGS", true, Extension::UidOnly) else { panic!("it is fine") };
    assert_eq!(bare.items, [FetchItem::Flags], "RFC 9586 §3.3: the answer begins with the UID");
}
