//! The examination: one element after the other, each building only on those that held.
//!
//! Consensus-critical: no

use touchstone_proto::evidence::{Evidence, evidence::Subject};

use super::element::{Check, CheckResult, Element, Established, Verdict};
use super::finding::Finding;
use super::proven::{Proven, Values};
use super::report::{Facts, Report};
use super::{
    authorisations, chain, custody, disputes, file, handovers, opening, parties, record, stamps,
};
use crate::finding;
use crate::hash::Hash;

/// What the examiner brings along.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trusted<'a> {
    /// The chain id (SHA-256 of the genesis file) from a trusted place.
    pub chain_id: Option<Hash>,
    /// SHA-256 of the root certificates of time-stamp authorities that are trusted.
    pub stamp_roots: &'a [Hash],
}

/// Examines the bytes of an evidence file. Never panics, whatever they are.
pub fn examine(bytes: &[u8], trusted: &Trusted<'_>) -> Report {
    let mut examination = Examination::default();
    let finished = examination.run(bytes, trusted).is_some();
    examination.report(finished)
}

#[derive(Default)]
struct Examination {
    checks: Vec<Check>,
    facts: Facts,
}

impl Examination {
    /// Notes what an element established; `None` ends the examination.
    fn note<T>(&mut self, element: Element, found: Result<Established<T>, Finding>) -> Option<T> {
        let (check, value) = match found {
            Ok(found) => (
                Check {
                    element,
                    result: found.result,
                    findings: found.findings,
                },
                Some(found.value),
            ),
            Err(reason) => (
                Check {
                    element,
                    result: CheckResult::Failed,
                    findings: vec![reason],
                },
                None,
            ),
        };
        self.checks.push(check);
        value
    }

    fn run(&mut self, bytes: &[u8], trusted: &Trusted<'_>) -> Option<()> {
        let opened = file::read(bytes)
            .map(|read| Established::passed(read, finding!("whole, and canonically encoded")))
            .map_err(|e| finding!("{reason}", reason = e));
        let (version, evidence) = self.note(Element::File, opened)?;
        self.facts.version = Some(version);
        let genesis = self.note(
            Element::Genesis,
            chain::genesis(&evidence, trusted.chain_id),
        )?;
        self.facts.genesis.clone_from(&evidence.genesis);
        self.facts.chain_id = Some(genesis.chain_id);
        self.facts.chain_name = Some(genesis.document.chain.clone());
        let ranges = self.note(Element::Validators, chain::validators(&evidence, &genesis))?;
        let anchor = chain::anchor(&evidence, &genesis, &ranges);
        let (anchor, range) = self.note(Element::Anchor, anchor)?;
        self.facts.height = Some(anchor.height);
        self.facts.time_ms = Some(anchor.time_ms);
        self.facts.block_id = Some(anchor.id());
        let values = self.note(Element::State, chain::states(&evidence, &anchor))?;
        let blocks = chain::blocks(&evidence, &genesis, &ranges, &anchor, &values);
        let blocks = self.note(Element::Blocks, blocks)?;
        let transactions =
            record::transactions(&evidence, &genesis.chain_id, &blocks).map(|transactions| {
                let finding = finding!(
                    "transactions in their blocks, with exact bytes and signatures that hold: {count}",
                    count = transactions.len()
                );
                Established::passed(transactions, finding)
            });
        let transactions = self.note(Element::Transactions, transactions)?;
        let proven = Proven {
            anchor: &anchor,
            blocks: &blocks,
            transactions: &transactions,
        };
        self.completeness(&evidence, &proven, &values)?;
        let keys = parties::keys(&proven, &values);
        self.facts.transactions = self.note(Element::Keys, keys)?;
        self.custody(&proven, &values, version)?;
        let time = parties::time(&self.facts.transactions, &values);
        let error_ms = self.note(Element::Time, time)?;
        self.facts.time_error_ms = Some(error_ms);
        let roots = trusted.stamp_roots;
        let stamps = stamps::examine(&evidence, &genesis.chain_id, &blocks, error_ms, roots);
        self.facts.stamps = self.note(Element::TimeStamps, stamps)?;
        let actions = &self.facts.transactions;
        let independence = parties::independence(&evidence, &range, actions, &values);
        self.facts.validators = self.note(Element::Independence, independence)?;
        let opened = opening::opening(
            &genesis.chain_id,
            evidence.opening.as_ref(),
            self.facts.deposit.as_mut(),
            error_ms,
        );
        self.note(Element::Opening, opened)?;
        self.rights(&evidence, &values)?;
        self.leftovers(&values)
    }

    /// What became of the design's right: disputes, and who may do what.
    fn rights(&mut self, evidence: &Evidence, values: &Values) -> Option<()> {
        let deposit = self.facts.deposit.as_ref();
        let disputes = disputes::disputes(evidence.disputes.as_ref(), deposit, values);
        self.facts.disputes = self.note(Element::Disputes, disputes)?;
        let deposit = self.facts.deposit.as_ref();
        let asked = authorisations::authorisations(&evidence.questions, deposit, values);
        self.facts.authorisations = self.note(Element::Authorisations, asked)?;
        Some(())
    }

    /// The item's history or the design's deposit, whole.
    fn completeness(
        &mut self,
        evidence: &Evidence,
        proven: &Proven<'_>,
        values: &Values,
    ) -> Option<()> {
        match &evidence.subject {
            Some(Subject::Item(id)) => {
                let found = record::history(id, evidence, proven, values).map(|history| {
                    let finding = finding!(
                        "events of its own: {own}, of its containers while it was in them: {inherited}; none is \
                         missing up to height {height}",
                        own = history.own_events,
                        inherited = (history.steps.len() as u64).saturating_sub(history.own_events),
                        height = proven.anchor.height
                    );
                    Established::passed(history, finding)
                });
                self.facts.history = Some(self.note(Element::Completeness, found)?);
            }
            Some(Subject::Design(id)) => {
                let found = record::deposit(id, evidence, proven, values).map(|deposit| {
                    let finding = match (deposit.recorded, &deposit.look_alikes) {
                        (true, None) => finding!("the deposit's record and its transaction agree"),
                        (true, Some(compared)) => finding!(
                            "the deposit's record and its transaction agree; pictures compared with all {searched} \
                             published before: {pictures}; look-alikes: {found}",
                            searched = compared.searched.as_ref().map_or(0, |s| s.pictures),
                            pictures = compared.pictures.len(),
                            found = compared.pictures.iter().map(|p| p.found).sum::<u64>()
                        ),
                        (false, _) => {
                            finding!("no such design was ever deposited up to this height")
                        }
                    };
                    Established::passed(deposit, finding)
                });
                self.facts.deposit = Some(self.note(Element::Completeness, found)?);
            }
            None => {
                let found: Result<Established<()>, _> = Err(finding!("the file names no subject"));
                self.note(Element::Completeness, found)?;
            }
        }
        Some(())
    }

    /// Who has the item, and how it was handed over.
    fn custody(
        &mut self,
        proven: &Proven<'_>,
        values: &Values,
        version: file::Version,
    ) -> Option<()> {
        let Some(history) = self.facts.history.take() else {
            for element in [Element::Custody, Element::Handovers] {
                let finding = finding!("a design is in nobody's custody");
                self.note(element, Ok(Established::not_given((), finding)))?;
            }
            return Some(());
        };
        let actions = &self.facts.transactions;
        let custody = custody::custody(&history, proven, actions, values, version);
        let handovers = handovers::handovers(&history, proven, actions, values, version);
        self.facts.history = Some(history);
        self.facts.custody = self.note(Element::Custody, custody)?;
        self.facts.handovers = self.note(Element::Handovers, handovers)?;
        Some(())
    }

    /// What nothing asked for doesn't belong in the file: one record has one encoding.
    fn leftovers(&mut self, values: &Values) -> Option<()> {
        let Some(unneeded) = values.unneeded() else {
            return Some(());
        };
        let reason = finding!(
            "the file carries a state value that nothing needs: {key}",
            key = unneeded.escape_ascii()
        );
        if let Some(check) = self.checks.iter_mut().find(|c| c.element == Element::State) {
            check.result = CheckResult::Failed;
            check.findings.push(reason);
        }
        None
    }

    fn report(mut self, finished: bool) -> Report {
        for element in Element::ALL {
            if !self.checks.iter().any(|c| c.element == element) {
                self.checks.push(Check {
                    element,
                    result: CheckResult::NotChecked,
                    findings: vec![finding!("not checked, as an element before it failed")],
                });
            }
        }
        let has = |result| self.checks.iter().any(|c| c.result == result);
        let verdict = match () {
            () if has(CheckResult::Failed) || has(CheckResult::NotChecked) || !finished => {
                Verdict::NotVerified
            }
            () if has(CheckResult::Reservation) => Verdict::Reservations,
            () => Verdict::Verified,
        };
        Report {
            verdict,
            checks: self.checks,
            facts: self.facts,
        }
    }
}
