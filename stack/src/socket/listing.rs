//! The table of sockets as netstat and ss show it.

use crate::host::Host;
use crate::tcp::{Queues, State};
use core::fmt;
use std::net::SocketAddr;

/// One line of the table. A connection stands here until it is CLOSED, whether somebody still holds it or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// `None`: a UDP socket, which has no states.
    pub state: Option<State>,
    /// Bytes that the user has not read; of a listener, connections that wait for accept.
    pub receive_queue: usize,
    /// Bytes that the peer has not acknowledged; of a listener, how many connections may wait.
    pub send_queue: usize,
    /// An unspecified address is any.
    pub local: SocketAddr,
    /// `None` where there is no peer.
    pub remote: Option<SocketAddr>,
}

impl Host {
    /// Every bound socket: listeners by address, connections by their ends, then UDP's.
    pub fn socket_table(&self) -> Vec<Row> {
        let row = |queues: Queues| {
            let Queues { state, local, remote, receive, send } = queues;
            Row { state: Some(state), receive_queue: receive, send_queue: send, local, remote }
        };
        let mut rows: Vec<Row> = self.tcp.queues().map(row).collect();
        rows.sort_by_key(|row| (row.state.is_some_and(|s| s != State::Listen), row.local, row.remote));
        rows.extend(self.udp.bound().map(|(local, remote, bytes)| Row {
            state: None,
            receive_queue: bytes,
            send_queue: 0,
            local,
            remote,
        }));
        rows
    }
}

/// As ss abbreviates it.
fn name(state: State) -> &'static str {
    match state {
        State::Closed => "UNCONN",
        State::Listen => "LISTEN",
        State::SynSent => "SYN-SENT",
        State::SynReceived => "SYN-RECV",
        State::Established => "ESTAB",
        State::FinWait1 => "FIN-WAIT-1",
        State::FinWait2 => "FIN-WAIT-2",
        State::CloseWait => "CLOSE-WAIT",
        State::Closing => "CLOSING",
        State::LastAck => "LAST-ACK",
        State::TimeWait => "TIME-WAIT",
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = if self.state.is_some() { "tcp" } else { "udp" };
        let state = name(self.state.unwrap_or(State::Closed));
        let any = match self.local {
            SocketAddr::V4(_) => "0.0.0.0:*".to_owned(),
            SocketAddr::V6(_) => "[::]:*".to_owned(),
        };
        let remote = self.remote.map_or(any, |remote| remote.to_string());
        let (receive, send, local) = (self.receive_queue, self.send_queue, self.local);
        write!(f, "{protocol:<5} {state:<10} {receive:>6} {send:>6} {local:>28} {remote:>28}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::time::Instant;

    #[test]
    fn a_listener_a_connection_and_a_datagram_socket() {
        let mut host = Host::new(Config::default());
        let at = |port| SocketAddr::from(([192, 0, 2, 1], port));
        let options = crate::tcp::SocketOptions::default();
        host.tcp.open_passive(at(80), 5, options.clone()).expect("the port is free");
        let peer = SocketAddr::from(([192, 0, 2, 2], 9));
        host.tcp.open_active(Instant::ZERO, at(4000), peer, options).expect("it can be opened");
        let udp = host.udp.open(crate::udp::Kind::Udp, false, 1000);
        host.udp.bind(udp, None, 53);
        let rows: Vec<String> = host
            .socket_table()
            .iter()
            .map(|row| row.to_string().split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        let expected = [
            "tcp LISTEN 0 5 192.0.2.1:80 0.0.0.0:*",
            "tcp SYN-SENT 0 0 192.0.2.1:4000 192.0.2.2:9",
            "udp UNCONN 0 0 0.0.0.0:53 0.0.0.0:*",
        ];
        assert_eq!(rows, expected);
    }
}
