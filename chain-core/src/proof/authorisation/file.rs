//! The answer as a file, which anybody examines with the genesis document alone.
//!
//! Consensus-critical: no

use prost::Message;
use thiserror::Error;
use touchstone_proto::evidence::AuthorisationFile;

use super::{AuthorisationError, SaleAnswer, SaleQuestion, verify};
use crate::block::Header;
use crate::encoding::{self, Malformed};
use crate::genesis::Genesis;
use crate::hash;
use crate::proof::header::{self, HeaderError, TrustingRange};

/// The first bytes of such a file.
pub const MAGIC: &[u8] = b"touchstone/authorisation/v1\n";
/// No such file is larger; bytes. The answer has 8 KB, each change of the validators some more.
const MAX_FILE_BYTES: usize = 4 << 20;
const CHECKSUM_BYTES: usize = 32;

/// Why bytes aren't a file that proves an answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadAuthorisationFile {
    /// It doesn't begin as one, or is too large.
    #[error("this is no Touchstone authorisation file, or one of a later version")]
    Magic,
    /// Damaged on the way.
    #[error("the file's checksum doesn't fit: some byte was changed, lost or added")]
    Checksum,
    /// Not the canonical encoding of the message, or a field of another length.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The header or its validators.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The records.
    #[error(transparent)]
    Answer(#[from] AuthorisationError),
}

/// What a file proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExaminedAuthorisation {
    /// As of which block.
    pub header: Header,
    /// What was asked.
    pub question: SaleQuestion,
    /// The answer.
    pub answer: SaleAnswer,
}

/// The file: magic, canonical message, and the SHA-256 of both.
pub fn seal(file: &AuthorisationFile) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(file.encode_to_vec());
    let checksum = hash::sha256(&bytes);
    bytes.extend(checksum);
    bytes
}

/// Examines a file under the genesis document that is trusted.
pub fn examine(
    bytes: &[u8],
    genesis: &Genesis,
) -> Result<ExaminedAuthorisation, BadAuthorisationFile> {
    if bytes.len() > MAX_FILE_BYTES || !bytes.starts_with(MAGIC) {
        return Err(BadAuthorisationFile::Magic);
    }
    let split = bytes.split_last_chunk::<CHECKSUM_BYTES>();
    let (content, checksum) = split.ok_or(BadAuthorisationFile::Checksum)?;
    if hash::sha256(content) != *checksum {
        return Err(BadAuthorisationFile::Checksum);
    }
    let message = content.get(MAGIC.len()..);
    let message = message.ok_or(BadAuthorisationFile::Checksum)?;
    let file: AuthorisationFile = encoding::decode_exact(message)?;
    let mut ranges = vec![TrustingRange::genesis(genesis.validators.clone())];
    header::follow(&genesis.chain_id, &mut ranges, &file.validator_set_changes)?;
    let answer = file.answer.unwrap_or_default();
    let certified = answer.header.as_ref().ok_or(HeaderError::Missing)?;
    let claimed = Header::decode(&certified.header).map_err(HeaderError::from)?;
    // One answer has one encoding: all changes below its header, and no other.
    let last = ranges.last().ok_or(HeaderError::Validators)?;
    if last.first > claimed.height {
        return Err(HeaderError::SetChange(claimed.height).into());
    }
    let header = header::verify(&genesis.chain_id, &last.set, certified)?;
    let asked = file.question.unwrap_or_default();
    let question = SaleQuestion {
        subject: encoding::exact("subject", &asked.subject)?,
        act: asked.act(),
        seller: asked.seller,
        territory: asked.territory,
        at_ms: asked.time_ms,
    };
    let answer = verify(&header.state_root, &question, &answer.values)?;
    Ok(ExaminedAuthorisation {
        header,
        question,
        answer,
    })
}
