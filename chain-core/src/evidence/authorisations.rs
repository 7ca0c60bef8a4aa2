//! Whether somebody may do something with the design: the file's questions, asked again of the records that it proves.
//! Nothing is withheld, so a no rests on as much as a yes.
//!
//! Consensus-critical: no

use touchstone_proto::ledger::LicensedAct;
use touchstone_proto::node::AuthorisationQuestion;

use super::element::{CheckResult, Established};
use super::facts::Deposit;
use super::finding::Finding;
use super::proven::{Values, unproven};
use crate::designs::authorised::{self, SaleAnswer, SaleQuestion};
use crate::finding;
use crate::hash::Hash;

/// Questions that one file answers, at most.
pub const MAX_QUESTIONS: usize = 32;

/// A question, and the answer that the records give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorisationFact {
    /// What is asked about the file's design.
    pub question: SaleQuestion,
    /// The answer.
    pub answer: SaleAnswer,
}

/// The order of a file's questions, each once.
pub(super) fn order(question: &AuthorisationQuestion) -> (&[u8], i32, &[u8], u64) {
    (
        question.seller.as_bytes(),
        question.act,
        question.territory.as_bytes(),
        question.time_ms,
    )
}

/// A question about a design; none where it names no act.
pub(super) fn about(design: &Hash, asked: &AuthorisationQuestion) -> Option<SaleQuestion> {
    let act = LicensedAct::try_from(asked.act).ok();
    Some(SaleQuestion {
        subject: *design,
        seller: asked.seller.clone(),
        act: act.filter(|act| *act != LicensedAct::Unspecified)?,
        territory: asked.territory.clone(),
        at_ms: asked.time_ms,
    })
}

/// Asks the questions again.
pub(super) fn authorisations(
    questions: &[AuthorisationQuestion],
    deposit: Option<&Deposit>,
    values: &Values,
) -> Result<Established<Vec<AuthorisationFact>>, Finding> {
    if questions.is_empty() {
        let finding = finding!("nothing is asked about who may do what with it");
        return Ok(Established::not_given(Vec::new(), finding));
    }
    let Some(deposit) = deposit else {
        return Err(finding!(
            "a question about a right, in a file without a design"
        ));
    };
    if questions.len() > MAX_QUESTIONS {
        return Err(finding!(
            "the file asks {count} questions; one file asks at most {most}",
            count = questions.len(),
            most = MAX_QUESTIONS
        ));
    }
    if !questions.is_sorted_by(|a, b| order(a) < order(b)) {
        return Err(finding!("the questions about the design don't ascend"));
    }
    let mut facts = Vec::with_capacity(questions.len());
    for asked in questions {
        let question = about(&deposit.id, asked)
            .ok_or_else(|| finding!("a question about the design names no act"))?;
        let answer =
            authorised::answer(values, &question).map_err(|fault| match values.take_missing() {
                Some(key) => unproven(&key),
                None => finding!("the records of licences: {reason}", reason = fault),
            })?;
        facts.push(AuthorisationFact { question, answer });
    }
    Ok(weighed(facts))
}

fn weighed(facts: Vec<AuthorisationFact>) -> Established<Vec<AuthorisationFact>> {
    let (mut yes, mut no, mut untold) = (0usize, 0usize, 0usize);
    for fact in &facts {
        let count = match fact.answer {
            SaleAnswer::Owner | SaleAnswer::Licensed(_) => &mut yes,
            SaleAnswer::No(_) => &mut no,
            SaleAnswer::Untold { .. } => &mut untold,
        };
        *count = count.saturating_add(1);
    }
    let finding = finding!(
        "who may do what with it, asked again of the records: yes {yes}, no {no}, not told {untold}",
        yes = yes,
        no = no,
        untold = untold
    );
    Established {
        value: facts,
        result: match untold {
            0 => CheckResult::Passed,
            _ => CheckResult::Reservation,
        },
        findings: vec![finding],
    }
}
