//! Calls and their outcomes as a script would write them, on one line.

use super::Prepared;
use crate::abi;
use crate::lang::ast::{Argument, BinaryOp, CallSpec, Expr, Pattern};
use crate::sut::Outcome;

/// More of a string than this is not shown.
const SHOWN: usize = 40;

/// A call with the result that it must have: `read(4, ..., 10) = 10`.
pub fn describe(spec: &CallSpec) -> String {
    format!("{} = {}", call(spec), expected_result(spec))
}

/// A call with the result that it had: `read(4, ..., 10) = -1 EAGAIN (Resource temporarily unavailable)`.
pub fn describe_outcome(prepared: &Prepared, outcome: &Outcome) -> String {
    format!("{} = {}", prepared.text, found_result(outcome))
}

/// A call without its result: `read(4, ..., 10)`.
pub fn call(spec: &CallSpec) -> String {
    format!("{}({})", spec.name, list(&spec.arguments))
}

/// The result that a call must have.
pub(super) fn expected_result(spec: &CallSpec) -> String {
    let result = argument(&spec.result);
    match &spec.errno {
        Some(name) => format!("{result} {}", with_text(name, abi::errno(name))),
        None => result,
    }
}

/// The result that a call had.
pub(super) fn found_result(outcome: &Outcome) -> String {
    match outcome.result {
        Ok(value) => value.to_string(),
        Err(errno) => format!("-1 {}", with_text(&errno.to_string(), Some(errno.0))),
    }
}

fn with_text(name: &str, number: Option<i32>) -> String {
    match number.and_then(abi::strerror) {
        Some(text) => format!("{name} ({text})"),
        None => name.to_string(),
    }
}

fn list(arguments: &[Argument]) -> String {
    arguments.iter().map(argument).collect::<Vec<_>>().join(", ")
}

/// An argument in upstream's form.
pub(super) fn argument(argument: &Argument) -> String {
    use self::argument as show;
    match argument {
        Argument::Ellipsis => "...".into(),
        Argument::Number(expr) => expression(expr),
        Argument::Pattern(pattern) => self::pattern(pattern),
        Argument::Word(word) => word.clone(),
        Argument::String(bytes) => quoted(bytes),
        Argument::StringPrefix(bytes) => format!("{}...", quoted(bytes)),
        Argument::Or(left, right) => format!("{}|{}", show(left), show(right)),
        Argument::Assign(name, value) => format!("{name}={}", show(value)),
        Argument::Array(elements) => format!("[{}]", list(elements)),
        Argument::Braces(elements) => format!("{{{}}}", list(elements)),
        Argument::InetAddr(address) => format!("inet_addr(\"{address}\")"),
        Argument::Inet6Addr(address) => format!("inet6_addr(\"{address}\")"),
        Argument::SockAddr { family, port, address } => {
            let (port_name, address_name, function) = match family.as_str() {
                "AF_INET6" => ("sin6_port", "sin6_addr", "inet_pton"),
                _ => ("sin_port", "sin_addr", "inet_addr"),
            };
            let port = expression(port);
            format!(
                "{{sa_family={family}, {port_name}=htons({port}), {address_name}={function}(\"{address}\")}}"
            )
        }
        Argument::MsgHdr { iov, iov_len, flags, control } => {
            let (iov, flags) = (list(iov), show(flags));
            let control =
                if control.is_empty() { String::new() } else { format!(", msg_control=[{}]", list(control)) };
            format!("{{msg_name(...)=..., msg_iov({iov_len})=[{iov}], msg_flags={flags}{control}}}")
        }
        Argument::IoVec(length) => format!("{{..., {length}}}"),
        Argument::CMsg { level, kind, data } => {
            format!("{{cmsg_level={}, cmsg_type={}, cmsg_data={}}}", show(level), show(kind), show(data))
        }
        Argument::MplsStack(_) => "{MPLS}".into(),
        Argument::Gre(_) => "{GRE}".into(),
        other => structure(other),
    }
}

/// The small C structures.
fn structure(argument: &Argument) -> String {
    use self::argument as show;
    match argument {
        Argument::ScmTimestamping { sec, nsec } => format!("{{scm_sec={sec}, scm_nsec={nsec}}}"),
        Argument::SockExtendedErr { errno, origin, kind, code, info, data } => format!(
            "{{ee_errno={}, ee_origin={}, ee_type={}, ee_code={}, ee_info={}, ee_data={}}}",
            show(errno),
            show(origin),
            show(kind),
            show(code),
            show(info),
            show(data)
        ),
        Argument::PollFd { fd, events, revents } => {
            format!("{{fd={}, events={}, revents={}}}", show(fd), show(events), show(revents))
        }
        Argument::EpollEvent { events, data_name, data } => {
            format!("{{events={}, {data_name}={}}}", show(events), show(data))
        }
        Argument::Linger { onoff, linger } => format!("{{onoff={onoff}, linger={linger}}}"),
        _ => "...".into(),
    }
}

fn pattern(pattern: &Pattern) -> String {
    match pattern {
        Pattern::Any => "*".into(),
        Pattern::Is(expr) => expression(expr),
        Pattern::Range(from, to) => format!("{} .. {}", expression(from), expression(to)),
        Pattern::Not(expr) => format!("not {}", expression(expr)),
    }
}

fn expression(expr: &Expr) -> String {
    match expr {
        Expr::Int(value) => value.to_string(),
        Expr::Variable(name) => format!("${name}"),
        Expr::Absolute(inner) => format!("abs({})", expression(inner)),
        Expr::Negate(inner) => format!("-{}", expression(inner)),
        Expr::Binary(op, left, right) => {
            format!("({}{}{})", expression(left), operator(*op), expression(right))
        }
    }
}

fn operator(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Or => " || ",
        BinaryOp::And => " && ",
        BinaryOp::Equal => "==",
        BinaryOp::NotEqual => "!=",
        BinaryOp::Less => "<",
        BinaryOp::LessOrEqual => "<=",
        BinaryOp::Greater => ">",
        BinaryOp::GreaterOrEqual => ">=",
        BinaryOp::BitOr => "|",
        BinaryOp::BitXor => "^",
        BinaryOp::BitAnd => "&",
        BinaryOp::ShiftLeft => "<<",
        BinaryOp::ShiftRight => ">>",
        BinaryOp::Add => "+",
        BinaryOp::Subtract => "-",
        BinaryOp::Multiply => "*",
        BinaryOp::Divide => "/",
        BinaryOp::Remainder => "%",
    }
}

fn quoted(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(SHOWN)];
    let rest = if shown.len() < bytes.len() { format!(" ({} bytes)", bytes.len()) } else { String::new() };
    format!("\"{}\"{rest}", shown.escape_ascii())
}

/// A text that may be long, in one short piece.
pub(super) fn shortened(text: &str) -> String {
    if text.chars().count() <= SHOWN {
        return text.to_string();
    }
    text.chars().take(SHOWN).chain(std::iter::once('…')).collect()
}
