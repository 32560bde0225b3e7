//! What independent decoders make of the same bytes, held against what `stack` makes of them.

use crate::differences::{self, Kind};
use stack::wire::Error;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Who decodes besides `stack`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoder {
    /// The crate etherparse, its slices.
    Etherparse,
    /// The crate pnet_packet, which reads fields and judges little.
    Pnet,
    /// smoltcp's wire module; its checksums are verified here, since `--cfg fuzzing` turns its own verification off.
    Smoltcp,
}

/// The value of a field.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// A number, a flag, an address.
    Number(u128),
    /// Bytes: a payload, options.
    Bytes(&'a [u8]),
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Number(number) => write!(f, "{number:#x}"),
            Value::Bytes(bytes) => write!(f, "{bytes:02x?}"),
        }
    }
}

macro_rules! number {
    ($($from:ty),*) => { $(impl From<$from> for Value<'_> {
        fn from(value: $from) -> Self {
            Value::Number(value.into())
        }
    })* };
}
number!(bool, u8, u16, u32);

impl From<Ipv4Addr> for Value<'_> {
    fn from(address: Ipv4Addr) -> Self {
        Value::Number(address.to_bits().into())
    }
}

impl From<Ipv6Addr> for Value<'_> {
    fn from(address: Ipv6Addr) -> Self {
        Value::Number(address.to_bits())
    }
}

impl From<[u8; 6]> for Value<'_> {
    fn from(mac: [u8; 6]) -> Self {
        Value::Number(mac.iter().fold(0, |number, byte| number << 8 | u128::from(*byte)))
    }
}

impl From<stack::wire::MacAddress> for Value<'_> {
    fn from(mac: stack::wire::MacAddress) -> Self {
        mac.0.into()
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Value::Bytes(bytes)
    }
}

/// A header's fields by their names in its RFC.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    list: [(&'static str, Value<'a>); Fields::MOST],
    count: usize,
}

impl<'a> Fields<'a> {
    const MOST: usize = 16;

    /// The fields in `list`, at most [`Fields::MOST`].
    pub fn new<const N: usize>(list: [(&'static str, Value<'a>); N]) -> Fields<'a> {
        const { assert!(N <= Fields::MOST) };
        let mut all = [("", Value::Number(0)); Fields::MOST];
        all[..N].copy_from_slice(&list);
        Fields { list: all, count: N }
    }

    fn iter(&self) -> impl Iterator<Item = &(&'static str, Value<'a>)> {
        self.list[..self.count].iter()
    }

    fn get(&self, name: &str) -> Option<Value<'a>> {
        self.iter().find(|field| field.0 == name).map(|field| field.1)
    }
}

/// What a person reads of an error names the header and the field.
///
/// # Panics
/// Where it does not.
pub fn names_its_field(error: &Error) {
    let told = error.to_string();
    assert!(told.starts_with(&format!("{}: {} ", error.header, error.field)), "{told}");
}

/// What `stack` says of some bytes, to be compared with what others say.
pub struct Verdict<'a> {
    /// The header, as [`differences::TABLE`] names it.
    pub header: &'static str,
    /// The bytes.
    pub bytes: &'a [u8],
    /// What `stack` says.
    pub ours: Result<Fields<'a>, Error>,
}

impl Verdict<'_> {
    /// Compares with what another decoder says: fields that it gives are to have the same values, and where it refuses
    /// the bytes (saying why in a word), so must `stack`.
    ///
    /// # Panics
    /// Where the two differ and no row of [`differences::TABLE`] explains it.
    pub fn agrees_with(&self, decoder: Decoder, theirs: Result<Fields<'_>, &'static str>) {
        match (&self.ours, theirs) {
            (Ok(ours), Ok(theirs)) => {
                for (name, value) in theirs.iter() {
                    let own = ours.get(name);
                    if own != Some(*value) {
                        self.differs(decoder, Kind::Field(name), format_args!("{own:?}, they {value:?}"));
                    }
                }
            }
            (Ok(_), Err(why)) => self.differs(decoder, Kind::OnlyWeAccept(why), format_args!("accepted")),
            (Err(error), Ok(_)) => {
                self.differs(decoder, Kind::OnlyTheyAccept(error.field), format_args!("{error}"));
            }
            (Err(_), Err(_)) => {}
        }
    }

    fn differs(&self, decoder: Decoder, kind: Kind, ours: fmt::Arguments<'_>) {
        if differences::explanation(self.header, decoder, kind, self.bytes).is_none() {
            panic!(
                "{}: {decoder:?} differs: {kind:?}; stack: {ours}; no row of differences.rs explains it for {:02x?}",
                self.header, self.bytes
            );
        }
    }
}
