//! What a design's commitment is to: opened by the file's holder, or by its owner in public.
//!
//! Consensus-critical: no

use touchstone_proto::evidence::Opening;
use touchstone_proto::ledger::DesignContent;

use super::drafted;
use super::element::{CheckResult, Established};
use super::facts::Deposit;
use super::finding::Finding;
use crate::designs::content::{self, OpenedContent};
use crate::designs::design;
use crate::encoding;
use crate::finding;
use crate::hash::Hash;

/// Opens the commitment; what the holder and the ledger show of it is noted in the deposit.
pub(super) fn opening(
    chain_id: &Hash,
    opening: Option<&Opening>,
    deposit: Option<&mut Deposit>,
    error_ms: u64,
) -> Result<Established<()>, Finding> {
    let Some(deposit) = deposit.filter(|d| d.recorded) else {
        return match opening {
            Some(_) => Err(finding!("an opening without a deposit that it could open")),
            None => Ok(Established::not_given(
                (),
                finding!("there is no commitment to open"),
            )),
        };
    };
    let disclosed = disclosed(chain_id, deposit)?;
    let Some(opening) = opening else {
        let Some(disclosed) = disclosed else {
            return Ok(Established::not_given(
                (),
                finding!(
                    "the commitment isn't opened: the file shows that something was deposited, not what"
                ),
            ));
        };
        note(deposit, disclosed, None);
        let found = finding!("the commitment was opened in public, on the ledger, by its owner");
        return established(deposit, &[], found, error_ms);
    };
    let mut files = Vec::with_capacity(opening.files.len());
    for file in &opening.files {
        let hash: Hash = encoding::exact("sha256", &file.sha256).map_err(bad)?;
        files.push((hash, Some(file.name.clone()).filter(|n| !n.is_empty())));
    }
    let hashes: Vec<Hash> = files.iter().map(|(hash, _)| *hash).collect();
    let content = opening.content.as_ref();
    let Some(opened) = opens(chain_id, deposit, &opening.salt, &hashes, content)? else {
        return Err(finding!("salt and files don't open the commitment"));
    };
    opened.check_title(&opening.title).map_err(refused)?;
    deposit.files = files;
    if !deposit.title_is_recorded && !opening.title.is_empty() {
        deposit.title = Some(opening.title.clone());
    }
    let covers_fields = opened.covers_fields();
    note(deposit, opened, disclosed);
    let count = deposit.files.len();
    let found = match covers_fields {
        false => finding!(
            "salt and file fingerprints open the commitment; names and an undisclosed title are the holder's word; \
             files: {count}",
            count = count
        ),
        true => finding!(
            "salt, file fingerprints, views and the digests of fields open the commitment; the fields that are shown \
             were deposited so, others stay closed; names of files are the holder's word; files: {count}, fields \
             shown: {shown}",
            count = count,
            shown = deposit.fields.len()
        ),
    };
    established(deposit, &opening.drafts, found, error_ms)
}

/// What the opening established, with the drafts before the deposit.
fn established(
    deposit: &mut Deposit,
    entries: &[Vec<u8>],
    opened: Finding,
    error_ms: u64,
) -> Result<Established<()>, Finding> {
    let drafted = drafted::drafted(entries, deposit, error_ms)?;
    deposit.drafts = drafted.drafts;
    Ok(Established {
        value: (),
        result: match drafted.doubts.is_empty() {
            true => CheckResult::Passed,
            false => CheckResult::Reservation,
        },
        findings: [vec![opened], drafted.findings, drafted.doubts].concat(),
    })
}

/// What the owner disclosed on the ledger, which must open the commitment.
fn disclosed(chain_id: &Hash, deposit: &Deposit) -> Result<Option<OpenedContent>, Finding> {
    let Some(disclosure) = &deposit.disclosure else {
        return Ok(None);
    };
    let hashes: Vec<Hash> = deposit.files.iter().map(|(hash, _)| *hash).collect();
    let content = disclosure.content.as_ref();
    let opened = opens(chain_id, deposit, &disclosure.salt, &hashes, content)?;
    let opened =
        opened.ok_or_else(|| finding!("what the ledger discloses doesn't open the commitment"))?;
    opened.check_title(&disclosure.title).map_err(refused)?;
    Ok(Some(opened))
}

/// Notes views and fields: what either way shows, each once.
fn note(deposit: &mut Deposit, opened: OpenedContent, disclosed: Option<OpenedContent>) {
    deposit.views = opened.views;
    let mut fields = opened.fields;
    for field in disclosed.into_iter().flat_map(|d| d.fields) {
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    fields.sort_by_key(|(place, _)| *place);
    deposit.fields = fields.into_iter().map(|(_, field)| field).collect();
}

/// What salt, files and content show, where they are what the owner committed to.
fn opens(
    chain_id: &Hash,
    deposit: &Deposit,
    salt: &[u8],
    hashes: &[Hash],
    content: Option<&DesignContent>,
) -> Result<Option<OpenedContent>, Finding> {
    let salt: [u8; 32] = encoding::exact("salt", salt).map_err(bad)?;
    let owner: [u8; 32] = encoding::exact("owner_key", &deposit.owner_key).map_err(bad)?;
    let opened = content::open(hashes, content).map_err(refused)?;
    let found = design::commitment(chain_id, &owner, &salt, &opened.root);
    Ok((found.as_slice() == deposit.commitment).then_some(opened))
}

fn bad(malformed: encoding::Malformed) -> Finding {
    finding!("the opening: {reason}", reason = malformed)
}

fn refused(rejection: crate::designs::DesignRejection) -> Finding {
    finding!("the opening: {reason}", reason = rejection)
}
