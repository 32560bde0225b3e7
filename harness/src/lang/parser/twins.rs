//! `twin` lines of the head: what the harness does to a conforming stack, so that the case goes red.

use super::super::ast::{AlterOperation, Alteration, Expr, Pattern, Twin, TwinAction, Value};
use super::super::lexer::Kind;
use super::super::source::{Error, SourceFile, Span};
use super::{Parser, Result, Rules};
use crate::suggest;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

const ACTIONS: &[&str] = &["drop", "delay", "duplicate", "alter", "inject", "swallow", "answer"];

/// A label that a twin names, and where.
pub(in super::super) type LabelUse = (String, Span);

/// What stands behind `twin ID:`, from `range` of the file.
pub(in super::super) fn parse_twin(
    file: &Arc<SourceFile>,
    requirement: String,
    range: Range<usize>,
    span: Span,
    defines: &BTreeMap<String, String>,
) -> Result<(Twin, Vec<LabelUse>)> {
    let mut parser = Parser::new(file, range, Rules::Ours, defines)?;
    let mut uses = Vec::new();
    let mut actions = Vec::new();
    let mut red_at = None;
    loop {
        if parser.eat_word("red") {
            parser.expect_word("at")?;
            red_at = Some(parser.label_use(&mut uses)?);
            break;
        }
        actions.push(parser.twin_action(&mut uses)?);
        if !parser.eat(';') && !parser.at_word("red") {
            break;
        }
    }
    // What stands in parentheses at the end is for the reader.
    if !parser.at('(') {
        parser.finish()?;
    }
    if actions.is_empty() {
        return Err(
            Error::new(&span, "this twin does nothing").help(format!("actions are {}", ACTIONS.join(", ")))
        );
    }
    Ok((Twin { requirement, actions, red_at, span }, uses))
}

impl Parser {
    fn label_use(&mut self, uses: &mut Vec<LabelUse>) -> Result<String> {
        let start = self.here();
        if !self.eat('@') {
            return Err(self.unexpected("the label of a line, as in `@rst`"));
        }
        let name = self.word("the label's name behind `@`")?;
        uses.push((name.clone(), self.span_from(&start)));
        Ok(name)
    }

    fn twin_action(&mut self, uses: &mut Vec<LabelUse>) -> Result<TwinAction> {
        let span = self.here();
        let verb = self.word(&format!("an action: {}", ACTIONS.join(", ")))?;
        if !ACTIONS.contains(&verb.as_str()) {
            let advice = suggest::advice(&verb, ACTIONS.iter().copied());
            return Err(Error::new(&span, format!("`{verb}` is not an action of twins")).help(advice));
        }
        let label = self.label_use(uses)?;
        Ok(match verb.as_str() {
            "drop" => TwinAction::Drop(label),
            "delay" => TwinAction::Delay(label, self.duration()?),
            "duplicate" => TwinAction::Duplicate(label),
            "alter" => TwinAction::Alter(label, self.alteration()?),
            "inject" => TwinAction::Inject(label, Box::new(self.outbound_packet()?)),
            "swallow" => TwinAction::Swallow(label),
            _ => {
                self.expect('=')?;
                let value = if self.eat('-') { -self.int("a number")? } else { self.any_int("the result")? };
                let errno = if self.kind() == Kind::Word && !self.at_word("red") {
                    Some(self.advance().text)
                } else {
                    None
                };
                TwinAction::Answer(label, value, errno)
            }
        })
    }

    /// `[layer.]field = V`, `+= N`, `-= N` or `^= N`
    fn alteration(&mut self) -> Result<Alteration> {
        let mut field = self.hyphenated("a field, as in `seq` or `ip.ttl`")?;
        let mut layer = None;
        if self.eat('.') {
            layer =
                Some(std::mem::replace(&mut field, self.hyphenated("the field's name behind the layer's")?));
        }
        let span = self.here();
        let operator = match self.kind() {
            Kind::Punct(c @ ('+' | '-' | '^')) => {
                self.advance();
                c
            }
            _ => '=',
        };
        if !self.eat('=') {
            return Err(self.unexpected("`=`, `+=`, `-=` or `^=`"));
        }
        let operation = match operator {
            '=' if field == "flags" && matches!(self.kind(), Kind::Word | Kind::Punct('.' | '-')) => {
                let flags = self.flags()?;
                AlterOperation::Set(Value::Number(Pattern::Is(Expr::Int(flags.set.into()))))
            }
            '=' => AlterOperation::Set(self.value()?),
            '^' => AlterOperation::Xor(self.any_int("the bits to flip")? as u64),
            sign => {
                let number = self.any_int("a number")?;
                let number = if sign == '-' { number.checked_neg() } else { Some(number) };
                AlterOperation::Add(number.ok_or_else(|| Error::new(&span, "this number is too large"))?)
            }
        };
        Ok(Alteration { layer, field, operation })
    }
}
