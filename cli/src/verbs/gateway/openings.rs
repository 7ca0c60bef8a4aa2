//! The gateway's port for openings of labels, as the command line names it.

use std::net::SocketAddr;
use std::sync::Arc;

use touchstone_edge::http::access::Access;
use touchstone_edge::tls::Tls;

use super::{Arguments, bind};
use crate::failure::Failure;
use crate::gateway::openings::door::OpeningsDoor;

/// Options of that port.
#[derive(clap::Args, Debug)]
pub struct OpeningArguments {
    /// Record openings of labels for pages that ask here; nothing else is answered there
    #[arg(long, value_name = "ADDRESS")]
    pub openings: Option<SocketAddr>,
    /// An origin of pages that may ask there, such as https://node.example.org
    #[arg(long, value_name = "ORIGIN", requires = "openings")]
    pub openings_origin: Vec<String>,
    /// Openings that an address may ask for in a minute
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 12,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000)
    )]
    pub openings_per_minute: u32,
}

impl Arguments {
    /// The port that is named, bound, and its address.
    pub(super) async fn openings_door(
        &self,
    ) -> Result<Option<(OpeningsDoor, SocketAddr)>, Failure> {
        let Some(listen) = self.openings.openings else {
            return Ok(None);
        };
        let tls = self.openings_tls()?;
        let (listener, address) = bind(listen).await?;
        let origins = self.openings.openings_origin.clone();
        let door = OpeningsDoor {
            listener,
            tls,
            access: Access::new(self.hosts.clone(), origins),
            per_minute: self.openings.openings_per_minute,
        };
        Ok(Some((door, address)))
    }

    /// Its encryption: whoever opens a label has no certificate.
    pub(super) fn openings_tls(&self) -> Result<Option<Arc<Tls>>, Failure> {
        match self.openings.openings {
            Some(listen) => self.tls_at(listen, None),
            None => Ok(None),
        }
    }
}
