//! The examination: one element after the other, each building only on those that held.

use std::collections::BTreeMap;

use touchstone_proto::evidence::{Evidence, Opening, evidence::Subject};
use touchstone_proto::ledger::{Organisation, Parameters};

use super::file;
use super::record::{self, Proven};
use super::report::{
    Check, CheckResult, Deposit, Element, Facts, RecordedAction, Report, ValidatorFact, Verdict,
};
use super::stamps;
use crate::block::Header;
use crate::encoding;
use crate::genesis::Genesis;
use crate::hash::Hash;
use crate::model::{design, organisation};
use crate::proof::header::{self, Era};
use crate::proof::state;
use crate::state::keys;

/// What the examiner brings along.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trusted<'a> {
    /// The chain id (SHA-256 of the genesis file) from a trusted place.
    pub chain_id: Option<Hash>,
    /// Original files: name and SHA-256.
    pub originals: &'a [(String, Hash)],
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

/// A stage's result, and what to say of it.
pub(super) struct Found<T> {
    pub value: T,
    pub result: CheckResult,
    pub findings: Vec<String>,
}

impl<T> Found<T> {
    fn passed(value: T, finding: impl Into<String>) -> Found<T> {
        Found {
            value,
            result: CheckResult::Passed,
            findings: vec![finding.into()],
        }
    }
}

impl Examination {
    /// Notes a stage's result; `None` ends the examination.
    fn note<T>(&mut self, element: Element, found: Result<Found<T>, String>) -> Option<T> {
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
        let opened = file::open(bytes)
            .map(|e| Found::passed(e, "whole, and canonically encoded"))
            .map_err(|e| e.to_string());
        let evidence = self.note(Element::File, opened)?;
        let genesis = self.note(Element::Genesis, genesis(&evidence, trusted))?;
        self.facts.chain_id = Some(genesis.chain_id);
        self.facts.chain_name = Some(genesis.document.chain.clone());
        let eras = self.note(Element::Validators, validators(&evidence, &genesis))?;
        let (anchor, era) = self.note(Element::Anchor, anchor(&evidence, &genesis, &eras))?;
        self.facts.height = Some(anchor.height);
        self.facts.time_ms = Some(anchor.time_ms);
        self.facts.block_id = Some(anchor.id());
        let mut values = self.note(Element::State, states(&evidence, &anchor))?;
        let blocks = blocks(&evidence, &genesis, &eras, &anchor, &mut values);
        let blocks = self.note(Element::Blocks, blocks)?;
        let transactions = record::transactions(&evidence, &genesis.chain_id, &blocks)
            .map(|t| Found::passed(t, transactions_found(evidence.transactions.len())));
        let transactions = self.note(Element::Transactions, transactions)?;
        let proven = Proven {
            height: anchor.height,
            blocks: &blocks,
            transactions: &transactions,
        };
        match &evidence.subject {
            Some(Subject::Item(id)) => {
                let found = record::history(id, &evidence, &proven, &mut values).map(|history| {
                    let finding = format!(
                        "{} events of its own, {} of its containers while it was in them; \
                         none is missing up to height {}",
                        history.own_events,
                        (history.steps.len() as u64).saturating_sub(history.own_events),
                        anchor.height
                    );
                    Found::passed(history, finding)
                });
                self.facts.history = Some(self.note(Element::Completeness, found)?);
            }
            Some(Subject::Design(id)) => {
                let found = record::deposit(id, &evidence, &proven, &mut values).map(|deposit| {
                    let finding = match deposit.recorded {
                        true => "the deposit's record and its transaction agree",
                        false => "no such design was ever deposited up to this height",
                    };
                    Found::passed(deposit, finding)
                });
                self.facts.deposit = Some(self.note(Element::Completeness, found)?);
            }
            None => {
                let found: Result<Found<()>, _> = Err("the file names no subject".to_owned());
                self.note(Element::Completeness, found)?;
            }
        }
        let keys = keys(&proven, &mut values);
        self.facts.transactions = self.note(Element::Keys, keys)?;
        let time = time(&self.facts.transactions, &mut values);
        let error_ms = self.note(Element::Time, time)?;
        self.facts.time_error_ms = Some(error_ms);
        let roots = trusted.stamp_roots;
        let stamps = stamps::examine(&evidence, &genesis.chain_id, &blocks, error_ms, roots);
        self.facts.stamps = self.note(Element::TimeStamps, stamps)?;
        let independence = independence(&evidence, &era, &self.facts.transactions, &mut values);
        self.facts.validators = self.note(Element::Independence, independence)?;
        let opened = opening(
            &genesis.chain_id,
            evidence.opening.as_ref(),
            self.facts.deposit.as_mut(),
        );
        self.note(Element::Opening, opened)?;
        let originals = originals(trusted, &self.facts);
        self.note(Element::Originals, originals)?;
        self.leftovers(&values)
    }

    /// What nothing asked for doesn't belong in the file: one record has one encoding.
    fn leftovers(&mut self, values: &Values) -> Option<()> {
        let mut unneeded = values.values.iter().filter(|(_, (_, used))| !used);
        let Some((unneeded, _)) = unneeded.next() else {
            return Some(());
        };
        let reason = format!(
            "the file carries a state value that nothing needs: {}",
            unneeded.escape_ascii()
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
                    findings: vec!["not checked, as an element before it failed".to_owned()],
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

/// Proven values of the state, and which of them were asked for.
pub(super) struct Values {
    values: BTreeMap<Vec<u8>, (Option<Vec<u8>>, bool)>,
}

impl Values {
    /// The proven value of a key, `None` where it is proven absent.
    pub(super) fn take(&mut self, key: &[u8]) -> Result<Option<&[u8]>, String> {
        let (value, used) = self.values.get_mut(key).ok_or_else(|| {
            format!(
                "the file carries no proof about the state key {}",
                key.escape_ascii()
            )
        })?;
        *used = true;
        Ok(value.as_deref())
    }

    /// The same, decoded.
    pub(super) fn message<M: prost::Message + Default>(
        &mut self,
        key: &[u8],
    ) -> Result<Option<M>, String> {
        let decoded = self.take(key)?.map(encoding::decode_exact).transpose();
        decoded.map_err(|e| format!("state key {}: {e}", key.escape_ascii()))
    }

    fn organisation(&mut self, id: &str) -> Result<Organisation, String> {
        let record: Option<Organisation> = self.message(&keys::organisation(id))?;
        record.ok_or_else(|| format!("organisation {id:?} is proven to be unknown"))
    }
}

fn genesis(evidence: &Evidence, trusted: &Trusted<'_>) -> Result<Found<Genesis>, String> {
    let genesis =
        Genesis::read(&evidence.genesis).map_err(|e| format!("the genesis document: {e}"))?;
    let id = hex::encode(genesis.chain_id);
    match trusted.chain_id {
        Some(chain_id) if chain_id == genesis.chain_id => Ok(Found::passed(
            genesis,
            format!("the chain is the trusted one: {id}"),
        )),
        Some(chain_id) => Err(format!(
            "the file is of chain {id}, the trusted genesis is of chain {}",
            hex::encode(chain_id)
        )),
        None => Ok(Found {
            value: genesis,
            result: CheckResult::Reservation,
            findings: vec![format!(
                "no trusted genesis was given: everything below holds for the chain {id}, which \
                 must be compared with the chain id that the consortium publishes"
            )],
        }),
    }
}

fn validators(evidence: &Evidence, genesis: &Genesis) -> Result<Found<Vec<Era>>, String> {
    let mut eras = vec![Era::genesis(genesis.validators.clone())];
    header::follow(&genesis.chain_id, &mut eras, &evidence.handovers).map_err(|e| e.to_string())?;
    let finding = match evidence.handovers.len() {
        0 => "the validators are those of genesis".to_owned(),
        n => format!("{n} hand-overs of the validators, each decided by the set before it"),
    };
    Ok(Found::passed(eras, finding))
}

fn anchor(
    evidence: &Evidence,
    genesis: &Genesis,
    eras: &[Era],
) -> Result<Found<(Header, Era)>, String> {
    let certified = evidence
        .anchor
        .as_ref()
        .ok_or("the file carries no anchor")?;
    let claimed = Header::decode(&certified.header).map_err(|e| e.to_string())?;
    if let Some(era) = eras.last()
        && era.first > claimed.height
    {
        return Err("the file carries a hand-over that isn't below its anchor".to_owned());
    }
    let era = header::era(eras, claimed.height)
        .ok_or("no validators are known for the anchor's height")?
        .clone();
    let header =
        header::verify(&genesis.chain_id, &era.set, certified).map_err(|e| e.to_string())?;
    let signers = certified
        .certificate
        .as_ref()
        .map_or(0, |c| c.signatures.len());
    let finding = format!(
        "block {} at height {}, signed by {signers} of {} validators with more than 2/3 of the voting power",
        hex::encode(header.id()),
        header.height,
        era.set.count()
    );
    Ok(Found::passed((header, era), finding))
}

fn states(evidence: &Evidence, anchor: &Header) -> Result<Found<Values>, String> {
    let mut values: BTreeMap<Vec<u8>, (Option<Vec<u8>>, bool)> = BTreeMap::new();
    for state in &evidence.states {
        let name = || state.key.escape_ascii().to_string();
        if values
            .last_key_value()
            .is_some_and(|(k, _)| *k >= state.key)
        {
            return Err(format!("state key {} is out of order", name()));
        }
        let proof = state
            .proof
            .as_ref()
            .ok_or_else(|| format!("state key {} has no proof", name()))?;
        state::verify(
            &anchor.state_root,
            &state.key,
            state.value.as_deref(),
            proof,
        )
        .map_err(|e| format!("state key {}: {e}", name()))?;
        values.insert(state.key.clone(), (state.value.clone(), false));
    }
    let finding = format!(
        "{} values proven under the anchor's state root",
        values.len()
    );
    Ok(Found::passed(Values { values }, finding))
}

fn blocks(
    evidence: &Evidence,
    genesis: &Genesis,
    eras: &[Era],
    anchor: &Header,
    values: &mut Values,
) -> Result<Found<BTreeMap<u64, Header>>, String> {
    let mut blocks: BTreeMap<u64, Header> = BTreeMap::new();
    for certified in &evidence.blocks {
        let claimed = Header::decode(&certified.header).map_err(|e| e.to_string())?;
        let height = claimed.height;
        if blocks
            .last_key_value()
            .is_some_and(|(last, _)| *last >= height)
        {
            return Err(format!("block {height} is out of order"));
        }
        let era = header::era(eras, height)
            .ok_or_else(|| format!("no validators are known for height {height}"))?;
        let header = header::verify(&genesis.chain_id, &era.set, certified)
            .map_err(|e| format!("block {height}: {e}"))?;
        let is_the_chains = match height == anchor.height {
            true => header == *anchor,
            false => values.take(&keys::block(height))? == Some(header.id().as_slice()),
        };
        if !is_the_chains {
            return Err(format!(
                "block {height} is not the one that the anchor proves for this height"
            ));
        }
        blocks.insert(height, header);
    }
    let finding = format!(
        "{} blocks of the chain, each with its certificate",
        blocks.len()
    );
    Ok(Found::passed(blocks, finding))
}

fn transactions_found(count: usize) -> String {
    format!("{count} transactions: in their blocks, exact bytes, signatures hold")
}

fn keys(proven: &Proven<'_>, values: &mut Values) -> Result<Found<Vec<RecordedAction>>, String> {
    let mut actions = Vec::with_capacity(proven.transactions.len());
    let mut result = CheckResult::Passed;
    let mut findings = vec![format!(
        "every signing key belonged to the organisation named and was valid at its height ({} signatures)",
        proven.transactions.len()
    )];
    for (&(height, index), transaction) in proven.transactions {
        let id = transaction.organisation();
        let record = values.organisation(id)?;
        let signer = transaction.signer();
        let name = hex::encode(signer);
        let key = record
            .keys
            .iter()
            .find(|k| k.public_key == signer)
            .ok_or_else(|| format!("key {name} doesn't belong to organisation {id:?}"))?;
        if !organisation::valid_at(key, height) {
            return Err(format!("key {name} was not valid at height {height}"));
        }
        let time_ms = proven.time_ms(height)?;
        let until = key.valid_until_height;
        let mut say = |finding: String| {
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        };
        match key.compromised_since_ms {
            0 if until == 0 => {}
            0 => say(format!(
                "key {name} of {id} was retired at height {until}; it signed before that"
            )),
            since if time_ms < since => say(format!(
                "key {name} of {id} was reported compromised from {since} ms on; what it signed here is from before"
            )),
            since => {
                result = CheckResult::Reservation;
                say(format!(
                    "DOUBTFUL: key {name} of {id} was reported compromised from {since} ms on, and signed \
                     transaction {height}/{index} after that: somebody else may have"
                ));
            }
        }
        actions.push(RecordedAction {
            height,
            index,
            id: *transaction.id(),
            time_ms,
            organisation: id.to_owned(),
            name: record.name,
            signer: *signer,
        });
    }
    Ok(Found {
        value: actions,
        result,
        findings,
    })
}

fn time(actions: &[RecordedAction], values: &mut Values) -> Result<Found<u64>, String> {
    let parameters: Parameters = values
        .message(keys::PARAMETERS)?
        .ok_or("the chain's parameters are proven to be missing")?;
    let error_ms = parameters
        .precision_ms
        .saturating_add(parameters.message_delay_ms);
    let mut findings = vec![format!(
        "chain time: a block's time is that of its proposer's clock, which validators with more than \
         2/3 of the voting power compared with theirs when they first saw it: precision {} ms, message delay {} ms",
        parameters.precision_ms, parameters.message_delay_ms
    )];
    if let (Some(first), Some(last)) = (actions.first(), actions.last()) {
        findings.push(format!(
            "recorded from {} to {}, each ± {error_ms} ms where the block was decided in its first round; \
             each later round of the votes allows for a message delay a tenth longer",
            stamps::utc(first.time_ms),
            stamps::utc(last.time_ms)
        ));
    }
    Ok(Found {
        value: error_ms,
        result: CheckResult::Passed,
        findings,
    })
}

fn independence(
    evidence: &Evidence,
    era: &Era,
    actions: &[RecordedAction],
    values: &mut Values,
) -> Result<Found<Vec<ValidatorFact>>, String> {
    let signatures = evidence
        .anchor
        .iter()
        .filter_map(|a| a.certificate.as_ref())
        .flat_map(|c| &c.signatures);
    let signed: Vec<&[u8]> = signatures.map(|s| s.public_key.as_slice()).collect();
    let mut facts = Vec::with_capacity(era.set.count());
    for validator in era.set.iter() {
        facts.push(ValidatorFact {
            public_key: validator.public_key,
            power: validator.power,
            organisation: validator.organisation.clone(),
            name: values.organisation(&validator.organisation)?.name,
            signed: signed.contains(&validator.public_key.as_slice()),
        });
    }
    let is_party = |v: &ValidatorFact| actions.iter().any(|a| a.organisation == v.organisation);
    let own: u64 = facts.iter().filter(|v| is_party(v)).map(|v| v.power).sum();
    let total = era.set.total_power();
    let mut names: Vec<&str> = facts
        .iter()
        .filter(|v| is_party(v))
        .map(|v| v.organisation.as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    let finding = match own {
        0 => format!(
            "none of the {} validators belongs to a party of this record",
            facts.len()
        ),
        _ => format!(
            "parties of this record run validators themselves ({}), with {own} of {total} voting power",
            names.join(", ")
        ),
    };
    // Safety of the consensus holds while those who would lie have less than 1/3.
    let result = match u128::from(own) * 3 < u128::from(total) {
        true => CheckResult::Passed,
        false => CheckResult::Reservation,
    };
    Ok(Found {
        value: facts,
        result,
        findings: vec![finding],
    })
}

fn opening(
    chain_id: &Hash,
    opening: Option<&Opening>,
    deposit: Option<&mut Deposit>,
) -> Result<Found<()>, String> {
    let not_given = |finding: &str| {
        Ok(Found {
            value: (),
            result: CheckResult::NotGiven,
            findings: vec![finding.to_owned()],
        })
    };
    let Some(deposit) = deposit.filter(|d| d.recorded) else {
        return match opening {
            Some(_) => Err("an opening without a deposit that it could open".to_owned()),
            None => not_given("there is no commitment to open"),
        };
    };
    let Some(opening) = opening else {
        let Some(salt) = &deposit.disclosed_salt else {
            return not_given(
                "the commitment isn't opened: the file shows that something was deposited, not what",
            );
        };
        let hashes: Vec<Hash> = deposit.files.iter().map(|(hash, _)| *hash).collect();
        if !opens(chain_id, deposit, salt, &hashes)? {
            return Err("what the ledger discloses doesn't open the commitment".to_owned());
        }
        return Ok(Found::passed(
            (),
            "the commitment was opened in public, on the ledger, by its owner",
        ));
    };
    let bad = |e: encoding::Malformed| e.to_string();
    let mut files = Vec::with_capacity(opening.files.len());
    for file in &opening.files {
        let hash: Hash = encoding::exact("sha256", &file.sha256).map_err(bad)?;
        files.push((hash, Some(file.name.clone()).filter(|n| !n.is_empty())));
    }
    let hashes: Vec<Hash> = files.iter().map(|(hash, _)| *hash).collect();
    if !opens(chain_id, deposit, &opening.salt, &hashes)? {
        return Err("salt and files don't open the commitment".to_owned());
    }
    deposit.files = files;
    if !deposit.title_is_recorded && !opening.title.is_empty() {
        deposit.title = Some(opening.title.clone());
    }
    Ok(Found::passed(
        (),
        format!(
            "salt and {} file fingerprints open the commitment; names and an undisclosed title are the holder's word",
            deposit.files.len()
        ),
    ))
}

/// Whether salt and files are those that the owner committed to.
fn opens(chain_id: &Hash, deposit: &Deposit, salt: &[u8], hashes: &[Hash]) -> Result<bool, String> {
    let bad = |e: encoding::Malformed| e.to_string();
    let salt: [u8; 32] = encoding::exact("salt", salt).map_err(bad)?;
    let owner: [u8; 32] = encoding::exact("owner_key", &deposit.owner_key).map_err(bad)?;
    let root = design::file_root(hashes);
    Ok(design::commitment(chain_id, &owner, &salt, &root).as_slice() == deposit.commitment)
}

fn originals(trusted: &Trusted<'_>, facts: &Facts) -> Result<Found<()>, String> {
    if trusted.originals.is_empty() {
        return Ok(Found {
            value: (),
            result: CheckResult::NotGiven,
            findings: vec!["no original files were handed in".to_owned()],
        });
    }
    let files = facts.deposit.iter().flat_map(|d| &d.files).map(|(h, _)| *h);
    let events = facts.history.iter().flat_map(|h| &h.steps);
    let events = events.filter_map(|s| Hash::try_from(s.entry.content_hash.as_slice()).ok());
    let known: Vec<Hash> = files.chain(events).collect();
    let mut findings = Vec::with_capacity(trusted.originals.len());
    for (name, hash) in trusted.originals {
        if !known.contains(hash) {
            let is_closed = facts
                .deposit
                .iter()
                .any(|d| d.recorded && d.files.is_empty());
            let hint = match is_closed {
                true => {
                    "; the commitment isn't opened here, so none can be compared: it takes the file \
                     that was made with the receipt"
                }
                false => "",
            };
            return Err(format!(
                "{name} (SHA-256 {}) is not among the files or events of this record{hint}",
                hex::encode(hash)
            ));
        }
        findings.push(format!(
            "{name} is byte for byte the file that was recorded"
        ));
    }
    Ok(Found {
        value: (),
        result: CheckResult::Passed,
        findings,
    })
}
