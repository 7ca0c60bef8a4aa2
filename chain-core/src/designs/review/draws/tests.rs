use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{PanelVerdict, RevealPreimage, ReviewGround};

use super::*;
use crate::governance::hash_chain;
use crate::rejection::Rejection;
use crate::test_support::disputes::withdrawal;
use crate::test_support::reviews::{
    FEW, Jury, VALIDATORS, countered, dispute_again, dispute_of, draw_panel, open_review, panel_of,
    put_chain, reveal, secret,
};
use crate::test_support::{CARRIER, Chain, MAKER, MARKET, OFFICE, public, stream};

/// A review whose draw begins with the last block.
fn drawing() -> (Chain, Hash) {
    let (mut chain, _, id) = countered(&Jury::of(20), FEW);
    let opened = open_review(&id, ReviewGround::Similarity);
    chain.run(CARRIER, opened).unwrap();
    (chain, id)
}

fn last_draw(chain: &Chain) -> Draw {
    last(&chain.state).unwrap().unwrap().1
}

/// Blocks until the draw is over.
fn finish(chain: &mut Chain) {
    while last_draw(chain).closed_height == 0 {
        chain.commit(&[]);
    }
}

fn refused(chain: &Chain, action: Action) -> ReviewRejection {
    match chain.check(&chain.sign(OFFICE, action)) {
        Err(Rejection::Review(rejection)) => rejection,
        other => panic!("not refused by a rule of reviews: {other:?}"),
    }
}

fn bent(action: &Action, bend: fn(&mut RevealPreimage)) -> Action {
    match action.clone() {
        Action::RevealPreimage(mut reveal) => {
            bend(&mut reveal);
            Action::RevealPreimage(reveal)
        }
        other => other,
    }
}

#[test]
fn a_validator_reveals_what_its_chain_binds_it_to_once() {
    let (mut chain, _) = drawing();
    let good = reveal(&chain, 11);
    let wrong = ReviewRejection::WrongValue(public(11));
    let other = bent(&good, |r| r.preimage[0] ^= 1);
    assert_eq!((wrong.code(), refused(&chain, other)), (490, wrong));
    let stranger = ReviewRejection::NotInDraw([9; 32]);
    let unknown = bent(&good, |r| r.validator = vec![9; 32]);
    assert_eq!((stranger.code(), refused(&chain, unknown)), (488, stranger));
    // A validator without a hash chain is bound to nothing, so it has no value in the draw.
    let (mut without, _, id) = countered(&Jury::of(20), FEW);
    without.state.values.remove(&keys::hash_chain(&public(14)));
    let opened = open_review(&id, ReviewGround::Similarity);
    without.run(CARRIER, opened).unwrap();
    let unbound = bent(&good, |r| r.validator = public(14).to_vec());
    let none = ReviewRejection::NotInDraw(public(14));
    assert_eq!(refused(&without, unbound), none);
    chain.run(CARRIER, good.clone()).unwrap();
    let twice = ReviewRejection::RevealedBefore(public(11));
    assert_eq!(
        (twice.code(), refused(&chain, good.clone())),
        (489, twice.clone())
    );
    // Nor the value below it, though it is the next of the chain.
    assert_eq!(refused(&chain, reveal(&chain, 11)), twice);
    let known = hash_chain::hash_chain(&chain.state, &public(11))
        .unwrap()
        .unwrap();
    let Action::RevealPreimage(revealed) = good else {
        panic!()
    };
    assert_eq!((known.tip, known.revealed), (revealed.preimage, 1));
}

/// The jurors are fixed in the block in which a draw begins; what chooses comes in the blocks after it, up to the last.
#[test]
fn values_are_taken_in_the_blocks_after_the_beginning_alone() {
    let (before, _, id) = countered(&Jury::of(20), FEW);
    let none = ReviewRejection::NoDraw;
    assert_eq!(
        (none.code(), refused(&before, reveal(&before, 11))),
        (487, none.clone())
    );
    let mut same = before.clone();
    let opened = same.sign(CARRIER, open_review(&id, ReviewGround::Similarity));
    let early = same.sign(OFFICE, reveal(&same, 11));
    let executed = same.commit(&[opened, early]);
    let refusals: Vec<_> = executed
        .rejected
        .iter()
        .map(|(i, r)| (*i, r.code()))
        .collect();
    assert_eq!(refusals, [(1, 487)], "not in the block of the beginning");
    let (mut chain, _) = drawing();
    let draw = last_draw(&chain);
    assert_eq!(draw.last_height - draw.height, 8);
    while chain.height + 1 < draw.last_height {
        chain.commit(&[]);
    }
    assert_eq!(
        chain.check(&chain.sign(OFFICE, reveal(&chain, 11))),
        Ok(()),
        "the last"
    );
    chain.commit(&[]);
    assert_eq!(refused(&chain, reveal(&chain, 11)), none);
}

/// From the block after its beginning to its last one, both included.
#[test]
fn a_draw_is_under_way_in_its_blocks_alone() {
    let draw = last_draw(&drawing().0);
    let (first, last) = (draw.height, draw.last_height);
    for (height, takes) in [
        (first, false),
        (first + 1, true),
        (last, true),
        (last + 1, false),
    ] {
        assert_eq!(is_under_way(&draw, height), takes, "{height}");
    }
    let over = Draw {
        closed_height: last,
        ..draw
    };
    assert!(!is_under_way(&over, last));
}

/// 2f + 2, whatever the terms say.
#[test]
fn a_draw_takes_values_in_enough_blocks() {
    let terms = touchstone_proto::ledger::ReviewTerms {
        reveal_blocks: 1,
        ..FEW
    };
    let (mut chain, _, id) = countered(&Jury::of(20), terms);
    chain
        .run(CARRIER, open_review(&id, ReviewGround::Similarity))
        .unwrap();
    let draw = last_draw(&chain);
    assert_eq!(
        draw.last_height - draw.height,
        4,
        "of four validators one may be faulty"
    );
}

#[test]
fn who_is_missing_is_recorded_by_name() {
    let (mut chain, id) = drawing();
    for seed in [13, 11] {
        let action = reveal(&chain, seed);
        chain.run(OFFICE, action).unwrap();
    }
    finish(&mut chain);
    let missing = |draw: Draw| -> Vec<String> {
        let silent = draw.values.into_iter().filter(|v| v.preimage.is_empty());
        silent.map(|value| value.organisation).collect()
    };
    assert_eq!(missing(last_draw(&chain)), ["carrier", "office"]);
    let panel = panel_of(&chain, &id, 0);
    assert_eq!(
        panel.seats.len(),
        5,
        "half of the power is more than a third"
    );
    // And a validator without a chain isn't waited for.
    let (mut chain, _, id) = countered(&Jury::of(20), FEW);
    chain.state.values.remove(&keys::hash_chain(&public(14)));
    chain
        .run(CARRIER, open_review(&id, ReviewGround::Similarity))
        .unwrap();
    for seed in [11, 12, 13] {
        let action = reveal(&chain, seed);
        chain.run(OFFICE, action).unwrap();
    }
    assert_eq!(last_draw(&chain).closed_height, chain.height);
    assert_eq!(missing(last_draw(&chain)), ["office"]);
}

/// A third of the power may be those who want this panel.
#[test]
fn a_third_of_the_power_draws_no_panel() {
    let (mut chain, id) = drawing();
    let action = reveal(&chain, 12);
    chain.run(OFFICE, action).unwrap();
    finish(&mut chain);
    let after = dispute_of(&chain, &id);
    assert_eq!(after.phase(), DisputePhase::Countered);
    let verdict = after.review.unwrap().results[0].verdict();
    assert_eq!(verdict, PanelVerdict::NoPanel);
    let mut even = last_draw(&chain);
    for value in &mut even.values {
        value.power = 1;
        value.preimage = Vec::new();
    }
    even.values.truncate(3);
    assert!(!is_random(&even));
    even.values[0].preimage = vec![1; 32];
    assert!(!is_random(&even), "exactly a third");
    even.values[1].preimage = vec![1; 32];
    assert!(is_random(&even));
}

/// In whatever order values come in, the panel is one; with each value it is another.
#[test]
fn the_order_of_values_changes_nothing() {
    let mut seeds = std::collections::BTreeSet::new();
    for order in [[11, 12, 13, 14], [14, 13, 12, 11], [12, 14, 11, 13]] {
        let (mut chain, id) = drawing();
        for seed in order {
            let action = reveal(&chain, seed);
            chain.run(OFFICE, action).unwrap();
        }
        chain.commit(&[]);
        seeds.insert(panel_of(&chain, &id, 0).seed);
    }
    assert_eq!(seeds.len(), 1);
}

/// Of n = 3f + 1 validators f that choose what to reveal have 2^f seeds to choose from, and no more: counted for f = 1
/// to 3 over all they can do, and for f = 1 on the ledger.
#[test]
fn withholding_by_f_validators_gives_two_to_the_f_seeds() {
    let value = |number: u8| DrawValue {
        public_key: vec![number; 32],
        power: 1,
        tip: vec![1; 32],
        preimage: crate::hash::sha256(&[number]).to_vec(),
        ..DrawValue::default()
    };
    let panel = Panel::default();
    for faulty in 1..=3u32 {
        let draw = Draw {
            values: (0..3 * faulty as u8 + 1).map(value).collect(),
            ..Draw::default()
        };
        let mut seeds = std::collections::BTreeSet::new();
        for withheld in 0..1u32 << faulty {
            let mut less = draw.clone();
            for validator in 0..faulty {
                if withheld >> validator & 1 == 1 {
                    less.values[validator as usize].preimage.clear();
                }
            }
            assert!(is_random(&less));
            seeds.insert(seed(&[7; 32], 0, &panel, &less));
        }
        assert_eq!(seeds.len(), 1 << faulty);
    }
    // On the ledger: the faulty one reveals first, last, or not at all.
    let mut seeds = std::collections::BTreeSet::new();
    for order in [&[12, 13, 14][..], &[11, 12, 13, 14], &[12, 13, 14, 11]] {
        let (mut chain, id) = drawing();
        for seed in order {
            let action = reveal(&chain, *seed);
            chain.run(OFFICE, action).unwrap();
        }
        finish(&mut chain);
        seeds.insert(panel_of(&chain, &id, 0).seed);
    }
    assert_eq!(seeds.len(), 2);
}

/// As another program makes it from `docs/format.md`.
#[test]
fn a_seed_is_that_of_the_document() {
    let question = matter(&[1; 32], CARRIER.0, ReviewGround::Similarity);
    let panel = Panel {
        root: vec![2; 32],
        count: 97,
        ..Panel::default()
    };
    let value = |key: u8, preimage: Vec<u8>| DrawValue {
        public_key: vec![key; 32],
        preimage,
        ..DrawValue::default()
    };
    let draw = Draw {
        values: vec![value(3, vec![4; 32]), value(5, vec![])],
        ..Draw::default()
    };
    let expected = "c286c4ccf853b58070afc9a515d38702cda053b84e6883d3920e750ce4da8897";
    assert_eq!(hex::encode(seed(&question, 0, &panel, &draw)), expected);
}

/// A seed depends on all that it is made of.
#[test]
fn a_seed_is_of_one_question_one_list_and_one_draw() {
    let (mut chain, id) = drawing();
    draw_panel(&mut chain);
    let (panel, draw) = (panel_of(&chain, &id, 0), last_draw(&chain));
    let subject: Hash = dispute_of(&chain, &id).subject.try_into().unwrap();
    let question = matter(&subject, CARRIER.0, ReviewGround::Similarity);
    let known = seed(&question, 0, &panel, &draw);
    assert_eq!(panel.seed, known);
    let drawn = shuffle::draw(&known, 20, 5, &BTreeSet::new());
    let seats: Vec<u32> = panel.seats.iter().map(|seat| seat.juror).collect();
    assert_eq!(seats, drawn);
    let mut seeds = BTreeSet::from([known, seed(&question, 1, &panel, &draw)]);
    for other in [
        matter(&[1; 32], CARRIER.0, ReviewGround::Similarity),
        matter(&subject, "carrie", ReviewGround::Similarity),
        matter(&subject, CARRIER.0, ReviewGround::LawfulSource),
    ] {
        seeds.insert(seed(&other, 0, &panel, &draw));
    }
    let (mut root, mut count) = (panel.clone(), panel.clone());
    root.root[0] ^= 1;
    count.count += 1;
    seeds.extend([
        seed(&question, 0, &root, &draw),
        seed(&question, 0, &count, &draw),
    ]);
    for place in 0..4 {
        for silent in [true, false] {
            let mut other = draw.clone();
            match silent {
                true => other.values[place].preimage.clear(),
                false => other.values[place].preimage[0] ^= 1,
            }
            seeds.insert(seed(&question, 0, &panel, &other));
        }
    }
    assert_eq!(seeds.len(), 15);
}

/// Two draws at a time would let a validator choose which value serves which; so the second review waits.
#[test]
fn a_review_that_comes_during_a_draw_waits_for_the_next() {
    let jury = Jury::of(20);
    let (mut chain, subject, first) = countered(&jury, FEW);
    let second = dispute_again(&mut chain, &subject, "two");
    let third = dispute_again(&mut chain, &subject, "three");
    let open = |chain: &Chain, id, ground| chain.sign(CARRIER, open_review(id, ground));
    let together = [
        open(&chain, &first, ReviewGround::Similarity),
        open(&chain, &second, ReviewGround::LawfulSource),
    ];
    assert_eq!(chain.commit(&together).applied.len(), 2);
    assert_eq!(
        last_draw(&chain).disputes.len(),
        2,
        "of one block: one draw"
    );
    let action = reveal(&chain, 11);
    chain.run(OFFICE, action).unwrap();
    let later = open(&chain, &third, ReviewGround::Authorisation);
    chain.commit(&[later]);
    assert!(panel_of(&chain, &first, 0).seats.is_empty());
    for seed in [12, 13, 14] {
        let action = reveal(&chain, seed);
        chain.run(OFFICE, action).unwrap();
    }
    let (of_first, of_second) = (panel_of(&chain, &first, 0), panel_of(&chain, &second, 0));
    assert_eq!((of_first.seats.len(), of_second.seats.len()), (5, 5));
    assert_ne!(of_first.seed, of_second.seed);
    let next = last(&chain.state).unwrap().unwrap();
    assert_eq!(
        (next.0, next.1.height, next.1.closed_height),
        (1, chain.height, 0)
    );
    assert_eq!(next.1.disputes, [third.to_vec()]);
    assert!(panel_of(&chain, &third, 0).seats.is_empty());
    draw_panel(&mut chain);
    let of_third = panel_of(&chain, &third, 0);
    assert_eq!((of_third.draw, of_third.seats.len()), (1, 5));
}

#[test]
fn so_many_reviews_wait_and_no_more() {
    let (mut chain, subject, first) = countered(&Jury::of(20), FEW);
    let second = dispute_again(&mut chain, &subject, "two");
    chain
        .run(CARRIER, open_review(&first, ReviewGround::Similarity))
        .unwrap();
    let full = Draws {
        count: 1,
        waiting: stream(1).take(MAX_WAITING).map(|id| id.to_vec()).collect(),
    };
    let value = prost::Message::encode_to_vec(&full);
    chain.state.values.insert(keys::DRAWS.to_vec(), value);
    let many = chain.check(&chain.sign(CARRIER, open_review(&second, ReviewGround::LawfulSource)));
    let too_many = ReviewRejection::TooManyReviews;
    assert_eq!((too_many.code(), many), (486, Err(too_many.into())));
}

/// One draw serves so many disputes; the next one waits, though it came in the same block.
#[test]
fn one_draw_serves_so_many_disputes() {
    let (mut chain, _, id) = countered(&Jury::of(20), FEW);
    let awaited = DrawValue {
        tip: vec![1; 32],
        ..DrawValue::default()
    };
    let full = Draw {
        height: chain.height + 1,
        last_height: chain.height + 9,
        disputes: stream(1).take(MAX_DISPUTES).map(|id| id.to_vec()).collect(),
        values: vec![awaited],
        ..Draw::default()
    };
    let all = Draws {
        count: 1,
        waiting: Vec::new(),
    };
    let mut put = |key: Vec<u8>, value| chain.state.values.insert(key, value);
    put(keys::draw(0), prost::Message::encode_to_vec(&full));
    put(keys::DRAWS.to_vec(), prost::Message::encode_to_vec(&all));
    let opened = open_review(&id, ReviewGround::Similarity);
    chain.run(CARRIER, opened).unwrap();
    assert_eq!(last_draw(&chain).disputes.len(), MAX_DISPUTES);
    assert_eq!(draws(&chain.state).unwrap().waiting, [id.to_vec()]);
}

/// Nobody is seated after the deadline, whether the block's own work has come to the dispute yet or not.
#[test]
fn who_waited_too_long_gets_no_panel() {
    let (mut chain, id) = drawing();
    let late = Dispute {
        deadline_ms: chain.time_ms - 1,
        ..dispute_of(&chain, &id)
    };
    let value = prost::Message::encode_to_vec(&late);
    chain.state.values.insert(keys::dispute(&id), value);
    draw_panel(&mut chain);
    assert!(panel_of(&chain, &id, 0).seats.is_empty());
    assert_eq!(dispute_of(&chain, &id), late);
}

/// What is withdrawn meanwhile gets no panel, and stops no draw.
#[test]
fn a_draw_goes_on_without_those_that_left() {
    let (mut chain, id) = drawing();
    chain.run(MAKER, withdrawal(&id)).unwrap();
    draw_panel(&mut chain);
    assert!(panel_of(&chain, &id, 0).seats.is_empty());
}

/// A tip that the consortium registers meanwhile serves the next draw.
#[test]
fn a_draw_keeps_the_tips_that_it_began_with() {
    let (mut chain, _) = drawing();
    let good = reveal(&chain, 11);
    let mut other = put_chain(7, 11);
    if let Some(touchstone_proto::ledger::change::Kind::PutHashChain(put)) = &mut other.kind {
        put.tip = hash_chain::tip(&secret(99), 3).to_vec();
    }
    chain.approve(&[MARKET, CARRIER, MAKER], &other);
    chain.run(OFFICE, good).unwrap();
    let known = hash_chain::hash_chain(&chain.state, &public(11))
        .unwrap()
        .unwrap();
    let tip = hash_chain::tip(&secret(99), 3).to_vec();
    assert_eq!((known.tip, known.revealed), (tip, 0));
    assert_eq!(VALIDATORS.len(), last_draw(&chain).values.len());
}
