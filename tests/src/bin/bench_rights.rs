//! What rights and disputes cost: finding a draw, a verdict and an authorisation again from an evidence file, and one
//! platform that vouches for many designers without a vote each.
//!
//! Usage: `scripts/bench-proofs` (`bench_rights [DESIGNERS]`, 100,000 by default)

#![allow(clippy::print_stdout, reason = "a program speaks to its user")]

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use ed25519_dalek::SigningKey;
use prost::Message;
use touchstone_core::designs::authorised::{SaleAnswer, SaleQuestion};
use touchstone_core::evidence::{
    Additions, Archive, CheckResult, Element, Subject, Trusted, collect_with, examine, seal,
};
use touchstone_core::governance::review_terms;
use touchstone_core::hash::{self, Hash};
use touchstone_core::proof::authorisation;
use touchstone_core::signing::{self, Purpose};
use touchstone_core::test_support::reviews::{
    Jury, appeal, countered, draw_panel, open_review, vote,
};
use touchstone_core::test_support::rights::{designed, end_licence, grant, sale, terms};
use touchstone_core::test_support::{CARRIER, Chain, MAKER, MARKET, OFFICE};
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{
    IdentityCheck, LicenceTerms, ReviewChoice, ReviewGround, VouchForDesigner,
};
use touchstone_proto::node::{AuthorisationQuestion, ProvenValue};
use touchstone_tests::bench::latency::median_ms;
use touchstone_tests::bench::numbers;

/// Jurors of the platform.
const JURORS: u32 = 1_000;
/// Vouchings of a block.
const TOGETHER: usize = 2_500;

fn main() -> ExitCode {
    let told = match numbers::read("bench_rights [DESIGNERS]", 1) {
        Ok(told) => told,
        Err(code) => return code,
    };
    let designers = told.first().map_or(100_000, |n| *n as usize);
    println!("| found again from an evidence file | check ms | bytes of the file |");
    println!("|---|---|---|");
    reviews();
    authorisations();
    println!();
    println!(
        "| designers of one platform | votes of the consortium | s for all | ms a vouching | bytes of records each \
         | class answer: bytes | check ms |"
    );
    println!("|---|---|---|---|---|---|---|");
    vouchings(designers);
    ExitCode::SUCCESS
}

/// A panel and an appeal's larger one, of the default terms.
fn reviews() {
    let jury = Jury::of(JURORS);
    let (mut chain, design, id) = countered(&jury, review_terms::DEFAULT);
    let opened = open_review(&id, ReviewGround::Similarity);
    chain.run(CARRIER, opened).expect("a review");
    draw_panel(&mut chain);
    let additions = Additions {
        disputes: vec![id],
        questions: Vec::new(),
    };
    let draw = format!("draw of 31 jurors and 31 alternates of {JURORS}");
    row(&draw, &chain, design, &additions, Element::Disputes);
    vote(&mut chain, &jury, &id, 0, &[ReviewChoice::Uphold; 31]);
    chain.run(CARRIER, appeal(&id)).expect("an appeal");
    draw_panel(&mut chain);
    vote(&mut chain, &jury, &id, 1, &[ReviewChoice::Dismiss; 61]);
    let verdict = "verdict of 31 jurors, and of the appeal's 61";
    row(verdict, &chain, design, &additions, Element::Disputes);
}

/// Through as many sublicences as there may be.
fn authorisations() {
    let (mut chain, design) = designed();
    let until_ms = chain.time_ms + 1_000_000;
    let deep = |depth| LicenceTerms {
        depth,
        ..terms(until_ms)
    };
    let mut parent = None;
    for (depth, from, to) in [
        (3, MAKER, MARKET.0),
        (2, MARKET, CARRIER.0),
        (1, CARRIER, OFFICE.0),
        (0, OFFICE, "market.*"),
    ] {
        let action = grant(&design, parent.as_ref(), to, deep(depth));
        parent = Some(chain.run_for_id(from, action).expect("a licence"));
    }
    let lin = vouch(&chain, 1);
    let action = Action::VouchForDesigner(lin.clone());
    chain.run(MARKET, action).expect("a vouching");
    let additions = Additions {
        disputes: Vec::new(),
        questions: vec![AuthorisationQuestion {
            seller: lin.designer,
            act: 3,
            territory: "CN".into(),
            time_ms: chain.time_ms,
        }],
    };
    let yes = "authorisation: yes, of a class, four licences deep";
    row(yes, &chain, design, &additions, Element::Authorisations);
    let parent = parent.expect("a licence");
    chain
        .run(OFFICE, end_licence(&parent))
        .expect("its grantor");
    let mut additions = additions;
    additions.questions[0].time_ms = chain.time_ms;
    let no = "authorisation: no, as it was ended";
    row(no, &chain, design, &additions, Element::Authorisations);
}

/// Examines a whole file, in which this element found again what it is about.
fn row(what: &str, chain: &Chain, design: Hash, additions: &Additions, element: Element) {
    let evidence = collect_with(chain, &Subject::Design(design), additions);
    let file = seal(&evidence.expect("a chain in memory"));
    let trusted = Trusted {
        chain_id: Some(chain.id),
        ..Trusted::default()
    };
    let ms = median_ms(|| {
        let report = examine(black_box(&file), &trusted);
        assert_eq!(report.failure(), None);
        let check = report.check(element).expect("examined");
        assert!(matches!(
            check.result,
            CheckResult::Passed | CheckResult::Reservation
        ));
    });
    println!("| {what} | {ms:.2} | {} |", file.len());
}

/// The market's word for a designer with this number, whose key it doesn't have.
fn vouch(chain: &Chain, number: u64) -> VouchForDesigner {
    let secret = hash::sha256(&[b"designer", &number.to_be_bytes()[..]].concat());
    let key = SigningKey::from_bytes(&secret);
    let designer = format!("{}.d{number}", MARKET.0);
    let purpose = Purpose::Possession;
    let possession = signing::sign(&key, purpose, &chain.id, designer.as_bytes());
    VouchForDesigner {
        name: format!("Designer {number}"),
        public_key: key.verifying_key().to_bytes().to_vec(),
        possession: possession.to_vec(),
        check: IdentityCheck::InPerson.into(),
        check_words: "passport".into(),
        until_ms: chain.time_ms + 1_000_000_000,
        registered_as: String::new(),
        designer,
    }
}

/// One platform vouches for so many; a tenth of them, and a hundredth, are rows too.
fn vouchings(designers: usize) {
    let (mut chain, design) = designed();
    let all = grant(
        &design,
        None,
        "market.*",
        terms(chain.time_ms + 1_000_000_000),
    );
    chain.run(MAKER, all).expect("a licence for the class");
    let before = bytes_of_records(&chain);
    let start = Instant::now();
    let mut vouched = 0;
    while vouched < designers {
        let many = TOGETHER.min(next_row(vouched, designers) - vouched);
        let block: Vec<Vec<u8>> = (0..many as u64)
            .map(|n| {
                let action = vouch(&chain, vouched as u64 + n);
                chain.sign_at(MARKET, n, Action::VouchForDesigner(action))
            })
            .collect();
        let began = Instant::now();
        let applied = chain.commit(&block).applied.len();
        assert_eq!(applied, many, "good vouchings");
        let ms = began.elapsed().as_secs_f64() * 1000.0 / many as f64;
        vouched += many;
        if next_row(vouched - 1, designers) == vouched {
            let each = (bytes_of_records(&chain) - before) / vouched;
            let (bytes, check_ms) = class_answer(&chain, &design, vouched as u64 - 1);
            let seconds = start.elapsed().as_secs_f64();
            println!(
                "| {vouched} | 0 | {seconds:.1} | {ms:.3} | {each} | {bytes} | {check_ms:.2} |"
            );
        }
    }
}

/// The next count of designers that is a row.
fn next_row(vouched: usize, designers: usize) -> usize {
    let rows = [designers / 100, designers / 10, designers];
    let next = rows.into_iter().find(|row| *row > vouched);
    next.unwrap_or(designers)
}

fn bytes_of_records(chain: &Chain) -> usize {
    let records = chain.state.values.iter();
    records.map(|(key, value)| key.len() + value.len()).sum()
}

/// Whether this designer may sell under the class's licence, as a light client checks it.
fn class_answer(chain: &Chain, design: &Hash, number: u64) -> (usize, f64) {
    let seller = format!("{}.d{number}", MARKET.0);
    let asked: SaleQuestion = sale(design, &seller, chain.time_ms);
    let keys = authorisation::keys(&chain.state, &asked).expect("a chain in memory");
    let values = keys.into_iter().map(|key| {
        let Some(key) = key else {
            return ProvenValue::default();
        };
        let (value, proof) = chain.prove(&key).expect("a chain in memory");
        let proof = Some(proof);
        ProvenValue { value, proof }
    });
    let values: Vec<ProvenValue> = values.collect();
    let root = chain.blocks.last().expect("a block").header.state_root;
    let ms = median_ms(|| {
        let answer = authorisation::verify(&root, &asked, black_box(&values));
        assert!(matches!(answer, Ok(SaleAnswer::Licensed(_))), "{answer:?}");
    });
    (values.iter().map(Message::encoded_len).sum(), ms)
}
