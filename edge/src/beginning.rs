//! How conversations at a port begin, and the wait for it: nothing is made for a client that doesn't say what it wants.

use std::io::ErrorKind;

use rustix::net::RecvFlags;
use tokio::io::Interest;
use tokio::net::TcpStream;

use crate::protocol::Protocol;

/// Bytes of a beginning that are looked at. Who says as many is let in, whole or not.
const LOOKED_AT: usize = 4096;

/// How conversations at a port begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// With a record of TLS (RFC 8446, section 5.1).
    Tls,
    /// With the head of a request (RFC 9112, section 2.1).
    Http1,
    /// With the preface (RFC 9113, section 3.4).
    Http2,
    /// With the header of multistream-select 1.0.0, which a peer sends before it hears anything
    /// (<https://github.com/multiformats/multistream-select>).
    Multistream,
}

/// What the first bytes of a client are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    /// The first part of a beginning, or nothing.
    Part,
    /// Enough to make something for the client: a whole beginning, more than is looked at, or something else, which the
    /// protocol's library refuses.
    Whole,
    /// Something else, to which nobody answers.
    Foreign,
}

impl Beginning {
    pub(crate) fn of(protocol: Protocol, is_encrypted: bool) -> Beginning {
        match protocol {
            _ if is_encrypted => Beginning::Tls,
            Protocol::Http1 => Beginning::Http1,
            Protocol::Http2 => Beginning::Http2,
        }
    }

    fn said(self, bytes: &[u8]) -> Said {
        const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        const HEADER: &[u8] = b"\x13/multistream/1.0.0\n";
        const HANDSHAKE: u8 = 22;
        let is_whole = match (self, bytes) {
            (Beginning::Tls, [HANDSHAKE, _, _, high, low, record @ ..]) => {
                record.len() >= usize::from(u16::from_be_bytes([*high, *low]))
            }
            (Beginning::Tls, bytes) => bytes.first().is_some_and(|kind| *kind != HANDSHAKE),
            // An empty line; some clients end lines by LF alone.
            (Beginning::Http1, bytes) => {
                let ends = |end: &[u8]| bytes.windows(end.len()).any(|window| window == end);
                ends(b"\n\r\n") || ends(b"\n\n")
            }
            (Beginning::Http2, bytes) => {
                bytes.len() >= PREFACE.len() || !PREFACE.starts_with(bytes)
            }
            (Beginning::Multistream, bytes) => match bytes.starts_with(HEADER) {
                false if !HEADER.starts_with(bytes) => return Said::Foreign,
                is_whole => is_whole,
            },
        };
        match is_whole || bytes.len() >= LOOKED_AT {
            true => Said::Whole,
            false => Said::Part,
        }
    }
}

/// Whether the client has said enough of a beginning before it ended. This waits for it, and takes nothing of what it
/// says. `has_begun` is called with its first byte.
pub async fn begins(stream: &TcpStream, beginning: Beginning, has_begun: impl FnOnce()) -> bool {
    let mut has_begun = Some(has_begun);
    loop {
        let Ok(ready) = stream.ready(Interest::READABLE).await else {
            return false;
        };
        let mut count = 0;
        let looked = stream.try_io(Interest::READABLE, || {
            let mut bytes = [0; LOOKED_AT];
            (count, _) = rustix::net::recv(stream, &mut bytes[..], RecvFlags::PEEK)?;
            match beginning.said(bytes.get(..count).unwrap_or_default()) {
                // The next bytes wake this up again.
                Said::Part if count > 0 => Err(ErrorKind::WouldBlock.into()),
                said => Ok(said == Said::Whole),
            }
        });
        if count > 0
            && let Some(has_begun) = has_begun.take()
        {
            has_begun();
        }
        match looked {
            Ok(is_whole) => return is_whole,
            Err(error) if error.kind() != ErrorKind::WouldBlock => return false,
            // What is left of it never comes.
            Err(_) if ready.is_read_closed() => return false,
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    const ALL: [Beginning; 4] = [
        Beginning::Tls,
        Beginning::Http1,
        Beginning::Http2,
        Beginning::Multistream,
    ];

    /// Each beginning is whole with its last byte, and not before.
    #[test]
    fn a_beginning_is_whole_with_its_last_byte() {
        let head = b"GET /small HTTP/1.1\r\nhost: here\r\n\r\n".as_slice();
        let lines = b"GET / HTTP/1.0\n\n".as_slice();
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice();
        let header = b"\x13/multistream/1.0.0\n".as_slice();
        let record = [[22, 3, 1, 1, 4].as_slice(), &[7; 260]].concat();
        for (beginning, bytes) in [
            (Beginning::Http1, head),
            (Beginning::Http1, lines),
            (Beginning::Http2, preface),
            (Beginning::Tls, &record),
            (Beginning::Multistream, header),
        ] {
            for end in 0..bytes.len() {
                assert_eq!(
                    beginning.said(&bytes[..end]),
                    Said::Part,
                    "{beginning:?} {end}"
                );
            }
            assert_eq!(beginning.said(bytes), Said::Whole, "{beginning:?}");
            let more = [bytes, b"more"].concat();
            assert_eq!(beginning.said(&more), Said::Whole, "{beginning:?}");
        }
    }

    /// Its library says why it is refused.
    #[test]
    fn what_is_no_beginning_is_not_waited_for() {
        assert_eq!(Beginning::Http2.said(b"GET /"), Said::Whole);
        assert_eq!(Beginning::Tls.said(b"GET /"), Said::Whole);
        for beginning in [Beginning::Tls, Beginning::Http1, Beginning::Http2] {
            let mut long = vec![b'a'; LOOKED_AT];
            long[..5].copy_from_slice(&[22, 3, 1, 255, 255]);
            assert_eq!(beginning.said(&long), Said::Whole, "{beginning:?}");
        }
        assert_eq!(Beginning::Http1.said(&[b'a'; LOOKED_AT - 1]), Said::Part);
    }

    /// Whoever isn't a peer gets no negotiation.
    #[test]
    fn what_no_peer_says_is_foreign_at_once() {
        let header = b"\x13/multistream/1.0.0\n";
        for changed in 0..header.len() {
            let mut bytes = *header;
            bytes[changed] ^= 1;
            let until = &bytes[..=changed];
            assert_eq!(
                Beginning::Multistream.said(until),
                Said::Foreign,
                "{changed}"
            );
        }
        assert_eq!(
            Beginning::Multistream.said(&[b'a'; LOOKED_AT]),
            Said::Foreign
        );
    }

    #[test]
    fn nothing_is_a_part_of_each() {
        for beginning in ALL {
            assert_eq!(beginning.said(b""), Said::Part, "{beginning:?}");
        }
    }

    #[test]
    fn what_a_port_speaks_says_how_it_begins() {
        let of = |protocol, is_encrypted| Beginning::of(protocol, is_encrypted);
        assert_eq!(of(Protocol::Http1, false), Beginning::Http1);
        assert_eq!(of(Protocol::Http2, false), Beginning::Http2);
        assert_eq!(of(Protocol::Http1, true), Beginning::Tls);
        assert_eq!(of(Protocol::Http2, true), Beginning::Tls);
    }

    /// What `begins` says of a client that says so much and ends, and whether it had begun; and what is left to read.
    async fn begun(beginning: Beginning, says: &[u8]) -> (bool, bool, Vec<u8>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(says).await.unwrap();
        client.shutdown().await.unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        let has_begun = Cell::new(false);
        let is_whole = begins(&stream, beginning, || has_begun.set(true)).await;
        let mut left = Vec::new();
        stream.read_to_end(&mut left).await.unwrap();
        (is_whole, has_begun.get(), left)
    }

    #[tokio::test]
    async fn a_beginning_is_waited_for_and_left_where_it_is() {
        let header = b"\x13/multistream/1.0.0\n";
        assert_eq!(
            begun(Beginning::Multistream, b"").await,
            (false, false, vec![])
        );
        for end in 1..header.len() {
            let part = header[..end].to_vec();
            assert_eq!(
                begun(Beginning::Multistream, &part).await,
                (false, true, part.clone())
            );
        }
        let more = [header.as_slice(), b"\x07/noise\n"].concat();
        assert_eq!(
            begun(Beginning::Multistream, &more).await,
            (true, true, more.clone())
        );
        let other = b"GET / HTTP/1.1\r\n\r\n";
        assert_eq!(
            begun(Beginning::Multistream, other).await,
            (false, true, other.to_vec())
        );
        let http = begun(Beginning::Http1, other).await;
        assert_eq!(http, (true, true, other.to_vec()));
    }
}
