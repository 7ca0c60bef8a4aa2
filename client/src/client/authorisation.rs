//! Whether a seller may do something with a design.

use tonic::transport::Channel;
use touchstone_core::block::Header;
use touchstone_core::designs::authorised::{SaleAnswer, SaleQuestion};
use touchstone_core::proof;
use touchstone_proto::evidence::AuthorisationFile;
use touchstone_proto::node::{self, ledger_client::LedgerClient};

use super::Client;
use crate::attested_header::AttestedHeader;
use crate::error::ClientError;
use crate::verification::Trust;

/// An answer, proven.
#[derive(Clone, Debug)]
pub struct ProvenAuthorisation {
    /// The block that it is as of.
    pub attested: AttestedHeader,
    /// The answer.
    pub answer: SaleAnswer,
    /// The same as a file, which anybody examines with the genesis document alone.
    pub file: Vec<u8>,
}

impl Client {
    /// Asks, and answers it anew from the records that the node proves.
    pub async fn authorised(
        &mut self,
        asked: &SaleQuestion,
    ) -> Result<ProvenAuthorisation, ClientError> {
        let request = node::GetAuthorisationRequest {
            subject: asked.subject.to_vec(),
            seller: asked.seller.clone(),
            act: asked.act.into(),
            territory: asked.territory.clone(),
            time_ms: asked.at_ms,
        };
        let ask = |mut ledger: LedgerClient<Channel>| {
            let request = request.clone();
            async move { ledger.get_authorisation(request).await }
        };
        let headers = |reply: &node::AuthorisationReply| reply.header.iter().cloned().collect();
        let check = |trust: &Trust, reply: &node::AuthorisationReply| {
            let attested = trust.tip(reply.header.as_ref())?;
            let root = &attested.header.state_root;
            let answer = proof::authorisation::verify(root, asked, &reply.values)?;
            Ok((attested, answer))
        };
        let ((attested, answer), reply) = self.current(ask, headers, check).await?;
        let changes = self.trust.changes().iter();
        let below = changes.take_while(|change| {
            let header = change.header.as_ref().map(|h| Header::decode(&h.header));
            header.is_some_and(|h| h.is_ok_and(|h| h.height < attested.header.height))
        });
        let file = proof::authorisation::seal(&AuthorisationFile {
            validator_set_changes: below.cloned().collect(),
            question: Some(request.clone()),
            answer: Some(reply),
        });
        Ok(ProvenAuthorisation {
            attested,
            answer,
            file,
        })
    }
}
