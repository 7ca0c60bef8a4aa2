use super::*;

fn label(number: usize) -> Label {
    Label {
        link: format!("https://trace.example.org/01/09521321000018/21/{number}?17=311231"),
        lines: vec!["(01) 09521321000018".into(), format!("(21) {number}")],
        activation: None,
    }
}

fn pages(pdf: &[u8]) -> usize {
    let text = String::from_utf8_lossy(pdf);
    text.matches("/Type/Page/").count() + text.matches("/Type /Page\n").count()
}

#[test]
fn labels_fill_sheets_from_the_first_free_place() {
    for (count, skipped, expected) in [(1, 0, 1), (24, 0, 1), (25, 0, 2), (24, 1, 2), (48, 23, 3)] {
        let labels: Vec<Label> = (0..count).map(label).collect();
        let pdf = render(&labels, &Sheet::a4_24(), skipped).unwrap();
        assert!(pdf.starts_with(b"%PDF-"));
        assert_eq!(pages(&pdf), expected, "{count} labels after {skipped}");
        assert_eq!(pdf, render(&labels, &Sheet::a4_24(), skipped).unwrap());
    }
}

#[test]
fn no_label_leaves_its_page() {
    for sheet in [Sheet::a4_24(), Sheet::a4_65(), Sheet::single(50.0, 30.0)] {
        let (x, y) = sheet.corner(sheet.places() - 1);
        assert!(x + sheet.label.0 <= sheet.page.0 + 0.01, "{sheet:?}");
        assert!(y + sheet.label.1 <= sheet.page.1 + 0.01, "{sheet:?}");
    }
}

#[test]
fn a_code_that_no_telephone_reads_is_refused() {
    let small = render(&[label(1)], &Sheet::single(20.0, 12.0), 0);
    assert!(matches!(small, Err(PdfError::Label(_))), "{small:?}");
    let mut wordy = label(1);
    wordy.lines = vec!["many words ".repeat(60)];
    let full = render(&[wordy], &Sheet::single(50.0, 30.0), 0);
    assert!(matches!(full, Err(PdfError::Label(_))));
}
