use std::cell::Cell;
use std::net::Ipv4Addr;
use std::process::Command;

use axum::routing::get;
use axum::{Router, response::IntoResponse};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::budget::{self, Budget};
use crate::server::{PortLimits, PortRefusal, Server, serve};

/// A certificate that signs itself, for this machine.
fn certificate(folder: &Path, name: &str) -> Files {
    let file = |ending: &str| folder.join(format!("{name}.{ending}"));
    let (certificate, key) = (file("pem"), file("key"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt"])
        .args(["ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"])
        .args(["-subj", "/CN=localhost", "-addext"])
        .args(["subjectAltName=DNS:localhost,IP:127.0.0.1", "-addext"])
        .arg("basicConstraints=critical,CA:FALSE")
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    Files {
        certificate,
        key,
        client_roots: None,
    }
}

fn permit(path: &Path, mode: u32) {
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
    std::fs::set_permissions(path, permissions).unwrap();
}

fn refuse(_: &PortRefusal) -> axum::http::Response<axum::body::Body> {
    axum::http::StatusCode::SERVICE_UNAVAILABLE.into_response()
}

async fn start(tls: Arc<Tls>) -> (std::net::SocketAddr, CancellationToken) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let server = Server {
        listener,
        protocol: Protocol::Http1,
        limits: PortLimits::default(),
        budget: Budget::new(budget::ByteLimits::default()),
        tls: Some(tls),
    };
    let router = Router::new().route("/", get(|| async { "sealed" }));
    tokio::spawn(serve(server, router, refuse, stop.clone()));
    (address, stop)
}

/// What a client that trusts this certificate alone hears.
async fn ask(address: std::net::SocketAddr, trusted: &Path) -> std::io::Result<String> {
    ask_as(address, trusted, None).await
}

/// The same of a client that shows a certificate of its own.
async fn ask_as(
    address: std::net::SocketAddr,
    trusted: &Path,
    own: Option<&Files>,
) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    for root in certificates(trusted).unwrap() {
        roots.add(root).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match own {
        None => config.with_no_client_auth(),
        Some(files) => config
            .with_client_auth_cert(
                certificates(&files.certificate).unwrap(),
                PrivateKeyDer::from_pem_slice(&read(&files.key).unwrap()).unwrap(),
            )
            .unwrap(),
    };
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    let mut stream = connector.connect(name, stream).await?;
    let request = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    Ok(text)
}

#[tokio::test]
async fn a_port_is_encrypted_and_its_certificate_replaced_while_it_serves() {
    let folder = std::env::temp_dir().join(format!("touchstone-edge-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let first = certificate(&folder, "first");
    let second = certificate(&folder, "second");
    let served = Files {
        certificate: folder.join("served.pem"),
        key: folder.join("served.key"),
        client_roots: None,
    };
    let written = Cell::new(SystemTime::now());
    // A second later each time, whatever the ticks of the file system's clock.
    let date = |path: &Path| {
        written.set(written.get() + Duration::from_secs(1));
        let file = std::fs::File::options().append(true).open(path).unwrap();
        file.set_modified(written.get()).unwrap();
    };
    let put = |files: &Files| {
        for (from, to) in [
            (&files.certificate, &served.certificate),
            (&files.key, &served.key),
        ] {
            std::fs::copy(from, to).unwrap();
            date(to);
        }
    };
    put(&first);
    let tls = Tls::load(served.clone(), Protocol::Http1).unwrap();
    let (address, stop) = start(tls.clone()).await;
    assert!(
        ask(address, &first.certificate)
            .await
            .unwrap()
            .ends_with("sealed")
    );
    assert!(ask(address, &second.certificate).await.is_err());
    // Clear text gets no answer.
    let mut clear = TcpStream::connect(address).await.unwrap();
    clear
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    let mut text = Vec::new();
    let _ = clear.read_to_end(&mut text).await;
    assert!(!text.starts_with(b"HTTP"), "{text:?}");

    // Half a change leaves the old one in force.
    let look = |tls: &Tls| {
        let past = Instant::now() + LOOK + LOOK;
        tls.reload_if_changed(past);
        // So that the next look isn't too early.
        tls.lock().looked = Instant::now();
    };
    std::fs::write(&served.certificate, "nothing").unwrap();
    date(&served.certificate);
    look(&tls);
    assert!(ask(address, &first.certificate).await.is_ok());
    // So does a new key that others may read.
    put(&second);
    permit(&served.key, 0o644);
    look(&tls);
    assert!(ask(address, &first.certificate).await.is_ok());
    put(&second);
    look(&tls);
    assert!(
        ask(address, &second.certificate)
            .await
            .unwrap()
            .ends_with("sealed")
    );
    assert!(ask(address, &first.certificate).await.is_err());
    stop.cancel();
    std::fs::remove_dir_all(&folder).unwrap();
}

/// A port for members answers those alone whose certificates lead to its roots.
#[tokio::test]
async fn a_client_without_a_members_certificate_hears_nothing() {
    let folder = std::env::temp_dir().join(format!("touchstone-mutual-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let [server, member, stranger] =
        ["server", "member", "stranger"].map(|name| certificate(&folder, name));
    let files = Files {
        client_roots: Some(member.certificate.clone()),
        ..server.clone()
    };
    let tls = Tls::load(files, Protocol::Http1).unwrap();
    let (address, stop) = start(tls).await;
    for (own, is_heard) in [
        (None, false),
        (Some(&stranger), false),
        (Some(&member), true),
    ] {
        let heard = ask_as(address, &server.certificate, own).await;
        let heard = heard.is_ok_and(|text| text.ends_with("sealed"));
        assert_eq!(heard, is_heard, "{own:?}");
    }
    stop.cancel();
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn files_that_can_not_be_used_are_named() {
    let folder = std::env::temp_dir().join(format!("touchstone-tls-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let good = certificate(&folder, "good");
    let other = certificate(&folder, "other");
    let load = |files: &Files| Tls::load(files.clone(), Protocol::Http2).map(drop);
    assert!(load(&good).is_ok());
    let missing = Files {
        certificate: folder.join("none.pem"),
        ..good.clone()
    };
    assert!(matches!(load(&missing), Err(TlsError::Unreadable { .. })));
    let swapped = Files {
        certificate: good.key.clone(),
        ..good.clone()
    };
    assert!(matches!(
        load(&swapped),
        Err(TlsError::Empty {
            what: "certificate",
            ..
        })
    ));
    let mixed = Files {
        key: other.key.clone(),
        ..good.clone()
    };
    assert!(matches!(load(&mixed), Err(TlsError::Unusable { .. })));
    let mutual = Files {
        client_roots: Some(other.certificate.clone()),
        ..good.clone()
    };
    assert!(load(&mutual).is_ok());
    permit(&good.key, 0o640);
    let exposed = load(&good).unwrap_err();
    assert!(matches!(exposed, TlsError::Exposed { mode: 0o640, .. }));
    assert!(exposed.to_string().contains("chmod 600"), "{exposed}");
    std::fs::remove_dir_all(&folder).unwrap();
}
