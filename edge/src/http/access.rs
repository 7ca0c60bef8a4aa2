//! Who may ask and write over HTTP. A web page that its reader opens can send requests to addresses that the
//! reader's machine reaches, under a name of the page's own (DNS rebinding): so `Host` must be an address, this
//! machine or a name that the operator lists, and `Origin`, which browsers send, one that the operator lists.
//! A bearer token keeps others from writing where one is set.

use std::net::IpAddr;

use axum::http::{HeaderMap, Method, header};
use sha2::{Digest, Sha256};

use super::problem::{Exception, Problem};

/// What an operator allows.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// Names of this server besides its addresses, without a port.
    hosts: Vec<String>,
    /// Origins of web pages that may ask, such as `https://app.example.org`.
    origins: Vec<String>,
    /// The hash of the token that a writer must have.
    token: Option<[u8; 32]>,
}

impl Access {
    /// Of a server with these names besides its addresses, for web pages of these origins.
    pub fn new(hosts: Vec<String>, origins: Vec<String>) -> Access {
        Access {
            hosts,
            origins,
            token: None,
        }
    }

    /// Lets only those write who have this token.
    pub fn with_token(mut self, token: &str) -> Access {
        self.token = Some(digest(token.trim()));
        self
    }

    /// Whether writers need a token.
    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Refuses what a request may not.
    pub fn check(&self, method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
        let text = |name| headers.get(name).map(|v| v.to_str().unwrap_or_default());
        if let Some(host) = text(header::HOST)
            && !self.is_own(host)
        {
            let detail = format!(
                "{host:?} isn't a name of this server; ask it by its address, or have its operator list the name"
            );
            return Err(Problem::new(Exception::Forbidden, detail));
        }
        // A page that this server sent itself asks in its own name; the name was looked at above.
        let is_own_page = |origin: &str| {
            let host = origin.split_once("://").map(|(_, host)| host);
            host.is_some() && host == text(header::HOST)
        };
        if let Some(origin) = text(header::ORIGIN)
            && !is_own_page(origin)
            && !self.origins.iter().any(|allowed| allowed == origin)
        {
            let detail = format!(
                "web pages of {origin:?} may not ask here; the operator lists those that may"
            );
            return Err(Problem::new(Exception::Forbidden, detail));
        }
        let writes = !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        match (&self.token, writes) {
            (Some(expected), true) if !bears(headers, expected) => Err(Problem::new(
                Exception::Unauthorised,
                "writing here needs the operator's token: Authorization: Bearer TOKEN",
            )),
            _ => Ok(()),
        }
    }

    fn is_own(&self, host: &str) -> bool {
        let name = name_of(host);
        let is_address = name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        is_address
            || name.eq_ignore_ascii_case("localhost")
            || self.hosts.iter().any(|own| own.eq_ignore_ascii_case(name))
    }
}

/// A host without its port.
fn name_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.is_empty() => {
            // The last part of a bare IPv6 address is no port, but such a host isn't valid anyhow.
            name
        }
        _ => host,
    }
}

fn bears(headers: &HeaderMap, expected: &[u8; 32]) -> bool {
    let text = headers.get(header::AUTHORIZATION);
    let text = text.and_then(|value| value.to_str().ok());
    let Some((scheme, token)) = text.and_then(|text| text.split_once(' ')) else {
        return false;
    };
    // Hashes are compared, so that the time taken tells nothing of the token.
    scheme.eq_ignore_ascii_case("bearer") && digest(token.trim()) == *expected
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(access: &Access, method: Method, headers: &[(&str, &str)]) -> u16 {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: header::HeaderName = name.parse().unwrap();
            map.insert(name, value.parse().unwrap());
        }
        match access.check(&method, &map) {
            Ok(()) => 200,
            Err(problem) => problem.exception.parts().0.as_u16(),
        }
    }

    #[test]
    fn foreign_hosts_and_origins_are_refused_and_writers_need_the_token() {
        let access = Access {
            hosts: vec!["node.example.org".into()],
            origins: vec!["https://app.example.org".into()],
            ..Access::default()
        };
        let with_token = access.clone().with_token("secret\n");
        for (method, headers, open, guarded) in [
            (Method::GET, vec![], 200, 200),
            (Method::GET, vec![("host", "127.0.0.1:4000")], 200, 200),
            (Method::GET, vec![("host", "[::1]:4000")], 200, 200),
            (Method::GET, vec![("host", "localhost")], 200, 200),
            (Method::GET, vec![("host", "node.example.org:80")], 200, 200),
            (Method::GET, vec![("host", "evil.example")], 403, 403),
            (
                Method::GET,
                vec![("host", "127.0.0.1.evil.example")],
                403,
                403,
            ),
            (Method::POST, vec![("host", "evil.example:4000")], 403, 403),
            (
                Method::POST,
                vec![("origin", "https://evil.example")],
                403,
                403,
            ),
            (Method::POST, vec![("origin", "null")], 403, 403),
            (
                Method::POST,
                vec![("host", "[::1]:4000"), ("origin", "http://[::1]:4000")],
                200,
                401,
            ),
            (
                Method::POST,
                vec![
                    ("host", "127.0.0.1:4000"),
                    ("origin", "http://127.0.0.1:4001"),
                ],
                403,
                403,
            ),
            (
                Method::GET,
                vec![("host", "evil.example"), ("origin", "http://evil.example")],
                403,
                403,
            ),
            (
                Method::POST,
                vec![("origin", "https://app.example.org")],
                200,
                401,
            ),
            (Method::DELETE, vec![], 200, 401),
            (
                Method::POST,
                vec![("authorization", "Bearer wrong")],
                200,
                401,
            ),
            (
                Method::POST,
                vec![("authorization", "Basic secret")],
                200,
                401,
            ),
            (
                Method::POST,
                vec![("authorization", "bearer secret")],
                200,
                200,
            ),
        ] {
            assert_eq!(
                check(&access, method.clone(), &headers),
                open,
                "{method} {headers:?}"
            );
            assert_eq!(
                check(&with_token, method.clone(), &headers),
                guarded,
                "{method} {headers:?}"
            );
        }
    }
}
