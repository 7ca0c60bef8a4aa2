//! Which notices there were about a listing, and which measure is in force.

use clap::builder::NonEmptyStringValueParser;
use serde_json::{Value, json};
use touchstone_client::disputes as asked;
use touchstone_core::designs::listing::measure_in_force;
use touchstone_core::hash::Hash;
use touchstone_proto::ledger::Dispute;

use super::super::organisations::check_known;
use crate::disputes;
use crate::failure::Failure;
use crate::messages::Speech;
use crate::output::{Output, add_member, attested_json, counted, plain};
use crate::say;
use crate::settings::Settings;

/// Notices that one answer shows, at most.
const MOST: usize = 1_000;

/// Arguments of `dispute listing`.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// Where the listing is found, as the notices have it
    #[arg(value_name = "URL", value_parser = NonEmptyStringValueParser::new())]
    pub listing: String,
    /// Id of the platform
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub platform: String,
}

pub(super) async fn run(
    arguments: &Arguments,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut client = settings.client().await?;
    let found =
        asked::of_listing(&mut client, &arguments.platform, &arguments.listing, MOST).await?;
    let height = found.attested.header.height;
    let shown = found.disputes.len() as u64;
    if found.disputes.is_empty() {
        check_known(&mut client, &arguments.platform).await?;
        return Err(Failure::Absent {
            id: arguments.listing.clone(),
            height,
            message: format!(
                "{} had no notice about the listing {}; is the listing as the notice has it?",
                arguments.platform, arguments.listing
            ),
        });
    }
    if output.json {
        output.value(&json!({
            "listing": arguments.listing,
            "platform": arguments.platform,
            "notices": found.count,
            "disputes": found.disputes.iter().map(|(id, d)| one_json(id, d)).collect::<Vec<_>>(),
            "complete": found.count == shown,
            "in_force": found.disputes.iter().filter_map(|(_, d)| word_in_force(d)).collect::<Vec<_>>(),
            "verified": true,
            "header": attested_json(&found.attested),
        }));
        return check_whole(found.count, shown);
    }
    let verdict = output.good("VERIFIED");
    let listing = plain(&arguments.listing);
    output.line(format!(
        "Listing   {listing}, {verdict} as of block {height}"
    ));
    let language = output.language;
    for (id, dispute) in &found.disputes {
        output.line(say!(language, "Notice    {id}", id = hex::encode(id)));
        let subject = hex::encode(&dispute.subject);
        output.line(say!(
            language,
            "          under the right to {subject}",
            subject = subject
        ));
        output.line(match word_in_force(dispute) {
            Some(word) => say!(
                language,
                "          in force: {measure}",
                measure = language.term(word)
            ),
            None => say!(language, "          no measure is in force"),
        });
        for line in disputes::lines(language, dispute) {
            output.line(format!("          {line}"));
        }
    }
    if found.count > shown {
        output.line(say!(
            language,
            "Not shown: {notices} before these",
            notices = language.line(&counted(found.count - shown, "notice"))
        ));
    }
    check_whole(found.count, shown)
}

/// Whether all notices are looked at: a measure may be in force because of any of them.
fn check_whole(count: u64, shown: u64) -> Result<(), Failure> {
    match count.saturating_sub(shown) {
        0 => Ok(()),
        left => Err(Failure::Reservations(format!(
            "a measure may be in force because of an older notice; not looked at: {left}"
        ))),
    }
}

/// The word of the measure that is in force because of a dispute.
fn word_in_force(dispute: &Dispute) -> Option<&'static str> {
    measure_in_force(dispute).map(disputes::measure)
}

fn one_json(id: &Hash, dispute: &Dispute) -> Value {
    let mut value = disputes::json(dispute);
    add_member(&mut value, "dispute", hex::encode(id).into());
    add_member(&mut value, "in_force", word_in_force(dispute).into());
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_that_are_not_looked_at_are_a_reservation() {
        assert!(check_whole(1_000, 1_000).is_ok());
        let told = check_whole(1_003, 1_000).unwrap_err();
        assert_eq!(told.exit_code(), 6);
        assert!(told.to_string().ends_with("not looked at: 3"), "{told}");
    }
}
