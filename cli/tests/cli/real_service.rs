//! What these tests' ledger answers is what a node answers: the same blocks, in a node's own store behind its own
//! service, give the same bytes.

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use touchstone_core::execution::{self, BlockContext};
use touchstone_core::hash::{Hash, sha256};
use touchstone_core::state::keys;
use touchstone_core::transaction;
use touchstone_edge::Protocol;
use touchstone_edge::budget::{Budget, ByteLimits};
use touchstone_edge::server::{PortLimits, Server};
use touchstone_node::mempool::{PoolLimits, SharedMempool};
use touchstone_node::rpc;
use touchstone_node::service::{Audience, LedgerService, Progress, ServiceParts};
use touchstone_node::storage::rocks::{RocksStore, StoreSettings};
use touchstone_node::storage::{Commit, Store};
use touchstone_proto::node::ledger_client::LedgerClient;
use touchstone_proto::node::*;

use crate::fake::{Served, World};
use crate::items::{CASE, CASE_LINK, ITEM, ITEM_LINK, OTHER, aggregation, seen};

/// A node's store with the same blocks.
fn stored(folder: &std::path::Path, world: &World) -> RocksStore {
    let settings = StoreSettings::default();
    let mut store = RocksStore::create(folder, &world.genesis, &settings).unwrap();
    let chain_id = world.genesis.chain_id;
    for (block, certificate) in &world.blocks {
        let header = &block.header;
        let verified: Vec<_> = block
            .transactions
            .iter()
            .map(|envelope| transaction::verify(&chain_id, envelope).unwrap())
            .collect();
        let refs: Vec<_> = verified.iter().collect();
        let context = BlockContext {
            chain_id,
            height: header.height,
            time_ms: header.time_ms,
            parent: header.parent,
            proposer: header.proposer,
        };
        let executed = execution::execute(&store, &context, &refs).unwrap();
        assert_eq!(executed.header, *header);
        let ids: Vec<Hash> = verified.iter().map(|t| *t.id()).collect();
        let commit = Commit {
            block,
            transaction_ids: &ids,
            transactions: &[],
            certificate,
            executed: &executed,
        };
        store.commit(commit).unwrap();
    }
    store
}

/// The node's own service over a store, and a connection to it.
async fn serve(
    store: &RocksStore,
    world: &World,
    stop: CancellationToken,
) -> LedgerClient<Channel> {
    let parts = ServiceParts {
        chain_id: world.genesis.chain_id,
        chain_name: world.genesis.document.chain.clone(),
        genesis: world.genesis_bytes.clone(),
        reader: store.reader(),
        mempool: SharedMempool::new(PoolLimits::default()),
        gossip: mpsc::channel(1).0,
        progress: watch::channel(Progress::default()).1,
        failed: touchstone_node::service::FailedAnswers::default(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server {
        listener,
        protocol: Protocol::Http2,
        limits: PortLimits::default(),
        budget: Budget::new(ByteLimits::default()),
        tls: None,
    };
    let service = Arc::new(LedgerService::new(parts));
    tokio::spawn(rpc::serve(server, service, Audience::Members, stop).unwrap());
    LedgerClient::connect(format!("http://{address}"))
        .await
        .unwrap()
}

/// Asks both the same, and compares the answers; the node's is given.
macro_rules! same {
    ($fake:ident, $real:ident, $method:ident, $request:expr) => {{
        let request = $request;
        let ours = $fake.$method(request.clone()).await.unwrap().into_inner();
        let theirs = $real.$method(request.clone()).await.unwrap().into_inner();
        assert_eq!(ours, theirs, "{request:?}");
        theirs
    }};
}

#[tokio::test]
async fn the_fake_answers_as_a_node_does() {
    let node = Served::start().await;
    for step in [
        "storing",
        "picking",
        "staging_outbound",
        "loading",
        "shipping",
    ] {
        node.world().record("acme", &[seen(&[ITEM, OTHER], step)]);
    }
    node.world()
        .record("acme", &[aggregation("ADD", CASE, &[ITEM])]);
    node.world().claim("bravo", &seen(&[OTHER], "receiving"));
    let file = node.write("front.png", "a chair from the front");
    let folder = node.folder.path().display().to_string();
    let deposit = [
        "deposit",
        &file,
        "--title",
        "Chair 7",
        "--receipts",
        &folder,
        "--json",
    ];
    let deposited = node.run_as("carol", &deposit).await;
    assert_eq!(deposited.code, 0, "{deposited:?}");
    let receipt = deposited.json()[0]["receipt"].as_str().unwrap().to_owned();
    let disclosed = node.run_as("carol", &["disclose", &receipt]).await;
    assert_eq!(disclosed.code, 0, "{disclosed:?}");
    let design: Hash = hex::decode(deposited.json()[0]["design_id"].as_str().unwrap())
        .unwrap()
        .try_into()
        .unwrap();

    let world = node.world().clone();
    let folder = tempfile::tempdir().unwrap();
    let store = stored(folder.path(), &world);
    let stop = CancellationToken::new();
    let mut real = serve(&store, &world, stop.clone()).await;
    let mut fake = LedgerClient::connect(node.url().to_owned()).await.unwrap();

    for (id, from, limit) in [
        (ITEM_LINK, 0, 3),
        (ITEM_LINK, 3, 100),
        (CASE_LINK, 0, 10),
        ("https://id.gs1.org/01/09521234500018/21/none", 0, 3),
    ] {
        let id = id.to_owned();
        same!(fake, real, get_item, GetItemRequest { id, from, limit });
    }
    let other = "https://id.gs1.org/01/09521234500018/21/B2";
    let ids = [
        ITEM_LINK,
        other,
        "https://id.gs1.org/01/09521234500018/21/none",
    ];
    let ids = ids.map(str::to_owned).to_vec();
    let several = same!(fake, real, get_items, GetItemsRequest { ids });
    assert_eq!((several.items.len(), several.around.len()), (3, 1));
    for id in [design, [7; 32]] {
        same!(fake, real, get_design, GetDesignRequest { id: id.to_vec() });
        same!(fake, real, get_change, GetChangeRequest { id: id.to_vec() });
    }
    for content in ["a chair from the front", "another"] {
        let sha256 = sha256(content.as_bytes()).to_vec();
        let request = GetDesignsByFileRequest {
            sha256,
            from: 0,
            limit: 3,
        };
        same!(fake, real, get_designs_by_file, request);
    }
    for id in ["acme", "none"] {
        let id = id.to_owned();
        same!(fake, real, get_organisation, GetOrganisationRequest { id });
    }
    let key = keys::block(2);
    same!(fake, real, get_record, GetRecordRequest { key });
    for seller in ["carol", "acme"] {
        let request = GetAuthorisationRequest {
            subject: design.to_vec(),
            seller: seller.to_owned(),
            act: 3,
            territory: "CN".to_owned(),
            time_ms: u64::MAX,
        };
        same!(fake, real, get_authorisation, request);
    }
    let all = same!(fake, real, list_organisations, ListOrganisationsRequest {});
    assert_eq!(all.organisations.len(), 5, "the list, and four founders");
    same!(fake, real, get_validators, GetValidatorsRequest {});
    same!(
        fake,
        real,
        get_validator_set_changes,
        GetValidatorSetChangesRequest { from_height: 1 }
    );
    same!(fake, real, get_misbehaviour, GetMisbehaviourRequest {});
    for with_transactions in [false, true] {
        let request = GetBlockRequest {
            block: Some(get_block_request::Block::Height(2)),
            with_transactions,
            with_proof: true,
        };
        same!(fake, real, get_block, request);
    }
    let committed = world.committed.keys().next().unwrap().to_vec();
    for id in [committed, vec![9; 32]] {
        let request = GetTransactionRequest {
            id,
            with_proof: true,
        };
        same!(fake, real, get_transaction, request);
    }
    for subject in [
        get_evidence_request::Subject::Item(ITEM_LINK.to_owned()),
        get_evidence_request::Subject::Design(design.to_vec()),
    ] {
        let request = GetEvidenceRequest {
            subject: Some(subject),
            ..GetEvidenceRequest::default()
        };
        let mut files = Vec::new();
        for client in [&mut fake, &mut real] {
            let mut pieces = client
                .get_evidence(request.clone())
                .await
                .unwrap()
                .into_inner();
            let mut file = Vec::new();
            while let Some(piece) = pieces.message().await.unwrap() {
                file.extend(piece.bytes);
            }
            files.push(file);
        }
        assert_eq!(files[0], files[1], "{request:?}");
    }
    stop.cancel();
}
