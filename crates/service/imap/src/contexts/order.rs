//! Positions in a sorted result (RFC 5267 §4.3.3, §4.3.4).

use super::Placed;
use domain::{Account, MailError, Meter};
use types::snapshot::Snapshot;
use types::{SortCriterion, Uid};

/// Takes messages out, which ascend by UID; from the last position to the first, so that none shifts another.
pub(super) fn remove(order: &mut Vec<Uid>, leaves: &[Uid]) -> Placed {
    let mut removed: Placed = Vec::new();
    if leaves.is_empty() {
        return removed;
    }
    for (position, uid) in (1..).zip(order.iter()) {
        if leaves.binary_search(uid).is_err() {
            continue;
        }
        match removed.last_mut() {
            Some((from, run)) if *from + length(run) == position => run.push(*uid),
            _ => removed.push((position, vec![*uid])),
        }
    }
    order.retain(|uid| leaves.binary_search(uid).is_err());
    removed.reverse();
    removed
}

/// Puts those of some messages in that are not there yet; from the first position to the last, each in its final place.
pub(super) async fn insert(
    account: &Account,
    snapshot: &Snapshot,
    criteria: &[SortCriterion],
    order: &mut Vec<Uid>,
    fits: Vec<Uid>,
) -> Result<Placed, MailError> {
    let mut known = order.clone();
    known.sort_unstable();
    let comes: Vec<Uid> = fits.into_iter().filter(|uid| known.binary_search(uid).is_err()).collect();
    if comes.is_empty() {
        return Ok(Vec::new());
    }
    let comes = account.sort_found(snapshot, &comes, criteria, &Meter::default()).await?;
    let mut places = Vec::with_capacity(comes.len());
    for uid in &comes {
        // Behind the place of the one before, for both are in order.
        let mut low = places.last().copied().unwrap_or(0);
        let mut high = order.len();
        while low < high {
            let middle = low + (high - low) / 2;
            let Some(probe) = order.get(middle) else { break };
            let sorted = account.sort_found(snapshot, &[*probe, *uid], criteria, &Meter::default()).await?;
            // A probe that is gone is not sorted; it leaves with the next change.
            if sorted.first() == Some(probe) { low = middle + 1 } else { high = middle }
        }
        places.push(low);
    }
    Ok(merge(order, &comes, &places))
}

/// Puts `comes` in at `places`: places in the order as it was, ascending.
fn merge(order: &mut Vec<Uid>, comes: &[Uid], places: &[usize]) -> Placed {
    let mut added: Placed = Vec::new();
    let mut merged = Vec::with_capacity(order.len() + comes.len());
    let mut taken = 0;
    for (uid, place) in comes.iter().zip(places) {
        merged.extend(order.get(taken..*place).unwrap_or_default());
        taken = *place;
        let position = length(&merged) + 1;
        match added.last_mut() {
            Some((from, run)) if *from + length(run) == position => run.push(*uid),
            _ => added.push((position, vec![*uid])),
        }
        merged.push(*uid);
    }
    merged.extend(order.get(taken..).unwrap_or_default());
    *order = merged;
    added
}

fn length(uids: &[Uid]) -> u32 {
    u32::try_from(uids.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uids(numbers: &[u32]) -> Vec<Uid> {
        numbers.iter().map(|n| Uid::new(*n).unwrap()).collect()
    }

    /// What a client makes of it.
    fn apply(list: &mut Vec<Uid>, placed: &Placed, is_added: bool) {
        for (position, run) in placed {
            let at = usize::try_from(*position).unwrap() - 1;
            if is_added {
                list.splice(at..at, run.iter().copied());
            } else {
                let gone: Vec<Uid> = list.drain(at..at + run.len()).collect();
                assert_eq!(gone, *run);
            }
        }
    }

    #[test]
    fn a_client_that_follows_comes_to_the_same_order() {
        let mut order = uids(&[7, 3, 9, 1, 5, 8]);
        let mut client = order.clone();
        let removed = remove(&mut order, &uids(&[2, 3, 5, 8, 9]));
        assert_eq!(removed, [(5, uids(&[5, 8])), (2, uids(&[3, 9]))]);
        apply(&mut client, &removed, false);
        assert_eq!((client.clone(), order.clone()), (uids(&[7, 1]), uids(&[7, 1])));
        let added = merge(&mut order, &uids(&[20, 21, 22, 23]), &[0, 1, 1, 2]);
        assert_eq!(added, [(1, uids(&[20])), (3, uids(&[21, 22])), (6, uids(&[23]))]);
        apply(&mut client, &added, true);
        assert_eq!(order, uids(&[20, 7, 21, 22, 1, 23]));
        assert_eq!(client, order);
    }
}
