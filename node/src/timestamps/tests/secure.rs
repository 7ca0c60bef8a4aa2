//! URLs, and encrypted connections.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::responder::{self, Certificates, Reply, Responder};
use super::{NoStamp, ask, checkpoint};
use crate::timestamps::http::{BadUrl, HttpError, Url};
use crate::timestamps::settings::WrittenAuthority;

#[test]
fn urls_are_http_or_https_and_name_a_host() {
    for (url, encrypted) in [
        ("http://timestamp.example.com", false),
        ("http://127.0.0.1:3180/", false),
        ("http://[::1]:3180/tsr?policy=1", false),
        ("https://tsa.example.org/a/b", true),
    ] {
        let parsed = Url::parse(url).expect(url);
        assert_eq!(parsed.is_encrypted(), encrypted, "{url}");
    }
    assert_ne!(
        Url::parse("http://a.example/"),
        Url::parse("http://a.example:8080/")
    );
    type Expected = fn(&BadUrl) -> bool;
    let table: [(&str, Expected); 6] = [
        ("", |e| matches!(e, BadUrl::Syntax(_))),
        ("http://a b/", |e| matches!(e, BadUrl::Syntax(_))),
        ("tsa.example.org", |e| matches!(e, BadUrl::Scheme)),
        ("ftp://tsa.example.org/", |e| matches!(e, BadUrl::Scheme)),
        ("http://me:secret@tsa.example.org/", |e| {
            matches!(e, BadUrl::Host)
        }),
        ("http://-_-/", |e| matches!(e, BadUrl::Host)),
    ];
    for (url, fits) in table {
        let error = Url::parse(url).expect_err(url);
        assert!(fits(&error), "{url}: {error}");
    }
}

/// A host's certificate by a root of its own, in a folder.
fn host(folder: &Path) -> TlsAcceptor {
    let file = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let openssl = |arguments: &[&str]| {
        responder::succeed(Command::new("openssl").args(arguments));
    };
    let (root, root_key) = (file("root.pem"), file("root.key"));
    let (request, key) = (file("host.csr"), file("host.key"));
    let (certificate, extensions) = (file("host.pem"), file("host.cnf"));
    std::fs::write(&extensions, "subjectAltName = IP:127.0.0.1\n").unwrap();
    openssl(&[
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=Root", "-keyout", &root_key,
        "-out", &root,
    ]);
    openssl(&[
        "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=Host", "-keyout", &key,
        "-out", &request,
    ]);
    openssl(&[
        "x509",
        "-req",
        "-in",
        &request,
        "-CA",
        &root,
        "-CAkey",
        &root_key,
        "-set_serial",
        "2",
        "-extfile",
        &extensions,
        "-out",
        &certificate,
    ]);
    let chain = vec![CertificateDer::from_pem_file(&certificate).unwrap()];
    let key = PrivateKeyDer::from_pem_file(&key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let settings = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    TlsAcceptor::from(Arc::new(settings))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_https_authority_is_asked_if_its_host_is_known() {
    let certificates = Certificates::new();
    let known = tempfile::tempdir().unwrap();
    let strange = tempfile::tempdir().unwrap();
    let acceptor = host(known.path());
    host(strange.path());
    let own = certificates.clone();
    let reply = move |query: Vec<u8>| Reply::stamp(own.answer(&query));
    let responder = Responder::start_over(reply, Some(acceptor)).await;
    let authority = |roots: &Path| {
        responder::load(WrittenAuthority {
            url: responder.url().replace("http:", "https:"),
            name: None,
            roots: certificates.file("root.pem"),
            policy: None,
            timeout_ms: None,
            tls_roots: Some(roots.join("root.pem")),
        })
    };
    let checkpoint = checkpoint();
    let stamp = ask::stamp(&authority(known.path()), &checkpoint).await;
    assert!(stamp.is_ok(), "{stamp:?}");
    let failure = ask::stamp(&authority(strange.path()), &checkpoint).await;
    let failure = failure.expect_err("the host's root is another");
    assert!(
        matches!(failure, NoStamp::Http(HttpError::Tls(_))),
        "{failure:?}"
    );
}
