//! The directory: domains, accounts, their addresses and credentials, aliases; who a mail address is, and who somebody
//! is that signs in.
//!
//! All of it lives in one system account, as rows that are written by batches guarded by the rows they were decided on.
//! What touches a person's account too (making one, removing one) is a recorded intent, finished by
//! [`Directory::recover`] after a crash. Reads go through a cache that every change clears.

mod admin;
mod aliases;
mod app_password;
mod ban;
mod cache;
mod certificate;
mod credential;
mod exposure;
mod familiar;
mod hasher;
mod imported;
mod intent;
mod login_delay;
mod notice;
mod password;
mod resolve;
mod rows;
mod settings;
mod sharing;
mod sign_in;
mod throttle;
mod turns;
mod uses;
mod verified;

pub use admin::{AccountInfo, DomainInfo};
pub use aliases::{ALIAS_TARGETS_MAX, AliasInfo};
pub use app_password::{APP_PASSWORD_NAME_MAX, APP_PASSWORDS_MAX, MadeAppPassword, NewAppPassword, PasswordInfo};
pub use ban::{
    BAN_HISTORY_MAX, BAN_REASON_MAX, BAN_REMEMBERED, BANS_MAX, Ban, BanError, BanInfo, BanOptions, BannedBy, Why,
};
pub use certificate::{CERTIFICATE_NAME_MAX, CERTIFICATES_MAX, CertificateInfo, Fingerprint};
pub use exposure::{Exposed, ExposedInfo, PROGRAM_MAX, REMIND_BEFORE};
pub use familiar::{FAMILIAR_FOR, FAMILIAR_MAX};
pub use hasher::{ARGON2_MEMORY_KIB, ARGON2_PASSES, Argon2Cost, SCRAM_ITERATIONS};
pub use imported::{
    IMPORTED_BCRYPT_MAX, IMPORTED_FILL_MAX_KIB, IMPORTED_LANES_MAX, IMPORTED_MAX, IMPORTED_MEMORY_MAX_KIB,
    IMPORTED_PASSWORD_MAX, IMPORTED_ROUNDS_MAX, IMPORTED_SALT_MAX, ImportError, Imported, ImportedHash,
};
pub use notice::{Notice, NoticeId};
pub use password::Standing;
pub use resolve::{ALIAS_DEPTH_MAX, ALIAS_EXPANSION_MAX, Recipient, Resolution};
pub use rows::{AccountMarks, AccountState};
pub use settings::{
    LOGIN_DELAY_MAX, Language, LoginDelay, MainPassword, Notices, OnCleartext, OnDelete, SettingChange, SettingError,
    SettingInfo, SettingSource, Settings,
};
pub use sharing::{AccountMark, DirectoryWatch, SHARERS_MAX};
pub use sign_in::{Origin, Proof, SignIn, SignInError};
pub use throttle::{Allowance, ThrottleOptions};
pub use uses::{InUse, LastUse, SIDE_BY_SIDE, USES_WAITING_MAX, UseInfo};

use crate::{Mail, MailError};
use ban::Bans;
use cache::Cache;
use exposure::Burns;
use hasher::Hasher;
use password::Revocations;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use store_kv::{Batch, CommitError, Engine, StoreError};
use throttle::Throttle;
use turns::Overloaded;
use types::{AccountId, AddressError, Clock, DomainName, Octets, PasswordError};
use uses::Uses;
use verified::Verified;

/// The first account id that a person can have. Those below are the system's.
pub const FIRST_ACCOUNT: AccountId = AccountId(16);
/// How often a change is decided anew when others change the directory at the same time.
const ATTEMPTS: usize = 8;

/// How passwords are kept and checked.
#[derive(Clone, Debug)]
pub struct PasswordOptions {
    /// What one Argon2id hash costs.
    pub argon2: Argon2Cost,
    /// PBKDF2 rounds of SCRAM keys.
    pub scram_iterations: NonZeroU32,
    /// How many passwords are checked at once; each takes the memory of [`Argon2Cost`].
    pub concurrent: usize,
    /// How many more wait for their turn at most, each with its password and no more; past it sign-ins are put off.
    pub waiting_max: usize,
    /// How long a password that was right is known to be, so that a device that reconnects costs next to nothing.
    pub remember: Duration,
    /// Most passwords that are remembered so.
    pub remember_max: usize,
    /// How fast somebody may guess.
    pub throttle: ThrottleOptions,
    /// When who guesses too much is banned.
    pub bans: BanOptions,
    /// What is put behind a name without an `@` at sign-in.
    pub default_domain: Option<DomainName>,
    /// What holds where neither an account nor its domain says otherwise.
    pub settings: Settings,
    /// How long a main password that came in clear is good after that, where it is not locked at once.
    pub grace: Duration,
}

impl Default for PasswordOptions {
    fn default() -> Self {
        Self {
            argon2: Argon2Cost::default(),
            scram_iterations: SCRAM_ITERATIONS,
            // More at once than there are processors would only cost memory: 19 MiB each.
            concurrent: std::thread::available_parallelism().map_or(2, usize::from).min(8),
            waiting_max: 500,
            remember: Duration::from_mins(10),
            remember_max: 50_000,
            throttle: ThrottleOptions::default(),
            bans: BanOptions::default(),
            default_domain: None,
            settings: Settings::default(),
            grace: Duration::from_hours(3 * 24),
        }
    }
}

impl PasswordOptions {
    /// The cheapest there is, for tests: no protection at all.
    pub fn for_tests() -> Self {
        let argon2 = Argon2Cost { memory_kib: 8, passes: 1 };
        Self { argon2, scram_iterations: NonZeroU32::MIN, ..Self::default() }
    }
}

/// Why the directory did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DirectoryError {
    /// The domain is not one of ours.
    #[error("the domain is not one of ours")]
    NoSuchDomain,
    /// There is no account of that address.
    #[error("there is no such account")]
    NoSuchAccount,
    /// There is no such address.
    #[error("there is no such address")]
    NoSuchAddress,
    /// The domain or address exists.
    #[error("it exists already")]
    AlreadyExists,
    /// Something still needs it: a domain its addresses, an account its main address.
    #[error("it is still in use")]
    InUse,
    /// An alias has no target or more than [`ALIAS_TARGETS_MAX`].
    #[error("an alias has 1 to {ALIAS_TARGETS_MAX} targets")]
    Targets,
    /// An alias leads back to itself.
    #[error("the alias leads back to itself")]
    AliasLoop,
    /// The address is not one, or its local part is too long.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The password cannot be one.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The new password is the one that was sent in clear.
    #[error("this password was sent in clear: it must be another one")]
    SamePassword,
    /// The account's password was sent in clear: no hash tells whether it is that one again.
    #[error("the password was sent in clear, and a hash does not tell whether it is the same")]
    HashOfBurnt,
    /// The account has [`APP_PASSWORDS_MAX`] app passwords.
    #[error("an account has at most {APP_PASSWORDS_MAX} app passwords")]
    TooManyPasswords,
    /// The account has no such password.
    #[error("there is no such password")]
    NoSuchPassword,
    /// What was given cannot be the name of an app password.
    #[error("the name of an app password is 1 to {APP_PASSWORD_NAME_MAX} bytes of text")]
    PasswordName,
    /// The certificate is not the account's.
    #[error("the account has no such certificate")]
    NoSuchCertificate,
    /// The account has [`CERTIFICATES_MAX`] certificates.
    #[error("an account has at most {CERTIFICATES_MAX} certificates")]
    TooManyCertificates,
    /// All account ids are used up.
    #[error("there are no account ids left")]
    Full,
    /// Others kept changing the same thing, or it is just being made: temporary.
    #[error("the directory is busy")]
    Busy,
    /// The system gives no randomness, or no memory for a hash.
    #[error("the system has no randomness or memory: {0}")]
    System(Arc<str>),
    /// The account's mail failed.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Overloaded> for DirectoryError {
    fn from(_: Overloaded) -> Self {
        Self::Busy
    }
}

/// How busy the checking of passwords is, and was since the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordChecks {
    /// Turns that are taken: one each, more for one whose hash needs more memory.
    pub running: u32,
    /// Waiting for their turn.
    pub waiting: usize,
    /// Memory that those being checked take.
    pub memory: Octets,
    /// Checked or being checked.
    pub total: u64,
    /// Put off, because too many waited or one waited too long.
    pub refused: u64,
}

/// The directory.
pub struct Directory {
    engine: Arc<dyn Engine>,
    clock: Arc<dyn Clock>,
    mail: Arc<Mail>,
    options: PasswordOptions,
    cache: Cache,
    hasher: Hasher,
    verified: Verified,
    throttle: Throttle,
    bans: Bans,
    sign_ins: login_delay::SignIns,
    /// What came in clear is counted apart.
    clear: Throttle,
    burning: Burns,
    exposed_count: AtomicU64,
    revocations: Revocations,
    uses: Uses,
}

impl Directory {
    /// The directory of a store. Call [`Directory::recover`] before anything else.
    pub fn new(
        engine: Arc<dyn Engine>,
        clock: Arc<dyn Clock>,
        mail: Arc<Mail>,
        options: PasswordOptions,
    ) -> Result<Arc<Self>, DirectoryError> {
        let cache = Cache::new(Arc::clone(&engine));
        let hasher = Hasher::new(options.argon2, options.concurrent, options.waiting_max)?;
        let verified = Verified::new(options.remember, options.remember_max)?;
        let (throttle, clear) = (Throttle::new(options.throttle), Throttle::new(options.throttle));
        let bans = Bans::new(options.bans);
        let (burning, exposed_count, revocations) = (Burns::new(), AtomicU64::new(0), Revocations::new());
        let sign_ins = login_delay::SignIns::default();
        Ok(Arc::new(Self {
            engine,
            clock,
            mail,
            options,
            cache,
            hasher,
            verified,
            throttle,
            bans,
            sign_ins,
            clear,
            burning,
            exposed_count,
            revocations,
            uses: Uses::default(),
        }))
    }

    /// How busy the checking of passwords is.
    pub fn password_checks(&self) -> PasswordChecks {
        let figures = self.hasher.figures();
        let each = u64::from(self.options.argon2.memory_kib).saturating_mul(1024);
        let memory = Octets(each.saturating_mul(u64::from(figures.running)));
        let turns::Figures { running, waiting, granted, refused } = figures;
        PasswordChecks { running, waiting, memory, total: granted, refused }
    }

    /// Commits; `false` asks to decide anew, because somebody else was faster.
    async fn commit(&self, batch: Batch) -> Result<bool, DirectoryError> {
        let committed = self.engine.commit(batch).await;
        // Also after an error: the batch may stand all the same.
        self.cache.clear();
        match committed {
            Ok(_) => Ok(true),
            Err(CommitError::Conflict { .. }) => Ok(false),
            Err(CommitError::Full) => Err(MailError::StoreFull.into()),
            Err(CommitError::Store(error)) => Err(error.into()),
            Err(defect @ (CommitError::Batch(_) | CommitError::DeadBody(_))) => {
                Err(StoreError::Unavailable(defect.to_string().into()).into())
            }
        }
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory").finish_non_exhaustive()
    }
}

/// Fills an array with chance.
fn random<const N: usize>() -> Result<[u8; N], DirectoryError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| DirectoryError::System(error.to_string().into()))?;
    Ok(bytes)
}

#[cfg(test)]
mod exposure_tests;
#[cfg(test)]
mod guess_tests;
#[cfg(test)]
mod imported_tests;
#[cfg(test)]
mod revoked_tests;
#[cfg(test)]
mod rounds_tests;
#[cfg(test)]
mod sharing_tests;
#[cfg(test)]
mod tests;
