//! Where a node listens for clients, and what must hold before it does: what leaves this machine is encrypted, and
//! members' ports know who comes.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;
use touchstone_edge::rate::CallRate;
use touchstone_edge::server::PortLimits;
use touchstone_edge::tls::Files;

use super::{Config, ConfigError};

/// A certificate and what belongs to it, in PEM. The files are read again when they change.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// The certificate, and those between it and its root.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// Roots of the certificates that members' clients must have.
    pub client_roots: Option<PathBuf>,
}

/// Clients at once, of each service. Behind a proxy all clients have one address.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientLimits {
    /// Connections of each service.
    pub connections: Option<usize>,
    /// Connections of one address.
    pub connections_per_address: Option<usize>,
    /// MiB of memory for the search for regions of pictures: 33, and one more for each 43 pictures. Those that were
    /// published first are searched.
    pub region_search_mib: Option<u64>,
}

/// Ports for everybody: what one exact identifier names, and nothing else.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicPorts {
    /// Address of gRPC.
    pub rpc: Option<SocketAddr>,
    /// Address of HTTP.
    pub http: Option<SocketAddr>,
    /// Questions of one address in a minute.
    pub calls_per_minute: Option<u32>,
}

/// Questions of one address in a minute, where the operator says nothing.
const CALLS_PER_MINUTE: u32 = 60;

impl ClientLimits {
    /// Of the gRPC service.
    pub fn rpc(&self) -> PortLimits {
        self.over(PortLimits::default())
    }

    /// Of the HTTP interface, whose connections carry one request at a time.
    pub fn http(&self) -> PortLimits {
        self.over(PortLimits {
            idle: crate::http::IDLE,
            ..PortLimits::default()
        })
    }

    /// Bytes of memory for the search for regions.
    pub fn region_search(&self) -> u64 {
        let mib = self
            .region_search_mib
            .map(|mib| mib.saturating_mul(1 << 20));
        mib.unwrap_or(crate::service::region_search::MEMORY)
    }

    fn over(&self, default: PortLimits) -> PortLimits {
        PortLimits {
            connections: self.connections.unwrap_or(default.connections),
            connections_per_address: self
                .connections_per_address
                .unwrap_or(default.connections_per_address),
            ..default
        }
    }
}

impl PublicPorts {
    /// The same limits, and how often an address may ask.
    pub fn limited(&self, limits: PortLimits) -> PortLimits {
        let per_minute = self.calls_per_minute.unwrap_or(CALLS_PER_MINUTE);
        let calls = Some(CallRate {
            per_minute,
            burst: per_minute,
        });
        PortLimits { calls, ..limits }
    }
}

impl TlsFiles {
    /// For members: clients show their certificates, where there are roots for them.
    pub fn of_members(&self) -> Files {
        Files {
            client_roots: self.client_roots.clone(),
            ..self.of_everybody()
        }
    }

    /// For everybody: nobody is asked who he is.
    pub fn of_everybody(&self) -> Files {
        Files {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            client_roots: None,
        }
    }
}

/// Refuses ports that would tell strangers more than the operator has said.
pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    let members = [("rpc", Some(config.rpc)), ("http", config.http)];
    let public = [
        ("public.rpc", config.public.rpc),
        ("public.http", config.public.http),
    ];
    let beyond = |(what, address): (&'static str, Option<SocketAddr>)| {
        let address = address.filter(|address| !address.ip().is_loopback())?;
        Some((what, address))
    };
    for (what, address) in members.into_iter().chain(public).filter_map(beyond) {
        if config.tls.is_none() && !config.clear_text {
            return Err(ConfigError::ClearText { what, address });
        }
    }
    let knows_members = config
        .tls
        .as_ref()
        .is_some_and(|tls| tls.client_roots.is_some());
    for (what, address) in members.into_iter().filter_map(beyond) {
        if !knows_members && !config.open {
            return Err(ConfigError::OpenToStrangers { what, address });
        }
    }
    Ok(())
}
