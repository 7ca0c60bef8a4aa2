//! The record of a deposit, held against the transaction that made it. A light client and an evidence file are
//! checked by this one function.
//!
//! Consensus-critical: no

use thiserror::Error;
use touchstone_proto::ledger::{Design, transaction::Action};

use crate::designs::design;
use crate::encoding::{self, Malformed};
use crate::hash::Hash;
use crate::transaction::VerifiedTransaction;

/// Why a record isn't that of the deposit.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DepositError {
    /// A field of the record has another length.
    #[error(transparent)]
    Record(#[from] Malformed),
    /// It is another design's.
    #[error("the record's key and commitment don't give its id")]
    Id,
    /// It names no place.
    #[error("the record names no position")]
    Position,
    /// Its transaction did something else, or elsewhere, or by somebody else.
    #[error("the deposit's transaction tells another story than its record")]
    Story,
}

/// What a record says of a deposit, decoded; [`Stated::check`] holds it against the transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stated {
    /// The key that signed.
    pub owner_key: [u8; 32],
    /// What was deposited.
    pub commitment: Hash,
    /// Id of the transaction.
    pub transaction_id: Hash,
    /// Height of the block, and index in it.
    pub place: (u64, u32),
}

impl Stated {
    /// Reads the record of the design with this id.
    pub fn read(id: &Hash, record: &Design) -> Result<Stated, DepositError> {
        let owner_key = encoding::exact("owner_key", &record.owner_key)?;
        let commitment = encoding::exact("commitment", &record.commitment)?;
        if design::id(&owner_key, &commitment) != *id {
            return Err(DepositError::Id);
        }
        let position = record.position.ok_or(DepositError::Position)?;
        Ok(Stated {
            owner_key,
            commitment,
            transaction_id: encoding::exact("transaction_id", &record.transaction_id)?,
            place: (position.height, position.transaction),
        })
    }

    /// Checks it against the transaction, which is proven to stand at `place` in a block of `time_ms`.
    pub fn check(
        &self,
        record: &Design,
        place: (u64, u32),
        time_ms: u64,
        transaction: &VerifiedTransaction,
    ) -> Result<(), DepositError> {
        let deposits_it = matches!(
            transaction.action(),
            Action::DepositDesign(deposit) if deposit.commitment == self.commitment
        );
        let same = deposits_it
            && self.place == place
            && *transaction.id() == self.transaction_id
            && *transaction.signer() == self.owner_key
            && transaction.organisation() == record.organisation
            && time_ms == record.time_ms;
        same.then_some(()).ok_or(DepositError::Story)
    }
}
