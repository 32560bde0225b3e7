//! Kernels in virtual time from the outside: the host's side with a kernel that is a shell script, and builds that cannot be.

use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What plays the kernel: it reads the jobs and answers as the last part of each case's id says.
const KERNEL: &str = r#"#!/bin/sh
if grep -q never-begins io/jobs.json; then
    echo 'the guest: no such device' >> io/output
    exit 1
fi
: > io/begun
while read -r job; do
    run=${job#*\"run\":}
    run=${run%%,*}
    trace=always
    case $job in
        */reply-draws-no-answer\"*) trace=$run ;;
        */panics\"*) exit 134 ;;
        */hangs\"*) exec sleep 60 ;;
        */babbles\"*) echo nonsense >> io/answers.json ;;
    esac
    printf '{"run":%s,"verdict":"pass","difference":null,"virtual_us":7,"wall_us":0,"cpu_us":0,' "$run" >> io/answers.json
    printf '"green":null,"ladder":null,"snapshot":"%s","is_last":false}\n' "$trace" >> io/answers.json
done < io/jobs.json
"#;

/// A folder with a cache, cases and programs of its own, removed at the test's end.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str, scripts: &[&str]) -> Folder {
        let folder =
            Folder(std::env::temp_dir().join(format!("wireproof-{}-oracle-{test}", std::process::id())));
        for script in scripts {
            folder.write(&format!("cases/{script}.pkt"), "+0 < S 0:0(0) win 1000\n");
        }
        folder.write("cache/.made", "");
        folder.write("tmp/.made", "");
        folder
    }

    /// What has been left where guests have their folders.
    fn left(&self) -> Vec<String> {
        let left = std::fs::read_dir(self.0.join("tmp")).expect("it was made");
        let names =
            left.map(|entry| entry.expect("it can be read").file_name().to_string_lossy().into_owned());
        names.filter(|name| name != ".made").collect()
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
        std::fs::write(&path, text).expect("a file can be written");
        path
    }

    fn write_program(&self, name: &str, text: &str) {
        let path = self.write(name, text);
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("it is ours");
    }

    /// Puts a kernel of that release into the cache.
    fn add_kernel(&self, release: &str) {
        self.add(release, KERNEL);
    }

    fn add(&self, release: &str, kernel: &str) {
        let folder = format!("cache/wireproof/oracle/{release}-0123456789abcdef");
        self.write_program(&format!("{folder}/linux"), kernel);
        self.write(&format!("{folder}/seeds.so"), "");
        let series = release.rsplit_once('.').map_or(release, |(series, _)| series);
        let record = format!(
            "series = \"{series}\"\nrelease = \"{release}\"\nsource = \"a\"\nsource_sha256 = \"b\"\n\
             compiler = \"c\"\nconfiguration = \"0123456789abcdef\"\nseccomp = false\n"
        );
        self.write(&format!("{folder}/kernel.toml"), &record);
    }

    fn run(&self, arguments: &[&str], path: Option<&Path>) -> (Option<i32>, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.args(arguments).env("XDG_CACHE_HOME", self.0.join("cache")).env("TMPDIR", self.0.join("tmp"));
        if let Some(path) = path {
            command.env("PATH", path);
        }
        let Output { status, stdout, stderr } = command.output().expect("the program can be started");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        (status.code(), text(stdout), text(stderr))
    }

    /// Plays the cases; gives what results.json says.
    fn play(&self) -> Value {
        let (cases, out) = (self.0.join("cases"), self.0.join("out"));
        let of = |path: &Path| path.to_str().expect("a name in UTF-8").to_owned();
        let arguments = ["conformance", "--stack", "linux-6.12", "--family", "ipv4", "--silent-after", "1"];
        let (code, _, said) =
            self.run(&[&arguments[..], &["--cases", &of(&cases), "--out", &of(&out)]].concat(), None);
        assert_ne!(code, Some(2), "{said}");
        let text = std::fs::read_to_string(out.join("results.json")).expect("results.json is there");
        serde_json::from_str(&text).expect("results.json is JSON")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Case, verdict, field and what was found, of each run.
fn verdicts(results: &Value) -> Vec<[String; 4]> {
    let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
    let runs = results["results"].as_array().expect("an array of results");
    runs.iter()
        .map(|r| {
            let difference = &r["first_difference"];
            [&r["case"], &r["verdict"], &difference["field"], &difference["found"]].map(text)
        })
        .collect()
}

#[test]
fn a_guest_that_dies_or_hangs_costs_that_run_alone() {
    let folder = Folder::new("dies", &["a/pass", "b/panics", "c/pass", "d/hangs", "e/babbles", "f/pass"]);
    folder.add_kernel("6.12.9");
    let found = verdicts(&folder.play());
    let short: Vec<String> =
        found.iter().map(|[case, verdict, field, _]| format!("{case} {verdict} {field}")).collect();
    let expected = [
        "a/pass pass ",
        "b/panics fail crash",
        "c/pass pass ",
        "d/hangs fail hang",
        "e/babbles fail crash",
        "f/pass pass ",
    ];
    assert_eq!(short, expected);
    assert!(found[1][3].contains("the guest ended (exit status: 134) with 5 runs to go"), "{}", found[1][3]);
    assert!(found[4][3].contains("the guest said"), "{}", found[4][3]);
    assert_eq!(
        folder.left(),
        Vec::<String>::new(),
        "nothing is left behind, also of a worker that was killed"
    );
}

#[test]
fn a_guest_that_never_begins_is_no_runs_fault() {
    let folder = Folder::new("begins", &["a/pass", "b/never-begins"]);
    folder.add_kernel("6.12.9");
    for [case, verdict, field, found] in verdicts(&folder.play()) {
        assert_eq!((verdict.as_str(), field.as_str()), ("error", "adapter"), "{case}");
        assert!(found.ends_with("before it began to play: the guest: no such device"), "{found}");
    }
}

#[test]
fn a_case_that_does_not_repeat_itself_is_told() {
    let folder = Folder::new("repeat", &[]);
    folder.add_kernel("6.12.9");
    let repeat = |case: &str| folder.run(&["oracle", "repeat", case, "--runs", "3"], None);
    let (code, said, _) = repeat("arp/reply-is-not-broadcast");
    assert_eq!(code, Some(0), "{said}");
    let (code, said, _) = repeat("arp/reply-draws");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("arp/reply-draws-no-answer ipv4: 3 traces, which came 1, 1, 1 times"), "{said}");
    let verdicts = ["oracle", "repeat", "arp/reply-draws", "--runs", "3", "--verdicts"];
    let (code, said, _) = folder.run(&verdicts, None);
    assert_eq!(code, Some(0), "the verdict is always the same: {said}");
    assert!(said.ends_with("1 of 1 left one verdict\n"), "{said}");
}

/// What plays a kernel that is given one scenario at a time: it tells a trace, or why there is none.
fn records(trace: &str) -> String {
    let recorded =
        format!(r#"{{"granularity":{{"tick":{{"secs":0,"nanos":0}},"proportion":0}},"traces":[{trace}]}}"#);
    let answer = format!(
        r#"{{"run":0,"verdict":"pass","difference":null,"virtual_us":0,"wall_us":0,"cpu_us":0,"green":null,"ladder":null,"snapshot":null,"recorded":{recorded},"is_last":false}}"#
    );
    format!("#!/bin/sh\n: > io/begun\nread -r job < io/jobs.json\necho '{answer}' >> io/answers.json\n")
}

#[test]
fn two_kernels_are_compared_by_what_each_tells() {
    let folder = Folder::new("two", &[]);
    let silent = r#"{"Ok":{"steps":[]}}"#;
    folder.add("6.12.9", &records(silent));
    folder.add("7.2.1", &records(silent));
    folder.add("7.3.1", &records(r#"{"Err":"no device"}"#));
    folder.add("7.4.1", KERNEL);
    let out = folder.0.join("out").display().to_string();
    let diff = |other: &str| {
        let stacks = format!("linux-6.12,{other}");
        folder.run(&["diff", "--stacks", &stacks, "--scenarios", "1", "--out", &out], None)
    };
    let (code, said, error) = diff("linux-7.2");
    assert_eq!(code, Some(0), "{said}{error}");
    assert!(said.starts_with("1 scenarios of seed 1 on linux-6.12 and linux-7.2"), "{said}");
    for (other, expected) in [
        ("linux-7.3", "not played: scenario 0: no device"),
        ("linux-7.4", "not played: scenario 0: the worker says nothing of it"),
    ] {
        let (code, said, error) = diff(other);
        assert_eq!(code, Some(1), "{said}{error}");
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn the_newest_of_a_series_is_played_and_what_is_incomplete_is_not_there() {
    let folder = Folder::new("newest", &["a/pass"]);
    let (code, _, said) = folder.run(&["conformance", "arp", "--stack", "linux-6.12"], None);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("no kernel of series 6.12 has been built: cargo xtask oracle build"), "{said}");
    folder.write("cache/wireproof/oracle/6.12.99-0/kernel.toml", "release = \"6.12.99\"\n");
    folder.write("cache/wireproof/oracle/6.12.98-0/linux", "");
    for release in ["6.12.10", "6.12.9", "7.2.1"] {
        folder.add_kernel(release);
    }
    let results = folder.play();
    assert_eq!(results["stacks"][0]["version"], "6.12.10");
    assert_eq!(results["stacks"][0]["made_of"]["compiler"], "c", "beside every result");
    let (code, listed, _) = folder.run(&["oracle", "status"], None);
    assert_eq!(code, Some(0));
    let kernels: Vec<&str> = listed.lines().filter(|line| line.contains("  release ")).collect();
    assert_eq!(kernels.len(), 3, "{listed}");
    assert!(listed.contains("stale"), "built with another configuration: {listed}");
}

/// Programs that a build looks for, none of which does anything; make says so.
fn programs(folder: &Folder) -> PathBuf {
    for name in ["gcc", "ld", "flex", "bison", "bc", "perl", "xz"] {
        folder.write_program(&format!("bin/{name}"), "#!/bin/sh\n");
    }
    folder.write_program(
        "bin/make",
        "#!/bin/sh\necho 'ld: final link failed: No space left on device'\nexit 2\n",
    );
    let bin = folder.0.join("bin");
    for name in ["tar", "sha256sum", "sh", "find", "sort", "xargs", "cp"] {
        let real = ["/usr/bin", "/bin"].iter().map(|at| Path::new(at).join(name)).find(|path| path.exists());
        std::os::unix::fs::symlink(real.expect("every Linux has it"), bin.join(name)).expect("a link");
    }
    bin
}

#[test]
fn what_cannot_be_built_is_said_in_one_message() {
    let folder = Folder::new("build", &[]);
    let bin = programs(&folder);
    let tree = |name: &str, makefile: &str| {
        folder.write(&format!("{name}/Makefile"), makefile);
        folder.0.join(name).to_str().expect("a name in UTF-8").to_owned()
    };
    let check = |source: &str, path: &Path, expected: &str| {
        let (code, _, said) = folder.run(&["oracle", "build", "--source", source], Some(path));
        assert_eq!(code, Some(2), "{source}: {said}");
        assert!(said.contains(expected), "{source}: {said}");
    };
    check("/no/such/source", &bin, "/no/such/source");
    check(&tree("none", "all:\n"), &bin, "no kernel's source");
    check(&tree("old", "VERSION = 5\nPATCHLEVEL = 10\n"), &bin, "Linux 5.10 is too old: 6.1 is the oldest");
    let good = tree("good", "VERSION = 6\nPATCHLEVEL = 12\n");
    check(&good, &bin, "arch/um/Kconfig");
    folder.write("good/arch/um/Kconfig", "config HZ\n\tint\n\tdefault 100\n");
    check(
        &good,
        &bin,
        "the kernel does not build: make ended with exit status: 2; its last lines:\nld: final link failed",
    );
    std::fs::remove_file(bin.join("flex")).expect("it is there");
    check(&good, &bin, "flex");
    let left: Vec<_> =
        std::fs::read_dir(folder.0.join("cache/wireproof/oracle")).expect("the cache").collect();
    assert!(left.is_empty(), "what a failed build has begun is gone: {left:?}");
}
