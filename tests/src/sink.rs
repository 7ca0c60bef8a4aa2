//! A port without a node behind it: it holds so many connections, lets the oldest go for the next, throws away what it
//! hears, and says nothing. What strangers cost a machine there, they cost it anywhere.

use std::collections::VecDeque;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

use crate::cluster;

/// Connections that a port holds: as many as one of a node holds of an address that hasn't asked anything.
const HELD: usize = 128;

/// So many ports of this machine that nobody serves now.
///
/// # Panics
/// If there are none.
pub fn free_ports(count: usize) -> Vec<SocketAddr> {
    let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
    cluster::free_ports(count)
        .into_iter()
        .map(address)
        .collect()
}

/// Serves a port until it is given up.
///
/// # Panics
/// If somebody else serves the port.
pub async fn serve(port: SocketAddr) {
    let listener = TcpListener::bind(port).await.expect("the port is free");
    let mut held: VecDeque<AbortHandle> = VecDeque::new();
    let mut tasks = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while tasks.try_join_next().is_some() {}
        held.push_back(tasks.spawn(swallow(stream)));
        if held.len() > HELD
            && let Some(oldest) = held.pop_front()
        {
            oldest.abort();
        }
    }
}

async fn swallow(mut stream: TcpStream) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(1..) = stream.read(&mut bytes).await {}
}

/// Sends a sink what a node would be sent; whether it stood there.
pub async fn send(port: SocketAddr, bytes: &[u8]) -> bool {
    match TcpStream::connect(port).await {
        Ok(mut stream) => stream.write_all(bytes).await.is_ok(),
        Err(_) => false,
    }
}
