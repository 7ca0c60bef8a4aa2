use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ed25519_dalek::SigningKey;
use prost::Message;
use tokio_stream::StreamExt;
use touchstone_core::commit_certificate::vote_bytes;
use touchstone_core::proof::{self, link};
use touchstone_core::signing::{self, Purpose};
use touchstone_core::state::delta::LinkRow;
use touchstone_core::state::keys;
use touchstone_core::transaction;
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{
    CaptureEvents, DepositDesign, Item, LinkEntry, Position, Signature, Transaction, VoteKind,
};
use touchstone_proto::node as wire;

use super::limits::{StreamPermit, StreamPermits};
use super::*;
use crate::mempool::PoolLimits;
use crate::storage::Store;
use crate::storage::rocks::{RocksStore, StoreSettings};
use crate::storage::test_blocks::{self, BlockContent};

/// The service's shared part over a store of its own.
pub(crate) struct Served {
    pub(crate) service: Arc<LedgerService>,
    pub(crate) store: RocksStore,
    pub(crate) progress: watch::Sender<Progress>,
    cancelled: Cancelled,
    _gossip: mpsc::Receiver<Arc<VerifiedTransaction>>,
    _folder: tempfile::TempDir,
}

pub(crate) fn served() -> Served {
    let folder = tempfile::tempdir().unwrap();
    let genesis = test_blocks::genesis("rpc");
    let store = RocksStore::create(folder.path(), &genesis, &StoreSettings::default()).unwrap();
    let (progress_sender, progress) = watch::channel(Progress {
        height: 2,
        ..Progress::default()
    });
    let (gossip, gossiped) = mpsc::channel(100);
    let parts = ServiceParts {
        chain_id: genesis.chain_id,
        chain_name: "rpc".into(),
        genesis: genesis.bytes.clone(),
        reader: store.reader(),
        mempool: SharedMempool::new(PoolLimits::default()),
        gossip,
        progress,
        failed: FailedAnswers::default(),
    };
    Served {
        service: Arc::new(LedgerService::new(parts)),
        cancelled: Cancelled::default(),
        store,
        progress: progress_sender,
        _gossip: gossiped,
        _folder: folder,
    }
}

impl Served {
    /// What one question sees.
    pub(crate) fn view(&self) -> ProvenState<'_> {
        self.service.proven_state(&self.cancelled)
    }

    /// Commits a block with a certificate that holds.
    pub(crate) fn commit(&mut self, content: &BlockContent) {
        let mut made = test_blocks::next(&self.store, content);
        let header = &made.block.header;
        let vote = vote_bytes(VoteKind::Precommit, header.height, 1, Some(&header.id()));
        let key = SigningKey::from_bytes(&[3; 32]);
        made.certificate.signatures = vec![Signature {
            public_key: key.verifying_key().to_bytes().to_vec(),
            signature: signing::sign(&key, Purpose::Vote, &header.chain_id, &vote).to_vec(),
        }];
        self.store.commit(made.commit()).unwrap();
    }

    /// Commits so many blocks whose certificates hold.
    pub(crate) fn grow(&mut self, blocks: u64) {
        for _ in 0..blocks {
            self.commit(&test_blocks::content(self.store.tip().height + 1));
        }
    }

    /// A block of captures, so that the link at `owner` names each event in order.
    pub(crate) fn link(&mut self, owner: &[u8], captures: &[Vec<Vec<u8>>]) {
        let height = self.store.tip().height + 1;
        let mut link = link::empty();
        let mut head = link::EMPTY_HEAD;
        let mut content = BlockContent::default();
        for (transaction, events) in (0..).zip(captures) {
            for (event, bytes) in (0..).zip(events) {
                let entry = LinkEntry {
                    position: Some(Position {
                        height,
                        transaction,
                        event,
                    }),
                    transaction_id: vec![0; 32],
                    content_hash: touchstone_core::hash::sha256(bytes).to_vec(),
                    organisation: "platform".into(),
                    time_ms: link.count,
                }
                .encode_to_vec();
                head = link::extend(&head, &entry);
                content.links.push(LinkRow {
                    owner: owner.to_vec(),
                    sequence: link.count,
                    entry,
                });
                link.count += 1;
                if link.count.is_multiple_of(link::PAGE_STRIDE) {
                    let key = keys::link_head(owner, link.count);
                    content.values.insert(key, head.to_vec());
                }
            }
            content.envelopes.push(envelope(events));
        }
        link.head = head.to_vec();
        // An item and a file hold their link in the same field.
        let item = Item {
            link: Some(link),
            ..Item::default()
        };
        let value = (owner.to_vec(), item.encode_to_vec());
        content.values.extend([value]);
        self.commit(&content);
    }

    /// Waits until a limit has so many streams.
    pub(crate) async fn has_streams(&self, permits: &StreamPermits, count: usize) {
        for _ in 0..6000 {
            if permits.taken() == count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("a stream lives on though nobody reads it");
    }
}

pub(crate) fn envelope(events: &[Vec<u8>]) -> Vec<u8> {
    let body = Transaction {
        organisation: "platform".into(),
        created_ms: 1,
        action: Some(Action::CaptureEvents(CaptureEvents {
            events: events.to_vec(),
            handover: None,
        })),
    };
    transaction::sign(&SigningKey::from_bytes(&[1; 32]), &[7; 32], &body)
}

fn from(height: u64) -> wire::SubscribeBlocksRequest {
    wire::SubscribeBlocksRequest {
        from_height: height,
        with_transactions: false,
    }
}

/// A client by the number of its connection.
fn client(connection: u64) -> Caller {
    Caller {
        connection,
        ..Caller::OWN
    }
}

fn subscribe(served: &Served, height: u64) -> Result<blocks::BlockStream, ServiceError> {
    blocks::subscribe(served.service.clone(), client(1), from(height))
}

#[tokio::test]
async fn a_subscription_ends_with_its_reader_though_no_block_comes() {
    let mut served = served();
    served.grow(2);
    let mut blocks = subscribe(&served, 2).unwrap();
    assert!(blocks.next().await.unwrap().is_ok());
    let permits = &served.service.limits.subscriptions;
    assert_eq!(permits.taken(), 1);
    drop(blocks);
    served.has_streams(permits, 0).await;
}

#[tokio::test]
async fn a_reader_that_sleeps_has_at_most_two_blocks_read_for_it() {
    let mut served = served();
    served.grow(2);
    served.progress.send_modify(|p| p.height = 40);
    let mut blocks = subscribe(&served, 1).unwrap();
    // Heights 3 to 40 are claimed but not stored: to read on is to fail.
    tokio::time::sleep(Duration::from_millis(100)).await;
    served.grow(38);
    for _ in 1..=40 {
        assert!(blocks.next().await.unwrap().is_ok());
    }
}

/// One address opens more streams than it may have: the first ones give way, and the last one is served.
#[tokio::test]
async fn silent_streams_give_way_to_new_ones() {
    let mut served = served();
    served.grow(2);
    let mut followers = Vec::new();
    for _ in 0..300 {
        followers.push(subscribe(&served, 9).unwrap());
    }
    let ended = followers[0].next().await.unwrap();
    assert_eq!(ended.unwrap_err(), ServiceError::Silent);
    let mut last = subscribe(&served, 1).unwrap();
    assert!(last.next().await.unwrap().is_ok());

    let mut streams = Vec::new();
    for number in 0..300 {
        let requests = tokio_stream::pending();
        let answers = submission::submit_many(served.service.clone(), client(number), requests);
        streams.push(answers.unwrap());
    }
    let ended = streams[0].next().await.unwrap();
    assert_eq!(ended.unwrap_err(), ServiceError::Silent);
    let broken = wire::SubmitRequest {
        envelope: vec![1],
        wait: true,
    };
    let requests = tokio_stream::iter([broken]);
    let mut answers =
        submission::submit_many(served.service.clone(), client(999), requests).unwrap();
    assert!(answers.next().await.unwrap().is_ok());
}

/// A submission that stays pending, as nobody makes blocks here.
fn deposit(served: &Served, number: u8) -> wire::SubmitRequest {
    let body = Transaction {
        organisation: "platform".into(),
        created_ms: crate::consensus_thread::now_ms(),
        action: Some(Action::DepositDesign(DepositDesign {
            commitment: vec![number; 32],
        })),
    };
    let chain_id = served.service.parts.chain_id;
    wire::SubmitRequest {
        envelope: transaction::sign(&SigningKey::from_bytes(&[1; 32]), &chain_id, &body),
        wait: true,
    }
}

/// Streams that the node owes an answer hold all places, all of one address.
#[tokio::test]
async fn another_address_has_a_stream_though_all_places_are_owed_something() {
    let mut served = served();
    let service = Arc::get_mut(&mut served.service).unwrap();
    service.limits.submissions = StreamPermits::new("streams", (2, 2));
    let mut streams = Vec::new();
    for number in 0..2 {
        let requests = tokio_stream::iter([deposit(&served, number)]);
        let submitted = submission::submit_many(served.service.clone(), client(1), requests);
        streams.push(submitted.unwrap());
        while served.service.parts.mempool.size().0 == usize::from(number) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    let other = Caller {
        address: std::net::IpAddr::from([192, 0, 2, 1]),
        connection: 2,
    };
    let requests = tokio_stream::iter([deposit(&served, 2)]);
    let third = submission::submit_many(served.service.clone(), other, requests);
    assert!(third.is_ok());
    let ended = streams[1].next().await.unwrap();
    assert_eq!(ended.unwrap_err(), StreamPermit::gave_way());
    let same = submission::submit_many(served.service.clone(), client(3), tokio_stream::pending());
    assert!(matches!(same.err(), Some(ServiceError::Busy(_))));
}

/// A stream whose client sends on and takes no answer, until the node waits for it; and what lives as long as the node
/// serves it.
async fn unheard(served: &Served, number: u64) -> (submission::StatusStream, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let count = taken.clone();
    let broken = std::iter::repeat_with(move || {
        count.fetch_add(1, Ordering::Relaxed);
        wire::SubmitRequest {
            envelope: vec![1],
            wait: true,
        }
    });
    let requests = tokio_stream::iter(broken);
    let answers = submission::submit_many(served.service.clone(), client(number), requests);
    while taken.load(Ordering::Relaxed) <= submission::ANSWERS {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    (answers.unwrap(), taken)
}

#[tokio::test]
async fn a_stream_that_gives_way_ends_though_its_client_takes_no_answer() {
    let mut served = served();
    let service = Arc::get_mut(&mut served.service).unwrap();
    service.limits.submissions = StreamPermits::new("streams", (2, 2));
    let (_first, stays) = unheard(&served, 0).await;
    let (second, goes) = unheard(&served, 1).await;
    let other = Caller {
        address: std::net::IpAddr::from([192, 0, 2, 1]),
        connection: 2,
    };
    let third = submission::submit_many(served.service.clone(), other, tokio_stream::pending());
    assert!(third.is_ok());
    for _ in 0..6000 {
        if Arc::strong_count(&goes) == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(Arc::strong_count(&goes), 1, "it waits for its client");
    assert_eq!(Arc::strong_count(&stays), 2);
    let told = second.fold(0, |told, _| told + 1).await;
    assert_eq!(told, submission::ANSWERS);
}

#[tokio::test]
async fn a_stream_of_submissions_ends_with_its_client_though_outcomes_are_open() {
    let served = served();
    let requests = tokio_stream::iter([deposit(&served, 7)]);
    let permits = &served.service.limits.submissions;
    let answers = submission::submit_many(served.service.clone(), client(1), requests).unwrap();
    while served.service.parts.mempool.size().0 == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(permits.taken(), 1);
    drop(answers);
    served.has_streams(permits, 0).await;
}

#[tokio::test]
async fn an_answer_that_fails_is_refused_and_told_and_the_node_goes_on() {
    let mut served = served();
    let alarm = |served: &Served| {
        let tip = served.view().snapshot.tip();
        status::status(&served.service, tip).failure_alarm
    };
    // The certificates of these blocks hold for nobody.
    test_blocks::grow(&mut served.store, 1);
    let asked = served.service.read(client(1), |view| {
        state_query::organisation(view, "platform")
    });
    assert!(matches!(asked.await, Err(ServiceError::Unproven(_))));
    let told = alarm(&served);
    assert!(told.contains("started: 1;"), "{told}");
    let broken = served
        .service
        .read(client(1), |_| -> Result<(), ServiceError> {
            panic!("on purpose")
        });
    assert!(matches!(broken.await, Err(ServiceError::Fault(_))));
    let told = alarm(&served);
    assert!(told.contains("started: 2;"), "{told}");
    let unknown = served
        .service
        .read(client(1), |view| state_query::design(view, b"short"));
    assert!(matches!(unknown.await, Err(ServiceError::Malformed(_))));
    assert_eq!(alarm(&served), told, "a bad request is no failure");
}

#[test]
fn the_tips_certificate_is_verified_once_for_each_block() {
    let mut served = served();
    served.commit(&test_blocks::content(1));
    let first = served.view().tip().unwrap();
    let again = served.view().tip().unwrap();
    assert!(Arc::ptr_eq(&first, &again));
    assert!(state_query::organisation(&served.view(), "platform").is_ok());
    served.commit(&test_blocks::content(2));
    let next = served.view().tip().unwrap();
    assert_eq!((first.header.height, next.header.height), (1, 2));
    // This block's certificate is the sample's, which holds for nobody.
    test_blocks::grow(&mut served.store, 1);
    let refused = state_query::organisation(&served.view(), "platform").unwrap_err();
    assert!(matches!(refused, ServiceError::Unproven(_)), "{refused:?}");
}

const ID: &str = "https://id.gs1.org/01/09521234500018/21/A1";

/// Captures of so many small events, 100 in each.
fn captures(events: usize) -> Vec<Vec<Vec<u8>>> {
    let all: Vec<Vec<u8>> = (0..events).map(|n| format!("event {n}").into()).collect();
    all.chunks(100).map(<[Vec<u8>]>::to_vec).collect()
}

fn item_page(served: &Served, from: u64, limit: u32) -> Result<wire::ItemReply, ServiceError> {
    let id = ID.into();
    let request = wire::GetItemRequest { id, from, limit };
    log_page::item(&served.view(), &request)
}

/// The page's entries are proven by the reply alone, as a client sees it.
fn proven_entries(reply: &wire::ItemReply) -> u64 {
    let record = reply.record.as_ref().unwrap();
    let header = &record.header.as_ref().unwrap().header;
    let root = touchstone_core::block::Header::decode(header)
        .unwrap()
        .state_root;
    let key = keys::item(ID);
    let value = touchstone_core::proof::state::verify_reply(&root, &key, record).unwrap();
    let item: Item = touchstone_core::encoding::decode_exact(value.unwrap()).unwrap();
    let proof = reply.proof.as_ref().unwrap();
    let link = item.link.unwrap();
    proof::page::verify(&root, &key, &link, reply.from, &reply.events, proof).unwrap();
    reply.events.len() as u64
}

#[test]
fn every_page_of_a_link_is_proven_by_itself() {
    let mut served = served();
    served.link(&keys::item(ID), &captures(2500));
    served.grow(1);
    for (from, limit, expected) in [
        (0, 0, 1024),
        (1024, 0, 1024),
        (2048, 0, 452),
        (0, 5000, 1024),
        (0, 1, 1),
        (255, 2, 2),
        (256, 256, 256),
        (300, 10, 10),
        (2499, 10, 1),
    ] {
        let reply = item_page(&served, from, limit).unwrap();
        assert_eq!(proven_entries(&reply), expected, "{from} {limit}");
        assert_eq!(reply.from, from);
        let first = format!("event {from}").into_bytes();
        assert_eq!(reply.events[0].event, first);
    }
    for from in [2500, 2501, u64::MAX] {
        let reply = item_page(&served, from, 0).unwrap();
        assert_eq!((reply.events.len(), &reply.proof), (0, &None), "{from}");
        assert!(reply.record.unwrap().value.is_some());
    }
}

/// What was answered before is answered again; a link that has changed has another head.
#[test]
fn a_link_that_is_kept_is_answered_as_it_was_read_and_no_longer_once_it_has_changed() {
    let mut served = served();
    let (key, all) = (keys::item(ID), captures(3));
    served.link(&key, &all);
    let read = item_page(&served, 0, 0).unwrap();
    let link = |reply: &wire::ItemReply| {
        let record = reply.record.as_ref().unwrap();
        let item = Item::decode(record.value.as_deref().unwrap()).unwrap();
        item.link.unwrap()
    };
    let kept = served.view().links.find(&link(&read)).unwrap();
    assert_eq!(*kept, read.events);
    assert_eq!(item_page(&served, 0, 0).unwrap(), read);
    served.grow(1);
    let later = item_page(&served, 0, 3).unwrap();
    assert_eq!(proven_entries(&later), 3);
    assert_ne!(later.record, read.record, "of the newest block");
    assert_eq!(later.events, read.events);
    assert_eq!(proven_entries(&item_page(&served, 0, 2).unwrap()), 2);
    served.link(&key, &captures(4));
    assert_eq!(proven_entries(&item_page(&served, 0, 0).unwrap()), 4);
}

fn thread(view: &ProvenState<'_>) -> Result<std::thread::ThreadId, ServiceError> {
    view.tip()?;
    Ok(std::thread::current().id())
}

#[tokio::test]
async fn what_is_at_hand_is_answered_on_the_thread_that_asks() {
    let mut served = served();
    served.grow(2);
    let here = std::thread::current().id();
    let service = &served.service;
    let new = service.read_small(client(1), thread, thread).await;
    assert_ne!(new, Ok(here), "its header isn't verified yet");
    let known = service.read_small(client(1), thread, thread).await;
    assert_eq!(known, Ok(here));
    let not_small = |_: &ProvenState<'_>| Err(ServiceError::TooLarge("it".into()));
    let asked = service.read_small(client(1), not_small, thread).await;
    assert!(asked.is_ok_and(|thread| thread != here));
}

#[test]
fn a_files_disclosures_come_in_proven_pages() {
    let mut served = served();
    let key = keys::design_file(&[9; 32]);
    served.link(&key, &captures(300));
    let view = served.view();
    let mut request = wire::GetDesignsByFileRequest {
        sha256: vec![9; 32],
        from: 0,
        limit: 0,
    };
    let whole = log_page::designs_by_file(&view, &request).unwrap();
    assert_eq!(whole.entries.len(), 300);
    (request.from, request.limit) = (250, 10);
    let some = log_page::designs_by_file(&view, &request).unwrap();
    assert_eq!(some.entries, whole.entries[250..260]);
    let heads = some.proof.unwrap();
    assert_eq!((heads.first, heads.last.is_some()), (None, false));
    assert_eq!((heads.before.len(), heads.after.len()), (250, 40));
    request.sha256 = vec![8; 32];
    let none = log_page::designs_by_file(&view, &request).unwrap();
    assert_eq!((none.entries.len(), none.proof), (0, None));
    assert!(none.record.unwrap().value.is_none());
}

#[test]
fn a_page_that_does_not_verify_is_not_sent() {
    let mut served = served();
    let owner = keys::item(ID);
    served.link(&owner, &captures(600));
    assert!(item_page(&served, 256, 256).is_ok());
    // A head that isn't the link's.
    let mut content = test_blocks::content(2);
    content
        .values
        .insert(keys::link_head(&owner, 512), vec![1; 32]);
    served.commit(&content);
    let refused = item_page(&served, 256, 256).unwrap_err();
    assert!(matches!(refused, ServiceError::Unproven(_)), "{refused:?}");
    // The whole needs no head.
    assert!(item_page(&served, 0, 0).is_ok());
    // Another entry than the one that the link was made of.
    let mut content = test_blocks::content(3);
    content.links = vec![LinkRow {
        owner,
        sequence: 0,
        entry: LinkEntry {
            position: Some(Position {
                height: 1,
                transaction: 0,
                event: 0,
            }),
            ..LinkEntry::default()
        }
        .encode_to_vec(),
    }];
    served.commit(&content);
    let refused = item_page(&served, 0, 0).unwrap_err();
    assert!(matches!(refused, ServiceError::Unproven(_)), "{refused:?}");
}

#[test]
fn a_page_is_bounded_by_what_its_events_weigh() {
    let mut served = served();
    let events: Vec<Vec<u8>> = (0..3).map(|n| vec![b'0' + n; 1 << 20]).collect();
    served.link(&keys::item(ID), &vec![events; 7]);
    let reply = item_page(&served, 0, 0).unwrap();
    assert_eq!(proven_entries(&reply), 3);
    assert!(reply.encoded_len() < 5 << 20);
    assert_eq!(reply.proof.unwrap().after.len(), 18);
}

fn block(served: &Served, height: u64) -> Result<wire::BlockReply, ServiceError> {
    let request = wire::GetBlockRequest {
        block: Some(wire::get_block_request::Block::Height(height)),
        with_transactions: true,
        with_proof: true,
    };
    blocks::get(&served.view(), &request)
}

#[test]
fn a_past_blocks_id_is_proven_under_the_last_header() {
    let mut served = served();
    served.grow(3);
    for height in [1, 2] {
        let reply = block(&served, height).unwrap();
        let header = reply.header.unwrap().header;
        let id = touchstone_core::block::Header::decode(&header)
            .unwrap()
            .id();
        let proof = reply.proof.unwrap();
        assert_eq!(proof.value.as_deref(), Some(&id[..]));
        assert_eq!(proof.key, keys::block(height));
        let newest = proof.header.unwrap().header;
        let newest = touchstone_core::block::Header::decode(&newest).unwrap();
        assert_eq!(newest.height, 3);
    }
    assert_eq!(block(&served, 3).unwrap().proof, None);
    assert!(matches!(block(&served, 4), Err(ServiceError::NotFound(_))));
    assert_eq!(served.service.headers.headers_kept(), 3);
    // A state that names another block is a damaged one.
    let mut content = test_blocks::content(4);
    content.values.insert(keys::block(1), vec![1; 32]);
    served.commit(&content);
    let refused = block(&served, 1).unwrap_err();
    assert!(matches!(refused, ServiceError::Unproven(_)), "{refused:?}");
}

/// The sample's own certificates hold for nobody.
#[test]
fn no_header_goes_out_whose_certificate_does_not_hold() {
    let mut served = served();
    let ids = test_blocks::grow(&mut served.store, 1)[0].ids.clone();
    served.grow(1);
    let view = served.view();
    let refused = block(&served, 1).unwrap_err();
    assert!(matches!(refused, ServiceError::Unproven(_)), "{refused:?}");
    let refused = transaction_status::transaction(&view, &ids[0], None, true).unwrap_err();
    assert!(matches!(refused, ServiceError::Unproven(_)), "{refused:?}");
    assert!(transaction_status::transaction(&view, &ids[0], None, false).is_ok());
    assert!(block(&served, 2).is_ok());
}

#[test]
fn a_hand_over_that_does_not_verify_is_not_sent() {
    let mut served = served();
    served.grow(1);
    let none = state_query::validator_set_changes(&served.view(), 0).unwrap();
    assert_eq!(none.changes, []);
    // The sample's set claims to vote from height 1 on.
    let mut content = test_blocks::content(2);
    content.validators = Some(vec![3, 4]);
    served.commit(&content);
    let refused = state_query::validator_set_changes(&served.view(), 0).unwrap_err();
    assert!(matches!(refused, ServiceError::Unproven(_)), "{refused:?}");
}

#[test]
fn time_stamps_are_listed_in_pages() {
    let mut served = served();
    test_blocks::grow(&mut served.store, 250);
    let writer = served.store.checkpoint_writer();
    for last in 1..=250 {
        let stamped = crate::storage::rocks::StampedRange {
            first: last,
            last,
            authority: "one".into(),
            token: vec![last as u8],
            certificates: vec![vec![7]],
        };
        writer.keep(&stamped).unwrap();
    }
    let view = served.view();
    let mut found: Vec<u64> = Vec::new();
    let mut request = wire::ListCheckpointsRequest {
        from_height: 3,
        ..wire::ListCheckpointsRequest::default()
    };
    let mut sizes = Vec::new();
    loop {
        let page = state_query::checkpoints(&view, &request)
            .unwrap()
            .checkpoints;
        let Some(last) = page.last() else {
            break;
        };
        assert_eq!(
            (last.token.clone(), last.certificates.clone()),
            (vec![last.last as u8], vec![vec![7]])
        );
        request.after_authority = last.authority.clone();
        request.after_last = last.last;
        sizes.push(page.len());
        found.extend(page.iter().map(|range| range.last));
    }
    assert_eq!(found, (3..=250).collect::<Vec<_>>());
    assert_eq!(sizes, [100, 100, 48]);
    request.after_last = 200;
    request.limit = 5;
    let page = state_query::checkpoints(&view, &request)
        .unwrap()
        .checkpoints;
    assert_eq!((page.len(), page[0].first), (5, 201));
    request.limit = u32::MAX;
    let page = state_query::checkpoints(&view, &request)
        .unwrap()
        .checkpoints;
    assert_eq!(page.len(), 50);
}
