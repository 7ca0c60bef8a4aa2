//! A certificate on the terminal and as JSON.

use serde_json::{Value, json};

use super::proven_deposit::{Certificate, Source};
use super::verdicts::CertificateDispute;
use crate::disputes;
use crate::earlier as before;
use crate::fields;
use crate::look_alikes as compared;
use crate::messages::{Language, in_column};
use crate::output::{Output, add_member, attested_json, plain, utc};
use crate::rights;
use crate::sanctions;
use crate::say;
use crate::vouching;

impl Certificate {
    const SHOWS_NOT: &'static str = "who made the design, that it is new, or that nobody had it \
                                     before. Names of files and, until disclosure, the title are \
                                     the receipt's own words.";
    const SHOWS_NOT_OF_FIELDS: &'static str = "who made the design, that it is new, or that nobody had it before. \
                                               Fields are what its owner stated at the deposit; others may stay \
                                               closed. Names of files are the receipt's own words.";

    /// What it shows, in the reader's language.
    fn shows_in(&self, language: Language) -> String {
        match self.source {
            Source::Nothing => say!(
                language,
                "that a commitment by this key was deposited at this time. It names no file: that takes the receipt or \
                 a disclosure."
            ),
            Source::Receipt(_) | Source::Disclosure => say!(
                language,
                "that whoever held the owner's key committed to exactly these files no later than this time, attested \
                 by more than 2/3 of the validators' voting power."
            ),
        }
    }

    /// Prints it.
    pub(super) fn print(&self, error_ms: u64, output: &mut Output) {
        let language = output.language;
        let verdict = output.good(&say!(language, "VERIFIED"));
        let header = &self.deposited.header;
        output.line(say!(
            language,
            "Certificate of deposit: {verdict}",
            verdict = verdict
        ));
        let mut rows = vec![(say!(language, "Design"), hex::encode(self.id))];
        if !self.title().is_empty() && !self.covers_fields() {
            rows.push((say!(language, "Title"), plain(self.title())));
        }
        for field in &self.fields {
            let name = fields::name_in(language, field.name);
            rows.push((name, plain(&field.value)));
        }
        let owner = format!(
            "{} ({})",
            plain(&self.owner),
            plain(&self.record.organisation)
        );
        rows.push((say!(language, "Owner"), owner));
        for line in self
            .vouching
            .iter()
            .flat_map(|(found, name)| vouching::lines(language, found, name))
        {
            rows.push((say!(language, "Vouched"), line));
        }
        rows.push((
            say!(language, "Owner key"),
            hex::encode(&self.record.owner_key),
        ));
        for (at, (name, sha256)) in self.files().into_iter().enumerate() {
            let view = fields::view_in(language, self.view(at));
            let view = view.map(|view| format!("  {view}")).unwrap_or_default();
            let name = name.map(|n| format!("  {}", plain(n))).unwrap_or_default();
            let name = format!("{view}{name}");
            rows.push((say!(language, "File"), format!("{sha256}{name}")));
        }
        rows.push((
            say!(language, "Deposited"),
            say!(
                language,
                "no later than {time} ± {error} s, at height {height}",
                time = utc(header.time_ms),
                error = format!("{:.1}", error_ms as f64 / 1000.0),
                height = header.height
            ),
        ));
        let names: Vec<String> = self.names.iter().map(|n| plain(n)).collect();
        rows.push((
            say!(language, "Attested"),
            say!(
                language,
                "by {names}: {signers} of {count} validators",
                names = names.join(", "),
                signers = self.deposited.signers.len(),
                count = self.deposited.validators.count()
            ),
        ));
        rows.push((
            say!(language, "Disclosed"),
            match &self.record.disclosure {
                Some(d) => say!(
                    language,
                    "{time} at height {height}",
                    time = utc(d.time_ms),
                    height = d.height
                ),
                None => say!(language, "no"),
            },
        ));
        if let Some(found) = &self.earlier {
            // The row's head says that they are earlier.
            let mut lines = before::rows(language, found);
            if lines.is_empty() {
                lines.push(before::none(language));
            }
            for line in lines {
                rows.push((say!(language, "Earlier"), line));
            }
        }
        if self.record.disposed > 0 {
            for line in rights::lines(language, &self.right) {
                rows.push((say!(language, "Right"), line));
            }
        }
        if self.disputes.notices > 0 {
            rows.push((
                say!(language, "Disputes"),
                disputes::tally(language, &self.disputes),
            ));
        }
        for found in &self.sanctions {
            for line in sanctions::of_party(language, found) {
                let text = format!("{}: {line}", plain(&found.organisation));
                rows.push((say!(language, "Sanctions"), text));
            }
        }
        for shown in &self.shown_disputes {
            for line in shown.lines(language) {
                rows.push((say!(language, "Dispute"), line));
            }
        }
        for line in self
            .look_alikes
            .iter()
            .flat_map(|found| compared::lines(language, found))
        {
            rows.push((say!(language, "Look-alikes"), plain(&line)));
        }
        rows.push((say!(language, "Shows"), self.shows_in(language)));
        rows.push((
            say!(language, "Shows not"),
            match self.covers_fields() {
                false => say!(
                    language,
                    "who made the design, that it is new, or that nobody had it before. Names of files and, until \
                     disclosure, the title are the receipt's own words."
                ),
                true => say!(
                    language,
                    "who made the design, that it is new, or that nobody had it before. Fields are what its owner \
                     stated at the deposit; others may stay closed. Names of files are the receipt's own words."
                ),
            },
        ));
        for (name, text) in rows {
            output.line(format!("{} {text}", in_column(&name, 11)));
        }
    }

    /// The same for programs.
    pub(super) fn json(&self, error_ms: u64) -> Value {
        let mut value = json!({
            "verified": true,
            "design_id": hex::encode(self.id),
            "title": self.title(),
            "organisation": self.record.organisation,
            "organisation_name": self.owner,
            "owner_key": hex::encode(&self.record.owner_key),
            "commitment": hex::encode(&self.record.commitment),
            "files": self.files().iter()
                .map(|(name, sha256)| json!({"name": name, "sha256": sha256}))
                .collect::<Vec<_>>(),
            "time_ms": self.record.time_ms,
            "time_error_ms": error_ms,
            "transaction": hex::encode(&self.record.transaction_id),
            "deposit_block": attested_json(&self.deposited),
            "disclosed_ms": self.record.disclosure.as_ref().map(|d| d.time_ms),
            "shows": self.shows_in(Language::English),
            "shows_not": match self.covers_fields() {
                true => Self::SHOWS_NOT_OF_FIELDS,
                false => Self::SHOWS_NOT,
            },
        });
        if self.covers_fields() {
            add_member(
                &mut value,
                "content",
                fields::json(&self.views, &self.fields),
            );
        }
        if let Some(look_alikes) = &self.look_alikes {
            add_member(&mut value, "look_alikes", compared::json(look_alikes));
        }
        if let Some(earlier) = &self.earlier {
            add_member(&mut value, "earlier", before::json(earlier));
        }
        if self.disputes.notices > 0 {
            add_member(&mut value, "disputes", disputes::tally_json(&self.disputes));
        }
        if !self.sanctions.is_empty() {
            let parties = self.sanctions.iter().map(sanctions::of_party_json);
            add_member(&mut value, "sanctions", parties.collect());
        }
        if !self.shown_disputes.is_empty() {
            let shown = self.shown_disputes.iter().map(CertificateDispute::json);
            add_member(&mut value, "shown_disputes", shown.collect());
        }
        if self.record.disposed > 0 {
            add_member(&mut value, "right", rights::json(&self.right));
        }
        if let Some((found, _)) = &self.vouching {
            add_member(&mut value, "vouching", vouching::json(found));
        }
        value
    }
}
