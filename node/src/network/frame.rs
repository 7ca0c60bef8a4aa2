//! Length-prefixed frames: four bytes of big-endian length, then
//! the body. The length is checked before a byte of the body is read or allocated.
//!
//! `libp2p-request-response` 0.30 tells its user nothing when reading a request fails, so a
//! malformed request is handed up as a value ([`Frame`]): the room can then report and charge it.

use bytes::Bytes;
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::{StreamProtocol, request_response::Codec};
use std::io;

/// Memory taken at first for a body, in bytes; it grows as bytes really arrive, so that a peer that
/// only claims a large body costs little.
const FIRST_ALLOCATION: usize = 64 * 1024;

/// Bodies up to this many bytes are copied behind their length and written at once: one Yamux frame
/// and one encrypted record instead of two.
const WRITTEN_AT_ONCE: usize = 4 * 1024;

/// Bytes before the body.
const PREFIX: usize = 4;

/// A body as it came from a stream, or why it was refused.
pub(super) type Frame = Result<Bytes, FrameError>;

/// Why a frame from a peer was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The announced length is above the protocol's limit.
    #[error("a frame of {claimed} bytes is above the limit of {limit} bytes")]
    TooLarge {
        /// Length announced, in bytes.
        claimed: usize,
        /// Largest length accepted, in bytes.
        limit: usize,
    },
    /// The stream ended before the announced length was reached.
    #[error("the stream ended inside a frame")]
    Truncated,
}

/// Reads and writes the frames of one protocol.
#[derive(Debug, Clone)]
pub(super) struct FrameCodec {
    /// Largest request accepted, in bytes.
    pub request_limit: usize,
    /// Largest response accepted, in bytes; 0 for a protocol whose response is an acknowledgement.
    pub response_limit: usize,
}

impl Codec for FrameCodec {
    type Protocol = StreamProtocol;
    type Request = Frame;
    type Response = Bytes;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Frame>
    where
        T: AsyncRead + Unpin + Send,
    {
        read_frame(io, self.request_limit).await
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Bytes>
    where
        T: AsyncRead + Unpin + Send,
    {
        read_frame(io, self.response_limit)
            .await?
            .map_err(|refused| io::Error::new(io::ErrorKind::InvalidData, refused))
    }

    async fn write_request<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        request: Frame,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        let body =
            request.map_err(|refused| io::Error::new(io::ErrorKind::InvalidInput, refused))?;
        write_frame(io, &body).await
    }

    async fn write_response<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        response: Bytes,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write_frame(io, &response).await
    }
}

/// Reads one frame of at most `limit` bytes. The outer error is the transport's, the inner one the
/// peer's.
async fn read_frame<T>(io: &mut T, limit: usize) -> io::Result<Frame>
where
    T: AsyncRead + Unpin + Send,
{
    let frame = read_next_frame(io, limit).await?;
    Ok(frame.unwrap_or(Err(FrameError::Truncated)))
}

/// The same where a stream carries many; none where it ended after the last one.
pub(super) async fn read_next_frame<T>(io: &mut T, limit: usize) -> io::Result<Option<Frame>>
where
    T: AsyncRead + Unpin + Send,
{
    let mut prefix = [0; PREFIX];
    let (first, rest) = prefix.split_at_mut(1);
    if io.read(first).await? == 0 {
        return Ok(None);
    }
    match io.read_exact(rest).await {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            return Ok(Some(Err(FrameError::Truncated)));
        }
        other => other?,
    }
    let body = read_body(io, prefix, limit).await?;
    Ok(Some(body))
}

/// Reads the rest of a frame.
async fn read_body<T>(io: &mut T, prefix: [u8; PREFIX], limit: usize) -> io::Result<Frame>
where
    T: AsyncRead + Unpin + Send,
{
    let claimed = usize::try_from(u32::from_be_bytes(prefix)).unwrap_or(usize::MAX);
    if claimed > limit {
        return Ok(Err(FrameError::TooLarge { claimed, limit }));
    }

    let mut body = vec![0; claimed.min(FIRST_ALLOCATION)];
    let mut filled = 0;
    while filled < claimed {
        if filled == body.len() {
            body.resize(claimed.min(body.len().saturating_mul(2)), 0);
        }
        // `read` never reports more than the slice holds, so `filled` stays within `body`.
        let room = body.get_mut(filled..).unwrap_or_default();
        let read = io.read(room).await?;
        if read == 0 {
            return Ok(Err(FrameError::Truncated));
        }
        filled += read;
    }
    Ok(Ok(Bytes::from(body)))
}

/// Writes one frame. A body whose length does not fit the prefix is an error.
pub(super) async fn write_frame<T>(io: &mut T, body: &Bytes) -> io::Result<()>
where
    T: AsyncWrite + Unpin + Send,
{
    let length = u32::try_from(body.len())
        .map_err(|too_long| io::Error::new(io::ErrorKind::InvalidInput, too_long))?;
    if body.len() <= WRITTEN_AT_ONCE {
        let mut frame = Vec::with_capacity(PREFIX + body.len());
        frame.extend_from_slice(&length.to_be_bytes());
        frame.extend_from_slice(body);
        return io.write_all(&frame).await;
    }
    io.write_all(&length.to_be_bytes()).await?;
    io.write_all(body).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{executor::block_on, io::Cursor};
    use proptest::prelude::*;

    const LIMIT: usize = 300_000;

    fn read(bytes: &[u8]) -> Frame {
        block_on(read_frame(&mut Cursor::new(bytes), LIMIT)).expect("a cursor has no transport")
    }

    fn written(body: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        block_on(write_frame(&mut out, &Bytes::copy_from_slice(body))).expect("a vector grows");
        out
    }

    #[test]
    fn a_frame_is_read_back_whatever_its_size() {
        for size in [
            0,
            1,
            WRITTEN_AT_ONCE,
            WRITTEN_AT_ONCE + 1,
            FIRST_ALLOCATION,
            FIRST_ALLOCATION + 1,
            2 * FIRST_ALLOCATION + 7,
            LIMIT,
        ] {
            let body: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
            assert_eq!(read(&written(&body)), Ok(Bytes::from(body)), "{size} bytes");
        }
    }

    #[test]
    fn a_frame_above_the_limit_is_refused_before_its_body_is_read() {
        for claimed in [LIMIT + 1, u32::MAX as usize] {
            let prefix = u32::try_from(claimed).expect("fits").to_be_bytes();
            assert_eq!(
                read(&prefix),
                Err(FrameError::TooLarge {
                    claimed,
                    limit: LIMIT
                })
            );
        }
    }

    #[test]
    fn the_length_is_big_endian() {
        assert_eq!(written(b"abc"), b"\0\0\0\x03abc");
    }

    #[test]
    fn frames_follow_each_other_until_the_stream_ends() {
        let stream = [written(b"one"), written(b""), written(b"three")].concat();
        let mut io = Cursor::new(stream);
        let mut next = || block_on(read_next_frame(&mut io, LIMIT)).expect("no transport");
        for body in [b"one".as_slice(), b"", b"three"] {
            assert_eq!(next(), Some(Ok(Bytes::copy_from_slice(body))));
        }
        assert_eq!(next(), None);
        let cut = &written(b"one")[..2];
        let last = block_on(read_next_frame(&mut Cursor::new(cut), LIMIT));
        assert_eq!(
            last.expect("no transport"),
            Some(Err(FrameError::Truncated))
        );
    }

    proptest! {
        #[test]
        fn a_cut_frame_is_truncated(
            body in proptest::collection::vec(any::<u8>(), 1..2000),
            at in any::<prop::sample::Index>(),
        ) {
            let whole = written(&body);
            let cut = at.index(whole.len());
            prop_assert_eq!(read(&whole[..cut]), Err(FrameError::Truncated));
        }
    }
}
