//! Transactions of nftables as messages: what the kernel takes wholly or not at all.

use std::net::Ipv4Addr;

use agent::host::TransportProtocol;
use netlink_packet_netfilter::nftables::{
    ChainAttribute, ChainMessage, DataAttribute, ListAttribute, NfTablesMessage, RuleAttribute, RuleMessage,
    SetAttribute, SetElementAttribute, SetElementList, SetElementMessage, SetFlags, SetMessage,
};
use netlink_packet_netfilter::none::ControlMessage;
use netlink_packet_netfilter::{
    NetfilterHeader, NetfilterMessage, NetfilterMessageInner, NetfilterProtoFamily,
};
use rtnetlink::packet_core::{
    NLM_F_ACK, NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, NetlinkMessage,
};

use super::super::filters::{Element, Rule, Step};
use super::super::rules;
use super::{Publication, expressions};

/// A message has its length in two bytes, and so has a list of elements; one takes less than 128.
const ELEMENTS_AT_ONCE: usize = 256;
/// What `nft` calls addresses of IPv4, which it reads when it lists a set.
const ADDRESS_TYPE: u32 = 7;
const ADDRESS_BYTES: u32 = 4;
/// That keys are in the order of the network: a number of `nft`'s own, its length and the order.
const KEY_ORDER: [u8; 6] = [0, 4, 2, 0, 0, 0];

/// Messages of one transaction.
pub(super) struct Batch {
    table: String,
    messages: Vec<NetlinkMessage<NetfilterMessage>>,
    /// Names sets within the transaction.
    sets: u32,
}

impl Batch {
    fn new(table: &str) -> Self {
        Self {
            table: table.to_owned(),
            messages: Vec::new(),
            sets: 0,
        }
    }

    /// Adds to the map of published ports.
    pub(super) fn of_new_ports(table: &str, publications: &[Publication]) -> Self {
        let mut batch = Self::new(table);
        for some in publications.chunks(ELEMENTS_AT_ONCE) {
            let elements = some.iter().map(|it| publication(*it).to_vec());
            batch.elements(Way::Add, rules::PORTS, elements);
        }
        batch
    }

    /// Takes one out of it.
    pub(super) fn of_gone_port(table: &str, gone: Publication) -> Self {
        let mut batch = Self::new(table);
        let [key, _] = publication(gone);
        batch.elements(Way::Remove, rules::PORTS, [vec![key]]);
        batch
    }

    /// What the steps say. `None` if only `nft` can do it.
    pub(super) fn of_steps(table: &str, steps: &[Step<'_>]) -> Option<Self> {
        let mut batch = Self::new(table);
        for step in steps {
            match *step {
                Step::AddSet(set) => batch.add_set(set),
                Step::AddChain(chain, None) => batch.add_chain(chain),
                Step::AddChain(_, Some(_)) => return None,
                Step::FlushChain(chain) => batch.flush(chain),
                Step::AddRules(chain, rules) => {
                    for rule in rules {
                        batch.add_rule(chain, rule)?;
                    }
                }
                Step::RemoveElements(elements) => {
                    batch.of_one_set(Way::Remove, elements, |it| vec![key(it.address)]);
                }
                Step::AddElements(elements) => batch.of_one_set(Way::Add, elements, element),
                Step::DeleteChain(chain) => batch.delete_chain(chain),
                Step::DeleteSet(set) => batch.delete_set(set),
            }
        }
        Some(batch)
    }

    /// What is sent. The last message asks for an answer, which comes when all has been done; failures are told unasked.
    pub(super) fn bytes(mut self) -> Vec<u8> {
        if let Some(last) = self.messages.last_mut() {
            last.header.flags |= NLM_F_ACK;
        }
        let family = NetfilterProtoFamily::Unspec;
        let around = |control| message(family, 0, control);
        let (begin, end) = (
            around(ControlMessage::BatchBegin),
            around(ControlMessage::BatchEnd),
        );
        let messages: Vec<_> = [begin].into_iter().chain(self.messages).chain([end]).collect();
        let total = messages.iter().map(NetlinkMessage::buffer_len).sum();
        let mut bytes = vec![0; total];
        let mut rest = &mut bytes[..];
        for it in &messages {
            let (room, after) = rest.split_at_mut(it.buffer_len());
            it.serialize(room);
            rest = after;
        }
        bytes
    }

    fn push(&mut self, flags: u16, what: NfTablesMessage) {
        self.messages
            .push(message(NetfilterProtoFamily::IPv4, flags, what));
    }

    fn add_set(&mut self, set: &str) {
        self.sets += 1;
        let attributes = vec![
            SetAttribute::Table(self.table.clone()),
            SetAttribute::Name(set.to_owned()),
            SetAttribute::Flags(SetFlags::empty()),
            SetAttribute::KeyType(ADDRESS_TYPE),
            SetAttribute::KeyLen(ADDRESS_BYTES),
            SetAttribute::Id(self.sets),
            SetAttribute::UserData(KEY_ORDER.to_vec()),
        ];
        self.push(
            NLM_F_CREATE | NLM_F_EXCL,
            NfTablesMessage::NewSet(SetMessage { attributes }),
        );
    }

    fn delete_set(&mut self, set: &str) {
        let attributes = vec![
            SetAttribute::Table(self.table.clone()),
            SetAttribute::Name(set.to_owned()),
        ];
        self.push(0, NfTablesMessage::DeleteSet(SetMessage { attributes }));
    }

    fn add_chain(&mut self, chain: &str) {
        let attributes = self.chain(chain);
        self.push(
            NLM_F_CREATE | NLM_F_EXCL,
            NfTablesMessage::NewChain(ChainMessage { attributes }),
        );
    }

    fn delete_chain(&mut self, chain: &str) {
        let attributes = self.chain(chain);
        self.push(0, NfTablesMessage::DeleteChain(ChainMessage { attributes }));
    }

    fn chain(&self, chain: &str) -> Vec<ChainAttribute> {
        vec![
            ChainAttribute::Table(self.table.clone()),
            ChainAttribute::Name(chain.to_owned()),
        ]
    }

    /// Rules that are not named are all rules.
    fn flush(&mut self, chain: &str) {
        let attributes = self.rules(chain);
        self.push(0, NfTablesMessage::DeleteRule(RuleMessage { attributes }));
    }

    /// `None` if only `nft` can write the rule.
    fn add_rule(&mut self, chain: &str, rule: &Rule) -> Option<()> {
        let Rule::Plain { matches, verdict } = rule else {
            return None;
        };
        let mut attributes = self.rules(chain);
        attributes.push(RuleAttribute::Expressions(expressions::of(matches, verdict)));
        self.push(
            NLM_F_CREATE | NLM_F_APPEND,
            NfTablesMessage::NewRule(RuleMessage { attributes }),
        );
        Some(())
    }

    fn rules(&self, chain: &str) -> Vec<RuleAttribute> {
        vec![
            RuleAttribute::Table(self.table.clone()),
            RuleAttribute::Chain(chain.to_owned()),
        ]
    }

    fn of_one_set(
        &mut self,
        way: Way,
        elements: &[Element],
        attributes: fn(&Element) -> Vec<SetElementAttribute>,
    ) {
        for some in elements.chunks(ELEMENTS_AT_ONCE) {
            self.elements(way, &some[0].set, some.iter().map(attributes));
        }
    }

    fn elements(
        &mut self,
        way: Way,
        set: &str,
        elements: impl IntoIterator<Item = Vec<SetElementAttribute>>,
    ) {
        let elements = elements.into_iter().map(ListAttribute::Element);
        let attributes = vec![
            SetElementList::Table(self.table.clone()),
            SetElementList::Set(set.to_owned()),
            SetElementList::Elements(elements.collect()),
        ];
        let message = SetElementMessage { attributes };
        match way {
            Way::Add => self.push(NLM_F_CREATE, NfTablesMessage::NewSetElement(message)),
            Way::Remove => self.push(0, NfTablesMessage::DeleteSetElement(message)),
        }
    }
}

/// What happens to elements.
#[derive(Clone, Copy)]
enum Way {
    Add,
    Remove,
}

fn message(
    family: NetfilterProtoFamily,
    flags: u16,
    what: impl Into<NetfilterMessageInner>,
) -> NetlinkMessage<NetfilterMessage> {
    let what = what.into();
    let resource = match what {
        // What a batch is for.
        NetfilterMessageInner::None(_) => libc::NFNL_SUBSYS_NFTABLES as u16,
        _ => 0,
    };
    let header = NetfilterHeader::new(family, 0, resource);
    let mut message = NetlinkMessage::from(NetfilterMessage::new(header, what));
    message.header.flags = NLM_F_REQUEST | flags;
    message.finalize();
    message
}

fn key(address: Ipv4Addr) -> SetElementAttribute {
    SetElementAttribute::Key(DataAttribute::Value(address.octets().to_vec()))
}

/// An address, and in a map what becomes of it.
fn element(it: &Element) -> Vec<SetElementAttribute> {
    let verdict = it.verdict.as_ref().map(expressions::verdict);
    let data = verdict.map(SetElementAttribute::Data);
    [key(it.address)].into_iter().chain(data).collect()
}

/// `protocol . port : address . port`; each part of a concatenation fills whole registers of four bytes.
fn publication(it: Publication) -> [SetElementAttribute; 2] {
    let protocol = match it.protocol {
        TransportProtocol::Tcp => 6,
        TransportProtocol::Udp => 17,
    };
    let [high, low] = it.host_port.to_be_bytes();
    let key = vec![protocol, 0, 0, 0, high, low, 0, 0];
    let [high, low] = it.container_port.to_be_bytes();
    let mut data = it.address.octets().to_vec();
    data.extend_from_slice(&[high, low, 0, 0]);
    [
        SetElementAttribute::Key(DataAttribute::Value(key)),
        SetElementAttribute::Data(DataAttribute::Value(data)),
    ]
}
