//! An authority bars an organisation for a term, for what disputes have found against it. Source: E-commerce Law of the
//! People's Republic of China, Art. 36: a platform that warns, suspends or ends by its rules publishes that; Art. 42
//! and 84: who gives false notices, and who lets infringements go on, is liable.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{
    Dispute, DisputeOutcome, DisputePhase, DisputeTerms, HeldSanction, ImposeSanction,
    Organisation, Role, Sanction, SanctionKind,
};

use super::limits::{DAY_MS, MAX_GROUNDS, MAX_SANCTIONS_OF_DISPUTE};
use super::{CaseRejection, DesignRejection, dispute, right, sanction};
use crate::Fault;
use crate::encoding;
use crate::governance::{dispute_terms, organisation};
use crate::hash::Hash;
use crate::rejection::Rejection;
use crate::rules::{Context, RuleError};
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

/// Who may sanction.
const ISSUERS: &[Role] = &[Role::Platform, Role::IpOffice, Role::Court];

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &ImposeSanction,
) -> Result<(), RuleError> {
    context.check_role(ISSUERS)?;
    encoding::exact::<32>("reasons", &action.reasons)?;
    encoding::exact::<32>("rule_book", &action.rule_book)?;
    let now_ms = context.block.time_ms;
    let terms = dispute_terms::terms(state)?;
    check_term(action, &terms, now_ms)?;
    // Rule: whom it is against is known here, so that it holds for all its keys.
    let party: Option<Organisation> = state.read(&keys::organisation(&action.party))?;
    if party.is_none() {
        return Err(Rejection::UnknownOrganisation(action.party.clone()).into());
    }
    let grounds = grounds(state, context, action, &terms)?;
    let id = *context.transaction.id();
    let mut subjects: Vec<Vec<u8>> = grounds.iter().map(|(_, d)| d.subject.clone()).collect();
    subjects.sort_unstable();
    subjects.dedup();
    let mut record = Sanction {
        party: action.party.clone(),
        registered_as: registered_as(state, context, action)?,
        kind: action.kind,
        issuer: context.organisation.id.clone(),
        grounds: action.grounds.clone(),
        reasons: action.reasons.clone(),
        rule_book: action.rule_book.clone(),
        from_ms: now_ms,
        until_ms: action.until_ms,
        position: Some(context.position(0)),
        ..Sanction::default()
    };
    let held = HeldSanction {
        sanction: id.to_vec(),
        kind: action.kind,
        subjects,
        from_ms: now_ms,
        until_ms: action.until_ms,
    };
    let lists = sanction::lists_with(state, &record, &held)?;
    let mut rights = Vec::new();
    if action.kind() == SanctionKind::NoSales {
        for (_, ground) in &grounds {
            let subject = dispute::subject(ground)?;
            rights.push((subject, right::read(state, &subject)?));
        }
    }
    // All rules are kept: from here on it is written.
    for (key, list) in lists {
        state.write(key, &list);
    }
    // From here on who asks about a seller under these rights asks for its sanctions too.
    for (subject, mut right) in rights {
        right.sanctioned = 1;
        right::write(state, &subject, &right)?;
    }
    for (ground, mut dispute) in grounds {
        dispute.sanctions.push(id.to_vec());
        state.write(keys::dispute(&ground), &dispute);
    }
    sanction::wait(state, &id, &mut record, terms.appeal_days, now_ms)?;
    Ok(())
}

/// The register's number for which the sanction holds; empty: for its party alone. Rule: an IP office or a court alone
/// bars others that are vouched for with its party's number. A voucher tells the number, and platforms vouch: one of
/// them could tell that of a stranger, and bar the stranger for what its own shop did.
fn registered_as<S: StateRead>(
    state: &Delta<'_, S>,
    context: &Context<'_>,
    action: &ImposeSanction,
) -> Result<String, Fault> {
    let bars = action.kind() != SanctionKind::Warning;
    match bars && !organisation::has_role(&context.organisation, dispute::AUTHORITIES) {
        true => Ok(String::new()),
        false => sanction::registered_as(state, &action.party),
    }
}

/// Rule: a sanction has a term. Source: Administrative Penalty Law, Art. 9 and 28: a licence is suspended, a business
/// restricted, for a time that the decision names.
fn check_term(
    action: &ImposeSanction,
    terms: &DisputeTerms,
    now_ms: u64,
) -> Result<(), CaseRejection> {
    let most_ms = u64::from(terms.sanction_days).saturating_mul(DAY_MS);
    let term_ms = action.until_ms.checked_sub(now_ms);
    let is_term = term_ms.is_some_and(|term| (1..=most_ms).contains(&term));
    match is_term && action.kind() != SanctionKind::Unspecified {
        true => Ok(()),
        false => Err(CaseRejection::SanctionTerm(terms.sanction_days)),
    }
}

/// The disputes that the sanction rests on. Rule: each has ended with something found against the party, by ruling or
/// verdict; the issuer is no party of it, or is the platform on which it was.
fn grounds<S: StateRead>(
    state: &Delta<'_, S>,
    context: &Context<'_>,
    action: &ImposeSanction,
    terms: &DisputeTerms,
) -> Result<Vec<(Hash, Dispute)>, RuleError> {
    let is_few = (1..=MAX_GROUNDS).contains(&action.grounds.len());
    if !is_few || !action.grounds.is_sorted_by(|a, b| a < b) {
        return Err(CaseRejection::Grounds.into());
    }
    let is_authority = organisation::has_role(&context.organisation, dispute::AUTHORITIES);
    let issuer = &context.organisation.id;
    let mut grounds = Vec::with_capacity(action.grounds.len());
    for id in &action.grounds {
        let id: Hash = encoding::exact("ground", id)?;
        let ground: Option<Dispute> = state.read(&keys::dispute(&id))?;
        let ground = ground.ok_or(DesignRejection::UnknownDispute(id))?;
        check_finding(&ground, &id, action)?;
        let is_foreign = match is_authority {
            true => dispute::is_party(&ground, issuer),
            false => ground.platform != *issuer || action.party == *issuer,
        };
        if is_foreign {
            return Err(CaseRejection::ForeignDispute(id).into());
        }
        check_once(state, &ground, &id, issuer, action)?;
        grounds.push((id, ground));
    }
    // Rule: one false notice may be a mistake. A platform bars notices after as many as the terms say; an authority
    // may at once.
    let needed = terms.false_notices;
    let count = u32::try_from(grounds.len()).unwrap_or(u32::MAX);
    match !is_authority && action.kind() == SanctionKind::NoNotices && count < needed {
        true => Err(CaseRejection::FewFalseNotices(needed).into()),
        false => Ok(grounds),
    }
}

/// Rule: what was found is what the sanction answers: false notices bar notices, infringements bar sales.
fn check_finding(
    ground: &Dispute,
    id: &Hash,
    action: &ImposeSanction,
) -> Result<(), CaseRejection> {
    let against = found_against(ground);
    let fits = match action.kind() {
        SanctionKind::NoNotices => ground.outcome() == DisputeOutcome::FalseNotice,
        SanctionKind::NoSales => matches!(
            ground.outcome(),
            DisputeOutcome::Upheld | DisputeOutcome::PanelUpheld
        ),
        SanctionKind::Warning | SanctionKind::Unspecified => true,
    };
    match fits && against == Some(action.party.as_str()) {
        true => Ok(()),
        false => Err(CaseRejection::NoFinding {
            dispute: *id,
            party: action.party.clone(),
        }),
    }
}

/// Against whom a dispute has found something, by ruling or verdict.
pub fn found_against(dispute: &Dispute) -> Option<&str> {
    if dispute.phase() != DisputePhase::Ended {
        return None;
    }
    match dispute.outcome() {
        DisputeOutcome::Upheld | DisputeOutcome::PanelUpheld | DisputeOutcome::FalseDeclaration => {
            Some(&dispute.respondent)
        }
        DisputeOutcome::FalseNotice => Some(&dispute.complainant),
        _ => None,
    }
}

/// Rule: nobody is sanctioned twice by one authority in one way for one dispute. Source: Administrative Penalty Law,
/// Art. 29: no second fine for one act.
fn check_once<S: StateRead>(
    state: &Delta<'_, S>,
    ground: &Dispute,
    id: &Hash,
    issuer: &str,
    action: &ImposeSanction,
) -> Result<(), RuleError> {
    if ground.sanctions.len() >= MAX_SANCTIONS_OF_DISPUTE {
        return Err(
            CaseRejection::Full("sanctions for a dispute", MAX_SANCTIONS_OF_DISPUTE).into(),
        );
    }
    for before in &ground.sanctions {
        let before: Hash = encoding::exact("sanction", before)?;
        let before: Option<Sanction> = state.read(&keys::sanction(&before))?;
        if before.is_some_and(|s| s.issuer == issuer && s.kind == action.kind) {
            return Err(CaseRejection::SanctionedBefore(*id).into());
        }
    }
    Ok(())
}
