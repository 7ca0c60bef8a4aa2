use touchstone_proto::ledger::Organisation;

use super::*;
use crate::execution::{Executed, InvalidBlock, execute_with, verify_with};
use crate::test_support::{CARRIER, Chain, MARKET, Memory, capture, item, object};

const BEGUN: &[u8] = b"test/begun";
const ENDED: &[u8] = b"test/ended";

/// Closes the carrier at the block's beginning, as a deadline might.
fn close_carrier(delta: &mut Delta<'_, Memory>, context: &BlockContext) -> Result<(), Fault> {
    let key = keys::organisation(CARRIER.0);
    let mut carrier: Organisation = delta.read(&key)?.unwrap();
    carrier.keys.clear();
    delta.write(key, &carrier);
    delta.put(BEGUN.to_vec(), context.time_ms.to_be_bytes().to_vec());
    Ok(())
}

/// Notes whether the market's item is recorded at the block's end.
fn note_item(delta: &mut Delta<'_, Memory>, _: &BlockContext) -> Result<(), Fault> {
    let is_there = delta.get(&keys::item(&item(1)))?.is_some();
    delta.put(ENDED.to_vec(), vec![u8::from(is_there)]);
    Ok(())
}

fn hooks() -> Hooks<Memory> {
    Hooks {
        begin: vec![close_carrier as Hook<Memory>],
        end: vec![note_item as Hook<Memory>, record_parent],
    }
}

fn execute(chain: &Chain, hooks: &Hooks<Memory>) -> (Vec<Vec<u8>>, Executed) {
    let note = |who| chain.sign(who, capture(&[object(1, &[item(u64::from(who.1))])]));
    let envelopes = vec![note(MARKET), note(CARRIER)];
    let verified: Vec<_> = envelopes
        .iter()
        .map(|e| chain.verified(e).unwrap())
        .collect();
    let refs: Vec<_> = verified.iter().collect();
    let executed = execute_with(hooks, &chain.state, &chain.context(), &refs).unwrap();
    (envelopes, executed)
}

#[test]
fn rules_see_what_the_beginning_wrote_and_the_end_sees_what_they_wrote() {
    let chain = Chain::start();
    let (_, executed) = execute(&chain, &hooks());
    let rejected: Vec<_> = executed
        .rejected
        .iter()
        .map(|(index, rejection)| (*index, rejection.code()))
        .collect();
    assert_eq!((executed.applied, rejected), (vec![0], vec![(1, 201)]));
    let written = |key: &[u8]| executed.writes.values.get(key).cloned();
    let time_ms = chain.context().time_ms.to_be_bytes().to_vec();
    assert_eq!(written(BEGUN), Some(time_ms));
    assert_eq!(written(ENDED), Some(vec![1]));
    assert_eq!(written(&keys::block(0)), Some(chain.parent.to_vec()));
}

/// One body: what a proposer's hooks write, a verifier's write too, and the root says so.
#[test]
fn a_verifier_runs_the_hooks_of_the_proposer() {
    let chain = Chain::start();
    let (envelopes, executed) = execute(&chain, &hooks());
    let verified = chain.verified(&envelopes[0]).unwrap();
    let verify = |hooks: Hooks<Memory>| {
        verify_with(&hooks, &chain.state, &executed.header, &[&verified]).unwrap()
    };
    assert_eq!(verify(hooks()).unwrap().writes, executed.writes);
    let root = Err(InvalidBlock::Header("state root"));
    assert_eq!(verify(Hooks::of_the_ledger()), root);
    for leave_out in 0..3 {
        let mut other = hooks();
        match leave_out {
            0 => drop(other.begin.pop()),
            place => drop(other.end.remove(place - 1)),
        }
        assert_eq!(verify(other), root, "{leave_out}");
    }
}

#[test]
fn a_hook_that_fails_is_a_fault() {
    let chain = Chain::start();
    let fail: Hook<Memory> = |_, _| Err(Fault::Invariant("a test".into()));
    for at_begin in [true, false] {
        let mut hooks = Hooks::of_the_ledger();
        match at_begin {
            true => hooks.begin.push(fail),
            false => hooks.end.push(fail),
        }
        let failed = execute_with(&hooks, &chain.state, &chain.context(), &[]);
        assert_eq!(failed, Err(Fault::Invariant("a test".into())));
    }
}
