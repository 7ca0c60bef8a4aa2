//! What is spoken at a port.

/// What is spoken at a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2, as gRPC needs it.
    Http2,
}

/// Bytes of a beginning that are looked at. Who says as many is let in, whole or not.
pub(crate) const LOOKED_AT: usize = 4096;

/// How conversations at a port begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beginning {
    /// With a record of TLS (RFC 8446, section 5.1).
    Tls,
    /// With the head of a request (RFC 9112, section 2.1).
    Http1,
    /// With the preface (RFC 9113, section 3.4).
    Http2,
}

impl Beginning {
    pub fn of(protocol: Protocol, is_encrypted: bool) -> Beginning {
        match protocol {
            _ if is_encrypted => Beginning::Tls,
            Protocol::Http1 => Beginning::Http1,
            Protocol::Http2 => Beginning::Http2,
        }
    }

    /// Whether these first bytes say enough to make something for the client: the beginning is whole, longer than what
    /// is looked at, or none that the protocol knows, which its library refuses.
    pub fn is_whole(self, bytes: &[u8]) -> bool {
        const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
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
        };
        is_whole || bytes.len() >= LOOKED_AT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each beginning is whole with its last byte, and not before.
    #[test]
    fn a_beginning_is_whole_with_its_last_byte() {
        let head = b"GET /small HTTP/1.1\r\nhost: here\r\n\r\n".as_slice();
        let lines = b"GET / HTTP/1.0\n\n".as_slice();
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice();
        let record = [[22, 3, 1, 1, 4].as_slice(), &[7; 260]].concat();
        for (beginning, bytes) in [
            (Beginning::Http1, head),
            (Beginning::Http1, lines),
            (Beginning::Http2, preface),
            (Beginning::Tls, &record),
        ] {
            for end in 0..bytes.len() {
                assert!(!beginning.is_whole(&bytes[..end]), "{beginning:?} {end}");
            }
            assert!(beginning.is_whole(bytes), "{beginning:?}");
            let more = [bytes, b"more"].concat();
            assert!(beginning.is_whole(&more), "{beginning:?}");
        }
    }

    /// Its library says why it is refused.
    #[test]
    fn what_is_no_beginning_is_not_waited_for() {
        assert!(Beginning::Http2.is_whole(b"GET /"));
        assert!(Beginning::Tls.is_whole(b"GET /"));
        for beginning in [Beginning::Tls, Beginning::Http1, Beginning::Http2] {
            let mut long = vec![b'a'; LOOKED_AT];
            long[..5].copy_from_slice(&[22, 3, 1, 255, 255]);
            assert!(beginning.is_whole(&long), "{beginning:?}");
        }
        assert!(!Beginning::Http1.is_whole(&[b'a'; LOOKED_AT - 1]));
    }

    #[test]
    fn what_a_port_speaks_says_how_it_begins() {
        let of = |protocol, is_encrypted| Beginning::of(protocol, is_encrypted);
        assert_eq!(of(Protocol::Http1, false), Beginning::Http1);
        assert_eq!(of(Protocol::Http2, false), Beginning::Http2);
        assert_eq!(of(Protocol::Http1, true), Beginning::Tls);
        assert_eq!(of(Protocol::Http2, true), Beginning::Tls);
    }
}
