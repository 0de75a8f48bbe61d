//! What a simulated disk holds: files as they read, as they would be after a crash, and what lies between.

use super::Fault;
use crate::codec::{len64, narrow, wide};
use crate::disk::OpenMode;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store_kv::Seeded;

/// Bytes that a crash keeps or loses as one.
const SECTOR: usize = 512;

/// The rows of a model index.
pub(super) type Rows = Arc<BTreeMap<Vec<u8>, Vec<u8>>>;

#[derive(Clone, Debug)]
enum Change {
    Write(u64, Vec<u8>),
    Len(u64),
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write(offset, data) => {
                let (from, to) = (narrow(*offset), narrow(*offset).saturating_add(data.len()));
                if content.len() < to {
                    content.resize(to, 0);
                }
                if let Some(place) = content.get_mut(from..to) {
                    place.copy_from_slice(data);
                }
            }
            Self::Len(len) => content.resize(narrow(*len), 0),
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Inode {
    now: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
}

#[derive(Clone, Debug)]
enum NameChange {
    Set(PathBuf, u64),
    Remove(PathBuf),
    Rename(PathBuf, PathBuf, u64),
}

impl NameChange {
    fn is_in(&self, dir: &Path) -> bool {
        match self {
            Self::Set(path, _) | Self::Remove(path) | Self::Rename(_, path, _) => path.parent() == Some(dir),
        }
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, u64>) {
        match self {
            Self::Set(path, inode) => {
                names.insert(path.clone(), *inode);
            }
            Self::Remove(path) => {
                names.remove(path);
            }
            Self::Rename(from, to, inode) => {
                names.remove(from);
                names.insert(to.clone(), *inode);
            }
        }
    }
}

/// What a simulated disk holds.
#[derive(Debug)]
pub(super) struct State {
    pub(super) random: Seeded,
    inodes: HashMap<u64, Inode>,
    next_inode: u64,
    names: BTreeMap<PathBuf, u64>,
    durable_names: BTreeMap<PathBuf, u64>,
    unsynced_names: Vec<NameChange>,
    pub(super) indexes: HashMap<PathBuf, Rows>,
    pub(super) locks: HashSet<PathBuf>,
    pub(super) capacity: u64,
    pub(super) plan: Option<(u64, Fault)>,
    pub(super) calls: u64,
    pub(super) dead: bool,
}

fn power_cut() -> io::Error {
    io::Error::other("the power is gone (simulated)")
}

fn broken() -> io::Error {
    io::Error::other("an I/O error (simulated)")
}

impl State {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            random: Seeded::new(seed),
            inodes: HashMap::new(),
            next_inode: 1,
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            unsynced_names: Vec::new(),
            indexes: HashMap::new(),
            locks: HashSet::new(),
            capacity: 1 << 40,
            plan: None,
            calls: 0,
            dead: false,
        }
    }

    pub(super) fn alive(&self) -> io::Result<()> {
        if self.dead { Err(power_cut()) } else { Ok(()) }
    }

    /// Counts a call that changes something; says if it goes wrong.
    pub(super) fn change(&mut self) -> io::Result<()> {
        self.alive()?;
        self.calls += 1;
        let Some((left, fault)) = &mut self.plan else { return Ok(()) };
        if *left > 0 {
            *left -= 1;
            return Ok(());
        }
        let fault = *fault;
        self.plan = None;
        match fault {
            Fault::Crash => {
                self.dead = true;
                Err(power_cut())
            }
            Fault::Error => Err(broken()),
        }
    }

    fn inode(&mut self, inode: u64) -> io::Result<&mut Inode> {
        self.inodes.get_mut(&inode).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn open(&mut self, path: &Path, mode: OpenMode) -> io::Result<u64> {
        self.alive()?;
        let found = self.names.get(path).copied();
        match (mode, found) {
            (OpenMode::Create, Some(_)) => Err(io::ErrorKind::AlreadyExists.into()),
            (OpenMode::Create, None) => {
                self.change()?;
                let inode = self.next_inode;
                self.next_inode += 1;
                self.inodes.insert(inode, Inode::default());
                self.rename_now(NameChange::Set(path.to_owned(), inode));
                Ok(inode)
            }
            (_, found) => found.ok_or_else(|| io::ErrorKind::NotFound.into()),
        }
    }

    fn rename_now(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.unsynced_names.push(change);
    }

    pub(super) fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.alive()?;
        let names = self.names.keys().filter(|path| path.parent() == Some(dir));
        Ok(names.filter_map(|path| path.file_name()?.to_str().map(str::to_owned)).collect())
    }

    pub(super) fn sync_dir(&mut self, dir: &Path) -> io::Result<()> {
        let failed = self.change().err();
        let (here, elsewhere) = std::mem::take(&mut self.unsynced_names).into_iter().partition(|name| name.is_in(dir));
        let here: Vec<NameChange> = here;
        self.unsynced_names = elsewhere;
        match failed {
            // The power went: the names are as unsynced as they were.
            Some(error) if self.dead => {
                self.unsynced_names.extend(here);
                Err(error)
            }
            // Names of a failed sync stay unsynced.
            Some(error) => {
                self.unsynced_names.extend(here);
                Err(error)
            }
            None => {
                for name in here {
                    name.apply(&mut self.durable_names);
                }
                Ok(())
            }
        }
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let inode = *self.names.get(from).ok_or(io::ErrorKind::NotFound)?;
        self.change()?;
        self.rename_now(NameChange::Rename(from.to_owned(), to.to_owned(), inode));
        Ok(())
    }

    pub(super) fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.alive()?;
        if !self.names.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.change()?;
        self.rename_now(NameChange::Remove(path.to_owned()));
        Ok(())
    }

    pub(super) fn link(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.alive()?;
        let inode = *self.names.get(from).ok_or(io::ErrorKind::NotFound)?;
        self.change()?;
        self.rename_now(NameChange::Set(to.to_owned(), inode));
        Ok(())
    }

    pub(super) fn free(&self) -> u64 {
        let linked: HashSet<u64> = self.names.values().copied().collect();
        let used = linked.iter().filter_map(|inode| self.inodes.get(inode)).map(|inode| len64(&inode.now)).sum();
        self.capacity.saturating_sub(used)
    }

    pub(super) fn read(&mut self, inode: u64, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.alive()?;
        let content = &self.inode(inode)?.now;
        let from = narrow(offset);
        let piece = content.get(from..from.saturating_add(buffer.len())).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(piece);
        Ok(())
    }

    fn make_room(&mut self, inode: u64, end: u64) -> io::Result<()> {
        let grows = end.saturating_sub(len64(&self.inode(inode)?.now));
        if grows > self.free() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    pub(super) fn write(&mut self, inode: u64, mut data: Vec<u8>, offset: u64) -> io::Result<()> {
        self.make_room(inode, offset.saturating_add(len64(&data)))?;
        let failed = self.change().err();
        if failed.is_some() {
            // Some of it was written all the same.
            let kept = narrow(self.random.below(len64(&data) + 1));
            data.truncate(kept);
        }
        let change = Change::Write(offset, data);
        let file = self.inode(inode)?;
        change.apply(&mut file.now);
        file.unsynced.push(change);
        failed.map_or(Ok(()), Err)
    }

    pub(super) fn set_len(&mut self, inode: u64, len: u64) -> io::Result<()> {
        self.make_room(inode, len)?;
        self.change()?;
        let change = Change::Len(len);
        let file = self.inode(inode)?;
        change.apply(&mut file.now);
        file.unsynced.push(change);
        Ok(())
    }

    pub(super) fn len(&mut self, inode: u64) -> io::Result<u64> {
        self.alive()?;
        Ok(len64(&self.inode(inode)?.now))
    }

    pub(super) fn sync(&mut self, inode: u64) -> io::Result<()> {
        if let Err(error) = self.change() {
            if !self.dead {
                // What it should have made durable is lost for good, though it can still be read.
                self.inode(inode)?.unsynced.clear();
            }
            return Err(error);
        }
        let file = self.inode(inode)?;
        let Inode { durable, unsynced, .. } = file;
        for change in unsynced.drain(..) {
            change.apply(durable);
        }
        Ok(())
    }

    pub(super) fn rot(&mut self, path: &Path, offset: u64) {
        let Some(inode) = self.names.get(path).and_then(|inode| self.inodes.get_mut(inode)) else { return };
        for content in [&mut inode.now, &mut inode.durable] {
            if let Some(byte) = content.get_mut(narrow(offset)) {
                *byte ^= 0x10;
            }
        }
    }

    /// What survives a power cut. How much of what was not synced survives is drawn anew for every cut.
    pub(super) fn crash(&mut self) -> Self {
        self.dead = true;
        let mut random = Seeded::new(self.random.any());
        let keep = random.pick(&[0, 1, 50, 90, 100]).copied().unwrap_or(50);
        let mut names = self.durable_names.clone();
        for name in &self.unsynced_names {
            if random.chance(keep, 100) {
                name.apply(&mut names);
            }
        }
        let mut inodes = HashMap::new();
        let mut linked: Vec<u64> = names.values().copied().collect();
        linked.sort_unstable();
        linked.dedup();
        for number in linked {
            let Some(inode) = self.inodes.get(&number) else { continue };
            let mut content = inode.durable.clone();
            for change in &inode.unsynced {
                tear(change, keep, &mut random, &mut content);
            }
            inodes.insert(number, Inode { now: content.clone(), durable: content, unsynced: Vec::new() });
        }
        let durable_names = names.clone();
        Self { random, inodes, names, durable_names, unsynced_names: Vec::new(), ..self.inherit() }
    }

    /// What a new process finds.
    pub(super) fn kill(&mut self) -> Self {
        self.dead = true;
        let random = Seeded::new(self.random.any());
        Self {
            random,
            inodes: self.inodes.clone(),
            names: self.names.clone(),
            durable_names: self.durable_names.clone(),
            unsynced_names: self.unsynced_names.clone(),
            ..self.inherit()
        }
    }

    fn inherit(&self) -> Self {
        let (next_inode, capacity, indexes) = (self.next_inode, self.capacity, self.indexes.clone());
        Self { next_inode, indexes, capacity, ..Self::new(0) }
    }
}

/// Applies those sectors of an unsynced change that survive.
fn tear(change: &Change, keep: u64, random: &mut Seeded, content: &mut Vec<u8>) {
    let Change::Write(offset, data) = change else {
        if random.chance(keep, 100) {
            change.apply(content);
        }
        return;
    };
    let mut at = 0;
    while at < data.len() {
        let begin = narrow(*offset).saturating_add(at);
        let end = (at + SECTOR - begin % SECTOR).min(data.len());
        if random.chance(keep, 100)
            && let Some(sector) = data.get(at..end)
        {
            Change::Write(wide(begin), sector.to_vec()).apply(content);
        }
        at = end;
    }
}
