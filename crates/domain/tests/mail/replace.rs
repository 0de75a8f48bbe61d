//! REPLACE: a message comes and another goes in one change; and binary parts that are put into base64.

use crate::world::{Store, World, append, new_message, stage, uid};
use domain::{MailError, NewMessage};
use types::{MailboxId, Octets};

#[tokio::test]
async fn a_replacement_is_one_change_in_one_mailbox_or_two() {
    for store in Store::all() {
        let mut world = World::new(store).await;
        let (inbox, trash) = (world.id("INBOX").await, world.id("Trash").await);
        append(&world.ann, inbox, "one").await;
        append(&world.ann, inbox, "two").await;
        let view = world.open(inbox).await;
        let before = view.current().highest_modseq;
        let new = new_message(&world.ann, "three").await;
        let appended = world.ann.replace(inbox, uid(1), inbox, new).await.unwrap();
        assert_eq!(appended.uids, [uid(3)]);
        assert!(view.current().highest_modseq > before);
        assert_eq!(world.uids(inbox).await, [2, 3]);
        assert!(world.ann.vanished_since(inbox, before, 10).await.unwrap().uids.contains(uid(1)));
        let new = new_message(&world.ann, "four").await;
        assert_eq!(world.ann.replace(inbox, uid(2), trash, new).await.unwrap().uids, [uid(1)]);
        world.reopen().await;
        assert_eq!((world.uids(inbox).await, world.uids(trash).await), (vec![3], vec![1]));
        assert_eq!(world.ann.usage().await.unwrap().messages, 2);
    }
}

#[tokio::test]
async fn a_replacement_that_cannot_be_leaves_all_as_it_was() {
    for store in Store::all() {
        let world = World::new(store).await;
        let inbox = world.id("INBOX").await;
        append(&world.ann, inbox, "one").await;
        let new = new_message(&world.ann, "two").await;
        let gone = world.ann.replace(inbox, uid(7), inbox, new.clone()).await;
        assert!(matches!(gone, Err(MailError::Gone)));
        for (from, to) in [(inbox, MailboxId(999)), (MailboxId(999), inbox)] {
            let nowhere = world.ann.replace(from, uid(1), to, new.clone()).await;
            assert!(matches!(nowhere, Err(MailError::NoSuchMailbox)));
        }
        assert_eq!(world.uids(inbox).await, [1]);
        assert_eq!(world.ann.usage().await.unwrap().messages, 1);
    }
}

/// RFC 8508 §3.4: only what is left over counts.
#[tokio::test]
async fn the_quota_of_a_replacement_is_about_the_difference() {
    for store in Store::all() {
        let world = World::new(store).await;
        let inbox = world.id("INBOX").await;
        append(&world.ann, inbox, "a message of some length").await;
        let size = world.ann.usage().await.unwrap().octets.0;
        world.ann.set_quota(Some(Octets(size))).await.unwrap();
        let longer = NewMessage::new(stage(&world.ann, &vec![b'x'; usize::try_from(size).unwrap() + 1]).await);
        assert!(matches!(world.ann.replace(inbox, uid(1), inbox, longer).await, Err(MailError::OverQuota)));
        let as_long = NewMessage::new(stage(&world.ann, &vec![b'x'; usize::try_from(size).unwrap()]).await);
        world.ann.replace(inbox, uid(1), inbox, as_long).await.unwrap();
        world.ann.set_quota(Some(Octets(1))).await.unwrap();
        let shorter = new_message(&world.ann, "").await;
        world.ann.replace(inbox, uid(2), inbox, shorter).await.unwrap();
        assert_eq!(world.uids(inbox).await, [3]);
    }
}

/// What a message is made of by `encode_binary`.
async fn encoded(world: &World, raw: &[u8]) -> Vec<u8> {
    let inbox = world.id("INBOX").await;
    let staged = world.ann.encode_binary(stage(&world.ann, raw).await).await.unwrap();
    let size = staged.size().0;
    let appended = world.ann.append(inbox, vec![NewMessage::new(staged)]).await.unwrap();
    let email = world.open(inbox).await.current().get(appended.uids[0]).unwrap().email;
    let content = world.ann.contents(&[email]).await.unwrap().pop().flatten().unwrap();
    let mut whole = Vec::new();
    while (whole.len() as u64) < size {
        whole.extend_from_slice(&world.ann.read_body(&content, whole.len() as u64..size).await.unwrap());
    }
    whole
}

#[tokio::test]
async fn binary_parts_with_nul_become_base64_and_nothing_else_changes() {
    for store in Store::all() {
        let world = World::new(store).await;
        let raw = |outer: &str, inner: &str, data: &str| {
            format!(
                "Subject: x\r\nContent-Type: multipart/mixed; boundary=cut\r\nContent-Transfer-Encoding: {outer}\r\n\r\n\
                 --cut\r\ncontent-transfer-encoding: BINARY\r\n\r\nno such byte\r\n\
                 --cut\r\nContent-Type: application/x\r\n{inner}\r\n\r\n{data}\r\n--cut--\r\n"
            )
        };
        let data = "\0\u{1}".repeat(30);
        let before = raw("binary", "Content-Transfer-Encoding:\r\n binary", &data);
        let after = String::from_utf8(encoded(&world, before.as_bytes()).await).unwrap();
        let [head, tail] = [after.lines().nth(12).unwrap(), after.lines().nth(13).unwrap()];
        assert_eq!((head.len(), tail.len()), (76, 4), "{after}");
        let shape = after.replace(&format!("{head}\r\n{tail}"), "DATA");
        assert_eq!(shape, raw("8bit", "Content-Transfer-Encoding: base64", "DATA"));
        for same in [raw("binary", "Content-Transfer-Encoding: binary", "none"), raw("8bit", "X: y", "\0")] {
            assert_eq!(encoded(&world, same.as_bytes()).await, same.as_bytes());
        }
        let whole = b"Content-Transfer-Encoding: binary\r\n\r\n\0";
        assert_eq!(encoded(&world, whole).await, b"Content-Transfer-Encoding: base64\r\n\r\nAA==\r\n");
    }
}

#[tokio::test]
async fn a_large_binary_part_is_encoded_piece_by_piece() {
    for store in Store::all() {
        let world = World::new(store).await;
        let head = b"Content-Transfer-Encoding: binary\r\n\r\n".as_slice();
        let size = 1_000_000;
        let whole = encoded(&world, &[head, &vec![0; size]].concat()).await;
        let lines: Vec<_> = whole.split(|b| *b == b'\n').skip(2).collect();
        assert_eq!(lines.len(), size.div_ceil(57) + 1);
        assert!(lines[..lines.len() - 2].iter().all(|line| line.len() == 77));
        let digits: usize = lines.iter().map(|line| line.iter().filter(|b| b.is_ascii_alphanumeric()).count()).sum();
        assert_eq!(digits, (size * 8).div_ceil(6));
    }
}
