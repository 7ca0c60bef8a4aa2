//! Deposits of designs: the record, the block that holds the deposit, and what opens its commitment.

use touchstone_core::designs::DesignRejection;
use touchstone_core::designs::content::{self, OpenedContent};
use touchstone_core::designs::design;
use touchstone_core::encoding;
use touchstone_core::hash::Hash;
use touchstone_core::proof::deposit::{DepositError, Stated};
use touchstone_proto::ledger::{Design, DesignContent};

use crate::attested_header::AttestedHeader;
use crate::client::{Client, TransactionOutcome};
use crate::error::ClientError;
use crate::verification::NotVerified;

/// The opening of a commitment, decoded from a receipt or a disclosure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The owner's key.
    pub owner_key: [u8; 32],
    /// The salt.
    pub salt: [u8; 32],
    /// SHA-256 of each file, in order.
    pub files: Vec<Hash>,
    /// What the deposit covers besides, and the fields that are shown; nothing: files alone.
    pub content: Option<DesignContent>,
}

impl Opening {
    /// What it shows, where it agrees with itself.
    pub fn opened(&self) -> Result<OpenedContent, DesignRejection> {
        content::open(&self.files, self.content.as_ref())
    }

    /// The commitment that it opens on a chain.
    pub fn commitment(&self, chain_id: &Hash) -> Result<Hash, DesignRejection> {
        let root = self.opened()?.root;
        Ok(design::commitment(
            chain_id,
            &self.owner_key,
            &self.salt,
            &root,
        ))
    }
}

/// A deposit, proven.
#[derive(Clone, Debug)]
pub struct ProvenDeposit {
    /// The design's id.
    pub id: Hash,
    /// Its record.
    pub record: Design,
    /// What the record states, decoded.
    pub stated: Stated,
    /// The block of the deposit.
    pub deposited: AttestedHeader,
    /// What opens the commitment: what was given, else the disclosure.
    pub opening: Option<Opening>,
}

/// A design's deposit, or proof that there is none, and the header that proves either. Its block holds the
/// transaction, signed by the owner's key, that names exactly the record's commitment; an opening opens it.
pub async fn deposit(
    client: &mut Client,
    id: &Hash,
    opening: Option<Opening>,
) -> Result<(AttestedHeader, Option<ProvenDeposit>), ClientError> {
    let (as_of, record) = client.design(id).await?;
    let Some(record) = record else {
        return Ok((as_of, None));
    };
    let stated = Stated::read(id, &record).map_err(NotVerified::from)?;
    let opening = match opening {
        Some(opening) => Some(opening),
        None => disclosed(&stated.owner_key, &record).map_err(NotVerified::from)?,
    };
    if let Some(opening) = &opening {
        let opened = opening.commitment(client.trust().chain_id());
        let closed = match opened {
            Ok(commitment) if commitment == stated.commitment => None,
            Ok(_) => Some("salt and files don't open the commitment".to_owned()),
            Err(refused) => Some(refused.to_string()),
        };
        if let Some(closed) = closed {
            return Err(NotVerified::Contradiction(closed).into());
        }
    }
    let TransactionOutcome::Recorded(recorded) = client.outcome(&stated.transaction_id).await?
    else {
        return Err(NotVerified::Missing("transaction of the deposit").into());
    };
    let header = &recorded.attested.header;
    let place = (header.height, recorded.index);
    stated
        .check(&record, place, header.time_ms, &recorded.transaction)
        .map_err(NotVerified::from)?;
    let deposit = ProvenDeposit {
        id: *id,
        record,
        stated,
        deposited: recorded.attested.clone(),
        opening,
    };
    Ok((as_of, Some(deposit)))
}

/// The opening that a disclosure published.
fn disclosed(owner_key: &[u8; 32], record: &Design) -> Result<Option<Opening>, DepositError> {
    let Some(disclosure) = &record.disclosure else {
        return Ok(None);
    };
    let files = disclosure.file_hashes.iter();
    Ok(Some(Opening {
        owner_key: *owner_key,
        salt: encoding::exact("salt", &disclosure.salt)?,
        files: files
            .map(|f| encoding::exact("file_hash", f))
            .collect::<Result<_, _>>()?,
        content: disclosure.content.clone(),
    }))
}
