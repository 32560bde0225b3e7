//! Two stacks of one kind on a wire in memory, for measures.

mod reference;
mod smoltcp;

pub(super) use reference::Reference;
pub(super) use smoltcp::Smoltcp;
use std::time::Duration;

/// The IP datagrams on the wire, in bytes.
const MTU: u16 = 1500;
/// Where the second end listens.
const PORT: u16 = 80;
/// Half of how long smoltcp stays in TIME-WAIT, which cannot be set.
const MSL: Duration = Duration::from_secs(5);
/// As long as either stack delays the acknowledgement of a FIN.
const ACK_DELAY: Duration = Duration::from_millis(10);

/// Two ends with TCP, the first of which connects to the second, on Ethernet with checksums. Calls return at once; nothing
/// arrives before [`Ends::exchange`].
pub(super) trait Ends: Sized {
    /// Two ends whose connections have send and receive buffers of `buffer` bytes.
    fn new(buffer: usize) -> Result<Self, String>;

    /// A connection; gives its number.
    fn connect(&mut self) -> Result<usize, String>;

    /// The first end sends as much of `data` as there is room for; gives how much.
    fn send(&mut self, connection: usize, data: &[u8]) -> usize;

    /// The second end receives into `room`; gives how much.
    fn receive(&mut self, connection: usize, room: &mut [u8]) -> usize;

    /// An end closes its side of the connection.
    fn close(&mut self, end: usize, connection: usize) -> Result<(), String>;

    /// Forgets a connection that is over at both ends.
    fn forget(&mut self, connection: usize) -> Result<(), String>;

    /// Carries frames until both ends are silent, and lets a microsecond pass.
    fn exchange(&mut self) {
        self.exchange_and_wait(Duration::from_micros(1));
    }

    /// Carries frames until both ends are silent, lets some time pass, and has each end do what it says is due then.
    fn exchange_and_wait(&mut self, time: Duration);
}

/// Both ends close a connection, the second one after the first one's FIN has been acknowledged; then TIME-WAIT passes, so
/// that each stack bears its cost.
pub(super) fn close<E: Ends>(ends: &mut E, connection: usize) -> Result<(), String> {
    ends.close(0, connection)?;
    ends.exchange_and_wait(ACK_DELAY);
    ends.close(1, connection)?;
    ends.exchange_and_wait(2 * MSL);
    ends.forget(connection)
}

/// Moves `total` bytes over one connection, `chunk` by `chunk`.
pub(super) fn transfer<E: Ends>(
    ends: &mut E,
    connection: usize,
    total: usize,
    chunk: usize,
) -> Result<(), String> {
    let data = vec![0x5a; chunk];
    let mut room = vec![0; chunk];
    let (mut sent, mut received, mut idle) = (0, 0, 0);
    while received < total {
        let more = ends.send(connection, &data[..chunk.min(total - sent)]);
        sent += more;
        ends.exchange();
        let mut progress = more;
        loop {
            let got = ends.receive(connection, &mut room);
            received += got;
            progress += got;
            if got < room.len() {
                break;
            }
        }
        ends.exchange();
        // An acknowledgement may be delayed, but not for a second.
        idle = if progress == 0 { idle + 1 } else { 0 };
        if idle > 1_000_000 {
            return Err(format!("the transfer stands still after {received} of {total} bytes"));
        }
    }
    Ok(())
}
