use super::*;
use crate::test_support::{Chain, MARKET, bit_flips, capture, item, object};

fn block() -> Block {
    let mut chain = Chain::start();
    let envelopes: Vec<Vec<u8>> = (0..3)
        .map(|n| chain.sign_at(MARKET, n, capture(&[object(n, &[item(n)])])))
        .collect();
    chain.commit(&envelopes);
    chain.blocks.remove(0)
}

#[test]
fn a_header_and_a_block_decode_to_what_was_encoded() {
    let block = block();
    assert_eq!(
        Header::decode(&block.header.encode()),
        Ok(block.header.clone())
    );
    assert_eq!(Block::decode(&block.encode()), Ok(block));
}

/// Each flipped bit gives another header or none, so another block id or none.
#[test]
fn the_block_id_covers_every_bit_of_the_header() {
    let header = block().header;
    for flipped in bit_flips(&header.encode()) {
        if let Ok(other) = Header::decode(&flipped) {
            assert_ne!(other.id(), header.id());
            assert_eq!(other.encode(), flipped);
        }
    }
}

#[test]
fn a_header_of_another_shape_is_refused() {
    type Edit = fn(&mut ledger::Header);
    let rows: [(&str, Edit); 8] = [
        ("chain_id", |h| {
            h.chain_id.pop();
        }),
        ("parent", |h| h.parent.push(0)),
        ("proposer", |h| h.proposer.clear()),
        ("transaction_root", |h| {
            h.transaction_root.pop();
        }),
        ("state_root", |h| {
            h.state_root.pop();
        }),
        ("validators_hash", |h| h.validators_hash.push(0)),
        ("next_validators_hash", |h| {
            h.next_validators_hash.pop();
        }),
        ("version", |h| h.version = 2),
    ];
    for (field, edit) in rows {
        let mut message: ledger::Header = encoding::decode_exact(&block().header.encode()).unwrap();
        edit(&mut message);
        match Header::decode(&message.encode_to_vec()) {
            Err(BadHeader::Malformed(Malformed::Length { field: found, .. })) => {
                assert_eq!(found, field);
            }
            Err(BadHeader::Version(version)) => assert_eq!((field, version), ("version", 2)),
            other => panic!("{field}: {other:?}"),
        }
    }
    for version in [0, u32::MAX] {
        let mut message: ledger::Header = encoding::decode_exact(&block().header.encode()).unwrap();
        message.version = version;
        let refused = Header::decode(&message.encode_to_vec());
        assert_eq!(refused, Err(BadHeader::Version(version)));
    }
}

/// As it was read, it is written: a newer program reads the older one's headers.
#[test]
fn a_header_keeps_its_version() {
    let mut header = block().header;
    let first = header.id();
    assert_eq!(
        Header::decode_within(&(1..=2), &header.encode()),
        Ok(header.clone())
    );
    header.version = 2;
    let bytes = header.encode();
    assert_eq!(Header::decode_within(&(1..=2), &bytes), Ok(header.clone()));
    assert_eq!(Header::decode(&bytes), Err(BadHeader::Version(2)));
    assert_ne!(header.id(), first);
}

#[test]
fn a_block_holds_exactly_the_transactions_of_its_header() {
    type Edit = fn(&mut Vec<Vec<u8>>);
    let rows: [(&str, Edit); 6] = [
        ("one left out", |t| {
            t.pop();
        }),
        ("all left out", Vec::clear),
        ("one twice", |t| t.push(t[2].clone())),
        ("swapped", |t| t.swap(0, 1)),
        ("one bit", |t| t[1][5] ^= 1),
        ("an empty one added", |t| t.push(vec![])),
    ];
    for (name, edit) in rows {
        let mut block = block();
        edit(&mut block.transactions);
        assert_eq!(
            Block::decode(&block.encode()),
            Err(BadBlock::TransactionRoot),
            "{name}"
        );
    }
    // The count alone: the tree's root binds it, and so does the header.
    let mut block = block();
    block.header.transaction_count += 1;
    assert_eq!(
        Block::decode(&block.encode()),
        Err(BadBlock::TransactionRoot)
    );
}

proptest::proptest! {
    #[test]
    fn hostile_bytes_are_refused(bytes: Vec<u8>) {
        proptest::prop_assert!(Header::decode(&bytes).is_err());
        proptest::prop_assert!(Block::decode(&bytes).is_err());
    }
}

/// Whatever costs little is asked before the transactions are looked at: here they never match.
#[test]
fn a_block_is_known_by_its_start() {
    let good = block();
    let parameters = crate::genesis::Parameters::default();
    let parameters = ledger::Parameters {
        max_block_bytes: parameters.max_block_bytes,
        max_block_transactions: 3,
        ..ledger::Parameters::default()
    };
    let with = |header: &Header| {
        let mut other = good.clone();
        other.header = header.clone();
        other.transactions[0].push(0);
        other.encode()
    };
    let check = |bytes: &[u8], id: &Hash| Block::check_start(bytes, id, &parameters);
    let id = good.id();
    assert_eq!(check(&good.encode(), &id), Ok(()));
    assert_eq!(check(&with(&good.header), &id), Ok(()));
    let mut other = good.header.clone();
    other.time_ms += 1;
    assert_eq!(check(&with(&other), &id), Err(BadBlock::Other));
    other.transaction_count = 4;
    assert_eq!(check(&with(&other), &other.id()), Err(BadBlock::TooLarge));
    let long = vec![0; parameters.max_block_bytes as usize + 3 * 5 + 513];
    assert_eq!(check(&long, &id), Err(BadBlock::TooLarge));
    assert_eq!(check(&long[1..], &id), Err(BadBlock::Other));
    let bytes = good.encode();
    for end in 0..bytes.len() {
        let header_end = good.header.encode().len() + 3;
        let expected = match end < header_end {
            true => Err(BadBlock::Other),
            false => Ok(()),
        };
        assert_eq!(check(&bytes[..end], &id), expected, "{end}");
    }
    for flipped in bit_flips(&bytes[..good.header.encode().len() + 3]) {
        assert!(check(&flipped, &id).is_err());
    }
}
