use super::*;

fn items(text: &str) -> Result<Vec<FetchItem>, ParseError> {
    let mut cursor = Cursor::new(text.as_bytes());
    let items = parse_items(&mut cursor)?;
    cursor.end()?;
    Ok(items)
}

fn part(numbers: &[u32]) -> Box<[NonZeroU32]> {
    numbers.iter().map(|n| NonZeroU32::new(*n).unwrap()).collect()
}

#[test]
fn extensions_name_items_of_their_own() {
    use FetchItem::{EmailId, Flags, Preview, SaveDate, ThreadId};
    assert_eq!(items("(emailid THREADID SAVEDATE)").unwrap(), [EmailId, ThreadId, SaveDate]);
    assert_eq!(items("PREVIEW").unwrap(), [Preview]);
    for text in ["PREVIEW (LAZY)", "preview (lazy LAZY)", "(PREVIEW (LAZY) PREVIEW)"] {
        assert_eq!(items(text).unwrap(), [Preview], "{text}");
    }
    assert_eq!(items("(PREVIEW (LAZY) FLAGS)").unwrap(), [Preview, Flags]);
    for bad in ["PREVIEW ()", "PREVIEW (LAZY", "PREVIEW (LAZY )", "PREVIEW (EAGER)", "PREVIEW (LAZY EAGER)", "EMAIL"] {
        assert!(items(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_preview_leaves_modifiers_of_fetch_alone() {
    for text in ["PREVIEW (CHANGEDSINCE 5)", "PREVIEW (LAZY) (CHANGEDSINCE 5)"] {
        let mut cursor = Cursor::new(text.as_bytes());
        assert_eq!(parse_items(&mut cursor).unwrap(), [FetchItem::Preview]);
        assert_eq!(cursor.rest(), b" (CHANGEDSINCE 5)");
    }
}

#[test]
fn binary_takes_parts_and_partials_but_no_texts() {
    let binary = |peek, numbers: &[u32], partial: Option<(u64, u64)>| {
        let partial = partial.map(|(offset, length)| Partial { offset, length: NonZeroU64::new(length).unwrap() });
        FetchItem::Binary(BinarySection { peek, part: part(numbers), partial })
    };
    let all = "(BINARY[] BINARY.PEEK[1.2] binary[3]<0.7> BINARY.SIZE[] BINARY.SIZE[4.1])";
    let expected = [
        binary(false, &[], None),
        binary(true, &[1, 2], None),
        binary(false, &[3], Some((0, 7))),
        FetchItem::BinarySize(part(&[])),
        FetchItem::BinarySize(part(&[4, 1])),
    ];
    assert_eq!(items(all).unwrap(), expected);
    assert_eq!(expected.map(|item| item.sets_seen()), [true, false, true, false, false]);
    for bad in [
        "BINARY",
        "BINARY.PEEK",
        "BINARY.SIZE",
        "BINARY[HEADER]",
        "BINARY[1.]",
        "BINARY[1.MIME]",
        "BINARY[0]",
        "BINARY[1",
        "BINARY[1]<0.0>",
        "BINARY[1]<0>",
        "BINARY.SIZE[1]<0.1>",
    ] {
        assert!(items(bad).is_err(), "{bad}");
    }
}

#[test]
fn partials_have_63_bits() {
    let partial = |offset: &str, length: &str| items(&format!("BODY[]<{offset}.{length}>"));
    let most = i64::MAX.to_string();
    assert!(partial(&most, &most).is_ok());
    let more = (i64::MAX.unsigned_abs() + 1).to_string();
    assert!(partial(&more, "1").is_err() && partial("0", &more).is_err());
}

#[test]
fn an_item_that_comes_again_is_asked_for_once() {
    let again = "(BINARY.SIZE[1] UID BINARY.PEEK[1] BODY.PEEK[1]<0.5> BINARY.SIZE[1] BINARY.SIZE[2] BODY[1]<0.5> BINARY[1] UID \
                 BODY.PEEK[1]<0.6> BODY.PEEK[1]<0.5>)";
    let once = "(BINARY.SIZE[1] UID BINARY[1] BODY[1]<0.5> BINARY.SIZE[2] BODY.PEEK[1]<0.6>)";
    assert_eq!(items(again), items(once));
}
