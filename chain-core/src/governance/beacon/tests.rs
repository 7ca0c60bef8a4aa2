use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::pulse_file::BadPulseFile;
use super::*;
use crate::test_support::beacons::{BENDS, json, named, pulse, sign};

const NIST: &[u8] = include_bytes!("../../../tests/data/beacon/nist-1918805.json");
const NIST_KEY: &str = include_str!("../../../tests/data/beacon/nist.pem");

/// The modulus in a PEM file, of so many bytes.
fn modulus_of(pem: &str, bytes: usize) -> Vec<u8> {
    let lines: String = pem.lines().filter(|l| !l.starts_with('-')).collect();
    let der = STANDARD.decode(lines).unwrap();
    // The key's two numbers end the structure; the exponent takes five bytes.
    let (rest, exponent) = der.split_at(der.len() - 5);
    assert_eq!(exponent, [2, 3, 1, 0, 1]);
    rest[rest.len() - bytes..].to_vec()
}

/// The beacon of NIST, whose key has 4096 bits.
fn nist() -> Beacon {
    Beacon {
        modulus: modulus_of(NIST_KEY, 512),
        chain_index: 2,
        ..named()
    }
}

/// A key of 4104 bits isn't a beacon's, though the signature by it is right.
#[test]
fn a_pulse_by_a_larger_key_is_refused() {
    let pulse = pulse_file::read(include_bytes!("../../../tests/data/beacon/large.json")).unwrap();
    let large = Beacon {
        modulus: modulus_of(include_str!("../../../tests/data/beacon/large.pem"), 513),
        ..named()
    };
    let refused = check_pulse(&large, pulse.time_ms - 120_000, &pulse);
    assert_eq!(refused, Err(BadPulse::Signature));
    let key = RsaPublicKeyComponents {
        n: &large.modulus,
        e: &EXPONENT.to_vec(),
    };
    let message = signed(&pulse).unwrap();
    let verified = key.verify(&RSA_PKCS1_2048_8192_SHA512, &message, &pulse.signature);
    assert!(verified.is_ok(), "it is right");
}

/// What NIST signed is made again exactly, down to the value that it published.
#[test]
fn a_pulse_of_nist_holds() {
    let pulse = pulse_file::read(NIST).unwrap();
    assert_eq!(
        (pulse.pulse_index, pulse.time_ms),
        (1_918_805, 1_787_745_600_000)
    );
    assert_eq!(signed(&pulse).unwrap().len(), 807);
    let output = hex::encode_upper(output(&pulse).unwrap());
    assert!(output.starts_with("4F95053399C7661D912F51A9A52F8FA6"));
    let revealed_ms = pulse.time_ms - 150_000;
    assert_eq!(check_pulse(&nist(), revealed_ms, &pulse), Ok(()));
    let other = named();
    let signature = check_pulse(
        &Beacon {
            chain_index: 2,
            ..other
        },
        revealed_ms,
        &pulse,
    );
    assert_eq!(signature, Err(BadPulse::Signature), "by another key");
}

#[test]
fn each_field_of_a_pulse_is_signed() {
    let real = pulse_file::read(NIST).unwrap();
    let own = pulse(1_767_225_600_000);
    for (beacon, good) in [(nist(), real), (named(), own)] {
        let revealed_ms = good.time_ms - 150_000;
        assert_eq!(check_pulse(&beacon, revealed_ms, &good), Ok(()));
        for (field, bend) in BENDS {
            let mut bent = good.clone();
            bend(&mut bent);
            assert!(check_pulse(&beacon, revealed_ms, &bent).is_err(), "{field}");
        }
    }
}

/// Even signed: a beacon signs nothing that has no one form, and nothing without bounds.
#[test]
fn a_pulse_of_another_form_is_refused_though_signed() {
    type Bend = fn(&mut BeaconPulse);
    let table: [(&str, Bend); 9] = [
        ("uri", |p| p.uri = "x".repeat(257)),
        ("version", |p| p.version = "x".repeat(33)),
        ("cipherSuite", |p| p.cipher_suite = 1),
        ("certificateId", |p| p.certificate_id.truncate(63)),
        ("localRandomValue", |p| p.local_random_value.push(0)),
        ("external.sourceId", |p| p.external_source_id.clear()),
        ("external.value", |p| p.external_value.push(0)),
        ("listValues", |p| drop(p.list_values.pop())),
        ("precommitmentValue", |p| p.precommitment_value.clear()),
    ];
    for (field, bend) in table {
        let mut bent = pulse(1_767_225_600_000);
        bend(&mut bent);
        sign(&mut bent);
        let refused = check_pulse(&named(), bent.time_ms - 120_000, &bent);
        assert_eq!(refused, Err(BadPulse::Field(field)));
    }
    let mut short = pulse(1_767_225_600_000);
    short.list_values[0].push(0);
    sign(&mut short);
    let refused = check_pulse(&named(), short.time_ms - 120_000, &short);
    assert_eq!(refused, Err(BadPulse::Field("listValues")));
}

/// Which pulse it is follows from the block's time: the first that is at least the delay later.
#[test]
fn a_block_names_one_pulse() {
    let beacon = named();
    for (after, expected) in [
        (0, 120_000),
        (1, 180_000),
        (60_000, 180_000),
        (60_001, 240_000),
        (119_999, 240_000),
    ] {
        assert_eq!(pulse_ms(&beacon, 6_000_000 + after), 6_000_000 + expected);
    }
    let good = pulse(6_120_000);
    assert_eq!(check_pulse(&beacon, 6_000_000, &good), Ok(()));
    let expected = BadPulse::Other {
        time: "1970-01-01T01:43:00.000Z".into(),
        chain: 7,
    };
    assert_eq!(check_pulse(&beacon, 6_000_001, &good), Err(expected));
    assert_eq!(
        time_stamp(1_709_164_800_007).unwrap(),
        "2024-02-29T00:00:00.007Z"
    );
    assert_eq!(time_stamp(u64::MAX), None);
}

#[test]
fn a_draw_waits_from_its_last_value_to_the_deadline() {
    let waiting = BeaconDraw {
        beacon: Some(named()),
        revealed_ms: 1_000,
        ..BeaconDraw::default()
    };
    assert!(awaited(&waiting, 1_000).is_some());
    assert!(awaited(&waiting, 21_601_000).is_some());
    assert!(awaited(&waiting, 21_601_001).is_none());
    type Bend = fn(&mut BeaconDraw);
    let table: [Bend; 4] = [
        |d| d.revealed_ms = 0,
        |d| d.closed_ms = 2_000,
        |d| d.pulse = Some(pulse(120_000)),
        |d| d.beacon = None,
    ];
    for bend in table {
        let mut bent = waiting.clone();
        bend(&mut bent);
        assert!(awaited(&bent, 1_000).is_none(), "{bent:?}");
    }
}

#[test]
fn weak_keys_and_times_out_of_range_are_refused() {
    assert_eq!((check(&named()), check(&nist())), (Ok(()), Ok(())));
    type Bend = fn(&mut Beacon);
    let weak: [Bend; 6] = [
        |b| b.modulus.clear(),
        |b| b.modulus.truncate(255),
        |b| b.modulus[0] = 0x7f,
        |b| b.modulus.insert(0, 0),
        |b| *b.modulus.last_mut().unwrap() ^= 1,
        |b| b.modulus = vec![0xff; 513],
    ];
    for bend in weak {
        let mut bent = named();
        bend(&mut bent);
        assert_eq!(check(&bent), Err(GovernanceRejection::BeaconKey));
    }
    assert_eq!(GovernanceRejection::BeaconKey.code(), 864);
    let table: [(&str, Bend); 8] = [
        ("beacon_period_ms", |b| b.period_ms = 999),
        ("beacon_period_ms", |b| b.period_ms = 86_400_001),
        ("beacon_delay_ms", |b| b.delay_ms = 59_999),
        ("beacon_delay_ms", |b| b.delay_ms = 3_600_001),
        ("beacon_wait_ms", |b| b.wait_ms = 599_999),
        ("beacon_wait_ms", |b| b.wait_ms = 259_200_001),
        // The pulse may come two periods after the delay.
        ("beacon_wait_ms", |b| b.period_ms = 10_740_001),
        ("beacon_wait_ms", |b| {
            (b.delay_ms, b.wait_ms) = (3_600_000, 3_719_999)
        }),
    ];
    for (name, bend) in table {
        let mut bent = named();
        bend(&mut bent);
        assert_eq!(check(&bent), Err(GovernanceRejection::ReviewTerm(name)));
    }
}

/// A file holds exactly what is signed; whatever is bent in it is told before anybody sends it.
#[test]
fn a_pulse_is_read_from_what_its_service_answers() {
    let own = pulse(1_767_225_600_000);
    let text = json(&own);
    assert_eq!(pulse_file::read(text.as_bytes()), Ok(own));
    let bent = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        pulse_file::read(text.replacen(from, to, 1).as_bytes()).unwrap_err()
    };
    let field = BadPulseFile::PulseField;
    assert_eq!(
        bent("2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00Z"),
        field("timeStamp")
    );
    assert_eq!(bent("2026-01-01T00", "2026-01-01 00"), field("timeStamp"));
    assert_eq!(bent("\"previous\"", "\"hour\""), field("listValues"));
    assert_eq!(
        bent("\"precommitmentValue\":\"08", "\"precommitmentValue\":\"0x"),
        field("precommitmentValue")
    );
    assert_eq!(
        bent("\"precommitmentValue\":\"08", "\"precommitmentValue\":\"09"),
        BadPulseFile::Output
    );
    assert!(matches!(
        bent("pulseIndex", "index"),
        BadPulseFile::Unreadable
    ));
    assert!(pulse_file::read(b"{}").is_err());
}
