//! The certificate as a Verifiable Credential (W3C, Verifiable Credentials Data Model v2.0): the
//! owner, named by the key that signed the deposit, states what the ledger proves about it. Where that key is lost,
//! another key of its organisation signs: which keys are the organisation's, the ledger says.

use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;
use touchstone_core::designs::right;
use touchstone_core::evidence::Finding;
use touchstone_core::finding;
use touchstone_proto::ledger::KeyDispute;

use super::content::CredentialContent;
use super::data_integrity::{self, BadProof, did_key, key_of_did_method};
use super::facts::{self, CertificateFacts, OrganisationKey, TitleBasis, date};
use super::sanctions_stated;
use super::status_entry::StatusEntry;
use super::vocabulary::context;
use crate::json_error;
use crate::look_alikes;
use crate::vouching;

/// No credential is larger, in bytes: a design's 1,000 files take less.
pub const MAX_BYTES: usize = 4 << 20;
/// Why a file is no credential of a deposit.
#[derive(Debug, Error)]
pub enum BadCredential {
    /// It isn't JSON of this form.
    #[error("it is no design deposit credential: {0}")]
    Form(String),
    /// Its proof doesn't hold.
    #[error(transparent)]
    Proof(#[from] BadProof),
    /// It names another issuer than the key that signed it.
    #[error("it is issued by another key than the one that signed it")]
    Issuer,
    /// Somebody else than the owner is to issue it.
    #[error(
        "the key that is to sign it is neither the deposit's nor another one that is valid of its organisation"
    )]
    Stranger,
    /// Its parts don't say the same.
    #[error("its {0} says something else than the rest")]
    Disagrees(&'static str),
}

/// A credential, without its proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Credential {
    #[serde(rename = "@context")]
    context: Value,
    id: String,
    r#type: Vec<String>,
    issuer: String,
    valid_from: String,
    credential_subject: CredentialSubject,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    credential_status: Option<StatusEntry>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proof: Option<Proof>,
}

/// A proof's members; [`data_integrity`] judges what they say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Proof {
    r#type: String,
    cryptosuite: String,
    created: String,
    verification_method: String,
    proof_purpose: String,
    #[serde(rename = "@context")]
    context: Value,
    proof_value: String,
}

/// What is stated of a deposit. Byte strings are lower-case hex, times RFC 3339 in UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CredentialSubject {
    /// The owner's key as did:key.
    pub id: String,
    /// Always `DesignDeposit`.
    pub r#type: String,
    /// The chain's id.
    pub chain_id: String,
    /// The chain's name.
    pub chain_name: String,
    /// The design's id.
    pub design_id: String,
    /// The commitment.
    pub commitment: String,
    /// Id of the organisation that deposited.
    pub organisation: String,
    /// Its name.
    pub organisation_name: String,
    /// The title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Whether the ledger holds the title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title_recorded: Option<bool>,
    /// What the files show, and the fields that are shown, where the deposit covers them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<CredentialContent>,
    /// The files, in the owner's order.
    pub file: Vec<CredentialFile>,
    /// The deposit's time.
    pub deposited: String,
    /// Bound on its error.
    pub time_error_ms: u64,
    /// Height of its block.
    pub height: u64,
    /// Id of its block.
    pub block_id: String,
    /// Id of its transaction.
    pub transaction_id: String,
    /// All validators of that height.
    pub validator: Vec<CredentialValidator>,
    /// Time of the public disclosure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disclosed: Option<String>,
    /// Height of the public disclosure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disclosed_height: Option<u64>,
    /// From when on others may have used the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_compromised_since: Option<String>,
    /// What the ledger compared of its pictures, and every look-alike that it names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look_alikes: Option<Value>,
    /// Who vouched for the owner at the deposit, and how.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vouching: Option<Value>,
    /// The sanctions against the owner and the depositor, as they stood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sanctions: Option<Value>,
}

/// A deposited file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CredentialFile {
    /// Always `DesignFile`.
    pub r#type: String,
    /// Its SHA-256.
    pub sha256: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
}

/// A validator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CredentialValidator {
    /// Always `Validator`.
    pub r#type: String,
    /// Its key.
    pub public_key: String,
    /// Id of its organisation.
    pub organisation: String,
    /// Name of its organisation.
    pub organisation_name: String,
    /// Its voting power.
    pub power: u64,
}

impl CredentialSubject {
    /// What the facts say.
    pub fn of(facts: &CertificateFacts) -> CredentialSubject {
        CredentialSubject {
            id: did_key(&facts.owner_key),
            r#type: "DesignDeposit".to_owned(),
            chain_id: hex::encode(facts.chain_id),
            chain_name: facts.chain_name.clone(),
            design_id: hex::encode(facts.design_id),
            commitment: hex::encode(facts.commitment),
            organisation: facts.organisation.clone(),
            organisation_name: facts.organisation_name.clone(),
            title: facts.title.as_ref().map(|t| t.text.clone()),
            title_recorded: facts.title.as_ref().map(|t| t.basis == TitleBasis::Ledger),
            content: CredentialContent::of(facts),
            file: facts
                .files
                .iter()
                .map(|f| CredentialFile {
                    r#type: "DesignFile".to_owned(),
                    sha256: hex::encode(f.sha256),
                    file_name: f.name.clone(),
                })
                .collect(),
            deposited: date(facts.time_ms),
            time_error_ms: facts.parameters.time_error_ms(),
            height: facts.height,
            block_id: hex::encode(facts.block_id),
            transaction_id: hex::encode(facts.transaction_id),
            validator: facts
                .validators
                .iter()
                .map(|v| CredentialValidator {
                    r#type: "Validator".to_owned(),
                    public_key: hex::encode(v.public_key),
                    organisation: v.organisation.clone(),
                    organisation_name: v.name.clone(),
                    power: v.power,
                })
                .collect(),
            disclosed: facts.disclosed.map(|(time_ms, _)| date(time_ms)),
            disclosed_height: facts.disclosed.map(|(_, height)| height),
            key_compromised_since: facts.compromised_since_ms.map(date),
            look_alikes: facts.look_alikes.as_ref().map(look_alikes::json),
            vouching: facts
                .vouching
                .as_ref()
                .map(|(found, _)| vouching::json_at_deposit(found)),
            sanctions: sanctions_stated::of(facts),
        }
    }

    fn context(&self) -> Value {
        let has_sanctions = self.sanctions.is_some();
        context(
            self.vouching.is_some(),
            self.content.is_some(),
            has_sanctions,
        )
    }

    fn uri(&self) -> String {
        facts::uri(&self.chain_id, &self.design_id)
    }
}

/// Rule: the owner's key issues, or another that is valid of its organisation.
pub fn check_issuer(facts: &CertificateFacts, key: &SigningKey) -> Result<(), BadCredential> {
    let public_key = key.verifying_key().to_bytes();
    let is_other = |key: &OrganisationKey| !key.has_ended;
    let may_sign = facts.key_of_organisation(&public_key).is_some_and(is_other);
    match public_key == facts.owner_key || may_sign {
        true => Ok(()),
        false => Err(BadCredential::Stranger),
    }
}

/// The credential's file, signed by the owner's key as of the deposit's time; `status` says where its status is found.
pub fn issue(
    facts: &CertificateFacts,
    key: &SigningKey,
    status: Option<StatusEntry>,
) -> Result<Vec<u8>, BadCredential> {
    check_issuer(facts, key)?;
    let public_key = key.verifying_key().to_bytes();
    let subject = CredentialSubject::of(facts);
    let created = subject.deposited.clone();
    let credential = Credential {
        context: subject.context(),
        id: subject.uri(),
        r#type: types(),
        issuer: did_key(&public_key),
        valid_from: created.clone(),
        credential_subject: subject,
        credential_status: status,
        proof: None,
    };
    let form = |e: serde_json::Error| BadCredential::Form(e.to_string());
    let document = serde_json::to_value(&credential).map_err(form)?;
    let secured = data_integrity::secure(&document, key, &created)?;
    let mut bytes = serde_json::to_vec_pretty(&secured).map_err(form)?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn types() -> Vec<String> {
    ["VerifiableCredential", "DesignDepositCredential"]
        .map(str::to_owned)
        .to_vec()
}

/// What a credential's issuer states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialStatement {
    /// The key that signed it.
    pub issuer: [u8; 32],
    /// What is stated.
    pub subject: CredentialSubject,
    /// Where its status is found.
    pub status: Option<StatusEntry>,
}

/// Checks a credential's form and signature; gives what its issuer, the key's holder, states.
/// Nothing of it is proven by that: the ledger must be asked.
pub fn check(bytes: &[u8]) -> Result<CredentialStatement, BadCredential> {
    if bytes.len() > MAX_BYTES {
        return Err(BadCredential::Form(format!("{} bytes", bytes.len())));
    }
    let form = |e: serde_json::Error| BadCredential::Form(json_error::reason(&e));
    // Read into its own type first: no member is unknown or doubled, so both readings agree.
    let credential: Credential = serde_json::from_slice(bytes).map_err(form)?;
    let document: Value = serde_json::from_slice(bytes).map_err(form)?;
    let key = data_integrity::verify(&document, key_of_did_method)?;
    let (subject, status) = (credential.credential_subject, credential.credential_status);
    if credential.issuer != did_key(&key) {
        return Err(BadCredential::Issuer);
    }
    let created = credential.proof.as_ref().map(|p| &p.created);
    let agreements = [
        ("context", credential.context == subject.context()),
        ("type", credential.r#type == types()),
        ("id", credential.id == subject.uri()),
        ("date", credential.valid_from == subject.deposited),
        ("proof's date", created == Some(&subject.deposited)),
        ("subject's type", subject.r#type == "DesignDeposit"),
        ("status", status.as_ref().is_none_or(StatusEntry::agrees)),
        (
            "content",
            subject
                .content
                .iter()
                .all(|content| content.agrees(subject.file.len(), subject.title.as_ref())),
        ),
    ];
    match agreements.iter().find(|(_, agrees)| !agrees) {
        Some((part, _)) => Err(BadCredential::Disagrees(part)),
        None => Ok(CredentialStatement {
            issuer: key,
            subject,
            status,
        }),
    }
}

/// The first statement that the ledger contradicts, by its member's name; else what is left to
/// weigh. Names of files and a title that isn't recorded are the owner's word and aren't compared.
pub fn compare(
    statement: &CredentialStatement,
    facts: &CertificateFacts,
) -> Result<Vec<Finding>, &'static str> {
    let stated = &statement.subject;
    let proven = CredentialSubject::of(facts);
    let is_owners = statement.issuer == facts.owner_key;
    let issuer = facts.key_of_organisation(&statement.issuer);
    let keys = |s: &CredentialSubject| -> Vec<(String, String, u64)> {
        let validators = s.validator.iter();
        validators
            .map(|v| (v.public_key.clone(), v.organisation.clone(), v.power))
            .collect()
    };
    let hashes = |s: &CredentialSubject| -> Vec<String> {
        s.file.iter().map(|f| f.sha256.clone()).collect()
    };
    let recorded =
        |s: &CredentialSubject| s.title.clone().filter(|_| s.title_recorded == Some(true));
    // The consortium, or an older key, may have decided since what was contested then.
    let may_differ = facts.dispute == KeyDispute::Settled || proven.key_compromised_since.is_some();
    let agreements = [
        ("issuer", is_owners || issuer.is_some()),
        ("id", stated.id == proven.id),
        ("chainId", stated.chain_id == proven.chain_id),
        ("chainName", stated.chain_name == proven.chain_name),
        ("designId", stated.design_id == proven.design_id),
        ("commitment", stated.commitment == proven.commitment),
        ("organisation", stated.organisation == proven.organisation),
        ("deposited", stated.deposited == proven.deposited),
        ("timeErrorMs", stated.time_error_ms == proven.time_error_ms),
        ("height", stated.height == proven.height),
        ("blockId", stated.block_id == proven.block_id),
        (
            "transactionId",
            stated.transaction_id == proven.transaction_id,
        ),
        ("validator", keys(stated) == keys(&proven)),
        (
            "file",
            facts.files.is_empty() || stated.file.is_empty() || hashes(stated) == hashes(&proven),
        ),
        (
            "content",
            facts.files.is_empty()
                || match &stated.content {
                    Some(content) => content.is_proven(facts),
                    None => !facts.covers_fields || stated.file.is_empty(),
                },
        ),
        // What was recorded since isn't in an older credential.
        (
            "title",
            stated.title_recorded != Some(true) || recorded(stated) == recorded(&proven),
        ),
        (
            "disclosed",
            (&stated.disclosed, stated.disclosed_height) == (&None, None)
                || (&stated.disclosed, stated.disclosed_height)
                    == (&proven.disclosed, proven.disclosed_height),
        ),
        (
            "keyCompromisedSince",
            stated.key_compromised_since.is_none()
                || may_differ
                || stated.key_compromised_since == proven.key_compromised_since,
        ),
        ("vouching", stated.vouching == proven.vouching),
        (
            "sanctions",
            sanctions_stated::may_have_been(stated.sanctions.as_ref(), facts),
        ),
        // One that tells of the disclosure tells what was compared in it.
        (
            "lookAlikes",
            stated.look_alikes == proven.look_alikes
                || stated.look_alikes.is_none()
                    && (stated.disclosed.is_none() || !is_of_disclosure(facts)),
        ),
    ];
    if let Some((member, _)) = agreements.iter().find(|(_, agrees)| !agrees) {
        return Err(member);
    }
    let mut reservations = Vec::new();
    if facts.files.is_empty() && !stated.file.is_empty() {
        reservations.push(finding!(
            "the files are the owner's word: neither a receipt nor a disclosure opens the commitment"
        ));
    }
    let names = |s: &CredentialSubject| -> Vec<String> {
        let others = s.validator.iter().map(|v| v.organisation_name.clone());
        std::iter::once(s.organisation_name.clone())
            .chain(others)
            .collect()
    };
    if stated.look_alikes != proven.look_alikes {
        reservations.push(finding!(
            "the ledger has compared the design's pictures, and the credential doesn't say what it found"
        ));
    }
    let vouching = facts.vouching.as_ref();
    if let Some(withdrawn) = vouching.and_then(|(found, _)| found.withdrawn.as_ref()) {
        reservations.push(finding!(
            "the voucher has withdrawn its word for the owner since: {why}",
            why = withdrawn.reason
        ));
    }
    let right = facts.right.as_ref();
    if let Some(right) = right.filter(|right| right::owner(right) != facts.organisation) {
        reservations.push(finding!(
            "the depositor has passed the right on: {owner} owns it",
            owner = right::owner(right)
        ));
    }
    if stated.sanctions != proven.sanctions {
        reservations.push(finding!(
            "the ledger tells of other sanctions against the owner or the depositor than the credential: they have \
             changed since"
        ));
    }
    if names(stated) != names(&proven) {
        reservations.push(finding!("an organisation has another name in the ledger"));
    }
    if !is_owners && issuer.is_some_and(|key| key.has_ended) {
        reservations.push(finding!(
            "another key of the organisation signed this credential, and that key was retired or reported compromised \
             since"
        ));
    }
    if let Some(since) = &proven.key_compromised_since
        && facts.dispute == KeyDispute::Contested
    {
        reservations.push(finding!(
            "a key that may be a thief's reported that others may have used the owner's key since {since}; the \
             consortium hasn't decided",
            since = since
        ));
    } else if let Some(since) = &proven.key_compromised_since {
        reservations.push(finding!(
            "the organisation reported that others may have used the owner's key since {since}: somebody else may \
             have signed this credential",
            since = since
        ));
    }
    Ok(reservations)
}

/// Whether the pictures were compared in the block of the disclosure, not later.
fn is_of_disclosure(facts: &CertificateFacts) -> bool {
    let compared = facts.look_alikes.as_ref().map(|found| found.time_ms);
    compared.is_some() && compared == facts.disclosed.map(|(time_ms, _)| time_ms)
}

#[cfg(test)]
mod tests;
