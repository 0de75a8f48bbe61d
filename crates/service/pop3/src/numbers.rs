//! Sets of numbers of one maildrop: a bit for each, in blocks that are there only where something is in the set.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Numbers in a block.
const BLOCK: u32 = 4096;
const WORDS: usize = 64;
const WORD: u32 = 64;

#[derive(Clone, Debug)]
struct Block {
    words: Box<[u64; WORDS]>,
    count: u32,
}

/// A set of numbers from 1 on. Whatever it holds, at most one bit for each number up to the largest, and a little more.
#[derive(Clone, Debug, Default)]
pub(crate) struct Numbers {
    blocks: BTreeMap<u32, Block>,
}

/// Block, word and bit of a number.
fn place(number: u32) -> (u32, usize, u32) {
    let word = usize::try_from(number % BLOCK / WORD).unwrap_or(0);
    (number / BLOCK, word, number % WORD)
}

impl Numbers {
    /// Whether a number is in it.
    pub(crate) fn contains(&self, number: u32) -> bool {
        let (block, word, bit) = place(number);
        let word = self.blocks.get(&block).and_then(|block| block.words.get(word));
        word.is_some_and(|word| word >> bit & 1 == 1)
    }

    /// Puts a number in; false if it was there.
    pub(crate) fn insert(&mut self, number: u32) -> bool {
        let (block, word, bit) = place(number);
        let block = self.blocks.entry(block).or_insert_with(|| Block { words: Box::new([0; WORDS]), count: 0 });
        let Some(word) = block.words.get_mut(word) else { return false };
        let is_new = *word >> bit & 1 == 0;
        *word |= 1 << bit;
        block.count += u32::from(is_new);
        is_new
    }

    /// Takes everything out.
    pub(crate) fn clear(&mut self) {
        self.blocks.clear();
    }

    /// How many there are.
    pub(crate) fn len(&self) -> u32 {
        self.blocks.values().map(|block| block.count).sum()
    }

    /// The `nth` number, from 1, that is not in the set.
    pub(crate) fn nth_absent(&self, nth: u32) -> Option<u32> {
        let mut skipped = 0;
        for (index, block) in &self.blocks {
            let before = (index * BLOCK).max(1);
            // What is absent before this block: 1 is the first number there is.
            if nth.checked_add(skipped)? < before {
                break;
            }
            let absent_to_end = (u64::from(*index) + 1) * u64::from(BLOCK) - 1;
            if u64::from(nth) + u64::from(skipped) + u64::from(block.count) <= absent_to_end {
                return block.nth_absent(*index, before, nth + skipped - before);
            }
            skipped += block.count;
        }
        nth.checked_add(skipped)
    }

    /// The numbers as ranges, ascending.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = RangeInclusive<u32>> {
        let mut numbers = self.blocks.iter().flat_map(|(index, block)| block.numbers(*index)).peekable();
        std::iter::from_fn(move || {
            let first = numbers.next()?;
            let mut last = first;
            while let Some(next) = numbers.next_if(|next| last.checked_add(1) == Some(*next)) {
                last = next;
            }
            Some(first..=last)
        })
    }
}

impl Block {
    /// The number that comes after `more` others that are absent too, from `first` on.
    fn nth_absent(&self, index: u32, first: u32, more: u32) -> Option<u32> {
        let mut left = more;
        for (number, word) in (0_u32..).zip(self.words.iter()) {
            let start = index * BLOCK + number * WORD;
            // Zero is no number.
            let word = if start == 0 { word | 1 } else { *word };
            let absent = word.count_zeros();
            if left >= absent {
                left -= absent;
                continue;
            }
            return (0..WORD)
                .filter(|bit| word >> bit & 1 == 0)
                .nth(usize::try_from(left).ok()?)
                .map(|bit| start + bit);
        }
        debug_assert!(false, "block {index} from {first} has not {more} absent");
        None
    }

    fn numbers(&self, index: u32) -> impl Iterator<Item = u32> {
        (0_u32..).zip(self.words.iter()).flat_map(move |(number, word)| {
            let start = index * BLOCK + number * WORD;
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = rest.trailing_zeros();
                rest &= rest.wrapping_sub(1);
                (bit < WORD).then_some(start + bit)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(numbers: impl IntoIterator<Item = u32>) -> Numbers {
        let mut set = Numbers::default();
        for number in numbers {
            set.insert(number);
        }
        set
    }

    #[test]
    fn what_is_put_in_once_is_there_once() {
        let mut set = of([1, 5, 4095, 4096, 5]);
        assert_eq!((set.len(), set.insert(5), set.insert(6), set.len()), (4, false, true, 5));
        assert!([1, 5, 6, 4095, 4096].into_iter().all(|n| set.contains(n)) && !set.contains(4097) && !set.contains(2));
        assert_eq!(set.ranges().collect::<Vec<_>>(), [1..=1, 5..=6, 4095..=4096]);
        set.clear();
        assert!(set.len() == 0 && set.ranges().next().is_none());
    }

    #[test]
    fn absent_numbers_are_counted_as_a_plain_walk_counts_them() {
        let mut state = 3_u64;
        for share in [0, 1, 5, 8, 10] {
            let mut chance = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 33) % 10 < share
            };
            let set = of((1..20_000).filter(|_| chance()));
            let absent: Vec<u32> = (1..30_000).filter(|n| !set.contains(*n)).collect();
            for (nth, number) in (1..).zip(&absent) {
                assert_eq!(set.nth_absent(nth), Some(*number), "share {share}, nth {nth}");
            }
        }
        assert_eq!(of([1]).nth_absent(u32::MAX), None);
        assert_eq!(Numbers::default().nth_absent(u32::MAX), Some(u32::MAX));
    }
}
