//! A desk for one test: a folder with plan and configuration, simulated exchanges in another process, and the binary.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use equipoise_sim::{Ledger, Order};
use serde_json::Value;
use tempfile::TempDir;

/// The arbitrage: long at Binance, short at Bybit.
pub(crate) const PLAN: &str = r#"strategy = "funding-arb"
occasion = "2026-11-22T08:00:00Z"

[[legs]]
name = "long"
venue = "binance"
instrument = "BTCUSDT"
side = "buy"
type = "market"
quantity = "0.1"

[[legs]]
name = "short"
venue = "bybit"
instrument = "BTCUSDT"
side = "sell"
type = "market"
quantity = "0.1"

[policy]
on_residual = "unwind"
leg_timeout_ms = 10000
"#;

/// One leg at Bybit, which is final as soon as it is filled: for tests that are not about the legs.
pub(crate) const QUICK_PLAN: &str = r#"strategy = "quick"
occasion = "1"

[[legs]]
name = "short"
venue = "bybit"
instrument = "BTCUSDT"
side = "sell"
type = "market"
quantity = "0.1"

[policy]
on_residual = "unwind"
leg_timeout_ms = 10000
"#;

/// A passive order 20 % from the market: it rests until it is cancelled.
pub(crate) const RESTING_PLAN: &str = r#"strategy = "patient"
occasion = "1"

[[legs]]
name = "bid"
venue = "bybit"
instrument = "BTCUSDT"
side = "buy"
type = "limit"
price = "52000"
time_in_force = "post_only"
quantity = "0.1"

[policy]
on_residual = "unwind"
leg_timeout_ms = 600000
"#;

const ADAPTERS: [(&str, &str); 2] = [("binance", "binance-usdm"), ("bybit", "bybit-linear")];

/// Simulated exchanges in a process of their own; ended when dropped.
pub(crate) struct Simulated {
    child: Child,
    urls: BTreeMap<String, String>,
}

impl Simulated {
    /// Serves these adapters as `sim` does with these arguments.
    pub(crate) fn start(desk: &Desk, adapters: &[&str], arguments: &[&str]) -> Self {
        let mut command = desk.command(&["sim", "--json"]);
        for adapter in adapters {
            command.arg("--venue").arg(format!("{adapter}=127.0.0.1:0"));
        }
        let mut child =
            command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let started: Value = serde_json::from_str(&line).unwrap();
        let venues = started["venues"].as_array().unwrap().iter();
        let urls = venues
            .map(|venue| {
                let text = |name: &str| venue[name].as_str().unwrap().to_owned();
                (text("adapter"), text("url"))
            })
            .collect();
        Self { child, urls }
    }

    /// Where an adapter's exchange is.
    pub(crate) fn url(&self, adapter: &str) -> &str {
        &self.urls[adapter]
    }
}

impl Simulated {
    /// Ends it; what it said on stderr is left to be read.
    pub(crate) fn end(&mut self) -> ChildStderr {
        let _ = self.child.kill();
        self.child.stderr.take().unwrap()
    }
}

impl Drop for Simulated {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Everything one test needs.
pub(crate) struct Desk {
    pub(crate) folder: TempDir,
    sims: Option<Simulated>,
    env: BTreeMap<String, String>,
}

impl Desk {
    /// A plan, a configuration, keys, and nobody at the venues' addresses.
    pub(crate) fn without_venues() -> Self {
        Self::make(None, "sled")
    }

    /// With exchanges that play a fault, or none.
    pub(crate) fn with_venues(fault: Option<&str>) -> Self {
        Self::with_journal("sled", fault)
    }

    /// The same with a journal of this kind.
    pub(crate) fn with_journal(kind: &str, fault: Option<&str>) -> Self {
        let arguments = match &fault {
            Some(name) => vec!["--fault", name],
            None => Vec::new(),
        };
        Self::make(Some(&arguments), kind)
    }

    /// With exchanges that know these keys instead of the demo ones.
    pub(crate) fn with_credentials(json: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("keys.json");
        std::fs::write(&file, json).unwrap();
        let arguments = ["--credentials", file.to_str().unwrap()];
        Self::make_in(folder, Some(&arguments), "sled")
    }

    fn make(sim_arguments: Option<&[&str]>, journal: &str) -> Self {
        Self::make_in(TempDir::new().unwrap(), sim_arguments, journal)
    }

    fn make_in(folder: TempDir, sim_arguments: Option<&[&str]>, journal: &str) -> Self {
        let mut env = BTreeMap::new();
        for (venue, adapter) in ADAPTERS {
            let prefix = venue.to_uppercase();
            env.insert(format!("{prefix}_API_KEY"), format!("demo-key-{adapter}"));
            let secret = format!("demo-secret-not-confidential-{adapter}");
            env.insert(format!("{prefix}_API_SECRET"), secret);
        }
        let mut desk = Self { folder, sims: None, env };
        desk.sims = sim_arguments.map(|arguments| {
            let ledger = ["--ledger", "ledger.json"];
            let arguments = [&ledger[..], arguments].concat();
            Simulated::start(&desk, &ADAPTERS.map(|(_, adapter)| adapter), &arguments)
        });
        desk.write("plan.toml", PLAN);
        desk.write("quick.toml", QUICK_PLAN);
        desk.write("resting.toml", RESTING_PLAN);
        desk.write("equipoise.toml", &desk.config(journal));
        desk
    }

    /// The configuration; without exchanges it names addresses where nobody can listen.
    pub(crate) fn config(&self, journal: &str) -> String {
        let mut text = format!(
            "[journal]\nkind = \"{journal}\"\npath = \"journal\"\nballast_bytes = 0\nfree_floor_bytes = 0\n"
        );
        for (venue, adapter) in ADAPTERS {
            let url = match &self.sims {
                Some(sims) => sims.url(adapter).to_owned(),
                None => "http://127.0.0.1:1".to_owned(),
            };
            let prefix = venue.to_uppercase();
            text.push_str(&format!(
                "\n[venues.{venue}]\nadapter = \"{adapter}\"\nrest_url = \"{url}\"\n\
                 api_key_env = \"{prefix}_API_KEY\"\napi_secret_env = \"{prefix}_API_SECRET\"\n\
                 request_window_ms = 2000\npositions = \"exclusive\"\n"
            ));
        }
        text
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Sets a variable of the processes started from here on.
    pub(crate) fn env(&self, name: &str) -> String {
        self.env[name].clone()
    }

    pub(crate) fn set_env(&mut self, name: &str, value: &str) {
        self.env.insert(name.to_owned(), value.to_owned());
    }

    /// What it was.
    pub(crate) fn unset_env(&mut self, name: &str) -> Option<String> {
        self.env.remove(name)
    }

    /// The binary, in the desk's folder, with nothing inherited but the desk's own variables.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_equipoise"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .envs(&self.env)
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn call(&self, arguments: &[&str]) -> Answer {
        Answer(self.command(arguments).output().unwrap())
    }

    /// Starts a command whose progress on stderr the test follows.
    pub(crate) fn start(&self, arguments: &[&str]) -> Started {
        let mut child =
            self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Started { child, stderr }
    }

    /// Orders the exchanges accepted, by adapter.
    pub(crate) fn orders(&self) -> BTreeMap<String, Vec<Order>> {
        let ledgers = Ledger::read(&self.path("ledger.json")).unwrap();
        let orders = ledgers.into_iter();
        orders.map(|(adapter, ledger)| (adapter, ledger.orders)).collect()
    }

    pub(crate) fn order_count(&self) -> usize {
        self.orders().values().map(Vec::len).sum()
    }
}

/// What a command that ended said.
#[derive(Debug)]
pub(crate) struct Answer(pub(crate) Output);

impl Answer {
    pub(crate) fn code(&self) -> i32 {
        self.0.status.code().unwrap_or(-1)
    }

    pub(crate) fn stdout(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).unwrap()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).unwrap()
    }

    /// The one JSON document on stdout.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.0.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Asserts the exit code and returns the document.
    pub(crate) fn ended(&self, code: i32) -> Value {
        assert_eq!(self.code(), code, "{self:?}");
        self.json()
    }

    /// Asserts a failure as programs see it and returns its message.
    pub(crate) fn failed(&self, code: i32, word: &str) -> String {
        let document = self.ended(code);
        assert_eq!(document["error"]["code"], word, "{document}");
        document["error"]["message"].as_str().unwrap().to_owned()
    }
}

/// A command under way.
pub(crate) struct Started {
    pub(crate) child: Child,
    stderr: BufReader<ChildStderr>,
}

impl Started {
    /// Reads stderr up to a line that holds this text; false if it ended before.
    pub(crate) fn until(&mut self, text: &str) -> bool {
        let mut line = String::new();
        while self.stderr.read_line(&mut line).unwrap_or(0) > 0 {
            if line.contains(text) {
                return true;
            }
            line.clear();
        }
        false
    }

    /// Reads that many lines of stderr; false if it ended before.
    pub(crate) fn lines(&mut self, count: usize) -> bool {
        let mut line = String::new();
        (0..count).all(|_| self.stderr.read_line(&mut line).unwrap_or(0) > 0)
    }

    /// Sends Ctrl-C.
    #[cfg(unix)]
    pub(crate) fn interrupt(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    }

    /// Waits for the end.
    pub(crate) fn finish(mut self) -> Answer {
        let mut rest = Vec::new();
        self.stderr.read_to_end(&mut rest).unwrap();
        let mut output = self.child.wait_with_output().unwrap();
        output.stderr = rest;
        Answer(output)
    }
}
