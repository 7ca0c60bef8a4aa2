//! Queries of the state, each from one snapshot, proven under its tip's header.

use prost::Message;
use touchstone_core::designs::authorised::SaleQuestion;
use touchstone_core::governance::organisation;
use touchstone_core::hash::Hash;
use touchstone_core::proof::{authorisation, state};
use touchstone_core::state as ledger_state;
use touchstone_core::state::{StateRead, keys};
use touchstone_core::{Fault, encoding};
use touchstone_epcis::MAX_IDENTIFIER_BYTES;
use touchstone_pictures::SPECIFICATION;
use touchstone_proto::ledger::PictureFingerprint;
use touchstone_proto::node as wire;

use super::error::{ServiceError, unproven};
use super::proven_state::ProvenState;

/// Bytes of a page; it holds at least one element, which is no larger than a transaction. So an answer
/// stays well below what a message may weigh.
pub const PAGE_BYTES: usize = 4 << 20;
/// Time stamps of a page, at most: each is no larger than an authority's answer may be.
const CHECKPOINTS: usize = 100;

/// Bytes of the longest id of a seller: a voucher's and a designer's.
const MAX_SELLER_BYTES: usize = 129;
/// Bytes of the longest key: a container's identifier with what stands before it.
const MAX_KEY_BYTES: usize = MAX_IDENTIFIER_BYTES + 64;

/// An id of 32 bytes.
pub fn id(bytes: &[u8]) -> Result<Hash, ServiceError> {
    encoding::exact("id", bytes).map_err(|e| ServiceError::Malformed(e.to_string()))
}

/// A design by its id.
pub fn design(view: &ProvenState<'_>, bytes: &[u8]) -> Result<wire::DesignReply, ServiceError> {
    let record = prove(view, &keys::design(&id(bytes)?))?;
    Ok(wire::DesignReply {
        record: Some(record),
    })
}

/// An organisation's record.
pub fn organisation(view: &ProvenState<'_>, id: &str) -> Result<wire::StateReply, ServiceError> {
    prove(view, &keys::organisation(id))
}

/// A change of the consortium: its record.
pub fn change(view: &ProvenState<'_>, bytes: &[u8]) -> Result<wire::StateReply, ServiceError> {
    prove(view, &keys::change(&id(bytes)?))
}

/// Any key of the state.
pub fn record(view: &ProvenState<'_>, key: &[u8]) -> Result<wire::StateReply, ServiceError> {
    if key.len() > MAX_KEY_BYTES {
        return Err(ServiceError::Malformed(format!(
            "a key of the state has at most {MAX_KEY_BYTES} bytes"
        )));
    }
    prove(view, key)
}

/// The published pictures that look like one.
pub fn compare_picture(
    view: &ProvenState<'_>,
    request: &wire::ComparePictureRequest,
) -> Result<wire::ComparePictureReply, ServiceError> {
    if request.specification != SPECIFICATION {
        return Err(ServiceError::Malformed(format!(
            "fingerprints are of the specification {}",
            hex::encode(SPECIFICATION)
        )));
    }
    let fingerprint = ledger_state::stored_fingerprint(&PictureFingerprint {
        file_hash: Vec::new(),
        whole: request.whole.clone(),
        trimmed: request.trimmed.clone(),
        whole_quality: request.whole_quality,
        trimmed_quality: request.trimmed_quality,
    })
    .map_err(|e| ServiceError::Malformed(e.to_string()))?;
    let count = ledger_state::fingerprint_count(&view.snapshot)?;
    let compared = view.snapshot.compare(&fingerprint, count.pictures)?;
    Ok(wire::ComparePictureReply {
        searched: Some(prove(view, keys::FINGERPRINTS)?),
        found: compared.found,
        nearest: compared.named().iter().map(|hit| hit.number).collect(),
    })
}

/// A seller's id is a part of a key of the state.
pub(super) fn check_seller(id: &str) -> Result<(), ServiceError> {
    match id.len() <= MAX_SELLER_BYTES {
        true => Ok(()),
        false => Err(ServiceError::Malformed(format!(
            "a seller's id has at most {MAX_SELLER_BYTES} bytes"
        ))),
    }
}

/// Whether a seller may do something with a design, by the records that the question reads.
pub fn authorisation(
    view: &ProvenState<'_>,
    request: wire::GetAuthorisationRequest,
) -> Result<wire::AuthorisationReply, ServiceError> {
    check_seller(&request.seller)?;
    let asked = SaleQuestion {
        subject: id(&request.subject)?,
        act: request.act(),
        seller: request.seller,
        territory: request.territory,
        at_ms: request.time_ms,
    };
    let header = view.tip()?.certified.clone();
    let mut values = Vec::new();
    for key in authorisation::keys(&view.snapshot, &asked)? {
        values.push(match key {
            None => wire::ProvenValue::default(),
            Some(key) => {
                let wire::StateReply { value, proof, .. } = prove(view, &key)?;
                wire::ProvenValue { value, proof }
            }
        });
    }
    Ok(wire::AuthorisationReply {
        header: Some(header),
        values,
    })
}

/// The list of organisations' ids, then the record of each: the first proves that none is missing.
pub fn organisations(view: &ProvenState<'_>) -> Result<wire::ListOrganisationsReply, ServiceError> {
    let list = prove(view, keys::ORGANISATIONS)?;
    let ids = list.value.clone().unwrap_or_default();
    let mut organisations = vec![list];
    let damaged = |e| Fault::Damaged(format!("organisations: {e}"));
    for id in organisation::ids(&ids).map_err(damaged)? {
        organisations.push(prove(view, &keys::organisation(&id))?);
    }
    Ok(wire::ListOrganisationsReply { organisations })
}

/// The validators that decided the last block.
pub fn validators(view: &ProvenState<'_>) -> Result<wire::ValidatorsReply, ServiceError> {
    let tip = view.tip()?;
    Ok(wire::ValidatorsReply {
        header: Some(tip.certified.clone()),
        validators: Some(tip.validators.message()),
    })
}

/// The changes of the validator set from a height on, as many as fit an answer.
pub fn validator_set_changes(
    view: &ProvenState<'_>,
    from: u64,
) -> Result<wire::ValidatorSetChangesReply, ServiceError> {
    let sets = view.snapshot.validator_set_changes(from)?;
    let mut changes = Vec::new();
    let mut bytes = 0;
    for (height, set) in sets.into_iter().filter(|(height, _)| *height > 0) {
        let change = view.validator_set_change(height, &set)?;
        bytes += change.encoded_len();
        if bytes > PAGE_BYTES && !changes.is_empty() {
            break;
        }
        changes.push(change);
    }
    Ok(wire::ValidatorSetChangesReply { changes })
}

/// Evidence of double signing.
pub fn misbehaviour(view: &ProvenState<'_>) -> Result<wire::MisbehaviourReply, ServiceError> {
    let evidence = view.snapshot.misbehaviour()?;
    Ok(wire::MisbehaviourReply { evidence })
}

/// A page of the time stamps that are kept. Whoever asks verifies each over the blocks' headers.
pub fn checkpoints(
    view: &ProvenState<'_>,
    request: &wire::ListCheckpointsRequest,
) -> Result<wire::ListCheckpointsReply, ServiceError> {
    let after = match request.after_authority.as_str() {
        "" => None,
        authority => Some((authority, request.after_last)),
    };
    let limit = match request.limit as usize {
        0 => CHECKPOINTS,
        limit => limit.min(CHECKPOINTS),
    };
    let stamped = view
        .snapshot
        .checkpoints(request.from_height, after, limit)?;
    let checkpoints = stamped.into_iter().map(|range| wire::StampedRange {
        first: range.first,
        last: range.last,
        authority: range.authority,
        token: range.token,
        certificates: range.certificates,
    });
    Ok(wire::ListCheckpointsReply {
        checkpoints: checkpoints.collect(),
    })
}

/// What the state says of a key, proven under the tip's header, and verified.
pub fn prove(view: &ProvenState<'_>, key: &[u8]) -> Result<wire::StateReply, ServiceError> {
    let tip = view.tip()?;
    let (value, proof) = view.snapshot.prove_value(key)?;
    state::verify(&tip.header.state_root, key, value.as_deref(), &proof).map_err(unproven)?;
    Ok(wire::StateReply {
        header: Some(tip.certified.clone()),
        key: key.to_vec(),
        value,
        proof: Some(proof),
    })
}
