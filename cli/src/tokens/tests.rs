use super::*;

const ROOT: &[u8] = include_bytes!("../../../chain-core/tests/data/tsa/rsa-root.der");
const OTHER: &[u8] = include_bytes!("../../../chain-core/tests/data/tsa/ec-root.der");

fn pem_of(der: &[u8]) -> String {
    pem::encode_string(LABEL, LineEnding::LF, der).unwrap()
}

#[test]
fn roots_are_read_from_der_and_from_pem_whatever_stands_between() {
    let text = format!("A comment\n{}\nsubject=x\n{}", pem_of(ROOT), pem_of(OTHER));
    assert_eq!(
        certificates(text.as_bytes()),
        Ok(vec![ROOT.to_vec(), OTHER.to_vec()])
    );
    let windows = pem_of(ROOT).replace('\n', "\r\n");
    assert_eq!(certificates(windows.as_bytes()), Ok(vec![ROOT.to_vec()]));
    assert_eq!(certificates(ROOT), Ok(vec![ROOT.to_vec()]));
}

#[test]
fn what_is_no_root_is_named() {
    let whole = pem_of(ROOT);
    let (cut, _) = whole.split_once("-----END").unwrap();
    let junk = pem_of(b"junk");
    let bent = whole.replacen('M', "!", 1);
    let second = format!("{whole}{junk}");
    for (text, expected) in [
        ("", "there is no certificate in it"),
        (cut, "certificate 1 has no end"),
        (&bent, "certificate 1 isn't PEM"),
        (&junk, "certificate 1: a certificate isn't well-formed DER"),
        (&second, "certificate 2: "),
    ] {
        let reason = certificates(text.as_bytes()).unwrap_err();
        assert!(reason.starts_with(expected), "{reason}");
    }
}

#[test]
fn a_shell_reads_the_words_that_were_meant() {
    assert_eq!(quoted("a/b-1.tst"), "a/b-1.tst");
    assert_eq!(quoted("my case"), "'my case'");
    assert_eq!(quoted("it's"), r"'it'\''s'");
    assert_eq!(quoted(""), "''");
}
