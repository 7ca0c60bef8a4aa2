//! Every key of the state. This layout is public: proofs name these keys.
//!
//! Consensus-critical: yes

use crate::hash::{self, Hash};

/// The current [`ValidatorSet`](crate::governance::validators::ValidatorSet): the one that votes on the next block.
pub const VALIDATORS: &[u8] = b"validators";
/// The chain's `Parameters`.
pub const PARAMETERS: &[u8] = b"parameters";
/// The [`Protocol`](touchstone_proto::ledger::Protocol): the version of the rules; missing: the first.
pub const PROTOCOL: &[u8] = b"protocol";
/// The [`MissedTurns`](touchstone_proto::ledger::MissedTurns) of validators; missing: nobody missed one.
pub const MISSED_TURNS: &[u8] = b"missed-turns";
/// The list of enrolled organisations' ids, ascending, each followed by a zero byte.
pub const ORGANISATIONS: &[u8] = b"organisations";

/// An `Item`, by canonical identifier.
pub fn item(identifier: &str) -> Vec<u8> {
    joined(b"item/", identifier.as_bytes())
}

/// A `Design`, by id.
pub fn design(id: &Hash) -> Vec<u8> {
    joined(b"design/", id)
}

/// A `DesignFile`: the disclosures of a file, by its SHA-256.
pub fn design_file(sha256: &Hash) -> Vec<u8> {
    joined(b"design-file/", sha256)
}

/// The `FingerprintCount`.
pub const FINGERPRINTS: &[u8] = b"fingerprints";

/// A `PublishedFingerprint`, by the number of those before it.
pub fn fingerprint(number: u64) -> Vec<u8> {
    joined(b"fingerprint/", &number.to_be_bytes())
}

/// The `LookAlikes` of a design, by its id.
pub fn look_alikes(id: &Hash) -> Vec<u8> {
    joined(b"look-alikes/", id)
}

/// The `FeatureCount`; missing: none were published.
pub const FEATURES: &[u8] = b"features";

/// A `PublishedFeatures`, by the number of those before it.
pub fn features(number: u64) -> Vec<u8> {
    joined(b"features/", &number.to_be_bytes())
}

/// The number of the features of a design's file, eight bytes big-endian.
pub fn features_of(design: &Hash, file: &Hash) -> Vec<u8> {
    let mut key = joined(b"features-of/", design);
    key.extend_from_slice(file);
    key
}

/// A `VouchedDesigner`, by its id.
pub fn vouched_designer(designer: &str) -> Vec<u8> {
    joined(b"vouched/", designer.as_bytes())
}

/// A designer's `Vouching` with this number, from 0.
pub fn vouching(designer: &str, number: u64) -> Vec<u8> {
    let mut key = joined(b"vouching/", &number.to_be_bytes());
    key.extend_from_slice(designer.as_bytes());
    key
}

/// A `Voucher`, by the id of its organisation.
pub fn voucher(organisation: &str) -> Vec<u8> {
    joined(b"voucher/", organisation.as_bytes())
}

/// A `Right`, by what it is to: a design's or a mark's id.
pub fn right(subject: &Hash) -> Vec<u8> {
    joined(b"right/", subject)
}

/// A `Mark`, by its id.
pub fn mark(id: &Hash) -> Vec<u8> {
    joined(b"mark/", id)
}

/// A `Licence`, by the id of the transaction that granted it.
pub fn licence(id: &Hash) -> Vec<u8> {
    joined(b"licence/", id)
}

/// The `LicenceEnd` of a licence that ended before its term.
pub fn licence_end(id: &Hash) -> Vec<u8> {
    joined(b"licence-end/", id)
}

/// The `Authorisations` of a licensee for a right.
pub fn authorisations(subject: &Hash, licensee: &str) -> Vec<u8> {
    let mut key = joined(b"authorised/", subject);
    key.extend_from_slice(licensee.as_bytes());
    key
}

/// A `Dispute`, by the id of its notice's transaction.
pub fn dispute(id: &Hash) -> Vec<u8> {
    joined(b"dispute/", id)
}

/// The id of the dispute about a listing that is open; empty: it has ended.
pub fn open_dispute(matter: &Hash) -> Vec<u8> {
    joined(b"dispute-open/", matter)
}

/// The `ListingNotices` of a listing.
pub fn listing_notices(listing: &Hash) -> Vec<u8> {
    joined(b"listing/", listing)
}

/// The `DisputeTally` of an organisation.
pub fn party_tally(organisation: &str) -> Vec<u8> {
    joined(b"dispute-party/", organisation.as_bytes())
}

/// The `FalseStatements` of an organisation; of a shop that isn't on the ledger, after its platform's id and a slash.
pub fn false_statements(party: &str) -> Vec<u8> {
    joined(b"false-statements/", party.as_bytes())
}

/// The `DisputeTally` of a right.
pub fn subject_tally(subject: &Hash) -> Vec<u8> {
    joined(b"dispute-subject/", subject)
}

/// A page of the `DueDisputes` of an hour since 1970; the pages are numbered from 0.
pub fn due_disputes(hour: u64, page: u64) -> Vec<u8> {
    let mut key = joined(b"dispute-due/", &hour.to_be_bytes());
    if page > 0 {
        key.extend_from_slice(&page.to_be_bytes());
    }
    key
}

/// The number of the last of these pages, eight bytes big-endian; missing: 0.
pub fn due_disputes_last_page(hour: u64) -> Vec<u8> {
    joined(b"dispute-due-last/", &hour.to_be_bytes())
}

/// The first hour whose disputes aren't looked at yet, eight bytes big-endian.
pub const DISPUTES_HOUR: &[u8] = b"disputes-hour";

/// The first page of that hour that isn't looked at yet, eight bytes big-endian; missing: 0.
pub const DISPUTES_PAGE: &[u8] = b"disputes-page";

/// A `CaseCheck`, by the id of the transaction that recorded it.
pub fn case_check(id: &Hash) -> Vec<u8> {
    joined(b"check/", id)
}

/// A `Sanction`, by the id of the transaction that imposed it.
pub fn sanction(id: &Hash) -> Vec<u8> {
    joined(b"sanction/", id)
}

/// The `PartySanctions` of an organisation.
pub fn party_sanctions(organisation: &str) -> Vec<u8> {
    joined(b"sanctions/", organisation.as_bytes())
}

/// The `PartySanctions` of all that are vouched for with a register's number.
pub fn registered_sanctions(number: &str) -> Vec<u8> {
    joined(b"sanctions-registered/", number.as_bytes())
}

/// The consortium's `DisputeTerms`; missing: those that the rules name.
pub const DISPUTE_TERMS: &[u8] = b"dispute-terms";

/// The consortium's `ReviewTerms`; missing: those that the rules name.
pub const REVIEW_TERMS: &[u8] = b"review-terms";

/// The `HashChain` of a validator, by its public key.
pub fn hash_chain(validator: &[u8; 32]) -> Vec<u8> {
    joined(b"hash-chain/", validator)
}

/// The `JurorLists` of a platform.
pub fn juror_lists(platform: &str) -> Vec<u8> {
    joined(b"jurors/", platform.as_bytes())
}

/// A `JurorList` of a platform that its `JurorLists` names no more, by its number from 0.
pub fn earlier_jurors(platform: &str, number: u64) -> Vec<u8> {
    let mut key = joined(b"jurors-earlier/", &number.to_be_bytes());
    key.extend_from_slice(platform.as_bytes());
    key
}

/// The id of the dispute whose panel decides, or did, about a right, a respondent and a ground.
pub fn reviewed(matter: &Hash) -> Vec<u8> {
    joined(b"reviewed/", matter)
}

/// The `Panel` of a dispute: that of instance 0, or that of the appeal, 1.
pub fn panel(dispute: &Hash, instance: u32) -> Vec<u8> {
    let mut key = joined(b"panel/", dispute);
    key.extend_from_slice(&instance.to_be_bytes());
    key
}

/// The `Draws`; missing: there was none.
pub const DRAWS: &[u8] = b"draws";

/// A `Draw`, by the number of those before it.
pub fn draw(number: u64) -> Vec<u8> {
    joined(b"draw/", &number.to_be_bytes())
}

/// The head of the link that the record at `owner` holds, after its first `count` entries; written at
/// every [`PAGE_STRIDE`](crate::proof::link::PAGE_STRIDE)th.
pub fn link_head(owner: &[u8], count: u64) -> Vec<u8> {
    let mut key = joined(b"link-head/", &hash::sha256(owner));
    key.extend_from_slice(&count.to_be_bytes());
    key
}

/// An `Organisation`, by id.
pub fn organisation(id: &str) -> Vec<u8> {
    joined(b"organisation/", id.as_bytes())
}

/// The id of the organisation that a key belongs to.
pub fn key_owner(public_key: &[u8]) -> Vec<u8> {
    joined(b"key/", public_key)
}

/// A `ChangeRecord`, by change id.
pub fn change(id: &Hash) -> Vec<u8> {
    joined(b"change/", id)
}

/// The block id at a height, eight bytes big-endian; written by the block after it.
pub fn block(height: u64) -> Vec<u8> {
    joined(b"block/", &height.to_be_bytes())
}

/// The id of the organisation that a GS1 company prefix is registered with; empty: no more.
pub fn company_prefix(digits: &str) -> Vec<u8> {
    joined(b"prefix/", digits.as_bytes())
}

/// An `Emptying`: the end of a container's `generation`, counted from 0.
pub fn emptying(container: &str, generation: u64) -> Vec<u8> {
    let mut key = joined(b"emptying/", &generation.to_be_bytes());
    key.extend_from_slice(container.as_bytes());
    key
}

/// An `Offer`, by the id of the transaction that made it.
pub fn offer(id: &[u8]) -> Vec<u8> {
    joined(b"offer/", id)
}

/// The `OpenOffers` of an organisation.
pub fn open_offers(organisation: &str) -> Vec<u8> {
    joined(b"open-offers/", organisation.as_bytes())
}

/// An `EventRecord`: the last event of an organisation with this `eventID`.
pub fn event(organisation: &str, event_id: &str) -> Vec<u8> {
    let name = [organisation.as_bytes(), &[0], event_id.as_bytes()].concat();
    joined(b"event/", &hash::sha256(&name))
}

/// A `Product`: what transformations may make of a class.
pub fn product(class: &str) -> Vec<u8> {
    joined(b"product/", class.as_bytes())
}

/// The current `MasterData` of an identifier.
pub fn master_data(identifier: &str) -> Vec<u8> {
    joined(b"master-data/", identifier.as_bytes())
}

/// A version of an identifier's `MasterData` that a later one replaced.
pub fn master_data_version(identifier: &str, version: u64) -> Vec<u8> {
    let mut key = joined(b"master-data-version/", &version.to_be_bytes());
    key.extend_from_slice(identifier.as_bytes());
    key
}

fn joined(prefix: &[u8], rest: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(prefix.len().saturating_add(rest.len()));
    key.extend_from_slice(prefix);
    key.extend_from_slice(rest);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The layout is public: a change here changes the format.
    #[test]
    fn layout() {
        assert_eq!(
            item("https://id.gs1.org/01/1"),
            b"item/https://id.gs1.org/01/1"
        );
        assert_eq!(design(&[1; 32]), [b"design/".as_slice(), &[1; 32]].concat());
        assert_eq!(
            design_file(&[2; 32]),
            [b"design-file/".as_slice(), &[2; 32]].concat()
        );
        assert_eq!(
            link_head(b"item/a", 258),
            [
                b"link-head/".as_slice(),
                &hash::sha256(b"item/a"),
                b"\0\0\0\0\0\0\x01\x02"
            ]
            .concat()
        );
        assert_eq!(organisation("abc"), b"organisation/abc");
        assert_eq!(key_owner(&[3; 32]), [b"key/".as_slice(), &[3; 32]].concat());
        assert_eq!(change(&[4; 32]), [b"change/".as_slice(), &[4; 32]].concat());
        assert_eq!(block(258), b"block/\0\0\0\0\0\0\x01\x02");
        assert_eq!(company_prefix("9521321"), b"prefix/9521321");
        assert_eq!(emptying("a:b", 1), b"emptying/\0\0\0\0\0\0\0\x01a:b");
        assert_eq!(offer(&[5; 32]), [b"offer/".as_slice(), &[5; 32]].concat());
        assert_eq!(open_offers("abc"), b"open-offers/abc");
        let name = hash::sha256(b"abc\0urn:uuid:1");
        assert_eq!(
            event("abc", "urn:uuid:1"),
            [b"event/".as_slice(), &name].concat()
        );
        assert_eq!(product("a:b"), b"product/a:b");
        assert_eq!(master_data("a:b"), b"master-data/a:b");
        assert_eq!(
            master_data_version("a:b", 258),
            b"master-data-version/\0\0\0\0\0\0\x01\x02a:b"
        );
        assert_eq!(FINGERPRINTS, b"fingerprints");
        assert_eq!(fingerprint(258), b"fingerprint/\0\0\0\0\0\0\x01\x02");
        assert_eq!(FEATURES, b"features");
        assert_eq!(features(258), b"features/\0\0\0\0\0\0\x01\x02");
        assert_eq!(
            features_of(&[6; 32], &[7; 32]),
            [&b"features-of/"[..], &[6; 32], &[7; 32]].concat()
        );
        assert_eq!(
            look_alikes(&[6; 32]),
            [b"look-alikes/".as_slice(), &[6; 32]].concat()
        );
        assert_eq!(vouched_designer("a.b"), b"vouched/a.b");
        assert_eq!(vouching("a.b", 258), b"vouching/\0\0\0\0\0\0\x01\x02a.b");
        assert_eq!(voucher("abc"), b"voucher/abc");
        let with = |prefix: &[u8], id: u8| [prefix, &[id; 32]].concat();
        assert_eq!(right(&[7; 32]), with(b"right/", 7));
        assert_eq!(dispute(&[7; 32]), with(b"dispute/", 7));
        assert_eq!(open_dispute(&[7; 32]), with(b"dispute-open/", 7));
        assert_eq!(listing_notices(&[7; 32]), with(b"listing/", 7));
        assert_eq!(subject_tally(&[7; 32]), with(b"dispute-subject/", 7));
        assert_eq!(party_tally("abc"), b"dispute-party/abc");
        assert_eq!(false_statements("abc"), b"false-statements/abc");
        assert_eq!(case_check(&[7; 32]), with(b"check/", 7));
        assert_eq!(sanction(&[7; 32]), with(b"sanction/", 7));
        assert_eq!(party_sanctions("abc"), b"sanctions/abc");
        assert_eq!(registered_sanctions("9"), b"sanctions-registered/9");
        assert_eq!(DISPUTE_TERMS, b"dispute-terms");
        let hour = b"dispute-due/\0\0\0\0\0\0\x01\x02".to_vec();
        assert_eq!(due_disputes(258, 0), hour);
        assert_eq!(
            due_disputes(258, 259),
            [&hour[..], b"\0\0\0\0\0\0\x01\x03"].concat()
        );
        let last = b"dispute-due-last/\0\0\0\0\0\0\x01\x02";
        assert_eq!(due_disputes_last_page(258), last);
        assert_eq!(DISPUTES_HOUR, b"disputes-hour");
        assert_eq!(DISPUTES_PAGE, b"disputes-page");
        assert_eq!(MISSED_TURNS, b"missed-turns");
        assert_eq!(REVIEW_TERMS, b"review-terms");
        assert_eq!(hash_chain(&[7; 32]), with(b"hash-chain/", 7));
        assert_eq!(juror_lists("abc"), b"jurors/abc");
        assert_eq!(
            earlier_jurors("abc", 258),
            b"jurors-earlier/\0\0\0\0\0\0\x01\x02abc"
        );
        assert_eq!(reviewed(&[7; 32]), with(b"reviewed/", 7));
        let first = with(b"panel/", 7);
        assert_eq!(panel(&[7; 32], 1), [&first[..], b"\0\0\0\x01"].concat());
        assert_eq!(DRAWS, b"draws");
        assert_eq!(draw(258), b"draw/\0\0\0\0\0\0\x01\x02");
        assert_eq!(mark(&[7; 32]), with(b"mark/", 7));
        assert_eq!(licence(&[8; 32]), with(b"licence/", 8));
        assert_eq!(licence_end(&[9; 32]), with(b"licence-end/", 9));
        let licensee = authorisations(&[7; 32], "abc");
        assert_eq!(
            licensee,
            [with(b"authorised/", 7), b"abc".to_vec()].concat()
        );
        assert_eq!(
            (VALIDATORS, PARAMETERS, PROTOCOL, ORGANISATIONS),
            (
                &b"validators"[..],
                &b"parameters"[..],
                &b"protocol"[..],
                &b"organisations"[..]
            )
        );
    }
}
