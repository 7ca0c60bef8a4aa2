use proptest::prelude::*;

use super::*;

const FILES: [Hash; 3] = [[1; 32], [2; 32], [1; 32]];
const VIEWS: [DesignView; 3] = [
    DesignView::Unspecified,
    DesignView::Front,
    DesignView::Enlarged,
];

fn random() -> [[u8; 32]; FIELD_PLACES] {
    std::array::from_fn(|place| [place as u8 + 1; 32])
}

fn named(pairs: &[(FieldName, &str)]) -> Vec<(FieldName, String)> {
    pairs.iter().map(|(n, v)| (*n, (*v).to_owned())).collect()
}

fn all() -> Vec<(FieldName, String)> {
    named(&[
        (FieldName::Author, "Lin Yue"),
        (FieldName::Title, "Chair 7"),
        (FieldName::Class, "06-01"),
        (FieldName::Author, "Wang Wei"),
        (FieldName::Description, "A chair that folds."),
    ])
}

fn sealed() -> DesignContent {
    seal(&VIEWS, &all(), &random()).unwrap()
}

#[test]
fn a_views_number_is_a_byte() {
    for number in 0..=255 {
        if let Ok(view) = DesignView::try_from(number) {
            assert_eq!(i32::from(view as i32 as u8), number);
        }
    }
    assert!(DesignView::try_from(256).is_err());
}

#[test]
fn what_was_sealed_is_shown_in_the_order_of_the_places() {
    let content = sealed();
    let opened = open(&FILES, Some(&content)).unwrap();
    let shown: Vec<_> = opened
        .fields
        .iter()
        .map(|(place, field)| (*place, field.name, field.value.as_str()))
        .collect();
    assert_eq!(
        shown,
        [
            (0, FieldName::Title, "Chair 7"),
            (1, FieldName::Class, "06-01"),
            (2, FieldName::Description, "A chair that folds."),
            (4, FieldName::Author, "Lin Yue"),
            (5, FieldName::Author, "Wang Wei"),
        ]
    );
    assert_eq!(opened.views, VIEWS);
    assert_eq!(opened.title(), Some("Chair 7"));
    assert_eq!(opened.check_title("Chair 7"), Ok(()));
    for other in ["", "Chair 8"] {
        assert_eq!(
            opened.check_title(other),
            Err(DesignRejection::TitleCovered)
        );
    }
    let hidden = open(
        &FILES,
        Some(&showing(&content, |name| name != FieldName::Title)),
    )
    .unwrap();
    assert_eq!(hidden.check_title(""), Ok(()));
    assert_eq!(
        hidden.check_title("Chair 7"),
        Err(DesignRejection::TitleCovered)
    );
}

/// A deposit of files alone opens as ever, and never as one with content.
#[test]
fn without_content_the_root_is_that_of_the_files() {
    let bare = open(&FILES, None).unwrap();
    assert_eq!(bare.root, design::file_root(&FILES));
    assert!(!bare.covers_fields());
    assert_eq!(bare.check_title("any"), Ok(()));
    let empty = seal(&[DesignView::Unspecified; 3], &[], &random()).unwrap();
    assert_ne!(open(&FILES, Some(&empty)).unwrap().root, bare.root);
    for count in [0, MAX_FILES + 1] {
        let files = vec![[1; 32]; count];
        assert_eq!(open(&files, None), Err(DesignRejection::DesignShape));
    }
}

#[test]
fn more_than_the_places_hold_is_refused() {
    for (name, most) in [
        (FieldName::Title, 1),
        (FieldName::Class, 1),
        (FieldName::Author, 8),
    ] {
        let value = if name == FieldName::Class {
            "06-01"
        } else {
            "x"
        };
        let fields = vec![(name, value.to_owned()); most];
        assert!(seal(&VIEWS, &fields, &random()).is_ok());
        let fields = vec![(name, value.to_owned()); most + 1];
        let refused = seal(&VIEWS, &fields, &random());
        assert_eq!(refused, Err(DesignRejection::FieldPlace(name.name())));
    }
}

/// Each part of what is shown is bound: bent, it is refused or gives another root.
#[test]
fn each_bent_part_is_refused_or_gives_another_root() {
    let content = sealed();
    let root = open(&FILES, Some(&content)).unwrap().root;
    type Bend = fn(&mut DesignContent);
    let shapes: [Bend; 9] = [
        |c| c.views.truncate(2),
        |c| c.views.push(0),
        |c| c.views[0] = 13,
        |c| c.views[0] = -1,
        |c| c.digests.truncate(11),
        |c| c.digests.push(vec![9; 32]),
        |c| c.digests[3].truncate(31),
        |c| c.digests[3] = c.digests[0].clone(),
        |c| c.disclosures.swap(0, 1),
    ];
    for (at, bend) in shapes.into_iter().enumerate() {
        let mut bent = content.clone();
        bend(&mut bent);
        assert_eq!(
            open(&FILES, Some(&bent)),
            Err(DesignRejection::ContentShape),
            "{at}"
        );
    }
    // Shown twice.
    let mut twice = content.clone();
    twice.disclosures.insert(0, twice.disclosures[0].clone());
    assert_eq!(
        open(&FILES, Some(&twice)),
        Err(DesignRejection::ContentShape)
    );
    // Another value, another salt, a name's digest at another name's place.
    let foreign = DesignField::new(FieldName::Title, "Chair 8", &[9; 16]).unwrap();
    let mut bent = content.clone();
    bent.disclosures[0] = foreign.disclosure.clone();
    assert_eq!(
        open(&FILES, Some(&bent)),
        Err(DesignRejection::FieldPlace("title"))
    );
    bent.digests[1] = foreign.digest().to_vec();
    assert_eq!(
        open(&FILES, Some(&bent)),
        Err(DesignRejection::FieldPlace("title"))
    );
    let mut swapped = content.clone();
    swapped.digests.swap(4, 0);
    assert_eq!(
        open(&FILES, Some(&swapped)),
        Err(DesignRejection::FieldPlace("title"))
    );
    // Closed parts.
    let closed = showing(&content, |_| false);
    assert_eq!(open(&FILES, Some(&closed)).unwrap().root, root);
    for place in 0..FIELD_PLACES {
        let mut bent = closed.clone();
        bent.digests[place][0] ^= 1;
        assert_ne!(open(&FILES, Some(&bent)).unwrap().root, root, "{place}");
    }
    for (at, view) in [(0, 1), (1, 0), (1, 3), (2, 11)] {
        let mut bent = closed.clone();
        bent.views[at] = view;
        assert_ne!(open(&FILES, Some(&bent)).unwrap().root, root, "{at}");
    }
    let mut files = FILES;
    files.swap(0, 1);
    assert_ne!(open(&files, Some(&closed)).unwrap().root, root);
}

fn value() -> impl Strategy<Value = String> {
    "[^\\p{Cc}]{1,40}".prop_filter("fits", |text| text.len() <= 200)
}

proptest! {
    /// Whatever is shown of it, the root is the same, exactly that is shown, and neither a hidden value nor its salt
    /// stands in what is handed on.
    #[test]
    fn any_subset_is_shown_and_the_rest_stays_closed(
        title in proptest::option::of(value()),
        description in proptest::option::of(value()),
        authors in proptest::collection::vec(value(), 0..=8),
        random: [[u8; 32]; FIELD_PLACES],
        shown: [bool; 5],
    ) {
        let mut fields = vec![(FieldName::Class, "06-01".to_owned())];
        fields.extend(title.map(|value| (FieldName::Title, value)));
        fields.extend(description.map(|value| (FieldName::Description, value)));
        fields.extend(authors.into_iter().map(|value| (FieldName::Author, value)));
        let content = seal(&VIEWS, &fields, &random).unwrap();
        let is_shown = |name: FieldName| {
            FieldName::ALL.iter().zip(shown).any(|(n, shown)| *n == name && shown)
        };
        let part = showing(&content, is_shown);
        let whole = open(&FILES, Some(&content)).unwrap();
        let opened = open(&FILES, Some(&part)).unwrap();
        prop_assert_eq!(opened.root, whole.root);
        let expected: Vec<_> = whole.fields.iter().filter(|(_, f)| is_shown(f.name)).cloned().collect();
        prop_assert_eq!(opened.fields, expected);
        let handed: Vec<u8> = prost::Message::encode_to_vec(&part);
        for (place, field) in whole.fields.iter().filter(|(_, f)| !is_shown(f.name)) {
            let has = |bytes: &[u8]| handed.windows(bytes.len()).any(|w| w == bytes);
            prop_assert!(!has(field.disclosure.as_bytes()));
            prop_assert!(!has(&random[*place][..SALT_BYTES]));
        }
    }
}
