//! How a validator whose disk was replaced finds out from where on it may sign again.
//!
//! It has signed things that no file of its remembers, at a height h that may still be open. It had the
//! block before, h - 1, so more than 2/3 of the voting power had precommitted that, and each of them
//! had block h - 2. Now let organisations with more than 2/3 of the power, this node's own not
//! counted, say which block they have. One of those precommits was by an honest one among them, so
//! the greatest height that they claim is h - 2 at least. Two heights above it nothing was signed.
//!
//! What others claim counts if they claim it to this process, over a connection that proves who they
//! are: then they claim it after the disk was lost. An organisation has spoken when each of its listed nodes
//! has, as the chain doesn't say which of them votes. This assumes what consensus assumes: less than a
//! third lies or has lost its disk too, and less than a third was exchanged by governance meanwhile.
//!
//! Where the others are too few to be more than 2/3, the operator names the height
//! (`touchstone-node reset-guard`).

use std::collections::BTreeMap;

use touchstone_core::commit_certificate::exceeds_two_thirds;
use touchstone_core::fault::Fault;
use touchstone_core::governance::validators::ValidatorSet;
use touchstone_proto::ledger::Organisation;

use super::{Machine, PeerTag};
use crate::organisations::organisations;
use crate::storage::{Disk, Store};

/// Heights above the others' last block that this validator may have signed at.
const MARGIN: u64 = 2;

/// A peer's tag by its public network key.
pub type TagOf = fn(&[u8; 32]) -> Option<PeerTag>;

/// What the others claim while the guard is unknown.
#[derive(Debug)]
pub struct GuardConfirmation {
    tag_of: TagOf,
    /// The last block that each peer claims to have.
    claims: BTreeMap<PeerTag, u64>,
}

impl GuardConfirmation {
    /// Nobody has spoken.
    pub fn new(tag_of: TagOf) -> GuardConfirmation {
        GuardConfirmation {
            tag_of,
            claims: BTreeMap::new(),
        }
    }

    /// The height that more than 2/3 of the voting power don't exceed, one way or another: the
    /// least there is. None if too few have spoken.
    fn height(&self, set: &ValidatorSet, listed: &[Organisation], own: &[u8; 32]) -> Option<u64> {
        let own = set.get(own).map(|v| v.organisation.as_str());
        let others = listed.iter().filter(|o| Some(o.id.as_str()) != own);
        let mut spoken: Vec<(u64, u64)> = others
            .filter_map(|o| Some((self.claim(o)?, set.power_of_organisation(&o.id))))
            .collect();
        spoken.sort_unstable();
        let mut power: u64 = 0;
        let enough = spoken.into_iter().find(|(_, of_one)| {
            power = power.saturating_add(*of_one);
            exceeds_two_thirds(power, set.total_power())
        });
        enough.map(|(height, _)| height)
    }

    /// What an organisation claims, once each of its nodes has.
    fn claim(&self, organisation: &Organisation) -> Option<u64> {
        let claims = organisation.peers.iter().map(|node| {
            let key = node.public_key.as_slice().try_into().ok()?;
            self.claims.get(&(self.tag_of)(key)?).copied()
        });
        let claims: Option<Vec<u64>> = claims.collect();
        claims?.into_iter().max()
    }
}

impl<S: Store, D: Disk> Machine<S, D> {
    /// A peer claims to have a block.
    pub(super) fn note_claim(&mut self, peer: &PeerTag, height: u64) -> Result<(), Fault> {
        if let Some(confirmation) = &mut self.guard_confirmation {
            let claim = confirmation.claims.entry(peer.clone()).or_default();
            *claim = height.max(*claim);
            self.confirm_guard()?;
            if self.guard_confirmation.is_none() && !self.is_running {
                self.await_height()?;
            }
        }
        Ok(())
    }

    /// Confirms the guard once enough others have spoken and this node has the blocks that they
    /// have.
    pub(super) fn confirm_guard(&mut self) -> Result<(), Fault> {
        let (Some(confirmation), Some(signer)) =
            (&self.guard_confirmation, &mut self.effects.signer)
        else {
            return Ok(());
        };
        let chain = &self.effects.chain;
        let listed = organisations(chain.store())?;
        let height = confirmation.height(chain.validators(), &listed, &signer.address().0);
        if let Some(height) = height.filter(|height| *height <= chain.tip().height) {
            let muted_until = height.saturating_add(MARGIN);
            signer.confirm(muted_until)?;
            self.muted_until = muted_until;
            self.guard_confirmation = None;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;
    use touchstone_core::governance::validators::Validator;
    use touchstone_proto::ledger::Peer;

    use super::*;

    fn tag_of(key: &[u8; 32]) -> Option<PeerTag> {
        Some(key.to_vec())
    }

    /// The validator key of an organisation.
    fn key(organisation: usize) -> [u8; 32] {
        let seed = [organisation as u8 + 1; 32];
        SigningKey::from_bytes(&seed).verifying_key().to_bytes()
    }

    /// Organisations of power 1, named by their numbers; their nodes' keys are tens of it.
    fn consortium(nodes: &[usize]) -> (ValidatorSet, Vec<Organisation>) {
        let validators = (0..nodes.len()).map(|i| Validator {
            public_key: key(i),
            power: 1,
            organisation: i.to_string(),
        });
        let set = ValidatorSet::new(validators.collect(), 1).expect("a valid set");
        let listed = nodes.iter().enumerate().map(|(i, count)| Organisation {
            id: i.to_string(),
            peers: (0..*count)
                .map(|node| Peer {
                    public_key: vec![(10 * i + node) as u8; 32],
                    ..Peer::default()
                })
                .collect(),
            ..Organisation::default()
        });
        (set, listed.collect())
    }

    fn confirmed(nodes: &[usize], claims: &[(u8, u64)]) -> Option<u64> {
        let (set, listed) = consortium(nodes);
        let mut confirmation = GuardConfirmation::new(tag_of);
        for (node, height) in claims {
            confirmation.claims.insert(vec![*node; 32], *height);
        }
        confirmation.height(&set, &listed, &key(0))
    }

    #[test]
    fn more_than_two_thirds_confirm_without_oneself() {
        let four = [1, 1, 1, 1];
        assert_eq!(confirmed(&four, &[(10, 7), (20, 9)]), None);
        assert_eq!(confirmed(&four, &[(0, 1), (10, 7), (20, 9)]), None);
        assert_eq!(confirmed(&four, &[(10, 7), (20, 9), (30, 8)]), Some(9));
        assert_eq!(confirmed(&four, &[(10, 7), (20, 9), (99, 8)]), None);
        assert_eq!(confirmed(&[1, 1, 1], &[(10, 7), (20, 9)]), None);
        assert_eq!(confirmed(&[1], &[]), None);
    }

    /// One that claims too much can't keep a validator from signing where the others suffice.
    #[test]
    fn a_boaster_is_not_needed() {
        let claims = [(10, 7), (20, u64::MAX), (30, 8), (40, 8), (50, 7), (60, 6)];
        assert_eq!(confirmed(&[1; 7], &claims), Some(8));
    }

    #[test]
    fn an_organisation_speaks_by_all_its_nodes() {
        let nodes = [1, 2, 1, 1];
        let without = [(10, 7), (20, 9), (30, 8)];
        assert_eq!(confirmed(&nodes, &without), None);
        let with = [(10, 7), (11, 12), (20, 9), (30, 8)];
        assert_eq!(confirmed(&nodes, &with), Some(12));
    }
}
