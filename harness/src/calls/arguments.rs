//! Reads a call's arguments in the forms that scripts write them.

use super::CallContext;
use super::data::Buffer;
use super::descriptors::{Descriptor, Descriptors};
use super::number::Want;
use super::signatures::Signature;
use crate::abi;
use crate::lang::Error;
use crate::lang::ast::{Argument, CallSpec, Expr, Pattern};
use crate::lang::eval::evaluate;
use crate::packet::{Variables, World};
use crate::suggest;
use crate::sut::Rules;

/// More than any case needs in one call, and less than hurts.
const LARGEST_BUFFER: i64 = 1 << 26;

/// How far behind a call's name its arguments are looked for, to point at one.
const SEARCHED: usize = 4096;

/// The arguments of one call with what their meaning depends on.
pub(super) struct Arguments<'a> {
    pub(super) spec: &'a CallSpec,
    pub(super) rules: Rules,
    pub(super) world: &'a World,
    pub(super) descriptors: &'a Descriptors,
    variables: &'a Variables,
    signature: &'static Signature,
}

impl<'a> Arguments<'a> {
    /// # Errors
    /// Where there are too few or too many.
    pub(super) fn new(
        cx: &'a CallContext<'_>,
        spec: &'a CallSpec,
        signature: &'static Signature,
    ) -> Result<Arguments<'a>, Error> {
        let (rules, world) = (cx.rules, cx.world);
        let arguments =
            Arguments { spec, rules, world, descriptors: cx.descriptors, variables: cx.variables, signature };
        let count = spec.arguments.len();
        if (signature.least..=signature.most).contains(&count) {
            return Ok(arguments);
        }
        let expected = match (signature.least, signature.most) {
            (least, most) if least == most => least.to_string(),
            (least, most) => format!("{least} to {most}"),
        };
        let text = format!("`{}` takes {expected} arguments, here are {count}", signature.name);
        Err(arguments.error(text))
    }

    pub(super) fn count(&self) -> usize {
        self.spec.arguments.len()
    }

    /// The argument at `index`; `new` has checked that the first `least` exist.
    pub(super) fn at(&self, index: usize) -> &'a Argument {
        static MISSING: Argument = Argument::Ellipsis;
        self.spec.arguments.get(index).unwrap_or(&MISSING)
    }

    /// An error of this call, with the form that it should have.
    pub(super) fn error(&self, message: impl Into<String>) -> Error {
        Error::new(&self.spec.span, message).help(format!("the form is `{}`", self.signature.form))
    }

    /// An error of the argument at `index`: it should be `what`.
    pub(super) fn wrong(&self, index: usize, what: &str) -> Error {
        let argument = super::describe::argument(self.at(index));
        self.error(format!(
            "argument {} of `{}` is `{argument}` but should be {what}",
            index + 1,
            self.signature.name
        ))
    }

    /// A number made of whatever may stand for one: digits, arithmetic, names, `A|B`.
    pub(super) fn value(&self, argument: &Argument) -> Result<i64, Error> {
        match argument {
            Argument::Number(expr) => self.expr(expr),
            Argument::Pattern(Pattern::Is(expr)) => self.expr(expr),
            Argument::Word(word) => abi::symbol(word).ok_or_else(|| self.unknown_word(word)),
            Argument::Or(left, right) => Ok(self.value(left)? | self.value(right)?),
            other => Err(self.error(format!("`{}` is not a number", super::describe::argument(other)))),
        }
    }

    pub(super) fn expr(&self, expr: &Expr) -> Result<i64, Error> {
        evaluate(expr, self.variables).map_err(|why| {
            Error::new(&self.spec.span, why)
                .help("a name gets its value from a packet or a call above this line")
        })
    }

    /// A condition on a number that comes back. In our cases a variable without a value takes what is found.
    pub(super) fn want(&self, argument: &Argument) -> Result<Want, Error> {
        match argument {
            Argument::Ellipsis | Argument::Pattern(Pattern::Any) => Ok(Want::Any),
            Argument::Pattern(Pattern::Range(from, to)) => Ok(Want::Range(self.expr(from)?, self.expr(to)?)),
            Argument::Pattern(Pattern::Not(expr)) => Ok(Want::Not(self.expr(expr)?)),
            Argument::Number(Expr::Variable(name)) | Argument::Pattern(Pattern::Is(Expr::Variable(name)))
                if !self.variables.contains_key(name) =>
            {
                Ok(Want::Capture(name.clone()))
            }
            other => Ok(Want::Is(self.value(other)?)),
        }
    }

    fn unknown_word(&self, word: &str) -> Error {
        let error = Error::new(&self.span_of(word), format!("no constant is called `{word}`"));
        match suggest::nearest(word, abi::names()) {
            Some(name) => error.help(format!("did you mean `{name}`?")),
            None => error.help("constants are those of Linux's socket interface, SO_REUSEADDR say"),
        }
    }

    /// The place of a word behind the call's name, or that name itself.
    pub(super) fn span_of(&self, word: &str) -> crate::lang::Span {
        let mut span = self.spec.span.clone();
        let text = span.file.text.get(span.end..).unwrap_or("");
        let mut end = text.len().min(SEARCHED);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        if let Some(found) = text[..end].find(word) {
            span.start = span.end + found;
            span.end = span.start + word.len();
        }
        span
    }

    /// A number of 32 bits, signed or unsigned.
    pub(super) fn int(&self, index: usize) -> Result<i32, Error> {
        let value = self.value(self.at(index))?;
        self.fits_i32(value)
    }

    pub(super) fn fits_i32(&self, value: i64) -> Result<i32, Error> {
        if (i64::from(i32::MIN)..=i64::from(u32::MAX)).contains(&value) {
            return Ok(value as i32);
        }
        Err(self.error(format!("{value} does not fit into 32 bits")))
    }

    /// A length in bytes.
    pub(super) fn length(&self, index: usize) -> Result<usize, Error> {
        let value = self.value(self.at(index))?;
        self.fits_length(value)
    }

    pub(super) fn fits_length(&self, value: i64) -> Result<usize, Error> {
        if (0..=LARGEST_BUFFER).contains(&value) {
            return Ok(value as usize);
        }
        Err(self.error(format!("{value} is no length for a buffer: 0 to {LARGEST_BUFFER} is")))
    }

    /// The stack's number of a descriptor of the script.
    pub(super) fn fd(&self, index: usize) -> Result<i32, Error> {
        let script = self.int(index)?;
        self.stack_fd(script)
    }

    pub(super) fn stack_fd(&self, script: i32) -> Result<i32, Error> {
        if let Some(stack) = self.descriptors.stack_fd(script) {
            return Ok(stack);
        }
        // A case of ours may use what it has closed, or what never was, to see EBADF.
        if self.rules == Rules::Ours {
            if let Some(stack) = self.descriptors.closed_fd(script) {
                return Ok(stack);
            }
            if script < 0 || self.spec.errno.as_deref() == Some("EBADF") {
                return Ok(script);
            }
        }
        let text = format!("descriptor {script} is not open");
        Err(Error::new(&self.spec.span, text).help(format!("{} at this line", self.descriptors.listed())))
    }

    /// What is known of the descriptor at `index`; nothing of one that is not open.
    pub(super) fn descriptor(&self, index: usize) -> Result<Option<&'a Descriptor>, Error> {
        Ok(self.descriptors.get(self.int(index)?))
    }

    /// `...` and nothing else.
    pub(super) fn ellipsis(&self, index: usize) -> Result<(), Error> {
        match self.at(index) {
            Argument::Ellipsis => Ok(()),
            _ => Err(self.wrong(index, "`...`")),
        }
    }

    /// A buffer to write from or to read into.
    pub(super) fn buffer(&self, index: usize) -> Result<Buffer, Error> {
        match self.at(index) {
            Argument::Ellipsis => Ok(Buffer::Unspecified),
            Argument::String(bytes) => Ok(Buffer::Bytes(bytes.clone())),
            Argument::StringPrefix(bytes) => Ok(Buffer::Prefix(bytes.clone())),
            Argument::Word(word) if word == "NULL" => Ok(Buffer::Null),
            Argument::Number(Expr::Int(0)) => Ok(Buffer::Null),
            _ => Err(self.wrong(index, "`...`, a string or NULL")),
        }
    }

    /// The only element of `[x]`.
    pub(super) fn bracketed(&self, index: usize) -> Result<&'a Argument, Error> {
        match self.at(index) {
            Argument::Array(elements) if elements.len() == 1 => Ok(&elements[0]),
            _ => Err(self.wrong(index, "one value in brackets, `[4]` say")),
        }
    }

    /// A word that is one of ours and not a constant: an interface, `up`, a setting's name.
    pub(super) fn word(&self, index: usize, what: &str) -> Result<&'a str, Error> {
        match self.at(index) {
            Argument::Word(word) => Ok(word),
            Argument::String(bytes) => std::str::from_utf8(bytes).map_err(|_| self.wrong(index, what)),
            _ => Err(self.wrong(index, what)),
        }
    }
}
