//! The double-sign guard: the last thing this validator signed, or the word that its log knows it, durable before the
//! signature leaves. A validator that signs two different messages of one kind in one height and round
//! breaks the consortium's safety, so whoever can't read its guard doesn't sign.
//!
//! # File
//!
//! `guard` holds two slots of 512 bytes, each its own sector, written in turn:
//!
//! ```text
//! magic[8] version[4] sequence[8] height[8] round[4] step[1] hash[32] file[8]
//! reserved[8] log[8] log[8] zeros[383] check[32]
//! ```
//!
//! Integers are little-endian; `check` is a SHA-256 over the other 480 bytes, so no byte is
//! unused. The slot of sequence n is n mod 2. `file` is the file's identity, see below; 0 if the disk has none.
//! `reserved` is the height up to which the log is believed, and each `log` the identity of one of its two files; all
//! are 0 in a guard that reserves nothing, as those of version 1 are.
//!
//! # Which heights the log is believed at
//!
//! What is signed stands in the write-ahead log, and is durable there before it leaves. A second sync, of the guard,
//! says nothing that an intact log doesn't. So the guard reserves [`AHEAD`] heights with one sync, and up to there
//! [`Guard::save`] writes without one. Such a write goes to the slot of the next sequence each time, so that a power
//! cut leaves the old slot or a newer one, and in either case the word on the reserved heights. After it the
//! log tells what was signed last. A log that isn't there any more, or is a copy, has other files than
//! the guard names: then all reserved heights count as signed ([`Guard::follow`]).
//!
//! # Which file is believed
//!
//! Only one with both slots valid and of consecutive sequences; the later one counts. If a slot is
//! bad, it may be a write torn in a crash, whose signature never left, or the latest mark changed
//! by the disk after its signature left. The bytes can't tell, so both refuse. A sector is written
//! whole or not at all by real disks, so a crash practically never leaves a torn slot. The operator
//! looks up the height that the network has reached and calls [`Guard::reset`].
//!
//! # A copy
//!
//! A copy is older than the guard, or will be: a folder that is restored from a backup has forgotten what was signed
//! since, and two folders of one validator sign what each likes. So a slot names the file that it was written to, by
//! what the disk tells files apart with ([`Disk::identity`]), and is refused in another. The guard can't notice an
//! older content that is written into the same file, nor an older image of the whole disk: a validator's folder must
//! never be restored without [`Guard::reset`].
//!
//! # A new file for an old key
//!
//! A key whose disk was replaced has signed things that no file remembers, perhaps at the height that
//! is open now. Its guard is made by [`Guard::create_unknown`] and permits nothing until
//! [`Guard::confirm`] says where the others are; it stands at the greatest height there is.

use std::fmt;

use thiserror::Error;
use touchstone_core::Fault;
use touchstone_core::hash::{self, Hash};

use super::Disk;
use super::wal::LogIdentity;

pub(crate) const FILE: &str = "guard";
const MAGIC: &[u8; 8] = b"TSTN-GRD";
const VERSION: u32 = 2;
/// The version before heights were reserved; its slots have zeros there.
const WITHOUT_RESERVE: u32 = 1;
const CHECK_TAG: &str = "touchstone/guard/v1";
pub(crate) const SLOT: usize = 512;
const BODY: usize = SLOT - 32;
/// Stands in the place of a signature's hash where an operator or others gave their word.
const NO_HASH: Hash = [0; 32];
/// The height of a guard that must be confirmed: it refuses every height.
const UNKNOWN: u64 = u64::MAX;

/// Heights that one sync reserves: a validator that has lost its log sits out as many at most.
pub const AHEAD: u64 = 16;

/// What is signed in a round, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignedStep {
    /// A proposal.
    Propose = 0,
    /// A prevote.
    Prevote = 1,
    /// A precommit.
    Precommit = 2,
}

/// The last thing permitted. Height 0 is before the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastSigned {
    /// Its height.
    pub height: u64,
    /// Its round.
    pub round: u32,
    /// Its step.
    pub step: SignedStep,
    /// Hash of the signed bytes.
    pub hash: Hash,
}

/// Up to which height a log is believed, and which one. Height 0: at none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Reserved {
    height: u64,
    log: LogIdentity,
}

/// The guard, readable and ready.
#[derive(Debug)]
pub struct Guard<D: Disk> {
    disk: D,
    last: LastSigned,
    /// Sequence of the slot on disk that counts.
    sequence: u64,
    /// Whether `last` is not on disk yet.
    unsaved: bool,
    /// The identity of the file; 0 if the disk has none.
    file: u64,
    /// As it is durable.
    reserved: Reserved,
    /// The log that this process writes; all zeros until [`Guard::follow`], or if the disk can't tell it from a copy.
    log: LogIdentity,
}

/// What one of the two slots says.
struct Slot {
    sequence: u64,
    last: LastSigned,
    file: u64,
    reserved: Reserved,
}

/// Why there is no guard to sign with.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum GuardError {
    /// No file. A validator's first start creates it explicitly.
    #[error("there is no double-sign guard; a new validator's is created by its initialisation")]
    Missing,
    /// One is there already: creating it anew would forget what was signed.
    #[error("a double-sign guard exists already and is not overwritten")]
    Exists,
    /// What was signed last can't be told.
    #[error("the double-sign guard is damaged ({0}); reset it to the network's height")]
    Damaged(&'static str),
    /// It was written to another file.
    #[error(
        "the double-sign guard is a copy, and may be older than what this validator has signed. Stop every other \
         copy of this validator, look up the height of the others, and make a new one: touchstone-node reset-guard \
         --height H"
    )]
    Copied,
    /// It knows of a later signature than the one that it is to be reset to.
    #[error(
        "the double-sign guard knows of a signature at height {signed}, and isn't reset to {asked}, which is below: a \
         signature that is forgotten is how a validator signs twice (docs/operating.md, \"A muted validator\")"
    )]
    Knows {
        /// The height of the signature.
        signed: u64,
        /// What was asked for.
        asked: u64,
    },
    /// Written by a newer program.
    #[error("the double-sign guard has version {0}; this program reads version {VERSION}")]
    Version(u32),
    /// The disk failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// A signature that could contradict an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("signing {wanted} is refused: {last} was signed before")]
pub struct Refused {
    /// What was to be signed.
    pub wanted: LastSigned,
    /// What was signed last.
    pub last: LastSigned,
}

impl fmt::Display for LastSigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} of height {} round {} with hash {}",
            self.step,
            self.height,
            self.round,
            hex::encode(self.hash)
        )
    }
}

impl LastSigned {
    fn place(&self) -> (u64, u32, SignedStep) {
        (self.height, self.round, self.step)
    }
}

impl<D: Disk> Guard<D> {
    /// The guard of a validator that has never signed. Refuses if there is one.
    pub fn create(disk: D) -> Result<Guard<D>, GuardError> {
        if disk.read(FILE)?.is_some() {
            return Err(GuardError::Exists);
        }
        let nothing = LastSigned {
            height: 0,
            round: 0,
            step: SignedStep::Propose,
            hash: NO_HASH,
        };
        Ok(write_both(disk, nothing)?)
    }

    /// The guard of a validator whose key has signed before, nobody knows up to where: it permits
    /// nothing until it is confirmed. Refuses if there is one.
    pub fn create_unknown(disk: D) -> Result<Guard<D>, GuardError> {
        match disk.read(FILE)? {
            Some(_) => Err(GuardError::Exists),
            None => Ok(write_both(disk, everything_to(UNKNOWN))?),
        }
    }

    /// The operator's explicit word that nothing above `height` was ever signed with this key:
    /// replaces whatever is there by a guard that refuses everything up to and including `height`. A sound guard that
    /// knows of a signature above it knows better; another operator's word, which has no hash, is taken back.
    pub fn reset(disk: D, height: u64) -> Result<Guard<D>, GuardError> {
        let found = newest(&disk).map(|(slot, _)| (slot.last.height, slot.last.hash));
        if let Ok((signed, hash)) = found
            && (signed > height && hash != NO_HASH)
        {
            let asked = height;
            return Err(GuardError::Knows { signed, asked });
        }
        Ok(write_both(disk, everything_to(height))?)
    }

    /// Whether the guard must be confirmed first.
    pub fn is_unknown(&self) -> bool {
        self.last.height == UNKNOWN
    }

    /// The others' word that nothing above `height` was signed with this key. Durable when this
    /// returns. Only where the guard is unknown.
    pub fn confirm(&mut self, height: u64) -> Result<(), Fault> {
        if !self.is_unknown() || height == UNKNOWN {
            return Err(Fault::Invariant(
                "a double-sign guard is confirmed that needs no word of others".into(),
            ));
        }
        self.last = everything_to(height);
        self.unsaved = true;
        self.sync()
    }

    /// Opens an existing guard. What is read is durable before anything follows on it.
    pub fn open(mut disk: D) -> Result<Guard<D>, GuardError> {
        let (newer, file) = newest(&disk)?;
        disk.sync(FILE)?;
        Ok(Guard {
            disk,
            last: newer.last,
            sequence: newer.sequence,
            unsaved: false,
            file,
            reserved: newer.reserved,
            log: LogIdentity::default(),
        })
    }

    /// From now on what is signed stands in this log too. The height up to which everything counts as signed, because
    /// the log that was believed until now is another one; 0 if it isn't.
    pub fn follow(&mut self, log: LogIdentity) -> u64 {
        self.log = if log.contains(&0) {
            LogIdentity::default()
        } else {
            log
        };
        match self.reserved.log == log {
            true => 0,
            false => self.reserved.height,
        }
    }

    /// Permits signing bytes with this hash, or refuses. Whatever is permitted may leave only
    /// after [`Guard::sync`].
    pub fn permit(
        &mut self,
        height: u64,
        round: u32,
        step: SignedStep,
        hash: &Hash,
    ) -> Result<(), Refused> {
        let wanted = LastSigned {
            height,
            round,
            step,
            hash: *hash,
        };
        if wanted == self.last && height > 0 {
            return Ok(());
        }
        if wanted.place() <= self.last.place() {
            return Err(Refused {
                wanted,
                last: self.last,
            });
        }
        self.last = wanted;
        self.unsaved = true;
        Ok(())
    }

    /// Makes the last permit durable. Only one slot is ever under way.
    pub fn sync(&mut self) -> Result<(), Fault> {
        if !self.unsaved {
            return Ok(());
        }
        self.write()?;
        self.disk.sync(FILE)?;
        self.sequence += 1;
        self.unsaved = false;
        Ok(())
    }

    /// The same for what is durable in the log: it costs a sync only where the height isn't reserved yet.
    pub fn save(&mut self) -> Result<(), Fault> {
        if !self.unsaved {
            return Ok(());
        }
        let is_reserved = self.last.height <= self.reserved.height && self.log == self.reserved.log;
        if !is_reserved && self.log != LogIdentity::default() {
            self.reserved = Reserved {
                height: self.last.height.saturating_add(AHEAD - 1),
                log: self.log,
            };
        } else if is_reserved {
            self.unsaved = false;
            return self.write();
        }
        self.sync()
    }

    /// Writes the slot that is under way.
    fn write(&mut self) -> Result<(), Fault> {
        let slot = Slot {
            sequence: self.sequence + 1,
            last: self.last,
            file: self.file,
            reserved: self.reserved,
        };
        let offset = (slot.sequence % 2) * SLOT as u64;
        self.disk.write_at(FILE, offset, &encode(&slot))
    }

    /// The height up to which nothing is signed any more if the log should be lost.
    pub fn reserved_to(&self) -> u64 {
        self.reserved.height
    }

    /// The last thing permitted.
    pub fn last(&self) -> LastSigned {
        self.last
    }
}

/// As if all of a height had been signed.
fn everything_to(height: u64) -> LastSigned {
    LastSigned {
        height,
        round: u32::MAX,
        step: SignedStep::Precommit,
        hash: NO_HASH,
    }
}

/// The slot that counts, and the identity of the file that it stands in.
fn newest<D: Disk>(disk: &D) -> Result<(Slot, u64), GuardError> {
    let bytes = disk.read(FILE)?.ok_or(GuardError::Missing)?;
    let slots = bytes.split_at_checked(SLOT);
    let slots = slots.filter(|(_, second)| second.len() == SLOT);
    let (first, second) = slots.ok_or(GuardError::Damaged("its length is wrong"))?;
    let (even, odd) = (decode(first)?, decode(second)?);
    if even.sequence % 2 != 0 {
        return Err(GuardError::Damaged("its slots are exchanged"));
    }
    let newer = if odd.sequence == even.sequence.wrapping_add(1) {
        odd
    } else if even.sequence == odd.sequence.wrapping_add(1) {
        even
    } else {
        return Err(GuardError::Damaged("its slots don't follow each other"));
    };
    let file = disk.identity(FILE)?.unwrap_or(0);
    // Guards of before had no identity, and some disks have none.
    if newer.file != 0 && file != 0 && newer.file != file {
        return Err(GuardError::Copied);
    }
    Ok((newer, file))
}

fn write_both<D: Disk>(mut disk: D, last: LastSigned) -> Result<Guard<D>, Fault> {
    // It must be there to have an identity.
    disk.truncate(FILE, 0)?;
    let file = disk.identity(FILE)?.unwrap_or(0);
    let reserved = Reserved::default();
    let slots = [0, 1].map(|sequence| {
        encode(&Slot {
            sequence,
            last,
            file,
            reserved,
        })
    });
    disk.write_at(FILE, 0, &slots.concat())?;
    disk.sync(FILE)?;
    Ok(Guard {
        disk,
        last,
        sequence: 1,
        unsaved: false,
        file,
        reserved,
        log: LogIdentity::default(),
    })
}

fn encode(of: &Slot) -> Vec<u8> {
    let Slot { last, reserved, .. } = of;
    let mut slot = Vec::with_capacity(SLOT);
    slot.extend_from_slice(MAGIC);
    slot.extend_from_slice(&VERSION.to_le_bytes());
    slot.extend_from_slice(&of.sequence.to_le_bytes());
    slot.extend_from_slice(&last.height.to_le_bytes());
    slot.extend_from_slice(&last.round.to_le_bytes());
    slot.push(last.step as u8);
    slot.extend_from_slice(&last.hash);
    slot.extend_from_slice(&of.file.to_le_bytes());
    slot.extend_from_slice(&reserved.height.to_le_bytes());
    for file in reserved.log {
        slot.extend_from_slice(&file.to_le_bytes());
    }
    slot.resize(BODY, 0);
    let check = hash::tagged(CHECK_TAG, &[&slot]);
    slot.extend_from_slice(&check);
    slot
}

fn decode(slot: &[u8]) -> Result<Slot, GuardError> {
    let damaged = || GuardError::Damaged("a slot is unreadable");
    let (body, check) = slot.split_at_checked(BODY).ok_or_else(damaged)?;
    if hash::tagged(CHECK_TAG, &[body]) != check {
        return Err(damaged());
    }
    let mut rest = body;
    let magic: [u8; 8] = take(&mut rest).ok_or_else(damaged)?;
    let version = u32::from_le_bytes(take(&mut rest).ok_or_else(damaged)?);
    if magic != *MAGIC {
        return Err(damaged());
    }
    if ![VERSION, WITHOUT_RESERVE].contains(&version) {
        return Err(GuardError::Version(version));
    }
    let sequence = u64::from_le_bytes(take(&mut rest).ok_or_else(damaged)?);
    let height = u64::from_le_bytes(take(&mut rest).ok_or_else(damaged)?);
    let round = u32::from_le_bytes(take(&mut rest).ok_or_else(damaged)?);
    let step = match take::<1>(&mut rest).ok_or_else(damaged)? {
        [0] => SignedStep::Propose,
        [1] => SignedStep::Prevote,
        [2] => SignedStep::Precommit,
        _ => return Err(damaged()),
    };
    let hash = take(&mut rest).ok_or_else(damaged)?;
    let mut number = || -> Result<u64, GuardError> {
        Ok(u64::from_le_bytes(take(&mut rest).ok_or_else(damaged)?))
    };
    let file = number()?;
    let reserved = Reserved {
        height: number()?,
        log: [number()?, number()?],
    };
    Ok(Slot {
        sequence,
        last: LastSigned {
            height,
            round,
            step,
            hash,
        },
        file,
        reserved,
    })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

#[cfg(test)]
mod tests;
