//! The row on disk. Format 1 had one password, its SCRAM-SHA-256 keys and nothing else.

use super::{App, Credential, KeyPair, Main, MainHash, PasswordHash, PerHash, ScramSalt};
use crate::accounts::{Argon2Cost, Exposed, ImportedHash};
use crate::row::{RowReader, RowWriter};
use bytes::Bytes;
use std::num::NonZeroU32;
use types::{CredentialId, MailProtocol, Protocols, ScramHash, Secret, Timestamp};

/// One password with keys for SHA-256.
const FORMAT_ONE: u8 = 1;
const FORMAT: u8 = 2;
/// Kinds of hashes: ours, and what another server made, as text.
const ARGON2ID: u8 = 1;
const IMPORTED: u8 = 2;

impl Credential {
    pub(in crate::accounts) fn encode(&self) -> Bytes {
        let mut row = RowWriter::new(FORMAT, 640 + 512 * self.apps.len());
        row.number(self.version);
        row.byte(u8::from(self.locked));
        row.number(self.main.since);
        put_hash(&mut row, &self.main.hash);
        put_option(&mut row, self.burnt.as_ref(), put_hash);
        for hash in ScramHash::ALL {
            put_option(&mut row, self.salts.get(hash), put_salt);
        }
        put_keys(&mut row, &self.main.keys);
        put_option(&mut row, self.main.exposed.as_ref(), put_exposed);
        row.number(u64::from(self.next));
        for app in &self.apps {
            put_app(&mut row, app);
        }
        row.finish()
    }

    pub(in crate::accounts) fn decode(row: &[u8]) -> Option<Self> {
        if row.first() == Some(&FORMAT_ONE) {
            return decode_one(row);
        }
        let mut row = RowReader::new(row, FORMAT)?;
        let (version, locked) = (row.number()?, row.byte()? != 0);
        let (since, hash) = (row.number()?, read_hash(&mut row)?);
        let burnt = read_option(&mut row, read_hash)?;
        let salts = read_per_hash(&mut row, read_salt)?;
        let keys = read_per_hash(&mut row, read_pair)?;
        let exposed = read_option(&mut row, read_exposed)?;
        let next = row.number32()?;
        let mut apps = Vec::new();
        while row.left() > 0 {
            apps.push(read_app(&mut row)?);
        }
        let main = Main { since, hash, keys, exposed };
        Some(Self { version, locked, main, burnt, salts, next, apps })
    }
}

fn decode_one(row: &[u8]) -> Option<Credential> {
    let mut row = RowReader::new(row, FORMAT_ONE)?;
    let (version, locked) = (row.number()?, row.byte()? != 0);
    let hash = MainHash::Own(read_argon2id(&mut row)?);
    let salt = read_salt(&mut row)?;
    let pair = read_pair(&mut row)?;
    row.end()?;
    let of_256 = |hash: ScramHash| hash == ScramHash::Sha256;
    let keys = PerHash::of(|hash| of_256(hash).then(|| pair.clone()));
    let salts = PerHash::of(|hash| of_256(hash).then(|| salt.clone()));
    let main = Main { since: version, hash, keys, exposed: None };
    Some(Credential { version, locked, main, burnt: None, salts, next: 1, apps: Vec::new() })
}

fn put_option<T>(row: &mut RowWriter, value: Option<T>, put: impl FnOnce(&mut RowWriter, T)) {
    row.byte(u8::from(value.is_some()));
    if let Some(value) = value {
        put(row, value);
    }
}

#[expect(clippy::option_option, reason = "the outer says whether it can be read, the inner whether it is there")]
fn read_option<T>(row: &mut RowReader<'_>, read: fn(&mut RowReader<'_>) -> Option<T>) -> Option<Option<T>> {
    match row.byte()? {
        0 => Some(None),
        _ => read(row).map(Some),
    }
}

fn read_per_hash<T>(row: &mut RowReader<'_>, read: fn(&mut RowReader<'_>) -> Option<T>) -> Option<PerHash<T>> {
    let mut all = [read_option(row, read)?, read_option(row, read)?, read_option(row, read)?].into_iter();
    Some(PerHash::of(|_| all.next().flatten()))
}

fn put_hash(row: &mut RowWriter, hash: &MainHash) {
    match hash {
        MainHash::Own(hash) => {
            row.byte(ARGON2ID);
            row.number(u64::from(hash.cost.memory_kib));
            row.number(u64::from(hash.cost.passes));
            row.raw(&hash.salt);
            row.raw(hash.hash.expose());
        }
        MainHash::Imported(hash) => {
            row.byte(IMPORTED);
            row.bytes(hash.text().as_bytes());
        }
    }
}

fn read_hash(row: &mut RowReader<'_>) -> Option<MainHash> {
    match row.byte()? {
        ARGON2ID => read_argon2id(row).map(MainHash::Own),
        IMPORTED => ImportedHash::of_row(row.text()?).map(MainHash::Imported),
        _ => None,
    }
}

fn read_argon2id(row: &mut RowReader<'_>) -> Option<PasswordHash> {
    let cost = Argon2Cost { memory_kib: row.number32()?, passes: row.number32()? };
    Some(PasswordHash { cost, salt: row.array()?, hash: Secret::new(row.array()?) })
}

fn put_salt(row: &mut RowWriter, salt: &ScramSalt) {
    row.number(u64::from(salt.iterations.get()));
    row.bytes(&salt.salt);
}

fn read_salt(row: &mut RowReader<'_>) -> Option<ScramSalt> {
    let iterations = NonZeroU32::new(row.number32()?)?;
    Some(ScramSalt { iterations, salt: row.bytes()?.into() })
}

fn put_pair(row: &mut RowWriter, pair: &KeyPair) {
    row.bytes(pair.stored_key.expose());
    row.bytes(pair.server_key.expose());
}

fn read_pair(row: &mut RowReader<'_>) -> Option<KeyPair> {
    let mut key = || row.bytes().map(|key| Secret::new(key.to_vec()));
    Some(KeyPair { stored_key: key()?, server_key: key()? })
}

fn put_keys(row: &mut RowWriter, keys: &PerHash<KeyPair>) {
    for hash in ScramHash::ALL {
        put_option(row, keys.get(hash), put_pair);
    }
}

fn put_time(row: &mut RowWriter, time: Timestamp) {
    row.signed(time.0);
}

fn read_time(row: &mut RowReader<'_>) -> Option<Timestamp> {
    row.signed().map(Timestamp)
}

fn put_app(row: &mut RowWriter, app: &App) {
    row.number(u64::from(app.id.0));
    row.number(app.since);
    row.bytes(app.name.as_bytes());
    row.byte(app.scope.bits());
    put_time(row, app.created);
    put_option(row, app.expires, put_time);
    row.raw(app.hash.expose());
    put_keys(row, &app.keys);
    put_option(row, app.exposed.as_ref(), put_exposed);
}

fn read_app(row: &mut RowReader<'_>) -> Option<App> {
    Some(App {
        id: CredentialId(row.number32()?),
        since: row.number()?,
        name: row.text()?.into(),
        scope: Protocols::of_bits(row.byte()?)?,
        created: read_time(row)?,
        expires: read_option(row, read_time)?,
        hash: Secret::new(row.array()?),
        keys: read_per_hash(row, read_pair)?,
        exposed: read_option(row, read_exposed)?,
    })
}

/// Also part of notices.
pub(in crate::accounts) fn put_exposed(row: &mut RowWriter, exposed: &Exposed) {
    put_time(row, exposed.at);
    put_option(row, exposed.peer.as_ref(), |row, peer| row.bytes(peer.to_string().as_bytes()));
    row.byte(exposed.protocol.number());
    put_option(row, exposed.program.as_ref(), |row, program| row.bytes(program.as_bytes()));
    row.bytes(exposed.mechanism.as_bytes());
    put_option(row, exposed.lock_at, put_time);
}

pub(in crate::accounts) fn read_exposed(row: &mut RowReader<'_>) -> Option<Exposed> {
    Some(Exposed {
        at: read_time(row)?,
        peer: read_option(row, |row| row.text()?.parse().ok())?,
        protocol: MailProtocol::of_number(row.byte()?)?,
        program: read_option(row, |row| row.text().map(Into::into))?,
        mechanism: row.text()?.into(),
        lock_at: read_option(row, read_time)?,
    })
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(in crate::accounts) use tests::row_of_format_one;
