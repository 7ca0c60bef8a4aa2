//! Webhooks: an address of the ERP's is told of offers that come in and jobs that end. A notice is on
//! the disk before it is sent, and is sent again, ever less often, until the address takes it; so it
//! may come twice, and its id says so. Each is signed as Standard Webhooks (standardwebhooks.com)
//! has it: `webhook-signature: v1,BASE64` is the HMAC-SHA256 of `ID.TIMESTAMP.BODY`.

pub mod address;
pub mod delivery;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::delivery::{Posting, WebhookAddress};
use crate::failure::Failure;
use crate::{file, keyfile};

/// Before a notice is sent again; then twice as long, and so on.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
/// How long a notice is tried.
const LIFE_MS: u64 = 3 * 24 * 3_600_000;
const SUFFIX: &str = ".notice";

/// Addresses that are told, and how.
#[derive(Clone, Debug, Default)]
pub struct WebhookSettings {
    /// Where notices go: `http://` or `https://` addresses.
    pub urls: Vec<String>,
    /// What signs them.
    pub secret: Option<PathBuf>,
    /// PEM of the roots by which hosts of https addresses are known.
    pub roots: Option<PathBuf>,
}

/// Notices on their way.
#[derive(Clone)]
pub struct Webhooks(Arc<Shared>);

struct Shared {
    folder: PathBuf,
    addresses: Vec<WebhookAddress>,
    key: hmac::Key,
    now_ms: fn() -> u64,
    arrived: Notify,
}

/// A notice, as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Notice {
    id: String,
    /// Which address, by its place in the settings.
    url: String,
    created_ms: u64,
    body: String,
}

/// What became of a try.
enum Tried {
    /// It is done with.
    Done,
    /// It is tried again, ever less often.
    Failed,
    /// It has its turn after those of other addresses.
    NotYet,
}

impl Webhooks {
    /// Reads the settings; none where no address is told.
    pub fn new(
        settings: &WebhookSettings,
        jobs: &Path,
        now_ms: fn() -> u64,
    ) -> Result<Option<Webhooks>, Failure> {
        if settings.urls.is_empty() {
            return Ok(None);
        }
        let secret = settings.secret.as_ref().ok_or_else(|| {
            Failure::Usage("--webhook needs --webhook-secret FILE, which signs what is sent".into())
        })?;
        let text = keyfile::read_secret(secret)?;
        let key = key(&text).ok_or_else(|| {
            Failure::Usage(format!(
                "{}: a secret has at least 24 characters, or is whsec_ and base64",
                secret.display()
            ))
        })?;
        let addresses = settings
            .urls
            .iter()
            .map(|url| WebhookAddress::read(url, settings.roots.as_deref()))
            .collect::<Result<Vec<_>, _>>()?;
        let folder = jobs.join("notices");
        file::create_private_folder(&folder)?;
        Ok(Some(Webhooks(Arc::new(Shared {
            folder,
            addresses,
            key,
            now_ms,
            arrived: Notify::new(),
        }))))
    }

    /// Keeps a notice for each address; it is on the disk when this returns. The same id again is the
    /// same notice.
    pub fn keep(&self, kind: &str, id: &str, data: Value) -> Result<(), Failure> {
        let now_ms = (self.0.now_ms)();
        let id = format!("{kind}.{id}");
        let body = json!({ "type": kind, "timestamp_ms": now_ms, "data": data }).to_string();
        for (place, address) in self.0.addresses.iter().enumerate() {
            let notice = Notice {
                id: id.clone(),
                url: address.url.clone(),
                created_ms: now_ms,
                body: body.clone(),
            };
            let bytes =
                serde_json::to_vec(&notice).map_err(|e| Failure::Usage(format!("notice: {e}")))?;
            file::write(&self.0.folder.join(format!("{id}.{place}{SUFFIX}")), &bytes)?;
        }
        Ok(())
    }

    /// What was kept may go.
    pub fn send(&self) {
        self.0.arrived.notify_one();
    }

    /// Sends notices until `stop`.
    pub async fn deliver(&self, stop: CancellationToken) {
        let mut waiting: BTreeMap<PathBuf, (Instant, Duration)> = BTreeMap::new();
        loop {
            let due = tokio::select! {
                () = stop.cancelled() => return,
                due = self.round(&mut waiting) => due,
            };
            let due = due.unwrap_or_else(|| Instant::now() + LONGEST_PAUSE);
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.0.arrived.notified() => {}
                () = tokio::time::sleep_until(due) => {}
            }
        }
    }

    /// Tries what is due; gives when the next is. An address that doesn't take one isn't tried again before the others
    /// had their turn: each try of one that is away takes its time.
    async fn round(&self, waiting: &mut BTreeMap<PathBuf, (Instant, Duration)>) -> Option<Instant> {
        let mut away = BTreeSet::new();
        let kept = self.kept();
        waiting.retain(|path, _| kept.contains(path));
        for path in kept {
            let (due, pause) = waiting
                .get(&path)
                .copied()
                .unwrap_or((Instant::now(), FIRST_PAUSE));
            if due > Instant::now() {
                continue;
            }
            let longer = match self.try_one(&path, &mut away).await {
                Tried::Done => continue,
                Tried::Failed => (pause * 2).min(LONGEST_PAUSE),
                Tried::NotYet => pause,
            };
            waiting.insert(path, (Instant::now() + pause, longer));
        }
        let kept = self.kept();
        waiting.retain(|path, _| kept.contains(path));
        waiting.values().map(|(due, _)| *due).min()
    }

    fn kept(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.0.folder).into_iter().flatten();
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let is_notice = |path: &PathBuf| path.to_string_lossy().ends_with(SUFFIX);
        let mut paths: Vec<PathBuf> = paths.filter(is_notice).collect();
        paths.sort();
        paths
    }

    /// Sends a notice, unless its address is among those that are `away`; notes there whose is.
    async fn try_one(&self, path: &Path, away: &mut BTreeSet<String>) -> Tried {
        let notice = std::fs::read(path).ok();
        let notice: Option<Notice> = notice.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let now_ms = (self.0.now_ms)();
        let done = match notice {
            None => {
                tracing::error!(file = %path.display(), "a notice can't be read and is dropped");
                true
            }
            Some(notice) => match self.0.addresses.iter().find(|a| a.url == notice.url) {
                None => true,
                Some(_) if away.contains(&notice.url) => return Tried::NotYet,
                Some(address) => {
                    let seconds = now_ms / 1000;
                    let posting = Posting {
                        headers: signed(&self.0.key, &notice.id, seconds, &notice.body),
                        body: notice.body,
                    };
                    match address.post(posting).await {
                        Ok(()) => {
                            tracing::info!(id = notice.id, url = notice.url, "told");
                            true
                        }
                        Err(error) => {
                            let is_over = now_ms.saturating_sub(notice.created_ms) > LIFE_MS;
                            tracing::warn!(id = notice.id, url = notice.url, %error, is_over, "not told");
                            away.insert(notice.url);
                            is_over
                        }
                    }
                }
            },
        };
        // What can't be removed is sent again, under the same id.
        match done && std::fs::remove_file(path).is_ok() {
            true => Tried::Done,
            false => Tried::Failed,
        }
    }
}

/// The headers that sign a notice: its id, when it is sent, and the HMAC-SHA256 of both and the body.
pub fn signed(key: &hmac::Key, id: &str, seconds: u64, body: &str) -> Vec<(&'static str, String)> {
    let signed = format!("{id}.{seconds}.{body}");
    let tag = hmac::sign(key, signed.as_bytes());
    vec![
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", seconds.to_string()),
        ("webhook-signature", format!("v1,{}", STANDARD.encode(tag))),
    ]
}

/// A secret as Standard Webhooks writes it, or any long text.
fn key(text: &str) -> Option<hmac::Key> {
    let text = text.trim();
    let bytes = match text.strip_prefix("whsec_") {
        Some(encoded) => STANDARD.decode(encoded).ok()?,
        None => text.as_bytes().to_vec(),
    };
    (bytes.len() >= 24).then(|| hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// The example of Standard Webhooks' own libraries.
    #[test]
    fn a_signature_is_that_of_the_standards_example() {
        let key = key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let headers = signed(&key, id, 1_614_265_330, "{\"test\": 2432232314}");
        let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(headers[2], ("webhook-signature", signature.to_owned()));
        assert_eq!(headers[0], ("webhook-id", id.to_owned()));
    }

    /// Answers all that is posted so; how often it was.
    async fn answering(status: &'static str) -> (String, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let count = Arc::new(AtomicUsize::new(0));
        let posted = count.clone();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                posted.fetch_add(1, Ordering::Relaxed);
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(status.as_bytes()).await;
            }
        });
        (url, count)
    }

    /// One that is away takes 20 s for each try: it has one before the others had their turns.
    #[tokio::test]
    async fn an_address_that_is_away_holds_up_no_other() {
        let (away, tries) = answering("HTTP/1.1 503 Away\r\ncontent-length: 0\r\n\r\n").await;
        let (here, told) = answering("HTTP/1.1 204 No Content\r\n\r\n").await;
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret");
        file::write_private(&secret, b"a secret of more than twenty-four characters").unwrap();
        let settings = WebhookSettings {
            urls: vec![away, here],
            secret: Some(secret),
            roots: None,
        };
        let webhooks = Webhooks::new(&settings, folder.path(), || 0);
        let webhooks = webhooks.unwrap().unwrap();
        for number in 0..9 {
            let id = number.to_string();
            webhooks.keep("job.finished", &id, json!({})).unwrap();
        }
        let mut waiting = BTreeMap::new();
        assert!(webhooks.round(&mut waiting).await.is_some());
        let counts = [&tries, &told].map(|count| count.load(Ordering::Relaxed));
        assert_eq!((counts, waiting.len()), ([1, 9], 9));
        let pauses: Vec<Duration> = waiting.values().map(|(_, pause)| *pause).collect();
        let longer = pauses.iter().filter(|pause| **pause > FIRST_PAUSE).count();
        assert_eq!(longer, 1, "what wasn't tried comes as soon: {pauses:?}");
    }

    #[test]
    fn a_short_secret_is_none() {
        assert!(key("short").is_none());
        assert!(key("whsec_c2hvcnQ=").is_none());
        assert!(key("a secret of more than twenty-four characters\n").is_some());
    }
}
