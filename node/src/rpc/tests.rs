use std::pin::pin;

use ed25519_dalek::SigningKey;
use prost::Message;
use tokio_stream::StreamExt;
use touchstone_core::certificate::vote_bytes;
use touchstone_core::proof::link;
use touchstone_core::signing::{self, Purpose};
use touchstone_core::state::delta::LinkRow;
use touchstone_core::state::keys;
use touchstone_core::transaction;
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{
    CaptureEvents, DepositDesign, Item, Link, LinkEntry, Position, Signature, Transaction, VoteKind,
};

use super::*;
use crate::mempool::Limits;
use crate::storage::Store;
use crate::storage::rocks::{RocksStore, Settings};
use crate::storage::sample::{self, Content};

/// The service's shared part over a store of its own.
struct Served {
    shared: Arc<Shared>,
    store: RocksStore,
    _progress: watch::Sender<Progress>,
    _gossip: mpsc::Receiver<Vec<u8>>,
    _folder: tempfile::TempDir,
}

fn served() -> Served {
    let folder = tempfile::tempdir().unwrap();
    let genesis = sample::genesis("rpc");
    let store = RocksStore::create(folder.path(), &genesis, &Settings::default()).unwrap();
    let (progress_sender, progress) = watch::channel(Progress {
        height: 2,
        ..Progress::default()
    });
    let (gossip, gossiped) = mpsc::channel(100);
    let parts = Parts {
        chain_id: genesis.chain_id,
        chain_name: "rpc".into(),
        genesis: genesis.bytes.clone(),
        reader: store.reader(),
        mempool: SharedMempool::new(Limits::default()),
        gossip,
        progress,
    };
    Served {
        shared: Arc::new(Shared::new(parts)),
        store,
        _progress: progress_sender,
        _gossip: gossiped,
        _folder: folder,
    }
}

impl Served {
    /// Commits a block with a certificate that holds.
    fn commit(&mut self, content: &Content) {
        let mut made = sample::next(&self.store, content);
        let header = &made.block.header;
        let vote = vote_bytes(VoteKind::Precommit, header.height, 1, Some(&header.id()));
        let key = SigningKey::from_bytes(&[3; 32]);
        made.certificate.signatures = vec![Signature {
            public_key: key.verifying_key().to_bytes().to_vec(),
            signature: signing::sign(&key, Purpose::Vote, &header.chain_id, &vote).to_vec(),
        }];
        self.store.commit(made.commit()).unwrap();
    }

    /// Two blocks of one capture of events, so that an item's link names each event so many times
    /// as `entries` says.
    fn link(&mut self, id: &str, events: &[Vec<u8>], entries: u64) -> Vec<Vec<u8>> {
        let body = Transaction {
            organisation: "platform".into(),
            created_ms: 1,
            action: Some(Action::CaptureEvents(CaptureEvents {
                handover: None,
                events: events.to_vec(),
            })),
        };
        let envelope = transaction::sign(&SigningKey::from_bytes(&[1; 32]), &[7; 32], &body);
        let owner = keys::item(id);
        let mut link = Link {
            count: 0,
            head: link::EMPTY_HEAD.to_vec(),
        };
        let mut head = link::EMPTY_HEAD;
        let mut rows = Vec::new();
        for sequence in 0..entries {
            let event = sequence as usize % events.len();
            let entry = LinkEntry {
                position: Some(Position {
                    height: 1,
                    transaction: 0,
                    event: event as u32,
                }),
                transaction_id: vec![0; 32],
                content_hash: touchstone_core::hash::sha256(&events[event]).to_vec(),
                organisation: "platform".into(),
                time_ms: sequence,
            }
            .encode_to_vec();
            head = link::extend(&head, &entry);
            rows.push(LinkRow {
                owner: owner.clone(),
                sequence,
                entry,
            });
        }
        link.count = entries;
        link.head = head.to_vec();
        let item = Item {
            link: Some(link),
            ..Item::default()
        };
        let entries = rows.iter().map(|row| row.entry.clone()).collect();
        self.commit(&Content {
            values: [(owner, item.encode_to_vec())].into(),
            links: rows,
            envelopes: vec![envelope],
            validators: None,
        });
        entries
    }

    async fn seats_are_free(&self, all: usize, seats: impl Fn() -> usize) {
        for _ in 0..500 {
            if seats() == all {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("a stream lives on though nobody reads it");
    }
}

fn from(height: u64) -> wire::SubscribeBlocksRequest {
    wire::SubscribeBlocksRequest {
        from_height: height,
        with_transactions: false,
    }
}

#[tokio::test]
async fn a_subscription_ends_with_its_reader_though_no_block_comes() {
    let mut served = served();
    sample::grow(&mut served.store, 2);
    let seats = &served.shared.gates.subscriptions;
    let all = seats.free();
    let mut blocks = blocks::subscribe(served.shared.clone(), from(2)).unwrap();
    assert!(blocks.next().await.unwrap().is_ok());
    assert_eq!(seats.free(), all - 1);
    drop(blocks);
    served.seats_are_free(all, || seats.free()).await;
}

#[tokio::test]
async fn a_reader_that_sleeps_has_at_most_two_blocks_read_for_it() {
    let mut served = served();
    sample::grow(&mut served.store, 2);
    served._progress.send_modify(|p| p.height = 40);
    let mut blocks = blocks::subscribe(served.shared.clone(), from(1)).unwrap();
    // Heights 3 to 40 are claimed but not stored: to read on is to fail.
    tokio::time::sleep(Duration::from_millis(100)).await;
    sample::grow(&mut served.store, 38);
    for _ in 1..=40 {
        assert!(blocks.next().await.unwrap().is_ok());
    }
}

#[tokio::test]
async fn subscriptions_and_submissions_have_so_many_seats() {
    let served = served();
    let limit = served.shared.gates.subscriptions.free();
    let mut streams = Vec::new();
    for _ in 0..limit {
        streams.push(blocks::subscribe(served.shared.clone(), from(9)).unwrap());
    }
    let refused = blocks::subscribe(served.shared.clone(), from(9))
        .err()
        .unwrap();
    assert_eq!(refused.code(), tonic::Code::ResourceExhausted);
    assert!(refused.message().contains(&limit.to_string()), "{refused}");

    let limit = served.shared.gates.submissions.free();
    let mut streams = Vec::new();
    for _ in 0..limit {
        let requests = tokio_stream::pending();
        streams.push(submit::submit_many(served.shared.clone(), requests).unwrap());
    }
    let requests = tokio_stream::pending();
    let refused = submit::submit_many(served.shared.clone(), requests)
        .err()
        .unwrap();
    assert_eq!(refused.code(), tonic::Code::ResourceExhausted);
    assert!(refused.message().contains(&limit.to_string()), "{refused}");
}

#[tokio::test]
async fn a_stream_of_submissions_ends_with_its_client_though_outcomes_are_open() {
    let served = served();
    let body = Transaction {
        organisation: "platform".into(),
        created_ms: 1,
        action: Some(Action::DepositDesign(DepositDesign {
            commitment: vec![7; 32],
        })),
    };
    let chain_id = served.shared.parts.chain_id;
    let envelope = transaction::sign(&SigningKey::from_bytes(&[1; 32]), &chain_id, &body);
    let requests = tokio_stream::iter([Ok(wire::SubmitRequest {
        envelope,
        wait: true,
    })]);
    let seats = &served.shared.gates.submissions;
    let all = seats.free();
    let answers = submit::submit_many(served.shared.clone(), requests).unwrap();
    while served.shared.parts.mempool.size().0 == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(seats.free(), all - 1);
    drop(answers);
    served.seats_are_free(all, || seats.free()).await;
}

#[tokio::test]
async fn a_gate_runs_so_many_lets_so_many_wait_and_refuses_the_rest() {
    let gate = Arc::new(gates::Gate::new(1, 1));
    let (release, held) = std::sync::mpsc::channel::<()>();
    let first = tokio::spawn({
        let gate = gate.clone();
        async move { gate.run(move || Ok(held.recv().is_ok())).await }
    });
    while gate.free() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let mut second = pin!(gate.run(|| Ok(2)));
    assert!(futures::poll!(second.as_mut()).is_pending());
    let third = gate.run(|| Ok(3)).await.unwrap_err();
    assert_eq!(third.code(), tonic::Code::ResourceExhausted, "{third}");
    assert!(third.message().contains('1'), "{third}");
    release.send(()).unwrap();
    assert!(first.await.unwrap().unwrap());
    assert_eq!(second.await.unwrap(), 2);
    assert_eq!(gate.run(|| Ok(4)).await.unwrap(), 4);
    let failed = gate.run(|| -> Result<(), Status> { panic!("of a query") });
    assert_eq!(failed.await.unwrap_err().code(), tonic::Code::Internal);
    assert_eq!(gate.run(|| Ok(5)).await.unwrap(), 5);
}

/// A read that is given up keeps its thread until it is done: giving up makes no room.
#[tokio::test]
async fn a_call_that_is_given_up_still_counts() {
    let gate = gates::Gate::new(1, 9);
    let (release, held) = std::sync::mpsc::channel::<()>();
    let waited = tokio::time::timeout(
        Duration::from_millis(50),
        gate.run(move || Ok(held.recv().is_ok())),
    );
    assert!(waited.await.is_err());
    assert_eq!(gate.free(), 0);
    release.send(()).unwrap();
    assert_eq!(gate.run(|| Ok(1)).await.unwrap(), 1);
}

#[test]
fn the_tips_certificate_is_verified_once_for_each_block() {
    let mut served = served();
    served.commit(&sample::content(1));
    let first = served.shared.view().tip().unwrap();
    let again = served.shared.view().tip().unwrap();
    assert!(Arc::ptr_eq(&first, &again));
    assert!(query::organisation(&served.shared.view(), "platform").is_ok());
    served.commit(&sample::content(2));
    let next = served.shared.view().tip().unwrap();
    assert_eq!((first.header.height, next.header.height), (1, 2));
    // This block's certificate is the sample's, which holds for nobody.
    sample::grow(&mut served.store, 1);
    let refused = query::organisation(&served.shared.view(), "platform").unwrap_err();
    assert_eq!(refused.code(), tonic::Code::DataLoss);
}

#[test]
fn pages_tell_the_head_before_them_and_remember_it() {
    let mut served = served();
    const ID: &str = "https://id.gs1.org/01/09521234500018/21/A1";
    let entries = served.link(ID, &[b"an event".to_vec()], 3500);
    let page = |from, limit| {
        let request = wire::GetItemRequest {
            id: ID.into(),
            from,
            limit,
        };
        query::item(&served.shared.view(), &request).unwrap()
    };
    let head = |count: usize| {
        let extended = entries[..count].iter();
        extended
            .fold(link::EMPTY_HEAD, |head, e| link::extend(&head, e))
            .to_vec()
    };
    for from in [
        0,
        1,
        999,
        1000,
        1001,
        2999,
        3000,
        3499,
        3500,
        3501,
        u64::MAX,
    ] {
        let reply = page(from, 2);
        let rest = 3500_u64.saturating_sub(from).min(2) as usize;
        assert_eq!(reply.events.len(), rest, "from {from}");
        let count = from.min(3500) as usize;
        assert_eq!(reply.head_before, head(count), "from {from}");
    }
    assert_eq!(served.shared.known.heads_kept(), 3);
    assert_eq!(page(0, 0).events.len(), 1000);
}

#[test]
fn a_page_is_bounded_by_what_its_events_weigh() {
    let mut served = served();
    const ID: &str = "https://id.gs1.org/01/09521234500018/21/A1";
    let event = vec![b'x'; 1 << 20];
    served.link(ID, &[event.clone(), event], 40);
    let request = wire::GetItemRequest {
        id: ID.into(),
        from: 0,
        limit: 0,
    };
    let reply = query::item(&served.shared.view(), &request).unwrap();
    assert_eq!(reply.events.len(), 15);
    assert!(reply.encoded_len() < 17 << 20);
}
