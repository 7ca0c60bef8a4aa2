use std::process::{Command, Stdio};

use super::*;

fn no_passphrase() -> Result<Zeroizing<String>, Failure> {
    Err(Failure::Usage("asked for a passphrase".into()))
}

fn passphrase(text: &str) -> impl FnOnce() -> Result<Zeroizing<String>, Failure> + use<> {
    let text = Zeroizing::new(text.to_owned());
    move || Ok(text)
}

/// Runs openssl with `input`; gives whether it succeeded and what it printed.
fn openssl(arguments: &[&str], input: &str) -> (bool, String) {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("these tests compare with the openssl command, which must be installed");
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    (
        output.status.success(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
    )
}

fn hex_of(text: &str) -> String {
    text.chars().filter(char::is_ascii_hexdigit).collect()
}

#[test]
fn keys_survive_their_file() {
    let key = generate().unwrap();
    let open = to_pem(&key, None).unwrap();
    assert!(open.starts_with("-----BEGIN PRIVATE KEY-----"));
    assert_eq!(from_pem(&open, no_passphrase).unwrap(), key);
    let locked = to_pem(&key, Some("correct horse")).unwrap();
    assert!(locked.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    assert_eq!(from_pem(&locked, passphrase("correct horse")).unwrap(), key);
    assert!(from_pem(&locked, passphrase("wrong horse")).is_err());
    assert_ne!(*to_pem(&key, Some("correct horse")).unwrap(), *locked);
}

#[test]
fn openssl_reads_our_keys_and_we_read_its() {
    let key = generate().unwrap();
    let public = hex::encode(key.verifying_key().to_bytes());
    let print = ["pkey", "-noout", "-text", "-passin", "pass:secret"];
    for pem in [
        to_pem(&key, None).unwrap(),
        to_pem(&key, Some("secret")).unwrap(),
    ] {
        let (read, text) = openssl(&print, &pem);
        assert!(read, "openssl refuses {}", *pem);
        let shown = text.split("pub:").nth(1).unwrap();
        assert_eq!(hex_of(shown), public);
    }
    let (read, _) = openssl(
        &["pkey", "-noout", "-passin", "pass:other"],
        &to_pem(&key, Some("secret")).unwrap(),
    );
    assert!(!read, "openssl opened a key with the wrong passphrase");

    let (made, theirs) = openssl(&["genpkey", "-algorithm", "ed25519"], "");
    assert!(made);
    let read_back = from_pem(&theirs, no_passphrase).unwrap();
    let (_, text) = openssl(&print, &theirs);
    let shown = text.split("pub:").nth(1).unwrap();
    assert_eq!(
        hex_of(shown),
        hex::encode(read_back.verifying_key().to_bytes())
    );
    let (locked, pem) = openssl(
        &[
            "pkcs8",
            "-topk8",
            "-v2",
            "aes-256-cbc",
            "-passout",
            "pass:x",
        ],
        &theirs,
    );
    assert!(locked);
    assert_eq!(from_pem(&pem, passphrase("x")).unwrap(), read_back);
}

#[test]
fn what_is_no_key_is_refused() {
    let (_, rsa) = openssl(
        &[
            "genpkey",
            "-algorithm",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
        ],
        "",
    );
    for text in [
        "",
        "hello",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        &rsa,
    ] {
        let failure = from_pem(text, no_passphrase).unwrap_err();
        assert!(failure.to_string().contains("PKCS#8"), "{failure}");
    }
}

#[test]
fn secrets_are_private_and_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.pem");
    write_secret(&path, b"one", false).unwrap();
    let failure = write_secret(&path, b"two", false).unwrap_err();
    assert!(failure.to_string().contains("--force"), "{failure}");
    assert_eq!(std::fs::read(&path).unwrap(), b"one");
    write_secret(&path, b"three", true).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"three");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn public_keys_come_as_hex_or_file() {
    let folder = tempfile::tempdir().unwrap();
    let key = generate().unwrap();
    let public = key.verifying_key().to_bytes();
    let none = Passphrase::default();
    assert_eq!(public_key(&hex::encode(public), &none).unwrap(), public);
    let path = folder.path().join("key.pem");
    let pem = to_pem(&key, None).unwrap();
    write_secret(&path, pem.as_bytes(), false).unwrap();
    assert_eq!(public_key(path.to_str().unwrap(), &none).unwrap(), public);
    let (_, spki) = openssl(&["pkey", "-pubout"], &pem);
    let path = folder.path().join("public.pem");
    std::fs::write(&path, spki).unwrap();
    assert_eq!(public_key(path.to_str().unwrap(), &none).unwrap(), public);
    assert!(public_key("abcd", &none).is_err());
    let locked = folder.path().join("locked.pem");
    let secret = to_pem(&key, Some("p")).unwrap();
    write_secret(&locked, secret.as_bytes(), false).unwrap();
    let file = folder.path().join("passphrase");
    write_secret(&file, b"p\n", true).unwrap();
    let from_file = Passphrase {
        passphrase_file: Some(file),
    };
    assert_eq!(
        public_key(locked.to_str().unwrap(), &from_file).unwrap(),
        public
    );
}

#[cfg(unix)]
#[test]
fn a_key_that_others_may_read_is_refused_unless_it_is_encrypted() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.pem");
    let key = generate().unwrap();
    for (passphrase, mode, is_taken) in [
        (None, 0o600, true),
        (None, 0o640, false),
        (None, 0o604, false),
        (Some("p"), 0o644, true),
    ] {
        write_secret(&path, to_pem(&key, passphrase).unwrap().as_bytes(), true).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let file = folder.path().join("passphrase");
        write_secret(&file, b"p\n", true).unwrap();
        let read = read(
            &path,
            &Passphrase {
                passphrase_file: Some(file),
            },
        );
        assert_eq!(read.is_ok(), is_taken, "{mode:o}");
        if let Err(failure) = read {
            assert!(failure.to_string().contains("chmod 600"), "{failure}");
        }
    }
}
