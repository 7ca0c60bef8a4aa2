//! What the rules of all domains share: what they see of a transaction and its block, and how
//! they refuse. Each domain's folder holds its rules, one file for each action: a run of checks,
//! then writes; a rejected transaction's writes are discarded as a whole.
//!
//! Consensus-critical: yes

pub(crate) mod link;
mod rule_error;

use std::sync::Arc;

use touchstone_proto::ledger::{Organisation, Parameters, Position, Role};

use crate::block::BlockContext;
use crate::governance::organisation;
use crate::rejection::Rejection;
use crate::transaction::VerifiedTransaction;

pub use rule_error::{RuleError, separate};

/// What a rule sees of the transaction and its block.
pub(crate) struct Context<'a> {
    pub(crate) block: &'a BlockContext,
    pub(crate) parameters: &'a Parameters,
    pub(crate) transaction: &'a VerifiedTransaction,
    /// Index of the transaction in its block.
    pub(crate) index: u32,
    pub(crate) organisation: Arc<Organisation>,
}

impl Context<'_> {
    pub(crate) fn position(&self, event: u32) -> Position {
        Position {
            height: self.block.height,
            transaction: self.index,
            event,
        }
    }

    /// Rule: some actions are for organisations of certain roles.
    pub(crate) fn check_role(&self, allowed: &'static [Role]) -> Result<(), Rejection> {
        match organisation::has_role(&self.organisation, allowed) {
            true => Ok(()),
            false => Err(Rejection::Role {
                organisation: self.organisation.id.clone(),
                allowed,
            }),
        }
    }
}
