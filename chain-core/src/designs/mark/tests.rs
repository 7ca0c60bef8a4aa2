use super::*;

#[test]
fn an_id_is_of_one_office_and_number() {
    assert_ne!(id("office", "1"), id("office", "2"));
    assert_ne!(id("office", "12"), id("office1", "2"));
    assert_eq!(id("office", "1"), id("office", "1"));
}

#[test]
fn classes_are_bits() {
    assert_eq!(class_bits(&[45, 1, 25]), Some(1 << 44 | 1 << 24 | 1));
    assert_eq!(classes(1 << 44 | 1 << 24 | 1), [1, 25, 45]);
    assert_eq!((class_bits(&[0]), class_bits(&[46])), (None, None));
}

#[test]
fn a_mark_has_number_name_and_classes() {
    let good = AttestMark {
        number: "x".repeat(MAX_NUMBER_BYTES),
        name: "云".repeat(42),
        owner: "maker".into(),
        classes: 1 << 44,
        until_ms: 1,
    };
    assert_eq!(check_shape(&good), Ok(()));
    type Bend = fn(&mut AttestMark);
    let bends: [Bend; 9] = [
        |a| a.number.clear(),
        |a| a.number.push('x'),
        |a| a.number = "1 2".into(),
        |a| a.number = "号".into(),
        |a| a.name.clear(),
        |a| a.name.push_str("xxx"),
        |a| a.name = "Clo\u{7}ud".into(),
        |a| a.classes = 0,
        |a| a.classes |= 1 << 45,
    ];
    for (n, bend) in bends.into_iter().enumerate() {
        let mut bent = good.clone();
        bend(&mut bent);
        let shape = DesignRejection::MarkShape;
        assert_eq!(
            (shape.code(), check_shape(&bent)),
            (460, Err(shape)),
            "row {n}"
        );
    }
}
