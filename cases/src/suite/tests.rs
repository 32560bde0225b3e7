use super::*;

/// Writes `files` below a fresh folder, and loads them as the project's suite.
fn load(name: &str, files: &[(&str, &str)]) -> Suite {
    load_as(name, files, true)
}

/// The same, as the project's suite or as a folder of anybody's.
fn load_as(name: &str, files: &[(&str, &str)], is_suite: bool) -> Suite {
    let root = std::env::temp_dir().join(format!("wireproof-suite-{}-{name}", std::process::id()));
    for (path, text) in files {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
        std::fs::write(path, text).expect("a file can be written");
    }
    let tree = Tree::new(root.clone(), "cases".into(), is_suite);
    let catalogue = Catalogue::load().expect("the catalogue is readable");
    let files = tree.files().expect("the folder is readable");
    let suite = tree.load(&files, &catalogue, &Defines::new());
    std::fs::remove_dir_all(root).expect("the folder can be removed");
    suite
}

fn check(name: &str, path: &str, head: &str, expected: &[&str]) {
    let suite = load(name, &[(path, head)]);
    let errors: String = suite.errors.iter().map(|e| format!("{e}\n")).collect();
    for part in expected {
        assert!(errors.contains(part), "{part:?} is not in\n{errors}");
    }
    assert!(suite.cases.is_empty(), "a case with an error is none");
}

const GOOD: &str = "//! A reset.\n//! requires: RFC5961-3.2-3\n//! needs: tcp listen\n\
                    //! twin RFC5961-3.2-3: drop @a\n+0 < R 1:1(0) win 0\n@a +0 > . 1:1(0) ack 1\n";

#[test]
fn errors_in_heads_have_file_and_line() {
    let bad = |from: &str, to: &str| GOOD.replace(from, to);
    let unknown = bad("5961-3.2-3", "5961-3.2-33");
    check(
        "unknown",
        "tcp/a.pkt",
        &unknown,
        &["unknown requirement RFC5961-3.2-33", "cases/tcp/a.pkt:2:", "RFC5961-3.2-3"],
    );
    let none = bad("//! requires: RFC5961-3.2-3\n", "")
        .replace("//! twin RFC5961-3.2-3: drop @a\n", "")
        .replace("@a ", "");
    check("none", "tcp/a.pkt", &none, &["no //! requires", "cases/tcp/a.pkt:1:"]);
    let twinless = bad("//! twin RFC5961-3.2-3: drop @a\n", "");
    check("twinless", "tcp/a.pkt", &twinless, &["RFC5961-3.2-3 has no twin", "cases/tcp/a.pkt:2:"]);
    let stray = bad("twin RFC5961-3.2-3", "twin RFC5961-3.2-1");
    check(
        "stray",
        "tcp/a.pkt",
        &stray,
        &["twin for RFC5961-3.2-1, which the case does not require", "a.pkt:4:"],
    );
    let capability = bad("listen", "lisen");
    check(
        "capability",
        "tcp/a.pkt",
        &capability,
        &["unknown capability lisen", "cases/tcp/a.pkt:3:", "listen"],
    );
    let family = bad("//! needs", "//! family: ipx\n//! needs");
    check("family", "tcp/a.pkt", &family, &["`ipx` is not a family", "cases/tcp/a.pkt:3:"]);
    check(
        "folder",
        "quic/a.pkt",
        GOOD,
        &["unknown folder \"quic\"", "cases/quic/a.pkt:1:", "one of arp, icmpv4"],
    );
    check("inside", "ipv6/pmtud/a.pkt", GOOD, &["unknown folder \"pmtud\"", "one of nd, slaac"]);
    check("headless", "tcp/a.pkt", "+0 < R 1:1(0) win 0\n", &["no //! requires", "cases/tcp/a.pkt:1:"]);
}

#[test]
fn ids_that_some_file_system_takes_for_one_are_duplicates() {
    let suite = load("duplicate", &[("tcp/a.pkt", GOOD), ("tcp/A.pkt", GOOD)]);
    assert_eq!(suite.errors.len(), 1);
    assert!(
        suite.errors[0].to_string().contains("duplicate id tcp/a, also cases/tcp/A.pkt"),
        "{}",
        suite.errors[0]
    );
}

#[test]
fn a_case_knows_its_families_and_level() {
    let explicit = GOOD.replace("//! needs", "//! family: ipv4-mapped-ipv6\n//! needs");
    let files = [
        ("tcp/a.pkt", GOOD),
        ("tcp/mapped.pkt", &explicit),
        ("arp/a.pkt", GOOD),
        ("ipv6/nd/a.pkt", GOOD),
        ("given/established.pkt", "not a case"),
        ("tcp/given/x.pkt", "not a case"),
    ];
    let suite = load("families", &files);
    assert_eq!(suite.errors, []);
    let found: Vec<(&str, &[Family])> =
        suite.cases.iter().map(|c| (c.id.as_str(), c.families.as_slice())).collect();
    let expected: [(&str, &[Family]); 4] = [
        ("arp/a", &[Family::Ipv4]),
        ("ipv6/nd/a", &[Family::Ipv6]),
        ("tcp/a", &[Family::Ipv4, Family::Ipv6]),
        ("tcp/mapped", &[Family::Ipv4MappedIpv6]),
    ];
    assert_eq!(found, expected);
    assert_eq!(suite.cases[0].level, Some(Level::Must));
    assert_eq!(suite.cases[0].needs, ["tcp", "listen"]);
}

#[test]
fn an_upstream_script_may_ask_for_a_family() {
    let plain = "+0 < S 0:0(0) win 1000\n";
    let asks = format!("--ip_version=ipv4\n{plain}");
    let suite = load_as("asked", &[("a.pkt", plain), ("b.pkt", &asks), ("c-v6.pkt", plain)], false);
    assert_eq!(suite.errors, []);
    let found: Vec<&[Family]> = suite.cases.iter().map(|case| case.families.as_slice()).collect();
    let all = [Family::Ipv4, Family::Ipv6, Family::Ipv4MappedIpv6];
    assert_eq!(found, [&all[..], &all[..1], &all[1..2]]);
}

#[test]
fn a_table_makes_cases_that_are_found_and_read_like_others() {
    let table = format!(
        "text = '''{}'''\nrows.open.flag = 'R'\ncolumns.reset.at = 1\n\
         outcomes.challenged.twins = ['drop @a']\n[cells.reset]\nopen = 'challenged RFC5961-3.2-3'\n",
        GOOD.replace("RFC5961-3.2-3: drop @a", "X")
            .replace("//! twin X", "{twins}")
            .replace("RFC5961-3.2-3", "{requires}")
            .replace("< R 1:1", "< {flag} {at}:1")
    );
    let suite = load("table", &[("tcp/states.table.toml", &table), ("tcp/a.pkt", GOOD)]);
    assert_eq!(suite.errors, []);
    let ids: Vec<&str> = suite.cases.iter().map(|c| c.id.as_str()).collect();
    assert_eq!(ids, ["tcp/a", "tcp/states/open/reset"]);
    assert_eq!(suite.cases[0].requires, suite.cases[1].requires);
    let wrong = table.replace("{at}:1", "{at}:2");
    let suite = load("wrong", &[("tcp/states.table.toml", &wrong)]);
    let error = suite.errors.first().map(ToString::to_string).unwrap_or_default();
    assert!(error.contains("cases/tcp/states/open/reset.pkt:5:"), "{error}");
    assert!(error.contains("< R 1:2(0) win 0"), "the generated text is shown: {error}");
}

#[test]
fn the_table_that_the_description_of_the_language_shows_makes_cases() {
    let language = include_str!("../../LANGUAGE.md");
    let blocks: Vec<&str> =
        language.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(blocks.len(), 1);
    let given = |name: &str| std::fs::read_to_string(crate::root().join("given").join(name)).expect("a file");
    let names =
        ["listening", "syn-received", "established", "fin-wait-1", "closing"].map(|n| format!("{n}.pkt"));
    let texts = names.each_ref().map(|name| (format!("given/{name}"), given(name)));
    let mut files = vec![("tcp/states.table.toml", blocks[0])];
    files.extend(texts.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    let suite = load("language", &files);
    assert_eq!(suite.errors, []);
    assert_eq!(suite.cases.len(), 3);
}
