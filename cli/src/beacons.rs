//! A public beacon in words, and for machines; its key and its pulses from files that somebody fetched.

use std::path::Path;

use ed25519_dalek::pkcs8::spki::der::asn1::UintRef;
use ed25519_dalek::pkcs8::spki::der::{self, Decode, Reader, SliceReader, pem};
use ed25519_dalek::pkcs8::spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};
use serde_json::{Value, json};
use touchstone_core::governance::beacon::{self, EXPONENT, pulse_file};
use touchstone_core::hash::sha256;
use touchstone_proto::ledger::{Beacon, BeaconDraw, BeaconPulse, Draw};

use crate::failure::Failure;
use crate::file;
use crate::messages::Language;
use crate::output::utc;
use crate::say;

/// rsaEncryption (RFC 8017).
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// Neither file is larger; bytes.
const MAX_FILE_BYTES: u64 = 64 << 10;

/// The modulus of the RSA key in a file: PEM of a public key (RFC 7468), or DER.
pub fn modulus(path: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = read(path)?;
    let file = path.display();
    let der = match pem::decode_vec(&bytes) {
        Ok(("PUBLIC KEY", der)) => der,
        Ok((label, _)) => {
            return Err(Failure::Usage(format!(
                "{file}: it holds {label}; take the public key out of a certificate by `openssl x509 -pubkey -noout`"
            )));
        }
        Err(_) => bytes,
    };
    let (modulus, exponent) = rsa_key(&der).ok_or_else(|| {
        Failure::Usage(format!(
            "{file}: it is no RSA public key in PEM or DER; take the beacon's out of its certificate by `openssl \
             x509 -pubkey -noout`"
        ))
    })?;
    match exponent == EXPONENT && beacon::is_strong(&modulus) {
        true => Ok(modulus),
        false => Err(Failure::Usage(format!(
            "{file}: a beacon's key must be RSA of 2048 to 4096 bits with the exponent 65537"
        ))),
    }
}

/// Modulus and exponent, each without leading zeros; `None` where it is another kind of key, or none.
fn rsa_key(spki: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let info = SubjectPublicKeyInfoRef::from_der(spki).ok()?;
    info.algorithm.assert_algorithm_oid(RSA).ok()?;
    let mut reader = SliceReader::new(info.subject_public_key.raw_bytes()).ok()?;
    let pair = reader.sequence(|pair| -> der::Result<(Vec<u8>, Vec<u8>)> {
        let modulus = UintRef::decode(pair)?.as_bytes().to_vec();
        Ok((modulus, UintRef::decode(pair)?.as_bytes().to_vec()))
    });
    let pair = pair.ok()?;
    reader.finish().ok()?;
    Some(pair)
}

/// The pulse in a file, as the beacon's service answers with it.
pub fn pulse(path: &Path) -> Result<BeaconPulse, Failure> {
    let bytes = read(path)?;
    pulse_file::read(&bytes).map_err(|e| {
        Failure::Usage(format!(
            "{}: {e}; fetch the pulse again, `touchstone review draw` tells which one it is",
            path.display()
        ))
    })
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    file::read_within(path, MAX_FILE_BYTES, |bytes| {
        Failure::Usage(format!(
            "{} has {bytes} bytes; a beacon's key or pulse has at most {MAX_FILE_BYTES}",
            path.display()
        ))
    })
}

/// A beacon as terms name it.
pub fn terms_json(named: &Beacon) -> Value {
    json!({
        "chain_index": named.chain_index,
        "period_ms": named.period_ms,
        "delay_ms": named.delay_ms,
        "wait_ms": named.wait_ms,
        "modulus_sha256": hex::encode(sha256(&named.modulus)),
    })
}

/// The same in one line.
pub fn terms_text(named: Option<&Beacon>) -> String {
    let Some(named) = named else {
        return "none".to_owned();
    };
    format!(
        "chain_index {}, period_ms {}, delay_ms {}, wait_ms {}, modulus_sha256 {}",
        named.chain_index,
        named.period_ms,
        named.delay_ms,
        named.wait_ms,
        hex::encode(sha256(&named.modulus))
    )
}

/// Which pulse a draw takes, and whether it came; null where its terms named no beacon.
pub fn taken_json(draw: &Draw) -> Value {
    let Some((named, taken)) = named_by(draw) else {
        return Value::Null;
    };
    let is_known = taken.revealed_ms > 0;
    let pulse = taken.pulse.as_ref();
    json!({
        "chain_index": named.chain_index,
        "pulse_ms": is_known.then(|| beacon::pulse_ms(named, taken.revealed_ms)),
        "deadline_ms": is_known.then(|| beacon::deadline_ms(named, taken.revealed_ms)),
        "pulse_index": pulse.map(|pulse| pulse.pulse_index),
        "output_value": pulse.and_then(beacon::output).map(hex::encode),
    })
}

/// The same for a draw that is over; none where its terms named no beacon.
pub fn taken_line(language: Language, draw: &Draw) -> Option<String> {
    let (named, taken) = named_by(draw)?;
    Some(match &taken.pulse {
        Some(pulse) => say!(
            language,
            "the draw takes the beacon's pulse {index} of chain {chain}, {time}; its signature is checked again",
            index = pulse.pulse_index,
            chain = pulse.chain_index,
            time = utc(pulse.time_ms)
        ),
        None => say!(
            language,
            "the beacon's pulse of {time} was not shown up to {deadline}: drawn without it",
            time = utc(beacon::pulse_ms(named, taken.revealed_ms)),
            deadline = utc(beacon::deadline_ms(named, taken.revealed_ms))
        ),
    })
}

/// Which pulse the last draw waits for; none where it doesn't.
pub fn awaited_line(language: Language, draw: &Draw) -> Option<String> {
    let (named, taken) = named_by(draw)?;
    let waits = taken.revealed_ms > 0 && taken.closed_ms == 0 && taken.pulse.is_none();
    let time_ms = beacon::pulse_ms(named, taken.revealed_ms);
    waits.then(|| {
        say!(
            language,
            "waits up to {deadline} for the beacon's pulse of {time} on chain {chain}, Unix time {time_ms} ms",
            deadline = utc(beacon::deadline_ms(named, taken.revealed_ms)),
            time = utc(time_ms),
            chain = named.chain_index,
            time_ms = time_ms
        )
    })
}

fn named_by(draw: &Draw) -> Option<(&Beacon, &BeaconDraw)> {
    let taken = draw.beacon.as_ref()?;
    Some((taken.beacon.as_ref()?, taken))
}

#[cfg(test)]
mod tests;
