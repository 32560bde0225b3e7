use crate::packet::World; use crate::sut::{Medium,Rules};
pub struct PassiveRules; pub struct Violation{pub rule:String,pub requirement:String,pub expected:String,pub found:String}
impl PassiveRules{pub fn new(_:&World,_:Rules,_:bool)->Self{PassiveRules} pub fn inbound(&mut self,_:Medium,_:&[u8]){} pub fn outbound(&mut self,_:Medium,_:&[u8])->Vec<Violation>{vec![]}}
