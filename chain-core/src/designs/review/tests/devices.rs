//! Simulated disputes in which jurors lose devices: as long as one is left to a juror, his vote is opened and counted.

use touchstone_proto::ledger::{ReviewTerms, SeatState};

use super::*;
use crate::block::BlockContext;
use crate::governance::parameters::parameters;
use crate::rules::Context;
use crate::state::delta::Delta;
use crate::test_support::stream;

const DISPUTES: u64 = 10_000;
const DEVICES: usize = 3;

/// Three jurors and no alternates: each vote decides.
const THREE: ReviewTerms = ReviewTerms {
    alternates: 0,
    ..FEW
};

fn context<'a>(
    block: &'a BlockContext,
    parameters: &'a touchstone_proto::ledger::Parameters,
    transaction: &'a crate::transaction::VerifiedTransaction,
) -> Context<'a> {
    Context {
        block,
        parameters,
        transaction,
        index: 0,
        organisation: Default::default(),
    }
}

/// Each device knows the juror's key and the ledger, and nothing of what another one sent.
#[test]
fn no_vote_is_lost_for_want_of_an_opening_that_a_device_could_have_made() {
    let jury = Jury::of(20);
    let (chain, _, id) = countered(&jury, THREE);
    let mut chain = chain;
    chain
        .run(CARRIER, open_review(&id, ReviewGround::Similarity))
        .unwrap();
    draw_panel(&mut chain);
    assert_eq!(panel_of(&chain, &id, 0).seats.len(), 3);
    let block = chain.context();
    let parameters = parameters(&chain.state).unwrap();
    let any = chain.sign(MARKET, open_review(&id, ReviewGround::Similarity));
    let any = chain.verified(&any).unwrap();
    let (mut without_device, mut opened, mut verdicts) = (0u64, 0u64, 0u64);
    for number in 0..DISPUTES {
        let mut draws = stream(number).flatten();
        let mut state = Delta::new(&chain.state);
        let context = || context(&block, &parameters, &any);
        let mut able = 0;
        for seat in 0..3 {
            let choice = [UPHOLD, DISMISS][usize::from(draws.next().unwrap() % 2)];
            let cast = jury.cast(&chain.id, &place(&chain, &id, 0, seat), choice);
            cast_ballot::apply(&mut state, &context(), &cast).unwrap();
        }
        for seat in 0..3 {
            // Two of three devices fail, each for itself; the first one that is left opens.
            let left = (0..DEVICES).find(|_| draws.next().unwrap().is_multiple_of(3));
            if left.is_none() {
                without_device += 1;
                continue;
            }
            able += 1;
            let panel: Panel = state.read(&keys::panel(&id, 0)).unwrap().unwrap();
            let place = place(&chain, &id, 0, seat);
            let opening = jury.open(&chain.id, &place, &panel.seats[seat].commitment);
            open_ballot::apply(&mut state, &context(), &opening.unwrap()).unwrap();
        }
        let panel: Panel = state.read(&keys::panel(&id, 0)).unwrap().unwrap();
        let open = panel
            .seats
            .iter()
            .filter(|s| s.state() == SeatState::Opened);
        assert_eq!(open.count(), able, "dispute {number}");
        opened += able as u64;
        verdicts += u64::from(able == 3);
    }
    assert_eq!(opened + without_device, 3 * DISPUTES);
    assert!(opened > DISPUTES && without_device > DISPUTES / 2 && verdicts > 1000);
}
