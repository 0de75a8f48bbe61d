//! Opening a store: lock, index, what the log has and the index has not, and what a crash left lying about.

use crate::appender::{Active, Appender};
use crate::disk::{Disk, OpenMode};
use crate::error::OpenError;
use crate::files::FileCache;
use crate::index::Index;
use crate::indexer;
use crate::keys::{MARK_KEY, Position, SPACE_ORPHAN, body_key, parse_id, parse_segment_key, segment_key};
use crate::layout::{Layout, parse_body, parse_segment};
use crate::options::Options;
use crate::overlay::Overlay;
use crate::replay::Replay;
use crate::shared::{Request, Shared, Visible, lock};
use crate::stage::Pins;
use crate::stats::Counters;
use crate::syncer;
use std::collections::BTreeSet;
use std::io;
use std::ops::{Bound, ControlFlow};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError, RwLock};
use store_kv::{Direction, PageLimit, StoreError, WatchHub};

/// What the `format` file says.
pub(crate) const FORMAT: &[u8] = b"postamt store 1\n";
/// Most bytes of a `format` file that are looked at.
const FORMAT_MAX: u64 = 64;

/// Makes the index once the store is locked.
pub(crate) type MakeIndex<'a> = &'a dyn Fn(&Path, &Options) -> Result<Arc<dyn Index>, StoreError>;

/// An open store whose threads are still to be started.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) shared: Arc<Shared>,
    pub(crate) appender: Appender,
}

/// Opens a store or makes one.
pub(crate) fn open(
    disk: Arc<dyn Disk>,
    make: MakeIndex<'_>,
    dir: &Path,
    options: Options,
) -> Result<Opened, OpenError> {
    let layout = Layout::new(dir);
    disk.create_dir(&layout.root)?;
    let held = disk.lock(&layout.lock()).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => OpenError::Locked(dir.to_owned()),
        _ => error.into(),
    })?;
    disk.create_dir(&layout.log)?;
    disk.create_dir(&layout.bodies)?;
    // What an earlier run removed must not come back once we build on its absence.
    disk.sync_dir(&layout.log)?;
    let segments = list_segments(&*disk, &layout)?;
    check_format(&*disk, &layout, segments.is_empty())?;
    let index = make(&layout.index, &options)?;
    let mark = read_mark(&*index)?;
    let start = match (mark, segments.first()) {
        (Some(mark), _) => mark,
        (None, first) => Position { segment: first.copied().unwrap_or(1), offset: 0, chain: [0; 16], sequence: 1 },
    };
    let shared = Arc::new(assemble(disk, layout, options, index, start));
    *lock(&shared.lock) = Some(held);
    let leftovers = check_segments(&shared, &segments, mark)?;
    let replayed = Replay::new(&shared, mark).run(&segments)?;
    shared.published.store(replayed.end.sequence, Ordering::Release);
    shared.pins.set_epoch(replayed.end.sequence, shared.disk.nonce()?);
    for number in leftovers {
        shared.disk.remove(&shared.layout.segment(number))?;
        lock(&shared.sealed).remove(&number);
        shared.disk.sync_dir(&shared.layout.log)?;
    }
    let active = match replayed.active {
        Some(file) => Some(Active::resumed(file, replayed.end)?),
        None => None,
    };
    let mut appender = Appender::new(shared.clone(), replayed.end, active);
    end_orphans(&shared, &mut appender)?;
    remove_unnamed_bodies(&shared)?;
    Ok(Opened { shared, appender })
}

fn assemble(disk: Arc<dyn Disk>, layout: Layout, options: Options, index: Arc<dyn Index>, start: Position) -> Shared {
    Shared {
        layout,
        disk,
        visible: RwLock::new(Visible { overlay: Overlay::new(start), index: Some(index) }),
        queue: Mutex::default(),
        queue_filled: Condvar::new(),
        pipe: Mutex::default(),
        pipe_filled: Condvar::new(),
        pipe_drained: Condvar::new(),
        index_flow: Mutex::default(),
        index_wake: Condvar::new(),
        overlay_room: Condvar::new(),
        mark: Mutex::new(start),
        published: AtomicU64::new(start.sequence),
        poison: OnceLock::new(),
        files: FileCache::new(options.open_files),
        pins: Pins::default(),
        hub: WatchHub::default(),
        counters: Counters::default(),
        sealed: Mutex::default(),
        removal: RwLock::new(()),
        trash: Mutex::default(),
        space: Mutex::default(),
        lock: Mutex::default(),
        appender: Mutex::default(),
        threaded: AtomicBool::new(false),
        options,
    }
}

/// The numbers of the segments there are, ascending.
pub(crate) fn list_segments(disk: &dyn Disk, layout: &Layout) -> io::Result<Vec<u32>> {
    let mut numbers: Vec<u32> = disk.list(&layout.log)?.iter().filter_map(|name| parse_segment(name)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// Checks the store's form; writes it into a new store.
fn check_format(disk: &dyn Disk, layout: &Layout, is_new: bool) -> Result<(), OpenError> {
    let path = layout.format();
    let found = match disk.open(&path, OpenMode::Read) {
        Ok(file) => {
            let mut found = vec![0; crate::codec::narrow(file.len()?.min(FORMAT_MAX))];
            file.read_at(&mut found, 0)?;
            Some(found)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    if !is_new {
        if found.as_deref() == Some(FORMAT) {
            return Ok(());
        }
        let found = String::from_utf8_lossy(&found.unwrap_or_default()).into_owned();
        return Err(OpenError::Format { dir: layout.root.clone(), found });
    }
    // A store without a segment holds nothing: whatever a crash left of its making is made anew, durably.
    if found.is_some() {
        disk.remove(&path)?;
    }
    let file = disk.open(&path, OpenMode::Create)?;
    file.write_at(&[FORMAT], 0)?;
    file.sync_data()?;
    disk.sync_dir(&layout.root)?;
    if let Some(above) = layout.root.parent().filter(|above| !above.as_os_str().is_empty()) {
        disk.sync_dir(above)?;
    }
    Ok(())
}

fn read_mark(index: &dyn Index) -> Result<Option<Position>, OpenError> {
    let snapshot = index.read()?;
    let Some(mark) = snapshot.get(MARK_KEY)? else { return Ok(None) };
    let mark = Position::decode(mark);
    mark.map(Some).ok_or_else(|| OpenError::Damaged("the index's mark cannot be read; the index can be rebuilt".into()))
}

/// Holds the segments that are there against those that the index knows. Returns those before the mark that it does not
/// know: the compactor was about to remove them.
fn check_segments(shared: &Shared, segments: &[u32], mark: Option<Position>) -> Result<Vec<u32>, OpenError> {
    for number in segments {
        let len = shared.disk.open(&shared.layout.segment(*number), OpenMode::Read)?.len()?;
        lock(&shared.sealed).insert(*number, len);
    }
    let Some(mark) = mark else { return Ok(Vec::new()) };
    let known = known_segments(shared)?;
    let there: BTreeSet<u32> = segments.iter().copied().collect();
    if let Some(missing) = known.iter().find(|number| !there.contains(number) && mark.offset > 0) {
        return Err(OpenError::Damaged(format!("log segment {missing} is missing")));
    }
    Ok(segments.iter().copied().filter(|number| *number < mark.segment && !known.contains(number)).collect())
}

/// The segments that the index counts.
pub(crate) fn known_segments(shared: &Shared) -> Result<BTreeSet<u32>, StoreError> {
    let visible = shared.visible.read().unwrap_or_else(PoisonError::into_inner);
    let Some(index) = visible.index.clone() else { return Ok(BTreeSet::new()) };
    drop(visible);
    let mut known = BTreeSet::new();
    let (first, last) = (segment_key(0), segment_key(u32::MAX));
    let range = (Bound::Included(&first[..]), Bound::Included(&last[..]));
    index.read()?.scan(range, Direction::Forward, &mut |key, _| {
        known.extend(parse_segment_key(key));
        ControlFlow::Continue(())
    })?;
    Ok(known)
}

/// Removes files of bodies that no record names: their batch was never committed, or they died.
fn remove_unnamed_bodies(shared: &Shared) -> Result<(), OpenError> {
    lock(&shared.trash).clear();
    for name in shared.disk.list(&shared.layout.bodies)? {
        let Some(id) = parse_body(&name) else { continue };
        if shared.row(&body_key(id))?.is_none() {
            shared.disk.remove(&shared.layout.body(id))?;
        }
    }
    Ok(())
}

/// Ends bodies that only an open handle kept: no handle survives.
fn end_orphans(shared: &Arc<Shared>, appender: &mut Appender) -> Result<(), OpenError> {
    loop {
        let (first, past) = ([SPACE_ORPHAN], [SPACE_ORPHAN + 1]);
        let range = (Bound::Included(&first[..]), Bound::Excluded(&past[..]));
        let page = shared.page(range, Direction::Forward, PageLimit::default())?;
        if page.rows.is_empty() {
            return Ok(());
        }
        let requests = page.rows.iter().filter_map(|(key, _)| parse_id(key)).map(Request::Unpinned);
        appender.step(requests.collect());
        syncer::step(shared);
        if let Some(error) = shared.poisoned() {
            return Err(error.into());
        }
        if shared.overlay_bytes() > shared.options.overlay_bytes {
            indexer::step(shared)?;
        }
        let again = shared.page(range, Direction::Forward, PageLimit { rows: 1, bytes: 0 })?;
        if again.rows.first().map(|(key, _)| key) == page.rows.first().map(|(key, _)| key) {
            // No space even for this: they stay until the next start.
            return Ok(());
        }
    }
}
