//! Disputes with panels of jurors or an assistance centre's opinion, and licences: how a chain comes by them, and
//! forged records of them.

use prost::Message;
use touchstone_core::designs::review::draws;
use touchstone_core::encoding::decode_exact;
use touchstone_core::evidence::Additions;
use touchstone_core::hash::Hash;
use touchstone_core::test_support::beacons::{self, BENDS};
use touchstone_core::test_support::cases::ruled;
use touchstone_core::test_support::disputes::{AID, notice, opinion, refer};
use touchstone_core::test_support::reviews::{
    FEW, Jury, VALIDATORS, accept, appeal, dispute_again, open_review, put_chain, reveal_all, vote,
};
use touchstone_core::test_support::rights::{end_licence, grant, terms};
use touchstone_core::test_support::vouched::{LIN, vouch};
use touchstone_core::test_support::{CARRIER, Chain, MAKER, MARKET, OFFICE, change, newcomer};
use touchstone_proto::evidence::{Evidence, State};
use touchstone_proto::ledger::change::Kind;
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{
    Authorisations, CentreOpinion, Dispute, DisputeOutcome, DisputeTally, Draw, FalseStatements,
    LicenceEnd, LicensedAct, Panel, ReviewChoice, ReviewGround, ReviewTerms, Right, Role,
};
use touchstone_proto::node::AuthorisationQuestion;

use super::{records, sanctioned};
use crate::random::Random;

/// Sellers whom files ask about; none owns a design, so each question reads a list of its own.
const SELLERS: [&str; 4] = ["carrier", "market.lin", "office", "stranger"];

/// Keys of the records that disputes and licences are.
const PREFIXES: [&[u8]; 7] = [
    b"dispute-subject/",
    b"dispute/",
    b"panel/",
    b"draw/",
    b"authorised/",
    b"licence-end/",
    b"right/",
];

/// A young chain's maker disputes two listings under a design's right, one before a panel, one that the platform refers
/// to an assistance centre, and licenses it; two more are grounds of sanctions. The ids of the disputes.
pub(super) fn grow(chain: &mut Chain, design: &Hash, random: &mut Random) -> Vec<Hash> {
    for seed in VALIDATORS {
        chain.approve(&[MARKET, CARRIER, MAKER], &put_chain(1, seed));
    }
    // Half of the chains name a public beacon.
    let named = random.permille(500).then(beacons::named);
    let terms_of_reviews = ReviewTerms {
        beacon: named,
        ..FEW
    };
    let terms_of_reviews = change(1, Kind::PutReviewTerms(terms_of_reviews));
    chain.approve(&[MARKET, CARRIER, MAKER], &terms_of_reviews);
    let jury = Jury::of(20);
    run(chain, MARKET, jury.register());
    // Each side was found false once: later statements of theirs say so.
    for (listing, outcome) in [
        ("https://market.example/5", DisputeOutcome::FalseNotice),
        ("https://market.example/6", DisputeOutcome::FalseDeclaration),
    ] {
        ruled(chain, design, listing, outcome);
    }
    let reviewed = dispute_again(chain, design, "https://market.example/1");
    let opened = open_review(&reviewed, ReviewGround::Similarity);
    run(chain, CARRIER, opened);
    drawn(chain, random);
    let (choice, loser) = match random.permille(500) {
        true => (ReviewChoice::Uphold, CARRIER),
        false => (ReviewChoice::Dismiss, MAKER),
    };
    vote(chain, &jury, &reviewed, 0, &[choice; 3]);
    if random.permille(500) {
        run(chain, loser, appeal(&reviewed));
        drawn(chain, random);
        vote(chain, &jury, &reviewed, 1, &[choice; 5]);
    } else {
        run(chain, loser, accept(&reviewed));
    }
    let open = Action::GiveNotice(notice(design, "https://market.example/2"));
    let open = run(chain, MAKER, open);
    referred(chain, &open, random);
    licences(chain, design, random);
    let mut disputes = sanctioned::grow(chain, design, random);
    disputes.extend([reviewed, open]);
    disputes
}

/// All validators reveal; a beacon's pulse is shown, or the draw goes on without it.
fn drawn(chain: &mut Chain, random: &mut Random) {
    reveal_all(chain);
    let (_, draw) = draws::last(&chain.state)
        .expect("a young chain")
        .expect("a draw");
    if !beacons::waits(&draw) {
        return;
    }
    if random.permille(700) {
        let pulse = beacons::awaited(chain);
        run(chain, OFFICE, beacons::show(pulse));
    } else {
        chain.time_ms += u64::from(beacons::named().wait_ms);
        chain.commit(&[]);
    }
}

/// The platform asks an assistance centre, which may have answered.
fn referred(chain: &mut Chain, dispute: &Hash, random: &mut Random) {
    let mut record = newcomer(AID.0, AID.1);
    record.roles = vec![Role::Assistance.into()];
    let wanted = change(200, Kind::PutOrganisation(record));
    chain.approve(&[MARKET, CARRIER, MAKER], &wanted);
    run(chain, MARKET, refer(dispute, AID.0));
    if random.permille(700) {
        let found = match random.permille(500) {
            true => CentreOpinion::Infringes,
            false => CentreOpinion::DoesNotInfringe,
        };
        run(chain, AID, opinion(dispute, found));
    }
}

/// A licence with a sublicence, which may have ended, and one for a class.
fn licences(chain: &mut Chain, design: &Hash, random: &mut Random) {
    let mut wide = terms(chain.time_ms + 10_000_000);
    let class = grant(design, None, "market.*", wide.clone());
    run(chain, MAKER, class);
    let word = vouch(&chain.id, LIN, chain.time_ms + 1_000_000);
    run(chain, MARKET, Action::VouchForDesigner(word));
    wide.depth = 1;
    let own = run(chain, MAKER, grant(design, None, CARRIER.0, wide.clone()));
    wide.depth = 0;
    let beneath = grant(design, Some(&own), OFFICE.0, wide);
    run(chain, CARRIER, beneath);
    if random.permille(500) {
        run(chain, MAKER, end_licence(&own));
    }
}

fn run(chain: &mut Chain, who: (&str, u8), action: Action) -> Hash {
    let applied = chain.run_for_id(who, action);
    applied.expect("founders' keys, and a young chain")
}

/// What files about the design show of it at a time.
pub(super) fn additions(disputes: &[Hash], time_ms: u64) -> Additions {
    Additions {
        disputes: disputes.to_vec(),
        questions: SELLERS.map(|seller| question(seller, time_ms)).to_vec(),
    }
}

fn question(seller: &str, time_ms: u64) -> AuthorisationQuestion {
    AuthorisationQuestion {
        seller: seller.into(),
        act: LicensedAct::Sell.into(),
        territory: "CN".into(),
        time_ms,
    }
}

/// Other panels, votes, outcomes or licences, or their records left out.
pub(super) fn forge(
    mut evidence: Evidence,
    donor: &Evidence,
    random: &mut Random,
) -> Option<Evidence> {
    let is_about = |state: &State| PREFIXES.iter().any(|p| state.key.starts_with(p));
    let (at, other) = records::pick(&evidence, donor, is_about, random)?;
    match random.below(7) {
        // A record is left out.
        0 => drop(evidence.states.remove(at)),
        // Another record's value in this one's place, with its proof or without.
        1 => records::exchange(&mut evidence.states[at], other?, random),
        // A record that the file doesn't need.
        2 => records::add(&mut evidence.states, other?),
        // A dispute or the questions are asked for no more, and their records stay.
        3 => {
            let ids = &mut evidence.disputes.as_mut()?.ids;
            match ids.pop() {
                Some(_) => {}
                None => ids.push(random.bytes().to_vec()),
            }
        }
        4 if !evidence.questions.is_empty() => evidence.questions.clear(),
        _ => {
            let key = evidence.states[at].key.clone();
            let value = evidence.states[at].value.as_mut()?;
            *value = told_otherwise(&key, value, random)?;
        }
    }
    Some(evidence)
}

/// A record that says something else.
fn told_otherwise(key: &[u8], value: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    Some(match key {
        _ if key.starts_with(b"dispute-subject/") => {
            let mut tally: DisputeTally = decode_exact(value).ok()?;
            match random.below(3) {
                0 => tally.notices = tally.notices.saturating_sub(1),
                1 => std::mem::swap(&mut tally.panel_upheld, &mut tally.panel_dismissed),
                _ => tally.by_default += 1,
            }
            tally.encode_to_vec()
        }
        _ if key.starts_with(b"dispute/") => {
            let mut dispute: Dispute = decode_exact(value).ok()?;
            match random.below(8) {
                0 => dispute.outcome ^= 7,
                1 => dispute.respondent.push('x'),
                2 => dispute.review = None,
                3 => dispute.review.as_mut()?.results.first_mut()?.verdict ^= 3,
                4 => dispute.review.as_mut()?.results.first_mut()?.uphold += 1,
                5 => dispute.referral.as_mut()?.opinion ^= 3,
                6 => drop(dispute.referral.take()?),
                _ => dispute.complainant_before = Some(FalseStatements::default()),
            }
            dispute.encode_to_vec()
        }
        _ if key.starts_with(b"panel/") => {
            let mut panel: Panel = decode_exact(value).ok()?;
            let seat = random.index(panel.seats.len());
            match random.below(4) {
                0 => panel.seed[0] ^= 1,
                1 => panel.seats[seat].juror ^= 1,
                2 => panel.seats[seat].choice ^= 3,
                _ => drop(panel.seats.remove(seat)),
            }
            panel.encode_to_vec()
        }
        _ if key.starts_with(b"draw/") => {
            let mut draw: Draw = decode_exact(value).ok()?;
            let at = random.index(draw.values.len());
            match random.below(6) {
                0 => draw.values[at].preimage = random.bytes().to_vec(),
                1 => draw.values[at].preimage.clear(),
                2 => drop(draw.beacon.take()?),
                3 => draw.beacon.as_mut()?.pulse = None,
                4 => draw.beacon.as_mut()?.revealed_ms ^= 1 << 17,
                _ => {
                    let pulse = draw.beacon.as_mut()?.pulse.as_mut()?;
                    let (_, bend) = BENDS[random.index(BENDS.len())];
                    bend(pulse);
                }
            }
            draw.encode_to_vec()
        }
        _ if key.starts_with(b"authorised/") => {
            let mut list: Authorisations = decode_exact(value).ok()?;
            match random.below(3) {
                0 => list.licences.clear(),
                1 => list.licences.first_mut()?.until_ms += 1_000_000,
                _ => list.licences.first_mut()?.above.clear(),
            }
            list.encode_to_vec()
        }
        _ if key.starts_with(b"licence-end/") => {
            let mut end: LicenceEnd = decode_exact(value).ok()?;
            end.time_ms += 1_000_000;
            end.encode_to_vec()
        }
        _ => {
            let mut right: Right = decode_exact(value).ok()?;
            right.owners.first_mut()?.organisation = "carrier".into();
            right.encode_to_vec()
        }
    })
}
