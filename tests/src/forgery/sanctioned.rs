//! Checks, hand-overs and sanctions beside disputes: how a chain comes by them, and forged records of them.

use prost::Message;
use touchstone_core::encoding::decode_exact;
use touchstone_core::hash::Hash;
use touchstone_core::test_support::cases::{
    INSPECTION, LABORATORY, TRIBUNAL, accept_case, appeal_sanction, decide_appeal, dispute_in,
    hand_over, mend_notice, mended, purchase, sample, sanction, spot_check,
};
use touchstone_core::test_support::disputes::{filing, measure, notice, ruling};
use touchstone_core::test_support::vouched::{LIN, vouch_again};
use touchstone_core::test_support::{CARRIER, Chain, MAKER, MARKET, OFFICE, change, newcomer};
use touchstone_proto::evidence::{Evidence, ShownDisputes, State};
use touchstone_proto::ledger::change::Kind;
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{
    CaseCheck, Dispute, DisputeOutcome, DisputePhase, IdentityCheck, PartySanctions,
    PlatformMeasure, Right, Role, SampleVerdict, Sanction, SanctionKind, SanctionOutcome,
    VouchedDesigner,
};

use super::records;
use crate::random::Random;

/// Keys of the records that tell of checks, hand-overs and sanctions.
const PREFIXES: [&[u8]; 7] = [
    b"check/",
    b"sanction/",
    b"sanctions/",
    b"sanctions-registered/",
    b"vouched/",
    b"dispute/",
    b"right/",
];

/// The register's number that the shop is vouched for with.
const REGISTERED_AS: &str = "91310000";

/// A term that no world outlives, milliseconds.
const LONG_MS: u64 = 1_000_000_000;

/// Two disputes under the design's right that an authority upholds: the first after checks of each kind, before a
/// court or the office; the second against a shop that the market vouches for. Both are grounds of sanctions, which
/// may be over soon, and of which one may be appealed. The disputes' ids.
pub(super) fn grow(chain: &mut Chain, design: &Hash, random: &mut Random) -> Vec<Hash> {
    let others = [
        (LABORATORY, Role::Laboratory),
        (TRIBUNAL, Role::Court),
        (INSPECTION, Role::Inspection),
    ];
    for (sequence, ((id, seed), role)) in (100..).zip(others) {
        let mut record = newcomer(id, seed);
        record.roles = vec![role.into()];
        let wanted = change(sequence, Kind::PutOrganisation(record));
        chain.approve(&[MARKET, CARRIER, MAKER], &wanted);
    }
    let listing = "https://market.example/3";
    let first = dispute_in(chain, design, listing, DisputePhase::Filed);
    checks(chain, &first, random);
    let judge = handed_over(chain, &first, random);
    run(chain, judge, ruling(&first, DisputeOutcome::Upheld));
    let until_ms = chain.time_ms + term_ms(random);
    let bar = sanction(CARRIER.0, SanctionKind::NoSales, &[first], until_ms);
    let bar = run(chain, OFFICE, Action::ImposeSanction(bar));
    appealed(chain, &bar, random);
    vec![first, shop(chain, design, random)]
}

/// A sanction's term: it may end while the world grows.
fn term_ms(random: &mut Random) -> u64 {
    match random.permille(300) {
        true => 9_000,
        false => LONG_MS,
    }
}

/// A purchase with its sample, a spot check, and a notice to mend; what waits for an answer may wait on.
fn checks(chain: &mut Chain, dispute: &Hash, random: &mut Random) {
    let bought = run(chain, MAKER, Action::RecordCheck(purchase(dispute)));
    run(chain, INSPECTION, Action::RecordCheck(spot_check(dispute)));
    let told = Action::RecordCheck(mend_notice(dispute, MARKET.0));
    let told = run(chain, INSPECTION, told);
    if random.permille(700) {
        let found = sample(&bought, SampleVerdict::NotAuthentic);
        run(chain, LABORATORY, Action::AnswerCheck(found));
    }
    if random.permille(700) {
        run(chain, MARKET, Action::AnswerCheck(mended(&told)));
    }
}

/// The case goes to a court or stays, and may be on offer to go back; who rules it.
fn handed_over(chain: &mut Chain, dispute: &Hash, random: &mut Random) -> (&'static str, u8) {
    if random.permille(300) {
        return OFFICE;
    }
    run(chain, OFFICE, hand_over(dispute, TRIBUNAL.0));
    run(chain, TRIBUNAL, accept_case(dispute));
    if random.permille(500) {
        run(chain, TRIBUNAL, hand_over(dispute, OFFICE.0));
    }
    TRIBUNAL
}

/// An appeal that is confirmed, that lifts the sanction, or that waits; or none.
fn appealed(chain: &mut Chain, imposed: &Hash, random: &mut Random) {
    let outcome = match random.below(4) {
        0 => Some(SanctionOutcome::Confirmed),
        1 => Some(SanctionOutcome::Lifted),
        2 => None,
        _ => return,
    };
    run(chain, CARRIER, appeal_sanction(imposed, TRIBUNAL.0));
    if let Some(outcome) = outcome {
        run(chain, TRIBUNAL, decide_appeal(imposed, outcome));
    }
}

/// The shop's dispute; its sanction holds for its register's number.
fn shop(chain: &mut Chain, design: &Hash, random: &mut Random) -> Hash {
    let mut word = vouch_again(&chain.id, LIN, chain.time_ms + LONG_MS);
    word.check = IdentityCheck::BusinessRegister.into();
    word.registered_as = REGISTERED_AS.into();
    run(chain, MARKET, Action::VouchForDesigner(word));
    let mut about = notice(design, "https://market.example/4");
    about.respondent = LIN.0.into();
    let id = run(chain, MAKER, Action::GiveNotice(about));
    run(chain, MARKET, measure(&id, PlatformMeasure::Removed));
    run(chain, MAKER, filing(&id, OFFICE.0));
    run(chain, OFFICE, ruling(&id, DisputeOutcome::Upheld));
    let kind = match random.permille(500) {
        true => SanctionKind::NoSales,
        false => SanctionKind::Warning,
    };
    let until_ms = chain.time_ms + term_ms(random);
    let against = sanction(LIN.0, kind, &[id], until_ms);
    run(chain, OFFICE, Action::ImposeSanction(against));
    id
}

fn run(chain: &mut Chain, who: (&str, u8), action: Action) -> Hash {
    let applied = chain.run_for_id(who, action);
    applied.expect("founders' keys, and a young chain")
}

/// Other checks, hand-overs or sanctions, their records left out, or a party's sanctions asked for no more.
pub(super) fn forge(
    mut evidence: Evidence,
    donor: &Evidence,
    random: &mut Random,
) -> Option<Evidence> {
    evidence.disputes.as_ref().filter(|d| !d.ids.is_empty())?;
    let is_about = |state: &State| PREFIXES.iter().any(|p| state.key.starts_with(p));
    let (at, other) = records::pick(&evidence, donor, is_about, random)?;
    match random.below(8) {
        // A record is left out.
        0 | 1 => drop(evidence.states.remove(at)),
        // Another record's value in this one's place, with its proof or without.
        2 => records::exchange(&mut evidence.states[at], other?, random),
        // A record that the file doesn't need.
        3 => records::add(&mut evidence.states, other?),
        4 => {
            let is_asked = !evidence.questions.is_empty();
            other_parties(evidence.disputes.as_mut()?, is_asked, random)?;
        }
        _ => {
            let key = evidence.states[at].key.clone();
            let value = evidence.states[at].value.as_mut()?;
            *value = told_otherwise(&key, value, random)?;
        }
    }
    Some(evidence)
}

/// Another list of the parties whose sanctions the file shows. One that a question reads too may be left out of it:
/// that file shows less, and is no forgery.
fn other_parties(shown: &mut ShownDisputes, is_asked: bool, random: &mut Random) -> Option<()> {
    let parties = &mut shown.parties;
    let last = parties.last()?.clone();
    match random.below(4) {
        0 if !is_asked => drop(parties.remove(random.index(parties.len()))),
        1 if parties.len() > 1 => parties.reverse(),
        2 => parties.push(last),
        // Of whom the file has no record, and nobody asks.
        3 => {
            parties.push(MAKER.0.into());
            parties.sort_unstable();
        }
        _ => return None,
    }
    Some(())
}

/// A record that says something else.
fn told_otherwise(key: &[u8], value: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    Some(match key {
        _ if key.starts_with(b"check/") => {
            let mut check: CaseCheck = decode_exact(value).ok()?;
            match random.below(5) {
                0 => check.verdict ^= 3,
                1 => check.seal_confirmed ^= 1,
                2 => check.by = "maker.other".into(),
                3 => check.answer = random.bytes().to_vec(),
                _ => check.deadline_ms += 1_000_000,
            }
            check.encode_to_vec()
        }
        _ if key.starts_with(b"sanction/") => {
            let mut sanction: Sanction = decode_exact(value).ok()?;
            match random.below(6) {
                0 => sanction.until_ms -= 1,
                1 => sanction.until_ms += 1_000_000,
                2 => sanction.outcome ^= 3,
                3 => {
                    sanction.appealed_ms ^= 1;
                    sanction.appeal = random.bytes().to_vec();
                }
                4 => sanction.kind ^= 2,
                _ => sanction.party = OFFICE.0.into(),
            }
            sanction.encode_to_vec()
        }
        _ if key.starts_with(b"sanctions") => {
            let mut list: PartySanctions = decode_exact(value).ok()?;
            match random.below(5) {
                0 => drop(list.held.pop()?),
                1 => list.held.first_mut()?.until_ms -= 1,
                2 => list.held.first_mut()?.subjects.clear(),
                3 => list.imposed = list.imposed.saturating_sub(1),
                _ => list.lifted += 1,
            }
            list.encode_to_vec()
        }
        _ if key.starts_with(b"vouched/") => {
            let mut vouched: VouchedDesigner = decode_exact(value).ok()?;
            match random.below(2) {
                0 => vouched.registered_as.clear(),
                _ => vouched.registered_as.push('1'),
            }
            vouched.encode_to_vec()
        }
        _ if key.starts_with(b"dispute/") => {
            let mut dispute: Dispute = decode_exact(value).ok()?;
            match random.below(5) {
                0 => drop(dispute.checks.pop()?),
                1 => drop(dispute.sanctions.pop()?),
                2 => drop(dispute.handovers.pop()?),
                3 => dispute.handovers.first_mut()?.to = OFFICE.0.into(),
                _ => dispute.handovers.first_mut()?.closed_ms += 1,
            }
            dispute.encode_to_vec()
        }
        // Nobody is sanctioned under this right.
        _ => {
            let mut right: Right = decode_exact(value).ok()?;
            right.sanctioned ^= 1;
            right.encode_to_vec()
        }
    })
}
