use std::io::Read as _;

use flate2::read::GzDecoder;

use super::*;

fn member(url: &str) -> MemberNode {
    MemberNode {
        name: "market".into(),
        url: url.into(),
    }
}

fn headers(encoding: Option<&'static str>) -> HeaderMap {
    let pair = encoding.map(|text| (header::ACCEPT_ENCODING, HeaderValue::from_static(text)));
    pair.into_iter().collect()
}

#[test]
fn a_member_is_named_by_scheme_and_host_alone() {
    for url in [
        "https://b.example",
        "http://127.0.0.1:26660",
        "http://[::1]:4000",
    ] {
        assert!(is_origin(url), "{url}");
    }
    for url in [
        "",
        "b.example",
        "/app/",
        "ftp://b.example",
        "https://b.example/",
        "https://b.example/app",
        "https://b.example?x",
        "https://user@b.example",
        "https://b.example;script-src",
        "https://b.example 'unsafe-inline'",
        "HTTPS://b.example",
    ] {
        assert!(!is_origin(url), "{url}");
    }
}

#[test]
fn the_policy_lets_the_page_ask_its_node_and_the_members_alone() {
    let policy = |members: &[MemberNode], openings: Option<&str>| {
        let surroundings = Surroundings {
            members: members.to_vec(),
            openings: openings.map(str::to_owned),
        };
        let page = App::new(&surroundings, false).page(&headers(None));
        let policy = page.headers()[header::CONTENT_SECURITY_POLICY].to_str();
        policy.expect("a policy is ASCII").to_owned()
    };
    let alone = policy(&[], None);
    assert!(alone.starts_with("default-src 'none'; script-src 'sha256-"));
    assert!(alone.contains("; connect-src 'self'; "), "{alone}");
    assert!(alone.ends_with("; frame-ancestors 'none'"));
    let listed = policy(&[member("https://b.example")], Some("https://c.example"));
    assert!(listed.contains("; connect-src 'self' https://b.example https://c.example; "));
    for word in ["unsafe", "http:", " * "] {
        assert!(!alone.contains(word), "{word}");
    }
}

#[test]
fn the_page_is_compressed_for_those_who_take_it() {
    let app = App::new(&Surroundings::default(), false);
    for (encoding, is_compressed) in [
        (None, false),
        (Some("gzip, deflate, br"), true),
        (Some("br;q=1.0, gzip;q=0.8"), true),
        (Some("gzip;q=0"), false),
        (Some("identity"), false),
    ] {
        let page = app.page(&headers(encoding));
        let told = page.headers().get(header::CONTENT_ENCODING);
        assert_eq!(told.is_some(), is_compressed, "{encoding:?}");
    }
    let mut html = String::new();
    let mut decoder = GzDecoder::new(EMBEDDED.gzip.as_ref());
    decoder.read_to_string(&mut html).expect("it is gzip");
    assert_eq!(html, PAGE);
    assert!(EMBEDDED.gzip.len() <= 150 << 10);
}

#[tokio::test]
async fn the_courts_page_is_handed_out_and_asks_no_server() {
    let page = court_page(headers(None)).await;
    let policy = page.headers()[header::CONTENT_SECURITY_POLICY].to_str();
    let policy = policy.expect("a policy is ASCII").to_owned();
    assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"));
    assert!(policy.ends_with("; frame-ancestors 'none'"));
    assert!(!policy.contains("connect-src"), "{policy}");
    let body = axum::body::to_bytes(page.into_body(), usize::MAX).await;
    assert_eq!(body.expect("it is in memory"), COURT_PAGE.as_bytes());
}
