use ed25519_dalek::SigningKey;

use super::*;

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
    let message = turns.message();
    assert_eq!(message.missed.len(), 1);
    let one = &message.missed[0];
    assert_eq!((one.count, one.until_height), (2, 11 + 4 * 2 + 1));
}
