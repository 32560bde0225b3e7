//! Trees in one line, without places.

use crate::lang::ast::{Action, Expr, Layer, LayerBody, Packet, Pattern, Value};

pub(super) fn expr(e: &Expr) -> String {
    match e {
        Expr::Int(n) => n.to_string(),
        Expr::Variable(name) => format!("${name}"),
        Expr::Absolute(inner) => format!("abs {}", expr(inner)),
        Expr::Negate(inner) => format!("-{}", expr(inner)),
        Expr::Binary(op, left, right) => format!("({} {op:?} {})", expr(left), expr(right)),
    }
}

pub(super) fn pattern(p: &Pattern) -> String {
    match p {
        Pattern::Any => "*".to_string(),
        Pattern::Is(e) => expr(e),
        Pattern::Range(a, b) => format!("{}..{}", expr(a), expr(b)),
        Pattern::Not(e) => format!("not {}", expr(e)),
    }
}

fn value(v: &Value) -> String {
    match v {
        Value::Number(p) => pattern(p),
        Value::Name(name) => name.clone(),
        other => format!("{other:?}"),
    }
}

/// `Kind name value, … {body}`
pub(super) fn layer(l: &Layer) -> String {
    let fields: Vec<String> = l.fields.iter().map(|f| format!("{} {}", f.name, value(&f.value))).collect();
    let body = match &l.body {
        LayerBody::Plain => String::new(),
        LayerBody::Tcp { flags, options, end } => {
            let end = end.as_ref().map_or("none".to_string(), pattern);
            let open = if flags.open == 0 { String::new() } else { format!("?{:#x}", flags.open) };
            format!(" {{{:#x}{open} end {end} {options:?}}}", flags.set)
        }
        LayerBody::Options(options) => {
            let shown = options.iter().map(|o| {
                let address = o.address.as_deref().unwrap_or_default();
                format!("{} {:?} {:?} {address}{:02x?}", o.name, o.kind, o.length, o.data)
            });
            format!(" {{{}}}", shown.collect::<Vec<_>>().join(", "))
        }
        LayerBody::Quote(layers) => {
            format!(" {{{}}}", layers.iter().map(layer).collect::<Vec<_>>().join(" / "))
        }
        LayerBody::Dhcp(body) => format!(" {{{body:?}}}"),
        LayerBody::Dns(body) => format!(" {{{body:?}}}"),
        LayerBody::Payload(payload) => format!(" {{{payload:?}}}"),
    };
    format!("{:?} {}{body}", l.kind, fields.join(", ")).replace("  ", " ").trim_end().to_string()
}

pub(super) fn packet(p: &Packet) -> String {
    let layers: Vec<String> = p.layers.iter().map(layer).collect();
    let interface = p.interface.as_ref().map(|i| format!("{i}: ")).unwrap_or_default();
    format!("{interface}{}", layers.join(" / "))
}

pub(super) fn action(a: &Action) -> String {
    let all = |packets: &[Packet]| packets.iter().map(packet).collect::<Vec<_>>().join("; ");
    match a {
        Action::Inbound(p) => format!("< {}", packet(p)),
        Action::Outbound(p) => format!("> {}", packet(p)),
        Action::Maybe(p) => format!("maybe > {}", packet(p)),
        Action::AnyOrder(packets) => format!("any order [{}]", all(packets)),
        Action::OneOf(choices) => {
            format!("one of [{}]", choices.iter().map(|c| all(c)).collect::<Vec<_>>().join(" | "))
        }
        Action::Call(call) => {
            format!("{}({:?}) = {:?} {:?} {:?}", call.name, call.arguments, call.result, call.errno, call.end)
        }
        Action::Assert(e) => format!("assert {}", expr(e)),
        Action::NothingFor(e) => format!("nothing for {} us", expr(e)),
        Action::For { variable, from, to, body } => {
            let body: Vec<String> = body.iter().map(|e| action(&e.action)).collect();
            format!("for {variable} in {}..{} [{}]", expr(from), expr(to), body.join("; "))
        }
        other => format!("{other:?}"),
    }
}
