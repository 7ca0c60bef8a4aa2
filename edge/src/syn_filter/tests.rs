//! The program, by an interpreter for each of its branches and in the system itself.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use super::*;

/// Drops all but one of 2^32.
const ALL_HALVINGS: u32 = 32;

fn shed(owner: &str, halvings: u32) -> Shed {
    let owner = owner.parse().unwrap();
    Shed { owner, halvings }
}

/// A packet: the heads of IP and of TCP.
struct Packet {
    ip: Vec<u8>,
    tcp: Vec<u8>,
}

impl Packet {
    fn of(source: IpAddr, flags: u8) -> Packet {
        let mut tcp = vec![0xff; 20];
        tcp[13] = flags;
        let ip = match source {
            IpAddr::V4(v4) => {
                let mut ip = vec![0xff; 20];
                ip[0] = 0x45;
                ip[12..16].copy_from_slice(&v4.octets());
                ip
            }
            IpAddr::V6(v6) => {
                let mut ip = vec![0xff; 40];
                ip[0] = 0x6f;
                ip[8..24].copy_from_slice(&v6.octets());
                ip
            }
        };
        Packet { ip, tcp }
    }

    fn bytes<const N: usize>(&self, place: u32) -> [u8; N] {
        let (head, place) = match place.checked_sub(IP) {
            Some(place) => (&self.ip, place),
            None => (&self.tcp, place),
        };
        head[place as usize..][..N].try_into().unwrap()
    }
}

/// What the system does with a program, as far as ours goes: whether a packet passes under a lot.
fn passes(program: &[Instruction], packet: &Packet, lot: u32) -> bool {
    let (mut loaded, mut kept) = (0u32, [0u32; 16]);
    let mut next = 0;
    loop {
        let Instruction {
            code,
            skips,
            operand,
        } = program[next];
        next += 1;
        let mut skip = |condition: bool| next += usize::from(skips[usize::from(!condition)]);
        match code {
            LOAD_BYTE => loaded = packet.bytes::<1>(operand)[0].into(),
            LOAD_WORD if operand == LOT => loaded = lot,
            LOAD_WORD => loaded = u32::from_be_bytes(packet.bytes(operand)),
            LOAD_KEPT => loaded = kept[operand as usize],
            KEEP => kept[operand as usize] = loaded,
            AND => loaded &= operand,
            IF_EQUAL => skip(loaded == operand),
            IF_ANY_BIT => skip(loaded & operand != 0),
            JUMP => next += operand as usize,
            PASS => return operand > 0,
            code => panic!("{code:#x} isn't ours"),
        }
    }
}

fn is_dropped(shed: &[Shed], source: &str, flags: u8, lot: u32) -> bool {
    let packet = Packet::of(source.parse().unwrap(), flags);
    !passes(&program(shed), &packet, lot)
}

#[test]
fn only_a_syn_that_begins_a_connection_is_dropped() {
    let owners = [shed("192.0.2.1", 12), shed("2001:db8:1:2::", 12)];
    for source in ["192.0.2.1", "2001:db8:1:2:3:4:5:6"] {
        for flags in 0..=u8::MAX {
            let begins = flags & 0x12 == 0x02;
            assert_eq!(
                is_dropped(&owners, source, flags, u32::MAX),
                begins,
                "{source} {flags:#x}"
            );
        }
    }
}

#[test]
fn the_lot_lets_one_of_so_many_pass() {
    for halvings in 1..=MOST {
        let owners = [shed("192.0.2.1", halvings), shed("2001:db8::", halvings)];
        for source in ["192.0.2.1", "2001:db8::1"] {
            for bit in 0..32 {
                let dropped = is_dropped(&owners, source, 0x02, 1 << bit);
                assert_eq!(dropped, bit < halvings, "{halvings} {bit}");
            }
            assert!(!is_dropped(&owners, source, 0x02, 0));
        }
    }
}

/// As many as `flooders` gives, and more.
const MOST: u32 = 20;

/// So many owners of both kinds, of numbers that share words with each other.
fn many(count: usize) -> Vec<Shed> {
    let owners = (0..count).map(|number| {
        let number = u16::try_from(number).unwrap();
        let owner = match number % 3 {
            0 => IpAddr::from([127, 0, 0, number as u8]),
            1 => IpAddr::from([0x2001, 0xdb8, 0, number, 0, 0, 0, 0]),
            _ => IpAddr::from([0x2001, number, 0, 1, 0, 0, 0, 0]),
        };
        let halvings = 1 + u32::from(number) % 12;
        Shed { owner, halvings }
    });
    owners.collect()
}

#[test]
fn each_of_those_who_are_shed_is_found_and_nobody_else() {
    for count in 0..=64 {
        let owners = many(count);
        let program = program(&owners);
        let is_dropped = |source: IpAddr, lot: u32| {
            let packet = Packet::of(source, 0x02);
            !passes(&program, &packet, lot)
        };
        for Shed { owner, halvings } in many(70) {
            let is_shed = owners.iter().any(|shed| shed.owner == owner);
            let last = 1 << (halvings - 1);
            assert_eq!(is_dropped(owner, last), is_shed, "{owner} of {count}");
            assert!(!is_dropped(owner, !(last | (last - 1))), "{owner}");
            if let IpAddr::V6(network) = owner {
                let other = u128::from(network);
                // The lower half is anybody's, the upper one is the owner.
                let own = IpAddr::V6((other | u128::from(u64::MAX)).into());
                assert_eq!(is_dropped(own, last), is_shed);
                let high = IpAddr::V6((other ^ (1 << 127)).into());
                assert!(!is_dropped(high, u32::MAX));
            }
        }
    }
}

/// A part of an address of the one kind is no address of the other.
#[test]
fn the_kinds_of_addresses_are_told_apart() {
    let v4 = [shed("32.1.13.184", 32)];
    assert!(!is_dropped(&v4, "2001:db8:2001:db8:2001:db8::", 0x02, 1));
    let v6 = [shed("ffff:ffff:ffff:ffff::", 32)];
    assert!(!is_dropped(&v6, "255.255.255.255", 0x02, 1));
}

fn listen() -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()
}

/// A client of an address of this machine, if it gets through in a while.
fn comes(from: &str, to: SocketAddr) -> Option<TcpStream> {
    let from: IpAddr = from.parse().unwrap();
    let from = SocketAddr::new(from, 0);
    let socket = Socket::new(Domain::for_address(from), Type::STREAM, None).unwrap();
    socket.bind(&from.into()).unwrap();
    let connected = socket.connect_timeout(&to.into(), Duration::from_millis(200));
    connected.ok().map(|()| socket.into())
}

/// The address of the next one in the port's queue.
fn accepted(listener: &TcpListener) -> IpAddr {
    listener.accept().unwrap().1.ip()
}

#[test]
fn the_system_sheds_whom_it_is_told_and_nobody_else() {
    let listener = listen();
    let port = listener.local_addr().unwrap();
    let mut filter = SynFilter::default();
    filter.set(&listener, &[shed("127.0.0.2", ALL_HALVINGS)]);
    for _ in 0..3 {
        assert!(comes("127.0.0.2", port).is_none());
    }
    let _other = comes("127.0.0.3", port).unwrap();
    assert_eq!(accepted(&listener), IpAddr::from([127, 0, 0, 3]));
    // Another list takes the place of the first.
    filter.set(&listener, &[shed("127.0.0.3", ALL_HALVINGS)]);
    let _first = comes("127.0.0.2", port).unwrap();
    assert_eq!(accepted(&listener), IpAddr::from([127, 0, 0, 2]));
    assert!(comes("127.0.0.3", port).is_none());
    filter.set(&listener, &[]);
    let _again = comes("127.0.0.3", port).unwrap();
    assert_eq!(accepted(&listener), IpAddr::from([127, 0, 0, 3]));
    filter.set(&listener, &[]);
    assert!(!filter.is_refused);
}

/// This machine has one address of its own of the sixth version; all of its network are the same owner.
#[test]
fn the_system_sheds_networks_of_the_sixth_version() {
    let Ok(listener) = TcpListener::bind(("::1", 0)) else {
        // A machine without it, as some containers are.
        return;
    };
    let port = listener.local_addr().unwrap();
    let mut filter = SynFilter::default();
    filter.set(&listener, &[shed("0:0:0:1::", ALL_HALVINGS)]);
    let _other = comes("::1", port).unwrap();
    filter.set(&listener, &[shed("::", ALL_HALVINGS)]);
    for _ in 0..3 {
        assert!(comes("::1", port).is_none());
    }
    filter.set(&listener, &[]);
    assert!(comes("::1", port).is_some());
}

/// A port of both kinds sees packets of the fourth version as such.
#[test]
fn a_port_for_both_versions_sheds_both() {
    let socket = Socket::new(Domain::IPV6, Type::STREAM, None).unwrap();
    socket.set_only_v6(false).unwrap();
    let any: SocketAddr = "[::]:0".parse().unwrap();
    socket.bind(&any.into()).unwrap();
    socket.listen(16).unwrap();
    let listener = TcpListener::from(socket);
    let number = listener.local_addr().unwrap().port();
    let here = SocketAddr::from((Ipv4Addr::LOCALHOST, number));
    let mut filter = SynFilter::default();
    filter.set(&listener, &[shed("127.0.0.2", ALL_HALVINGS)]);
    assert!(comes("127.0.0.2", here).is_none());
    assert!(comes("127.0.0.3", here).is_some());
}

/// An accepted socket inherits the program of its port.
#[test]
fn a_connection_of_who_is_shed_goes_on_and_ends() {
    let listener = listen();
    let port = listener.local_addr().unwrap();
    let mut client = comes("127.0.0.2", port).unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    let owners = [shed("127.0.0.2", ALL_HALVINGS)];
    SynFilter::default().set(&listener, &owners);
    SynFilter::default().set(&stream, &owners);
    for _ in 0..3 {
        client.write_all(b"asks").unwrap();
        let mut bytes = [0; 4];
        stream.read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, b"asks");
        stream.write_all(b"told").unwrap();
        client.read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, b"told");
    }
    drop(client);
    assert_eq!(stream.read(&mut [0; 4]).unwrap(), 0, "it has ended");
}

#[test]
fn the_system_takes_the_longest_list() {
    let listener = listen();
    let v4 = |number| IpAddr::from([198, 51, 100, number]);
    let v6 = |number: u8| IpAddr::from([0xfd00, 0, 0, u16::from(number), 0, 0, 0, 0]);
    for owner in [&v4 as &dyn Fn(u8) -> IpAddr, &v6] {
        let owners = (0..64).map(|number| Shed {
            owner: owner(number),
            halvings: 12,
        });
        let mut filter = SynFilter::default();
        // The second takes the place of the first, for which there must be room beside it.
        for _ in 0..2 {
            filter.set(&listener, &owners.clone().collect::<Vec<_>>());
            assert!(filter.is_attached && !filter.is_refused);
        }
    }
}

#[test]
fn what_the_system_refuses_is_noted_and_nothing_breaks() {
    // It takes programs for sockets alone.
    let file = std::fs::File::open("/dev/null").unwrap();
    let mut filter = SynFilter::default();
    filter.set(&file, &[]);
    assert!(!filter.is_refused);
    for _ in 0..2 {
        filter.set(&file, &[shed("127.0.0.2", 1)]);
        assert!(filter.is_refused && !filter.is_attached);
    }
}
