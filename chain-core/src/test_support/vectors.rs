//! The test vectors of `docs/format.md`: a small chain whose every signed or hashed byte is
//! printed. The document can't go stale: this test makes the vectors again and compares.
//! `TOUCHSTONE_WRITE_VECTORS=1` writes them, which is an approval of a changed format.
//!
//! Consensus-critical: no

use prost::Message;
use touchstone_proto::ledger::{
    self, DepositDesign, DesignView, DiscloseDesign, MasterDataAttribute, SetMasterData,
    VocabularyElement, VoteKind,
};

use super::*;
use crate::designs::field::FieldName;
use crate::designs::{content, design};
use crate::hash::{self, tag};
use crate::proof::checkpoint::{self, BlockLeaf};
use crate::proof::transaction_tree;
use crate::state::{commitment, keys};
use crate::test_support::tsa::TestAuthority;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/format.md");
const BEGIN: &str = "<!-- vectors: begin -->\n```text\n";
const END: &str = "```\n<!-- vectors: end -->\n";

#[derive(Default)]
struct Vectors(String);

impl Vectors {
    fn text(&mut self, name: &str, value: &str) {
        self.0.push_str(&format!("{name} = {value}\n"));
    }
    fn hex(&mut self, name: &str, bytes: impl AsRef<[u8]>) {
        self.text(name, &hex::encode(bytes));
    }
    fn section(&mut self, title: &str) {
        let gap = if self.0.is_empty() { "" } else { "\n" };
        self.0.push_str(&format!("{gap}# {title}\n"));
    }
}

#[test]
fn the_documents_vectors_are_current() {
    let document = std::fs::read_to_string(DOCUMENT).unwrap();
    let (before, rest) = document.split_once(BEGIN).unwrap();
    let (written, after) = rest.split_once(END).unwrap();
    let made = vectors();
    if std::env::var_os("TOUCHSTONE_WRITE_VECTORS").is_some() {
        std::fs::write(DOCUMENT, [before, BEGIN, &made, END, after].concat()).unwrap();
    } else {
        for (written, made) in written.lines().zip(made.lines()) {
            assert_eq!(
                written, made,
                "the first line that differs in docs/format.md"
            );
        }
        assert!(written == made, "docs/format.md has more or fewer vectors");
    }
}

/// Every tag and every field number of the ledger's messages stands in the document.
#[test]
fn the_document_names_every_tag_message_and_field() {
    let document = std::fs::read_to_string(DOCUMENT).unwrap();
    let tags = [
        tag::TRANSACTION,
        tag::TRANSACTION_ID,
        tag::VOTE,
        tag::PROPOSAL,
        tag::HEADER,
        tag::VALIDATORS,
        tag::TRANSACTION_LEAF,
        tag::TRANSACTION_NODE,
        tag::TRANSACTION_EMPTY,
        tag::CHECKPOINT,
        tag::CHECKPOINT_BLOCK,
        tag::CHECKPOINT_NODE,
        tag::LINK,
        tag::CHANGE,
        tag::DESIGN_COMMITMENT,
        tag::DESIGN_FILES,
        tag::DESIGN_VIEWS,
        tag::DESIGN_CONTENT,
        tag::DRAFT,
        tag::DESIGN_ID,
        tag::JUROR_LEAF,
        tag::JUROR_NODE,
        tag::REVIEW_MATTER,
        tag::LISTING,
        tag::REVIEW_SEED,
        tag::REVIEW_STREAM,
        tag::REVIEW_REASONS,
        tag::BALLOT_COMMITMENT,
        tag::BALLOT,
        tag::BALLOT_OPENING,
        tag::BALLOT_SALT,
    ];
    for tag in tags {
        let named = [format!("`{tag}`"), format!("\"{tag}\" ‖ 0x00 ‖")];
        assert!(named.iter().any(|name| document.contains(name)), "{tag}");
    }
    let proto = include_str!("../../../proto/touchstone/ledger.proto");
    let (mut fields, mut row) = (0, "");
    for line in proto.lines().map(str::trim) {
        let block = line.strip_suffix(" {");
        if let Some(name) = block.and_then(|l| l.strip_prefix("message ")) {
            let start = format!("| `{name}` |");
            row = document.lines().find(|l| l.starts_with(&start)).unwrap();
        }
        if let Some(name) = block.and_then(|l| l.strip_prefix("enum ")) {
            let start = document.find(&format!("{name} 0 ")).unwrap();
            row = document[start..].split('.').next().unwrap();
        }
        let declaration = line.strip_suffix(';').filter(|l| !l.starts_with("//"));
        if let Some((left, number)) = declaration.and_then(|l| l.split_once(" = "))
            && left != "syntax"
        {
            let entry = format!("{number} {}", left.rsplit(' ').next().unwrap());
            assert!(row.contains(&entry), "{entry} in {row}");
            fields += 1;
        }
    }
    assert!(fields > 100);
}

/// The same files with views and fields; random bytes of a place are 32 times its number and 1.
fn content_vectors(out: &mut Vectors, chain_id: &Hash, files: &[Hash], salt: &[u8; 32]) {
    let fields = [(FieldName::Title, "Chair 7"), (FieldName::Author, "林悦")];
    let fields = fields.map(|(name, value)| (name, value.to_owned()));
    let random = std::array::from_fn(|place| [place as u8 + 1; 32]);
    let views = [DesignView::Unspecified, DesignView::Front];
    let whole = content::seal(&views, &fields, &random).unwrap();
    let root = content::open(files, Some(&whole)).unwrap().root;
    out.section("Design content: the same files, the second a front view, with title and author");
    out.hex("content.message", whole.encode_to_vec());
    for (at, disclosure) in whole.disclosures.iter().enumerate() {
        out.hex(&format!("content.disclosure.{at}"), disclosure);
    }
    out.hex("content.root", root);
    out.hex(
        "content.commitment",
        design::commitment(chain_id, &public(3), salt, &root),
    );
}

fn vectors() -> String {
    let mut out = Vectors::default();
    let mut chain = Chain::start();
    let genesis_root = chain_root(&chain);

    out.section("Keys: the Ed25519 secret key (seed) is 32 times the byte");
    for (name, seed) in [("market", 1), ("carrier", 2), ("maker", 3)] {
        out.hex(&format!("key.{name}.seed"), [seed; 32]);
        out.hex(&format!("key.{name}.public"), public(seed));
    }
    out.section("Genesis: the file chain-core/tests/golden/genesis.json");
    out.hex("genesis.chain_id", chain.id);
    out.hex("genesis.state_root", genesis_root);
    out.hex("genesis.validators", chain.validators.encode());
    out.hex("genesis.validators_hash", chain.validators.hash());

    let files = [hash::sha256(b"drawing"), hash::sha256(b"photograph")];
    let salt = [9; 32];
    let root = design::file_root(&files);
    let commitment = design::commitment(&chain.id, &public(3), &salt, &root);
    let design_id = design::id(&public(3), &commitment);
    out.section(
        "Design: the files hold the text \"drawing\" and \"photograph\", the owner is maker",
    );
    out.hex("design.file.0", files[0]);
    out.hex("design.file.1", files[1]);
    out.hex("design.file_root", root);
    out.hex("design.salt", salt);
    out.hex("design.commitment", commitment);
    out.hex("design.id", design_id);
    content_vectors(&mut out, &chain.id, &files, &salt);

    let pack = aggregation("ADD", &container(1), &[item(1), item(2)]);
    let first = chain.sign_at(MARKET, 500, capture(std::slice::from_ref(&pack)));
    let deposit = Action::DepositDesign(DepositDesign {
        commitment: commitment.to_vec(),
    });
    let second = chain.sign_at(MAKER, 600, deposit);
    let third = chain.sign_at(CARRIER, 700, change_keys(&[50], &[]));
    transaction(&mut out, &chain, &first);
    out.text("transaction.event.0", std::str::from_utf8(&pack).unwrap());

    let envelopes = [first, second, third];
    chain.commit(&envelopes);
    block(&mut out, &chain, &envelopes);
    votes(&mut out, &chain);

    let move_on = object(7, &[container(1)]);
    let observed = object(8, &[item(1)]);
    chain.capture(&[move_on, observed]).unwrap();
    let disclose = Action::DiscloseDesign(DiscloseDesign {
        design_id: design_id.to_vec(),
        salt: salt.to_vec(),
        file_hashes: files.iter().map(|f| f.to_vec()).collect(),
        title: "A chair".into(),
        fingerprints: None,
        content: None,
    });
    chain.run(MAKER, disclose).unwrap();
    link(&mut out, &chain);
    state(&mut out, &chain, design_id);
    handover(&mut out, &mut chain);
    checkpoint(&mut out, &mut chain);
    master_data(&mut out, &mut chain);
    out.0
}

fn chain_root(chain: &Chain) -> Hash {
    Genesis::read(&genesis_document().to_bytes())
        .map(|genesis| {
            assert_eq!(genesis.chain_id, chain.id);
            genesis.tree.root
        })
        .unwrap()
}

fn transaction(out: &mut Vectors, chain: &Chain, envelope: &[u8]) {
    let parts = ledger::Envelope::decode(envelope).unwrap();
    out.section("Transaction: market packs two items into a container");
    out.hex("transaction.body", &parts.body);
    let signed = signing::signed_bytes(Purpose::Transaction, &chain.id, &parts.body);
    out.hex("transaction.signed_bytes", signed);
    out.hex("transaction.public_key", &parts.signatures[0].public_key);
    out.hex("transaction.signature", &parts.signatures[0].signature);
    out.hex("transaction.envelope", envelope);
    out.hex("transaction.id", transaction::id(&chain.id, &parts.body));
}

fn block(out: &mut Vectors, chain: &Chain, envelopes: &[Vec<u8>]) {
    out.section("Block 1: that transaction, a deposit by maker, and a new key of carrier");
    let header = &chain.blocks[0].header;
    for (i, envelope) in envelopes.iter().enumerate() {
        out.hex(&format!("block.transaction.{i}"), envelope);
    }
    for (i, envelope) in envelopes.iter().enumerate() {
        let leaf = hash::tagged(tag::TRANSACTION_LEAF, &[envelope]);
        out.hex(&format!("tree.leaf.{i}"), leaf);
    }
    for i in 0..envelopes.len() {
        let siblings = transaction_tree::prove(envelopes, i as u32).unwrap();
        for (k, sibling) in siblings.iter().enumerate() {
            out.hex(&format!("tree.proof.{i}.sibling.{k}"), sibling);
        }
    }
    out.hex("tree.root", header.transaction_root);
    out.hex(
        "tree.root_of_none",
        transaction_tree::root(&[] as &[Vec<u8>]),
    );
    out.hex("block.state_root", header.state_root);
    out.hex("block.header", header.encode());
    out.hex("block.id", header.id());
    out.hex("block.bytes", chain.blocks[0].encode());
}

fn votes(out: &mut Vectors, chain: &Chain) {
    out.section("Votes: precommits of block 1 in round 2 by three of the four validators");
    let header = &chain.blocks[0].header;
    let vote = commit_certificate::vote_bytes(VoteKind::Precommit, 1, 2, Some(&header.id()));
    out.hex(
        "vote.nil_prevote",
        commit_certificate::vote_bytes(VoteKind::Prevote, 1, 0, None),
    );
    out.hex("vote.precommit", &vote);
    out.hex(
        "vote.signed_bytes",
        signing::signed_bytes(Purpose::Vote, &chain.id, &vote),
    );
    out.hex(
        "certificate",
        certify(&chain.id, header, 2, &[11, 12, 13]).encode_to_vec(),
    );
    let proposal = ledger::Proposal {
        height: 1,
        round: 2,
        block_id: header.id().to_vec(),
        valid_round: Some(0),
    }
    .encode_to_vec();
    let signature = signing::sign(&key(11), Purpose::Proposal, &chain.id, &proposal);
    out.hex("proposal", &proposal);
    out.hex("proposal.public_key", public(11));
    out.hex("proposal.signature", signature);
}

fn link(out: &mut Vectors, chain: &Chain) {
    out.section("Link: item 1 was packed in block 1 and observed in block 2");
    let key = keys::item(&item(1));
    let mut head = crate::proof::link::EMPTY_HEAD;
    let rows = chain.state.links.iter().filter(|row| row.owner == key);
    for (i, row) in rows.enumerate() {
        head = crate::proof::link::extend(&head, &row.entry);
        out.hex(&format!("link.entry.{i}"), &row.entry);
        out.hex(&format!("link.head.{i}"), head);
    }
}

fn state(out: &mut Vectors, chain: &Chain, design: Hash) {
    out.section("State after block 3: the design is disclosed");
    let root = chain.blocks[2].header.state_root;
    out.hex("state.root", root);
    let absent = (100..)
        .map(|n| keys::item(&item(n)))
        .map(|key| (commitment::prove(&chain.state, 3, &key, None).unwrap(), key));
    let (by_leaf, by_nothing): (Vec<_>, Vec<_>) = absent
        .take(40)
        .partition(|(proof, _)| proof.other_leaf.is_some());
    let rows = [
        ("item", keys::item(&item(1))),
        ("container", keys::item(&container(1))),
        ("design", keys::design(&design)),
        ("design_file", keys::design_file(&hash::sha256(b"drawing"))),
        ("key_owner", keys::key_owner(&public(50))),
        ("organisation", keys::organisation("carrier")),
        ("organisations", keys::ORGANISATIONS.to_vec()),
        ("parameters", keys::PARAMETERS.to_vec()),
        ("validators", keys::VALIDATORS.to_vec()),
        ("block", keys::block(1)),
        ("absent_by_leaf", by_leaf[0].1.clone()),
        ("absent_by_nothing", by_nothing[0].1.clone()),
    ];
    for (name, key) in rows {
        let value = chain.state.values.get(&key);
        let proof = commitment::prove(&chain.state, 3, &key, value.map(Vec::as_slice)).unwrap();
        let verified = crate::proof::state::verify(&root, &key, value.map(Vec::as_slice), &proof);
        assert_eq!(verified, Ok(()));
        out.hex(&format!("state.{name}.key"), &key);
        if let Some(value) = value {
            out.hex(&format!("state.{name}.value"), value);
        }
        if let Some(leaf) = &proof.other_leaf {
            out.hex(&format!("state.{name}.other_leaf.key_hash"), &leaf.key_hash);
            out.hex(
                &format!("state.{name}.other_leaf.value_hash"),
                &leaf.value_hash,
            );
        }
        for (i, sibling) in proof.siblings.iter().enumerate() {
            out.hex(&format!("state.{name}.sibling.{i}"), sibling);
        }
    }
}

fn handover(out: &mut Vectors, chain: &mut Chain) {
    out.section(
        "Hand-over: blocks 4 to 6 approve a fifth validator; block 6 hands over to the new set",
    );
    let change = put_validator(1, 60, 1, "maker");
    chain.approve(&[MARKET, CARRIER, MAKER], &change);
    let bytes = change.encode_to_vec();
    let id = hash::tagged(tag::CHANGE, &[&chain.id, &bytes]);
    out.hex("change", bytes);
    out.hex("change.id", id);
    out.hex("change.record", &chain.state.values[&keys::change(&id)]);
    let header = &chain.blocks[5].header;
    out.hex("handover.header", header.encode());
    out.hex(
        "handover.certificate",
        certify(&chain.id, header, 0, &[11, 12, 14]).encode_to_vec(),
    );
    out.hex("handover.next_validators", chain.validators.encode());
    out.hex("handover.next_validators_hash", chain.validators.hash());
}

fn checkpoint(out: &mut Vectors, chain: &mut Chain) {
    out.section(
        "Checkpoint: blocks 2 to 4, with an RSA authority's token, at 2026-03-01T12:00:00.250Z with an accuracy of 1 s",
    );
    let url = "http://tsa.example/";
    let authority = TestAuthority::rsa();
    chain.stamp(&authority, url, (2, 4), 1_772_366_400_250);
    let leaves: Vec<BlockLeaf> = chain.blocks[1..4]
        .iter()
        .map(|block| BlockLeaf {
            id: block.header.id(),
            validators_hash: block.header.validators_hash,
        })
        .collect();
    for (height, leaf) in (2..).zip(&leaves) {
        out.hex(&format!("checkpoint.{height}.block.id"), leaf.id);
        let name = format!("checkpoint.{height}.validators_hash");
        out.hex(&name, leaf.validators_hash);
    }
    let tree = checkpoint::tree(&chain.id, 2, &leaves).unwrap();
    for (i, sibling) in tree.path(3).unwrap().iter().enumerate() {
        out.hex(&format!("checkpoint.3.sibling.{i}"), sibling);
    }
    out.hex("checkpoint.root", tree.root());
    out.text("checkpoint.authority", url);
    let stamped = tree.checkpoint(&chain.id, url).unwrap();
    out.hex("checkpoint.document", stamped.bytes());
    out.hex("checkpoint.imprint", stamped.imprint());
    let message = &chain.stamps.checkpoints[0];
    out.hex("checkpoint.token", &message.token);
    out.hex("checkpoint.certificate", &message.certificates[0]);
}

fn master_data(out: &mut Vectors, chain: &mut Chain) {
    out.section(
        "Master data: maker, who owns the prefix 9521321, states what a product is, then states it anew with a field",
    );
    let id = "https://id.gs1.org/01/09521321000018";
    let attribute = |name: &str, text: &str, fields| MasterDataAttribute {
        id: format!("urn:epcglobal:cbv:mda#{name}"),
        text: text.into(),
        fields,
    };
    let named = attribute("descriptionShort", "Table lamp", vec![]);
    let weight = |name: &str, text: &str| MasterDataAttribute {
        id: name.into(),
        text: text.into(),
        fields: vec![],
    };
    let weighed = attribute(
        "netWeight",
        "",
        vec![weight("unit", "KGM"), weight("value", "1.50")],
    );
    for (version, attributes) in [(1, vec![named.clone()]), (2, vec![named, weighed])] {
        let element = VocabularyElement {
            id: id.into(),
            version,
            types: vec!["urn:epcglobal:epcis:vtype:EPCClass".into()],
            attributes,
            children: vec![],
        };
        let action = Action::SetMasterData(SetMasterData {
            elements: vec![element],
        });
        let envelope = chain.sign(MAKER, action);
        let parts = ledger::Envelope::decode(envelope.as_slice()).unwrap();
        out.hex(&format!("masterdata.{version}.body"), &parts.body);
        chain.check(&envelope).unwrap();
        chain.commit(&[envelope]);
        out.hex(
            &format!("masterdata.{version}.record"),
            &chain.state.values[&keys::master_data(id)],
        );
    }
    out.hex("masterdata.key", keys::master_data(id));
    let replaced = keys::master_data_version(id, 1);
    out.hex(
        "masterdata.1.replaced.value",
        &chain.state.values[&replaced],
    );
    out.hex("masterdata.1.replaced.key", replaced);
}
