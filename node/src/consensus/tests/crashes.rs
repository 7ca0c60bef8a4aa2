//! Crashes at every point, failing disks, lost files. The network panics on a double sign.

use arc_malachitebft_core_types::VoteType;

use super::agreement::signed_vote;
use super::*;
use crate::consensus::vote_signing::VoteSigner;
use crate::storage::Disk;
use crate::storage::double_sign_guard::AHEAD;
use crate::storage::wal::LOG_FILES;

/// Two heights, during which node 1 (the first height's proposer) is killed before its output
/// number `kill`, restarted a moment later, and must end up with everyone.
fn kill_and_restart(kill: u64, kept: impl FnMut(&str, usize) -> usize + Clone + 'static) -> Net {
    let mut net = Net::new(4);
    net.kill = Some((1, kill));
    net.submit(1);
    net.run(3);
    net.submit(2);
    let until_ms = net.now_ms + 20_000;
    while net.kill.is_some() && net.step(until_ms) {}
    if net.nodes[1].machine.is_none() {
        net.nodes[1].disk.crash_keeping(kept);
        net.run(7);
        net.start(1);
    }
    net.run_to(2);
    net.assert_agreement();
    net
}

#[test]
fn killed_at_any_output_a_node_never_signs_twice_and_decides_alike() {
    let baseline = kill_and_restart(u64::MAX, |_, _| 0);
    let outputs = baseline.outputs[1];
    assert!(outputs > 20);
    for kill in 0..outputs {
        let mut net = kill_and_restart(kill, |_, _| 0);
        net.submit(3);
        net.run_to(3);
        net.assert_agreement();
    }
}

/// The whole network loses power at once, again and again; a height is decided in the end.
#[test]
fn killed_all_at_once_at_any_point_the_network_goes_on() {
    for steps in 0..60 {
        let mut net = Net::new(4);
        net.submit(1);
        for _ in 0..3 {
            for _ in 0..steps {
                net.step(u64::MAX);
            }
            for i in 0..4 {
                net.crash(i);
            }
            net.events.clear();
            for i in 0..4 {
                net.start(i);
            }
        }
        net.submit(2);
        net.run_to(1);
        net.assert_agreement();
    }
}

/// The proposer's disk fails at each of its operations in turn: a fault, nothing of that step is
/// published, and after a repair the node goes on without contradicting itself.
#[test]
fn a_failing_disk_stops_the_machine_and_nothing_leaves() {
    let mut faults = 0;
    for operations in 0..12 {
        let mut net = Net::new(4);
        net.submit(1);
        net.nodes[1].disk.fail_after(operations);
        let until_ms = net.now_ms + 5_000;
        let failed = loop {
            let before = net.outputs[1];
            let Some((at, _)) = net.events.first_key_value().map(|(k, _)| *k) else {
                break false;
            };
            if at > until_ms {
                break false;
            }
            let ((at, _), event) = net.events.pop_first().unwrap();
            net.now_ms = at;
            let (to, input) = match event {
                Event::Message { from, to, bytes } => {
                    let from = tag(from);
                    (to, Input::Message { from, bytes })
                }
                Event::Timer { to, token, .. } => (to, Input::Timer(token)),
                Event::Fetch { .. } => continue,
            };
            match net.try_give(to, input) {
                Ok(()) => {}
                Err(fault) => {
                    assert_eq!(to, 1);
                    assert!(matches!(fault, Fault::Storage(_)), "{fault}");
                    assert_eq!(net.outputs[1], before, "published in spite of a fault");
                    let again = net.try_give(1, Input::Transactions);
                    assert!(matches!(again, Err(Fault::Invariant(_))));
                    break true;
                }
            }
        };
        faults += usize::from(failed);
        net.crash(1);
        net.start(1);
        net.run_to(1);
        net.assert_agreement();
    }
    assert!(faults > 5, "{faults}");
}

#[test]
fn a_failing_store_stops_the_machine() {
    let mut net = Net::new(1);
    net.nodes[0].store.break_down();
    let envelope = deposit(&net.genesis.chain_id, 1);
    net.nodes[0].hear(&net.genesis.chain_id, &envelope);
    net.give(0, Input::Transactions);
    let token = match net.events.values().last() {
        Some(Event::Timer { token, .. }) => *token,
        _ => panic!("no timer"),
    };
    let fault = net.try_give(0, Input::Timer(token));
    assert!(matches!(fault, Err(Fault::Storage(_))));
    assert!(net.committed.is_empty());
}

/// A validator whose log is gone, but not its guard, signs nothing at the heights that the guard left to the log; it
/// takes part again at the next. Whatever the guard has written since its last sync is lost besides.
#[test]
fn without_its_log_a_validator_sits_the_height_out() {
    let mut net = Net::new(4);
    net.submit(1);
    // Until node 1 has signed.
    while net.signed.is_empty() {
        net.step(u64::MAX);
    }
    net.crash(1);
    for name in ["wal-0", "wal-1", "wal-mark"] {
        net.nodes[1].disk.remove(name);
    }
    let before = net.outputs[1];
    net.start(1);
    assert_eq!(net.machine(1).muted_until, AHEAD);
    net.run_to(1);
    assert!(net.outputs[1] > before);
    for height in 2..=AHEAD {
        net.submit(height);
        net.run_to(height);
    }
    net.assert_agreement();
    net.crash(0);
    net.submit(AHEAD + 1);
    net.run_to(AHEAD + 1);
    net.assert_agreement();
}

/// The same with a log of some heights ago in its place, as a backup has it.
#[test]
fn with_an_older_log_a_validator_sits_the_heights_out() {
    let mut net = Net::new(4);
    net.submit(1);
    net.run_to(1);
    let older = net.nodes[1].disk.files();
    net.submit(2);
    net.run_to(2);
    net.crash(1);
    for name in LOG_FILES {
        net.nodes[1].disk.remove(name);
        net.nodes[1].disk.write_at(name, 0, &older[name]).unwrap();
        net.nodes[1].disk.sync(name).unwrap();
    }
    net.start(1);
    assert_eq!(net.machine(1).muted_until, AHEAD);
}

/// The power of all is cut, again and again, at any point of some heights: what was decided is decided again where no
/// store has it, and the network goes on.
#[test]
fn a_decided_block_outlives_a_power_cut_of_all_stores() {
    let mut lost = 0;
    for steps in 0..90 {
        let mut net = Net::new(4);
        for number in 1..4 {
            net.submit(number);
            let until = net.nodes.iter().map(|n| n.store.tip().height).max();
            let until = until.unwrap() + 1;
            while net.nodes.iter().all(|n| n.store.tip().height < until) {
                net.step(u64::MAX);
            }
        }
        for _ in 0..steps {
            net.step(u64::MAX);
        }
        let decided: Vec<_> = net.committed.iter().map(|c| c.1).collect();
        let height = decided.iter().max().copied().unwrap();
        let of_height = |net: &Net| {
            let mut stores = net.nodes.iter().map(|n| &n.store);
            stores.find_map(|s| Some(s.block(height).unwrap()?.0.id()))
        };
        let before = of_height(&net);
        for i in 0..4 {
            net.crash(i);
        }
        net.events.clear();
        lost += u64::from(of_height(&net).is_none());
        for i in 0..4 {
            net.start(i);
        }
        net.run_to(height);
        assert_eq!(of_height(&net), before);
        net.submit(9);
        net.run_to(height + 1);
        net.assert_agreement();
    }
    assert!(lost > 10, "{lost}");
}

/// The guard rests on the log only for what the log holds: what else was signed it keeps itself.
#[test]
fn a_signature_that_is_not_logged_is_in_the_guard() {
    let net = Net::new(4);
    let chain_id = net.genesis.chain_id;
    let disk = MemoryDisk::new();
    Guard::create(disk.clone()).unwrap();
    let (wal, _) = Wal::open(disk.clone()).unwrap();
    let key = keys(4).remove(0);
    let validators = net.nodes[0].machine.as_ref().unwrap().chain().validators();
    let guard = Guard::open(disk.clone()).unwrap();
    let mut signer = VoteSigner::new(key.into(), guard, chain_id, validators);
    signer.follow(wal.identity().unwrap());
    let mut durable = Vec::new();
    for (round, is_logged) in [(0, true), (1, true), (2, false), (3, true)] {
        let vote = signed_vote(&net, 0, VoteType::Prevote, 1, round, None);
        let signed = signer.vote(vote.message).unwrap();
        if is_logged {
            signer.logged(&signed.signature);
        }
        signer.save().unwrap();
        let guard = Guard::open(disk.crashed(|| 0)).unwrap();
        durable.push(guard.last().round);
    }
    // The first reserves, and that is a sync too.
    assert_eq!(durable, [0, 0, 2, 2]);
}

/// A log that was damaged after it was synced isn't taken for a shorter one.
#[test]
fn a_damaged_log_is_not_opened() {
    let mut net = Net::new(4);
    net.submit(1);
    while net.signed.is_empty() {
        net.step(u64::MAX);
    }
    net.run(2);
    assert_eq!(net.nodes[1].store.tip().height, 0);
    net.crash(1);
    let name = ["wal-0", "wal-1"]
        .into_iter()
        .find(|n| net.nodes[1].disk.files().contains_key(*n))
        .unwrap();
    net.nodes[1].disk.flip(name, 100, 1);
    assert!(net.open(1).is_err() || net.machine_would_mute(1));
}

impl Net {
    fn machine_would_mute(&mut self, i: usize) -> bool {
        let (machine, _) = self.open(i).unwrap();
        machine.muted_until == machine.height()
    }
}

/// The same own block after a restart, even if the pool has changed.
#[test]
fn a_proposer_builds_one_block_for_a_round() {
    let mut net = Net::new(4);
    // Nobody hears node 1.
    net.filter = Box::new(|from, _, _| from != 1);
    net.submit(1);
    while net.signed.is_empty() {
        net.step(u64::MAX);
    }
    let block = |net: &mut Net| own_blocks(net, 1);
    let first = block(&mut net);
    assert_eq!(first.len(), 1);
    let mut logged = None;
    for number in 2..5 {
        net.crash(1);
        let (_, recovered) = Wal::open(net.nodes[1].disk.clone()).unwrap();
        // A replay doesn't log again what it reads.
        assert!(!recovered.entries.is_empty());
        assert_eq!(
            *logged.get_or_insert(recovered.entries.len()),
            recovered.entries.len()
        );
        net.submit(number);
        net.now_ms += 1;
        net.start(1);
        assert_eq!(block(&mut net), first);
    }
}

/// A crash between logging an own block and publishing it, at every write: if the log kept the
/// block, the restarted proposer publishes that one, although its pool now gives another.
#[test]
fn a_logged_own_block_is_the_one_that_is_published() {
    let mut reused = 0;
    for writes in 0..8 {
        let mut net = Net::new(4);
        net.submit(1);
        net.nodes[1].disk.fail_after(writes);
        loop {
            let ((at, _), event) = net.events.pop_first().unwrap();
            net.now_ms = at;
            if let Event::Timer { to: 1, token, .. } = event
                && net.try_give(1, Input::Timer(token)).is_err()
            {
                break;
            }
            if net.outputs[1] > 10 {
                break;
            }
        }
        // What was written before the failure has reached the disk.
        net.nodes[1].machine = None;
        net.nodes[1].disk.crash_keeping(|_, count| count);
        net.signed.clear();
        let chain_id = net.genesis.chain_id;
        let other = deposit(&chain_id, 2);
        net.nodes[1].hear(&chain_id, &other);
        let (_, recovered) = Wal::open(net.nodes[1].disk.clone()).unwrap();
        let logged = recovered.entries.iter().find_map(|entry| {
            match crate::consensus::wal_entry::decode(1, entry).unwrap().input {
                arc_malachitebft_core_consensus::Input::ProposedValue(value, _) => {
                    Some(value.value.0)
                }
                _ => None,
            }
        });
        let own = crate::consensus::context::Address(keys(4)[1].verifying_key().to_bytes());
        let recovered = crate::consensus::replay::Recovered::read(recovered, &own).unwrap();
        let signed = recovered.and_then(|r| r.last_signed(&chain_id));
        net.start(1);
        if let Some(signed) = signed {
            // The guard takes up what only the log knew.
            let last = net.machine(1).effects.signer.as_ref().unwrap().last();
            assert!((last.height, last.round, last.step) >= (1, 0, signed.step));
        }
        net.give(1, Input::Transactions);
        let published = loop {
            let proposals = &net.machine(1).effects.height.proposals;
            if let Some((proposal, _)) = (0..5).find_map(|r| proposals.signed_in(r).next()) {
                break proposal.message.value.0;
            }
            assert!(net.step(u64::MAX));
        };
        if let Some(logged) = logged {
            reused += 1;
            assert_eq!(published, logged, "{writes} writes");
        }
    }
    assert!(reused > 1, "{reused}");
}

/// A lone validator signs and decides in one step: what it signed is durable before the block is.
#[test]
fn the_store_never_runs_ahead_of_the_guard() {
    let mut faults = 0;
    for operations in 0..10 {
        let mut net = Net::new(1);
        net.submit(1);
        net.nodes[0].disk.fail_after(operations);
        let mut failed = false;
        while !failed && net.nodes[0].store.tip().height == 0 {
            let ((at, _), event) = net.events.pop_first().unwrap();
            net.now_ms = at;
            if let Event::Timer { token, .. } = event {
                failed = net.try_give(0, Input::Timer(token)).is_err();
            }
        }
        faults += usize::from(failed);
        net.nodes[0].machine = None;
        net.nodes[0].disk.crash_keeping(|_, _| 0);
        let guard = Guard::open(net.nodes[0].disk.clone()).unwrap();
        assert!(guard.reserved_to() >= net.nodes[0].store.tip().height);
    }
    assert!(faults > 3, "{faults}");
}
