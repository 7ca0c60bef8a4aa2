//! The ports that clients come to, bound before anything runs: a node that can't serve doesn't vote for a moment.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use touchstone_edge::Protocol;
use touchstone_edge::budget::{self, Budget};
use touchstone_edge::server::{PortLimits, Server};
use touchstone_edge::tls::Tls;

use super::NodeError;
use crate::config::Config;
use crate::service::Audience;

/// A port of the gRPC service or the HTTP interface.
pub(super) struct ClientPort {
    pub(super) server: Server,
    pub(super) audience: Audience,
    /// What it is called where tasks are.
    pub(super) name: &'static str,
}

/// Ports, bound. They share one budget of bytes.
pub(super) struct ClientPorts {
    /// Where members ask over gRPC.
    pub(super) address: SocketAddr,
    pub(super) budget: Arc<Budget>,
    pub(super) rpc: Vec<ClientPort>,
    pub(super) http: Vec<ClientPort>,
}

/// Names of all ports' tasks.
pub(super) const NAMES: [&str; 4] = [
    "the gRPC service",
    "EPCIS over HTTP",
    "the public gRPC service",
    "the public HTTP interface",
];

/// Descriptors that the ports may need.
pub(super) fn descriptors(config: &Config) -> u64 {
    let public = &config.public;
    let ports = [
        Some(config.limits.rpc()),
        Some(config.limits.http()),
        public.rpc.map(|_| config.limits.rpc()),
        public.http.map(|_| config.limits.http()),
    ];
    let needed = ports.iter().flatten().map(PortLimits::descriptors);
    needed.sum()
}

/// Binds the ports that the configuration names.
pub(super) async fn bind(config: &Config) -> Result<ClientPorts, NodeError> {
    let budget = Budget::new(budget::ByteLimits::default());
    let (rpc_limits, http_limits) = (config.limits.rpc(), config.limits.http());
    let public = &config.public;
    let [rpc_name, http_name, public_rpc_name, public_http_name] = NAMES;
    let one = async |name: &'static str,
                     address: SocketAddr,
                     limits: PortLimits,
                     protocol: Protocol,
                     audience: Audience| {
        let files = config.tls.as_ref().map(|files| match audience {
            Audience::Members => files.of_members(),
            Audience::Everybody => files.of_everybody(),
        });
        let tls = files.map(|files| Tls::load(files, protocol)).transpose()?;
        let listener = listen(name, address).await?;
        let server = Server {
            protocol,
            listener,
            limits,
            budget: Arc::clone(&budget),
            tls,
        };
        Ok::<_, NodeError>(ClientPort {
            server,
            audience,
            name,
        })
    };
    let members = Audience::Members;
    let first = one(rpc_name, config.rpc, rpc_limits, Protocol::Http2, members).await?;
    let address = first.server.listener.local_addr().unwrap_or(config.rpc);
    let mut ports = ClientPorts {
        address,
        budget: budget.clone(),
        rpc: vec![first],
        http: Vec::new(),
    };
    if let Some(address) = config.http {
        let port = one(http_name, address, http_limits, Protocol::Http1, members).await?;
        ports.http.push(port);
    }
    let everybody = Audience::Everybody;
    if let Some(address) = public.rpc {
        let limits = public.limited(rpc_limits);
        let port = one(public_rpc_name, address, limits, Protocol::Http2, everybody).await?;
        ports.rpc.push(port);
    }
    if let Some(address) = public.http {
        let limits = public.limited(http_limits);
        let port = one(
            public_http_name,
            address,
            limits,
            Protocol::Http1,
            everybody,
        )
        .await?;
        ports.http.push(port);
    }
    Ok(ports)
}

async fn listen(name: &'static str, address: SocketAddr) -> Result<TcpListener, NodeError> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| NodeError::Port {
        name,
        address,
        error,
    })
}
