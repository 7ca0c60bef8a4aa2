//! What a design's commitment is to: opened by the file's holder, or by its owner in public.
//!
//! Consensus-critical: no

use touchstone_proto::evidence::Opening;

use super::element::Established;
use super::facts::Deposit;
use super::finding::Finding;
use crate::designs::design;
use crate::encoding;
use crate::finding;
use crate::hash::Hash;

/// Opens the commitment; where the holder does, its files and title are noted in the deposit.
pub(super) fn opening(
    chain_id: &Hash,
    opening: Option<&Opening>,
    deposit: Option<&mut Deposit>,
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
    let Some(opening) = opening else {
        return disclosed(chain_id, deposit);
    };
    let mut files = Vec::with_capacity(opening.files.len());
    for file in &opening.files {
        let hash: Hash = encoding::exact("sha256", &file.sha256).map_err(bad)?;
        files.push((hash, Some(file.name.clone()).filter(|n| !n.is_empty())));
    }
    let hashes: Vec<Hash> = files.iter().map(|(hash, _)| *hash).collect();
    if !opens(chain_id, deposit, &opening.salt, &hashes)? {
        return Err(finding!("salt and files don't open the commitment"));
    }
    deposit.files = files;
    if !deposit.title_is_recorded && !opening.title.is_empty() {
        deposit.title = Some(opening.title.clone());
    }
    Ok(Established::passed(
        (),
        finding!(
            "salt and file fingerprints open the commitment; names and an undisclosed title are the holder's word; \
             files: {count}",
            count = deposit.files.len()
        ),
    ))
}

/// Without an opening in the file: the owner's disclosure on the ledger, if there is one.
fn disclosed(chain_id: &Hash, deposit: &Deposit) -> Result<Established<()>, Finding> {
    let Some(salt) = &deposit.disclosed_salt else {
        return Ok(Established::not_given(
            (),
            finding!(
                "the commitment isn't opened: the file shows that something was deposited, not what"
            ),
        ));
    };
    let hashes: Vec<Hash> = deposit.files.iter().map(|(hash, _)| *hash).collect();
    match opens(chain_id, deposit, salt, &hashes)? {
        true => Ok(Established::passed(
            (),
            finding!("the commitment was opened in public, on the ledger, by its owner"),
        )),
        false => Err(finding!(
            "what the ledger discloses doesn't open the commitment"
        )),
    }
}

/// Whether salt and files are those that the owner committed to.
fn opens(
    chain_id: &Hash,
    deposit: &Deposit,
    salt: &[u8],
    hashes: &[Hash],
) -> Result<bool, Finding> {
    let salt: [u8; 32] = encoding::exact("salt", salt).map_err(bad)?;
    let owner: [u8; 32] = encoding::exact("owner_key", &deposit.owner_key).map_err(bad)?;
    let root = design::file_root(hashes);
    Ok(design::commitment(chain_id, &owner, &salt, &root).as_slice() == deposit.commitment)
}

fn bad(malformed: encoding::Malformed) -> Finding {
    finding!("the opening: {reason}", reason = malformed)
}
