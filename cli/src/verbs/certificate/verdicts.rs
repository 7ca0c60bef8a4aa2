//! Disputes under a design's right that its certificate names: how each went, and its panel's verdict, recounted.

use serde_json::Value;
use touchstone_client::client::Client;
use touchstone_client::{disputes as proven, reviews as recounted};
use touchstone_core::hash::Hash;
use touchstone_proto::ledger::{Dispute, Draw, Panel};

use crate::disputes::{self, CaseFile};
use crate::failure::Failure;
use crate::messages::Language;
use crate::output::add_member;
use crate::reviews;

/// A dispute, proven; its draws and votes are found again.
pub(super) struct CertificateDispute {
    pub(super) id: Hash,
    dispute: Dispute,
    panels: Vec<(Panel, Draw)>,
}

impl CertificateDispute {
    /// What happened, and what the panel found.
    pub(super) fn lines(&self, language: Language) -> Vec<String> {
        let mut lines = vec![hex::encode(self.id)];
        let records = CaseFile {
            dispute: &self.dispute,
            panels: &self.panels,
            checks: &[],
            sanctions: &[],
        };
        lines.extend(records.lines(language));
        lines
    }

    /// The same for machines.
    pub(super) fn json(&self) -> Value {
        let mut value = disputes::json(&self.dispute);
        add_member(&mut value, "dispute", hex::encode(self.id).into());
        if self.dispute.review.is_some() {
            let review = reviews::json(&self.dispute, &self.panels);
            add_member(&mut value, "review", review);
        }
        value
    }
}

/// The disputes with these ids, each about this design.
pub(super) async fn shown(
    client: &mut Client,
    design: &Hash,
    ids: &[Hash],
) -> Result<Vec<CertificateDispute>, Failure> {
    let mut shown = Vec::with_capacity(ids.len());
    for id in ids {
        let found = one(client, id).await?;
        if found.dispute.subject != design {
            return Err(Failure::Usage(format!(
                "dispute {} is about another right than this design's",
                hex::encode(id)
            )));
        }
        shown.push(found);
    }
    Ok(shown)
}

async fn one(client: &mut Client, id: &Hash) -> Result<CertificateDispute, Failure> {
    if let Ok(review) = Box::pin(recounted::review(client, id)).await? {
        return Ok(CertificateDispute {
            id: *id,
            dispute: review.dispute,
            panels: review.panels,
        });
    }
    let (attested, dispute) = proven::dispute(client, id).await?;
    let dispute = dispute.ok_or_else(|| Failure::Absent {
        height: attested.header.height,
        id: hex::encode(id),
        message: format!("there is no dispute {}", hex::encode(id)),
    })?;
    Ok(CertificateDispute {
        id: *id,
        dispute,
        panels: Vec::new(),
    })
}
