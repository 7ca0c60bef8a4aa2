//! Validators that do what they like with their key. They hear everything that honest nodes send
//! them and have no state to keep consistent.

mod invalid_blocks;

use std::collections::BTreeMap;

use ed25519_dalek::SigningKey;
use prost::Message;
use touchstone_core::block::Block;
use touchstone_core::commit_certificate::vote_bytes;
use touchstone_core::governance::validators::ValidatorSet;
use touchstone_core::hash::Hash;
use touchstone_core::signing::{self, Purpose};
use touchstone_proto::ledger::{self, CommitCertificate, VoteKind};
use touchstone_proto::peer;
use touchstone_proto::peer::consensus_message::Message as Wire;

use super::plan::Byzantine;
use crate::random::Random;

/// Messages that an attacker sends in one round at most.
const MESSAGES_PER_ROUND: u32 = 60;

/// Old messages that are kept for saying them again.
const MEMORIES: usize = 32;

/// Something to send: to whom, and what.
pub type Sent = (usize, Vec<u8>);

/// A block with its certificate.
pub type Decided = (Block, CommitCertificate);

/// A dishonest validator.
pub struct Attacker {
    kind: Byzantine,
    key: SigningKey,
    chain_id: Hash,
    validators: ValidatorSet,
    peers: usize,
    random: Random,
    /// Blocks seen, by height.
    blocks: BTreeMap<u64, Vec<Block>>,
    sent: BTreeMap<(u64, u32), u32>,
    proposed: BTreeMap<(u64, u32), ()>,
    memories: Vec<Vec<u8>>,
}

impl Attacker {
    /// An attacker with a validator's key among so many processes.
    pub fn new(
        kind: Byzantine,
        key: SigningKey,
        chain_id: Hash,
        validators: ValidatorSet,
        peers: usize,
        random: Random,
    ) -> Attacker {
        Attacker {
            kind,
            key,
            chain_id,
            validators,
            peers,
            random,
            blocks: BTreeMap::new(),
            sent: BTreeMap::new(),
            proposed: BTreeMap::new(),
            memories: Vec::new(),
        }
    }

    /// Hears a message; what it says to that.
    pub fn hear(&mut self, bytes: &[u8]) -> Vec<Sent> {
        match self.kind {
            Byzantine::Equivocator => self.contradict(bytes),
            Byzantine::Noisy => self.disturb(bytes),
            Byzantine::InvalidProposer => self.propose_invalid(bytes),
            Byzantine::LyingPeer => self.boast(bytes),
            Byzantine::Forger => self.forge(bytes),
            Byzantine::Silent | Byzantine::Twins | Byzantine::Withholder | Byzantine::Amnesiac => {
                Vec::new()
            }
        }
    }

    /// Answers a request for blocks; `None` is no answer at all.
    pub fn answer(&mut self, mut blocks: Vec<Decided>) -> Option<Vec<Decided>> {
        if self.kind == Byzantine::Silent {
            return None;
        }
        if self.kind == Byzantine::LyingPeer && blocks.is_empty() {
            return Some(self.invented());
        }
        let index = self.random.index(blocks.len());
        match self.random.below(9) {
            0 => return None,
            1 => blocks.clear(),
            2 => blocks.truncate(1),
            3 => blocks.reverse(),
            4 => {
                if let Some((_, certificate)) = blocks.get_mut(index) {
                    certificate.signatures.pop();
                }
            }
            5 => {
                if let Some((block, _)) = blocks.get_mut(index) {
                    block.header.time_ms += 1;
                }
            }
            6 => {
                // Each with another's certificate.
                let certificates: Vec<CommitCertificate> = blocks
                    .iter()
                    .map(|(_, certificate)| certificate.clone())
                    .collect();
                let others = certificates.into_iter().rev();
                for ((_, certificate), other) in blocks.iter_mut().zip(others) {
                    *certificate = other;
                }
            }
            7 => {
                // Decided by itself alone.
                if let Some((block, certificate)) = blocks.get_mut(index) {
                    block.header.state_root[0] ^= 1;
                    *certificate = self.certificate(block);
                }
            }
            _ => {
                if let Some((block, _)) = blocks.get_mut(index) {
                    block.transactions.pop();
                }
            }
        }
        Some(blocks)
    }

    fn contradict(&mut self, bytes: &[u8]) -> Vec<Sent> {
        let Ok(message) = peer::ConsensusMessage::decode(bytes) else {
            return Vec::new();
        };
        let mut sent = Vec::new();
        match message.message {
            Some(Wire::Vote(signed)) => {
                if let Ok(vote) = ledger::Vote::decode(signed.vote.as_slice()) {
                    self.scatter_votes(vote.height, vote.round, &vote.block_id, &mut sent);
                    self.propose_twice(vote.height, vote.round, &mut sent);
                    self.propose_twice(vote.height, vote.round + 1, &mut sent);
                }
            }
            Some(Wire::Proposal(signed)) => {
                if let Ok(proposal) = ledger::Proposal::decode(signed.proposal.as_slice()) {
                    self.remember(proposal.height, signed.block.as_deref());
                    let (height, round) = (proposal.height, proposal.round);
                    self.scatter_votes(height, round, &proposal.block_id, &mut sent);
                }
            }
            _ => {}
        }
        sent
    }

    /// Keeps a proposed block to make use of it.
    fn remember(&mut self, height: u64, block: Option<&[u8]>) {
        if let Some(Ok(block)) = block.map(Block::decode) {
            let blocks = self.blocks.entry(height).or_default();
            if blocks.len() < 6 && !blocks.contains(&block) {
                blocks.push(block);
            }
        }
    }

    /// Where others are, by a message of theirs; a block in it is kept.
    fn place(&mut self, bytes: &[u8]) -> Option<(u64, u32)> {
        match peer::ConsensusMessage::decode(bytes).ok()?.message? {
            Wire::Vote(signed) => {
                let vote = ledger::Vote::decode(signed.vote.as_slice()).ok()?;
                Some((vote.height, vote.round))
            }
            Wire::Proposal(signed) => {
                let proposal = ledger::Proposal::decode(signed.proposal.as_slice()).ok()?;
                self.remember(proposal.height, signed.block.as_deref());
                Some((proposal.height, proposal.round))
            }
            _ => None,
        }
    }

    /// On its turn, proposes a block that breaks a rule, and votes for it.
    fn propose_invalid(&mut self, bytes: &[u8]) -> Vec<Sent> {
        let Some((height, round)) = self.place(bytes) else {
            return Vec::new();
        };
        let own = self.key.verifying_key().to_bytes();
        let mut sent = Vec::new();
        for (height, round) in [
            (height, round),
            (height, round.saturating_add(1)),
            (height + 1, 0),
        ] {
            let is_own_turn = self.validators.in_rotation(height, round).public_key == own;
            let known = self.blocks.range(..=height).next_back();
            let Some(known) = known.and_then(|(_, blocks)| blocks.first().cloned()) else {
                continue;
            };
            if !is_own_turn || self.proposed.insert((height, round), ()).is_some() {
                continue;
            }
            let block = invalid_blocks::invalid(&known, height, own, &mut self.random);
            let id = block.id();
            let messages = [
                self.proposal(height, round, &block, None),
                self.vote(VoteKind::Prevote, height, round, Some(&id)),
                self.vote(VoteKind::Precommit, height, round, Some(&id)),
            ];
            for to in 0..self.peers {
                sent.extend(messages.iter().map(|message| (to, message.clone())));
            }
        }
        sent
    }

    /// Claims to have blocks that nobody has.
    fn boast(&mut self, bytes: &[u8]) -> Vec<Sent> {
        let Some((height, _)) = self.place(bytes) else {
            return Vec::new();
        };
        if !self.random.permille(100) {
            return Vec::new();
        }
        let height = height + self.random.below(3);
        let to = self.random.index(self.peers);
        vec![(to, encode(Wire::Announce(peer::Announce { height })))]
    }

    /// A next block that it alone has decided.
    fn invented(&mut self) -> Vec<Decided> {
        let own = self.key.verifying_key().to_bytes();
        let last = self.blocks.values().next_back();
        let Some(last) = last.and_then(|blocks| blocks.first().cloned()) else {
            return Vec::new();
        };
        let height = last.header.height + 1;
        let block = invalid_blocks::invalid(&last, height, own, &mut self.random);
        let certificate = self.certificate(&block);
        vec![(block, certificate)]
    }

    /// A certificate of its own signature alone, as often as there are validators.
    fn certificate(&self, block: &Block) -> CommitCertificate {
        let (height, id) = (block.header.height, block.id());
        let vote = vote_bytes(VoteKind::Precommit, height, 0, Some(&id));
        let signature = signing::sign(&self.key, Purpose::Vote, &self.chain_id, &vote);
        let own = ledger::Signature {
            public_key: self.key.verifying_key().to_bytes().to_vec(),
            signature: signature.to_vec(),
        };
        let signatures = self.validators.iter().map(|validator| ledger::Signature {
            public_key: validator.public_key.to_vec(),
            ..own.clone()
        });
        CommitCertificate {
            height,
            round: 0,
            block_id: id.to_vec(),
            signatures: signatures.collect(),
        }
    }

    /// Votes in another's name, under its own signature.
    fn forge(&mut self, bytes: &[u8]) -> Vec<Sent> {
        let Some((height, round)) = self.place(bytes) else {
            return Vec::new();
        };
        if !self.random.permille(500) || !self.may_send(height, round) {
            return Vec::new();
        }
        let names: Vec<[u8; 32]> = self.validators.iter().map(|v| v.public_key).collect();
        let name = names[self.random.index(names.len())];
        let known = self.blocks.get(&height).and_then(|blocks| blocks.first());
        let id = known.map(Block::id).filter(|_| self.random.permille(600));
        let kind = match self.random.permille(500) {
            true => VoteKind::Prevote,
            false => VoteKind::Precommit,
        };
        let vote = vote_bytes(kind, height, round, id.as_ref());
        let signature = signing::sign(&self.key, Purpose::Vote, &self.chain_id, &vote);
        let forged = encode(Wire::Vote(peer::SignedVote {
            vote,
            public_key: name.to_vec(),
            signature: signature.to_vec(),
        }));
        (0..self.peers).map(|to| (to, forged.clone())).collect()
    }

    /// Votes for this block to some, for nil or another block to others, of both kinds.
    fn scatter_votes(&mut self, height: u64, round: u32, block_id: &[u8], sent: &mut Vec<Sent>) {
        if !self.random.permille(600) {
            return;
        }
        let known = self.blocks.get(&height).map_or(&[][..], Vec::as_slice);
        let mut choices: Vec<Option<Hash>> = known.iter().map(|b| Some(b.id())).collect();
        choices.push(None);
        choices.push(block_id.try_into().ok());
        choices.push(block_id.try_into().ok());
        for to in self.random.order(self.peers) {
            let choice = choices[self.random.index(choices.len())];
            let kind = match self.random.permille(500) {
                true => VoteKind::Prevote,
                false => VoteKind::Precommit,
            };
            if self.random.permille(500) && self.may_send(height, round) {
                sent.push((to, self.vote(kind, height, round, choice.as_ref())));
            }
        }
    }

    /// On its turn, proposes one block to some and another to others: new ones of its own, or old
    /// ones with or without a claim that they had a polka.
    fn propose_twice(&mut self, height: u64, round: u32, sent: &mut Vec<Sent>) {
        let own = self.key.verifying_key().to_bytes();
        let is_own_turn = self.validators.in_rotation(height, round).public_key == own;
        let Some(seen) = self.blocks.get(&height).cloned() else {
            return;
        };
        if !is_own_turn || self.proposed.insert((height, round), ()).is_some() {
            return;
        }
        let mut proposals = Vec::new();
        for time_shift in 0..2 {
            let mut block = seen[self.random.index(seen.len())].clone();
            if self.random.permille(500) {
                block.header.proposer = own;
                block.header.time_ms += time_shift;
            }
            let claims_polka = round > 0 && self.random.permille(500);
            let valid_round = claims_polka.then(|| self.random.below(u64::from(round)) as u32);
            proposals.push(self.proposal(height, round, &block, valid_round));
        }
        for to in 0..self.peers {
            let choice = self.random.index(proposals.len());
            sent.push((to, proposals[choice].clone()));
        }
    }

    fn may_send(&mut self, height: u64, round: u32) -> bool {
        let count = self.sent.entry((height, round)).or_default();
        *count += 1;
        *count <= MESSAGES_PER_ROUND
    }

    fn vote(&self, kind: VoteKind, height: u64, round: u32, id: Option<&Hash>) -> Vec<u8> {
        let vote = vote_bytes(kind, height, round, id);
        let signature = signing::sign(&self.key, Purpose::Vote, &self.chain_id, &vote);
        encode(Wire::Vote(peer::SignedVote {
            vote,
            public_key: self.key.verifying_key().to_bytes().to_vec(),
            signature: signature.to_vec(),
        }))
    }

    fn proposal(
        &self,
        height: u64,
        round: u32,
        block: &Block,
        valid_round: Option<u32>,
    ) -> Vec<u8> {
        let proposal = ledger::Proposal {
            height,
            round,
            block_id: block.id().to_vec(),
            valid_round,
        }
        .encode_to_vec();
        let signature = signing::sign(&self.key, Purpose::Proposal, &self.chain_id, &proposal);
        encode(Wire::Proposal(peer::SignedProposal {
            proposal,
            public_key: self.key.verifying_key().to_bytes().to_vec(),
            signature: signature.to_vec(),
            block: Some(block.encode()),
        }))
    }

    fn disturb(&mut self, bytes: &[u8]) -> Vec<Sent> {
        if self.memories.len() < MEMORIES {
            self.memories.push(bytes.to_vec());
        } else if self.random.permille(100) {
            let place = self.random.index(MEMORIES);
            self.memories[place] = bytes.to_vec();
        }
        if !self.random.permille(150) {
            return Vec::new();
        }
        let to = self.random.index(self.peers);
        let message = match self.random.below(7) {
            0 => (0..self.random.below(300))
                .map(|_| self.random.word() as u8)
                .collect(),
            1 | 2 => self.damaged(bytes),
            3 => self.memories[self.random.index(self.memories.len())].clone(),
            4 => encode(Wire::Announce(peer::Announce {
                height: self.random.below(1_000_000),
            })),
            5 => {
                let (height, round) = (self.random.below(20), self.random.below(3) as u32);
                encode(Wire::Want(peer::WantBlock {
                    height,
                    round,
                    block_id: Vec::new(),
                    has_proposal: height % 2 == 0,
                }))
            }
            _ => {
                let (height, round) = (self.random.below(30), self.random.word() as u32);
                self.vote(VoteKind::Precommit, height, round, None)
            }
        };
        vec![(to, message)]
    }

    fn damaged(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut copy = bytes.to_vec();
        let place = self.random.index(copy.len());
        if let Some(byte) = copy.get_mut(place) {
            *byte ^= 1 << self.random.below(8);
        }
        if self.random.permille(300) {
            copy.truncate(place);
        }
        copy
    }
}

fn encode(message: Wire) -> Vec<u8> {
    peer::ConsensusMessage {
        message: Some(message),
    }
    .encode_to_vec()
}
