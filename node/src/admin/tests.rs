use std::sync::Mutex;

use touchstone_edge::budget::ByteLimits;

use super::client::{AdminError, ask};
use super::*;
use crate::service::error::unproven;
use crate::service::tests::served;

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

async fn asked(folder: &Path, request: AdminRequest) -> Result<Value, AdminError> {
    let folder = folder.to_owned();
    tokio::task::spawn_blocking(move || ask(&folder, &request))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_running_node_is_administrated_by_its_own_user_alone() {
    let folder = tempfile::tempdir().unwrap();
    let admin = folder.path().join("admin");
    // What an earlier process left, open to all.
    std::fs::create_dir(&admin).unwrap();
    std::fs::set_permissions(&admin, Permissions::from_mode(0o777)).unwrap();
    std::fs::write(admin.join(SOCKET), "left").unwrap();
    let nobody = asked(&admin, AdminRequest::Status).await.unwrap_err();
    assert!(matches!(nobody, AdminError::NotRunning(_)), "{nobody}");

    let socket = AdminSocket::bind(&admin).unwrap();
    assert_eq!((mode(&admin), mode(&admin.join(SOCKET))), (0o700, 0o600));
    let mut served = served();
    served.grow(2);
    let filters = Arc::new(Mutex::new(Vec::new()));
    let kept = filters.clone();
    let asked_to_stop = CancellationToken::new();
    let parts = AdminParts {
        service: served.service.clone(),
        budget: Budget::new(ByteLimits::default()),
        log: LogFilter::new(move |text| match text {
            "bad=" => Err("no filter".into()),
            _ => {
                kept.lock().unwrap().push(text.to_owned());
                Ok(())
            }
        }),
        asked_to_stop: asked_to_stop.clone(),
    };
    let stop = CancellationToken::new();
    let serving = tokio::spawn(serve(socket, parts, stop.clone()));

    let status = asked(&admin, AdminRequest::Status).await.unwrap();
    assert_eq!(status["height"], 2);
    assert_eq!(status["peers"][0]["connected"], false);
    assert_eq!(status["peers"][0]["organisation"], "platform");
    // What others are told of this node, its operator is told as well.
    assert_eq!(status["failure_alarm"], Value::Null);
    served.service.parts.failed.note(&unproven("a root"));
    let status = asked(&admin, AdminRequest::Status).await.unwrap();
    let alarm = status["failure_alarm"].as_str().unwrap();
    assert!(alarm.contains("touchstone-node fsck"), "{alarm}");

    let log = |filter: &str| AdminRequest::Log {
        filter: filter.to_owned(),
    };
    assert!(asked(&admin, log("debug")).await.is_ok());
    let refused = asked(&admin, log("bad=")).await.unwrap_err();
    assert!(refused.to_string().contains("no filter"), "{refused}");
    // A mistyped level isn't the name of a module.
    for mistyped in ["debgu", "info,debgu", "touchstone_node"] {
        let refused = asked(&admin, log(mistyped)).await.unwrap_err();
        assert!(refused.to_string().contains("is no level"), "{refused}");
    }
    let told = "WARN,touchstone_node=debug,touchstone_node[height{number=7}]=trace";
    assert!(asked(&admin, log(told)).await.is_ok());
    assert_eq!(*filters.lock().unwrap(), ["debug", told]);

    let to = folder.path().join("backup");
    let backup = AdminRequest::Backup { to: to.clone() };
    assert_eq!(asked(&admin, backup.clone()).await.unwrap()["height"], 2);
    assert!(to.join("CURRENT").is_file());
    assert!(
        asked(&admin, backup).await.is_err(),
        "nothing is overwritten"
    );

    assert!(!asked_to_stop.is_cancelled());
    assert!(asked(&admin, AdminRequest::Stop).await.is_ok());
    assert!(asked_to_stop.is_cancelled());
    stop.cancel();
    serving.await.unwrap();
}

#[tokio::test]
async fn what_is_no_question_is_refused_and_silence_ends_nobody_elses() {
    let folder = tempfile::tempdir().unwrap();
    let socket = AdminSocket::bind(folder.path()).unwrap();
    let served = served();
    let parts = AdminParts {
        service: served.service.clone(),
        budget: Budget::new(ByteLimits::default()),
        log: LogFilter::new(|_| Ok(())),
        asked_to_stop: CancellationToken::new(),
    };
    let serving = tokio::spawn(serve(socket, parts, CancellationToken::new()));
    let path = folder.path().join(SOCKET);
    let _silent = UnixStream::connect(&path).await.unwrap();
    for (question, word) in [
        ("{\"verb\":\"shell\"}\n", "can't be asked"),
        ("{\"verb\":\"log\"}\n", "can't be asked"),
        ("\n", "can't be asked"),
        ("{\"verb\":\"status\"}\n", "ok"),
    ] {
        let mut stream = UnixStream::connect(&path).await.unwrap();
        stream.write_all(question.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.contains(word), "{question}: {answer}");
    }
    serving.abort();
}

#[tokio::test]
async fn another_user_is_refused() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let own = theirs.peer_cred().unwrap().uid();
    let served = served();
    let stop = CancellationToken::new();
    let parts = AdminParts {
        service: served.service.clone(),
        budget: Budget::new(ByteLimits::default()),
        log: LogFilter::new(|_| Ok(())),
        asked_to_stop: stop.clone(),
    };
    let mut stream = ours;
    let serving = tokio::spawn(converse(theirs, own + 1, Arc::new(parts)));
    let _ = stream.write_all(b"{\"verb\":\"stop\"}\n").await;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).await.unwrap();
    assert!(answer.contains("may not administrate"), "{answer}");
    serving.await.unwrap();
    assert!(!stop.is_cancelled());
}
