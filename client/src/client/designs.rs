//! Questions about designs.

use tonic::transport::Channel;
use touchstone_core::hash::Hash;
use touchstone_core::proof::link;
use touchstone_core::state::keys;
use touchstone_proto::ledger;
use touchstone_proto::node;
use touchstone_proto::node::ledger_client::LedgerClient;

use super::{Client, contradiction};
use crate::attested_header::AttestedHeader;
use crate::error::ClientError;
use crate::verification::NotVerified;

impl Client {
    /// A design's record, or proof that there is none.
    pub async fn design(
        &mut self,
        id: &Hash,
    ) -> Result<(AttestedHeader, Option<ledger::Design>), ClientError> {
        let ask = |mut ledger: LedgerClient<Channel>| {
            let request = node::GetDesignRequest { id: id.to_vec() };
            async move { ledger.get_design(request).await }
        };
        let (attested, design, _) = self
            .record(&keys::design(id), ask, |reply| reply.record.as_ref())
            .await?;
        Ok((attested, design))
    }

    /// All disclosures of a file, complete: all pages, then one check over all of them.
    pub async fn designs_by_file(
        &mut self,
        sha256: &Hash,
    ) -> Result<(AttestedHeader, Vec<ledger::LinkEntry>), ClientError> {
        let key = keys::design_file(sha256);
        let mut entries: Vec<Vec<u8>> = Vec::new();
        loop {
            let from = entries.len() as u64;
            let ask = |mut ledger: LedgerClient<Channel>| {
                let request = node::GetDesignsByFileRequest {
                    sha256: sha256.to_vec(),
                    from,
                    limit: 0,
                };
                async move { ledger.get_designs_by_file(request).await }
            };
            let (attested, file, reply): (_, Option<ledger::DesignFile>, _) = self
                .record(&key, ask, |reply| reply.record.as_ref())
                .await?;
            if reply.from != from {
                return Err(contradiction("another page than asked for"));
            }
            let link = file.and_then(|f| f.link).unwrap_or_else(link::empty);
            let is_last = reply.entries.is_empty();
            entries.extend(reply.entries);
            // The last page's record proves all pages: a link only grows.
            if is_last || entries.len() as u64 >= link.count {
                let entries: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
                let decoded = link::verify_entries(&link, &entries).map_err(NotVerified::from)?;
                return Ok((attested, decoded));
            }
        }
    }
}
