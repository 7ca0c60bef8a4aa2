//! Executing a block. The same body serves proposing (transactions that break a rule are left
//! out and reported) and verifying (one that breaks a rule makes the block invalid).
//!
//! Consensus-critical: yes

mod hooks;

use std::collections::BTreeMap;

use thiserror::Error;
use touchstone_proto::ledger::Parameters;
use touchstone_proto::ledger::transaction::Action;

use self::hooks::Hooks;
use crate::Fault;
use crate::block::Header;
use crate::custody::{capture_events, declare_product};
use crate::designs::review::{
    accept_verdict, appeal_review, cast_ballot, open_ballot, open_review, register_jurors,
    reveal_preimage, show_pulse, void_ballot,
};
use crate::designs::{
    accept_case, answer_check, answer_notice, answer_transfer, appeal_sanction, attest_mark,
    contest_refusal, counter_notice, decide_appeal, deposit_design, disclose_design, end_licence,
    end_right, give_notice, give_opinion, grant_licence, hand_over_case, impose_sanction,
    offer_transfer, publish_features, publish_fingerprints, record_check, refer_notice,
    rule_dispute, show_filing, vouch_for_designer, withdraw_notice, withdraw_vouching,
};
use crate::governance::validators::{self, ValidatorSet};
use crate::governance::{self, approve_change, change_keys, proposer_turns, protocol};
use crate::hash::Hash;
use crate::master_data::set_master_data;
use crate::proof::transaction_tree;
use crate::rejection::Rejection;
use crate::rules::{Context, RuleError};
use crate::state::commitment::{self, TreeRead, TreeUpdate};
use crate::state::delta::{Delta, Writes};
use crate::state::{StateRead, keys};
use crate::transaction::VerifiedTransaction;

pub use crate::block::BlockContext;
pub use crate::governance::parameters::parameters;
pub use crate::governance::validators::current as validators;
pub use crate::state::delta::{MAX_COMPARISONS, MAX_LINK_ENTRIES};

/// Link entries that an organisation's rejected transactions may have staged before its others wait for the next
/// proposal: about an eighth of a second. No transaction of a valid block is rejected.
const MAX_ENTRIES_IN_VAIN: usize = MAX_LINK_ENTRIES / 4;

/// A block's effects, staged: nothing is written yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed {
    /// The header that commits to all of it.
    pub header: Header,
    /// Values, link entries and transaction ids.
    pub writes: Writes,
    /// Changes of the authenticated tree.
    pub tree: TreeUpdate,
    /// The validators of the next block.
    pub next_validators: ValidatorSet,
    /// Indices of the transactions that were applied, in order.
    pub applied: Vec<usize>,
    /// Indices of those left out, and why.
    pub rejected: Vec<(usize, Rejection)>,
}

/// Why a proposed block isn't valid.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidBlock {
    /// A transaction breaks a rule.
    #[error("transaction {index} breaks the rule {}: {rejection}", rejection.rule())]
    Transaction {
        /// Index in the block.
        index: usize,
        /// The rule.
        rejection: Rejection,
    },
    /// More bytes, transactions or link entries than are allowed.
    #[error("the block exceeds the chain's limits of bytes, transactions or link entries")]
    TooLarge,
    /// A header field that execution doesn't confirm.
    #[error("the header's {0} is not what executing the block gives")]
    Header(&'static str),
}

/// Executes `transactions` on the state before the block, leaving out those that break a rule or
/// no longer fit the chain's limits (those stay neither applied nor rejected).
pub fn execute<S: StateRead + TreeRead>(
    state: &S,
    context: &BlockContext,
    transactions: &[&VerifiedTransaction],
) -> Result<Executed, Fault> {
    execute_with(&Hooks::of_the_ledger(), state, context, transactions)
}

fn execute_with<S: StateRead + TreeRead>(
    hooks: &Hooks<S>,
    state: &S,
    context: &BlockContext,
    transactions: &[&VerifiedTransaction],
) -> Result<Executed, Fault> {
    let staged = stage(hooks, state, context, transactions, OnBreach::LeaveOut)?;
    finish(hooks, state, context, transactions, staged)
}

/// A block's end: what follows its last transaction, the tree's new root and the header.
fn finish<S: StateRead + TreeRead>(
    hooks: &Hooks<S>,
    state: &S,
    context: &BlockContext,
    transactions: &[&VerifiedTransaction],
    staged: Staged<'_, S>,
) -> Result<Executed, Fault> {
    let Staged {
        version,
        mut delta,
        applied,
        rejected,
    } = staged;
    let current = validators::current(state)?;
    hooks::run(&hooks.end, &mut delta, context)?;
    let done = applied.iter().filter_map(|i| transactions.get(*i));
    proposer_turns::note_author(&mut delta, &current, done.map(|t| t.organisation()))?;
    let writes = delta.into_writes();
    let tree = commitment::update(state, context.height, &writes.values)?;
    let validators_hash = current.hash();
    let (next_validators, next_validators_hash) = match writes.values.get(keys::VALIDATORS) {
        Some(bytes) => {
            let next = validators::stored(bytes)?;
            let hash = next.hash();
            (next, hash)
        }
        None => (current, validators_hash),
    };
    let leaves: Vec<Hash> = applied
        .iter()
        .filter_map(|i| transactions.get(*i))
        .map(|t| *t.leaf())
        .collect();
    let header = Header {
        version,
        chain_id: context.chain_id,
        height: context.height,
        time_ms: context.time_ms,
        parent: context.parent,
        proposer: context.proposer,
        transaction_root: transaction_tree::root_of_leaves(&leaves),
        transaction_count: leaves.len() as u64,
        state_root: tree.root,
        validators_hash,
        next_validators_hash,
    };
    Ok(Executed {
        header,
        writes,
        tree,
        next_validators,
        applied,
        rejected,
    })
}

/// Which of `transactions` break a rule in a block of this context, and why. Nothing is kept.
pub fn rejections<S: StateRead>(
    state: &S,
    context: &BlockContext,
    transactions: &[&VerifiedTransaction],
) -> Result<Vec<(usize, Rejection)>, Fault> {
    let hooks = Hooks::of_the_ledger();
    let staged = stage(&hooks, state, context, transactions, OnBreach::LeaveOut)?;
    Ok(staged.rejected)
}

/// What becomes of a block when one of its transactions breaks a rule.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OnBreach {
    /// It goes on without it.
    LeaveOut,
    /// It is invalid, whatever follows.
    End,
}

struct Staged<'a, S: StateRead> {
    /// Of the rules that it follows.
    version: u32,
    delta: Delta<'a, S>,
    applied: Vec<usize>,
    rejected: Vec<(usize, Rejection)>,
}

/// A block up to its last transaction.
fn stage<'a, S: StateRead>(
    hooks: &Hooks<S>,
    state: &'a S,
    context: &BlockContext,
    transactions: &[&VerifiedTransaction],
    on_breach: OnBreach,
) -> Result<Staged<'a, S>, Fault> {
    let version = protocol::supported_version(state, context.height)?;
    let parameters = parameters(state)?;
    let mut delta = Delta::new(state);
    hooks::run(&hooks.begin, &mut delta, context)?;
    delta.foresee(item_keys(transactions))?;
    let mut applied = Vec::new();
    let mut rejected = Vec::new();
    let mut bytes: u64 = 0;
    let mut entries: usize = 0;
    let mut comparisons: u64 = 0;
    let mut in_vain: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, transaction) in transactions.iter().enumerate() {
        let size = transaction.envelope().len() as u64;
        if applied.len() as u64 >= parameters.max_block_transactions {
            break;
        }
        // To find out that one breaks a rule is as much work as to keep it.
        let of_organisation = in_vain.get(transaction.organisation());
        if of_organisation.is_some_and(|entries| *entries > MAX_ENTRIES_IN_VAIN) {
            continue;
        }
        // One that no block could hold goes on to its rule: genesis lets no transaction be larger
        // than a block.
        let fits_some_block = size <= parameters.max_block_bytes;
        if fits_some_block && bytes.saturating_add(size) > parameters.max_block_bytes {
            continue;
        }
        let place = u32::try_from(applied.len())
            .map_err(|_| Fault::Invariant("more than 2^32 transactions in a block".into()))?;
        match apply(&mut delta, &parameters, context, place, transaction) {
            Ok(()) => {
                entries = entries.saturating_add(delta.staged_entries());
                let is_first = comparisons == 0;
                comparisons = comparisons.saturating_add(delta.comparisons());
                // The work on what doesn't fit would be in vain: the next block begins with it.
                if entries > MAX_LINK_ENTRIES || comparisons > MAX_COMPARISONS && !is_first {
                    delta.discard();
                    break;
                }
                delta.accept(*transaction.id());
                bytes = bytes.saturating_add(size);
                applied.push(index);
            }
            Err(RuleError::Rejected(rejection)) => {
                let in_vain = in_vain.entry(transaction.organisation()).or_default();
                *in_vain = in_vain.saturating_add(delta.staged_entries());
                delta.discard();
                rejected.push((index, rejection));
                if on_breach == OnBreach::End {
                    break;
                }
            }
            Err(RuleError::Failed(fault)) => return Err(fault),
        }
    }
    Ok(Staged {
        version,
        delta,
        applied,
        rejected,
    })
}

/// State keys of the items that captures name, ascending, each once: nearly all that their rules read.
fn item_keys(transactions: &[&VerifiedTransaction]) -> Vec<Vec<u8>> {
    let events = transactions.iter().filter_map(|t| t.events().ok());
    let named = events.flatten().flat_map(|event| event.named());
    let mut keys: Vec<Vec<u8>> = named.map(|item| keys::item(item.as_str())).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// Applies a transaction to the staged state, or says which rule it breaks. The caller discards
/// what was staged for a rejected one.
fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    parameters: &Parameters,
    block: &BlockContext,
    index: u32,
    transaction: &VerifiedTransaction,
) -> Result<(), RuleError> {
    let claim = transaction.claim();
    let (height, time_ms) = (block.height, block.time_ms);
    let organisation = governance::may_sign(state, parameters, height, time_ms, &claim)?;
    let context = Context {
        block,
        parameters,
        transaction,
        index,
        organisation,
    };
    match transaction.action() {
        Action::CaptureEvents(action) => capture_events::apply(state, &context, action),
        Action::DepositDesign(action) => deposit_design::apply(state, &context, action),
        Action::DiscloseDesign(action) => disclose_design::apply(state, &context, action),
        Action::PublishFingerprints(action) => publish_fingerprints::apply(state, &context, action),
        Action::PublishFeatures(action) => publish_features::apply(state, &context, action),
        Action::VouchForDesigner(action) => vouch_for_designer::apply(state, &context, action),
        Action::WithdrawVouching(action) => withdraw_vouching::apply(state, &context, action),
        Action::OfferTransfer(action) => offer_transfer::apply(state, &context, action),
        Action::AnswerTransfer(action) => answer_transfer::apply(state, &context, action),
        Action::GrantLicence(action) => grant_licence::apply(state, &context, action),
        Action::EndLicence(action) => end_licence::apply(state, &context, action),
        Action::EndRight(action) => end_right::apply(state, &context, action),
        Action::AttestMark(action) => attest_mark::apply(state, &context, action),
        Action::GiveNotice(action) => give_notice::apply(state, &context, action),
        Action::AnswerNotice(action) => answer_notice::apply(state, &context, action),
        Action::CounterNotice(action) => counter_notice::apply(state, &context, action),
        Action::ShowFiling(action) => show_filing::apply(state, &context, action),
        Action::WithdrawNotice(action) => withdraw_notice::apply(state, &context, action),
        Action::RuleDispute(action) => rule_dispute::apply(state, &context, action),
        Action::RegisterJurors(action) => register_jurors::apply(state, &context, action),
        Action::OpenReview(action) => open_review::apply(state, &context, action),
        Action::RevealPreimage(action) => reveal_preimage::apply(state, &context, action),
        Action::ShowPulse(action) => show_pulse::apply(state, &context, action),
        Action::CastBallot(action) => cast_ballot::apply(state, &context, action),
        Action::VoidBallot(action) => void_ballot::apply(state, &context, action),
        Action::OpenBallot(action) => open_ballot::apply(state, &context, action),
        Action::AppealReview(action) => appeal_review::apply(state, &context, action),
        Action::AcceptVerdict(action) => accept_verdict::apply(state, &context, action),
        Action::RecordCheck(action) => record_check::apply(state, &context, action),
        Action::AnswerCheck(action) => answer_check::apply(state, &context, action),
        Action::HandOverCase(action) => hand_over_case::apply(state, &context, action),
        Action::AcceptCase(action) => accept_case::apply(state, &context, action),
        Action::ImposeSanction(action) => impose_sanction::apply(state, &context, action),
        Action::AppealSanction(action) => appeal_sanction::apply(state, &context, action),
        Action::DecideAppeal(action) => decide_appeal::apply(state, &context, action),
        Action::ReferNotice(action) => refer_notice::apply(state, &context, action),
        Action::ContestRefusal(action) => contest_refusal::apply(state, &context, action),
        Action::GiveOpinion(action) => give_opinion::apply(state, &context, action),
        Action::ChangeKeys(action) => change_keys::apply(state, &context, action),
        Action::ApproveChange(action) => approve_change::apply(state, &context, action),
        Action::DeclareProduct(action) => declare_product::apply(state, &context, action),
        Action::SetMasterData(action) => set_master_data::apply(state, &context, action),
    }
}

/// Executes a proposed block and requires that it is exactly what execution gives.
/// The caller has checked height, parent, time and proposer, which depend on the chain.
pub fn verify<S: StateRead + TreeRead>(
    state: &S,
    header: &Header,
    transactions: &[&VerifiedTransaction],
) -> Result<Result<Executed, InvalidBlock>, Fault> {
    verify_with(&Hooks::of_the_ledger(), state, header, transactions)
}

fn verify_with<S: StateRead + TreeRead>(
    hooks: &Hooks<S>,
    state: &S,
    header: &Header,
    transactions: &[&VerifiedTransaction],
) -> Result<Result<Executed, InvalidBlock>, Fault> {
    let context = BlockContext {
        chain_id: header.chain_id,
        height: header.height,
        time_ms: header.time_ms,
        parent: header.parent,
        proposer: header.proposer,
    };
    let mut staged = stage(hooks, state, &context, transactions, OnBreach::End)?;
    if let Some((index, rejection)) = staged.rejected.pop() {
        return Ok(Err(InvalidBlock::Transaction { index, rejection }));
    }
    if staged.applied.len() != transactions.len() {
        return Ok(Err(InvalidBlock::TooLarge));
    }
    let executed = finish(hooks, state, &context, transactions, staged)?;
    let ours = &executed.header;
    let checks = [
        ("version", ours.version == header.version),
        (
            "transaction root",
            ours.transaction_root == header.transaction_root,
        ),
        (
            "transaction count",
            ours.transaction_count == header.transaction_count,
        ),
        ("state root", ours.state_root == header.state_root),
        (
            "validators hash",
            ours.validators_hash == header.validators_hash,
        ),
        (
            "next validators hash",
            ours.next_validators_hash == header.next_validators_hash,
        ),
    ];
    if let Some((field, _)) = checks.iter().find(|(_, same)| !same) {
        return Ok(Err(InvalidBlock::Header(field)));
    }
    Ok(Ok(executed))
}

#[cfg(test)]
mod tests;
