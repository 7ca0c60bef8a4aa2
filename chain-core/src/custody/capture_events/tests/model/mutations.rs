//! Valid histories, of which one deed is changed so that it breaks one rule, are refused by exactly
//! that rule, and nothing stays of the refused deed. Which rule that is, the mutation itself says.

use std::collections::BTreeSet;
use std::sync::{LazyLock, Mutex};

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestCaseError, TestRng, TestRunner};

use self::place::{Act, Broken, OWNER, Place, Step};
use self::rules::MUTATIONS;
use self::scenarios::{Scenario, scenario};
use super::super::authority::code;
use super::deed::seen;
use super::world::Thing;
use super::*;
use crate::custody::limits::MAX_CLAIMS;
use crate::genesis::Organisation;
use crate::test_support::{item, public};

mod amounts;
mod handing;
mod holding;
mod life;
mod packing;
mod place;
mod rules;
mod scenarios;

/// Has goods in its hands, and observes those of others.
const PORT: (&str, u8) = ("port", 61);
const MAX_EVENTS: usize = 4;
/// A container of the prefix's owner in as many others as may be; each lower number is one further out.
const INNERMOST: u64 = 117;
const OUTERMOST: u64 = 100;
/// As many claim it as may, and one less claims the other.
const CONTESTED: u64 = 200;
const OPEN_TO_A_CLAIM: u64 = 201;
/// How often a mutation is tried on one history.
const TRIES: usize = 2;
/// How often it is tried, at least and about at most, on all histories of the fixed seed.
const LEAST_TRIES: usize = 5;
const ENOUGH_TRIES: usize = 24;

/// The class of the single items: of each, at most one piece is made of one.
fn item_class() -> String {
    let item = item(1);
    item.split("/21/").next().unwrap().to_owned()
}

/// Where histories begin: what they don't name is at the limits.
static START: LazyLock<Chain> = LazyLock::new(|| {
    let mut document = genesis_document();
    document.parameters.max_events_per_transaction = MAX_EVENTS as u64;
    let claimants = (0..MAX_CLAIMS as u8).map(|n| (format!("claimant-{n:02}"), 80 + n));
    let claimants: Vec<(String, u8)> = claimants.collect();
    let mut enrol = |(id, seed): (&str, u8), roles: &[&str]| {
        document.organisations.push(Organisation {
            id: id.to_owned(),
            name: id.to_owned(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            keys: vec![hex::encode(public(seed))],
            gs1_prefixes: Vec::new(),
            nodes: Vec::new(),
        });
    };
    enrol(CUSTOMS, &["customs"]);
    enrol(PORT, &["logistics", "customs"]);
    for (id, seed) in &claimants {
        enrol((id, *seed), &["retail"]);
    }
    let mut chain = Chain::from(&document);
    let pieces = DeclareProduct {
        product: item_class(),
        output: 1,
        input: 1,
        unit: String::new(),
    };
    for product in [declaration(), pieces] {
        chain.run(MAKER, Action::DeclareProduct(product)).unwrap();
    }
    for n in OUTERMOST..INNERMOST {
        let packed = capture(&[add(&container(n), &[container(n + 1)])]);
        chain.run(MAKER, packed).unwrap();
    }
    let stored = |ids: &[u64]| seen("OBSERVE", "storing", ids, &[]);
    let both = [CONTESTED, OPEN_TO_A_CLAIM];
    chain.run(MAKER, capture(&[stored(&both)])).unwrap();
    for (n, (id, seed)) in claimants.iter().enumerate() {
        let claimed = if n == 0 { &both[..1] } else { &both };
        let claimed = claim("ours", &[stored(claimed)]);
        chain.run((id, *seed), claimed).unwrap();
    }
    chain
});

/// A number that looks random, from another.
fn scatter(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// What an act meets after some steps, each of which is accepted.
fn code_after(chain: &Chain, steps: &[Step], act: &Act) -> Result<u32, TestCaseError> {
    if steps.is_empty() {
        return Ok(code(chain, act.who, act.action.clone()));
    }
    let mut chain = chain.clone();
    for step in steps {
        match step {
            Step::Act(act) => {
                let done = chain.run(act.who, act.action.clone());
                prop_assert!(done.is_ok(), "before: {:?}", done);
            }
            Step::Wait(blocks) => (0..*blocks).for_each(|_| {
                chain.commit(&[]);
            }),
            Step::Put(key, value) => {
                chain.state.values.insert(key.clone(), value.clone());
            }
        }
    }
    Ok(code(&chain, act.who, act.action.clone()))
}

/// Tries mutations of a deed that the ledger accepts at this place. Those that need nothing else
/// before stand with it in one block, which must be as if they weren't there. Gives which were tried.
fn try_at(
    place: &Place<'_>,
    original: &[u8],
    is_enough: impl Fn(usize) -> bool,
) -> Result<Vec<usize>, TestCaseError> {
    let mut tried = Vec::new();
    let mut envelopes: Vec<Vec<u8>> = Vec::new();
    for (n, mutation) in MUTATIONS.iter().enumerate() {
        let chance = scatter(place.chance as u64 ^ ((n as u64) << 32)) as usize;
        if is_enough(n) || chance.is_multiple_of(3) {
            continue;
        }
        let place = Place {
            chance: chance / 3,
            ..*place
        };
        let Some(broken) = (mutation.of)(&place) else {
            continue;
        };
        tried.push(n);
        let Broken {
            before,
            act,
            unbroken,
        } = broken;
        if let Some((before, act)) = unbroken {
            let code = code_after(place.chain, &before, &act)?;
            prop_assert_eq!(code, 0, "unlike {} of {:?}", mutation.name, place.deed);
        }
        let code = code_after(place.chain, &before, &act)?;
        let name = mutation.name;
        prop_assert_eq!(code, mutation.code, "{} of {:?}", name, place.deed);
        if before.is_empty() {
            envelopes.push(place.chain.sign(act.who, act.action));
        }
    }
    let wrong = envelopes.len();
    envelopes.push(original.to_vec());
    let executed = place.chain.execute(&envelopes);
    let alone = place.chain.execute(&[original.to_vec()]);
    prop_assert_eq!(executed.rejected.len(), wrong);
    prop_assert_eq!(executed.applied, [wrong]);
    prop_assert_eq!(executed.header, alone.header);
    prop_assert!(
        executed.writes == alone.writes,
        "something stays of the refused"
    );
    Ok(tried)
}

/// Makes a history of those deeds that the model allows, and tries mutations on the way, but those
/// that were tried enough before. Gives how often each.
fn play(scenario: Scenario, seed: u64, tried: &[usize]) -> Result<Vec<usize>, TestCaseError> {
    let mut tries = vec![0; MUTATIONS.len()];
    let mut chain = START.clone();
    let mut model = Model::at(chain.height);
    let mut ids = Vec::new();
    for (step, (who, deed)) in scenario.into_iter().enumerate() {
        let who = who_does(&model, who, &deed);
        let Some(action) = action(&chain, &model, &ids, &deed) else {
            chain.commit(&[]);
            model.height = chain.height;
            continue;
        };
        let mut next = model.clone();
        if next.judge(who, &deed).is_err() {
            continue;
        }
        let envelope = chain.sign(WHO[who], action.clone());
        prop_assert_eq!(chain.check(&envelope), Ok(()), "{:?} {:?}", WHO[who], deed);
        let place = Place {
            chain: &chain,
            model: &model,
            ids: &ids,
            who,
            deed: &deed,
            action: &action,
            chance: scatter(seed.wrapping_add(step as u64)) as usize,
        };
        let is_enough = |n: usize| tries[n] >= TRIES || tried[n] >= ENOUGH_TRIES;
        for n in try_at(&place, &envelope, is_enough)? {
            tries[n] += 1;
        }
        commit(&mut chain, envelope, &mut next, &mut ids, (who, &deed));
        model = next;
    }
    Ok(tries)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_mutated_history_is_refused_by_the_rule_that_it_breaks(
        scenario in scenario(), seed in any::<u64>(),
    ) {
        play(scenario, seed, &[0; MUTATIONS.len()])?;
    }
}

/// The same with a fixed seed, and enough of it that each mutation is tried.
#[test]
fn every_mutation_is_tried_and_refused() {
    let config = ProptestConfig {
        cases: 360,
        failure_persistence: None,
        max_shrink_iters: 256,
        ..ProptestConfig::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let tried = Mutex::new(vec![0; MUTATIONS.len()]);
    let played = runner.run(&(scenario(), any::<u64>()), |(scenario, seed)| {
        let mut tried = tried.lock().unwrap();
        let tries = play(scenario, seed, &tried)?;
        tried
            .iter_mut()
            .zip(tries)
            .for_each(|(all, now)| *all += now);
        Ok(())
    });
    played.unwrap_or_else(|failure| panic!("{failure}"));
    let tried = tried.into_inner().unwrap();
    let all = MUTATIONS.iter().zip(&tried);
    let vacuous: Vec<_> = all
        .filter(|(_, tries)| **tries < LEAST_TRIES)
        .map(|(mutation, tries)| (mutation.name, *tries))
        .collect();
    assert!(vacuous.is_empty(), "hardly tried: {vacuous:?}");
}

/// All of docs/rejections.md, "custody events", but `item-count`: it takes as many items as a block
/// holds, and has a test beside the block's limits.
#[test]
fn every_rule_of_custody_has_a_mutation() {
    let handing = (320..=332).chain(340..=342);
    let rules = (300..=305).chain(307..=314).chain(handing).chain(350..=353);
    let broken: BTreeSet<u32> = MUTATIONS.iter().map(|mutation| mutation.code).collect();
    assert_eq!(broken, rules.collect());
}
