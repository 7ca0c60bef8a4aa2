//! A designer that a voucher vouches for.
//!
//! Consensus-critical: no

use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{DepositDesign, IdentityCheck, VouchForDesigner, WithdrawVouching};

use super::{key, public};
use crate::Hash;
use crate::signing::{self, Purpose};

/// The designer whom the market knows.
pub const LIN: (&str, u8) = ("market.lin", 61);

/// The market vouches for the designer with this id and key, up to a time.
pub fn vouch(chain_id: &Hash, (designer, seed): (&str, u8), until_ms: u64) -> VouchForDesigner {
    let purpose = Purpose::Possession;
    let possession = signing::sign(&key(seed), purpose, chain_id, designer.as_bytes());
    VouchForDesigner {
        designer: designer.into(),
        name: "Lin".into(),
        public_key: public(seed).to_vec(),
        possession: possession.to_vec(),
        check: IdentityCheck::InPerson.into(),
        check_words: "passport".into(),
        until_ms,
        registered_as: String::new(),
    }
}

/// The same for a designer that has keys.
pub fn vouch_again(chain_id: &Hash, designer: (&str, u8), until_ms: u64) -> VouchForDesigner {
    VouchForDesigner {
        public_key: Vec::new(),
        possession: Vec::new(),
        ..vouch(chain_id, designer, until_ms)
    }
}

/// Takes it back.
pub fn withdraw(designer: &str, reason: &str) -> Action {
    Action::WithdrawVouching(WithdrawVouching {
        designer: designer.into(),
        reason: reason.into(),
    })
}

/// A deposit of nothing in particular.
pub fn deposit(byte: u8) -> Action {
    let commitment = vec![byte; 32];
    Action::DepositDesign(DepositDesign { commitment })
}
