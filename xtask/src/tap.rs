//! `cargo xtask tap`: the reference stack on a TAP device, for programs of others to talk to.
//!
//! The device is in a network namespace without a name, which is gone when this process and the programs in it are: nothing is left
//! behind however it ends, and the machine's own network is never touched.

mod setup;

use crate::exit::{Exit, Outcome};
use harness::linux::Linux;
use harness::linux::live::{Counts, Impairment, Live, Namespace, Room, Station};
use harness::services::{SERVICES, Served, Services};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use stack::rng::Rng;
use stack::{Host, Instant};
use std::fs::File;
use std::io::BufWriter;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::{Child, Command};

/// What `cargo xtask tap` takes.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Options {
    /// Write every frame to this file, as the stack sees it.
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
    /// Lose this part of the frames of each direction, such as 1%.
    #[arg(long, value_name = "PERCENT", value_parser = setup::percent, default_value = "0")]
    loss: u32,
    /// What the stack's random numbers and the losses are drawn from.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Give the stack no IPv4 address: it asks for one by DHCP.
    #[arg(long)]
    dhcp: bool,
    /// Look this name up with the stack's resolver, once it has a name server, and print what it found.
    #[arg(long, value_name = "NAME")]
    look_up: Option<String>,
    /// Run this program in the namespace and end with it; its exit status is the command's. Without one, run until Ctrl-C.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// Runs the stack until the program ends or a signal comes.
pub(crate) fn tap(options: &Options) -> Outcome {
    let signals = block_signals()?;
    let room = Room::enter(Linux::probe()?)?;
    if !room.access().tun {
        return Err(
            "/dev/net/tun cannot be opened: load the module tun, or give this user access to it".into()
        );
    }
    let namespace = room.namespace()?;
    let port = namespace.add_tap(&setup::device())?;
    let mut host = Host::new(setup::config(options.dhcp, options.seed));
    let services = Services::open(&mut host, Instant::ZERO, SERVICES)?;
    let application = setup::Application::new(services, options.dhcp, options.look_up.clone());
    let mut live = Live::new(vec![Station::new(host, vec![port], application)]);
    if options.loss > 0 {
        live.impair(Impairment { loss: options.loss, rng: Rng::new(options.seed) });
    }
    if let Some(path) = &options.pcap {
        let file = File::create(path).map_err(|e| format!("{}: {e}", path.display()))?;
        live.capture(&[setup::interface()], Box::new(BufWriter::new(file)))?;
    }
    let child = match options.command.split_first() {
        Some((program, arguments)) => Some(namespace.spawn(Command::new(program).args(arguments))?),
        None => {
            eprintln!("{}", setup::greeting(room.access().way));
            None
        }
    };
    let exit = serve(&mut live, &signals, child)?;
    let served = live.station(0).map(|station| station.application.services.served());
    tell(live.counts(), served.unwrap_or_default());
    drop::<Namespace>(namespace);
    Ok(exit)
}

/// Signals that end the command, and that of a child's end, to be read from a descriptor from now on.
fn block_signals() -> Result<SignalFd, String> {
    let mut signals = SigSet::empty();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGCHLD] {
        signals.add(signal);
    }
    signals.thread_block().map_err(|e| format!("blocking signals: {e}"))?;
    SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
        .map_err(|e| format!("signalfd: {e}"))
}

/// Serves until the child is over or a signal comes, which the child is then given too.
fn serve(live: &mut Live<setup::Application>, signals: &SignalFd, mut child: Option<Child>) -> Outcome {
    loop {
        live.run(&[signals.as_fd()], None)?;
        while let Ok(Some(signal)) = signals.read_signal() {
            if i32::try_from(signal.ssi_signo) == Ok(Signal::SIGCHLD as i32) {
                continue;
            }
            if let Some(child) = &mut child {
                // It may be over by itself; there is nothing left to do then.
                let _ = child.kill();
                let _ = child.wait();
            }
            return Ok(Exit::AsExpected);
        }
        let Some(status) = child.as_mut().map_or(Ok(None), Child::try_wait).map_err(|e| e.to_string())?
        else {
            continue;
        };
        if let Some(signal) =
            status.code().and_then(|code| code.checked_sub(128)).filter(|signal| *signal > 0)
        {
            eprintln!("the program was ended by signal {signal}");
        }
        return Ok(if status.success() { Exit::AsExpected } else { Exit::Unexpected });
    }
}

fn tell(counts: Counts, served: Served) {
    eprintln!("tap: {counts}; {served}");
}
