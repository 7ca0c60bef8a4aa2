//! Questions about pictures that look alike.

use tonic::transport::Channel;
use touchstone_core::state::keys;
use touchstone_pictures::{
    Features, Fingerprint, REGIONS_SPECIFICATION, RegionQuery, SPECIFICATION,
};
use touchstone_proto::ledger::{FeatureCount, FingerprintCount};
use touchstone_proto::node::{self, ledger_client::LedgerClient};

use super::Client;
use crate::attested_header::AttestedHeader;
use crate::error::ClientError;

impl Client {
    /// Asks which published pictures look like one. Proven is how many there are; the rest is the node's word, and
    /// it learns the fingerprint.
    pub(crate) async fn compare_picture(
        &mut self,
        fingerprint: &Fingerprint,
    ) -> Result<(AttestedHeader, FingerprintCount, node::ComparePictureReply), ClientError> {
        let request = node::ComparePictureRequest {
            specification: SPECIFICATION.to_vec(),
            whole: fingerprint.whole.to_bytes().to_vec(),
            trimmed: fingerprint.trimmed.to_bytes().to_vec(),
            whole_quality: u32::from(fingerprint.whole_quality),
            trimmed_quality: u32::from(fingerprint.trimmed_quality),
        };
        let ask = |mut ledger: LedgerClient<Channel>| {
            let request = request.clone();
            async move { ledger.compare_picture(request).await }
        };
        let (attested, count, reply) = self
            .record(
                keys::FINGERPRINTS,
                ask,
                |reply: &node::ComparePictureReply| reply.searched.as_ref(),
            )
            .await?;
        Ok((attested, count.unwrap_or_default(), reply))
    }

    /// Asks which published pictures share a region with one. Proven is how many there are; the rest is the node's
    /// word, and it learns what is looked for.
    pub(crate) async fn find_regions(
        &mut self,
        query: &RegionQuery,
    ) -> Result<(FeatureCount, node::FindRegionsReply), ClientError> {
        let request = node::FindRegionsRequest {
            specification: REGIONS_SPECIFICATION.to_vec(),
            plain: query.plain.to_bytes(),
            mirrored: query.mirrored.to_bytes(),
            fine: query.fine.to_bytes(),
            windows: query.windows.iter().map(Features::to_bytes).collect(),
        };
        let ask = |mut ledger: LedgerClient<Channel>| {
            let request = request.clone();
            async move { ledger.find_regions(request).await }
        };
        let (_, count, reply) = self
            .record(keys::FEATURES, ask, |reply: &node::FindRegionsReply| {
                reply.published.as_ref()
            })
            .await?;
        Ok((count.unwrap_or_default(), reply))
    }
}
