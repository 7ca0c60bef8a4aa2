//! One question to an authority, and the judgement of its answer: a token is kept only if it is for
//! this checkpoint and this question, and leads to a root that the operator trusts.

use std::mem;

use thiserror::Error;
use touchstone_core::Fault;
use touchstone_core::block::Header;
use touchstone_core::hash::{self, Hash};
use touchstone_core::proof::checkpoint::{self, BlockLeaf, Checkpoint};
use touchstone_core::timestamp::{self, ResponseError, TokenError};

use super::http::HttpError;
use super::settings::Authority;

/// A token that was verified.
#[derive(Clone, Debug)]
pub struct Stamp {
    /// Its DER.
    pub token: Vec<u8>,
    /// DER of what its chain needs besides.
    pub certificates: Vec<Vec<u8>>,
    /// The authority's time, milliseconds since 1970.
    pub time_ms: u64,
}

/// Why there is no time stamp.
#[derive(Debug, Error)]
pub enum NoStamp {
    /// No answer.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// An answer without a token.
    #[error("its answer is no time stamp: {0}")]
    Response(#[from] ResponseError),
    /// A token that doesn't verify.
    #[error("its token is refused: {0}")]
    Token(#[from] TokenError),
    /// The answer to another question.
    #[error("its token is refused: it has not the nonce that was sent")]
    Nonce,
    /// An authority that nobody here trusts.
    #[error(
        "its token is refused: it leads to the root with SHA-256 {}, which is not among the \
         roots that the configuration trusts",
        hex::encode(.0)
    )]
    Root(Hash),
    /// Stamped under another policy.
    #[error(
        "its token is refused: it is under the policy {found}, the configuration asks for {wanted}"
    )]
    Policy {
        /// The token's.
        found: String,
        /// The configuration's.
        wanted: String,
    },
    /// No nonce could be made.
    #[error("this machine gives no random number: {0}")]
    Random(getrandom::Error),
}

impl NoStamp {
    /// Whether it is the same kind of failure.
    pub fn is_like(&self, other: &NoStamp) -> bool {
        match (self, other) {
            (NoStamp::Http(a), NoStamp::Http(b)) => mem::discriminant(a) == mem::discriminant(b),
            _ => mem::discriminant(self) == mem::discriminant(other),
        }
    }
}

/// The checkpoint over consecutive blocks.
pub fn checkpoint(
    chain_id: &Hash,
    headers: &[Header],
    authority: &str,
) -> Result<Checkpoint, Fault> {
    let leaves: Vec<BlockLeaf> = headers.iter().map(BlockLeaf::from).collect();
    let first = headers.first().map_or(0, |header| header.height);
    checkpoint::tree(chain_id, first, &leaves)
        .and_then(|tree| tree.checkpoint(chain_id, authority))
        .map_err(|error| Fault::Invariant(format!("a checkpoint from block {first} on: {error}")))
}

/// Asks the authority to stamp a checkpoint.
pub async fn stamp(authority: &Authority, checkpoint: &Checkpoint) -> Result<Stamp, NoStamp> {
    let imprint = checkpoint.imprint();
    let nonce = getrandom::u64().map_err(NoStamp::Random)?;
    let query = timestamp::request(&imprint, nonce);
    let answer = authority.endpoint.post(query, authority.timeout).await?;
    judge(authority, &imprint, nonce, &answer)
}

fn judge(
    authority: &Authority,
    imprint: &Hash,
    nonce: u64,
    answer: &[u8],
) -> Result<Stamp, NoStamp> {
    let token = timestamp::response(answer)?;
    let stamped = timestamp::verify(&token, &authority.roots, imprint)?;
    if stamped.nonce != Some(nonce) {
        return Err(NoStamp::Nonce);
    }
    let root = stamped.root();
    if !authority.roots.iter().any(|der| hash::sha256(der) == root) {
        return Err(NoStamp::Root(root));
    }
    if let Some(wanted) = authority.policy.as_ref().filter(|p| **p != stamped.policy) {
        return Err(NoStamp::Policy {
            found: stamped.policy,
            wanted: wanted.clone(),
        });
    }
    Ok(Stamp {
        token,
        certificates: stamped.beyond,
        time_ms: stamped.gen_time_ms,
    })
}
