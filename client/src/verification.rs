//! Checking answers. The genesis document is the only root of trust: validators are followed from
//! it, every header must carry their certificate, and every value its path to that header's root.

use std::sync::{Arc, Mutex};

use thiserror::Error;
use touchstone_core::block::{BadBlock, Header};
use touchstone_core::encoding::{self, Malformed};
use touchstone_core::genesis::Genesis;
use touchstone_core::governance::validators::{Validator, ValidatorSet};
use touchstone_core::hash::Hash;
use touchstone_core::proof::authorisation::AuthorisationError;
use touchstone_core::proof::deposit::DepositError;
use touchstone_core::proof::header::{self, HeaderError, TrustingRange};
use touchstone_core::proof::items::ItemsError;
use touchstone_core::proof::link::LinkError;
use touchstone_core::proof::page::PageError;
use touchstone_core::proof::state::{self, StateError};
use touchstone_core::proof::transaction_tree::{self, InclusionError};
use touchstone_core::rejection::Rejection;
use touchstone_core::signing::{self, Purpose};
use touchstone_core::state::keys;
use touchstone_core::transaction::{self, VerifiedTransaction};
use touchstone_proto::ledger;
use touchstone_proto::node::{
    BlockReply, CertifiedHeader, Misbehaviour, StateReply, TransactionProof, ValidatorSetChange,
    ValidatorsReply,
};

use crate::as_of::AsOf;
use crate::attested_header::AttestedHeader;

/// The check that an answer fails.
#[derive(Debug, Error)]
pub enum NotVerified {
    /// The certified header.
    #[error("certified header: {0}")]
    Header(#[from] HeaderError),
    /// The answer is of another chain than the genesis document.
    #[error(
        "the answer is of another chain: the node's is {}, the genesis document's {}; name the genesis document of \
         the chain that you mean (--genesis), or one of its nodes (--node)",
        hex::encode(.found),
        hex::encode(.expected)
    )]
    AnotherChain {
        /// The node's.
        found: Hash,
        /// The document's.
        expected: Hash,
    },
    /// The path of a value, or of its absence.
    #[error("state proof: {0}")]
    State(#[from] StateError),
    /// The completeness of a list.
    #[error("completeness of the link: {0}")]
    Link(#[from] LinkError),
    /// Some entries of a list.
    #[error("page of the link: {0}")]
    Page(#[from] PageError),
    /// Several items in one answer.
    #[error("several items: {0}")]
    Items(#[from] ItemsError),
    /// A transaction's place in its block.
    #[error("inclusion of the transaction: {0}")]
    Inclusion(#[from] InclusionError),
    /// A deposit's record.
    #[error("deposit: {0}")]
    Deposit(#[from] DepositError),
    /// The answer to whether somebody may do something with a design.
    #[error("authorisation: {0}")]
    Authorisation(#[from] AuthorisationError),
    /// A transaction's own bytes.
    #[error("transaction: {0}")]
    Transaction(Rejection),
    /// A block's body.
    #[error("block: {0}")]
    Block(#[from] BadBlock),
    /// A proven value that doesn't decode.
    #[error("recorded value: {0}")]
    Value(#[from] Malformed),
    /// The proof holds, but it is of a block below one that was proven before.
    #[error(
        "the node answers as of block {height}, but block {proven} was proven before: it is behind"
    )]
    Behind {
        /// The answer's block.
        height: u64,
        /// The newest block that was proven, now or in an earlier run.
        proven: u64,
    },
    /// Something that must be there is missing.
    #[error("the answer carries no {0}")]
    Missing(&'static str),
    /// An element of an evidence file.
    #[error("{element}: {reason}")]
    Evidence {
        /// The element's stable name.
        element: String,
        /// What is wrong.
        reason: String,
    },
    /// A time stamp of blocks.
    #[error("time stamp of blocks {first} to {last} by {authority:?}: {reason}")]
    TimeStamp {
        /// The first height.
        first: u64,
        /// The last.
        last: u64,
        /// The authority, as the node names it.
        authority: String,
        /// What is wrong.
        reason: String,
    },
    /// A folder of evidence that isn't the one that a statement names, or isn't what was packed.
    #[error("pack: {0}")]
    Pack(String),
    /// Two parts of the answer, or the answer and the question, don't agree.
    #[error("the answer contradicts itself or the question: {0}")]
    Contradiction(String),
}

impl NotVerified {
    /// An evidence file's element that doesn't hold.
    pub fn evidence(element: &str, reason: &str) -> NotVerified {
        NotVerified::Evidence {
            element: element.to_owned(),
            reason: reason.to_owned(),
        }
    }

    /// The failed check's stable name.
    pub fn check(&self) -> &'static str {
        match self {
            NotVerified::Header(_) => "certified-header",
            NotVerified::AnotherChain { .. } => "chain",
            NotVerified::State(_) => "state-proof",
            NotVerified::Link(_) => "complete-link",
            NotVerified::Page(_) => "page",
            NotVerified::Items(_) => "items",
            NotVerified::Inclusion(_) => "inclusion",
            NotVerified::Deposit(_) => "deposit",
            NotVerified::Authorisation(_) => "authorisation",
            NotVerified::Transaction(_) => "transaction",
            NotVerified::Block(_) => "block",
            NotVerified::Value(_) => "value",
            NotVerified::Behind { .. } => "behind",
            NotVerified::Missing(_) => "missing",
            NotVerified::Evidence { .. } => "evidence",
            NotVerified::TimeStamp { .. } => "time-stamp",
            NotVerified::Pack(_) => "pack",
            NotVerified::Contradiction(_) => "contradiction",
        }
    }
}

/// What is trusted: the genesis document, and the validators that follow from it.
#[derive(Clone, Debug)]
pub struct Trust {
    genesis: Genesis,
    ranges: Vec<TrustingRange>,
    changes: Vec<ValidatorSetChange>,
    /// The last certified header that was found right.
    last_header: Arc<Mutex<Option<(CertifiedHeader, AttestedHeader)>>>,
    /// The newest one.
    newest: Arc<Mutex<Option<(CertifiedHeader, Header)>>>,
    /// As of which blocks the state was told.
    as_of: AsOf,
}

impl Trust {
    /// Trusts a genesis document.
    pub fn new(genesis: Genesis) -> Trust {
        let ranges = vec![TrustingRange::genesis(genesis.validators.clone())];
        Trust {
            genesis,
            ranges,
            changes: Vec::new(),
            last_header: Arc::default(),
            newest: Arc::default(),
            as_of: AsOf::default(),
        }
    }

    /// The same, with this account of the answers' blocks.
    pub fn with_account(self, as_of: AsOf) -> Trust {
        Trust { as_of, ..self }
    }

    /// As of which blocks the answers about the state are.
    pub fn as_of(&self) -> &AsOf {
        &self.as_of
    }

    /// Height of the newest block that was proven; 0 where none was.
    pub fn proven_height(&self) -> u64 {
        let newest = self.newest.lock().ok();
        newest.map_or(0, |newest| newest.as_ref().map_or(0, |(_, h)| h.height))
    }

    /// The newest certified header that was found right.
    pub fn newest(&self) -> Option<CertifiedHeader> {
        let newest = self.newest.lock().ok();
        newest.and_then(|newest| newest.as_ref().map(|(certified, _)| certified.clone()))
    }

    /// The chain's id.
    pub fn chain_id(&self) -> &Hash {
        &self.genesis.chain_id
    }

    /// The trusted document.
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// The latest validators that are known.
    pub fn current(&self) -> &ValidatorSet {
        self.ranges
            .last()
            .map_or(&self.genesis.validators, |range| &range.set)
    }

    /// Follows set changes from the last one known on, all or none. A set decides the heights from
    /// its set change up to the next one and no others, so retired validators can't speak for today.
    pub fn follow(&mut self, changes: &[ValidatorSetChange]) -> Result<(), NotVerified> {
        let mut ranges = self.ranges.clone();
        for change in changes {
            let claimed = self.decoded(change.header.as_ref())?;
            if ranges
                .last()
                .is_some_and(|range| claimed.height < range.first)
            {
                return Err(HeaderError::SetChangeOrder(claimed.height).into());
            }
            header::follow(self.chain_id(), &mut ranges, std::slice::from_ref(change))?;
        }
        self.ranges = ranges;
        self.changes.extend_from_slice(changes);
        self.last_header = Arc::default();
        Ok(())
    }

    /// All set changes that were followed.
    pub fn changes(&self) -> &[ValidatorSetChange] {
        &self.changes
    }

    /// First height of the latest validators that are known.
    pub fn era_begins(&self) -> u64 {
        self.ranges.last().map_or(1, |range| range.first)
    }

    /// A header of this chain, unchecked.
    fn decoded(&self, certified: Option<&CertifiedHeader>) -> Result<Header, NotVerified> {
        let certified = certified.ok_or(HeaderError::Missing)?;
        let header = Header::decode(&certified.header).map_err(HeaderError::from)?;
        if header.chain_id != self.genesis.chain_id {
            return Err(NotVerified::AnotherChain {
                found: header.chain_id,
                expected: self.genesis.chain_id,
            });
        }
        Ok(header)
    }

    /// Whether the header names the validators that are known for its height. If not, set changes may follow.
    pub fn knows_validators_of(&self, certified: Option<&CertifiedHeader>) -> bool {
        let Some(Ok(header)) = certified.map(|c| Header::decode(&c.header)) else {
            return true;
        };
        self.trusting_range(header.height)
            .is_some_and(|range| range.set.hash() == header.validators_hash)
    }

    fn trusting_range(&self, height: u64) -> Option<&TrustingRange> {
        header::trusting_range(&self.ranges, height)
    }

    /// Checks a certified header. Two different ones of the newest height mean that more than 1/3 of its
    /// validators signed both.
    pub fn header(
        &self,
        certified: Option<&CertifiedHeader>,
    ) -> Result<AttestedHeader, NotVerified> {
        let attested = self.decided(certified)?;
        let header = &attested.header;
        let (Ok(mut newest), Some(certified)) = (self.newest.lock(), certified) else {
            return Ok(attested);
        };
        match newest.as_ref().map(|(_, seen)| seen) {
            Some(seen) if seen.height > header.height => {}
            Some(seen) if seen.height == header.height && seen.id() != header.id() => {
                return Err(NotVerified::Contradiction(format!(
                    "its validators decided two blocks at height {}",
                    header.height
                )));
            }
            _ => *newest = Some((certified.clone(), header.clone())),
        }
        Ok(attested)
    }

    /// Checks the certified header under which an answer tells the state. What was proven at a height is
    /// never answered from below it.
    pub fn tip(&self, certified: Option<&CertifiedHeader>) -> Result<AttestedHeader, NotVerified> {
        let attested = self.header(certified)?;
        let (height, proven) = (attested.header.height, self.proven_height());
        if height < proven {
            return Err(NotVerified::Behind { height, proven });
        }
        self.as_of.note(&attested);
        Ok(attested)
    }

    fn decided(&self, certified: Option<&CertifiedHeader>) -> Result<AttestedHeader, NotVerified> {
        let claimed = self.decoded(certified)?;
        let certified = certified.ok_or(HeaderError::Missing)?;
        // Answers to many questions come under the same header.
        let last = self.last_header.lock().ok().and_then(|last| last.clone());
        if let Some((_, attested)) = last.filter(|(known, _)| known == certified) {
            return Ok(attested);
        }
        let range = self
            .trusting_range(claimed.height)
            .ok_or(HeaderError::Validators)?;
        let header = header::verify(&self.genesis.chain_id, &range.set, certified)?;
        let signatures = certified.certificate.iter().flat_map(|c| &c.signatures);
        let signers = signatures
            .filter_map(|s| <[u8; 32]>::try_from(s.public_key.as_slice()).ok())
            .filter_map(|key| range.set.get(&key).cloned())
            .collect();
        let attested = AttestedHeader {
            header,
            signers,
            validators: range.set.clone(),
        };
        if let Ok(mut last) = self.last_header.lock() {
            *last = Some((certified.clone(), attested.clone()));
        }
        Ok(attested)
    }

    /// Checks an answer about one key of the state; gives its value, or `None` where it is proven to have none.
    pub fn state<'a>(
        &self,
        key: &[u8],
        reply: Option<&'a StateReply>,
    ) -> Result<(AttestedHeader, Option<&'a [u8]>), NotVerified> {
        let reply = reply.ok_or(NotVerified::Missing("state reply"))?;
        let attested = self.tip(reply.header.as_ref())?;
        let value = state::verify_reply(&attested.header.state_root, key, reply)?;
        Ok((attested, value))
    }

    /// The same, with the value decoded.
    pub fn record<M: prost::Message + Default>(
        &self,
        key: &[u8],
        reply: Option<&StateReply>,
    ) -> Result<(AttestedHeader, Option<M>), NotVerified> {
        let (attested, value) = self.state(key, reply)?;
        let record = value.map(encoding::decode_exact).transpose()?;
        Ok((attested, record))
    }

    /// Checks that the transaction with this id stands in a decided block.
    pub fn transaction(
        &self,
        id: &Hash,
        proof: Option<&TransactionProof>,
    ) -> Result<(AttestedHeader, VerifiedTransaction), NotVerified> {
        let proof = proof.ok_or(NotVerified::Missing("proof of the transaction"))?;
        let attested = self.header(proof.header.as_ref())?;
        let siblings = proof
            .siblings
            .iter()
            .map(|s| encoding::exact("sibling", s))
            .collect::<Result<Vec<Hash>, _>>()?;
        transaction_tree::verify(
            &attested.header.transaction_root,
            attested.header.transaction_count,
            proof.index,
            &proof.envelope,
            &siblings,
        )?;
        let verified = transaction::verify(self.chain_id(), &proof.envelope)
            .map_err(NotVerified::Transaction)?;
        if verified.id() != id {
            return Err(NotVerified::Contradiction(
                "it is another transaction".into(),
            ));
        }
        Ok((attested, verified))
    }

    /// Checks a block's header, and its body where it is there.
    pub fn block(
        &self,
        reply: &BlockReply,
        with_body: bool,
    ) -> Result<AttestedHeader, NotVerified> {
        let attested = self.header(reply.header.as_ref())?;
        if with_body {
            let root = transaction_tree::root(&reply.transactions);
            let count = reply.transactions.len() as u64;
            if (root, count)
                != (
                    attested.header.transaction_root,
                    attested.header.transaction_count,
                )
            {
                return Err(BadBlock::TransactionRoot.into());
            }
        }
        Ok(attested)
    }

    /// Checks that a later block's state names this header, which is already checked; gives that block's.
    pub fn past_block(
        &self,
        header: &Header,
        reply: &StateReply,
    ) -> Result<AttestedHeader, NotVerified> {
        let (later, id) = self.state(&keys::block(header.height), Some(reply))?;
        if id != Some(header.id().as_slice()) {
            return Err(NotVerified::Contradiction(
                "a later block's state names another block at this height".into(),
            ));
        }
        Ok(later)
    }

    /// Checks today's validators against a certified header.
    pub fn validators(&self, reply: &ValidatorsReply) -> Result<AttestedHeader, NotVerified> {
        let attested = self.tip(reply.header.as_ref())?;
        let message = reply
            .validators
            .as_ref()
            .ok_or(NotVerified::Missing("validators"))?;
        let set = ValidatorSet::from_message(message).map_err(HeaderError::from)?;
        if set != attested.validators {
            return Err(NotVerified::Contradiction(
                "the validators are not those that the header names".into(),
            ));
        }
        Ok(attested)
    }

    /// Checks evidence of misbehaviour: two different messages for one height, round and purpose,
    /// both signed by one validator of some height; gives that validator.
    pub fn misbehaviour(&self, evidence: &Misbehaviour) -> Result<Validator, NotVerified> {
        let key: [u8; 32] = encoding::exact("validator", &evidence.validator)?;
        let validator = self
            .trusting_range(evidence.height)
            .and_then(|range| range.set.get(&key))
            .ok_or_else(|| {
                NotVerified::Contradiction("the accused was no validator at that height".into())
            })?;
        let purpose = match evidence.kind.as_str() {
            "vote" => Purpose::Vote,
            "proposal" => Purpose::Proposal,
            other => {
                return Err(NotVerified::Contradiction(format!(
                    "misbehaviour of unknown kind {other:?}"
                )));
            }
        };
        let slot = |bytes: &[u8]| -> Result<(i32, u64, u32), Malformed> {
            Ok(if purpose == Purpose::Vote {
                let vote: ledger::Vote = encoding::decode_exact(bytes)?;
                (vote.kind, vote.height, vote.round)
            } else {
                let proposal: ledger::Proposal = encoding::decode_exact(bytes)?;
                (0, proposal.height, proposal.round)
            })
        };
        let first = slot(&evidence.first)?;
        if first != slot(&evidence.second)?
            || first.1 != evidence.height
            || evidence.first == evidence.second
        {
            return Err(NotVerified::Contradiction(
                "the two messages don't conflict".into(),
            ));
        }
        for (message, signature) in [
            (&evidence.first, &evidence.first_signature),
            (&evidence.second, &evidence.second_signature),
        ] {
            let signature: [u8; 64] = encoding::exact("signature", signature)?;
            if !signing::verify(&key, purpose, self.chain_id(), message, &signature) {
                return Err(NotVerified::Contradiction(
                    "a signature of the evidence doesn't hold".into(),
                ));
            }
        }
        Ok(validator.clone())
    }
}
