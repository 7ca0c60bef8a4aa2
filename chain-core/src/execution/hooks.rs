//! What a block does by itself, before and after its transactions. A deadline that changes the state
//! when it passes belongs here: the domain that sets it gives a hook.
//!
//! Consensus-critical: yes

use crate::Fault;
use crate::block::BlockContext;
use crate::designs::dispute_deadlines;
use crate::designs::review::draws;
use crate::governance::proposer_turns;
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

/// Stages writes that belong to the block and to none of its transactions.
pub(super) type Hook<S> = for<'a> fn(&mut Delta<'a, S>, &BlockContext) -> Result<(), Fault>;

/// A block's hooks, each list in its order.
pub(super) struct Hooks<S: StateRead> {
    /// Before the first transaction: rules see what these write.
    pub(super) begin: Vec<Hook<S>>,
    /// After the last transaction.
    pub(super) end: Vec<Hook<S>>,
}

impl<S: StateRead> Hooks<S> {
    /// Those of every block. Disputes have deadlines that write something, and draws of jurors end by heights; an offer
    /// that isn't answered in time is void by its date. Who made the block says who missed its turn.
    pub(super) fn of_the_ledger() -> Hooks<S> {
        Hooks {
            begin: vec![
                dispute_deadlines::pass::<S> as Hook<S>,
                proposer_turns::pass::<S>,
            ],
            end: vec![draws::pass::<S> as Hook<S>, record_parent::<S>],
        }
    }
}

/// Runs hooks, and keeps what they staged.
pub(super) fn run<S: StateRead>(
    hooks: &[Hook<S>],
    delta: &mut Delta<'_, S>,
    context: &BlockContext,
) -> Result<(), Fault> {
    for hook in hooks {
        hook(delta, context)?;
    }
    delta.accept_block_writes();
    Ok(())
}

/// The parent's block id becomes part of the state, so that a header proves all before it.
fn record_parent<S: StateRead>(
    delta: &mut Delta<'_, S>,
    context: &BlockContext,
) -> Result<(), Fault> {
    let parent_height = context.height.saturating_sub(1);
    delta.put(keys::block(parent_height), context.parent.to_vec());
    Ok(())
}

#[cfg(test)]
mod tests;
