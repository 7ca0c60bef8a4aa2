use std::fs;
use std::os::unix::fs::PermissionsExt;

use ed25519_dalek::pkcs8::EncodePrivateKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;

use super::*;

fn write(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn config(more: &str) -> Config {
    let text = format!(
        "genesis = \"g\"\ndata = \"d\"\nnetwork_key = \"n\"\nrpc = \"127.0.0.1:1\"\n{more}"
    );
    toml::from_str(&text).unwrap()
}

#[test]
fn a_key_that_others_may_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("validator.pem");
    let pem = SigningKey::from_bytes(&[7; 32])
        .to_pkcs8_pem(LineEnding::LF)
        .unwrap();
    write(&path, &pem, 0o640);
    let refused = keys::read_key(&path, "credential").unwrap_err();
    assert!(matches!(refused, ConfigError::Exposed { mode: 0o640, .. }));
    assert!(refused.to_string().contains("chmod 600"), "{refused}");
    write(&path, &pem, 0o600);
    let key = keys::read_key(&path, "credential").unwrap();
    assert_eq!(key.to_bytes(), [7; 32]);
}

#[test]
fn an_encrypted_key_is_opened_by_the_passphrase_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("network.pem");
    let document = SigningKey::from_bytes(&[8; 32]).to_pkcs8_der().unwrap();
    let info = pkcs8::PrivateKeyInfoRef::try_from(document.as_bytes()).unwrap();
    // Few rounds, so that the test is quick.
    let parameters =
        pkcs8::pkcs5::pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(1000, &[1; 16], [2; 16])
            .unwrap();
    let sealed = info
        .encrypt_with_params(parameters, b"of this key")
        .unwrap();
    let pem = sealed
        .to_pem("ENCRYPTED PRIVATE KEY", LineEnding::LF)
        .unwrap();
    write(&path, &pem, 0o600);
    let beside = folder.path().join("network.pem.passphrase");
    write(&beside, "of this key\n", 0o644);
    let exposed = keys::read_key(&path, "credential").unwrap_err();
    assert!(matches!(exposed, ConfigError::Exposed { .. }), "{exposed}");
    write(&beside, "of another key\n", 0o600);
    let wrong = keys::read_key(&path, "credential").unwrap_err();
    assert!(matches!(wrong, ConfigError::Key { .. }), "{wrong}");
    write(&beside, "of this key\n", 0o600);
    let key = keys::read_key(&path, "credential").unwrap();
    assert_eq!(key.to_bytes(), [8; 32]);
}

#[test]
fn clear_text_stays_on_this_machine_unless_told() {
    for (more, refused) in [
        ("", None),
        ("http = \"[::1]:2\"", None),
        ("http = \"0.0.0.0:2\"", Some("http")),
        ("http = \"0.0.0.0:2\"\nopen = true", Some("http")),
        ("http = \"0.0.0.0:2\"\nopen = true\nclear_text = true", None),
        ("[public]\nrpc = \"0.0.0.0:2\"", Some("public.rpc")),
        ("[public]\nhttp = \"0.0.0.0:2\"", Some("public.http")),
        ("clear_text = true\n[public]\nhttp = \"0.0.0.0:2\"", None),
        (
            "[public]\nhttp = \"0.0.0.0:2\"\n[tls]\ncertificate = \"c\"\nkey = \"k\"",
            None,
        ),
    ] {
        match (ports::check(&config(more)), refused) {
            (Ok(()), None) => {}
            (Err(ConfigError::ClearText { what, .. }), Some(expected)) => {
                assert_eq!(what, expected);
            }
            (found, _) => panic!("{more}: {found:?}"),
        }
    }
}

#[test]
fn members_ports_know_who_comes_unless_told() {
    let tls = "[tls]\ncertificate = \"c\"\nkey = \"k\"\n";
    for (address, more, is_refused) in [
        ("127.0.0.1:1", String::new(), false),
        ("0.0.0.0:1", tls.to_owned(), true),
        ("0.0.0.0:1", format!("open = true\n{tls}"), false),
        ("0.0.0.0:1", format!("{tls}client_roots = \"r\"\n"), false),
        ("0.0.0.0:1", "clear_text = true\n".to_owned(), true),
    ] {
        let text = format!(
            "genesis = \"g\"\ndata = \"d\"\nnetwork_key = \"n\"\nrpc = \"{address}\"\n{more}"
        );
        let checked = ports::check(&toml::from_str(&text).unwrap());
        let refused = checked.err().map(|refused| refused.to_string());
        let refused =
            refused.is_some_and(|text| text.contains("rpc") && text.contains("open = true"));
        assert_eq!(refused, is_refused, "{address} {more}");
    }
}

#[test]
fn a_port_for_everybody_is_limited_and_asks_nobody_for_a_certificate() {
    let files = TlsFiles {
        certificate: "c".into(),
        key: "k".into(),
        client_roots: Some("r".into()),
    };
    assert!(files.of_members().client_roots.is_some());
    assert!(files.of_everybody().client_roots.is_none());
    let public = config("[public]\ncalls_per_minute = 7").public;
    let calls = |public: &PublicPorts| public.limited(ClientLimits::default().http()).calls;
    assert_eq!(calls(&public).map(|calls| calls.per_minute), Some(7));
    assert!(calls(&PublicPorts::default()).is_some());
}

#[test]
fn an_empty_token_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let mut config = config("");
    config.http_token = Some(path.clone());
    write(&path, " \n", 0o600);
    let refused = access(&config).unwrap_err();
    assert!(matches!(refused, ConfigError::NoToken { .. }), "{refused}");
    write(&path, "secret\n", 0o600);
    assert!(access(&config).unwrap().has_token());
}

#[test]
fn a_missing_file_is_named() {
    let refused = load(Path::new("/nowhere/node.toml")).err().unwrap();
    assert!(
        refused
            .to_string()
            .starts_with("cannot read /nowhere/node.toml"),
        "{refused}"
    );
}

#[test]
fn a_next_key_follows_another_and_is_none_of_the_others() {
    let [a, b, c] = [1, 2, 3].map(|seed| SigningKey::from_bytes(&[seed; 32]));
    let check = |validator, next| check_keys(&a, validator, next);
    assert!(check(Some(&b), Some(&c)).is_ok());
    assert!(check(Some(&b), None).is_ok() && check(None, None).is_ok());
    for (validator, next) in [(&a, Some(&c)), (&b, Some(&a)), (&b, Some(&b)), (&a, None)] {
        let refused = check(Some(validator), next).unwrap_err();
        assert!(matches!(refused, ConfigError::SameKey), "{refused}");
    }
    let refused = check(None, Some(&c)).unwrap_err();
    assert!(matches!(refused, ConfigError::NextAlone), "{refused}");
}
