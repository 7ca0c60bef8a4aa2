use touchstone_proto::ledger::VouchingWithdrawal;

use super::*;

fn at(height: u64, transaction: u32) -> Option<Position> {
    Some(Position {
        height,
        transaction,
        event: 0,
    })
}

fn sample() -> (Design, Vouching) {
    let design = Design {
        organisation: "market.lin".into(),
        position: at(7, 1),
        time_ms: 7000,
        vouching: Some(2),
        ..Design::default()
    };
    let vouching = Vouching {
        voucher: "market".into(),
        designer: "market.lin".into(),
        check: IdentityCheck::Remote.into(),
        from_ms: 3000,
        until_ms: 7000,
        position: at(7, 0),
        withdrawn: Some(VouchingWithdrawal {
            position: at(7, 2),
            time_ms: 7000,
            reason: "x".into(),
        }),
        ..Vouching::default()
    };
    (design, vouching)
}

#[test]
fn a_vouching_belongs_to_its_deposit() {
    let (design, vouching) = sample();
    assert_eq!(check(&design, Some(&vouching)), Ok(()));
    let enrolled = Design {
        organisation: "maker".into(),
        vouching: None,
        ..design
    };
    assert_eq!(check(&enrolled, None), Ok(()));
}

#[test]
fn what_is_bent_is_refused() {
    let (design, vouching) = sample();
    assert_eq!(check(&design, None), Err(VouchingError::Missing));
    type Bend = fn(&mut Design, &mut Vouching);
    let bends: [(VouchingError, Bend); 15] = [
        (VouchingError::Depositor, |d, _| d.vouching = None),
        (VouchingError::Depositor, |d, _| {
            d.organisation = "lin".into()
        }),
        (VouchingError::Depositor, |d, _| {
            d.organisation = "lin".into();
            d.vouching = None;
        }),
        (VouchingError::Parties, |d, _| {
            d.organisation = "market.lim".into()
        }),
        (VouchingError::Parties, |_, v| {
            v.designer = "market.lim".into()
        }),
        (VouchingError::Parties, |_, v| v.voucher = "office".into()),
        (VouchingError::Term, |_, v| v.from_ms = 7001),
        (VouchingError::Term, |_, v| v.until_ms = 6999),
        (VouchingError::Term, |d, _| d.time_ms = 7001),
        (VouchingError::Term, |_, v| v.position = at(7, 1)),
        (VouchingError::Term, |_, v| v.position = None),
        (VouchingError::Term, |d, _| d.position = at(6, 9)),
        (VouchingError::Term, |_, v| {
            v.withdrawn.as_mut().unwrap().position = at(7, 0);
        }),
        (VouchingError::Term, |_, v| {
            v.withdrawn.as_mut().unwrap().position = None;
        }),
        (VouchingError::Check, |_, v| v.check = 0),
    ];
    for (expected, bend) in bends {
        let (mut design, mut vouching) = (design.clone(), vouching.clone());
        bend(&mut design, &mut vouching);
        assert_eq!(check(&design, Some(&vouching)), Err(expected));
    }
    let mut unknown = vouching;
    unknown.check = 9;
    assert_eq!(check(&design, Some(&unknown)), Err(VouchingError::Check));
}
