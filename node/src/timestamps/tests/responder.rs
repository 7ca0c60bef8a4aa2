//! An authority under the tests' hands: certificates of its own, true answers by `openssl ts`, and
//! an HTTP server that answers as a test likes.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::timestamps::settings::{Authority, Timestamps, WrittenAuthority};

/// The certificates of an authority, and openssl's configuration for it.
pub struct Certificates {
    folder: TempDir,
    numbers: AtomicUsize,
}

impl Certificates {
    pub fn new() -> Arc<Certificates> {
        let folder = tempfile::tempdir().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/lib/tsa.py");
        let mut python = Command::new("python3");
        python.arg(script).arg(folder.path()).arg("--prepare");
        succeed(&mut python);
        Arc::new(Certificates {
            folder,
            numbers: AtomicUsize::new(0),
        })
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The true answer to a query.
    pub fn answer(&self, query: &[u8]) -> Vec<u8> {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let asked = self.file(&format!("{number}.tsq"));
        let answered = self.file(&format!("{number}.tsr"));
        std::fs::write(&asked, query).unwrap();
        let mut openssl = Command::new("openssl");
        openssl.args(["ts", "-reply", "-config"]);
        openssl.arg(self.file("authority.cnf"));
        openssl.arg("-queryfile").arg(asked);
        openssl.arg("-out").arg(&answered);
        succeed(&mut openssl);
        std::fs::read(answered).unwrap()
    }
}

pub fn succeed(command: &mut Command) {
    let done = command.output().unwrap();
    let words = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{command:?}: {words}");
}

/// What a responder does with a query.
pub enum Reply {
    /// A whole answer: status, content type, body.
    Whole(u16, &'static str, Vec<u8>),
    /// These bytes as they are; then the connection ends.
    Raw(Vec<u8>),
    /// Nothing, ever.
    Silence,
}

impl Reply {
    pub fn stamp(body: Vec<u8>) -> Reply {
        Reply::Whole(200, "application/timestamp-reply", body)
    }
}

/// A server on loopback. It ends when it is dropped.
pub struct Responder {
    pub port: u16,
    task: JoinHandle<()>,
}

impl Drop for Responder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Responder {
    pub async fn start(reply: impl Fn(Vec<u8>) -> Reply + Send + Sync + 'static) -> Responder {
        Responder::start_over(reply, None).await
    }

    /// The same over TLS, where there is an acceptor.
    pub async fn start_over(
        reply: impl Fn(Vec<u8>) -> Reply + Send + Sync + 'static,
        tls: Option<tokio_rustls::TlsAcceptor>,
    ) -> Responder {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let reply = Arc::new(reply);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (reply, tls) = (reply.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, &*reply).await,
                        // A client may not like the certificate.
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, &*reply).await;
                            }
                        }
                    }
                });
            }
        });
        Responder { port, task }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/tsa?a=b", self.port)
    }

    /// This authority, trusted by these certificates.
    pub fn authority(&self, name: &str, certificates: &Certificates) -> Authority {
        authority(&self.url(), name, certificates)
    }
}

/// The authority at a URL, trusted by these certificates.
pub fn authority(url: &str, name: &str, certificates: &Certificates) -> Authority {
    load(WrittenAuthority {
        url: url.into(),
        name: Some(name.into()),
        roots: certificates.file("root.pem"),
        policy: None,
        timeout_ms: None,
        tls_roots: None,
    })
}

pub fn load(written: WrittenAuthority) -> Authority {
    let section = Timestamps {
        authority: vec![written],
        ..Timestamps::default()
    };
    let mut settings = section.load(Path::new(".")).unwrap();
    settings.authorities.remove(0)
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    reply: &(impl Fn(Vec<u8>) -> Reply + Send + Sync),
) {
    let Some(query) = request(&mut stream).await else {
        return;
    };
    let bytes = match reply(query) {
        Reply::Whole(status, kind, body) => {
            let head = format!(
                "HTTP/1.1 {status} Words\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            [head.into_bytes(), body].concat()
        }
        Reply::Raw(bytes) => bytes,
        Reply::Silence => {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            return;
        }
    };
    // A client that refuses the head doesn't wait for the rest.
    let _ = stream.write_all(&bytes).await;
    let _ = stream.shutdown().await;
}

/// A request's body, if the request is as the RFC says.
async fn request(stream: &mut (impl AsyncRead + Unpin)) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece).await.ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&piece[..read]);
        let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        assert!(head.starts_with("post /tsa?a=b http/1.1\r\n"), "{head}");
        assert!(
            head.contains("content-type: application/timestamp-query"),
            "{head}"
        );
        assert!(head.contains("host: "), "{head}");
        let length = head.split("content-length: ").nth(1).unwrap();
        let length: usize = length.lines().next().unwrap().trim().parse().unwrap();
        if bytes.len() >= end + 4 + length {
            return Some(bytes.split_off(end + 4));
        }
    }
}
