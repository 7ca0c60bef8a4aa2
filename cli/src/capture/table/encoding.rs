//! The encoding of a table's text: the one that is named, else what its bytes leave no doubt of. A
//! guess would write wrong words into the ledger, so where there is doubt the person is asked.

use std::str;

use encoding_rs::{Encoding, GB18030, UTF_8, UTF_16BE, UTF_16LE};

/// Bytes that are looked at for the zeros of UTF-16 without a mark.
const LOOK: usize = 4096;

/// A table's text, and its encoding; or why it can't be read.
pub fn decode(bytes: &[u8], named: Option<&str>) -> Result<(String, &'static Encoding), String> {
    if let Some(name) = named {
        let encoding = Encoding::for_label(name.as_bytes()).ok_or_else(|| {
            format!("{name:?} is no encoding; write utf-8, gb18030, utf-16le or windows-1252, say")
        })?;
        return whole(encoding, unmarked(encoding, bytes));
    }
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return whole(encoding, bytes.get(mark..).unwrap_or_default());
    }
    if let Some(encoding) = without_mark(bytes) {
        return whole(encoding, bytes);
    }
    if str::from_utf8(bytes).is_ok() {
        return whole(UTF_8, bytes);
    }
    if is_simplified_chinese(bytes) {
        return whole(GB18030, bytes);
    }
    Err(
        "its text isn't UTF-8, and its bytes don't tell what else it is; name it with --encoding, \
         such as gb18030, utf-16le or windows-1252"
            .to_owned(),
    )
}

/// The mark at the beginning isn't text.
fn unmarked<'a>(encoding: &'static Encoding, bytes: &'a [u8]) -> &'a [u8] {
    match Encoding::for_bom(bytes) {
        Some((found, mark)) if found == encoding => bytes.get(mark..).unwrap_or_default(),
        _ => bytes,
    }
}

fn whole(encoding: &'static Encoding, bytes: &[u8]) -> Result<(String, &'static Encoding), String> {
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
    match text {
        Some(text) => Ok((text.into_owned(), encoding)),
        None => Err(format!(
            "it holds bytes that aren't {}; name its encoding with --encoding",
            encoding.name()
        )),
    }
}

/// UTF-16 without its mark: what is Latin or a digit has a zero in one half, and only there.
fn without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    let look = bytes.get(..LOOK).unwrap_or(bytes);
    let zeros = |first: usize| {
        look.iter()
            .skip(first)
            .step_by(2)
            .filter(|b| **b == 0)
            .count()
    };
    let (even, odd) = (zeros(0), zeros(1));
    match (even, odd) {
        (0, odd) if odd * 4 >= look.len() / 2 && odd > 1 => Some(UTF_16LE),
        (even, 0) if even * 4 >= look.len() / 2 && even > 1 => Some(UTF_16BE),
        _ => None,
    }
}

/// Whether all that isn't ASCII is characters of GB 2312, and mostly words of them: a single accented
/// letter of a Western encoding is half a character, and two side by side are rare.
fn is_simplified_chinese(bytes: &[u8]) -> bool {
    let (mut words, mut singles) = (0usize, 0usize);
    let mut rest = bytes;
    while let Some(start) = rest.iter().position(|b| !b.is_ascii()) {
        let run = rest.get(start..).unwrap_or_default();
        let length = run.iter().position(u8::is_ascii).unwrap_or(run.len());
        let run_bytes = run.get(..length).unwrap_or_default();
        let is_pair = |pair: &[u8]| matches!(pair, [0xa1..=0xf7, 0xa1..=0xfe]);
        if !run_bytes.chunks(2).all(is_pair) {
            return false;
        }
        match length {
            2 => singles += 1,
            _ => words += 1,
        }
        rest = run.get(length..).unwrap_or_default();
    }
    words > singles
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "单号,货物,时间\nD-1,螺栓,2026-03-01 08:30\n";

    fn encoded(text: &str, name: &str) -> Vec<u8> {
        match name {
            "UTF-16LE" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            "UTF-16BE" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            name => {
                let encoding = Encoding::for_label(name.as_bytes()).unwrap();
                encoding.encode(text).0.into_owned()
            }
        }
    }

    #[test]
    fn what_spreadsheets_save_is_told_by_its_bytes() {
        for name in ["UTF-8", "gb18030", "UTF-16LE", "UTF-16BE"] {
            for mark in [false, true] {
                let text = match (mark, name) {
                    (true, "gb18030") => continue,
                    (true, _) => format!("\u{feff}{TEXT}"),
                    (false, _) => TEXT.to_owned(),
                };
                let (read, encoding) = decode(&encoded(&text, name), None).unwrap();
                assert_eq!(read, TEXT, "{name}, mark: {mark}");
                assert!(encoding.name().eq_ignore_ascii_case(name));
                assert_eq!(decode(&encoded(&text, name), Some(name)).unwrap().0, TEXT);
            }
        }
        let plain = "a,b\n1,2\n";
        assert_eq!(decode(plain.as_bytes(), None).unwrap().1, UTF_8);
    }

    /// A Western text isn't taken for Chinese: it is asked for.
    #[test]
    fn where_there_is_doubt_the_person_is_asked() {
        for text in ["Menge,Größe\n1,2\n", "café,naïve\n", "Müller\n", "Ø,Å,ÆØ\n"] {
            let bytes = encoded(text, "windows-1252");
            assert!(
                decode(&bytes, None).unwrap_err().contains("--encoding"),
                "{text}"
            );
            assert_eq!(decode(&bytes, Some("windows-1252")).unwrap().0, text);
        }
        assert!(
            decode(b"a", Some("klingon"))
                .unwrap_err()
                .contains("is no encoding")
        );
        let chinese = encoded(TEXT, "gb18030");
        assert!(
            decode(&chinese, Some("utf-8"))
                .unwrap_err()
                .contains("aren't UTF-8")
        );
    }
}
