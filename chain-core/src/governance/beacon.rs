//! A public beacon, which the consortium may name: draws of jurors take a pulse of it after the validators' values. Its
//! pulses are those of the NIST Randomness Beacon 2.0 with cipher suite 0, which is RSASSA-PKCS1-v1_5 with SHA-512.
//!
//! Source: draft NISTIR 8213, "A Reference for Randomness Beacons", for the fields and their order. The draft puts
//! eight bytes of length before texts and hashes, and has eight for the status of the external value; the service has
//! four for both, as its pulses show (`tests/data/beacon`).
//!
//! Turned down: drand, whose signatures are on the curve BLS12-381: ring has none of it, nor has a browser.
//!
//! Consensus-critical: yes

use ring::signature::{RSA_PKCS1_2048_8192_SHA512, RsaPublicKeyComponents};
use sha2::{Digest, Sha512};
use thiserror::Error;
use touchstone_proto::ledger::{Beacon, BeaconDraw, BeaconPulse};

use super::GovernanceRejection;

pub mod pulse_file;

/// Bits of a beacon's key.
pub const KEY_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// The exponent of each beacon's key: 65537, big-endian.
pub const EXPONENT: [u8; 3] = [1, 0, 1];

/// Bytes of the address in a pulse, at most.
const MAX_URI_BYTES: usize = 256;

/// Bytes of the version in a pulse, at most.
const MAX_VERSION_BYTES: usize = 32;

/// Bytes of SHA-512.
const DIGEST_BYTES: usize = 64;

/// Values of earlier pulses in a pulse: of the previous one, and of the first of its hour, day, month and year.
const LIST_VALUES: usize = 5;

/// Why a pulse isn't the one that a draw takes.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadPulse {
    /// Another pulse.
    #[error("the draw takes the pulse of {time} on chain {chain}; this is another one")]
    Other {
        /// Time of the pulse that the draw takes.
        time: String,
        /// Its chain.
        chain: u64,
    },
    /// A field that no pulse of this format has.
    #[error("{0} of the pulse is not as the NIST Randomness Beacon 2.0 has it")]
    Field(&'static str),
    /// Not signed by the beacon.
    #[error("the signature is not by the beacon's key over exactly this pulse")]
    Signature,
}

/// Rule: a beacon's key isn't weak, and its times have their ranges. A delay of a minute at least is far above the
/// error of a block's time, so that nobody knows the pulse while values are taken; and the wait has room for it.
pub(super) fn check(beacon: &Beacon) -> Result<(), GovernanceRejection> {
    if !is_strong(&beacon.modulus) {
        return Err(GovernanceRejection::BeaconKey);
    }
    let twice = beacon.period_ms.saturating_mul(2);
    let least = beacon.delay_ms.saturating_add(twice).max(600_000);
    let ranges = [
        ("beacon_period_ms", beacon.period_ms, 1_000, 86_400_000),
        ("beacon_delay_ms", beacon.delay_ms, 60_000, 3_600_000),
        ("beacon_wait_ms", beacon.wait_ms, least, 259_200_000),
    ];
    let outside = |(_, value, low, high): &&(&str, u32, u32, u32)| !(low..=high).contains(&value);
    let broken = ranges.iter().find(outside);
    broken.map_or(Ok(()), |(name, ..)| {
        Err(GovernanceRejection::ReviewTerm(name))
    })
}

/// Whether a modulus, big-endian without leading zeros, is an RSA key's of 2048 to 4096 bits. Whether it was made well
/// can't be seen from it.
pub fn is_strong(modulus: &[u8]) -> bool {
    let (Some(first), Some(last)) = (modulus.first(), modulus.last()) else {
        return false;
    };
    let unused = usize::try_from(first.leading_zeros()).unwrap_or_default();
    let bits = modulus.len().saturating_mul(8).saturating_sub(unused);
    *first != 0 && last & 1 == 1 && KEY_BITS.contains(&bits)
}

/// Time of the pulse that a draw takes whose values ended in a block of this time: the first one of the beacon that is
/// at least the delay later. Its time follows from the block's, so nobody chooses it.
pub fn pulse_ms(beacon: &Beacon, revealed_ms: u64) -> u64 {
    let (period, delay) = (u64::from(beacon.period_ms), u64::from(beacon.delay_ms));
    let least = revealed_ms.saturating_add(delay);
    match least.checked_rem(period).unwrap_or_default() {
        0 => least,
        over => least.saturating_sub(over).saturating_add(period),
    }
}

/// The last moment at which the pulse is taken; later the draw goes on without it.
pub fn deadline_ms(beacon: &Beacon, revealed_ms: u64) -> u64 {
    revealed_ms.saturating_add(u64::from(beacon.wait_ms))
}

/// The beacon whose pulse a draw waits for at a time; none where it doesn't wait, or the time is over.
pub fn awaited(draw: &BeaconDraw, now_ms: u64) -> Option<&Beacon> {
    let beacon = draw.beacon.as_ref()?;
    let waits = draw.revealed_ms > 0 && draw.closed_ms == 0 && draw.pulse.is_none();
    (waits && now_ms <= deadline_ms(beacon, draw.revealed_ms)).then_some(beacon)
}

/// Rule: a draw takes exactly the pulse that follows from the block that ended its values, signed by the beacon.
pub fn check_pulse(beacon: &Beacon, revealed_ms: u64, pulse: &BeaconPulse) -> Result<(), BadPulse> {
    let wanted_ms = pulse_ms(beacon, revealed_ms);
    let is_wanted = pulse.time_ms == wanted_ms
        && pulse.chain_index == beacon.chain_index
        && pulse.period_ms == beacon.period_ms;
    if !is_wanted {
        return Err(BadPulse::Other {
            time: time_stamp(wanted_ms).unwrap_or_default(),
            chain: beacon.chain_index,
        });
    }
    check_fields(pulse)?;
    let message = signed(pulse).ok_or(BadPulse::Field("timeStamp"))?;
    let key = RsaPublicKeyComponents {
        n: beacon.modulus.as_slice(),
        e: EXPONENT.as_slice(),
    };
    let is_strong = is_strong(&beacon.modulus);
    let verified = key.verify(&RSA_PKCS1_2048_8192_SHA512, &message, &pulse.signature);
    match is_strong && verified.is_ok() {
        true => Ok(()),
        false => Err(BadPulse::Signature),
    }
}

/// What no field of a pulse of cipher suite 0 may break, so that each pulse is signed in one way and is bounded.
fn check_fields(pulse: &BeaconPulse) -> Result<(), BadPulse> {
    let is_digest = |bytes: &[u8]| bytes.len() == DIGEST_BYTES;
    let lists = &pulse.list_values;
    let fields = [
        ("uri", pulse.uri.len() <= MAX_URI_BYTES),
        ("version", pulse.version.len() <= MAX_VERSION_BYTES),
        ("cipherSuite", pulse.cipher_suite == 0),
        ("certificateId", is_digest(&pulse.certificate_id)),
        ("localRandomValue", is_digest(&pulse.local_random_value)),
        ("external.sourceId", is_digest(&pulse.external_source_id)),
        ("external.value", is_digest(&pulse.external_value)),
        (
            "listValues",
            lists.len() == LIST_VALUES && lists.iter().all(|value| is_digest(value)),
        ),
        ("precommitmentValue", is_digest(&pulse.precommitment_value)),
    ];
    match fields.iter().find(|(_, is_right)| !is_right) {
        Some((name, _)) => Err(BadPulse::Field(name)),
        None => Ok(()),
    }
}

/// The bytes that a beacon signs; `None` where the time is none of the calendar's.
pub fn signed(pulse: &BeaconPulse) -> Option<Vec<u8>> {
    let time = time_stamp(pulse.time_ms)?;
    let mut bytes = Vec::new();
    sized(&mut bytes, pulse.uri.as_bytes())?;
    sized(&mut bytes, pulse.version.as_bytes())?;
    bytes.extend(pulse.cipher_suite.to_be_bytes());
    bytes.extend(pulse.period_ms.to_be_bytes());
    sized(&mut bytes, &pulse.certificate_id)?;
    bytes.extend(pulse.chain_index.to_be_bytes());
    bytes.extend(pulse.pulse_index.to_be_bytes());
    sized(&mut bytes, time.as_bytes())?;
    sized(&mut bytes, &pulse.local_random_value)?;
    sized(&mut bytes, &pulse.external_source_id)?;
    bytes.extend(pulse.external_status.to_be_bytes());
    sized(&mut bytes, &pulse.external_value)?;
    for value in &pulse.list_values {
        sized(&mut bytes, value)?;
    }
    sized(&mut bytes, &pulse.precommitment_value)?;
    bytes.extend(pulse.status.to_be_bytes());
    Some(bytes)
}

/// A pulse's output value: SHA-512 of what is signed, and the signature.
pub fn output(pulse: &BeaconPulse) -> Option<[u8; DIGEST_BYTES]> {
    let signed = signed(pulse)?;
    let hasher = Sha512::new().chain_update(signed);
    Some(hasher.chain_update(&pulse.signature).finalize().into())
}

/// A time as pulses have it.
pub fn time_stamp(time_ms: u64) -> Option<String> {
    touchstone_epcis::in_milliseconds(i128::from(time_ms).saturating_mul(1_000_000))
}

fn sized(bytes: &mut Vec<u8>, part: &[u8]) -> Option<()> {
    bytes.extend(u32::try_from(part.len()).ok()?.to_be_bytes());
    bytes.extend(part);
    Some(())
}

#[cfg(test)]
mod tests;
