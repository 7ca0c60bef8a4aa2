//! Who asks, as far as a port can tell.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hyper::http::Extensions;

/// The owner of a request: its address and its connection. Limits are counted for both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Caller {
    /// The address, as `owner_of` counts it.
    pub address: IpAddr,
    /// The connection, by a number that this process gives once.
    pub connection: u64,
}

impl Caller {
    /// This process itself, which asks through no port.
    pub const OWN: Caller = Caller {
        address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        connection: 0,
    };

    /// The client that a server has noted in a request.
    pub fn of(extensions: &Extensions) -> Caller {
        extensions.get().copied().unwrap_or(Caller::OWN)
    }
}

/// The address that limits are counted for. Whoever has an IPv6 address mostly has all 2^64 of its network.
pub fn owner_of(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else {
        return address;
    };
    match v6.to_ipv4_mapped() {
        Some(v4) => IpAddr::V4(v4),
        None => IpAddr::V6(Ipv6Addr::from(u128::from(v6) & (u128::MAX << 64))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_network_is_one_owner_and_a_mapped_address_is_its_ipv4() {
        for (address, owner) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2::9", "2001:db8:1:2::"),
            ("2001:db8:1:3::9", "2001:db8:1:3::"),
        ] {
            let owner: IpAddr = owner.parse().unwrap();
            assert_eq!(owner_of(address.parse().unwrap()), owner, "{address}");
        }
    }
}
