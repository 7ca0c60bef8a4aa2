//! What proofs cost: the time to check them and their size beyond the events themselves. Times are
//! compared with strict signature verifications on the same core in the same run.
//!
//! Usage: `scripts/bench-proofs`

#![allow(clippy::print_stdout, reason = "a program speaks to its user")]

use std::hint::black_box;
use std::process::ExitCode;

use prost::Message;
use touchstone_core::block::Header;
use touchstone_core::encoding::decode_exact;
use touchstone_core::evidence::{Archive, Subject, Trusted, Verdict, collect, examine, seal};
use touchstone_core::proof::header;
use touchstone_core::proof::item_history::{self, CompleteLink, Recorded};
use touchstone_core::proof::link;
use touchstone_core::proof::page;
use touchstone_core::signing::{self, Purpose};
use touchstone_core::state::keys;
use touchstone_core::test_support::{Chain, capture, item, key, object, public};
use touchstone_core::transaction;
use touchstone_proto::ledger::{Item, LinkEntry};
use touchstone_proto::node::{LinkedEvent, PageProof, StateReply};
use touchstone_tests::bench::latency::median_ms;
use touchstone_tests::bench::numbers;

fn main() -> ExitCode {
    if let Err(code) = numbers::read("bench_proofs", 0) {
        return code;
    }
    let signature_ms = signature_ms();
    println!("one strict Ed25519 verification: {:.3} ms", signature_ms);
    println!();
    println!(
        "| what | events | transactions | check ms | in signature verifications \
         | bytes of events | bytes of proof | of it per event |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for (events, together) in [(1, 1), (100, 1), (1_000, 1), (1_000, 100)] {
        let chain = chain(events, together);
        let answer = Answer::of(&chain);
        let row = Row {
            events,
            transactions: events / together,
            signature_ms,
        };
        let ms = median_ms(|| answer.check(&chain));
        row.print("item link", ms, answer.event_bytes(), answer.proof_bytes());
        // At heads that the state holds, and as far from them as can be.
        for (what, from, to) in [("a page at heads", 256, 512), ("a page between", 129, 385)] {
            if let Some(page) = answer.events.get(from..to) {
                let page = PageAnswer::of(&chain, &answer.record, from as u64, page);
                let ms = median_ms(|| page.check(&chain));
                let row = Row {
                    events: to - from,
                    ..row
                };
                row.print(what, ms, event_bytes(page.events), page.proof_bytes());
            }
        }
        let evidence = collect(&chain, &Subject::Item(item(1))).expect("a chain in memory");
        let file = seal(&evidence);
        let trusted = Trusted {
            chain_id: Some(chain.id),
            ..Trusted::default()
        };
        let ms = median_ms(|| {
            let report = examine(black_box(&file), &trusted);
            assert_ne!(report.verdict, Verdict::NotVerified);
        });
        row.print(
            "evidence file",
            ms,
            answer.event_bytes(),
            file.len() - answer.event_bytes(),
        );
    }
    ExitCode::SUCCESS
}

/// A page of the link as a node gives it.
struct PageAnswer<'a> {
    record: &'a StateReply,
    from: u64,
    events: &'a [LinkedEvent],
    proof: PageProof,
}

impl PageAnswer<'_> {
    fn of<'a>(
        chain: &Chain,
        record: &'a StateReply,
        from: u64,
        events: &'a [LinkedEvent],
    ) -> PageAnswer<'a> {
        let to = from + events.len() as u64;
        let count = record_of(record).link.map_or(0, |link| link.count);
        let proof = page::prove(chain, &record.key, from, to, count);
        PageAnswer {
            record,
            from,
            events,
            proof: proof.expect("a chain in memory"),
        }
    }

    fn proof_bytes(&self) -> usize {
        let entries: usize = self.events.iter().map(|e| e.entry.len()).sum();
        self.record.encoded_len() + self.proof.encoded_len() + entries
    }

    /// What a light client does.
    fn check(&self, chain: &Chain) {
        let root = certified(chain, self.record).state_root;
        let key = &self.record.key;
        let value = touchstone_core::proof::state::verify_reply(&root, key, self.record);
        assert!(value.is_ok_and(|value| value.is_some()), "proven");
        let link = record_of(self.record).link.expect("a link");
        let page = page::verify(&root, key, &link, self.from, self.events, &self.proof);
        assert_eq!(page.map(|e| e.len()), Ok(self.events.len()));
    }
}

/// The record in an answer.
fn record_of(reply: &StateReply) -> Item {
    let value = reply.value.as_ref().expect("a record");
    decode_exact(value).expect("an item")
}

/// The header of an answer, its certificate checked.
fn certified(chain: &Chain, reply: &StateReply) -> Header {
    let certified = reply.header.as_ref().expect("a header");
    let height = Header::decode(&certified.header).expect("a header").height;
    let set = &chain.sets[height as usize - 1];
    header::verify(&chain.id, set, certified).expect("a certified header")
}

fn event_bytes(events: &[LinkedEvent]) -> usize {
    events.iter().map(|e| e.event.len()).sum()
}

#[derive(Clone, Copy)]
struct Row {
    events: usize,
    transactions: usize,
    signature_ms: f64,
}

impl Row {
    fn print(&self, what: &str, ms: f64, event_bytes: usize, proof_bytes: usize) {
        println!(
            "| {what} | {} | {} | {ms:.2} | {:.0} | {event_bytes} | {proof_bytes} | {} |",
            self.events,
            self.transactions,
            ms / self.signature_ms,
            proof_bytes / self.events
        );
    }
}

/// A chain that records so many events of one item, so many in a transaction, up to ten of these in
/// a block.
fn chain(events: usize, together: usize) -> Chain {
    let mut chain = Chain::start();
    let all: Vec<Vec<u8>> = (0..events).map(|n| object(n as u64, &[item(1)])).collect();
    let transactions: Vec<_> = all.chunks(together).collect();
    for (height, block) in transactions.chunks(10).enumerate() {
        let envelopes: Vec<Vec<u8>> = block
            .iter()
            .enumerate()
            .map(|(n, some)| chain.sign_at(("market", 1), (height * 10 + n) as u64, capture(some)))
            .collect();
        let applied = chain.commit(&envelopes).applied.len();
        assert_eq!(applied, envelopes.len(), "good events");
    }
    chain
}

/// An item's whole link as a node gives it.
struct Answer {
    record: StateReply,
    events: Vec<LinkedEvent>,
}

impl Answer {
    fn of(chain: &Chain) -> Answer {
        let key = keys::item(&item(1));
        let (value, proof) = chain.prove(&key).expect("a chain in memory");
        let entries = chain.entries(&key).expect("a chain in memory");
        let events = entries.into_iter().map(|entry| {
            let decoded: LinkEntry = decode_exact(&entry).expect("an entry");
            let (height, index, event) = item_history::place(&decoded);
            let envelope = chain.envelope(height, index).expect("a chain in memory");
            let events = transaction::captured_events(&envelope.expect("an envelope"));
            let mut events = events.expect("a transaction").expect("events");
            LinkedEvent {
                entry,
                event: events.swap_remove(event as usize),
            }
        });
        Answer {
            events: events.collect(),
            record: StateReply {
                header: chain.anchor().expect("a chain in memory"),
                key,
                value,
                proof: Some(proof),
            },
        }
    }

    fn event_bytes(&self) -> usize {
        event_bytes(&self.events)
    }

    fn proof_bytes(&self) -> usize {
        let entries: usize = self.events.iter().map(|e| e.entry.len()).sum();
        self.record.encoded_len() + entries
    }

    /// What a light client does, from the header to the history.
    fn check(&self, chain: &Chain) {
        let header = certified(chain, &self.record);
        let key = keys::item(&item(1));
        let root = header.state_root;
        let value = touchstone_core::proof::state::verify_reply(&root, &key, &self.record);
        let record: Item = decode_exact(value.expect("proven").expect("there")).expect("an item");
        let entries = link::verify(&record.link.expect("a link"), &self.events).expect("complete");
        let events = entries.into_iter().zip(&self.events);
        let events = events.map(|(entry, e)| Recorded::new(entry, e.event.clone()));
        let link = CompleteLink::new(item(1), header.height, events.collect());
        let resolved = item_history::resolve(&item(1), |_| Some(&link));
        assert_eq!(resolved.expect("a history").steps.len(), self.events.len());
    }
}

fn signature_ms() -> f64 {
    let message = [7; 300];
    let signature = signing::sign(&key(9), Purpose::Transaction, &[1; 32], &message);
    let public = public(9);
    median_ms(|| {
        for _ in 0..100 {
            let holds = signing::verify(
                &public,
                Purpose::Transaction,
                &[1; 32],
                &message,
                &signature,
            );
            assert!(black_box(holds));
        }
    }) / 100.0
}
