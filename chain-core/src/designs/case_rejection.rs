//! Why the rules of checks, hand-overs and sanctions refuse a transaction: codes 830 to 848.
//! Codes are stable and never reused; clients may match on them.
//!
//! Consensus-critical: no

use thiserror::Error;

use super::limits::{MAX_GROUNDS, MAX_REGISTERED_BYTES, MAX_WORDS_BYTES};

/// Which rule of checks, hand-overs or sanctions a transaction breaks.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CaseRejection {
    // 83x and 84x: checks, hand-overs and sanctions
    /// Barred from giving notices.
    #[error(
        "sanction {} bars you from giving notices up to {until_ms} ms; appeal it, or wait for its end",
        hex::encode(.sanction)
    )]
    NoNotices {
        /// The sanction.
        sanction: [u8; 32],
        /// The last moment of its term.
        until_ms: u64,
    },
    /// Kind, place or parts that don't belong together.
    #[error(
        "a check has a kind, a past time and a place of 1 to {most} bytes; a test purchase names seal, chain of \
         custody and laboratory, a spot check its verdict, a supervisor's notice who is to mend",
        most = MAX_WORDS_BYTES
    )]
    CheckShape,
    /// Nobody who could record it.
    #[error(
        "the complainant, the platform, the authority and inspections buy samples; IP offices, inspections and customs \
         that are no party make spot checks and give notices to mend"
    )]
    CheckBy,
    /// Nobody who could answer it.
    #[error(
        "{0:?} can't answer this check: a sample goes to a laboratory of this ledger that is no party, a notice to \
         mend to a party of the dispute"
    )]
    CheckTo(String),
    /// A limit.
    #[error("{0}: at most {1}; wait until one is over, or open another dispute")]
    Full(&'static str, usize),
    /// No such record.
    #[error("there is no {kind} {}", hex::encode(.id))]
    Unknown {
        /// What was looked for.
        kind: &'static str,
        /// Its id.
        id: [u8; 32],
    },
    /// It waits for something else, or for nothing.
    #[error("{0} doesn't wait for this: look at its record for what it waits for")]
    NotOpen(&'static str),
    /// Too late.
    #[error("the deadline was {0} ms; what follows by default is recorded")]
    Deadline(u64),
    /// Not the answer that is waited for.
    #[error(
        "a laboratory says authentic, not-authentic or undetermined, with the seal of 32 bytes or none; who mends says \
         neither"
    )]
    CheckAnswer,
    /// Another seal.
    #[error(
        "the seal isn't that of the test purchase: the verdict on such a sample is undetermined"
    )]
    BrokenSeal,
    /// No grounds, or too many.
    #[error("a sanction has 1 to {most} grounds, ascending, each once", most = MAX_GROUNDS)]
    Grounds,
    /// Nothing was found that such a sanction answers.
    #[error(
        "dispute {} has not ended with a finding against {party:?} for such a sanction: false notices bar notices, \
         upheld notices bar sales, any finding is warned of",
        hex::encode(.dispute)
    )]
    NoFinding {
        /// The dispute.
        dispute: [u8; 32],
        /// The party.
        party: String,
    },
    /// Another's dispute.
    #[error(
        "you can't sanction for dispute {}: an authority that is no party may, or the platform on which it was",
        hex::encode(.0)
    )]
    ForeignDispute([u8; 32]),
    /// Twice.
    #[error("you have imposed such a sanction for dispute {} before", hex::encode(.0))]
    SanctionedBefore([u8; 32]),
    /// No term, or too long a one.
    #[error("a sanction has a kind, and ends after its block's time, at most {0} days after it")]
    SanctionTerm(u32),
    /// Nobody who could decide.
    #[error(
        "{0:?} can't decide this appeal: name an IP office or court that neither imposed the sanction nor is a party"
    )]
    AppealTo(String),
    /// Neither of the two.
    #[error("an appeal is decided by confirming the sanction or lifting it")]
    NoDecision,
    /// Not a register's number.
    #[error(
        "a register's number has 1 to {most} ASCII characters without spaces, and is told where a business register \
         was looked at",
        most = MAX_REGISTERED_BYTES
    )]
    RegisteredAs,
    /// Too few for a platform.
    #[error("a platform bars notices after {0} false notices; an IP office or court may before")]
    FewFalseNotices(u32),
}

impl CaseRejection {
    /// The stable code.
    pub fn code(&self) -> u32 {
        match self {
            CaseRejection::NoNotices { .. } => 830,
            CaseRejection::CheckShape => 831,
            CaseRejection::CheckBy => 832,
            CaseRejection::CheckTo(_) => 833,
            CaseRejection::Full(..) => 834,
            CaseRejection::Unknown { .. } => 835,
            CaseRejection::NotOpen(_) => 836,
            CaseRejection::Deadline(_) => 837,
            CaseRejection::CheckAnswer => 838,
            CaseRejection::BrokenSeal => 839,
            CaseRejection::Grounds => 840,
            CaseRejection::NoFinding { .. } => 841,
            CaseRejection::ForeignDispute(_) => 842,
            CaseRejection::SanctionedBefore(_) => 843,
            CaseRejection::SanctionTerm(_) => 844,
            CaseRejection::AppealTo(_) => 845,
            CaseRejection::NoDecision => 846,
            CaseRejection::RegisteredAs => 847,
            CaseRejection::FewFalseNotices(_) => 848,
        }
    }

    /// The name of the rule that is broken.
    pub fn rule(&self) -> &'static str {
        match self {
            CaseRejection::NoNotices { .. } => "notices-barred",
            CaseRejection::CheckShape => "check-shape",
            CaseRejection::CheckBy => "check-by",
            CaseRejection::CheckTo(_) => "check-to",
            CaseRejection::Full(..) => "case-limit",
            CaseRejection::Unknown { .. } => "case-record-exists",
            CaseRejection::NotOpen(_) => "case-waits",
            CaseRejection::Deadline(_) => "case-deadline",
            CaseRejection::CheckAnswer => "check-answer",
            CaseRejection::BrokenSeal => "sample-seal",
            CaseRejection::Grounds => "sanction-grounds",
            CaseRejection::NoFinding { .. } => "sanction-finding",
            CaseRejection::ForeignDispute(_) => "sanction-issuer",
            CaseRejection::SanctionedBefore(_) => "sanction-once",
            CaseRejection::SanctionTerm(_) => "sanction-term",
            CaseRejection::AppealTo(_) => "appeal-authority",
            CaseRejection::NoDecision => "appeal-decision",
            CaseRejection::RegisteredAs => "registered-as",
            CaseRejection::FewFalseNotices(_) => "false-notices",
        }
    }
}
