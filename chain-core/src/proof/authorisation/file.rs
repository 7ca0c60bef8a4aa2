//! The answer as a file, which anybody examines with the genesis document alone.
//!
//! Consensus-critical: no

use thiserror::Error;
use touchstone_proto::evidence::AuthorisationFile;

use super::{AuthorisationError, SaleAnswer, SaleQuestion, verify};
use crate::block::Header;
use crate::encoding::{self, Malformed};
use crate::genesis::Genesis;
use crate::proof::header::{self, HeaderError};
use crate::proof::sealed_file;

/// The first bytes of such a file.
pub const MAGIC: &[u8] = b"touchstone/authorisation/v1\n";
/// No such file is larger; bytes. The answer has 8 KB, each change of the validators some more.
const MAX_FILE_BYTES: usize = 4 << 20;

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
    sealed_file::seal(MAGIC, file)
}

/// Examines a file under the genesis document that is trusted.
pub fn examine(
    bytes: &[u8],
    genesis: &Genesis,
) -> Result<ExaminedAuthorisation, BadAuthorisationFile> {
    if bytes.len() > MAX_FILE_BYTES || !bytes.starts_with(MAGIC) {
        return Err(BadAuthorisationFile::Magic);
    }
    let message = sealed_file::content(bytes, MAGIC.len());
    let message = message.ok_or(BadAuthorisationFile::Checksum)?;
    let file: AuthorisationFile = encoding::decode_exact(message)?;
    let answer = file.answer.unwrap_or_default();
    let header = header::verify_from(
        &genesis.chain_id,
        &genesis.validators,
        &file.validator_set_changes,
        answer.header.as_ref(),
    )?;
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
