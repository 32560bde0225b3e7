//! Plays one run: from a case's name to an answer. Everything that a worker needs of the harness is in here.

use crate::diff::{Pair, Recorder};
use crate::fake::Fake;
use crate::protocol::{Answer, Job, Plays, Session, TRACE};
use crate::results::StackInfo;
use crate::settled::settled;
use cases::suite::Tree;
use cases::upstream::CommandLine;
use harness::engine::{self, PlayOptions};
use harness::lang::ast::Script;
use harness::linux::{Access, LinkChoice, Linux, Way, in_virtual_time};
use harness::report;
use harness::run::{Difference, Record, TraceEntry, TraceEvent, Verdict};
use harness::sut::{Capabilities, Clock, Interface, MacAddress, Medium, StackUnderTest};
use std::collections::BTreeMap;
use std::path::Path;

/// A stack with what is needed to play on it.
pub(crate) trait Player {
    /// What the stack says of itself.
    fn info(&self) -> StackInfo;

    /// Plays a run.
    fn play(&mut self, job: &Job) -> Answer;
}

/// Opens the stack of a session.
///
/// # Errors
/// Says in one line why it cannot run here.
pub(crate) fn open(session: &Session) -> Result<Box<dyn Player>, String> {
    if let Some(fake) = Fake::open(&session.stack) {
        return Ok(Box::new(fake));
    }
    on(Stack::open(session)?, session)
}

/// Opens the kernel that this program is the first program of.
///
/// # Errors
/// What that kernel refused.
pub(crate) fn open_in_guest(session: &Session) -> Result<Box<dyn Player>, String> {
    on(Stack::Linux(Box::new(guest_kernel(session)?)), session)
}

/// What plays a session's jobs on its stack.
fn on(stack: Stack, session: &Session) -> Result<Box<dyn Player>, String> {
    Ok(match &session.plays {
        Plays::Cases => {
            let command_line = CommandLine::parse(&session.packetdrill)?;
            Box::new(Case { stack, tree: session.tree(), command_line })
        }
        Plays::Beside(other) => Box::new(Pair::new(stack, other)?),
        Plays::Alone => Box::new(Recorder::new(stack)),
    })
}

fn guest_kernel(session: &Session) -> Result<Linux, String> {
    let link = session.link.as_deref().map_or(Ok(LinkChoice::Auto), str::parse)?;
    let release =
        std::fs::read_to_string("/proc/sys/kernel/osrelease").map_err(|e| format!("osrelease: {e}"))?;
    let declared = in_virtual_time(&session.stack, release.trim(), &link);
    let access = Access { way: Way::Privileged, tun: true, veth: true };
    Linux::new(access, link)?.in_own_kernel(declared)
}

/// The stacks that this program knows.
pub(crate) enum Stack {
    Memory(Box<dyn StackUnderTest>),
    Linux(Box<Linux>),
}

impl Stack {
    fn open(session: &Session) -> Result<Stack, String> {
        let name = session.stack.as_str();
        if name == "linux" {
            let link = session.link.as_deref().map_or(Ok(LinkChoice::Auto), str::parse)?;
            return Ok(Stack::Linux(Box::new(Linux::new(Linux::probe()?, link)?)));
        }
        let known = || format!("there is no stack {name:?}; there are {}", cases::stacks::NAMES.join(", "));
        cases::stacks::in_memory(name).map(Stack::Memory).ok_or_else(known)
    }

    pub(crate) fn under_test(&mut self) -> &mut dyn StackUnderTest {
        match self {
            Stack::Memory(stack) => stack.as_mut(),
            Stack::Linux(linux) => linux.as_mut(),
        }
    }

    pub(crate) fn capabilities(&self) -> &Capabilities {
        match self {
            Stack::Memory(stack) => stack.capabilities(),
            Stack::Linux(linux) => linux.capabilities(),
        }
    }

    /// Ends the run before anything else is done: a live kernel's connections and namespaces cost something.
    pub(crate) fn rest(&mut self) {
        if let Stack::Linux(linux) = self {
            // What cannot be ended now is tried again when the next run starts, and told then.
            let _ = linux.stop();
        }
    }

    /// A script's shell commands run in the script's own folder.
    fn enter(&mut self, folder: &Path) {
        if let Stack::Linux(linux) = self {
            linux.set_working_directory(folder);
        }
    }
}

/// A stack on which cases are played.
struct Case {
    stack: Stack,
    tree: Tree,
    command_line: CommandLine,
}

impl Player for Case {
    fn info(&self) -> StackInfo {
        StackInfo::from(self.stack.capabilities())
    }

    fn play(&mut self, job: &Job) -> Answer {
        if let Some(folder) = self.tree.file(&job.case).path.parent() {
            self.stack.enter(folder);
        }
        match self.script(job) {
            Ok(script) => {
                let answer = self.play_script(job, &script);
                self.stack.rest();
                answer
            }
            Err(message) => Answer::broken(job.run, Verdict::Error, "script", message),
        }
    }
}

impl Case {
    fn script(&self, job: &Job) -> Result<Script, String> {
        let file = self.tree.file(&job.case);
        let text = self.tree.text(&file).map_err(|e| e.to_string())?;
        cases::reading::parse(&self.tree, &file.path, &text, job.family, &self.command_line.defines)
            .map_err(|e| e.to_string())
    }

    fn play_script(&mut self, job: &Job, script: &Script) -> Answer {
        let twin = match job.twin {
            None => None,
            Some(index) => match script.head.as_ref().and_then(|head| head.twins.get(index)) {
                None => return Answer::broken(job.run, Verdict::Error, "script", format!("no twin {index}")),
                twin => twin,
            },
        };
        let mut say = |entry: &TraceEntry| {
            if let Some(stimulus) = stimulus(entry) {
                eprintln!("{TRACE}{stimulus}");
            }
        };
        let mut options = PlayOptions::new(job.family);
        options.seed = job.seed;
        options.twin = twin;
        options.command_line = self.command_line.options.clone();
        if job.wants.trace {
            options.observer = Some(&mut say);
        }
        let record = engine::play(self.stack.under_test(), script, options);
        let mut answer = self.answer(job, &record);
        answer.green = twin.and_then(|twin| engine::is_red(script, twin, &record).err());
        answer
    }

    /// What is told of a run, with everything that is wanted beyond its verdict.
    fn answer(&self, job: &Job, record: &Record) -> Answer {
        if let Some(Err(message)) = job.wants.pcap.as_ref().map(|path| capture(path, &record.trace)) {
            return Answer::broken(job.run, Verdict::Error, "capture", message);
        }
        Answer {
            difference: record.first_difference.clone().map(Difference::into),
            virtual_us: u64::try_from(record.virtual_time.as_micros()).unwrap_or(u64::MAX),
            ladder: job.wants.ladder.then(|| report::ladder(&record.trace)),
            snapshot: job.wants.snapshot.then(|| self.snapshot(record, job.wants.exact)),
            ..Answer::new(job.run, record.verdict)
        }
    }
}

impl Case {
    /// The text for the golden file: what is the same in every run.
    fn snapshot(&self, record: &Record, is_exact: bool) -> String {
        match (&self.stack, self.stack.capabilities().clock) {
            (Stack::Memory(_), Clock::Virtual) => report::snapshot(&record.trace, report::Times::Shown),
            // A kernel's random numbers depend on what was played before.
            (Stack::Linux(_), Clock::Virtual) => {
                let times = if is_exact { report::Times::Shown } else { report::Times::Rounded };
                report::snapshot(&settled(record, false), times)
            }
            (_, Clock::Real { .. }) => report::snapshot(&settled(record, true), report::Times::Left),
        }
    }
}

/// The interfaces of a run, as far as its frames tell.
fn interfaces(trace: &[TraceEntry]) -> Vec<Interface> {
    let mut media: BTreeMap<usize, Medium> = BTreeMap::new();
    for entry in trace {
        if let TraceEvent::Inbound { interface, medium, .. }
        | TraceEvent::Outbound { interface, medium, .. } = &entry.what
        {
            media.insert(interface.0, *medium);
        }
    }
    let last = media.keys().next_back().map_or(0, |last| last + 1);
    let interface = |index: usize| {
        let medium = media.get(&index).copied().unwrap_or(Medium::Ethernet);
        let name = match medium {
            Medium::Ethernet => format!("eth{index}"),
            Medium::Ip => format!("tun{index}"),
        };
        Interface { name, medium, mtu: u16::MAX, mac: MacAddress([0; 6]), addresses: vec![] }
    };
    (0..last).map(interface).collect()
}

/// Writes a capture.
fn capture(path: &Path, trace: &[TraceEntry]) -> Result<(), String> {
    let problem = |e: std::io::Error| format!("{}: {e}", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(problem)?;
    }
    std::fs::write(path, report::pcapng(&interfaces(trace), trace)).map_err(problem)
}

/// What the stack is about to be given, in words, and a frame also in bytes: it may be one that is hard to describe.
fn stimulus(entry: &TraceEntry) -> Option<String> {
    let line = entry.line.map(|line| format!("line {line}: ")).unwrap_or_default();
    match &entry.what {
        TraceEvent::Inbound { bytes, text, .. } => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            Some(format!("{line}{text}, {} bytes: {hex}", bytes.len()))
        }
        TraceEvent::Call { text, .. } => Some(format!("{line}call {text}")),
        TraceEvent::Outbound { .. } | TraceEvent::Completed { .. } => None,
    }
}
