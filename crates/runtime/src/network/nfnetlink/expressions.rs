//! Rules as the kernel has them: each looks at a packet step by step, and the first step that fails ends it.
//!
//! They are what `nft` makes of the same rules, so that it lists them as they are written.

use std::net::Ipv4Addr;

use domain::network_traffic::PortRange;
use ipnet::Ipv4Net;
use netlink_packet_netfilter::nftables::{
    Bitwise, Cmp, DataAttribute, ExpressionAttribute, Expressions, Immediate, ListAttribute, Lookup, Meta,
    MetaKey, Operator, Payload, Register, Verdict as Code, VerdictAttribute,
};

use super::super::filters::{ICMP, Match, Side, Verdict};

// linux/netfilter/nf_tables.h
const NETWORK_HEADER: u32 = 1;
const TRANSPORT_HEADER: u32 = 2;
// linux/netfilter.h
const DROP: u32 = 0;
const ACCEPT: u32 = 1;
/// Where the destination port stands in headers of TCP and UDP.
const DESTINATION_PORT: Field = Field(TRANSPORT_HEADER, 2, 2);
/// Type and code of a message of ICMP.
const ICMP_TYPE: Field = Field(TRANSPORT_HEADER, 0, 1);
const ICMP_TYPE_AND_CODE: Field = Field(TRANSPORT_HEADER, 0, 2);
/// The kernel compares names of links as a whole.
const LINK_NAME_BYTES: usize = 16;
const REGISTER: Register = Register::Reg1;

/// The list of a rule's expressions.
pub(super) type List = Vec<ListAttribute<ExpressionAttribute>>;

/// A part of a packet: its header, and where it stands there in bytes and how long it is.
#[derive(Clone, Copy)]
struct Field(u32, u32, u32);

/// The expressions of a rule.
pub(super) fn of(matches: &[Match], it: &Verdict) -> List {
    let mut list = Vec::new();
    for it in matches {
        add(&mut list, it);
    }
    let verdict = Immediate::Data(verdict(it));
    let immediate = vec![Immediate::DestinationRegister(Register::Verdict), verdict];
    list.push(Expressions::Immediate(immediate).into());
    list
}

/// What becomes of a packet, in a rule or in a map.
pub(super) fn verdict(it: &Verdict) -> DataAttribute {
    let (code, chain) = match it {
        Verdict::Accept => (Code::Other(ACCEPT), None),
        Verdict::Drop => (Code::Other(DROP), None),
        Verdict::Return => (Code::Return, None),
        Verdict::Goto(chain) => (Code::Goto, Some(chain)),
        Verdict::Jump(chain) => (Code::Jump, Some(chain)),
    };
    let chain = chain.map(|it| VerdictAttribute::Chain(it.clone()));
    DataAttribute::Verdict([VerdictAttribute::Code(code)].into_iter().chain(chain).collect())
}

fn add(list: &mut List, it: &Match) {
    match it {
        Match::Link(name) => {
            let mut padded = name.as_bytes().to_vec();
            padded.resize(LINK_NAME_BYTES, 0);
            meta(list, MetaKey::Iifname);
            compare(list, Operator::Equal, padded);
        }
        Match::Within(side, range) => within(list, *side, *range),
        Match::Member(side, set) => {
            load(list, address(*side, 4));
            let lookup = vec![Lookup::Set(set.clone()), Lookup::SourceRegister(REGISTER)];
            list.push(Expressions::Lookup(lookup).into());
        }
        Match::Protocol(number) => protocol(list, *number),
        Match::Ports(number, PortRange { first, last }) => {
            protocol(list, *number);
            load(list, DESTINATION_PORT);
            if first == last {
                compare(list, Operator::Equal, first.to_be_bytes());
            } else {
                compare(list, Operator::GreatherThanEqual, first.to_be_bytes());
                compare(list, Operator::LessThanEqual, last.to_be_bytes());
            }
        }
        Match::Icmp(icmp_type, None) => {
            protocol(list, ICMP);
            load(list, ICMP_TYPE);
            compare(list, Operator::Equal, [*icmp_type]);
        }
        Match::Icmp(icmp_type, Some(code)) => {
            protocol(list, ICMP);
            load(list, ICMP_TYPE_AND_CODE);
            compare(list, Operator::Equal, [*icmp_type, *code]);
        }
    }
}

/// The first bytes of an address.
fn address(side: Side, bytes: u32) -> Field {
    let offset = match side {
        Side::Source => 12,
        Side::Destination => 16,
    };
    Field(NETWORK_HEADER, offset, bytes)
}

/// A range that ends with a byte is compared by its bytes alone.
fn within(list: &mut List, side: Side, range: Ipv4Net) {
    let network = range.network().octets();
    let bytes = range.prefix_len() / 8;
    if range.prefix_len() == bytes * 8 {
        load(list, address(side, bytes.into()));
        compare(list, Operator::Equal, &network[..bytes.into()]);
        return;
    }
    load(list, address(side, 4));
    let value = |it: Ipv4Addr| DataAttribute::Value(it.octets().to_vec());
    let masked = vec![
        Bitwise::SourceRegister(REGISTER),
        Bitwise::DestinationRegister(REGISTER),
        Bitwise::Length(4),
        Bitwise::Mask(value(range.netmask())),
        Bitwise::Xor(value(Ipv4Addr::UNSPECIFIED)),
    ];
    list.push(Expressions::Bitwise(masked).into());
    compare(list, Operator::Equal, network);
}

fn protocol(list: &mut List, number: u8) {
    meta(list, MetaKey::L4Proto);
    compare(list, Operator::Equal, [number]);
}

fn meta(list: &mut List, key: MetaKey) {
    let meta = vec![Meta::DestinationRegister(REGISTER), Meta::Key(key)];
    list.push(Expressions::Meta(meta).into());
}

fn load(list: &mut List, Field(header, offset, bytes): Field) {
    let payload = vec![
        Payload::DestinationRegister(REGISTER),
        Payload::Base(header),
        Payload::Offset(offset),
        Payload::Len(bytes),
    ];
    list.push(Expressions::Payload(payload).into());
}

fn compare(list: &mut List, operator: Operator, value: impl AsRef<[u8]>) {
    let compared = vec![
        Cmp::SourceRegister(REGISTER),
        Cmp::Op(operator),
        Cmp::Data(DataAttribute::Value(value.as_ref().to_vec())),
    ];
    list.push(Expressions::Cmp(compared).into());
}
