//! Everything that the ledger proves about one design.

use touchstone_client::cases;
use touchstone_client::client::Client;
use touchstone_client::deposit::{self, ProvenDeposit};
use touchstone_client::earlier::{self, Earlier};
use touchstone_client::{AttestedHeader, NotVerified};
use touchstone_client::{disputes, look_alikes, rights, vouching};
use touchstone_core::designs::field::{DesignField, FieldName};
use touchstone_core::designs::right;
use touchstone_core::encoding;
use touchstone_core::evidence::PartyFact;
use touchstone_core::hash::Hash;
use touchstone_proto::ledger::{
    Design, DesignView, DisputeTally, Key, KeyDispute, LookAlikes, Right, Vouching,
};

use super::verdicts::CertificateDispute;
use crate::deposit_certificate::facts::{self, CertificateFacts};
use crate::failure::Failure;
use crate::field_selection::FieldSelection;
use crate::messages::Language;
use crate::receipt::{self, Opening, Receipt};

/// How the content of a commitment is known.
pub(super) enum Source {
    Receipt(Box<Receipt>),
    Disclosure,
    Nothing,
}

/// Everything proven about one design.
pub(super) struct Certificate {
    pub(super) id: Hash,
    pub(super) record: Design,
    /// The block of the deposit.
    pub(super) deposited: AttestedHeader,
    /// The header that proves the record as it is now.
    pub(super) as_of: AttestedHeader,
    pub(super) opening: Option<Opening>,
    /// What each file shows; empty where the deposit covers files alone.
    pub(super) views: Vec<DesignView>,
    /// The fields that are shown: the commitment covers them.
    pub(super) fields: Vec<DesignField>,
    /// What the ledger compared, where the record says that it did.
    pub(super) look_alikes: Option<LookAlikes>,
    /// Earlier deposits of the same files; none is looked for while the files are a secret.
    pub(super) earlier: Option<Earlier>,
    /// Who vouched for its depositor then, and the voucher's name.
    pub(super) vouching: Option<(Vouching, String)>,
    /// Who owns it.
    pub(super) right: Right,
    /// How disputes about it went.
    pub(super) disputes: DisputeTally,
    /// The sanctions against who owns it and who deposited it, where there were any.
    pub(super) sanctions: Vec<PartyFact>,
    /// Those that were asked for.
    pub(super) shown_disputes: Vec<CertificateDispute>,
    pub(super) source: Source,
    pub(super) owner: String,
    pub(super) names: Vec<String>,
}

/// Asks for a deposit, and checks it with its receipt; of its fields those are kept that are to be shown.
pub(super) async fn certify(
    client: &mut Client,
    id: Hash,
    receipt: Option<Receipt>,
    selection: &FieldSelection,
) -> Result<Certificate, Failure> {
    if let Some(receipt) = &receipt {
        receipt.check(client.trust().chain_id())?;
    }
    let opening = receipt.as_ref().map(Receipt::opening).transpose()?;
    let (as_of, found) = Box::pin(deposit::deposit(client, &id, opening)).await?;
    let found = found.ok_or_else(|| {
        let id = hex::encode(id);
        Failure::Absent {
            height: as_of.header.height,
            message: format!("design {id} is not deposited"),
            id,
        }
    })?;
    let ProvenDeposit {
        record,
        deposited,
        opening,
        ..
    } = found;
    let (views, fields) = shown(&record, opening.as_ref(), selection)?;
    let look_alikes = Box::pin(look_alikes::of_design(client, &id, &record)).await?;
    // Asking tells the files' hashes, which a disclosure has published.
    let earlier = match (&record.disclosure, &opening) {
        (Some(_), Some(opening)) => {
            Some(Box::pin(earlier::of_design(client, &id, &record, &opening.files)).await?)
        }
        _ => None,
    };
    let vouching = Box::pin(vouching::of_design(client, &record)).await?;
    let right = Box::pin(rights::of_design(client, &id, &record)).await?;
    let disputes = Box::pin(disputes::of_right(client, &id)).await?;
    let sanctions = Box::pin(sanctions_of(client, &record, &right)).await?;
    let source = match (receipt, &opening) {
        (Some(receipt), _) => Source::Receipt(Box::new(receipt)),
        (None, Some(_)) => Source::Disclosure,
        (None, None) => Source::Nothing,
    };
    let owner = client.name(&record.organisation).await?;
    let mut names = Vec::new();
    for organisation in deposited.organisations() {
        let name = client.name(organisation).await?;
        names.push(format!("{name} ({organisation})"));
    }
    Ok(Certificate {
        id,
        record,
        deposited,
        as_of,
        opening,
        views,
        fields,
        look_alikes,
        earlier,
        vouching,
        right,
        disputes,
        sanctions,
        shown_disputes: Vec::new(),
        source,
        owner,
        names,
    })
}

/// The sanctions against a design's owner and depositor.
async fn sanctions_of(
    client: &mut Client,
    record: &Design,
    right: &Right,
) -> Result<Vec<PartyFact>, Failure> {
    let mut parties = vec![right::owner(right).to_owned(), record.organisation.clone()];
    parties.dedup();
    let mut sanctions = Vec::new();
    for party in parties {
        let found = cases::of_party(client, &party).await?;
        if found.is_any() {
            sanctions.push(found.fact);
        }
    }
    Ok(sanctions)
}

/// Views, and the fields that are to be shown. What is public already is shown unless it is hidden by name.
fn shown(
    record: &Design,
    opening: Option<&Opening>,
    selection: &FieldSelection,
) -> Result<(Vec<DesignView>, Vec<DesignField>), Failure> {
    let opened = opening.map(Opening::opened).transpose();
    let opened = opened.map_err(|e| NotVerified::Contradiction(e.to_string()))?;
    let Some(opened) = opened else {
        selection.check(&[])?;
        return Ok((Vec::new(), Vec::new()));
    };
    let content = record.disclosure.as_ref().and_then(|d| d.content.as_ref());
    let public: Vec<&String> = content.iter().flat_map(|c| &c.disclosures).collect();
    let fields = opened.fields.into_iter().map(|(_, field)| field);
    let fields: Vec<DesignField> = fields.collect();
    let names: Vec<FieldName> = fields.iter().map(|field| field.name).collect();
    selection.check(&names)?;
    let is_shown = |field: &DesignField| {
        let is_public = public.contains(&&field.disclosure);
        selection.shows_of(field.name, is_public)
    };
    Ok((opened.views, fields.into_iter().filter(is_shown).collect()))
}

/// A hash in a proven record.
fn proven(field: &'static str, bytes: &[u8]) -> Result<Hash, Failure> {
    Ok(encoding::exact(field, bytes).map_err(NotVerified::from)?)
}

impl Certificate {
    /// All that a certificate states, which the tip, the node and the clock don't change.
    pub(super) async fn facts(&self, client: &mut Client) -> Result<CertificateFacts, Failure> {
        let header = &self.deposited.header;
        let mut validators = Vec::new();
        for validator in self.deposited.validators.iter() {
            validators.push(facts::CertificateValidator {
                public_key: validator.public_key,
                organisation: validator.organisation.clone(),
                name: client.name(&validator.organisation).await?,
                power: validator.power,
            });
        }
        let (_, organisation) = client.organisation(&self.record.organisation).await?;
        let keys = || organisation.iter().flat_map(|o| &o.keys);
        let mut organisation_keys = Vec::new();
        for key in keys() {
            organisation_keys.push(facts::OrganisationKey {
                public_key: proven("public_key", &key.public_key)?,
                has_ended: key.valid_until_height != 0 || key.compromised_since_ms != 0,
            });
        }
        let key = keys().find(|k| k.public_key == self.record.owner_key);
        let compromised_since_ms = key.map(|k| k.compromised_since_ms).filter(|ms| *ms != 0);
        let recorded = self.record.disclosure.as_ref();
        // Of a design with fields the title is one of them, and is shown or not.
        let title = match (recorded, self.covers_fields()) {
            (Some(disclosure), false) => &disclosure.title,
            _ => self.title(),
        };
        let is_recorded = recorded.is_some_and(|d| d.title == title);
        let mut files = Vec::new();
        for (at, (name, sha256)) in self.files().into_iter().enumerate() {
            files.push(facts::CertifiedFile {
                sha256: receipt::bytes("sha256", &sha256)?,
                name: name.map(str::to_owned),
                view: self.view(at),
            });
        }
        let genesis = client.trust().genesis();
        Ok(CertificateFacts {
            chain_id: genesis.chain_id,
            chain_name: genesis.document.chain.clone(),
            design_id: self.id,
            commitment: proven("commitment", &self.record.commitment)?,
            organisation: self.record.organisation.clone(),
            organisation_name: self.owner.clone(),
            owner_key: proven("owner_key", &self.record.owner_key)?,
            compromised_since_ms,
            organisation_keys,
            dispute: key.map_or(KeyDispute::Unspecified, Key::dispute),
            title: Some(title)
                .filter(|t| !t.is_empty())
                .map(|title| facts::Title {
                    text: title.to_owned(),
                    basis: match (is_recorded, self.covers_fields()) {
                        (true, _) => facts::TitleBasis::Ledger,
                        (false, true) => facts::TitleBasis::Commitment,
                        (false, false) => facts::TitleBasis::Holder,
                    },
                }),
            covers_fields: self.covers_fields(),
            field_digests: self.field_digests(),
            fields: self.fields.clone(),
            files,
            time_ms: header.time_ms,
            parameters: genesis.document.parameters.clone(),
            height: header.height,
            block_id: header.id(),
            transaction_id: proven("transaction_id", &self.record.transaction_id)?,
            validators,
            validators_hash: header.validators_hash,
            disclosed: recorded.map(|d| (d.time_ms, d.height)),
            look_alikes: self.look_alikes.clone(),
            earlier: self.earlier.clone().unwrap_or_default(),
            vouching: self.vouching.clone(),
            right: Some(self.right.clone()).filter(|_| self.record.disposed > 0),
            disputes: self.disputes,
            sanctions: self.sanctions.clone(),
            shown_disputes: self
                .shown_disputes
                .iter()
                .map(|shown| {
                    [Language::Chinese, Language::English].map(|language| shown.lines(language))
                })
                .collect(),
        })
    }

    /// Each file's name, where it is known, and hash.
    pub(super) fn files(&self) -> Vec<(Option<&str>, String)> {
        let hashes = self.opening.iter().flat_map(|o| &o.files).map(hex::encode);
        match &self.source {
            Source::Receipt(receipt) => receipt
                .files
                .iter()
                .map(|f| (Some(f.name.as_str()), f.sha256.clone()))
                .collect(),
            Source::Disclosure | Source::Nothing => hashes.map(|h| (None, h)).collect(),
        }
    }

    /// Whether the deposit covers views and fields; false where nothing opens it.
    pub(super) fn covers_fields(&self) -> bool {
        !self.views.is_empty()
    }

    /// What a file shows of the design.
    pub(super) fn view(&self, at: usize) -> DesignView {
        self.views.get(at).copied().unwrap_or_default()
    }

    /// The digest at each place, of which the commitment is proven to be.
    fn field_digests(&self) -> Vec<Hash> {
        let content = self.opening.as_ref().and_then(|o| o.content.as_ref());
        let digests = content.iter().flat_map(|c| &c.digests);
        digests
            .filter_map(|d| d.as_slice().try_into().ok())
            .collect()
    }

    pub(super) fn title(&self) -> &str {
        if self.covers_fields() {
            let title = self.fields.iter().find(|f| f.name == FieldName::Title);
            return title.map_or("", |field| &field.value);
        }
        match (&self.source, &self.record.disclosure) {
            (Source::Receipt(receipt), _) => &receipt.title,
            (_, Some(disclosure)) => &disclosure.title,
            _ => "",
        }
    }
}
