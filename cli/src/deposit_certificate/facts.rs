//! What a certificate states. Nothing here depends on which node answered, on who of the validators
//! happened to sign or on how far the chain has grown: the same record gives the same certificate.

use time::OffsetDateTime;
use time::macros::format_description;
use touchstone_client::earlier::Earlier;
use touchstone_core::designs::field::DesignField;
use touchstone_core::evidence::PartyFact;
use touchstone_core::genesis::Parameters;
use touchstone_core::hash::Hash;
use touchstone_proto::ledger::{DesignView, DisputeTally, KeyDispute, LookAlikes, Right, Vouching};

/// What is known of one deposit, proven unless it says otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct CertificateFacts {
    /// The chain's id.
    pub chain_id: Hash,
    /// The chain's name, as genesis has it.
    pub chain_name: String,
    /// The design's id.
    pub design_id: Hash,
    /// The commitment to the files.
    pub commitment: Hash,
    /// Id of the organisation that deposited.
    pub organisation: String,
    /// Its name.
    pub organisation_name: String,
    /// The key that signed the deposit.
    pub owner_key: [u8; 32],
    /// From when on others may have used the key, as its organisation reported; milliseconds.
    pub compromised_since_ms: Option<u64>,
    /// All keys that the organisation ever had, by the ledger.
    pub organisation_keys: Vec<OrganisationKey>,
    /// What that rests on.
    pub dispute: KeyDispute,
    /// The title, where one is known.
    pub title: Option<Title>,
    /// Whether the deposit covers views and fields; false where nothing opens the commitment.
    pub covers_fields: bool,
    /// The digest at each place that the commitment covers, where it is opened.
    pub field_digests: Vec<Hash>,
    /// The fields that are shown.
    pub fields: Vec<DesignField>,
    /// The files, in the owner's order; empty where nothing opens the commitment.
    pub files: Vec<CertifiedFile>,
    /// The deposit's time, milliseconds.
    pub time_ms: u64,
    /// The chain's rules: the clocks' precision and the message delay bound the time's error.
    pub parameters: Parameters,
    /// Height of the deposit's block.
    pub height: u64,
    /// Its id.
    pub block_id: Hash,
    /// Id of the deposit's transaction.
    pub transaction_id: Hash,
    /// All validators of that height, ascending by key. More than 2/3 of their power signed.
    pub validators: Vec<CertificateValidator>,
    /// Hash of that set, as the block's header names it.
    pub validators_hash: Hash,
    /// Time (milliseconds) and height of the public disclosure.
    pub disclosed: Option<(u64, u64)>,
    /// What the ledger compared of its pictures.
    pub look_alikes: Option<LookAlikes>,
    /// Earlier deposits of the same files, as far as they are disclosed.
    pub earlier: Earlier,
    /// Who vouched for its depositor then, and the voucher's name.
    pub vouching: Option<(Vouching, String)>,
    /// The right, where its owner has disposed of it.
    pub right: Option<Right>,
    /// How disputes about it went.
    pub disputes: DisputeTally,
    /// The sanctions against who owns it and who deposited it, where there were any.
    pub sanctions: Vec<PartyFact>,
    /// What happened in those that were asked for, in Chinese and in English.
    pub shown_disputes: Vec<[Vec<String>; 2]>,
}

/// A key of the organisation that deposited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrganisationKey {
    /// The key.
    pub public_key: [u8; 32],
    /// Whether it was retired, or reported compromised.
    pub has_ended: bool,
}

/// A title and whose word it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Title {
    /// The title.
    pub text: String,
    /// Whose word it is.
    pub basis: TitleBasis,
}

/// What a title rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TitleBasis {
    /// The ledger holds it, since the disclosure.
    Ledger,
    /// The commitment covers it: the owner stated it at the deposit.
    Commitment,
    /// The receipt alone: the holder's word.
    Holder,
}

/// A deposited file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertifiedFile {
    /// Its SHA-256.
    pub sha256: Hash,
    /// Its name, as the receipt has it: the holder's word.
    pub name: Option<String>,
    /// What it shows of the design; proven as its hash is.
    pub view: DesignView,
}

/// A validator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateValidator {
    /// Its public key.
    pub public_key: [u8; 32],
    /// Id of its organisation.
    pub organisation: String,
    /// Name of its organisation.
    pub name: String,
    /// Its voting power.
    pub power: u64,
}

impl CertificateFacts {
    /// The deposit's name everywhere, see [`uri`].
    pub fn uri(&self) -> String {
        uri(&hex::encode(self.chain_id), &hex::encode(self.design_id))
    }

    /// Voting power of all validators.
    pub fn total_power(&self) -> u64 {
        self.validators.iter().map(|v| v.power).sum()
    }

    /// Voting power of the owner's own organisation.
    pub fn own_power(&self) -> u64 {
        let own = self.validators.iter();
        own.filter(|v| v.organisation == self.organisation)
            .map(|v| v.power)
            .sum()
    }

    /// The organisation's key of these bytes.
    pub fn key_of_organisation(&self, public_key: &[u8; 32]) -> Option<&OrganisationKey> {
        let mut keys = self.organisation_keys.iter();
        keys.find(|key| key.public_key == *public_key)
    }

    /// Whether somebody else may have signed the deposit.
    pub fn is_doubtful(&self) -> bool {
        self.compromised_since_ms
            .is_some_and(|since| since <= self.time_ms)
    }
}

/// A deposit's name: `touchstone:design/CHAIN/DESIGN`, both ids in hex.
pub fn uri(chain_id: &str, design_id: &str) -> String {
    format!("touchstone:design/{chain_id}/{design_id}")
}

/// Milliseconds since 1970-01-01T00:00:00Z as RFC 3339.
pub fn date(time_ms: u64) -> String {
    let format =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(time_ms) * 1_000_000)
        .ok()
        .and_then(|t| t.format(format).ok())
        // Blocks have no later time (docs/format.md, "Blocks").
        .unwrap_or_else(|| "9999-12-31T23:59:59.999Z".to_owned())
}

/// A deposit for tests.
#[cfg(test)]
pub(super) fn sample() -> CertificateFacts {
    CertificateFacts {
        chain_id: [1; 32],
        chain_name: "test".into(),
        design_id: [2; 32],
        commitment: [3; 32],
        organisation: "carol".into(),
        organisation_name: "Carol Design".into(),
        owner_key: ed25519_dalek::SigningKey::from_bytes(&[3; 32])
            .verifying_key()
            .to_bytes(),
        compromised_since_ms: None,
        organisation_keys: [3, 30, 31]
            .map(|seed| OrganisationKey {
                public_key: ed25519_dalek::SigningKey::from_bytes(&[seed; 32])
                    .verifying_key()
                    .to_bytes(),
                has_ended: seed == 31,
            })
            .to_vec(),
        dispute: KeyDispute::Unspecified,
        title: Some(Title {
            text: "黄昏的桥".into(),
            basis: TitleBasis::Ledger,
        }),
        covers_fields: false,
        field_digests: Vec::new(),
        fields: Vec::new(),
        files: vec![CertifiedFile {
            sha256: [4; 32],
            name: Some("bridge.png".into()),
            view: DesignView::Unspecified,
        }],
        time_ms: 1_767_225_601_000,
        parameters: Parameters::default(),
        height: 7,
        block_id: [5; 32],
        transaction_id: [6; 32],
        validators: vec![CertificateValidator {
            public_key: [7; 32],
            organisation: "acme".into(),
            name: "Acme".into(),
            power: 1,
        }],
        validators_hash: [8; 32],
        disclosed: Some((1_767_225_602_000, 9)),
        look_alikes: None,
        earlier: Earlier::default(),
        vouching: None,
        right: None,
        disputes: DisputeTally::default(),
        sanctions: Vec::new(),
        shown_disputes: Vec::new(),
    }
}

/// The depositor's sanction, for tests.
#[cfg(test)]
pub(super) fn barred() -> PartyFact {
    use touchstone_proto::ledger::{HeldSanction, PartySanctions, SanctionKind};
    let held = HeldSanction {
        sanction: vec![9; 32],
        kind: SanctionKind::NoSales.into(),
        subjects: vec![vec![2; 32]],
        from_ms: 1_767_225_601_000,
        until_ms: 1_767_312_001_000,
    };
    let list = PartySanctions {
        held: vec![held],
        imposed: 1,
        ..PartySanctions::default()
    };
    PartyFact {
        organisation: "carol".into(),
        own: list.clone(),
        registered: Some(("91310000".into(), list)),
    }
}
