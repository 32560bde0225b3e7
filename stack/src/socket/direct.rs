//! write(2) and read(2) on a stream straight from and into the caller's memory, without a call that could wait.

use super::errno::Errno;
use crate::host::Host;
use crate::tcp;
use crate::time::Instant;

impl Host {
    /// Sends as much of `data` as there is room for, as write(2) does on a descriptor that does not block.
    ///
    /// # Errors
    /// EAGAIN where there is no room; else what write(2) gives.
    pub fn write(&mut self, now: Instant, fd: i32, data: &[u8]) -> Result<usize, Errno> {
        let sent = self.send_stream(now, fd, data, 0);
        self.settle(now);
        sent
    }

    /// Receives into `buffer`, as read(2) does on a descriptor that does not block; 0 is the end of the stream.
    ///
    /// # Errors
    /// EAGAIN where nothing has arrived; else what read(2) gives.
    pub fn read(&mut self, now: Instant, fd: i32, buffer: &mut [u8]) -> Result<usize, Errno> {
        let id = self.data_connection(now, fd, Errno::ENOTCONN)?;
        if buffer.is_empty() {
            return Ok(0);
        }
        let received = match self.tcp.receive(now, id, buffer, false) {
            Err(tcp::Error::WouldBlock) if self.sockets.table.get(fd)?.shut_read => Ok(0),
            received => received.map_err(Errno::of_tcp),
        };
        self.settle(now);
        received
    }
}
