//! A chain id in forms that people compare: digits in groups, and words that can be read out over the
//! telephone. The words are BIP-39's (its checksum included), in English and in Chinese; nothing about them is secret.

use bip39::Mnemonic;
use touchstone_core::hash::Hash;

use crate::messages::Language;

/// The 64 digits in groups of four, in lines of eight groups.
pub fn digits(chain_id: &Hash) -> Vec<String> {
    let digits = hex::encode(chain_id);
    let groups: Vec<&str> = (0..digits.len())
        .step_by(4)
        .filter_map(|at| digits.get(at..at + 4))
        .collect();
    groups.chunks(8).map(|line| line.join(" ")).collect()
}

/// The 24 words.
pub fn words(language: Language, chain_id: &Hash) -> Vec<&'static str> {
    let list = match language {
        Language::English => bip39::Language::English,
        Language::Chinese => bip39::Language::SimplifiedChinese,
    };
    // 32 bytes are one of the lengths that it takes.
    Mnemonic::from_entropy_in(list, chain_id).map_or(Vec::new(), |words| words.words().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// BIP-39's own test vectors.
    #[test]
    fn the_words_are_those_of_the_standard() {
        let english = words(Language::English, &[0; 32]);
        assert_eq!(english.len(), 24);
        assert_eq!(
            (english[0], english[22], english[23]),
            ("abandon", "abandon", "art")
        );
        assert_eq!(words(Language::English, &[0x7f; 32])[23], "title");
        let chinese = words(Language::Chinese, &[0; 32]);
        assert_eq!((chinese.len(), chinese[0]), (24, "的"));
    }

    #[test]
    fn digits_are_grouped_and_none_is_lost() {
        let lines = digits(&[0x1f; 32]);
        assert_eq!(lines, ["1f1f 1f1f 1f1f 1f1f 1f1f 1f1f 1f1f 1f1f"; 2]);
    }
}
