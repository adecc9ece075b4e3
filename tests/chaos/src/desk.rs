//! A desk: a folder with plans and a configuration, exchanges in another process, and the commands run there.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use equipoise_sim::Ledger;
use serde_json::Value;
use tempfile::TempDir;

use crate::disk::SmallDisk;
use crate::exchanges::{Orders, is_named};
use crate::failpoint::{Failpoint, Preload};
use crate::process::{Answer, Started};
use crate::scenario::{Moment, PlanKind, Scenario, Story};
use crate::venues::Venue;

/// Size of the file system that becomes full; enough for either store, its ballast and the floor.
const DISK_MIB: u64 = 64;
const BALLAST_BYTES: u64 = 8 << 20;
/// Above the ballast, as the journal's own defaults are.
const FLOOR_BYTES: u64 = 12 << 20;

/// The programs that are started.
pub struct Programs {
    /// Holds the links under whose names this program plays other parts.
    _links: Option<TempDir>,
    equipoise: PathBuf,
    exchanges: PathBuf,
    /// Where processes cannot be made to kill themselves, `None`.
    preload: Option<Preload>,
}

impl Programs {
    /// The command line's own code, entered through `this` program under the name `equipoise`, or a binary given.
    ///
    /// # Errors
    /// No links can be made.
    pub fn new(this: &Path, equipoise: Option<PathBuf>) -> io::Result<Self> {
        let links = TempDir::new()?;
        let link = |name: &str| -> io::Result<PathBuf> {
            let path = links.path().join(name);
            std::os::unix::fs::symlink(this, &path)?;
            Ok(path)
        };
        let equipoise = equipoise.map_or_else(|| link("equipoise"), Ok)?;
        let preload = Preload::find(this, &equipoise);
        Ok(Self { exchanges: link("exchanges")?, equipoise, preload, _links: Some(links) })
    }

    /// Whether processes can be made to kill themselves at a system call.
    pub(crate) fn has_failpoints(&self) -> bool {
        self.preload.is_some()
    }
}

/// Everything one run needs.
pub(crate) struct Desk<'a> {
    programs: &'a Programs,
    exchanges: Child,
    pub(crate) disk: Option<SmallDisk>,
    folder: TempDir,
    journal: PathBuf,
    env: BTreeMap<String, String>,
}

impl<'a> Desk<'a> {
    /// Starts the exchanges and writes plan and configuration.
    pub(crate) fn open(scenario: &Scenario, programs: &'a Programs) -> io::Result<Self> {
        let folder = TempDir::new()?;
        let small = matches!(scenario.story, Story::FullDisk { .. });
        let mount = folder.path().join("disk");
        let disk = small.then(|| SmallDisk::mount(&mount, DISK_MIB)).transpose()?;
        let mut exchanges = exchange_command(scenario, programs, folder.path())?
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let urls = addresses(&mut exchanges);
        let journal = if small { "disk/journal" } else { "journal" };
        let desk = Self {
            programs,
            exchanges,
            disk,
            journal: folder.path().join(journal),
            folder,
            env: scenario.venues.iter().flat_map(|venue| venue.variables()).collect(),
        };
        let config = config(scenario, journal, &urls?, small);
        std::fs::write(desk.path("equipoise.toml"), config)?;
        let plan = |kind, occasion| plan(kind, scenario.venues, occasion);
        std::fs::write(desk.path("plan.toml"), plan(scenario.plan, "2026-11-22T08:00:00Z"))?;
        std::fs::write(desk.path("other.toml"), plan(PlanKind::Pair, "other"))?;
        Ok(desk)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The binary in the desk's folder, with nothing inherited but the desk's own variables.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.programs.equipoise);
        command.args(arguments).current_dir(self.folder.path()).env_clear().envs(&self.env);
        command
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> io::Result<Started> {
        Started::start(self.command(arguments))
    }

    /// Starts a command that kills itself at a failpoint.
    pub(crate) fn start_armed(&self, arguments: &[&str], at: Failpoint) -> io::Result<Started> {
        let mut command = self.command(arguments);
        if let Some(preload) = &self.programs.preload {
            preload.arm(&mut command, &at.to_string());
        }
        Started::start(command)
    }

    pub(crate) fn call(&self, arguments: &[&str]) -> io::Result<Answer> {
        self.start(arguments)?.finish()
    }

    /// What the exchanges accepted.
    pub(crate) fn ledgers(&self) -> io::Result<BTreeMap<String, Ledger>> {
        Ledger::read(&self.path("ledger.json")).map_err(io::Error::other)
    }

    pub(crate) fn order_count(&self) -> usize {
        self.ledgers().map_or(0, |ledgers| ledgers.values().map(|ledger| ledger.orders.len()).sum())
    }

    /// Waits for a moment; false when the process ended before.
    pub(crate) fn until(&self, started: &mut Started, moment: Moment) -> io::Result<bool> {
        started.until(|started| match moment {
            Moment::After(time) => started.age() >= time,
            Moment::Told(lines) => started.told() >= lines,
            Moment::Orders(count) => self.order_count() >= count,
            Moment::File(name) => self.journal.join(name).exists(),
        })
    }

    /// Whether a secret stands in any file of the desk.
    pub(crate) fn file_with_a_secret(&self) -> io::Result<Option<PathBuf>> {
        find_secret(self.folder.path())
    }

    /// Keeps the folder for a person to look at.
    pub(crate) fn keep(mut self) -> PathBuf {
        self.folder.disable_cleanup(true);
        self.folder.path().to_owned()
    }
}

impl Drop for Desk<'_> {
    fn drop(&mut self) {
        let _ = self.exchanges.kill();
        let _ = self.exchanges.wait();
    }
}

/// What secrets, passphrases and private keys of demo accounts hold.
const SECRETS: [&str; 3] = ["demo-secret-not-confidential", "demo-passphrase", "MHcCAQEE"];

/// Whether a secret stands in something that was said.
pub(crate) fn has_secret(bytes: &[u8]) -> bool {
    let holds = |secret: &str| bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
    SECRETS.into_iter().any(holds)
}

fn find_secret(folder: &Path) -> io::Result<Option<PathBuf>> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let found = if path.is_dir() {
            find_secret(&path)?
        } else {
            has_secret(&std::fs::read(&path)?).then_some(path)
        };
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// The product's own simulators where they can play it.
fn exchange_command(
    scenario: &Scenario,
    programs: &Programs,
    folder: &Path,
) -> io::Result<Command> {
    let ledger = folder.join("ledger.json");
    let simple = scenario.clock_offset_ms == 0
        && scenario.faults.len() <= 1
        && scenario.faults.iter().all(|name| is_named(name));
    if !simple {
        let faults = scenario.faults.clone();
        let adapters = scenario.venues.iter().map(|venue| venue.adapter.to_owned()).collect();
        let clock_offset_ms = scenario.clock_offset_ms;
        let orders = Orders { ledger, clock_offset_ms, adapters, faults };
        let mut command = Command::new(&programs.exchanges);
        command.arg(serde_json::to_string(&orders)?);
        return Ok(command);
    }
    let mut command = Command::new(&programs.equipoise);
    command.args(["sim", "--json", "--ledger"]).arg(ledger);
    for venue in scenario.venues {
        command.args(["--venue", &format!("{}=127.0.0.1:0", venue.adapter)]);
    }
    for fault in &scenario.faults {
        command.args(["--fault", fault]);
    }
    Ok(command)
}

fn addresses(exchanges: &mut Child) -> io::Result<BTreeMap<String, String>> {
    let mut line = String::new();
    if let Some(stdout) = exchanges.stdout.take() {
        BufReader::new(stdout).read_line(&mut line)?;
    }
    let started: Value = serde_json::from_str(&line)?;
    let venues = started["venues"].as_array().cloned().unwrap_or_default();
    let text = |venue: &Value, name: &str| venue[name].as_str().unwrap_or_default().to_owned();
    Ok(venues.iter().map(|venue| (text(venue, "adapter"), text(venue, "url"))).collect())
}

/// Windows and margins are left as they are in production.
fn config(scenario: &Scenario, path: &str, urls: &BTreeMap<String, String>, small: bool) -> String {
    let kind = scenario.journal;
    let (ballast, floor) = if small { (BALLAST_BYTES, FLOOR_BYTES) } else { (64 << 10, 0) };
    let mut text = format!(
        "[journal]\nkind = \"{kind}\"\npath = \"{path}\"\nballast_bytes = {ballast}\nfree_floor_bytes = {floor}\n"
    );
    for venue in scenario.venues {
        let url = urls.get(venue.adapter).map(String::as_str).unwrap_or_default();
        text.push_str(&venue.section(url));
    }
    text
}

/// Long at the first venue, short at the second.
fn plan(kind: PlanKind, venues: [&Venue; 2], occasion: &str) -> String {
    let leg = |name: &str, venue: &Venue, side: &str, rest: &str| {
        let Venue { adapter, symbol, .. } = venue;
        format!(
            "[[legs]]\nname = \"{name}\"\nvenue = \"{adapter}\"\ninstrument = \"{symbol}\"\nside = \"{side}\"\n{rest}\n\n"
        )
    };
    let market = "type = \"market\"\nquantity = \"0.1\"";
    let (long, short) = match kind {
        PlanKind::Pair => (market, market),
        PlanKind::Follower => (
            market,
            "type = \"market\"\nquantity = { of = \"long\", ratio = \"1\" }\nafter = [\"long\"]",
        ),
        PlanKind::Resting => (
            "type = \"limit\"\nprice = \"52000\"\ntime_in_force = \"gtc\"\nquantity = \"0.1\"",
            market,
        ),
    };
    let timeout = if kind == PlanKind::Resting { 1_500 } else { 10_000 };
    let (long, short) =
        (leg("long", venues[0], "buy", long), leg("short", venues[1], "sell", short));
    format!(
        "strategy = \"funding-arb\"\noccasion = \"{occasion}\"\n\n{long}{short}\
         [policy]\non_residual = \"unwind\"\nleg_timeout_ms = {timeout}\n"
    )
}
