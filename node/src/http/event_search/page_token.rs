//! Where a page ended, as the client gives it back.

use touchstone_edge::http::{Exception, Problem};

use super::candidates::Candidate;
use crate::storage::rocks::EventPlace;

/// Where a page ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PageToken {
    /// Of the query that it belongs to.
    pub(super) digest: [u8; 8],
    /// The last event that was looked at.
    pub(super) last: Candidate,
    /// Events given so far.
    pub(super) given: u64,
}

impl PageToken {
    /// As the client gets it.
    pub(super) fn write(self) -> String {
        let place = self.last.place;
        let bytes = [
            self.digest.as_slice(),
            &self.last.time_ms.to_be_bytes(),
            &place.height.to_be_bytes(),
            &place.transaction.to_be_bytes(),
            &place.event.to_be_bytes(),
            &self.given.to_be_bytes(),
        ];
        hex::encode(bytes.concat())
    }

    /// Of the query with this digest.
    pub(super) fn read(text: &str, digest: [u8; 8]) -> Result<PageToken, Problem> {
        let token = hex::decode(text)
            .ok()
            .and_then(|bytes| PageToken::decode(&bytes));
        token.filter(|t| t.digest == digest).ok_or_else(|| {
            Problem::new(
                Exception::QueryParameter,
                "nextPageToken is of another query; ask it with the parameters that gave the token",
            )
        })
    }

    fn decode(bytes: &[u8]) -> Option<PageToken> {
        let (digest, rest) = bytes.split_first_chunk()?;
        let (time_ms, rest) = rest.split_first_chunk()?;
        let (height, rest) = rest.split_first_chunk()?;
        let (transaction, rest) = rest.split_first_chunk()?;
        let (event, given) = rest.split_first_chunk()?;
        Some(PageToken {
            digest: *digest,
            last: Candidate {
                time_ms: i64::from_be_bytes(*time_ms),
                place: EventPlace {
                    height: u64::from_be_bytes(*height),
                    transaction: u32::from_be_bytes(*transaction),
                    event: u32::from_be_bytes(*event),
                },
            },
            given: u64::from_be_bytes(given.try_into().ok()?),
        })
    }
}
