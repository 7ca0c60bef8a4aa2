//! Lots and their amounts; the mass balance of transformations.

use super::authority::code;
use super::*;
use crate::custody::capture_events::quantities::credit;
use crate::custody::limits::MAX_HOLDINGS;
use crate::test_support::{event_of, lot, step};
use serde_json::{Value, json};
use touchstone_proto::ledger::{DeclareProduct, Holding, Stock};

/// The class of all lots of `lot`.
fn product() -> String {
    lot(1).split("/10/").next().unwrap().to_owned()
}

fn of(class: &str, quantity: &str, unit: &str) -> Value {
    let mut entry = json!({"epcClass": class});
    if !quantity.is_empty() {
        entry["quantity"] = serde_json::from_str(quantity).unwrap();
    }
    if !unit.is_empty() {
        entry["uom"] = json!(unit);
    }
    entry
}

fn made(inputs: &[Value], outputs: &[Value]) -> Action {
    let fields = json!({"inputQuantityList": inputs, "outputQuantityList": outputs});
    capture(&[event_of("TransformationEvent", "", fields)])
}

fn begun(quantity: Value) -> Action {
    capture(&[event_of(
        "ObjectEvent",
        "ADD",
        json!({"quantityList": [quantity]}),
    )])
}

fn declare(product: &str, output: u64, input: u64, unit: &str) -> Action {
    Action::DeclareProduct(DeclareProduct {
        product: product.into(),
        output,
        input,
        unit: unit.into(),
    })
}

fn stock(chain: &Chain, class: &str) -> Option<(String, Vec<(String, u64)>)> {
    let stock = record(chain, class).stock?;
    let holdings = stock.holdings.into_iter();
    Some((
        stock.unit,
        holdings.map(|h| (h.organisation, h.millionths)).collect(),
    ))
}

#[test]
fn a_lot_is_used_up_to_what_it_has() {
    let mut chain = Chain::start();
    let raw = lot(1);
    chain.run(MAKER, begun(of(&raw, "1.5", "TNE"))).unwrap();
    let maker = |millionths| Some(("KGM".to_owned(), vec![("maker".to_owned(), millionths)]));
    assert_eq!(stock(&chain, &raw), maker(1_500_000_000));
    let thing = [of("urn:x:class", "", "")];
    let rows = [
        (MAKER, of(&raw, "1500", "KGM"), 0),
        (MAKER, of(&raw, "1500000", "GRM"), 0),
        (MAKER, of(&raw, "1500.000001", "KGM"), 351),
        (MAKER, of(&raw, "1500.0000001", "KGM"), 350),
        (MAKER, of(&raw, "1", "LTR"), 350),
        (MAKER, of(&raw, "1", ""), 350),
        (MAKER, of(&raw, "", ""), 350),
        (MAKER, of(&raw, "-1", "KGM"), 350),
        (MARKET, of(&raw, "0.000001", "KGM"), 351),
    ];
    for (who, input, expected) in rows {
        let text = input.to_string();
        assert_eq!(
            code(&chain, who, made(&[input], &thing)),
            expected,
            "{who:?} {text}"
        );
    }
    chain
        .run(MAKER, made(&[of(&raw, "1000", "KGM")], &thing))
        .unwrap();
    assert_eq!(stock(&chain, &raw), maker(500_000_000));
    chain.run(MAKER, begun(of(&raw, "20", "KGM"))).unwrap();
    assert_eq!(stock(&chain, &raw), maker(520_000_000));
    // Sold, destroyed and decommissioned amounts are gone too; seen ones aren't.
    let touched = |action: &str, biz_step: &str| {
        let fields = json!({"bizStep": biz_step, "quantityList": [of(&raw, "10", "KGM")]});
        capture(&[event_of("ObjectEvent", action, fields)])
    };
    chain
        .run(MAKER, touched("OBSERVE", "retail_selling"))
        .unwrap();
    chain.run(MAKER, touched("OBSERVE", "destroying")).unwrap();
    chain.run(MAKER, touched("DELETE", "other")).unwrap();
    chain.run(MAKER, touched("OBSERVE", "storing")).unwrap();
    assert_eq!(stock(&chain, &raw), maker(490_000_000));
    chain
        .run(MAKER, made(&[of(&raw, "490", "KGM")], &thing))
        .unwrap();
    assert_eq!(stock(&chain, &raw), Some(("KGM".to_owned(), vec![])));
}

/// A lot whose amount wasn't stated from its beginning has no stock that could be used up.
#[test]
fn no_account_is_kept_of_what_began_without_a_quantity() {
    let mut chain = Chain::start();
    let raw = lot(1);
    chain.run(MAKER, begun(of(&raw, "", ""))).unwrap();
    chain.run(MAKER, begun(of(&raw, "5", "KGM"))).unwrap();
    assert_eq!(stock(&chain, &raw), None);
    let thing = [of("urn:x:class", "", "")];
    assert_eq!(
        code(&chain, MARKET, made(&[of(&raw, "1000", "KGM")], &thing)),
        0
    );
    // So how much is used needn't be told either.
    assert_eq!(code(&chain, MARKET, made(&[of(&raw, "", "")], &thing)), 0);
}

/// Of a lot of a maker who isn't on the ledger, or with a name of its own, the first to state a quantity states it for
/// nobody else.
#[test]
fn an_account_begins_under_a_registered_prefix_alone() {
    for class in ["https://id.gs1.org/01/04012345123456/10/A", "urn:x:lot"] {
        let mut chain = Chain::start();
        chain.run(CARRIER, begun(of(class, "1", ""))).unwrap();
        assert_eq!(stock(&chain, class), None, "{class}");
        let used = made(&[of(class, "1000", "KGM")], &[of("urn:x:class", "", "")]);
        assert_eq!(code(&chain, MARKET, used), 0, "{class}");
        let more = begun(of(class, "5", "KGM"));
        assert_eq!(code(&chain, MARKET, more), 0, "{class}");
    }
}

#[test]
fn a_lot_is_not_more_than_can_be_counted() {
    let mut chain = Chain::start();
    let raw = lot(1);
    chain
        .run(MAKER, begun(of(&raw, "18446744073709", "KGM")))
        .unwrap();
    assert_eq!(code(&chain, MAKER, begun(of(&raw, "1", "KGM"))), 350);
    assert_eq!(code(&chain, MAKER, begun(of(&raw, "0", "KGM"))), 0);
}

#[test]
fn a_product_is_declared_by_whose_prefix_it_has() {
    let chain = Chain::start();
    let class = product();
    let rows = [
        (MAKER, declare(&class, 9, 10, "KGM"), 0),
        (MAKER, declare(&lot(1), 9, 10, ""), 0),
        (MAKER, declare(&class, 9, 10, "H87"), 0),
        (MAKER, declare(&class, 0, 10, "KGM"), 353),
        (MAKER, declare(&class, 9, 0, "KGM"), 353),
        (MAKER, declare(&class, 9, 10, "GRM"), 353),
        (MAKER, declare(&class, 9, 10, "kg"), 353),
        (MAKER, declare(&class, 9, 10, "K"), 353),
        (MAKER, declare(&class, 9, 10, "KGMS"), 353),
        (MAKER, declare(&item(1), 9, 10, "KGM"), 353),
        (MAKER, declare("urn:x:class", 9, 10, "KGM"), 353),
        (
            MAKER,
            declare("urn:epc:idpat:sgtin:9521321.000002.*", 9, 10, "KGM"),
            353,
        ),
        (
            MAKER,
            declare("https://id.gs1.org/01/04012345123456", 9, 10, "KGM"),
            309,
        ),
        (MARKET, declare(&class, 9, 10, "KGM"), 309),
        (CARRIER, declare(&class, 9, 10, "KGM"), 203),
    ];
    for (who, action, expected) in rows {
        let text = format!("{who:?} {action:?}");
        assert_eq!(code(&chain, who, action), expected, "{text}");
    }
}

/// Nine of the product from ten of inputs, by weight.
#[test]
fn outputs_need_their_inputs() {
    let mut chain = Chain::start();
    chain.run(MAKER, declare(&product(), 9, 10, "KGM")).unwrap();
    let (in_1, in_2) = ("urn:x:in-1", "urn:x:in-2");
    let rows: [(&str, Vec<Value>, Vec<Value>, u32); 10] = [
        (
            "all of it",
            vec![of(in_1, "10", "KGM")],
            vec![of(&lot(1), "9", "KGM")],
            0,
        ),
        (
            "less",
            vec![of(in_1, "10", "KGM")],
            vec![of(&lot(1), "1", "GRM")],
            0,
        ),
        (
            "too much",
            vec![of(in_1, "10", "KGM")],
            vec![of(&lot(1), "9.000001", "KGM")],
            352,
        ),
        (
            "inputs add up, in any unit of mass",
            vec![
                of(in_1, "9000", "GRM"),
                of(in_2, "0.001", "TNE"),
                of(in_2, "5", "LTR"),
            ],
            vec![of(&lot(1), "9", "KGM")],
            0,
        ),
        (
            "outputs share the inputs",
            vec![of(in_1, "10", "KGM")],
            vec![of(&lot(1), "5", "KGM"), of(&lot(2), "4.5", "KGM")],
            352,
        ),
        (
            "another unit",
            vec![of(in_1, "10", "LTR")],
            vec![of(&lot(1), "9", "KGM")],
            352,
        ),
        (
            "no amount",
            vec![of(in_1, "10", "KGM")],
            vec![of(&lot(1), "", "")],
            350,
        ),
        (
            "pieces",
            vec![of(in_1, "10", "KGM")],
            vec![of(&lot(1), "1", "")],
            350,
        ),
        (
            "not exact",
            vec![of(in_1, "10", "KGM")],
            vec![of(&lot(1), "1e-9", "KGM")],
            350,
        ),
        (
            "no yield declared",
            vec![of(in_1, "1", "KGM")],
            vec![of("urn:x:out", "9", "KGM")],
            0,
        ),
    ];
    for (name, inputs, outputs, expected) in rows {
        assert_eq!(
            code(&chain, MAKER, made(&inputs, &outputs)),
            expected,
            "{name}"
        );
    }
    // Single things of a product that is weighed have no weight to check.
    let fields = json!({
        "inputQuantityList": [of(in_1, "10", "KGM")],
        "outputEPCList": [format!("{}/21/1", product())]
    });
    let single = capture(&[event_of("TransformationEvent", "", fields)]);
    assert_eq!(code(&chain, MAKER, single), 350);
}

/// A lot's own declaration counts before that of all lots; the latest counts.
#[test]
fn the_nearest_and_latest_declaration_counts() {
    let mut chain = Chain::start();
    let action = made(&[of("urn:x:in", "10", "KGM")], &[of(&lot(1), "10", "KGM")]);
    chain.run(MAKER, declare(&product(), 1, 2, "KGM")).unwrap();
    assert_eq!(code(&chain, MAKER, action.clone()), 352);
    chain.run(MAKER, declare(&lot(1), 1, 1, "KGM")).unwrap();
    assert_eq!(code(&chain, MAKER, action.clone()), 0);
    chain.run(MAKER, declare(&lot(1), 99, 100, "KGM")).unwrap();
    assert_eq!(code(&chain, MAKER, action), 352);
}

/// Two of the product from one piece of input.
#[test]
fn pieces_are_counted() {
    let mut chain = Chain::start();
    let class = item(1).split("/21/").next().unwrap().to_owned();
    chain.run(MAKER, declare(&class, 2, 1, "")).unwrap();
    let kits = |inputs: u64, outputs: u64| {
        let inputs: Vec<String> = (0..inputs).map(|n| format!("urn:x:kit-{n}")).collect();
        let outputs: Vec<String> = (0..outputs).map(item).collect();
        let fields = json!({"inputEPCList": inputs, "outputEPCList": outputs});
        capture(&[event_of("TransformationEvent", "", fields)])
    };
    for (inputs, outputs, expected) in [(1, 2, 0), (1, 3, 352), (2, 4, 0), (2, 5, 352)] {
        assert_eq!(
            code(&chain, MAKER, kits(inputs, outputs)),
            expected,
            "{inputs} {outputs}"
        );
    }
}

/// Inputs are active and the organisation's own; outputs are its own from then on.
#[test]
fn a_transformation_consumes_and_commissions() {
    let mut chain = Chain::start();
    let [a, b, c] = [item(1), item(2), item(3)];
    let make = |input: &String, output: &String| {
        let fields = json!({"inputEPCList": [input], "outputEPCList": [output]});
        capture(&[event_of("TransformationEvent", "", fields)])
    };
    chain
        .run(
            MAKER,
            capture(&[step("ADD", "commissioning", std::slice::from_ref(&a))]),
        )
        .unwrap();
    assert_eq!(code(&chain, MARKET, make(&a, &"urn:x:1".to_owned())), 307);
    chain.run(MAKER, make(&a, &b)).unwrap();
    assert!(record(&chain, &b).commissioned.is_some());
    assert_eq!(record(&chain, &b).custody.unwrap().holder, "maker");
    assert_eq!(code(&chain, MAKER, make(&a, &c)), 311, "used up");
    assert_eq!(code(&chain, MAKER, make(&c, &b)), 310, "made already");
    assert_eq!(code(&chain, MAKER, make(&b, &c)), 0);
}

#[test]
fn holders_of_a_lot_are_bounded_and_have_some_of_it() {
    let holding = |n: usize| Holding {
        organisation: format!("organisation-{n:04}"),
        millionths: 1,
    };
    let mut stock = Stock {
        unit: "KGM".to_owned(),
        holdings: (0..MAX_HOLDINGS - 1).map(holding).collect(),
    };
    let mut give = |to: &str, millionths| {
        let given = credit(&mut stock, 0, "a lot", to, millionths);
        (given.map_err(|r| r.code()), stock.holdings.len())
    };
    let before = MAX_HOLDINGS - 1;
    assert_eq!(give("nobody", 0), (Ok(()), before), "none of it");
    assert_eq!(give("organisation-0001", 5), (Ok(()), before));
    assert_eq!(give("the last one", 5), (Ok(()), MAX_HOLDINGS));
    assert_eq!(give("one more", 5), (Err(350), MAX_HOLDINGS));
    assert_eq!(give("one more", 0), (Ok(()), MAX_HOLDINGS));
    assert_eq!(give("the last one", 5), (Ok(()), MAX_HOLDINGS));
}

/// The smallest amount isn't made of nothing.
#[test]
fn what_is_needed_is_rounded_up() {
    let mut chain = Chain::start();
    chain.run(MAKER, declare(&product(), 3, 1, "KGM")).unwrap();
    let least = [of(&lot(1), "0.000001", "KGM")];
    for (input, expected) in [("0.000001", 0), ("0", 352)] {
        let action = made(&[of("urn:x:in", input, "KGM")], &least);
        assert_eq!(code(&chain, MAKER, action), expected, "{input}");
    }
}
