//! A design, its right, and licences under it.
//!
//! Consensus-critical: no

use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{
    AnswerTransfer, EndLicence, EndRight, GrantLicence, LicenceTerms, LicensedAct, OfferTransfer,
    Outcome,
};

use super::vouched::deposit;
use super::{Chain, MAKER, public};
use crate::Hash;
use crate::designs::authorised::SaleQuestion;
use crate::designs::design;

/// A chain on which the maker has deposited a design.
pub fn designed() -> (Chain, Hash) {
    let mut chain = Chain::start();
    chain.run(MAKER, deposit(1)).unwrap();
    (chain, design::id(&public(MAKER.1), &[1; 32]))
}

pub fn offer_right(subject: &Hash, to: &str, deadline_ms: u64) -> Action {
    Action::OfferTransfer(OfferTransfer {
        subject: subject.to_vec(),
        to: to.into(),
        deadline_ms,
    })
}

pub fn answer_right(subject: &Hash, offer: &Hash, outcome: Outcome) -> Action {
    Action::AnswerTransfer(AnswerTransfer {
        subject: subject.to_vec(),
        offer: offer.to_vec(),
        outcome: outcome.into(),
    })
}

pub fn end_right(subject: &Hash) -> Action {
    Action::EndRight(EndRight {
        subject: subject.to_vec(),
        reason: "no longer made".into(),
    })
}

/// Selling in China, from now on up to a time, without sublicences.
pub fn terms(until_ms: u64) -> LicenceTerms {
    LicenceTerms {
        acts: vec![LicensedAct::Sell.into()],
        territories: vec!["CN".into()],
        until_ms,
        ..LicenceTerms::default()
    }
}

pub fn grant(subject: &Hash, parent: Option<&Hash>, licensee: &str, terms: LicenceTerms) -> Action {
    Action::GrantLicence(GrantLicence {
        subject: subject.to_vec(),
        parent: parent.map(|id| id.to_vec()).unwrap_or_default(),
        licensee: licensee.into(),
        terms: Some(terms),
    })
}

pub fn end_licence(id: &Hash) -> Action {
    Action::EndLicence(EndLicence {
        licence: id.to_vec(),
        reason: "not paid".into(),
    })
}

/// May this seller sell it in China at a time?
pub fn sale(subject: &Hash, seller: &str, at_ms: u64) -> SaleQuestion {
    SaleQuestion {
        subject: *subject,
        seller: seller.into(),
        act: LicensedAct::Sell,
        territory: "CN".into(),
        at_ms,
    }
}
