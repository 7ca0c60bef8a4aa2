use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;

use super::*;

const FOLDER: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../chain-core/tests/data/beacon"
);

fn written(content: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, content).unwrap();
    (folder, path)
}

#[test]
fn a_key_is_read_from_pem_or_der() {
    let path = Path::new(FOLDER).join("nist.pem");
    let read = modulus(&path).unwrap();
    assert_eq!(read.len(), 512);
    let (_, der) = pem::decode_vec(&std::fs::read(&path).unwrap()).unwrap();
    let (_folder, path) = written(&der);
    assert_eq!(modulus(&path).unwrap(), read);
}

#[test]
fn what_is_no_beacons_key_is_refused() {
    let ed25519 = [
        &hex::decode("302a300506032b6570032100").unwrap()[..],
        &[7; 32],
    ]
    .concat();
    let certificate = pem::encode_string("CERTIFICATE", LineEnding::LF, b"x").unwrap();
    let large = vec![b' '; 65 << 10];
    for (content, expected) in [
        (&ed25519[..], "it is no RSA public key"),
        (b"nothing", "it is no RSA public key"),
        (certificate.as_bytes(), "it holds CERTIFICATE"),
        (&large, "has at most 65536"),
    ] {
        let (_folder, path) = written(content);
        let refused = modulus(&path).unwrap_err().to_string();
        assert!(refused.contains(expected), "{refused}");
    }
    // An RSA key of 1024 bits, and one of 2048 with the exponent 3.
    for (bytes, exponent) in [(128, &[1, 0, 1][..]), (256, &[3])] {
        let modulus_bytes = [&[0][..], &vec![0xc5; bytes]].concat();
        let key = rsa_der(&modulus_bytes, exponent);
        let (_folder, path) = written(&key);
        let refused = modulus(&path).unwrap_err().to_string();
        assert!(refused.contains("RSA of 2048 to 4096 bits"), "{refused}");
    }
    let good = rsa_der(&[&[0][..], &[0xc5; 256]].concat(), &[1, 0, 1]);
    let (_folder, path) = written(&good);
    assert_eq!(modulus(&path).unwrap(), [0xc5; 256]);
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap();
    let head = match length {
        0..128 => vec![tag, length as u8],
        128..256 => vec![tag, 0x81, length as u8],
        _ => [&[tag, 0x82][..], &length.to_be_bytes()].concat(),
    };
    [head, content.to_vec()].concat()
}

fn rsa_der(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let pair = element(0x30, &[element(2, modulus), element(2, exponent)].concat());
    let bits = element(3, &[&[0][..], &pair].concat());
    let algorithm = hex::decode("300d06092a864886f70d0101010500").unwrap();
    element(0x30, &[algorithm, bits].concat())
}

#[test]
fn a_pulse_is_read_from_its_file() {
    let read = pulse(&Path::new(FOLDER).join("nist-1918805.json")).unwrap();
    assert_eq!((read.chain_index, read.pulse_index), (2, 1_918_805));
    let (_folder, path) = written(b"{}");
    let refused = pulse(&path).unwrap_err().to_string();
    assert!(refused.contains("it is not a pulse"), "{refused}");
}
