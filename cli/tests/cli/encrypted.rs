//! Asking a node by https.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::fake::Served;
use crate::items::{ITEM, seen};

fn openssl(folder: &Path, words: &str) {
    let mut command = Command::new("openssl");
    let done = command.args(words.split(' ')).current_dir(folder).output();
    let done = done.unwrap();
    assert!(done.status.success(), "{words}: {done:?}");
}

/// A root, a certificate for 127.0.0.1 and localhost that leads to it, and a root of somebody else.
fn certificates(folder: &Path) {
    for name in ["root", "other"] {
        openssl(
            folder,
            &format!(
                "req -x509 -newkey ed25519 -nodes -keyout {name}.key -out {name}.pem -subj /CN={name} -days 2"
            ),
        );
    }
    std::fs::write(
        folder.join("names"),
        "subjectAltName=DNS:localhost,IP:127.0.0.1\n",
    )
    .unwrap();
    openssl(
        folder,
        "req -newkey ed25519 -nodes -keyout node.key -out node.csr -subj /CN=node",
    );
    openssl(
        folder,
        "x509 -req -in node.csr -CA root.pem -CAkey root.key -set_serial 7 -out node.pem -days 2 -extfile names",
    );
}

/// A door with TLS before the node, which asks for a certificate of these roots if there are any; gives its port.
async fn door(node: &Served, folder: &Path, client_roots: Option<&str>) -> u16 {
    let certificate = CertificateDer::from_pem_file(folder.join("node.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.join("node.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap();
    let config = match client_roots {
        None => config.with_no_client_auth(),
        Some(file) => {
            let mut roots = rustls::RootCertStore::empty();
            let root = CertificateDer::from_pem_file(folder.join(file)).unwrap();
            roots.add(root).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            config.with_client_cert_verifier(verifier.unwrap())
        }
    };
    let mut config = config.with_single_cert(vec![certificate], key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let inner = node.url().trim_start_matches("http://").to_owned();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, inner) = (acceptor.clone(), inner.clone());
            tokio::spawn(async move {
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    let mut inner = TcpStream::connect(inner).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut stream, &mut inner).await;
                }
            });
        }
    });
    port
}

#[tokio::test]
async fn a_node_is_asked_by_https() {
    let node = Served::start().await;
    node.world().record("acme", &[seen(&[ITEM], "storing")]);
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path());
    let port = door(&node, folder.path(), None).await;
    let root = folder.path().join("root.pem").display().to_string();
    let other = folder.path().join("other.pem").display().to_string();
    let none = folder.path().join("names").display().to_string();
    let plain = node.url().replace("http://", "https://");
    let table = [
        // The certificate is of this name, and leads to this root.
        (format!("https://127.0.0.1:{port}"), Some(&root), 0, ""),
        (format!("https://localhost:{port}"), Some(&root), 0, ""),
        (
            format!("https://127.0.0.1:{port}"),
            Some(&other),
            5,
            "invalid peer certificate",
        ),
        (
            format!("https://127.0.0.1:{port}"),
            None,
            5,
            "invalid peer certificate",
        ),
        (
            format!("https://127.0.0.1:{port}"),
            Some(&none),
            1,
            "has none",
        ),
        (plain, Some(&root), 5, "no connection to the node"),
        (
            format!("ftp://127.0.0.1:{port}"),
            None,
            1,
            "neither http:// nor https://",
        ),
    ];
    for (url, roots, code, message) in table {
        let mut question = vec!["item", ITEM, "--node", &url];
        if let Some(roots) = roots {
            question.extend(["--tls-roots", roots]);
        }
        let ran = node.run(&question).await;
        assert_eq!(ran.code, code, "{url} {roots:?}: {ran:?}");
        assert!(ran.err.contains(message), "{url} {roots:?}: {ran:?}");
    }
}

/// A node for members answers those who show a certificate that it knows.
#[tokio::test]
async fn a_member_shows_its_certificate() {
    let node = Served::start().await;
    node.world().record("acme", &[seen(&[ITEM], "storing")]);
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path());
    // What belongs to the root serves as a client's certificate here.
    let port = door(&node, folder.path(), Some("root.pem")).await;
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (url, root) = (format!("https://127.0.0.1:{port}"), file("root.pem"));
    let private = |name: &str, mode| {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(folder.path().join(name), mode).unwrap();
        file(name)
    };
    let (key, other_key) = (private("node.key", 0o600), private("other.key", 0o600));
    let (certificate, other) = (file("node.pem"), file("other.pem"));
    let table = [
        (
            vec!["--tls-certificate", &certificate, "--tls-key", &key],
            0,
            "",
        ),
        (vec![], 5, "asks for a member's certificate"),
        (
            vec!["--tls-certificate", &other, "--tls-key", &other_key],
            5,
            "",
        ),
        // A key of another certificate, and half of what is needed.
        (
            vec!["--tls-certificate", &certificate, "--tls-key", &other_key],
            1,
            "by which the node is to know you",
        ),
        (vec!["--tls-certificate", &certificate], 1, "--tls-key"),
    ];
    for (words, code, message) in table {
        let mut question = vec!["item", ITEM, "--node", &url, "--tls-roots", &root];
        question.extend(&words);
        let ran = node.run(&question).await;
        assert_eq!(ran.code, code, "{words:?}: {ran:?}");
        assert!(ran.err.contains(message), "{words:?}: {ran:?}");
    }
    private("node.key", 0o644);
    let words = [
        "item",
        ITEM,
        "--tls-certificate",
        &certificate,
        "--tls-key",
        &key,
    ];
    let ran = node.run(&words).await;
    assert!(ran.code == 1 && ran.err.contains("chmod 600"), "{ran:?}");
}
