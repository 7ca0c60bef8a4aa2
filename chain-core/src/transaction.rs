//! Signed transactions: strict decoding first, then the signature, then (in execution) the rules.
//!
//! Consensus-critical: yes

use std::ops::Deref;
use std::sync::OnceLock;

use prost::Message;
use prost::encoding::WireType;
use touchstone_epcis::{EpcisError, Event};
use touchstone_proto::ledger::{self, transaction::Action};

use crate::encoding::{self, Malformed};
use crate::hash::{self, Hash, tag};
use crate::proof::transaction_tree;
use crate::rejection::Rejection;
use crate::signing::{self, KeyTable, Purpose};

/// No transaction may be larger, whatever the chain's parameters say; bytes of its envelope.
pub const MAX_ENVELOPE_BYTES: usize = 4 << 20;

/// A transaction whose envelope is canonical and whose signature holds. Whether its key may sign
/// for its organisation is a rule of execution, as it depends on the state.
#[derive(Clone, Debug)]
pub struct VerifiedTransaction {
    id: Hash,
    envelope: Vec<u8>,
    signer: [u8; 32],
    organisation: String,
    created_ms: u64,
    action: Action,
    /// Read when they are first asked for; the first that can't be read ends it.
    events: OnceLock<Result<Vec<Event>, (u32, EpcisError)>>,
    leaf: OnceLock<Hash>,
}

/// What an envelope says of itself, before or after its signature was verified.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The transaction's id.
    pub id: &'a Hash,
    /// Bytes of the envelope.
    pub bytes: u64,
    /// The organisation that it names.
    pub organisation: &'a str,
    /// The key that it names.
    pub signer: &'a [u8; 32],
    /// When it was created, by its submitter's clock; milliseconds since 1970-01-01T00:00:00Z.
    pub created_ms: u64,
}

/// A transaction whose envelope is canonical; its signature is not verified yet.
#[derive(Clone, Debug)]
pub struct UnverifiedTransaction {
    chain_id: Hash,
    body: Vec<u8>,
    signature: [u8; 64],
    /// Verified once the signature over the body is.
    transaction: VerifiedTransaction,
}

impl UnverifiedTransaction {
    /// What it claims.
    pub fn claim(&self) -> Claim<'_> {
        self.transaction.claim()
    }

    /// Exact bytes of the envelope.
    pub fn envelope(&self) -> &[u8] {
        &self.transaction.envelope
    }

    /// Verifies the signature: the costly step, which a node does once for each envelope.
    pub fn verify(self) -> Result<VerifiedTransaction, Rejection> {
        let key = self.transaction.signer;
        let purpose = Purpose::Transaction;
        let holds = signing::verify(&key, purpose, &self.chain_id, &self.body, &self.signature);
        self.verified(holds)
    }

    /// The same by the table of the key, if it is the one that signed.
    pub fn verify_by(self, table: &KeyTable) -> Result<VerifiedTransaction, Rejection> {
        if table.public_key() != &self.transaction.signer {
            return self.verify();
        }
        let purpose = Purpose::Transaction;
        let holds = table.verify(purpose, &self.chain_id, &self.body, &self.signature);
        self.verified(holds)
    }

    /// The same for several, each with the table of its key, in less time and with the same answers.
    pub fn verify_each<T>(read: Vec<(Self, T)>) -> Vec<Result<VerifiedTransaction, Rejection>>
    where
        T: Deref<Target = KeyTable>,
    {
        let purpose = Purpose::Transaction;
        let signed = read.iter();
        let signed =
            signed.map(|(one, _)| signing::signed_bytes(purpose, &one.chain_id, &one.body));
        let signed: Vec<Vec<u8>> = signed.collect();
        let signatures = read.iter().zip(&signed);
        let signatures = signatures.map(|((one, table), signed)| {
            let table: &KeyTable = table;
            (table, signed.as_slice(), &one.signature)
        });
        let hold = signing::verify_each(&signatures.collect::<Vec<_>>());
        let each = read.into_iter().zip(hold);
        each.map(
            |((one, table), holds)| match table.public_key() == &one.transaction.signer {
                true => one.verified(holds),
                false => one.verify(),
            },
        )
        .collect()
    }

    fn verified(self, holds: bool) -> Result<VerifiedTransaction, Rejection> {
        match holds {
            true => Ok(self.transaction),
            false => Err(Rejection::BadSignature {
                key: self.transaction.signer,
            }),
        }
    }
}

impl VerifiedTransaction {
    /// What it claims.
    pub fn claim(&self) -> Claim<'_> {
        Claim {
            id: &self.id,
            bytes: self.envelope.len() as u64,
            organisation: &self.organisation,
            signer: &self.signer,
            created_ms: self.created_ms,
        }
    }

    /// The transaction's id; it doesn't depend on signature bytes.
    pub fn id(&self) -> &Hash {
        &self.id
    }

    /// Exact bytes of the envelope.
    pub fn envelope(&self) -> &[u8] {
        &self.envelope
    }

    /// The key that signed.
    pub fn signer(&self) -> &[u8; 32] {
        &self.signer
    }

    /// Id of the organisation that it acts for.
    pub fn organisation(&self) -> &str {
        &self.organisation
    }

    /// What it does.
    pub fn action(&self) -> &Action {
        &self.action
    }

    /// The envelope's leaf in the tree of a block's transactions, hashed once.
    pub fn leaf(&self) -> &Hash {
        self.leaf
            .get_or_init(|| transaction_tree::leaf(&self.envelope))
    }

    /// The events of a capture, in order, and none of another action; or the index of the first that can't be read, and
    /// why. They are read once, however often they are asked for.
    pub fn events(&self) -> Result<&[Event], (u32, &EpcisError)> {
        let read = self.events.get_or_init(|| {
            let Action::CaptureEvents(capture) = &self.action else {
                return Ok(Vec::new());
            };
            let read = (0u32..)
                .zip(&capture.events)
                .map(|(index, bytes)| Event::parse(bytes).map_err(|error| (index, error)));
            read.collect()
        });
        match read {
            Ok(events) => Ok(events),
            Err((index, error)) => Err((*index, error)),
        }
    }
}

/// Decodes exact bytes and verifies the signature for the chain.
pub fn verify(chain_id: &Hash, envelope_bytes: &[u8]) -> Result<VerifiedTransaction, Rejection> {
    read(chain_id, envelope_bytes)?.verify()
}

/// Decodes exact bytes, without verifying the signature.
pub fn read(chain_id: &Hash, envelope_bytes: &[u8]) -> Result<UnverifiedTransaction, Rejection> {
    if envelope_bytes.len() > MAX_ENVELOPE_BYTES {
        return Err(Rejection::TransactionTooLarge {
            bytes: envelope_bytes.len() as u64,
            limit: MAX_ENVELOPE_BYTES as u64,
        });
    }
    let envelope: ledger::Envelope = encoding::decode_exact(envelope_bytes)?;
    let body: ledger::Transaction = encoding::decode_exact(&envelope.body)?;
    let [signature] = envelope.signatures.as_slice() else {
        return Err(Rejection::SignatureCount {
            found: envelope.signatures.len(),
        });
    };
    let signer: [u8; 32] = encoding::exact("public_key", &signature.public_key)?;
    let signature: [u8; 64] = encoding::exact("signature", &signature.signature)?;
    let action = body.action.ok_or(Rejection::NoAction)?;
    Ok(UnverifiedTransaction {
        chain_id: *chain_id,
        transaction: VerifiedTransaction {
            id: id(chain_id, &envelope.body),
            envelope: envelope_bytes.to_vec(),
            signer,
            organisation: body.organisation,
            created_ms: body.created_ms,
            action,
            events: OnceLock::new(),
            leaf: OnceLock::new(),
        },
        body: envelope.body,
        signature,
    })
}

/// The id of the transaction with this exact body.
pub fn id(chain_id: &Hash, body: &[u8]) -> Hash {
    hash::tagged(tag::TRANSACTION_ID, &[chain_id, body])
}

/// The bytes whose SHA-256 is the id of a verified transaction.
pub fn id_preimage(
    chain_id: &Hash,
    transaction: &VerifiedTransaction,
) -> Result<Vec<u8>, Malformed> {
    let envelope: ledger::Envelope = encoding::decode_exact(&transaction.envelope)?;
    let tag = tag::TRANSACTION_ID.as_bytes();
    Ok([tag, &[0], chain_id, &envelope.body].concat())
}

/// The id of an envelope, without checking more than its outer shape.
pub fn id_of_envelope(chain_id: &Hash, envelope: &[u8]) -> Result<Hash, Rejection> {
    let envelope: ledger::Envelope = encoding::decode_exact(envelope)?;
    Ok(id(chain_id, &envelope.body))
}

/// The capture in an envelope, `None` where it does something else; the signature isn't looked at.
pub fn capture(envelope: &[u8]) -> Result<Option<ledger::CaptureEvents>, Malformed> {
    let envelope: ledger::Envelope = encoding::decode_exact(envelope)?;
    let body: ledger::Transaction = encoding::decode_exact(&envelope.body)?;
    Ok(match body.action {
        Some(Action::CaptureEvents(capture)) => Some(capture),
        _ => None,
    })
}

/// The events in an envelope's capture, `None` where it does something else; the signature isn't looked at.
pub fn captured_events(envelope: &[u8]) -> Result<Option<Vec<Vec<u8>>>, Malformed> {
    Ok(capture(envelope)?.map(|capture| capture.events))
}

/// The event with this number in an envelope's capture, found without decoding the others; none where the envelope
/// isn't canonical or has none. Whoever asks checks that it is the event that he wants.
pub fn captured_event(envelope: &[u8], number: u32) -> Option<&[u8]> {
    let body = fields(envelope).find(|(tag, _)| *tag == BODY)?.1;
    let capture = fields(body).find(|(tag, _)| *tag == CAPTURE_EVENTS)?.1;
    let events = fields(capture).filter(|(tag, _)| *tag == EVENTS);
    let number = usize::try_from(number).ok()?;
    events.map(|(_, event)| event).nth(number)
}

/// Numbers of fields: of the body in an envelope, of a capture in a body, of events in a capture.
const BODY: u32 = 1;
const CAPTURE_EVENTS: u32 = 10;
const EVENTS: u32 = 1;

/// A message's fields that have a length, with their numbers, as far as it can be read.
fn fields(mut rest: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    std::iter::from_fn(move || {
        loop {
            let (tag, wire_type) = prost::encoding::decode_key(&mut rest).ok()?;
            let value = prost::encoding::decode_varint(&mut rest).ok();
            match wire_type {
                // Its value has been read.
                WireType::Varint => _ = value?,
                WireType::LengthDelimited => {
                    let length = usize::try_from(value?).ok()?;
                    let (field, after) = rest.split_at_checked(length)?;
                    rest = after;
                    return Some((tag, field));
                }
                // No field of these messages.
                _ => return None,
            }
        }
    })
}

/// Encodes and signs a transaction; gives the envelope's exact bytes.
pub fn sign(
    key: &ed25519_dalek::SigningKey,
    chain_id: &Hash,
    transaction: &ledger::Transaction,
) -> Vec<u8> {
    let body = transaction.encode_to_vec();
    let signature = signing::sign(key, Purpose::Transaction, chain_id, &body);
    ledger::Envelope {
        body,
        signatures: vec![ledger::Signature {
            public_key: key.verifying_key().to_bytes().to_vec(),
            signature: signature.to_vec(),
        }],
    }
    .encode_to_vec()
}

#[cfg(test)]
mod tests;
