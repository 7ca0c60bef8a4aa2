use touchstone_proto::ledger::change::Kind;
use touchstone_proto::ledger::{PutStanding, Standing};

use super::*;
use crate::test_support::{CARRIER, Chain, MAKER, MARKET, OFFICE, change};

fn stand(chain: &mut Chain, sequence: u64, organisation: &str, standing: Standing) -> u64 {
    let put = change(
        sequence,
        Kind::PutStanding(PutStanding {
            organisation: organisation.into(),
            standing: standing.into(),
        }),
    );
    let voters = [MARKET, CARRIER, MAKER, OFFICE];
    let others = voters.into_iter().filter(|(id, _)| *id != organisation);
    chain.approve(&others.collect::<Vec<_>>(), &put);
    chain.time_ms
}

fn record_of(chain: &Chain, id: &str) -> Option<Voucher> {
    chain.state.message(&keys::voucher(id))
}

/// From the block that suspends it to the one before it may act again; of many rests the last ones are named.
#[test]
fn a_vouchers_rests_are_recorded_and_the_record_stays_short() {
    let mut chain = Chain::start();
    let mut first_end = 0;
    for n in 0..=MAX_RESTS as u64 {
        let from_ms = stand(&mut chain, 2 * n + 1, MARKET.0, Standing::Suspended);
        let record = record_of(&chain, MARKET.0).unwrap();
        assert_eq!(
            record.rests.last().map(|r| (r.from_ms, r.until_ms)),
            Some((from_ms, 0))
        );
        assert!(rested_at(&record, from_ms) && rested_at(&record, from_ms + 1_000_000));
        assert!(!rested_at(&record, from_ms - 1));
        let back_ms = stand(&mut chain, 2 * n + 2, MARKET.0, Standing::Unspecified);
        let record = record_of(&chain, MARKET.0).unwrap();
        assert!(rested_at(&record, back_ms - 1) && !rested_at(&record, back_ms));
        if n == 0 {
            first_end = back_ms - 1;
        }
    }
    let record = record_of(&chain, MARKET.0).unwrap();
    assert_eq!(
        (record.rests.len(), record.told_from_ms),
        (MAX_RESTS, first_end + 1)
    );
}

/// Whoever loses the role vouches no more, as one that is suspended does; who never had it has no record.
#[test]
fn a_role_that_goes_is_a_rest_too() {
    let mut chain = Chain::start();
    let before: Organisation = chain.state.message(&keys::organisation(MARKET.0)).unwrap();
    let put = |sequence, roles: Vec<i32>| {
        change(
            sequence,
            Kind::PutOrganisation(Organisation {
                roles,
                ..before.clone()
            }),
        )
    };
    let voters = [MARKET, CARRIER, MAKER];
    chain.approve(&voters, &put(1, vec![Role::Designer.into()]));
    let from_ms = chain.time_ms;
    let record = record_of(&chain, MARKET.0).unwrap();
    assert_eq!(record.rests.last().map(|r| r.from_ms), Some(from_ms));
    chain.approve(&voters, &put(2, before.roles.clone()));
    let record = record_of(&chain, MARKET.0).unwrap();
    assert_eq!(
        record.rests.last().map(|r| r.until_ms),
        Some(chain.time_ms - 1)
    );
    stand(&mut chain, 3, CARRIER.0, Standing::Suspended);
    assert_eq!(record_of(&chain, CARRIER.0), None);
    // Nor has one that becomes a voucher for the first time.
    let maker: Organisation = chain.state.message(&keys::organisation(MAKER.0)).unwrap();
    let mut roles = [maker.roles.clone(), before.roles].concat();
    roles.sort_unstable();
    roles.dedup();
    let put = change(4, Kind::PutOrganisation(Organisation { roles, ..maker }));
    chain.approve(&[MARKET, MAKER, OFFICE], &put);
    let maker: Organisation = chain.state.message(&keys::organisation(MAKER.0)).unwrap();
    assert!(may_vouch(&maker));
    assert_eq!(record_of(&chain, MAKER.0), None);
}
