//! What a script gets wrong, and what it is told.

use super::{Session, script};
use crate::calls::prepare;

/// The message and the help of the error in a line, and the text it points at.
fn check(line: &str, text: &str, message: &str, help: &str) {
    let mut s = Session::ours();
    let error = prepare(&mut s.cx(), &script::parse(line)).expect_err(line);
    assert_eq!((error.span.text(), error.message.as_str()), (text, message), "{line}");
    let found = error.help.unwrap_or_default();
    assert!(found.starts_with(help), "{line}: {found}");
}

#[test]
fn errors_name_the_place_and_the_remedy() {
    check("conect(3, ..., ...) = 0", "conect", "no call is named `conect`", "did you mean `connect`?");
    check("psp(3) = 0", "psp", "no call is named `psp`", "calls are socket, bind, ");
    check(
        "read(4, ...) = 0",
        "read",
        "`read` takes 3 arguments, here are 2",
        "the form is `read(FD, ..., COUNT) = COUNT`",
    );
    check("fcntl(4) = 0", "fcntl", "`fcntl` takes 2 to 3 arguments, here are 1", "the form is");
    check(
        "read(4, 7, 1) = 1",
        "read",
        "argument 2 of `read` is `7` but should be `...`, a string or NULL",
        "the",
    );
    check("read(9, ..., 1) = 1", "read", "descriptor 9 is not open", "open are 3, 4 at this line");
    check(
        "setsockopt(4, SOL_SOKCET, SO_REUSEADDR, [1], 4) = 0",
        "SOL_SOKCET",
        "no constant is called `SOL_SOKCET`",
        "did you mean `SOL_SOCKET`?",
    );
    check(
        "read(4, ..., 1) = -1 ECONRESET",
        "ECONRESET",
        "no error is called `ECONRESET`",
        "did you mean `ECONNRESET`?",
    );
    check("read(4, ..., -5) = 0", "read", "-5 is no length for a buffer: 0 to 67108864 is", "the form is");
    check("listen(3, 4294967296) = 0", "listen", "4294967296 does not fit into 32 bits", "the form is");
    check("listen(3, $n) = 0", "listen", "`$n` has no value yet", "a name gets its value");
    check("socket(..., SOCK_STREAM, 0) = 4", "socket", "descriptor 4 is open already", "close it first");
    check(
        "bind(4, {sa_family=AF_INET6, sin_port=htons(1), sin_addr=inet_addr(\"fe80::1%eth7\")}, ...) = 0",
        "eth7",
        "no interface is called `eth7`",
        "did you mean `eth0`?",
    );
    check("link(eth1, up) = 0", "eth1", "no interface is called `eth1`", "did you mean `eth0`?");
    check(
        "bind(4, {sa_family=AF_INET, sin_port=htons(1), sin_addr=inet_addr(\"LOCL\")}, ...) = 0",
        "LOCL",
        "`LOCL` is not an address",
        "did you mean `LOCAL`?",
    );
    check(
        "write(4, \"abc\", 4) = 4",
        "write",
        "4 bytes are to be written, but the string has 3",
        "the form is",
    );
    check(
        "address(eth0, add, \"192.0.2.1/33\") = 0",
        "address",
        "the prefix length of `192.0.2.1/33` is not 0 to 32",
        "",
    );
    check(
        "writev(4, [{..., 1}], 2) = 1",
        "writev",
        "2 vectors are announced, but there are 1",
        "the form is",
    );
}

#[test]
fn a_closed_descriptor_may_be_used_to_see_that_it_is_closed() {
    let mut s = Session::ours();
    s.passes("close(4) = 0", crate::sut::Outcome::value(0));
    s.passes("read(4, ..., 1) = -1 EBADF", super::failed("EBADF"));
    s.passes("close(-1) = -1 EBADF", super::failed("EBADF"));
    let mut s = Session::upstream();
    s.passes("close(4) = 0", crate::sut::Outcome::value(0));
    assert!(s.call("read(4, ..., 1) = -1 EBADF").is_err());
}
