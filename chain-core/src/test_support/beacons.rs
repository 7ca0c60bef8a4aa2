//! A public beacon whose key the tests have.
//!
//! Consensus-critical: no

use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA512, RsaKeyPair, RsaPublicKeyComponents};
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{Beacon, BeaconPulse, Draw, ShowPulse};

use super::Chain;
use crate::designs::review::draws;
use crate::governance::beacon;

fn key_pair() -> RsaKeyPair {
    let pkcs8 = include_bytes!("../../tests/data/beacon/test-key.pk8");
    RsaKeyPair::from_pkcs8(pkcs8).unwrap()
}

/// The modulus of the tests' key.
pub fn modulus() -> Vec<u8> {
    RsaPublicKeyComponents::<Vec<u8>>::from(key_pair().public()).n
}

/// The beacon of the tests: a pulse a minute; draws take the first one two minutes after the values, and wait six
/// hours.
pub fn named() -> Beacon {
    Beacon {
        modulus: modulus(),
        chain_index: 7,
        period_ms: 60_000,
        delay_ms: 120_000,
        wait_ms: 21_600_000,
    }
}

/// Its pulse of a time.
pub fn pulse(time_ms: u64) -> BeaconPulse {
    let named = named();
    let number = time_ms / u64::from(named.period_ms);
    let mut pulse = BeaconPulse {
        uri: format!("https://beacon.example/beacon/2.0/chain/7/pulse/{number}"),
        version: "2.0".into(),
        cipher_suite: 0,
        period_ms: named.period_ms,
        certificate_id: vec![1; 64],
        chain_index: named.chain_index,
        pulse_index: number,
        time_ms,
        local_random_value: [number.to_be_bytes(); 8].concat(),
        external_source_id: vec![0; 64],
        external_status: 0,
        external_value: vec![0; 64],
        list_values: (2..7).map(|n| vec![n; 64]).collect(),
        precommitment_value: vec![8; 64],
        status: 0,
        signature: vec![],
    };
    sign(&mut pulse);
    pulse
}

/// Signs a pulse as it is. PKCS #1 v1.5 signs alike each time.
pub fn sign(pulse: &mut BeaconPulse) {
    let key = key_pair();
    let mut signature = vec![0; key.public().modulus_len()];
    let message = beacon::signed(pulse).unwrap();
    let random = SystemRandom::new();
    key.sign(&RSA_PKCS1_SHA512, &random, &message, &mut signature)
        .unwrap();
    pulse.signature = signature;
}

/// Whether a draw waits for a pulse.
pub fn waits(draw: &Draw) -> bool {
    let taken = draw.beacon.as_ref();
    taken.is_some_and(|taken| taken.revealed_ms > 0 && taken.closed_ms == 0)
}

/// The pulse that the last draw waits for.
pub fn awaited(chain: &Chain) -> BeaconPulse {
    let (_, draw) = draws::last(&chain.state).unwrap().unwrap();
    let taken = draw.beacon.unwrap();
    assert!(taken.revealed_ms > 0, "values are taken");
    pulse(beacon::pulse_ms(&taken.beacon.unwrap(), taken.revealed_ms))
}

pub fn show(pulse: BeaconPulse) -> Action {
    let pulse = Some(Box::new(pulse));
    Action::ShowPulse(ShowPulse { pulse })
}

/// The pulse as its service would answer with it.
pub fn json(pulse: &BeaconPulse) -> String {
    let hex = |bytes: &[u8]| hex::encode_upper(bytes);
    let types = ["previous", "hour", "day", "month", "year"].iter();
    let lists = types.zip(&pulse.list_values);
    let lists: Vec<_> = lists
        .map(|(kind, value)| serde_json::json!({"uri": "", "type": kind, "value": hex(value)}))
        .collect();
    let value = serde_json::json!({"pulse": {
        "uri": pulse.uri,
        "version": pulse.version,
        "cipherSuite": pulse.cipher_suite,
        "period": pulse.period_ms,
        "certificateId": hex::encode(&pulse.certificate_id),
        "chainIndex": pulse.chain_index,
        "pulseIndex": pulse.pulse_index,
        "timeStamp": beacon::time_stamp(pulse.time_ms),
        "localRandomValue": hex(&pulse.local_random_value),
        "external": {
            "sourceId": hex(&pulse.external_source_id),
            "statusCode": pulse.external_status,
            "value": hex(&pulse.external_value),
        },
        "listValues": lists,
        "precommitmentValue": hex(&pulse.precommitment_value),
        "statusCode": pulse.status,
        "signatureValue": hex(&pulse.signature),
        "outputValue": beacon::output(pulse).map(|output| hex(&output)),
    }});
    value.to_string()
}

/// A field of a pulse by its name, and another value in it.
pub type BentPulse = (&'static str, fn(&mut BeaconPulse));

/// Each field of a pulse, bent.
pub const BENDS: [BentPulse; 18] = [
    ("uri", |p| p.uri.push('x')),
    ("version", |p| p.version.push('0')),
    ("cipher_suite", |p| p.cipher_suite = 1),
    ("period_ms", |p| p.period_ms += 1),
    ("certificate_id", |p| p.certificate_id[0] ^= 1),
    ("chain_index", |p| p.chain_index += 1),
    ("pulse_index", |p| p.pulse_index += 1),
    ("time_ms", |p| p.time_ms += 60_000),
    ("local_random_value", |p| p.local_random_value[63] ^= 1),
    ("external_source_id", |p| p.external_source_id[0] ^= 1),
    ("external_status", |p| p.external_status = 1),
    ("external_value", |p| p.external_value[0] ^= 1),
    ("list_values", |p| p.list_values[4][0] ^= 1),
    ("order of list_values", |p| p.list_values.swap(0, 1)),
    ("a value more", |p| p.list_values.push(vec![9; 64])),
    ("precommitment_value", |p| p.precommitment_value[0] ^= 1),
    ("status", |p| p.status = 2),
    ("signature", |p| p.signature[0] ^= 1),
];
