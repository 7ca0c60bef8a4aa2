mod bounds;

use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{
    Dispute, DisputeOutcome, DisputePhase, IdentityCheck, ImposeSanction, Right,
};

use super::*;
use crate::designs::DesignRejection;
use crate::designs::authorised::{self, Denial, SaleAnswer};
use crate::designs::limits::{DAY_MS, HOUR_MS, MAX_SANCTIONS_OF_DISPUTE};
use crate::governance::dispute_terms::DEFAULT;
use crate::rejection::Rejection;
use crate::test_support::cases::{
    TRIBUNAL, appeal_sanction, decide_appeal, dispute_in, ruled, sanction as wanted, staffed,
};
use crate::test_support::disputes::{filing, measure, notice, ruling};
use crate::test_support::rights::{grant, sale, terms};
use crate::test_support::vouched::{LIN, vouch};
use crate::test_support::{CARRIER, Chain, MAKER, MARKET, OFFICE, stream};

const YEAR_MS: u64 = 365 * DAY_MS;

fn record(chain: &Chain, id: &Hash) -> Sanction {
    chain.state.message(&keys::sanction(id)).unwrap()
}

fn list(chain: &Chain, party: &str) -> PartySanctions {
    let found = chain.state.message(&keys::party_sanctions(party));
    found.unwrap_or_default()
}

fn refused(chain: &Chain, who: (&str, u8), action: Action) -> Rejection {
    chain.check(&chain.sign(who, action)).unwrap_err()
}

fn impose(chain: &mut Chain, who: (&str, u8), action: ImposeSanction) -> Hash {
    let action = Action::ImposeSanction(action);
    chain.run_for_id(who, action).unwrap()
}

/// A block looks at some hundred hours: an idle chain comes to a deadline after some of them.
fn wait_for_the_blocks(chain: &mut Chain) {
    for _ in 0..5 {
        chain.commit(&[]);
    }
}

fn answer(chain: &Chain, subject: &Hash, seller: &str, at_ms: u64) -> SaleAnswer {
    authorised::answer(&chain.state, &sale(subject, seller, at_ms)).unwrap()
}

/// The carrier has a licence; the office upheld a notice of its listing.
fn upheld() -> (Chain, Hash, Hash) {
    let (mut chain, subject) = staffed();
    let until_ms = chain.time_ms + 3 * YEAR_MS;
    let licence = grant(&subject, None, CARRIER.0, terms(until_ms));
    chain.run(MAKER, licence).unwrap();
    let dispute = ruled(&mut chain, &subject, "x", DisputeOutcome::Upheld);
    (chain, subject, dispute)
}

fn no_sales(chain: &Chain, dispute: &Hash) -> ImposeSanction {
    let until_ms = chain.time_ms + YEAR_MS;
    wanted(CARRIER.0, SanctionKind::NoSales, &[*dispute], until_ms)
}

#[test]
fn a_sanction_bars_at_once_and_lapses_by_its_date() {
    let (mut chain, subject, dispute) = upheld();
    let before_ms = chain.time_ms;
    let is_yes = |answer: &SaleAnswer| matches!(answer, SaleAnswer::Licensed(_));
    assert!(is_yes(&answer(&chain, &subject, CARRIER.0, before_ms)));
    let action = no_sales(&chain, &dispute);
    let until_ms = action.until_ms;
    let id = impose(&mut chain, OFFICE, action);
    let sanctioned = record(&chain, &id);
    assert_eq!(sanctioned.from_ms, chain.time_ms);
    assert_eq!(sanctioned.rule_book, vec![14; 32]);
    let earliest = chain.time_ms + u64::from(DEFAULT.appeal_days) * DAY_MS;
    assert!((earliest..earliest + HOUR_MS).contains(&sanctioned.deadline_ms));
    let ended: Dispute = chain.state.message(&keys::dispute(&dispute)).unwrap();
    assert_eq!(ended.sanctions, [id.to_vec()]);
    let right: Right = chain.state.message(&keys::right(&subject)).unwrap();
    assert_eq!(right.sanctioned, 1, "so no proof can do without the list");
    let bar = SaleAnswer::No(Denial::Sanctioned {
        sanction: id,
        until_ms,
    });
    let ask = |chain: &Chain, at_ms| answer(chain, &subject, CARRIER.0, at_ms);
    assert!(
        is_yes(&ask(&chain, sanctioned.from_ms - 1)),
        "the past stays"
    );
    assert_eq!(ask(&chain, sanctioned.from_ms), bar);
    assert_eq!(ask(&chain, until_ms), bar);
    assert!(is_yes(&ask(&chain, until_ms + 1)), "it lapses by itself");
    assert_eq!(
        answer(&chain, &subject, MAKER.0, until_ms),
        SaleAnswer::Owner
    );
    // Nobody appeals: it stands, and is counted apart.
    chain.time_ms = sanctioned.deadline_ms;
    wait_for_the_blocks(&mut chain);
    let closed = record(&chain, &id);
    assert_eq!(closed.outcome(), SanctionOutcome::NotAppealed);
    assert_eq!((closed.until_ms, ask(&chain, until_ms)), (until_ms, bar));
    let counts = list(&chain, CARRIER.0);
    assert_eq!((counts.imposed, counts.not_appealed), (1, 1));
}

#[test]
fn a_sanction_is_for_what_was_found() {
    let (mut chain, subject, dispute) = upheld();
    let open = dispute_in(&mut chain, &subject, "y", DisputePhase::Filed);
    let false_notice = ruled(&mut chain, &subject, "z", DisputeOutcome::FalseNotice);
    let dismissed = ruled(&mut chain, &subject, "w", DisputeOutcome::Dismissed);
    let until_ms = chain.time_ms + YEAR_MS;
    let none = |dispute: Hash, party: &str| {
        let party = party.to_owned();
        Rejection::from(CaseRejection::NoFinding { dispute, party })
    };
    use SanctionKind::{NoNotices, NoSales, Warning};
    for (party, kind, ground) in [
        (CARRIER, NoSales, open),
        (CARRIER, Warning, open),
        (CARRIER, Warning, dismissed),
        (MAKER, Warning, dispute),
        (CARRIER, NoNotices, dispute),
        (MAKER, NoSales, false_notice),
        (CARRIER, Warning, false_notice),
    ] {
        let action = Action::ImposeSanction(wanted(party.0, kind, &[ground], until_ms));
        assert_eq!(refused(&chain, OFFICE, action), none(ground, party.0));
    }
    let act = |action| Action::ImposeSanction(action);
    let base = no_sales(&chain, &dispute);
    let of = |bend: fn(&mut ImposeSanction)| {
        let mut bent = base.clone();
        bend(&mut bent);
        act(bent)
    };
    let nobody = refused(&chain, OFFICE, of(|a| a.party = "nobody".into()));
    assert_eq!(nobody.code(), 200, "an organisation of this ledger");
    let grounds: [fn(&mut ImposeSanction); 3] = [
        |a| a.grounds.clear(),
        |a| a.grounds = vec![a.grounds[0].clone(); 2],
        |a| a.grounds = (0..9).map(|n| vec![n; 32]).collect(),
    ];
    for bend in grounds {
        assert_eq!(
            refused(&chain, OFFICE, of(bend)),
            CaseRejection::Grounds.into()
        );
    }
    let terms: [fn(&mut ImposeSanction); 3] = [
        |a| a.kind = 0,
        |a| a.until_ms = 1,
        |a| a.until_ms += 732 * DAY_MS,
    ];
    for bend in terms {
        let term = CaseRejection::SanctionTerm(DEFAULT.sanction_days);
        assert_eq!(refused(&chain, OFFICE, of(bend)), term.into());
    }
    assert_eq!(
        refused(&chain, OFFICE, of(|a| a.rule_book.clear())).code(),
        100
    );
    assert_eq!(
        refused(&chain, OFFICE, of(|a| a.reasons.clear())).code(),
        100
    );
    assert_eq!(
        refused(&chain, MAKER, act(base.clone())).code(),
        203,
        "no authority"
    );
    let unknown = refused(&chain, OFFICE, of(|a| a.grounds[0] = vec![9; 32]));
    assert_eq!(unknown, DesignRejection::UnknownDispute([9; 32]).into());
    // The platform on which it was may; once each, and no more than four of all.
    impose(&mut chain, MARKET, base.clone());
    let twice = refused(&chain, MARKET, act(base.clone()));
    assert_eq!(twice, CaseRejection::SanctionedBefore(dispute).into());
    impose(&mut chain, OFFICE, base.clone());
    impose(&mut chain, TRIBUNAL, base.clone());
    let warning = wanted(CARRIER.0, Warning, &[dispute], until_ms);
    impose(&mut chain, OFFICE, warning.clone());
    let full = CaseRejection::Full("sanctions for a dispute", MAX_SANCTIONS_OF_DISPUTE);
    assert_eq!(refused(&chain, MARKET, act(warning)), full.into());
}

/// Another platform's disputes are no affair of a platform, and a party's never its own.
#[test]
fn a_sanction_is_imposed_by_who_may() {
    let (mut chain, _, dispute) = upheld();
    let foreign = Rejection::from(CaseRejection::ForeignDispute(dispute));
    let key = keys::dispute(&dispute);
    let mut ended: Dispute = chain.state.message(&key).unwrap();
    let act = Action::ImposeSanction(no_sales(&chain, &dispute));
    for (platform, respondent, who) in [
        ("elsewhere", CARRIER.0, MARKET),
        (OFFICE.0, CARRIER.0, OFFICE),
    ] {
        ended.platform = platform.into();
        ended.respondent = respondent.into();
        let value = prost::Message::encode_to_vec(&ended);
        chain.state.values.insert(key.clone(), value);
        assert_eq!(refused(&chain, who, act.clone()), foreign, "{platform}");
    }
}

#[test]
fn false_notices_bar_notices() {
    let (mut chain, subject) = staffed();
    let ids: Vec<Hash> = ["a", "b", "c"]
        .map(|listing| ruled(&mut chain, &subject, listing, DisputeOutcome::FalseNotice))
        .to_vec();
    let until_ms = chain.time_ms + YEAR_MS;
    let bar = |grounds: &[Hash]| wanted(MAKER.0, SanctionKind::NoNotices, grounds, until_ms);
    let few = refused(&chain, MARKET, Action::ImposeSanction(bar(&ids[..2])));
    assert_eq!(few, CaseRejection::FewFalseNotices(3).into());
    for (who, grounds) in [(MARKET, &ids[..]), (OFFICE, &ids[..1])] {
        let mut chain = chain.clone();
        let id = impose(&mut chain, who, bar(grounds));
        let give = Action::GiveNotice(notice(&subject, "d"));
        let barred = CaseRejection::NoNotices {
            sanction: id,
            until_ms,
        };
        assert_eq!(refused(&chain, MAKER, give.clone()), barred.into());
        chain.run(MAKER, appeal_sanction(&id, TRIBUNAL.0)).unwrap();
        assert_eq!(
            refused(&chain, MAKER, give.clone()).code(),
            830,
            "appealed or not"
        );
        let lift = decide_appeal(&id, SanctionOutcome::Lifted);
        chain.run(TRIBUNAL, lift).unwrap();
        assert_eq!(chain.check(&chain.sign(MAKER, give)), Ok(()));
    }
    let id = impose(&mut chain, OFFICE, bar(&ids[..1]));
    let give = Action::GiveNotice(notice(&subject, "d"));
    assert_eq!(refused(&chain, MAKER, give.clone()).code(), 830);
    chain.time_ms = record(&chain, &id).until_ms;
    for _ in 0..20 {
        chain.commit(&[]);
    }
    assert_eq!(chain.check(&chain.sign(MAKER, give)), Ok(()), "over");
}

#[test]
fn an_appeal_is_decided_by_another_authority() {
    let (mut chain, _, dispute) = upheld();
    let action = no_sales(&chain, &dispute);
    let id = impose(&mut chain, OFFICE, action);
    for to in [OFFICE, MARKET, CARRIER, MAKER] {
        let found = refused(&chain, CARRIER, appeal_sanction(&id, to.0));
        assert_eq!(found, CaseRejection::AppealTo(to.0.into()).into());
    }
    let other = refused(&chain, MAKER, appeal_sanction(&id, TRIBUNAL.0));
    assert_eq!(other, DesignRejection::NotTheParty(CARRIER.0.into()).into());
    let early = refused(
        &chain,
        TRIBUNAL,
        decide_appeal(&id, SanctionOutcome::Lifted),
    );
    let waits = Rejection::from(CaseRejection::NotOpen("the sanction's appeal"));
    assert_eq!(early, waits);
    chain
        .run(CARRIER, appeal_sanction(&id, TRIBUNAL.0))
        .unwrap();
    assert_eq!(
        refused(&chain, CARRIER, appeal_sanction(&id, TRIBUNAL.0)),
        waits
    );
    for outcome in [SanctionOutcome::Unspecified, SanctionOutcome::NotDecided] {
        let found = refused(&chain, TRIBUNAL, decide_appeal(&id, outcome));
        assert_eq!(found, CaseRejection::NoDecision.into());
    }
    let lift = decide_appeal(&id, SanctionOutcome::Lifted);
    let issuer = refused(&chain, OFFICE, lift.clone());
    assert_eq!(
        issuer,
        DesignRejection::NotTheParty(TRIBUNAL.0.into()).into()
    );
    for (outcome, lifted) in [
        (SanctionOutcome::Confirmed, false),
        (SanctionOutcome::Lifted, true),
    ] {
        let mut chain = chain.clone();
        let until_ms = record(&chain, &id).until_ms;
        chain.run(TRIBUNAL, decide_appeal(&id, outcome)).unwrap();
        let closed = record(&chain, &id);
        assert_eq!(
            (closed.outcome(), closed.until_ms < until_ms),
            (outcome, lifted)
        );
        assert_eq!(
            (closed.decision, closed.decision_rule_book),
            (vec![16; 32], vec![17; 32])
        );
        let held = list(&chain, CARRIER.0);
        assert_eq!(held.held[0].until_ms, closed.until_ms);
        assert_eq!(
            (held.confirmed, held.lifted),
            (u64::from(!lifted), u64::from(lifted))
        );
        assert_eq!(
            refused(&chain, TRIBUNAL, decide_appeal(&id, outcome)),
            waits
        );
    }
    // An authority's silence lifts it, and is counted apart.
    let deadline_ms = record(&chain, &id).deadline_ms;
    let mut last = chain.clone();
    last.time_ms = deadline_ms - 1000;
    assert_eq!(last.check(&last.sign(TRIBUNAL, lift.clone())), Ok(()));
    last.time_ms = deadline_ms;
    let late = refused(&last, TRIBUNAL, lift);
    assert!([CaseRejection::Deadline(deadline_ms).into(), waits].contains(&late));
    chain.time_ms = deadline_ms;
    wait_for_the_blocks(&mut chain);
    let closed = record(&chain, &id);
    assert_eq!(closed.outcome(), SanctionOutcome::NotDecided);
    assert!(is_default(closed.outcome()) && closed.until_ms < chain.time_ms);
    assert_eq!(list(&chain, CARRIER.0).not_decided, 1);
}

/// Appeals and their decisions name reasons and rule book by a SHA-256 of 32 bytes.
#[test]
fn what_an_appeal_rests_on_is_named_by_a_whole_hash() {
    let (mut chain, _, dispute) = upheld();
    let action = no_sales(&chain, &dispute);
    let id = impose(&mut chain, OFFICE, action);
    let appeal = appeal_sanction(&id, TRIBUNAL.0);
    let short = |mut action: Action, bend: fn(&mut Action)| {
        bend(&mut action);
        action
    };
    let bent = short(appeal.clone(), |action| {
        if let Action::AppealSanction(appeal) = action {
            appeal.reasons.truncate(31);
        }
    });
    let found = refused(&chain, CARRIER, bent);
    assert!(matches!(&found, Rejection::Malformed(_)), "{found:?}");
    chain.run(CARRIER, appeal).unwrap();
    let bends: [fn(&mut Action); 2] = [
        |action| {
            if let Action::DecideAppeal(decision) = action {
                decision.reasons.clear();
            }
        },
        |action| {
            if let Action::DecideAppeal(decision) = action {
                decision.rule_book.push(1);
            }
        },
    ];
    for bend in bends {
        let bent = short(decide_appeal(&id, SanctionOutcome::Lifted), bend);
        let found = refused(&chain, TRIBUNAL, bent);
        assert!(matches!(&found, Rejection::Malformed(_)), "{found:?}");
    }
}

/// The office upheld a notice of the designer's listing, and somebody imposed a sanction.
fn barred_designer(chain: &mut Chain, issuer: (&str, u8), subject: &Hash, until_ms: u64) -> Hash {
    let licence = grant(subject, None, "market.*", terms(until_ms));
    chain.run(MAKER, licence).unwrap();
    let mut about = notice(subject, "x");
    about.respondent = LIN.0.into();
    let dispute = chain.run_for_id(MAKER, Action::GiveNotice(about)).unwrap();
    let removed = touchstone_proto::ledger::PlatformMeasure::Removed;
    let steps = [
        (MARKET, measure(&dispute, removed)),
        (MAKER, filing(&dispute, OFFICE.0)),
        (OFFICE, ruling(&dispute, DisputeOutcome::Upheld)),
    ];
    for (who, action) in steps {
        chain.run(who, action).unwrap();
    }
    let action = wanted(LIN.0, SanctionKind::NoSales, &[dispute], until_ms);
    impose(chain, issuer, action)
}

/// A sanction of its own bars a designer that no register's number was checked of.
#[test]
fn a_designer_without_a_number_is_barred_itself() {
    let (mut chain, subject) = staffed();
    let until_ms = chain.time_ms + YEAR_MS;
    let action = vouch(&chain.id, LIN, until_ms);
    chain.run(MARKET, Action::VouchForDesigner(action)).unwrap();
    let sanction = barred_designer(&mut chain, OFFICE, &subject, until_ms);
    assert_eq!(record(&chain, &sanction).registered_as, "");
    let bar = SaleAnswer::No(Denial::Sanctioned { sanction, until_ms });
    assert_eq!(answer(&chain, &subject, LIN.0, chain.time_ms), bar);
}

/// A sanction is against the organisation: who is vouched for with its register's number inherits it.
#[test]
fn another_shop_of_the_organisation_inherits_a_sanction() {
    let (mut chain, subject) = staffed();
    let until_ms = chain.time_ms + YEAR_MS;
    let registered = |chain: &Chain, designer, number: &str| {
        let mut action = vouch(&chain.id, designer, until_ms);
        action.check = IdentityCheck::BusinessRegister.into();
        action.registered_as = number.into();
        Action::VouchForDesigner(action)
    };
    let new_shop = ("market.new", 62);
    let stranger = ("market.other", 63);
    let action = registered(&chain, LIN, "91310000");
    chain.run(MARKET, action).unwrap();
    let id = barred_designer(&mut chain, OFFICE, &subject, until_ms);
    assert_eq!(record(&chain, &id).registered_as, "91310000");
    for (shop, number) in [(new_shop, "91310000"), (stranger, "42")] {
        let action = registered(&chain, shop, number);
        chain.run(MARKET, action).unwrap();
    }
    let at_ms = chain.time_ms;
    let is_barred = |chain: &Chain, seller: &str, at_ms| {
        let found = answer(chain, &subject, seller, at_ms);
        matches!(found, SaleAnswer::No(Denial::Sanctioned { .. }))
    };
    assert!(is_barred(&chain, LIN.0, at_ms));
    assert!(
        is_barred(&chain, new_shop.0, at_ms),
        "the same organisation"
    );
    assert!(!is_barred(&chain, stranger.0, at_ms));
    let found = answer(&chain, &subject, stranger.0, at_ms);
    assert!(matches!(found, SaleAnswer::Licensed(_)));
    // A later vouching without the number doesn't shake it off.
    let mut again = vouch(&chain.id, new_shop, until_ms);
    (again.public_key, again.possession) = (vec![], vec![]);
    chain.run(MARKET, Action::VouchForDesigner(again)).unwrap();
    assert!(is_barred(&chain, new_shop.0, chain.time_ms));
    // A lift is a lift for all of them.
    chain.run(LIN, appeal_sanction(&id, TRIBUNAL.0)).unwrap();
    let lift = decide_appeal(&id, SanctionOutcome::Lifted);
    chain.run(TRIBUNAL, lift).unwrap();
    for shop in [LIN, new_shop] {
        assert!(!is_barred(&chain, shop.0, chain.time_ms));
        assert!(is_barred(&chain, shop.0, at_ms), "the past stays");
    }
    let bare = |number: &str| {
        let mut action = vouch(&chain.id, ("market.bare", 64), until_ms);
        action.registered_as = number.into();
        Action::VouchForDesigner(action)
    };
    let unchecked = refused(&chain, MARKET, bare("91310000"));
    assert_eq!(unchecked, CaseRejection::RegisteredAs.into());
    let blank = refused(
        &chain,
        MARKET,
        registered(&chain, ("market.bare", 64), "9 1"),
    );
    assert_eq!(blank, CaseRejection::RegisteredAs.into());
    let long = "9".repeat(1_000);
    let long = refused(
        &chain,
        MARKET,
        registered(&chain, ("market.bare", 64), &long),
    );
    assert_eq!(long, CaseRejection::RegisteredAs.into());
}

#[test]
fn so_many_sanctions_are_in_force_at_once() {
    let (mut chain, subject) = staffed();
    let mut last = [0; 32];
    for number in 0..=MAX_SANCTIONS {
        let listing = format!("listing {number}");
        let dispute = ruled(&mut chain, &subject, &listing, DisputeOutcome::Upheld);
        let until_ms = chain.time_ms + YEAR_MS;
        let action = wanted(CARRIER.0, SanctionKind::NoSales, &[dispute], until_ms);
        if number == MAX_SANCTIONS {
            let full = CaseRejection::Full("sanctions in force", MAX_SANCTIONS);
            let action = Action::ImposeSanction(action);
            assert_eq!(refused(&chain, OFFICE, action), full.into());
            last = dispute;
        } else {
            impose(&mut chain, OFFICE, action);
        }
    }
    let first = list(&chain, CARRIER.0).held[0].clone();
    chain.time_ms = first.until_ms + 1;
    for _ in 0..30 {
        chain.commit(&[]);
    }
    let until_ms = chain.time_ms + YEAR_MS;
    let action = wanted(CARRIER.0, SanctionKind::NoSales, &[last], until_ms);
    impose(&mut chain, OFFICE, action);
    let after = list(&chain, CARRIER.0);
    assert_eq!(after.held.len(), MAX_SANCTIONS);
    assert_eq!((after.told_from_ms, after.imposed), (first.until_ms + 1, 9));
}

/// All orders of acts and clocks, drawn at random: an end is final, nobody acts after a deadline, the issuer never
/// decides, a term never grows, the answers about the past don't change, and in the end nothing waits.
#[test]
fn every_order_of_sanctions_comes_to_an_end() {
    let who = [MARKET, CARRIER, MAKER, OFFICE, TRIBUNAL];
    let (mut start, subject, dispute) = upheld();
    let other = ruled(&mut start, &subject, "y", DisputeOutcome::FalseNotice);
    let mut outcomes = std::collections::BTreeSet::new();
    for seed in 0..80 {
        let mut chain = start.clone();
        let mut draws = stream(seed).map(|hash| usize::from(hash[0]));
        let mut draw = |below: usize| draws.next().unwrap() % below;
        let mut ids: Vec<Hash> = Vec::new();
        let mut told: Vec<(u64, SaleAnswer)> = Vec::new();
        for _ in 0..50 {
            let id = ids.get(draw(ids.len().max(1))).copied();
            let id = id.unwrap_or([1; 32]);
            let until_ms = chain.time_ms + (1 + draw(300) as u64) * DAY_MS;
            let kinds = [
                SanctionKind::Warning,
                SanctionKind::NoSales,
                SanctionKind::NoNotices,
            ];
            let kind = kinds[draw(3)];
            let (party, ground) = [(CARRIER, dispute), (MAKER, other)][draw(2)];
            let decisions = [SanctionOutcome::Confirmed, SanctionOutcome::Lifted];
            let action = match draw(8) {
                0..=2 => Action::ImposeSanction(wanted(party.0, kind, &[ground], until_ms)),
                3 | 4 => appeal_sanction(&id, who[draw(5)].0),
                5 | 6 => decide_appeal(&id, decisions[draw(2)]),
                _ => {
                    chain.time_ms += draw(30) as u64 * DAY_MS;
                    chain.commit(&[]);
                    let at_ms = chain.time_ms - 1;
                    told.push((at_ms, answer(&chain, &subject, CARRIER.0, at_ms)));
                    continue;
                }
            };
            let by = who[draw(5)];
            let now_ms = chain.context().time_ms;
            let before: Vec<Sanction> = ids.iter().map(|id| record(&chain, id)).collect();
            let Ok(new) = chain.run_for_id(by, action.clone()) else {
                continue;
            };
            if matches!(action, Action::ImposeSanction(_)) {
                ids.push(new);
            }
            for (id, before) in ids.iter().zip(before) {
                let after = record(&chain, id);
                let was_open = before.outcome() == SanctionOutcome::Unspecified;
                assert!(was_open || after == before, "seed {seed}: an end is final");
                assert!(
                    after.until_ms <= before.until_ms,
                    "seed {seed}: a longer term"
                );
                let is_decided = decisions.contains(&after.outcome()) && was_open;
                assert!(!is_decided || by.0 != after.issuer, "seed {seed}");
                let has_acted = is_decided || after.appealed_ms != before.appealed_ms;
                assert!(!has_acted || now_ms <= before.deadline_ms, "seed {seed}");
            }
        }
        for (at_ms, before) in &told {
            let now = answer(&chain, &subject, CARRIER.0, *at_ms);
            let is_same = std::mem::discriminant(&now) == std::mem::discriminant(before);
            let is_untold = matches!(now, SaleAnswer::Untold { .. });
            assert!(is_same || is_untold, "seed {seed}: the past changed");
        }
        for _ in 0..40 {
            chain.time_ms += 20 * DAY_MS;
            chain.commit(&[]);
        }
        let mut counted = [0; 5];
        for id in &ids {
            let ended = record(&chain, id);
            assert_ne!(ended.outcome(), SanctionOutcome::Unspecified, "seed {seed}");
            outcomes.insert(ended.outcome);
            if ended.party == CARRIER.0 {
                counted[0] += 1;
                counted[ended.outcome as usize] += 1;
            }
        }
        let sums = list(&chain, CARRIER.0);
        let told = [
            sums.imposed,
            sums.confirmed,
            sums.lifted,
            sums.not_appealed,
            sums.not_decided,
        ];
        assert_eq!(told, counted, "seed {seed}");
    }
    assert_eq!(outcomes.len(), 4, "{outcomes:?}");
}

/// A sanction bars under the rights of its grounds and under no other.
#[test]
fn a_sanction_bars_under_the_rights_of_its_grounds_alone() {
    let (mut chain, subject, dispute) = upheld();
    let other = ruled(
        &mut chain,
        &subject,
        "another listing",
        DisputeOutcome::Upheld,
    );
    let until_ms = chain.time_ms + YEAR_MS;
    let both = wanted(
        CARRIER.0,
        SanctionKind::NoSales,
        &[dispute, other],
        until_ms,
    );
    impose(&mut chain, OFFICE, both);
    let held = list(&chain, CARRIER.0).held;
    assert_eq!(held[0].subjects, [subject.to_vec()], "each right once");
    // Another right, whose record says that there are sanctions under it, of somebody else.
    let (_, second) = deposited_and_licensed(&mut chain);
    let at_ms = chain.time_ms;
    assert!(matches!(
        answer(&chain, &subject, CARRIER.0, at_ms),
        SaleAnswer::No(Denial::Sanctioned { .. })
    ));
    assert!(matches!(
        answer(&chain, &second, CARRIER.0, at_ms),
        SaleAnswer::Licensed(_)
    ));
}

/// Another design of the maker, licensed to the carrier, with the mark that somebody was sanctioned under it.
fn deposited_and_licensed(chain: &mut Chain) -> (Hash, Hash) {
    let deposit = crate::test_support::vouched::deposit(77);
    let transaction = chain.run_for_id(MAKER, deposit).unwrap();
    let commitment = [77; 32];
    let id = crate::designs::design::id(&crate::test_support::public(MAKER.1), &commitment);
    let until_ms = chain.time_ms + 3 * YEAR_MS;
    let licence = grant(&id, None, CARRIER.0, terms(until_ms));
    chain.run(MAKER, licence).unwrap();
    let mut right: Right = chain.state.message(&keys::right(&id)).unwrap_or_default();
    if right.owners.is_empty() {
        let design = chain.state.message(&keys::design(&id)).unwrap();
        right = crate::designs::right::of_depositor(&design);
    }
    right.sanctioned = 1;
    let bytes = prost::Message::encode_to_vec(&right);
    chain.state.values.insert(keys::right(&id), bytes);
    let mut design: touchstone_proto::ledger::Design =
        chain.state.message(&keys::design(&id)).unwrap();
    design.disposed = 1;
    let bytes = prost::Message::encode_to_vec(&design);
    chain.state.values.insert(keys::design(&id), bytes);
    (transaction, id)
}

/// What the list has let go of may have barred the seller: an answer about that time is neither yes nor no.
#[test]
fn what_a_list_of_sanctions_let_go_of_is_untold() {
    let (mut chain, subject, dispute) = upheld();
    let action = no_sales(&chain, &dispute);
    impose(&mut chain, OFFICE, action);
    let mut kept = list(&chain, CARRIER.0);
    kept.held.clear();
    kept.told_from_ms = chain.time_ms + 1;
    let bytes = prost::Message::encode_to_vec(&kept);
    chain
        .state
        .values
        .insert(keys::party_sanctions(CARRIER.0), bytes);
    let from_ms = kept.told_from_ms;
    let ask = |at_ms| answer(&chain, &subject, CARRIER.0, at_ms);
    assert_eq!(ask(from_ms - 1), SaleAnswer::Untold { from_ms });
    assert!(matches!(ask(from_ms), SaleAnswer::Licensed(_)));
}
