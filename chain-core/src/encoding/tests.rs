use touchstone_proto::ledger::{Envelope, Organisation, Position, Proposal, Transaction};

use super::*;

/// Position { height: 5, transaction: 1, event: 2 }
const POSITION: &[u8] = &[0x08, 5, 0x10, 1, 0x18, 2];

#[test]
fn the_canonical_encoding_is_accepted() {
    let position: Position = decode_exact(POSITION).unwrap();
    assert_eq!(
        (position.height, position.transaction, position.event),
        (5, 1, 2)
    );
    decode_exact::<Position>(&[]).expect("a message of default values has no bytes");
}

/// Each row decodes as protobuf and means something, yet isn't what this code writes.
#[test]
fn other_encodings_of_a_message_are_not_canonical() {
    let position = |name, bytes: &[u8]| (name, decode_exact::<Position>(bytes).err());
    let rows = [
        position("unknown field", &[0x08, 5, 0x20, 1]),
        position("unknown field of bytes", &[0x08, 5, 0x7a, 1, 0]),
        position("another order", &[0x10, 1, 0x08, 5]),
        position("explicit default", &[0x08, 5, 0x10, 0]),
        position("a field twice", &[0x08, 4, 0x08, 5]),
        position("overlong integer", &[0x08, 0x85, 0x00]),
        position("overlong tag", &[0x88, 0x00, 5]),
        position("more than 32 bits", &[0x10, 0x81, 0x80, 0x80, 0x80, 0x10]),
        (
            "unpacked repeated enum",
            decode_exact::<Organisation>(&[0x18, 1]).err(),
        ),
        (
            "empty packed list",
            decode_exact::<Organisation>(&[0x1a, 0]).err(),
        ),
        (
            "oneof twice",
            decode_exact::<Transaction>(&[0x52, 0, 0x5a, 0]).err(),
        ),
        (
            "oneof of an unknown kind",
            decode_exact::<Transaction>(&[0x82, 0x01, 0]).err(),
        ),
    ];
    for (name, error) in rows {
        assert!(
            matches!(error, Some(Malformed::NotCanonical { .. })),
            "{name}: {error:?}"
        );
    }
}

#[test]
fn what_is_not_protobuf_is_undecodable() {
    let rows: [(&str, Option<Malformed>); 8] = [
        ("truncated", decode_exact::<Position>(&[0x08]).err()),
        ("field 0", decode_exact::<Position>(&[0x00, 1]).err()),
        ("wire type 7", decode_exact::<Position>(&[0x0f, 1]).err()),
        (
            "wrong wire type",
            decode_exact::<Position>(&[0x0a, 0]).err(),
        ),
        (
            "integer of 11 bytes",
            decode_exact::<Position>(&[
                0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
            ])
            .err(),
        ),
        (
            "length past the end",
            decode_exact::<Envelope>(&[0x0a, 5, 1]).err(),
        ),
        (
            "huge length",
            decode_exact::<Envelope>(&[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]).err(),
        ),
        (
            "text that isn't UTF-8",
            decode_exact::<Transaction>(&[0x0a, 1, 0xff]).err(),
        ),
    ];
    for (name, error) in rows {
        assert!(
            matches!(error, Some(Malformed::Undecodable { .. })),
            "{name}: {error:?}"
        );
    }
}

/// `optional` fields say whether they are there; zero is then a value.
#[test]
fn an_optional_zero_differs_from_none() {
    let zero: Proposal = decode_exact(&[0x20, 0]).unwrap();
    let none: Proposal = decode_exact(&[]).unwrap();
    assert_eq!((zero.valid_round, none.valid_round), (Some(0), None));
}

#[test]
fn exact_wants_the_length() {
    for length in [0, 3, 5] {
        assert_eq!(
            exact::<4>("field", &vec![0; length]),
            Err(Malformed::Length {
                field: "field",
                expected: 4,
                found: length
            })
        );
    }
    assert_eq!(exact("field", &[1, 2]), Ok([1, 2]));
}

proptest::proptest! {
    /// Whatever decodes is the only encoding of itself, and nothing makes the decoder panic.
    #[test]
    fn decoding_is_injective(bytes: Vec<u8>) {
        if let Ok(message) = decode_exact::<Organisation>(&bytes) {
            proptest::prop_assert_eq!(message.encode_to_vec(), bytes);
        }
    }
}
