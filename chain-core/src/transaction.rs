//! Signed transactions: strict decoding first, then the signature, then (in execution) the rules.

use prost::Message;
use touchstone_proto::ledger::{self, transaction::Action};

use crate::encoding;
use crate::hash::{self, Hash, tag};
use crate::rejection::Rejection;
use crate::signing::{self, Purpose};

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
    action: Action,
}

impl VerifiedTransaction {
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
}

/// Decodes exact bytes and verifies the signature for the chain. This is the costly step; a node
/// does it once for each envelope.
pub fn verify(chain_id: &Hash, envelope_bytes: &[u8]) -> Result<VerifiedTransaction, Rejection> {
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
    let bytes: [u8; 64] = encoding::exact("signature", &signature.signature)?;
    let action = body.action.ok_or(Rejection::NoAction)?;
    if !signing::verify(
        &signer,
        Purpose::Transaction,
        chain_id,
        &envelope.body,
        &bytes,
    ) {
        return Err(Rejection::BadSignature { key: signer });
    }
    Ok(VerifiedTransaction {
        id: id(chain_id, &envelope.body),
        envelope: envelope_bytes.to_vec(),
        signer,
        organisation: body.organisation,
        action,
    })
}

/// The id of the transaction with this exact body.
pub fn id(chain_id: &Hash, body: &[u8]) -> Hash {
    hash::tagged(tag::TRANSACTION_ID, &[chain_id, body])
}

/// The id of an envelope, without checking more than its outer shape.
pub fn id_of_envelope(chain_id: &Hash, envelope: &[u8]) -> Result<Hash, Rejection> {
    let envelope: ledger::Envelope = encoding::decode_exact(envelope)?;
    Ok(id(chain_id, &envelope.body))
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
