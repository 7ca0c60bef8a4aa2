//! Evidence from a test chain: certificates are made on demand, by as few validators as suffice.
//!
//! Consensus-critical: no

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use touchstone_proto::ledger::CommitCertificate;
use touchstone_proto::node::{CertifiedHeader, StateProof, ValidatorSetChange};

use super::{Chain, certify, public};
use crate::Fault;
use crate::commit_certificate::exceeds_two_thirds;
use crate::evidence::{Archive, Stamps, WholeBlock};
use crate::proof::page::LinkRead;
use crate::state::commitment;

/// Public keys that may vote, by their seeds.
static VOTERS: LazyLock<BTreeMap<[u8; 32], u8>> =
    LazyLock::new(|| (11..=40).map(|seed| (public(seed), seed)).collect());

/// The seed of a validator's key.
pub fn voter(public_key: &[u8; 32]) -> Option<u8> {
    VOTERS.get(public_key).copied()
}

impl Chain {
    /// A certificate of the block at a height by just more than 2/3 of its validators: without any
    /// one of the votes it is none.
    pub fn certificate(&self, height: u64) -> CommitCertificate {
        let index = height as usize - 1;
        let set = &self.sets[index];
        let total = set.total_power();
        let mut voters: Vec<_> = set.iter().collect();
        voters.sort_by_key(|validator| std::cmp::Reverse(validator.power));
        let mut power = 0;
        voters.retain(|validator| {
            let is_needed = !exceeds_two_thirds(power, total);
            power += if is_needed { validator.power } else { 0 };
            is_needed
        });
        let seeds: Vec<u8> = voters.iter().filter_map(|v| voter(&v.public_key)).collect();
        certify(&self.id, &self.blocks[index].header, 0, &seeds)
    }

    pub fn certified_header(&self, height: u64) -> CertifiedHeader {
        CertifiedHeader {
            header: self.blocks[height as usize - 1].header.encode(),
            certificate: Some(self.certificate(height)),
        }
    }
}

impl Archive for Chain {
    fn genesis(&self) -> Result<Vec<u8>, Fault> {
        Ok(self.genesis.clone())
    }

    fn anchor(&self) -> Result<Option<CertifiedHeader>, Fault> {
        Ok((self.height > 0).then(|| self.certified_header(self.height)))
    }

    fn validator_set_changes(&self) -> Result<Vec<ValidatorSetChange>, Fault> {
        let mut changes = Vec::new();
        for (index, block) in self.blocks.iter().enumerate() {
            if block.header.validators_hash != block.header.next_validators_hash {
                let next = self.sets.get(index + 1).unwrap_or(&self.validators);
                changes.push(ValidatorSetChange {
                    header: Some(self.certified_header(index as u64 + 1)),
                    next_validators: Some(next.message()),
                });
            }
        }
        Ok(changes)
    }

    fn prove(&self, key: &[u8]) -> Result<(Option<Vec<u8>>, StateProof), Fault> {
        let value = self.state.values.get(key).cloned();
        let proof = commitment::prove(&self.state, self.height, key, value.as_deref())?;
        Ok((value, proof))
    }

    fn entries(&self, owner_key: &[u8]) -> Result<Vec<Vec<u8>>, Fault> {
        let rows = self.state.links.iter().filter(|row| row.owner == owner_key);
        Ok(rows.map(|row| row.entry.clone()).collect())
    }

    fn envelope(&self, height: u64, index: u32) -> Result<Option<Vec<u8>>, Fault> {
        let block = self.blocks.get(height as usize - 1);
        Ok(block.and_then(|b| b.transactions.get(index as usize).cloned()))
    }

    fn block(&self, height: u64) -> Result<Option<WholeBlock>, Fault> {
        let Some(block) = self.blocks.get(height as usize - 1) else {
            return Ok(None);
        };
        Ok(Some((
            self.certified_header(height),
            block.transactions.clone(),
        )))
    }

    fn stamps(&self, _heights: &BTreeSet<u64>) -> Result<Stamps, Fault> {
        Ok(self.stamps.clone())
    }
}

impl LinkRead for Chain {
    fn entries_between(&self, owner: &[u8], from: u64, to: u64) -> Result<Vec<Vec<u8>>, Fault> {
        let rows = self.state.links.iter().filter(|row| row.owner == owner);
        let page = rows.filter(|row| (from..to).contains(&row.sequence));
        Ok(page.map(|row| row.entry.clone()).collect())
    }

    fn prove_key(&self, key: &[u8]) -> Result<(Option<Vec<u8>>, StateProof), Fault> {
        self.prove(key)
    }
}
