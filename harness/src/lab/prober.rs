//! Looking for hosts from a node that is the reference stack: with its echo requests.

use super::{Act, Check};
use stack::icmp::{EchoRequest, Echoed, Reported};
use stack::socket::{CallId, Outcome, Value};
use stack::{Host, Instant};
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// How long an answer is waited for: longer than it takes a router to find out that nobody has an address (3 s).
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest path that is followed.
const MOST_HOPS: u8 = 8;
/// What requests carry.
const DATA: &[u8] = b"wireproof looks for you, and this comes back as it is";

/// Where a lab's hosts are, and its time.
pub trait Ground {
    /// The host of a node that is the reference stack, and the present.
    ///
    /// # Errors
    /// The node is something else.
    fn host(&mut self, node: usize) -> Result<(&mut Host, Instant), String>;

    /// Lets time pass until a call of a node's host has completed.
    ///
    /// # Errors
    /// It never does, or a link failed.
    fn outcome(&mut self, node: usize, call: CallId) -> Result<Outcome, String>;
}

/// What was found, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen(pub String);

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Does what a check says at a node that is the reference stack, and tells what was found.
///
/// # Errors
/// It could not be done.
pub fn check_from_reference(ground: &mut dyn Ground, node: usize, check: &Check) -> Result<Seen, String> {
    let destination: IpAddr = check.to.parse().map_err(|_| format!("{} is no address", check.to))?;
    match check.finds.act() {
        Act::Ping => Ok(Seen(words(&ask(ground, node, destination, None)?))),
        Act::Trace => trace(ground, node, destination),
    }
}

fn trace(ground: &mut dyn Ground, node: usize, destination: IpAddr) -> Result<Seen, String> {
    let mut path = Vec::new();
    for hops in 1..=MOST_HOPS {
        match ask(ground, node, destination, Some(hops))? {
            Ok(Value::Echoed(Echoed::Error { from, error: Reported::TimeExceeded })) => {
                path.push(from.to_string());
            }
            Ok(Value::Echoed(Echoed::Reply { from, data })) if data == DATA => {
                path.push(from.to_string());
                break;
            }
            other => {
                path.push(words(&other));
                break;
            }
        }
    }
    Ok(Seen(path.join(", ")))
}

fn ask(
    ground: &mut dyn Ground,
    node: usize,
    destination: IpAddr,
    hop_limit: Option<u8>,
) -> Result<Outcome, String> {
    let (host, now) = ground.host(node)?;
    let request = EchoRequest { destination, hop_limit, data: DATA.to_vec(), timeout: PATIENCE };
    let call = host.echo(now, request);
    ground.outcome(node, call)
}

/// What came back for one request.
fn words(outcome: &Outcome) -> String {
    match outcome {
        Ok(Value::Echoed(Echoed::Reply { from, data })) if data == DATA => format!("reply from {from}"),
        Ok(Value::Echoed(Echoed::Reply { from, .. })) => format!("reply with other data from {from}"),
        Ok(Value::Echoed(Echoed::Error { from, error })) => match error {
            Reported::NetUnreachable => format!("network unreachable, says {from}"),
            Reported::HostUnreachable | Reported::NoNeighbour => format!("host unreachable, says {from}"),
            other => format!("{other:?}, says {from}"),
        },
        Ok(Value::Echoed(Echoed::Silence)) => "silence".to_owned(),
        other => format!("{other:?}"),
    }
}
