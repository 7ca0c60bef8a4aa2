//! Designs of others than the maker: of a designer for whom a platform vouches, and one that was passed on.

use touchstone_core::designs::design;
use touchstone_core::hash::Hash;
use touchstone_core::test_support::rights::{answer_right, end_right, offer_right};
use touchstone_core::test_support::vouched::{LIN, deposit, withdraw};
use touchstone_core::test_support::{Chain, MAKER, MARKET, OFFICE, public};
use touchstone_proto::ledger::Outcome;
use touchstone_proto::ledger::transaction::Action;

use crate::random::Random;

/// A term that no world outlives, milliseconds.
const LONG_MS: u64 = 1_000_000_000;

/// A chain on which the market vouches for a designer gets deposits of both kinds: their ids. The vouching may be
/// taken back; the right may be on offer once more, or may have ended.
pub(super) fn grow(chain: &mut Chain, random: &mut Random) -> Vec<Hash> {
    run(chain, LIN, deposit(201));
    if random.permille(300) {
        run(chain, MARKET, withdraw(LIN.0, "a false passport"));
    }
    run(chain, MAKER, deposit(202));
    let passed_on = design::id(&public(MAKER.1), &[202; 32]);
    let deadline_ms = chain.time_ms + LONG_MS;
    let offer = offer_right(&passed_on, MARKET.0, deadline_ms);
    let offer = run(chain, MAKER, offer);
    let answer = answer_right(&passed_on, &offer, Outcome::Accepted);
    run(chain, MARKET, answer);
    match random.below(3) {
        0 => drop(run(
            chain,
            MARKET,
            offer_right(&passed_on, OFFICE.0, deadline_ms),
        )),
        1 => drop(run(chain, MARKET, end_right(&passed_on))),
        _ => {}
    }
    vec![design::id(&public(LIN.1), &[201; 32]), passed_on]
}

fn run(chain: &mut Chain, who: (&str, u8), action: Action) -> Hash {
    let applied = chain.run_for_id(who, action);
    applied.expect("keys of founders and of a designer, and a young chain")
}
