//! Replaying the log after a restart.

use arc_malachitebft_core_consensus::Input as CoreInput;
use touchstone_core::block::Block;
use touchstone_core::fault::Fault;
use touchstone_core::hash::Hash;

use super::context::{Address, Ctx, number};
use super::proposals::Body;
use super::vote_signing::{self, VoteSigner};
use super::wal_entry::{self, Entry};
use super::{Machine, wal};
use crate::storage::double_sign_guard::{LastSigned, SignedStep};
use crate::storage::{Disk, Store};

/// What the log held of one height.
#[derive(Debug)]
pub struct Recovered {
    /// The height.
    pub height: u64,
    /// Its entries.
    pub entries: Vec<Entry>,
    /// Whose messages are own ones.
    address: Address,
}

impl Recovered {
    /// Reads the log's entries; none if it is empty.
    pub fn read(log: wal::RecoveredLog, address: &Address) -> Result<Option<Recovered>, Fault> {
        if log.entries.is_empty() {
            return Ok(None);
        }
        let entries = log.entries.iter().map(|e| wal_entry::decode(log.height, e));
        Ok(Some(Recovered {
            height: log.height,
            entries: entries.collect::<Result<_, _>>()?,
            address: *address,
        }))
    }

    /// The latest own message in the log.
    pub fn last_signed(&self, chain_id: &Hash) -> Option<LastSigned> {
        let own = self.entries.iter().filter_map(|entry| match &entry.input {
            CoreInput::Vote(vote) if vote.message.address == self.address => {
                let (purpose, bytes) = vote.message.signed();
                Some(LastSigned {
                    height: vote.message.height.0,
                    round: number(vote.message.round),
                    step: vote_signing::step_of(&vote.message),
                    hash: vote_signing::signed_hash(purpose, chain_id, &bytes),
                })
            }
            CoreInput::Proposal(proposal) if proposal.message.address == self.address => {
                let (purpose, bytes) = proposal.message.signed();
                Some(LastSigned {
                    height: proposal.message.height.0,
                    round: number(proposal.message.round),
                    step: SignedStep::Propose,
                    hash: vote_signing::signed_hash(purpose, chain_id, &bytes),
                })
            }
            _ => None,
        });
        own.max_by_key(|last| (last.height, last.round, last.step))
    }
}

/// The last height that this node must sit out: its guard knows of a signature there that the log
/// doesn't (a lost or replaced log, or a guard that was reset). What led to that signature is
/// forgotten, so signing on could contradict it; block sync brings the node past the height.
pub fn muted_until<D: Disk>(
    signer: Option<&VoteSigner<D>>,
    recovered: Option<&Recovered>,
    chain_id: &Hash,
) -> u64 {
    let Some(guard) = signer.map(VoteSigner::last) else {
        return 0;
    };
    let logged = recovered.and_then(|r| r.last_signed(chain_id));
    let place = |l: &LastSigned| (l.height, l.round, l.step);
    match logged {
        Some(logged) if place(&logged) > place(&guard) || logged == guard => 0,
        _ => guard.height,
    }
}

impl<S: Store, D: Disk> Machine<S, D> {
    /// Feeds the log's entries to a height that has just started. Bodies are validated again.
    pub(super) fn replay(&mut self, recovered: Recovered) -> Result<(), Fault> {
        let chain_id = *self.effects.chain.chain_id();
        if let (Some(last), Some(signer)) =
            (recovered.last_signed(&chain_id), &mut self.effects.signer)
        {
            signer.recover(last)?;
        }
        for entry in &recovered.entries {
            let logged = &mut self.effects.height.logged;
            logged.expect(&entry.input, entry.body.is_some());
        }
        let inputs: Vec<CoreInput<Ctx>> =
            recovered.entries.iter().map(|e| e.input.clone()).collect();
        self.core.index_wal_entries(&inputs);
        for entry in recovered.entries {
            self.restore(&entry, &recovered.address)?;
            self.effects.height.logged.replay(&entry.input);
            self.feed(entry.input)?;
            // The tip has moved: nothing of this height is left to do.
            if self.effects.height.is_decided() {
                break;
            }
        }
        self.core.reset_entries_index();
        Ok(())
    }

    /// Takes up what an entry says of proposals and their blocks.
    fn restore(&mut self, entry: &Entry, own: &Address) -> Result<(), Fault> {
        match &entry.input {
            CoreInput::Proposal(proposal) => {
                let now_ms = self.effects.now_ms;
                let proposals = &mut self.effects.height.proposals;
                proposals.restore(proposal.clone(), now_ms);
            }
            CoreInput::ProposedValue(value, _) if value.validity.is_valid() => {
                let id = value.value.0;
                if let Some(body) = &entry.body {
                    self.restore_body(&id, body)?;
                } else if self.effects.height.proposals.body(&id).is_none() {
                    return Err(Fault::Damaged(
                        "the write-ahead log names a block that it doesn't hold".into(),
                    ));
                }
                // Malachite gives the value to every proposal of the block that the log holds.
                let proposals = &mut self.effects.height.proposals;
                proposals.deliver_block(&id);
                if value.proposer == *own && value.valid_round.is_nil() {
                    proposals.set_own_block(number(value.round), id, false);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn restore_body(&mut self, id: &Hash, bytes: &[u8]) -> Result<(), Fault> {
        let damaged =
            |what: String| Fault::Damaged(format!("block in the write-ahead log: {what}"));
        let block = Block::decode(bytes).map_err(|e| damaged(e.to_string()))?;
        if block.id() != *id {
            return Err(damaged("it is another one".into()));
        }
        self.effects
            .chain
            .validate(&block)?
            .map_err(|e| damaged(e.to_string()))?;
        let body = Body::new(&block.header, bytes.to_vec());
        self.effects.height.proposals.accept_block(*id, body);
        Ok(())
    }
}
