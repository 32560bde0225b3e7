//! As much of HTTP/1.1 (RFC 9112) as a browser or curl needs: GET and HEAD of a few pages.

use super::Shared;
use super::dialogue::{Answer, Dialogue, Lines};

/// The page at `/`.
const PAGE: &str =
    "<!doctype html>\n<title>wireproof</title>\n<p>The reference stack of wireproof says hello.\n";
/// Bytes of a large page that are given to the stack at once.
const PIECE: usize = 1 << 16;
/// The largest page below `/bytes/`.
const MOST: u64 = 1 << 32;

/// A connection, which serves one request after the other.
pub(super) fn begin(_: &Shared) -> Box<dyn Dialogue> {
    Box::new(Http::default())
}

#[derive(Debug, Default)]
struct Http {
    lines: Lines,
    /// The first line of the request that is being heard.
    request: Option<String>,
    /// Bytes of the page that are still to be sent, and where the next stands in it.
    left: u64,
    at: u64,
    closes: bool,
}

impl Dialogue for Http {
    fn heard(&mut self, bytes: &[u8]) -> Answer {
        if !self.lines.push(bytes) {
            return Answer::last(head("431 Request Header Fields Too Large", "text/plain", 0, true));
        }
        self.next_request()
    }

    fn goes_on(&mut self) -> Answer {
        if self.left == 0 {
            return if self.closes { Answer::last([]) } else { self.next_request() };
        }
        let count = self.left.min(PIECE as u64);
        let data: Vec<u8> = (self.at..self.at + count).map(byte_at).collect();
        (self.left, self.at) = (self.left - count, self.at + count);
        Answer::say(data)
    }
}

/// A byte of a large page: its place decides, so that what is lost or doubled is noticed.
fn byte_at(at: u64) -> u8 {
    // Any prime near 256 makes neighbouring segments differ.
    (at % 251) as u8
}

impl Http {
    /// Answers the request that is heard to its end, if one is.
    fn next_request(&mut self) -> Answer {
        while let Some(line) = self.lines.next() {
            if line.is_empty() {
                match self.request.take() {
                    Some(request) => return self.answer(&request),
                    // RFC 9112 2.2: empty lines before a request are passed over.
                    None => continue,
                }
            }
            let closes = line.to_ascii_lowercase().replace(' ', "") == "connection:close";
            self.closes |= closes;
            self.request.get_or_insert(line);
        }
        Answer::silence()
    }

    fn answer(&mut self, request: &str) -> Answer {
        let mut words = request.split(' ');
        let (method, path, version) = (words.next(), words.next().unwrap_or("/"), words.next());
        self.closes |= version != Some("HTTP/1.1");
        let (status, kind, length) = match path.strip_prefix("/bytes/").map(str::parse::<u64>) {
            _ if !matches!(method, Some("GET" | "HEAD")) => ("501 Not Implemented", "text/plain", 0),
            Some(Ok(length @ 0..=MOST)) => ("200 OK", "application/octet-stream", length),
            None if path == "/" => ("200 OK", "text/html", PAGE.len() as u64),
            _ => ("404 Not Found", "text/plain", 0),
        };
        let mut data = head(status, kind, length, self.closes);
        if method == Some("GET") {
            match kind {
                "text/html" => data.push_str(PAGE),
                _ => (self.left, self.at) = (length, 0),
            }
        }
        Answer { data: data.into_bytes(), is_last: self.closes && self.left == 0 }
    }
}

fn head(status: &str, kind: &str, length: u64, closes: bool) -> String {
    let connection = if closes { "close" } else { "keep-alive" };
    format!(
        "HTTP/1.1 {status}\r\nServer: wireproof\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: {connection}\r\n\r\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first line of the answer, its length with head and page, and whether the connection ends.
    #[track_caller]
    fn check(request: &str, status: &str, page: usize, is_last: bool) {
        let mut http = Http::default();
        let mut answer = http.heard(request.as_bytes());
        let mut said = answer.data.clone();
        while !answer.is_last && !answer.data.is_empty() {
            answer = http.goes_on();
            said.extend(&answer.data);
        }
        let text = String::from_utf8_lossy(&said);
        let (head, _) = text.split_once("\r\n\r\n").expect("a head");
        assert_eq!(head.lines().next(), Some(status));
        assert_eq!((said.len() - head.len() - 4, answer.is_last), (page, is_last));
    }

    #[test]
    fn requests() {
        check("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK", PAGE.len(), false);
        check("HEAD / HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK", 0, false);
        check("GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK", PAGE.len(), true);
        check("GET /bytes/70000 HTTP/1.1\r\nconnection: close\r\n\r\n", "HTTP/1.1 200 OK", 70_000, true);
        check("GET /bytes/-1 HTTP/1.1\r\n\r\n", "HTTP/1.1 404 Not Found", 0, false);
        check("POST / HTTP/1.1\r\n\r\n", "HTTP/1.1 501 Not Implemented", 0, false);
    }

    #[test]
    fn two_requests_at_once_are_answered_one_after_the_other() {
        let mut http = Http::default();
        let answer = http.heard(b"HEAD / HTTP/1.1\r\n\r\nHEAD /none HTTP/1.1\r\n\r\n");
        assert!(answer.data.starts_with(b"HTTP/1.1 200"));
        assert!(http.goes_on().data.starts_with(b"HTTP/1.1 404"));
        assert_eq!(http.goes_on(), Answer::silence());
    }
}
