//! Dialogues by the line that are written down: SMTP (RFC 5321), POP3 (RFC 1939) and IMAP (RFC 9051), as far as a client goes that
//! sends a message or fetches one.

use super::dialogue::{Answer, Dialogue, Lines};

/// A server's part, as data.
#[derive(Debug)]
pub struct Script {
    /// What is said first.
    pub greeting: &'static str,
    /// What a line begins with, whatever its case, and what is answered. The first that fits counts.
    pub replies: &'static [(&'static str, Reply)],
    /// What is answered to any other line.
    pub otherwise: &'static str,
    /// Whether lines begin with a tag that the reply repeats, as those of IMAP do: `{tag}` in a reply stands for it.
    pub is_tagged: bool,
}

/// An answer to a line.
#[derive(Clone, Copy, Debug)]
pub enum Reply {
    /// Lines, which end with CR LF here.
    Say(&'static str),
    /// The last ones.
    Close(&'static str),
    /// Lines; what is heard then is a text, until a line with nothing but a dot, which is answered with the second.
    Text(&'static str, &'static str),
}

/// Takes any message.
pub const SMTP: Script = Script {
    greeting: "220 stack.example ESMTP\r\n",
    replies: &[
        ("EHLO", Reply::Say("250-stack.example\r\n250 8BITMIME\r\n")),
        ("HELO", Reply::Say("250 stack.example\r\n")),
        ("MAIL FROM:", Reply::Say("250 OK\r\n")),
        ("RCPT TO:<nobody@", Reply::Say("550 no such mailbox\r\n")),
        ("RCPT TO:", Reply::Say("250 OK\r\n")),
        ("DATA", Reply::Text("354 end with a dot\r\n", "250 queued\r\n")),
        ("RSET", Reply::Say("250 OK\r\n")),
        ("NOOP", Reply::Say("250 OK\r\n")),
        ("QUIT", Reply::Close("221 bye\r\n")),
    ],
    otherwise: "502 not here\r\n",
    is_tagged: false,
};

/// Has one message.
pub const POP3: Script = Script {
    greeting: "+OK stack.example\r\n",
    replies: &[
        ("USER", Reply::Say("+OK\r\n")),
        ("PASS wrong", Reply::Say("-ERR no\r\n")),
        ("PASS", Reply::Say("+OK\r\n")),
        ("STAT", Reply::Say("+OK 1 30\r\n")),
        ("LIST", Reply::Say("+OK 1 message\r\n1 30\r\n.\r\n")),
        ("RETR 1", Reply::Say("+OK 30 bytes\r\nSubject: hello\r\n\r\n..from afar\r\n.\r\n")),
        ("DELE 1", Reply::Say("+OK\r\n")),
        ("NOOP", Reply::Say("+OK\r\n")),
        ("QUIT", Reply::Close("+OK bye\r\n")),
    ],
    otherwise: "-ERR not here\r\n",
    is_tagged: false,
};

/// Has one message in its inbox.
pub const IMAP: Script = Script {
    greeting: "* OK stack.example\r\n",
    replies: &[
        ("CAPABILITY", Reply::Say("* CAPABILITY IMAP4rev1\r\n{tag} OK done\r\n")),
        ("LOGIN", Reply::Say("{tag} OK done\r\n")),
        ("SELECT", Reply::Say("* 1 EXISTS\r\n* FLAGS ()\r\n{tag} OK [READ-WRITE]\r\n")),
        ("SEARCH", Reply::Say("* SEARCH 1\r\n{tag} OK done\r\n")),
        (
            "FETCH 1",
            Reply::Say("* 1 FETCH (RFC822 {29}\r\nSubject: hello\r\n\r\nfrom afar\r\n)\r\n{tag} OK done\r\n"),
        ),
        ("CLOSE", Reply::Say("{tag} OK done\r\n")),
        ("LOGOUT", Reply::Close("* BYE\r\n{tag} OK done\r\n")),
    ],
    otherwise: "{tag} BAD not here\r\n",
    is_tagged: true,
};

/// A connection on which the server speaks as `script` says.
pub(super) fn begin(script: &'static Script) -> Box<dyn Dialogue> {
    Box::new(Speaker { script, lines: Lines::default(), text: None })
}

struct Speaker {
    script: &'static Script,
    lines: Lines,
    /// What is answered to the text that is being heard.
    text: Option<&'static str>,
}

impl Dialogue for Speaker {
    fn begin(&mut self) -> Answer {
        Answer::say(self.script.greeting)
    }

    fn heard(&mut self, bytes: &[u8]) -> Answer {
        if !self.lines.push(bytes) {
            return Answer::last([]);
        }
        let mut answer = Answer::silence();
        while let Some(line) = self.lines.next().filter(|_| !answer.is_last) {
            let more = self.answer(&line);
            answer.data.extend(more.data);
            answer.is_last = more.is_last;
        }
        answer
    }
}

impl Speaker {
    fn answer(&mut self, line: &str) -> Answer {
        if let Some(end) = self.text.filter(|_| line == ".") {
            self.text = None;
            return Answer::say(end);
        }
        if self.text.is_some() {
            return Answer::silence();
        }
        let (tag, line) = match self.script.is_tagged {
            true => line.split_once(' ').unwrap_or((line, "")),
            false => ("", line),
        };
        let fits = |begin: &str| line.get(..begin.len()).is_some_and(|l| l.eq_ignore_ascii_case(begin));
        let reply = self.script.replies.iter().find(|(begin, _)| fits(begin)).map(|(_, reply)| *reply);
        let tagged = |text: &str| text.replace("{tag}", tag);
        match reply.unwrap_or(Reply::Say(self.script.otherwise)) {
            Reply::Say(text) => Answer::say(tagged(text)),
            Reply::Close(text) => Answer::last(tagged(text)),
            Reply::Text(text, end) => {
                self.text = Some(end);
                Answer::say(tagged(text))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(script: &'static Script, heard: &str, said: &str, is_last: bool) {
        let answer = begin(script).heard(heard.as_bytes());
        let found = String::from_utf8_lossy(&answer.data).into_owned();
        assert_eq!((found.as_str(), answer.is_last), (said, is_last));
    }

    #[test]
    fn dialogues() {
        check(&SMTP, "ehlo me\r\n", "250-stack.example\r\n250 8BITMIME\r\n", false);
        check(&SMTP, "DATA\r\nQUIT\r\n..\r\n.\r\n", "354 end with a dot\r\n250 queued\r\n", false);
        check(&SMTP, "RCPT TO:<nobody@a>\r\nQUIT\r\nNOOP\r\n", "550 no such mailbox\r\n221 bye\r\n", true);
        check(&POP3, "NOO", "", false);
        check(&POP3, "\u{e4}\u{e4}\u{e4}\r\n", "-ERR not here\r\n", false);
        check(&IMAP, "a7 LOGOUT\r\n", "* BYE\r\na7 OK done\r\n", true);
        check(&IMAP, "a8 FOO\r\n", "a8 BAD not here\r\n", false);
    }
}
