//! Names that scripts use for numbers: ICMP types and codes, options of headers.

use super::ast::LayerKind;

/// A type or code by name; of several names for one number, any, and the first where it is described.
type Codes = &'static [(&'static str, u8)];

/// RFC 792, RFC 950, RFC 1256, RFC 1812. The longer names are packetdrill's.
const ICMPV4: &[(&str, u8, Codes)] = &[
    ("echo_reply", 0, &[]),
    (
        "unreachable",
        3,
        &[
            ("net", 0),
            ("host", 1),
            ("protocol", 2),
            ("port", 3),
            ("net_unreachable", 0),
            ("host_unreachable", 1),
            ("protocol_unreachable", 2),
            ("port_unreachable", 3),
            ("frag_needed", 4),
            ("source_route_failed", 5),
            ("net_unknown", 6),
            ("host_unknown", 7),
            ("source_host_isolated", 8),
            ("net_prohibited", 9),
            ("host_prohibited", 10),
            ("net_tos", 11),
            ("host_tos", 12),
            ("net_unreachable_for_tos", 11),
            ("host_unreachable_for_tos", 12),
            ("packet_filtered", 13),
            ("admin_prohibited", 13),
            ("precedence_violation", 14),
            ("precedence_cutoff", 15),
        ],
    ),
    ("source_quench", 4, &[]),
    ("redirect", 5, &[("net", 0), ("host", 1), ("net_tos", 2), ("host_tos", 3)]),
    ("echo_request", 8, &[]),
    ("router_advertisement", 9, &[]),
    ("router_solicitation", 10, &[]),
    ("time_exceeded", 11, &[("ttl", 0), ("transit", 0), ("reassembly", 1)]),
    ("parameter_problem", 12, &[("missing_option", 1), ("bad_length", 2)]),
    ("timestamp_request", 13, &[]),
    ("timestamp", 13, &[]),
    ("timestamp_reply", 14, &[]),
    ("information_request", 15, &[]),
    ("information_reply", 16, &[]),
    ("mask_request", 17, &[]),
    ("mask_reply", 18, &[]),
    ("address_mask_request", 17, &[]),
    ("address_mask_reply", 18, &[]),
];

/// RFC 4443, RFC 4861, RFC 2710, RFC 3810. The longer names are packetdrill's.
const ICMPV6: &[(&str, u8, Codes)] = &[
    (
        "unreachable",
        1,
        &[
            ("no_route", 0),
            ("net", 0),
            ("admin_prohibited", 1),
            ("beyond_scope", 2),
            ("address", 3),
            ("host", 3),
            ("port", 4),
            ("policy_fail", 5),
            ("policy_failed", 5),
            ("reject_route", 6),
            ("net_unreachable", 0),
            ("not_neighbour", 2),
            ("address_unreachable", 3),
            ("port_unreachable", 4),
        ],
    ),
    ("packet_too_big", 2, &[]),
    (
        "time_exceeded",
        3,
        &[
            ("hop_limit", 0),
            ("ttl", 0),
            ("transit", 0),
            ("reassembly", 1),
            ("exceeded_hop_limit", 0),
            ("exceeded_frag_time", 1),
        ],
    ),
    (
        "parameter_problem",
        4,
        &[
            ("header_field", 0),
            ("next_header", 1),
            ("option", 2),
            ("unknown_next_header", 1),
            ("unknown_option", 2),
            ("header_chain", 3),
            ("incomplete_chain", 3),
        ],
    ),
    ("echo_request", 128, &[]),
    ("echo_reply", 129, &[]),
    ("mld_query", 130, &[]),
    ("mld_report", 131, &[]),
    ("mld_done", 132, &[]),
    ("router_solicitation", 133, &[]),
    ("router_advertisement", 134, &[]),
    ("neighbor_solicitation", 135, &[]),
    ("neighbor_advertisement", 136, &[]),
    ("redirect", 137, &[]),
    ("mldv2_report", 143, &[]),
    ("mld2_report", 143, &[]),
    ("rs", 133, &[]),
    ("ra", 134, &[]),
    ("ns", 135, &[]),
    ("na", 136, &[]),
];

fn table(v6: bool) -> &'static [(&'static str, u8, Codes)] {
    if v6 { ICMPV6 } else { ICMPV4 }
}

/// The type and, where a code is named, the code of an ICMP message of the family; `type_13` and `code_2` are numbers.
/// `None` where the family has no such name.
pub fn icmp_type_code(v6: bool, type_name: &str, code_name: Option<&str>) -> Option<(u8, Option<u8>)> {
    let (number, codes) = match type_name.strip_prefix("type_") {
        Some(digits) => (digits.parse().ok()?, &[][..]),
        None => table(v6)
            .iter()
            .find(|(name, ..)| *name == type_name)
            .map(|(_, number, codes)| (*number, *codes))?,
    };
    let Some(code_name) = code_name else { return Some((number, None)) };
    let code = match code_name.strip_prefix("code_") {
        Some(digits) => digits.parse().ok()?,
        None => codes.iter().find(|(name, _)| *name == code_name)?.1,
    };
    Some((number, Some(code)))
}

/// The names of an ICMP type and of its code, where they have any.
pub fn icmp_names(v6: bool, number: u8, code: u8) -> Option<(&'static str, Option<&'static str>)> {
    let (name, _, codes) = table(v6).iter().find(|(_, n, _)| *n == number)?;
    Some((name, codes.iter().find(|(_, c)| *c == code).map(|(name, _)| *name)))
}

/// The names of the family's messages.
pub(super) fn icmp_types(v6: bool) -> Vec<&'static str> {
    table(v6).iter().map(|(name, ..)| *name).collect()
}

/// The names of a message's codes.
pub(super) fn icmp_codes(v6: bool, type_name: &str) -> Vec<&'static str> {
    let codes = table(v6).iter().find(|(name, ..)| *name == type_name).map_or(&[][..], |(_, _, codes)| codes);
    codes.iter().map(|(name, _)| *name).collect()
}

/// The names of the options that a header of this kind can have; what else stands in its brackets is a field.
pub fn header_options(kind: LayerKind) -> &'static [&'static str] {
    match kind {
        // RFC 791, section 3.1; RFC 2113.
        LayerKind::Ipv4 | LayerKind::Ip => {
            &["opt", "eol", "nop", "rr", "lsrr", "ssrr", "ts", "router-alert", "security", "sid"]
        }
        // RFC 8200, section 4.2; RFC 2711, RFC 2675.
        LayerKind::HopByHop | LayerKind::DestinationOptions => {
            &["opt", "pad1", "padn", "router-alert", "jumbo"]
        }
        // RFC 4861, section 4.6.
        LayerKind::Icmpv6 | LayerKind::Icmp => &["opt", "slla", "tlla", "prefix", "redirected", "mtu"],
        _ => &[],
    }
}

/// The bytes that an option's value takes where it is written as a number.
pub(super) fn option_width(name: &str) -> usize {
    match name {
        "router-alert" => 2,
        "jumbo" => 4,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_differ() {
        assert_eq!(icmp_type_code(false, "unreachable", Some("port")), Some((3, Some(3))));
        assert_eq!(icmp_type_code(true, "unreachable", Some("port")), Some((1, Some(4))));
        assert_eq!(icmp_type_code(false, "packet_too_big", None), None);
        assert_eq!(icmp_type_code(true, "unreachable", Some("frag_needed")), None);
        assert_eq!(icmp_type_code(false, "type_13", Some("code_2")), Some((13, Some(2))));
        assert_eq!(icmp_type_code(false, "type_256", None), None);
        assert_eq!(icmp_type_code(false, "echo_request", None), Some((8, None)));
    }
}
