use touchstone_proto::ledger::{DisputeOutcome, ReviewChoice, ReviewGround};

use super::*;
use crate::test_support::reviews::{
    FEW, Jury, appeal, countered, dispute_of, draw_panel, open_review, panel_of, vote,
};
use crate::test_support::{CARRIER, Chain};

fn records(chain: &Chain, id: &Hash, instances: u32) -> (Dispute, Vec<(Panel, Draw)>) {
    let panels = (0..instances).map(|instance| {
        let panel = panel_of(chain, id, instance);
        let draw = chain.state.message(&crate::state::keys::draw(panel.draw));
        (panel, draw.unwrap_or_default())
    });
    (dispute_of(chain, id), panels.collect())
}

/// A review with an appeal that ended.
fn appealed() -> (Dispute, Vec<(Panel, Draw)>) {
    let jury = Jury::of(20);
    let (mut chain, _, id) = countered(&jury, FEW);
    let opened = open_review(&id, ReviewGround::Similarity);
    chain.run(CARRIER, opened).unwrap();
    assert_eq!(records(&chain, &id, 1).1.len(), 1);
    let (dispute, panels) = records(&chain, &id, 1);
    assert_eq!(check(&dispute, &panels), Ok(()), "not drawn yet");
    draw_panel(&mut chain);
    let votes = [ReviewChoice::Uphold; 3];
    vote(&mut chain, &jury, &id, 0, &votes);
    let (dispute, panels) = records(&chain, &id, 1);
    assert_eq!(check(&dispute, &panels), Ok(()), "decided");
    chain.run(CARRIER, appeal(&id)).unwrap();
    draw_panel(&mut chain);
    let votes = [ReviewChoice::Dismiss; 5];
    vote(&mut chain, &jury, &id, 1, &votes);
    records(&chain, &id, 2)
}

/// A tampered record is found out, whichever field is bent.
#[test]
fn each_field_of_the_records_counts() {
    let (dispute, panels) = appealed();
    assert_eq!(check(&dispute, &panels), Ok(()));
    type Bend = fn(&mut Dispute, &mut Vec<(Panel, Draw)>);
    let table: [(&str, Bend); 25] = [
        ("review", |d, _| d.review = None),
        ("subject", |d, _| d.subject[0] ^= 1),
        ("respondent", |d, _| d.respondent.push('x')),
        ("ground", |d, _| d.review.as_mut().unwrap().ground = 2),
        ("outcome", |d, _| {
            d.outcome = DisputeOutcome::PanelUpheld.into()
        }),
        ("verdict", |d, _| {
            d.review.as_mut().unwrap().results[0].verdict = 2
        }),
        ("uphold", |d, _| {
            d.review.as_mut().unwrap().results[0].uphold = 2
        }),
        ("dismiss", |d, _| {
            d.review.as_mut().unwrap().results[1].dismiss = 4
        }),
        ("reasons", |d, _| {
            d.review.as_mut().unwrap().results[1].reasons[0] ^= 1
        }),
        ("a panel left out", |_, p| drop(p.pop())),
        ("terms", |_, p| p[0].0.terms = None),
        ("panel", |_, p| {
            p[1].0.terms.as_mut().unwrap().alternates = 1
        }),
        ("quorum", |_, p| {
            p[0].0.terms.as_mut().unwrap().quorum_percent = 100
        }),
        ("root", |_, p| p[0].0.root[0] ^= 1),
        ("count", |_, p| p[0].0.count = 21),
        ("seed", |_, p| p[0].0.seed[0] ^= 1),
        ("a juror", |_, p| p[1].0.seats[0].juror ^= 1),
        ("a seat left out", |_, p| drop(p[0].0.seats.pop())),
        ("a choice", |_, p| p[0].0.seats[0].choice = 2),
        ("a state", |_, p| p[0].0.seats[0].state = 1),
        ("a reason", |_, p| p[1].0.seats[0].reasons[0] ^= 1),
        ("a value", |_, p| p[0].1.values[0].preimage[0] ^= 1),
        ("a tip", |_, p| p[0].1.values[0].tip[0] ^= 1),
        ("a value left out", |_, p| p[0].1.values[0].preimage.clear()),
        ("an open draw", |_, p| p[0].1.closed_height = 0),
    ];
    for (field, bend) in table {
        let (mut bent, mut others) = (dispute.clone(), panels.clone());
        bend(&mut bent, &mut others);
        // With a quorum of all the three of three still decide.
        let expected = field == "quorum";
        assert_eq!(check(&bent, &others).is_ok(), expected, "{field}");
    }
}
