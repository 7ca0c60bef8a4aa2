//! Where subscriptions may send to. A client names the address that the gateway then asks, and the gateway stands
//! in its owner's network: so only servers that the operator lists are asked, by scheme, host and port, and no
//! redirect leads elsewhere.

use crate::failure::Failure;
use crate::gateway::webhooks::address::{BadAddress, HttpAddress, Roots};

/// Bytes of a destination, at most.
const DESTINATION_BYTES: usize = 2048;

/// The servers that may be told.
#[derive(Default)]
pub struct Destinations {
    allowed: Vec<(String, HttpAddress)>,
    roots: Option<Roots>,
}

/// Why an address isn't told.
#[derive(Debug, PartialEq, Eq)]
pub enum BadDestination {
    /// It is no address.
    Form(String),
    /// The operator doesn't list its server.
    NotAllowed(String),
}

impl Destinations {
    /// Reads what the operator lists: `https://HOST:PORT`, without a path.
    pub fn read(listed: &[String], roots: Option<Roots>) -> Result<Destinations, Failure> {
        let mut allowed = Vec::new();
        for url in listed {
            let wrong = |why: &str| Failure::Usage(format!("--destination {url:?}: {why}"));
            let address = HttpAddress::read(url, roots.as_ref()).map_err(|bad| match bad {
                BadAddress::Form(why) => wrong(why),
                BadAddress::NoRoots => {
                    wrong("https needs --webhook-roots FILE, the roots that the host is known by")
                }
            })?;
            if address.target != "/" {
                return Err(wrong("name the server alone, without a path"));
            }
            allowed.push((url.clone(), address));
        }
        Ok(Destinations { allowed, roots })
    }

    /// Reads an address that a client names.
    pub fn address(&self, dest: &str) -> Result<HttpAddress, BadDestination> {
        let form = |why: &str| BadDestination::Form(format!("dest is {dest:?}: {why}"));
        if dest.len() > DESTINATION_BYTES {
            let why = format!("dest has more than {DESTINATION_BYTES} bytes");
            return Err(BadDestination::Form(why));
        }
        let address = match HttpAddress::read(dest, self.roots.as_ref()) {
            Ok(address) => address,
            Err(BadAddress::Form(why)) => return Err(form(why)),
            Err(BadAddress::NoRoots) => return Err(self.not_allowed(dest)),
        };
        let mut allowed = self.allowed.iter();
        match allowed.any(|(_, known)| known.is_same_origin(&address)) {
            true => Ok(address),
            false => Err(self.not_allowed(dest)),
        }
    }

    fn not_allowed(&self, dest: &str) -> BadDestination {
        let listed: Vec<&str> = self.allowed.iter().map(|(url, _)| url.as_str()).collect();
        BadDestination::NotAllowed(format!(
            "dest is {dest:?}, and the operator of this gateway lists {listed:?} as destinations \
             (--destination)"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_servers_are_told() {
        let listed = [
            "http://erp.example:8080".to_owned(),
            "http://[::1]:9".to_owned(),
        ];
        let destinations = Destinations::read(&listed, None).unwrap();
        for dest in [
            "http://erp.example:8080/told?x=1",
            "http://ERP.example:8080",
            "http://[::1]:9/told",
        ] {
            assert!(destinations.address(dest).is_ok(), "{dest}");
        }
        for dest in [
            "http://erp.example/told",
            "http://erp.example:8081/told",
            "https://erp.example:8080/told",
            "http://erp.example.:8080/told",
            "http://erp.example.evil:8080/told",
            "http://169.254.169.254/latest/meta-data",
            "http://localhost:26670/capture",
            "http://127.0.0.1:8080/",
            "http://[::ffff:127.0.0.1]:9/",
            "http://[0:0:0:0:0:0:0:1]:9/",
            "http://evil.example/http://erp.example:8080",
        ] {
            let refused = destinations.address(dest).err();
            assert!(
                matches!(refused, Some(BadDestination::NotAllowed(_))),
                "{dest}"
            );
        }
        for dest in [
            "http://erp.example:8080@evil.example/",
            "http://evil.example#@erp.example:8080/",
            "gopher://erp.example:8080/",
            "//erp.example:8080/",
            "",
            "http://erp.example:8080/\r\nHost: evil.example",
            &format!("http://erp.example:8080/{}", "a".repeat(2048)),
        ] {
            let refused = destinations.address(dest).err();
            assert!(matches!(refused, Some(BadDestination::Form(_))), "{dest}");
        }
        let none = Destinations::default().address("http://erp.example:8080");
        assert!(matches!(none.err(), Some(BadDestination::NotAllowed(_))));
        let path = Destinations::read(&["http://erp.example/told".to_owned()], None);
        assert!(path.is_err());
    }
}
