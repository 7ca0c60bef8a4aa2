//! Event logs with events or containment intervals left out, added or moved, and counted anew.

use prost::Message;
use touchstone_core::block::Header;
use touchstone_core::encoding::decode_exact;
use touchstone_core::hash::{self, Hash};
use touchstone_core::proof::{item_history, link};
use touchstone_core::state::keys;
use touchstone_core::test_support::{capture, item, object};
use touchstone_proto::evidence::Evidence;
use touchstone_proto::ledger::{Item, LinkEntry};
use touchstone_proto::node::CertifiedHeader;

use super::bundle::World;
use crate::random::Random;

fn place(entry: &[u8]) -> (u64, u32, u32) {
    let entry = decode_exact::<LinkEntry>(entry).unwrap_or_default();
    item_history::place(&entry)
}

/// Leaves out, adds or moves events or a whole stay in a container, and counts anew.
pub(super) fn forge(
    mut evidence: Evidence,
    world: &World,
    random: &mut Random,
) -> Option<Evidence> {
    let count = evidence.links.len();
    let at = random.index(count);
    let length = evidence.links.get(at)?.entries.len();
    if length == 0 {
        return None;
    }
    let (one, two) = (random.index(length), random.index(length));
    let entries = &mut evidence.links[at].entries;
    match random.below(7) {
        0 | 1 => drop(entries.remove(one)),
        2 => entries.swap(one, two),
        3 => entries.truncate(one),
        4 => entries.insert(one, entries[two].clone()),
        5 => {
            let forged = invented(&entries[one], &mut evidence.transactions, world, random)?;
            evidence.links[at].entries[one] = forged;
        }
        _ => {
            // The container's link, and what it shares with the others: the stay in it.
            let container = evidence.links.remove(at);
            let shared: Vec<_> = container.entries.iter().map(|e| place(e)).collect();
            for link in &mut evidence.links {
                link.entries.retain(|entry| !shared.contains(&place(entry)));
            }
            evidence
                .states
                .retain(|s| s.key != keys::item(&container.item));
        }
    }
    if random.permille(700) {
        prune(&mut evidence);
    }
    if random.permille(700) {
        count_anew(&mut evidence, random);
    }
    Some(evidence)
}

/// Another event in the place of a recorded one, signed by whom the attacker likes.
fn invented(
    entry: &[u8],
    transactions: &mut [touchstone_proto::evidence::Transaction],
    world: &World,
    random: &mut Random,
) -> Option<Vec<u8>> {
    let event = object(random.below(1000), &[item(1)]);
    let envelope = world
        .chain
        .sign(("market", 1), capture(std::slice::from_ref(&event)));
    let (height, index, _) = place(entry);
    let mut entry: LinkEntry = decode_exact(entry).ok()?;
    entry.content_hash = hash::sha256(&event).to_vec();
    entry.transaction_id = world.chain.verified(&envelope).ok()?.id().to_vec();
    entry.position.as_mut()?.event = 0;
    for transaction in transactions {
        if (transaction.height, transaction.index) == (height, index) {
            transaction.envelope.clone_from(&envelope);
        }
    }
    Some(entry.encode_to_vec())
}

/// Takes away what no entry speaks of any more.
fn prune(evidence: &mut Evidence) {
    let entries = evidence.links.iter().flat_map(|link| &link.entries);
    let told: Vec<_> = entries.map(|e| place(e)).map(|p| (p.0, p.1)).collect();
    evidence
        .transactions
        .retain(|t| told.contains(&(t.height, t.index)));
    let height = |block: &CertifiedHeader| Header::decode(&block.header).map(|h| h.height);
    let is_told = |height: u64| told.iter().any(|place| place.0 == height);
    evidence
        .blocks
        .retain(|block| height(block).is_ok_and(is_told));
    let left: Vec<Vec<u8>> = evidence
        .blocks
        .iter()
        .flat_map(height)
        .map(keys::block)
        .collect();
    evidence
        .states
        .retain(|s| !s.key.starts_with(b"block/") || left.contains(&s.key));
}

/// Writes each link's new count and head, or one of both, into its record.
fn count_anew(evidence: &mut Evidence, random: &mut Random) {
    for message in &evidence.links {
        let key = keys::item(&message.item);
        let Some(state) = evidence.states.iter_mut().find(|s| s.key == key) else {
            continue;
        };
        let bytes = state.value.as_deref().unwrap_or_default();
        let mut record: Item = decode_exact(bytes).unwrap_or_default();
        let mut head: Hash = link::EMPTY_HEAD;
        for entry in &message.entries {
            head = link::extend(&head, entry);
        }
        let link = record.link.get_or_insert_default();
        if random.permille(900) {
            link.count = message.entries.len() as u64;
        }
        if random.permille(900) {
            link.head = head.to_vec();
        }
        state.value = Some(record.encode_to_vec());
    }
}
