//! A pulse as the beacon's service answers with it: JSON, `{"pulse": {…}}`.
//!
//! Consensus-critical: no

use serde::Deserialize;
use thiserror::Error;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use touchstone_proto::ledger::BeaconPulse;

use super::{output, time_stamp};

/// What the values of earlier pulses are of, in the order in which they are signed.
const LIST_TYPES: [&str; 5] = ["previous", "hour", "day", "month", "year"];

/// Why a file holds no pulse.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadPulseFile {
    /// Not JSON of this shape.
    #[error("it is not a pulse of the NIST Randomness Beacon 2.0 in JSON, or not a whole one")]
    Unreadable,
    /// A field with something else in it.
    #[error("{0} is not what a pulse has there")]
    PulseField(&'static str),
    /// Fields that don't belong together.
    #[error("outputValue does not follow from the other fields: some of them were changed")]
    Output,
}

#[derive(Deserialize)]
struct File {
    pulse: Pulse,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pulse {
    uri: String,
    version: String,
    cipher_suite: u32,
    period: u32,
    certificate_id: String,
    chain_index: u64,
    pulse_index: u64,
    time_stamp: String,
    local_random_value: String,
    external: External,
    list_values: Vec<ListValue>,
    precommitment_value: String,
    status_code: u32,
    signature_value: String,
    output_value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct External {
    source_id: String,
    status_code: u32,
    value: String,
}

#[derive(Deserialize)]
struct ListValue {
    r#type: String,
    value: String,
}

/// The pulse of a file. Its output value must follow from the rest, so that a damaged file is told from a wrong one.
pub fn read(json: &[u8]) -> Result<BeaconPulse, BadPulseFile> {
    let file: File = serde_json::from_slice(json).map_err(|_| BadPulseFile::Unreadable)?;
    let told = file.pulse;
    let types = told.list_values.iter().map(|value| value.r#type.as_str());
    if !types.eq(LIST_TYPES) {
        return Err(BadPulseFile::PulseField("listValues"));
    }
    let lists = told.list_values.iter();
    let pulse = BeaconPulse {
        time_ms: time_ms(&told.time_stamp).ok_or(BadPulseFile::PulseField("timeStamp"))?,
        uri: told.uri,
        version: told.version,
        cipher_suite: told.cipher_suite,
        period_ms: told.period,
        certificate_id: bytes("certificateId", &told.certificate_id)?,
        chain_index: told.chain_index,
        pulse_index: told.pulse_index,
        local_random_value: bytes("localRandomValue", &told.local_random_value)?,
        external_source_id: bytes("external.sourceId", &told.external.source_id)?,
        external_status: told.external.status_code,
        external_value: bytes("external.value", &told.external.value)?,
        list_values: lists
            .map(|value| bytes("listValues", &value.value))
            .collect::<Result<_, _>>()?,
        precommitment_value: bytes("precommitmentValue", &told.precommitment_value)?,
        status: told.status_code,
        signature: bytes("signatureValue", &told.signature_value)?,
    };
    let told = bytes("outputValue", &told.output_value)?;
    match output(&pulse).is_some_and(|follows| follows == *told) {
        true => Ok(pulse),
        false => Err(BadPulseFile::Output),
    }
}

fn bytes(name: &'static str, hexadecimal: &str) -> Result<Vec<u8>, BadPulseFile> {
    hex::decode(hexadecimal).map_err(|_| BadPulseFile::PulseField(name))
}

/// A time in exactly the form in which it is signed.
fn time_ms(text: &str) -> Option<u64> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    let time_ms = u64::try_from(time.unix_timestamp_nanos().checked_div(1_000_000)?).ok()?;
    (time_stamp(time_ms)? == text).then_some(time_ms)
}
