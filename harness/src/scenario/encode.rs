//! Operations as records: the other way round to [`Operation::decode`].

use super::extras;
use super::operation::{self, Effect, Kind, Operation, Plan, UserCall, What};
use super::record::Record;

impl Operation {
    /// A record that means this; `None` where the tables have nothing for it.
    pub fn encode(&self) -> Option<Record> {
        let mut record = Record::default();
        let kind = match self.what {
            What::Segment(_) => Kind::Segment,
            What::Call(_) => Kind::Call,
            What::Network(_) => Kind::Network,
            What::Wait => Kind::Wait,
        };
        record.say(0, operation::KINDS, &kind)?;
        let pause = u64::try_from(self.pause.as_millis()).ok()?;
        match self.what {
            What::Segment(plan) => plan.encode(&mut record)?,
            What::Call(UserCall::Extra(call)) => {
                record.say(2, extras::CALLS, &call)?;
                record.0[2] += 1;
            }
            What::Call(call) => record.say(1, operation::CALLS, &call)?,
            What::Network(Effect::Icmp(error)) => {
                record.say(2, extras::ERRORS, &error)?;
                record.0[2] += 1;
            }
            What::Network(effect) => record.say(1, operation::EFFECTS, &effect)?,
            What::Wait => {
                record.say(1, operation::WAITS, &pause)?;
                return Some(record);
            }
        }
        record.say(11, operation::PAUSES, &pause)?;
        Some(record)
    }
}

impl Plan {
    fn encode(&self, record: &mut Record) -> Option<()> {
        record.0[1] = 0xc0 | self.flags & 0x3f;
        record.say(2, operation::ANCHORS, &self.seq.0)?;
        record.say(3, operation::DISTANCES, &self.seq.1)?;
        record.say(4, operation::ANCHORS, &self.ack.0)?;
        record.say(5, operation::DISTANCES, &self.ack.1)?;
        record.say(6, operation::PEER_WINDOWS, &self.window)?;
        record.say(7, operation::OPTIONS, &self.options)?;
        record.say(8, operation::PAYLOADS, &self.payload)?;
        record.say(9, operation::POINTERS, &self.urgent)?;
        record.say(10, extras::EXTRAS, &self.extra)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::generate::generate_wild;
    use crate::scenario::record::records;

    #[test]
    fn what_a_record_means_can_be_said() {
        for number in 0..500 {
            for record in records(&generate_wild(2, number)) {
                let operation = Operation::decode(&record);
                let again = operation.encode().map(|record| Operation::decode(&record));
                assert_eq!(again, Some(operation), "{record:?}");
            }
        }
    }
}
