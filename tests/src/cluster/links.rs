//! Links that take time: each node is reached through a proxy that hands on what it gets after a delay, both ways.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Bytes that are read at once.
const READ: usize = 64 << 10;

/// Serves `at` for the node that listens at `to`, for as long as the runtime lives.
pub fn delay(at: SocketAddr, to: SocketAddr, delay: Duration) {
    tokio::spawn(async move {
        let listener = TcpListener::bind(at)
            .await
            .expect("the port was found free");
        while let Ok((here, _)) = listener.accept().await {
            tokio::spawn(async move {
                // A node that is down refuses; its peer then sees this connection end.
                let Ok(there) = TcpStream::connect(to).await else {
                    return;
                };
                let options = [here.set_nodelay(true), there.set_nodelay(true)];
                assert!(
                    options.iter().all(Result::is_ok),
                    "a connected socket takes options"
                );
                let ((from_here, to_here), (from_there, to_there)) =
                    (here.into_split(), there.into_split());
                tokio::spawn(carry(from_here, to_there, delay));
                carry(from_there, to_here, delay).await;
            });
        }
    });
}

/// Hands on each piece after the delay, until either side ends.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, delay: Duration) {
    let (pieces, mut waiting) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    tokio::spawn(async move {
        let mut buffer = vec![0; READ];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            let piece = buffer[..count].to_vec();
            if pieces.send((Instant::now() + delay, piece)).is_err() {
                return;
            }
        }
    });
    while let Some((due, piece)) = waiting.recv().await {
        tokio::time::sleep_until(due).await;
        if to.write_all(&piece).await.is_err() {
            return;
        }
    }
}
