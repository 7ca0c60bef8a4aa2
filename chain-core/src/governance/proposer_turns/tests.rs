use ed25519_dalek::SigningKey;
use proptest::prelude::*;

use super::*;
use crate::test_support::{CARRIER, Chain, MARKET, capture, change_keys, item, object};

fn set(count: u8) -> ValidatorSet {
    let validator = |seed: u8| Validator {
        public_key: SigningKey::from_bytes(&[seed; 32])
            .verifying_key()
            .to_bytes(),
        power: 1,
        organisation: format!("organisation-{seed}"),
    };
    ValidatorSet::new((1..=count).map(validator).collect(), 1).unwrap()
}

fn key(set: &ValidatorSet, place: usize) -> [u8; 32] {
    set.as_slice()[place].public_key
}

/// The blocks of these heights, each made by the first of its order that is there; the rounds that decided them.
fn run(
    turns: &mut ProposerTurns,
    set: &ValidatorSet,
    heights: std::ops::Range<u64>,
    is_there: impl Fn(&[u8; 32], u64) -> bool,
) -> Vec<u32> {
    let mut rounds = Vec::new();
    for height in heights {
        let mut all = (0..).map(|round| (round, turns.proposer(set, height, round).public_key));
        let (round, maker) = all.find(|(_, maker)| is_there(maker, height)).unwrap();
        rounds.push(round);
        *turns = turns.after(set, height, &maker);
    }
    rounds
}

#[test]
fn where_nobody_misses_a_turn_all_propose_equally_often() {
    let set = set(4);
    let mut turns = ProposerTurns::default();
    let rounds = run(&mut turns, &set, 1..50, |_, _| true);
    assert!(rounds.iter().all(|round| *round == 0));
    assert_eq!(turns, ProposerTurns::default(), "nothing is written");
    for round in 0..9 {
        let proposer = turns.proposer(&set, 6, round).public_key;
        assert_eq!(proposer, set.in_rotation(6, round).public_key);
    }
}

#[test]
fn who_missed_its_turn_is_skipped_once_then_twice_then_four_times() {
    let set = set(4);
    let down = key(&set, 3);
    let mut turns = ProposerTurns::default();
    let rounds = run(&mut turns, &set, 1..80, |maker, _| *maker != down);
    let missed: Vec<u64> = (1..)
        .zip(&rounds)
        .filter(|(_, r)| **r > 0)
        .map(|(h, _)| h)
        .collect();
    // Its turns are at 3, 7, 11 and so on: between them one, two, four and eight are skipped.
    assert_eq!(missed, [3, 11, 23, 43, 79]);
    assert!(turns.is_skipped(&down, 79 + 64) && !turns.is_skipped(&down, 79 + 65));
    // For each turn that is skipped, it is the next one's.
    let instead = turns.proposer(&set, 83, 0).public_key;
    assert_eq!(instead, key(&set, 0));
    assert_eq!(
        turns.proposer(&set, 83, 3).public_key,
        down,
        "it comes last"
    );
}

#[test]
fn with_f_of_any_number_down_few_rounds_are_lost() {
    for (count, down) in [(4, 1), (7, 2), (10, 3), (100, 33)] {
        let set = set(count);
        let is_down = |maker: &[u8; 32]| (0..down).any(|place| key(&set, place) == *maker);
        let mut turns = ProposerTurns::default();
        let heights = u64::from(count) * 100;
        let rounds = run(&mut turns, &set, 1..heights, |maker, _| !is_down(maker));
        let lost: u32 = rounds.iter().sum();
        let most = u32::try_from(down).unwrap() * 8;
        assert!(
            lost <= most,
            "{lost} rounds of {heights} with {down} of {count} down"
        );
    }
}

/// However long it was away, its turn comes back before as long has passed again, and two turns.
#[test]
fn who_is_back_waits_no_longer_than_it_was_away() {
    let set = set(4);
    let absent = key(&set, 2);
    for away in (1..2000).step_by(13) {
        let back = 1 + away;
        let mut turns = ProposerTurns::default();
        let is_there = |maker: &[u8; 32], height| *maker != absent || height >= back;
        run(&mut turns, &set, 1..back, is_there);
        let mut proposes = (back..).filter(|height| {
            let maker = turns.proposer(&set, *height, 0).public_key;
            maker == absent && !turns.is_skipped(&absent, *height)
        });
        let waited = proposes.next().unwrap() - back;
        assert!(waited <= away + 8, "{waited} heights after {away}");
    }
}

#[test]
fn a_block_of_its_making_wipes_out_what_it_missed() {
    let set = set(4);
    let slow = key(&set, 3);
    let mut turns = ProposerTurns::default();
    run(&mut turns, &set, 1..44, |maker, _| *maker != slow);
    assert_eq!(turns.missed[&slow].count, 4);
    // The others fail, so that its turn comes though it is skipped.
    turns = turns.after(&set, 44, &slow);
    assert!(!turns.missed.contains_key(&slow));
    assert_eq!(turns.missed.len(), 3, "all before it have missed theirs");
}

#[test]
fn where_all_have_missed_theirs_all_have_their_turns() {
    let set = set(4);
    let mut turns = ProposerTurns::default();
    for place in 0..4 {
        let missed = Missed {
            count: 3,
            until_height: 100,
        };
        turns.missed.insert(key(&set, place), missed);
    }
    for height in 5..9 {
        let makers = (0..4).map(|round| turns.proposer(&set, height, round).public_key);
        let rotation = (0..4).map(|round| set.in_rotation(height, round).public_key);
        assert!(makers.eq(rotation));
    }
}

#[test]
fn what_is_counted_and_kept_is_bounded() {
    let set = set(4);
    let down = key(&set, 1);
    let mut turns = ProposerTurns::default();
    for height in (1..200).map(|turn| turn * 4 + 1) {
        // Each time its turn, as if nothing were skipped.
        if let Some(missed) = turns.missed.get_mut(&down) {
            missed.until_height = 0;
        }
        turns = turns.after(&set, height, &key(&set, 2));
    }
    let missed = turns.missed[&down];
    assert_eq!(missed.count, MAX_COUNT);
    assert_eq!(missed.until_height, 199 * 4 + 1 + 4 * 512 + 1);
    // At heights without end nothing overflows.
    turns = turns.after(&set, u64::MAX, &key(&set, 2));
    turns.proposer(&set, u64::MAX, u32::MAX);
    // Who has left the set is forgotten, and a stranger's or no one's block says nothing.
    let others = self::set(1);
    assert_eq!(others.as_slice()[0].public_key, key(&others, 0));
    let left = turns.after(&others, 900, &key(&others, 0));
    assert!(left.missed.keys().all(|key| others.get(key).is_some()));
    assert_eq!(turns.after(&set, 900, &[0; 32]), turns);
}

#[test]
fn the_state_holds_what_is_read_again() {
    let set = set(4);
    let down = key(&set, 3);
    let mut turns = ProposerTurns::default();
    run(&mut turns, &set, 1..12, |maker, _| *maker != down);
    turns.author = "organisation-2".to_owned();
    let message = turns.message();
    assert_eq!(message.author, "organisation-2");
    assert_eq!(message.missed.len(), 1);
    let one = &message.missed[0];
    assert_eq!((one.count, one.until_height), (2, 11 + 4 * 2 + 1));
}

/// The organisation of a validator, as the author of what came last.
fn written_by(set: &ValidatorSet, place: usize) -> ProposerTurns {
    let author = set.as_slice()[place].organisation.as_str();
    ProposerTurns::default().with_authors(set, [author, author].into_iter())
}

#[test]
fn every_other_turn_of_each_is_given_to_whose_transactions_came_last() {
    for count in [4, 7, 10] {
        let set = set(count);
        let turns = written_by(&set, 1);
        let heights = 1..1 + 20 * u64::from(count);
        let mut own = vec![0; usize::from(count)];
        let mut given = 0;
        for height in heights {
            let usual = set.in_rotation(height, 0).public_key;
            let first = turns.proposer(&set, height, 0).public_key;
            let place = set.iter().position(|v| v.public_key == usual).unwrap();
            assert!(turns.is_given(&set, height) || first == usual);
            assert!(!ProposerTurns::default().is_given(&set, height));
            match first == usual {
                true => own[place] += 1,
                false => {
                    assert_eq!(first, key(&set, 1));
                    given += 1;
                    // Whose turn it was is next, should the author's validator be late.
                    assert_eq!(turns.proposer(&set, height, 1).public_key, usual);
                }
            }
            // Nobody comes twice in a height's order.
            let all =
                (0..u32::from(count)).map(|round| turns.proposer(&set, height, round).public_key);
            let all: std::collections::BTreeSet<_> = all.collect();
            assert_eq!(all.len(), usize::from(count));
        }
        assert_eq!(own.remove(1), 20);
        assert!(own.iter().all(|turns| *turns == 10), "{own:?}");
        assert_eq!(given, 10 * (usize::from(count) - 1));
    }
}

#[test]
fn who_missed_its_turn_is_given_none_and_who_is_given_one_may_miss_it() {
    let set = set(4);
    let mut turns = written_by(&set, 3);
    // A given turn, which the next one's block ends.
    assert_eq!(
        turns.proposer(&set, 5, 0).public_key,
        key(&set, 1),
        "an own turn"
    );
    assert_eq!(turns.proposer(&set, 6, 0).public_key, key(&set, 3));
    turns = turns.after(&set, 6, &key(&set, 2));
    assert!(turns.is_skipped(&key(&set, 3), 7));
    assert_eq!(turns.author, written_by(&set, 3).author);
    for height in 7..11 {
        assert_ne!(
            turns.proposer(&set, height, 0).public_key,
            key(&set, 3),
            "{height}"
        );
    }
    assert_eq!(
        turns.proposer(&set, 8, 3).public_key,
        key(&set, 3),
        "it comes last"
    );
}

/// Of several validators of an organisation the one whose turn comes first has it.
#[test]
fn an_organisation_with_two_validators_is_given_the_turn_once() {
    let mut validators = set(4).as_slice().to_vec();
    let author = validators[1].organisation.clone();
    validators[2].organisation.clone_from(&author);
    let set = ValidatorSet::new(validators, 1).unwrap();
    let turns = ProposerTurns::default().with_authors(&set, [author.as_str()].into_iter());
    assert_eq!(turns.proposer(&set, 3, 0).public_key, key(&set, 1));
    assert_eq!(turns.proposer(&set, 6, 0).public_key, key(&set, 2));
}

#[test]
fn an_author_is_noted_where_all_transactions_are_of_one_with_some_of_the_validators() {
    let mut chain = Chain::start();
    let author = |chain: &Chain| ProposerTurns::current(&chain.state).unwrap().author;
    let note =
        |chain: &Chain, who: (&str, u8), n: u64| chain.sign(who, capture(&[object(n, &[item(n)])]));
    assert_eq!(author(&chain), "");
    let own = [note(&chain, CARRIER, 1), note(&chain, CARRIER, 2)];
    assert_eq!(chain.commit(&own).applied.len(), 2);
    assert_eq!(author(&chain), CARRIER.0);
    chain.commit(&[]);
    assert_eq!(
        author(&chain),
        CARRIER.0,
        "a block without transactions says nothing"
    );
    let of_both = [note(&chain, CARRIER, 3), note(&chain, MARKET, 4)];
    assert_eq!(chain.commit(&of_both).applied.len(), 2);
    assert_eq!(author(&chain), "");
    // What breaks a rule is in no block.
    let broken = chain.sign(CARRIER, change_keys(&[], &[]));
    let refused = [note(&chain, MARKET, 5), broken];
    assert_eq!(chain.commit(&refused).applied.len(), 1);
    assert_eq!(author(&chain), MARKET.0);
    // Whoever doesn't vote has no turn, and who has all of them needs none.
    let turns = |count: u8, organisation| {
        let set = set(count);
        ProposerTurns::default().with_authors(&set, [organisation].into_iter())
    };
    assert_eq!(turns(4, "organisation-2").author, "organisation-2");
    assert_eq!(turns(4, "stranger"), ProposerTurns::default());
    assert_eq!(turns(1, "organisation-1"), ProposerTurns::default());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whosever transactions blocks have, the down ones' among them: few rounds are lost, and whoever is there has its
    /// own turns.
    #[test]
    fn authors_cost_nobody_a_turn_of_its_own(
        count in 4..11u8,
        authors in prop::collection::vec(0..12_usize, 400),
    ) {
        let set = set(count);
        let down = usize::from(count - 1) / 3;
        let is_there = |key: &[u8; 32]| set.iter().skip(down).any(|v| v.public_key == *key);
        let mut turns = ProposerTurns::default();
        let mut lost = 0;
        for (height, author) in (1..).zip(authors) {
            let mut all = (0..u32::from(count)).map(|round| turns.proposer(&set, height, round).public_key);
            let order: std::collections::BTreeSet<_> = all.clone().collect();
            prop_assert_eq!(order.len(), usize::from(count));
            let late = all.position(|key| is_there(&key)).unwrap();
            lost += late;
            let maker = turns.proposer(&set, height, u32::try_from(late).unwrap()).public_key;
            let usual = set.in_rotation(height, 0).public_key;
            if is_there(&usual) && !is_given(&set, height) {
                prop_assert_eq!(maker, usual);
            }
            turns = turns.after(&set, height, &maker);
            // Of some blocks nobody is the author.
            let author = set.as_slice().get(author).map(|v| v.organisation.clone());
            turns.author = author.unwrap_or_default();
        }
        prop_assert!(lost <= down * 8, "{lost}");
    }
}
