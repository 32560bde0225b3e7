//! Calls: from what a script says to what a stack is asked, and from what the stack answers to whether that was right.
//!
//! [`prepare`] makes the [`Call`] and notes what is to be compared; [`check`] compares and keeps track of descriptors
//! and stream offsets. When a call blocks and when it must return is the engine's business.
//!
//! In a case of ours every stream carries the same pattern ([`crate::packet::pattern`]), so each case also checks that the right
//! bytes arrive; in an upstream script what is written is zeros, and what is read is not looked at.

mod address;
mod administration;
mod arguments;
mod control;
mod data;
mod describe;
mod descriptors;
mod files;
mod message;
mod number;
mod options;
mod outcome;
mod readiness;
mod signatures;
mod sockets;
#[cfg(test)]
mod tests;
mod transfer;

pub use describe::{call as describe_call, describe, describe_outcome};
pub use descriptors::{Descriptor, Descriptors, Kind, Timing};
pub use signatures::{SIGNATURES, Signature};

use crate::abi;
use crate::lang::Error;
use crate::lang::ast::CallSpec;
use crate::packet::{Mismatch, Variables, World};
use crate::suggest;
use crate::sut::{Call, Outcome, Rules};
use arguments::Arguments;
use number::Want;
use outcome::{Captures, Expect, mismatch};

/// What calls need to know of the run.
pub struct CallContext<'a> {
    /// Whose rules: what is written, and what is compared of what is read.
    pub rules: Rules,
    /// Names and default addresses.
    pub world: &'a World,
    /// Captured values.
    pub variables: &'a mut Variables,
    /// The descriptors so far.
    pub descriptors: &'a mut Descriptors,
}

/// A call that is ready to be made, with what its outcome is compared with.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The call, with the stack's descriptors.
    pub call: Call,
    /// The call as the script writes it, without its result.
    text: String,
    expect: Expect,
    result: Want,
}

/// Makes the call that a script describes.
///
/// # Errors
/// Where the script says what is no call: an unknown name, arguments of the wrong number or form, a descriptor that is
/// not open, a variable without a value. The error shows the form that is right.
pub fn prepare(cx: &mut CallContext<'_>, spec: &CallSpec) -> Result<Prepared, Error> {
    let signature = signatures::find(&spec.name).ok_or_else(|| unknown_call(spec))?;
    let arguments = Arguments::new(cx, spec, signature)?;
    let (call, expect) = (signature.plan)(&arguments)?;
    let result = arguments.want(&spec.result)?;
    check_errno_name(&arguments, spec)?;
    check_new_number(cx, spec, &expect, &result)?;
    Ok(Prepared { call, text: describe::call(spec), expect, result })
}

fn check_errno_name(arguments: &Arguments<'_>, spec: &CallSpec) -> Result<(), Error> {
    let Some(name) = spec.errno.as_ref().filter(|name| abi::errno(name).is_none()) else { return Ok(()) };
    let error = Error::new(&arguments.span_of(name), format!("no error is called `{name}`"));
    let errors = abi::names().filter(|n| abi::errno(n).is_some());
    Err(match suggest::nearest(name, errors) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error.help("errors have their POSIX names, ECONNRESET say"),
    })
}

/// A new descriptor's number must be free, but that upstream's accept hides an older one behind a newer.
fn check_new_number(
    cx: &CallContext<'_>,
    spec: &CallSpec,
    expect: &Expect,
    result: &Want,
) -> Result<(), Error> {
    let named = match expect {
        Expect::Descriptor(_) => true,
        Expect::Accepted { .. } => cx.rules == Rules::Ours,
        _ => false,
    };
    let Want::Is(number) = result else { return Ok(()) };
    match i32::try_from(*number).ok().and_then(|n| cx.descriptors.get(n)) {
        Some(open) if named => {
            let error = Error::new(&spec.span, format!("descriptor {} is open already", open.script));
            Err(error.help("close it first, or give the new one another number"))
        }
        _ => Ok(()),
    }
}

fn unknown_call(spec: &CallSpec) -> Error {
    let name = describe::shortened(&spec.name);
    let error = Error::new(&spec.span, format!("no call is named `{name}`"));
    match suggest::nearest(&spec.name, SIGNATURES.iter().map(|s| s.name)) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => {
            let names: Vec<&str> = SIGNATURES.iter().map(|s| s.name).collect();
            error.help(format!("calls are {}", names.join(", ")))
        }
    }
}

/// Compares what a call returned with what the script says, takes new descriptors over and moves stream offsets.
///
/// # Errors
/// The outer error is the script's; the inner one the first thing that differs: `result`, `errno`, then what came with
/// them (`data`, `address`, `option`, `optlen`, `revents[0]`, `events[0]`, `data[0]`, `msg_flags`, `msg_control`,
/// `cmsg[0].…`, `ioctl`).
pub fn check(
    cx: &mut CallContext<'_>,
    spec: &CallSpec,
    prepared: &Prepared,
    outcome: &Outcome,
) -> Result<Result<(), Mismatch>, Error> {
    let mut captures = Captures::new();
    let compared = compare(cx, spec, prepared, outcome, &mut captures);
    if compared.is_ok() {
        cx.variables.extend(captures);
    }
    Ok(compared)
}

fn compare(
    cx: &mut CallContext<'_>,
    spec: &CallSpec,
    prepared: &Prepared,
    outcome: &Outcome,
    captures: &mut Captures,
) -> Result<(), Mismatch> {
    let differs =
        |field: &str| mismatch(field, describe::expected_result(spec), describe::found_result(outcome));
    let number = outcome.result.unwrap_or(-1);
    let new = match &prepared.expect {
        Expect::Descriptor(like) | Expect::Accepted { like, .. } => Some(like),
        _ => None,
    };
    if !accepts_result(&prepared.result, new.is_some(), number) {
        return Err(differs("result"));
    }
    if let (Some(name), Err(errno)) = (&spec.errno, outcome.result)
        && abi::errno(name) != Some(errno.0)
    {
        return Err(differs("errno"));
    }
    let Ok(number) = outcome.result else {
        if let Want::Capture(name) = &prepared.result {
            captures.push((name.clone(), -1));
        }
        return Ok(());
    };
    let named = match new {
        Some(like) => i64::from(register(cx.descriptors, like, &prepared.result, number)),
        None => number,
    };
    if let Want::Capture(name) = &prepared.result {
        captures.push((name.clone(), named));
    }
    outcome::outputs(&prepared.expect, outcome, number, cx.descriptors, captures)
}

/// A new descriptor's number is the script's name for it, so any will do that the stack gives.
fn accepts_result(want: &Want, new_descriptor: bool, number: i64) -> bool {
    match want {
        Want::Is(name) if new_descriptor && *name >= 0 => number >= 0,
        Want::Capture(_) if new_descriptor => number >= 0,
        want => want.accepts(number),
    }
}

/// Enters a new descriptor under the script's name for it, which it returns.
fn register(descriptors: &mut Descriptors, like: &Descriptor, name: &Want, number: i64) -> i32 {
    // A number that no descriptor can have has failed the comparison with every call that is made on it.
    let stack = i32::try_from(number).unwrap_or(-1);
    let script = match name {
        Want::Is(script) => i32::try_from(*script).unwrap_or(stack),
        _ => descriptors.free_number(stack),
    };
    descriptors.add(script, stack, like.clone());
    script
}
