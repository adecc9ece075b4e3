//! Carries out one run and judges it.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::desk::{Desk, Programs, has_secret};
use crate::disk::{limited, may_mount};
use crate::failpoint::{Failpoint, SIGKILL};
use crate::process::{Answer, Started};
use crate::scenario::{At, Kill, Moment, Scenario, Story};
use crate::verdict::{Kind, Violation, judge};

/// How long a process on a full disk may take to notice.
const NOTICE: Duration = Duration::from_secs(20);

/// As long as any exchange here asks a client to stay away that asked for too much; each start counts anew.
const BUSY_PAUSE: Duration = Duration::from_millis(2_100);

/// Tries after which a venue that is not ready is one too often.
const UNREADY_MAX: usize = 6;

/// What one run came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Why it was not carried out, if it was not.
    pub not_run: Option<&'static str>,
    /// What was done and met, by name.
    pub counts: BTreeMap<&'static str, u64>,
    /// How often a process killed itself at each kind of failpoint.
    pub failpoints: BTreeMap<String, u64>,
    /// Exit codes of the commands that ended by themselves.
    pub codes: BTreeMap<i32, u64>,
    /// Broken promises.
    pub violations: Vec<Violation>,
    /// What was done, for people.
    pub told: String,
    /// The desk, kept because a promise was broken.
    pub kept: Option<PathBuf>,
}

/// Carries out a run. Never fails: what goes wrong is in the outcome.
#[must_use]
pub fn carry_out(scenario: &Scenario, programs: &Programs) -> Outcome {
    let mut outcome = Outcome { told: scenario.to_string(), ..Outcome::default() };
    if matches!(scenario.story, Story::FullDisk { .. }) && !may_mount() {
        outcome.not_run = Some("no small file system can be mounted here");
        return outcome;
    }
    if scenario.story.has_failpoint() && !programs.has_failpoints() {
        outcome.not_run = Some("no library can be loaded before a program here");
        return outcome;
    }
    let desk = match Desk::open(scenario, programs) {
        Ok(desk) => desk,
        Err(error) => {
            outcome.break_promise(Kind::Harness, format!("no desk: {error}"));
            return outcome;
        }
    };
    let mut run = Run { scenario, desk, outcome };
    if let Err(error) = run.story().and_then(|()| run.conclude()) {
        run.outcome.break_promise(Kind::Harness, error.to_string());
    }
    let Run { desk, mut outcome, .. } = run;
    if !outcome.violations.is_empty() {
        outcome.kept = Some(desk.keep());
    }
    outcome
}

impl Outcome {
    fn break_promise(&mut self, kind: Kind, text: impl Into<String>) {
        self.violations.push(Violation::new(kind, text));
    }

    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    fn tell(&mut self, text: &str) {
        self.told.push_str("; ");
        self.told.push_str(text);
    }
}

struct Run<'a> {
    scenario: &'a Scenario,
    desk: Desk<'a>,
    outcome: Outcome,
}

const RUN: [&str; 3] = ["run", "plan.toml", "--json"];
/// The word for a device without room.
const FULL: &str = "journal_full";
const RECOVER: [&str; 2] = ["recover", "--json"];
/// Without `--json`, so that progress is told.
const FOLLOWED: [&str; 2] = ["run", "plan.toml"];

impl Run<'_> {
    fn story(&mut self) -> io::Result<()> {
        let scenario = self.scenario;
        match &scenario.story {
            Story::Kills(kills) => self.kills(kills),
            Story::Pause { moment, time, then_killed } => self.pause(*moment, *time, *then_killed),
            Story::Second { moment, recover } => self.second(*moment, *recover),
            Story::WriteLimit { kib, with_signal } => self.write_limit(*kib, *with_signal),
            Story::FullDisk { moment } => self.full_disk(*moment),
        }
    }

    fn kills(&mut self, kills: &[Kill]) -> io::Result<()> {
        for kill in kills {
            let arguments = if kill.recover { &["recover"][..] } else { &FOLLOWED };
            match kill.at {
                At::Moment(moment) => self.kill_at_moment(arguments, moment)?,
                At::Failpoint(point) => self.kill_at_failpoint(arguments, point)?,
            }
        }
        Ok(())
    }

    fn kill_at_moment(&mut self, arguments: &[&str], moment: Moment) -> io::Result<()> {
        let mut started = self.desk.start(arguments)?;
        let reached = self.desk.until(&mut started, moment)?;
        self.kill(started, &format!("{} at {moment:?}", arguments[0]))?;
        if reached {
            self.outcome.count(match moment {
                Moment::After(_) => "killed at a time",
                Moment::Told(_) => "killed at a line of progress",
                Moment::Orders(_) => "killed at an order",
                Moment::File(_) => "killed while the journal was made",
            });
        }
        Ok(())
    }

    /// Nobody else kills it, so a kill says that it came to its failpoint.
    fn kill_at_failpoint(&mut self, arguments: &[&str], point: Failpoint) -> io::Result<()> {
        let answer = self.desk.start_armed(arguments, point)?.finish()?;
        let killed = !answer.hung && answer.signal == Some(SIGKILL);
        self.killed(killed, &answer, &format!("{} at {point}", arguments[0]));
        if killed {
            self.outcome.count("killed at a failpoint");
            *self.outcome.failpoints.entry(point.kind()).or_default() += 1;
        }
        Ok(())
    }

    fn kill(&mut self, started: Started, what: &str) -> io::Result<()> {
        let (alive, answer) = started.kill()?;
        self.killed(alive, &answer, what);
        Ok(())
    }

    fn killed(&mut self, killed: bool, answer: &Answer, what: &str) {
        self.outcome.tell(&format!("{what}, {}", if killed { "killed" } else { "ended before" }));
        self.look(answer);
        if killed {
            self.outcome.count("kills");
            if what.starts_with("recover") {
                self.outcome.count("kills during recovery");
            }
        } else {
            self.expect(answer, what, &[0, 3]);
        }
    }

    /// Requests it had signed are past their deadline when it goes on, and answers have been waiting.
    fn pause(&mut self, moment: Moment, time: Duration, then_killed: bool) -> io::Result<()> {
        let mut started = self.desk.start(&FOLLOWED)?;
        self.desk.until(&mut started, moment)?;
        if started.pause()? {
            std::thread::sleep(time);
            started.resume()?;
            self.outcome.count("pauses");
        }
        if then_killed {
            return self.kill(started, &format!("resumed after {time:?}"));
        }
        let answer = started.finish()?;
        self.outcome.tell(&format!("stopped at {moment:?} for {time:?}"));
        self.look(&answer);
        self.expect(&answer, "a resumed run", &[0, 3]);
        Ok(())
    }

    /// The first is stopped meanwhile, so that it cannot let go of the journal between two looks.
    fn second(&mut self, moment: Moment, recover: bool) -> io::Result<()> {
        let mut first = self.desk.start(&FOLLOWED)?;
        self.desk.until(&mut first, moment)?;
        if first.pause()? {
            let told = first.told();
            let arguments = if recover { &RECOVER[..] } else { &RUN };
            let second = self.desk.call(arguments)?;
            first.resume()?;
            self.look(&second);
            let first = first.finish()?;
            self.look(&first);
            self.expect(&first, "the first of two", &[0, 3]);
            let went_on = first.stderr.lines().count() > told;
            let refused = second.code == Some(1) && second.failure() == "journal_locked";
            self.outcome.tell(&format!("second at {moment:?} refused: {refused}"));
            match (refused, went_on) {
                (true, _) => self.outcome.count("second instances refused"),
                // It had let go of the journal already.
                (false, false) => self.outcome.count("second instances too late"),
                (false, true) => {
                    let text = format!("a second process was not refused: {}", second.shown());
                    self.outcome.break_promise(Kind::Lock, text);
                }
            }
        }
        Ok(())
    }

    fn write_limit(&mut self, kib: u64, with_signal: bool) -> io::Result<()> {
        let command = limited(&self.desk.command(&RUN), kib, with_signal);
        let answer = Started::start(command)?.finish()?;
        self.outcome.tell(&format!("ended with {:?} {}", answer.code, answer.failure()));
        self.look(&answer);
        match answer.code {
            Some(0 | 3) => self.outcome.count("write limits not met"),
            Some(1) => self.outcome.count("write limits: failed write"),
            None if with_signal && !answer.hung => self.outcome.count("write limits: killed"),
            _ => self.outcome.break_promise(Kind::Exit, answer.shown()),
        }
        Ok(())
    }

    fn full_disk(&mut self, moment: Moment) -> io::Result<()> {
        let Some(disk) = self.desk.disk.take() else { return Ok(()) };
        let mut started = self.desk.start(&FOLLOWED)?;
        let with_ballast = self.desk.until(&mut started, Moment::File("ballast"))?;
        self.desk.until(&mut started, moment)?;
        // Filled while it stands still, so that it meets a disk that is full and not one that is filling up.
        started.pause()?;
        disk.fill()?;
        started.resume()?;
        self.outcome.count("full disks");
        let since = started.age();
        started.until(|started| started.age() > since + NOTICE)?;
        let ended = !started.is_alive()?;
        if ended {
            let answer = started.finish()?;
            self.outcome.tell(&format!("on the full disk ended with {:?}", answer.code));
            self.look(&answer);
            self.expect(&answer, "a run on a full disk", &[0, 1, 3]);
        } else {
            self.kill(started, "on the full disk")?;
        }
        self.recover_on_full_disk(with_ballast)?;
        self.refuse_on_full_disk()?;
        disk.empty()?;
        self.desk.disk = Some(disk);
        Ok(())
    }

    /// With the ballast given up an open batch can be closed (P4).
    fn recover_on_full_disk(&mut self, with_ballast: bool) -> io::Result<()> {
        let answer = self.desk.call(&RECOVER)?;
        self.outcome.tell(&format!("recover there: {:?} {}", answer.code, answer.failure()));
        self.look(&answer);
        match answer.code {
            Some(0 | 3) => self.outcome.count("recovered on a full disk"),
            Some(1) if !with_ballast => self.outcome.count("full disks before the ballast"),
            _ => self.outcome.break_promise(
                Kind::Exit,
                format!("an open batch was not closed on a full disk: {}", answer.shown()),
            ),
        }
        Ok(())
    }

    fn refuse_on_full_disk(&mut self) -> io::Result<()> {
        let orders = self.desk.order_count();
        let answer = self.desk.call(&["run", "other.toml", "--json"])?;
        self.outcome.tell(&format!("another plan there: {:?} {}", answer.code, answer.failure()));
        self.look(&answer);
        let refused = answer.code == Some(1) && answer.failure() == FULL;
        if !refused || self.desk.order_count() != orders {
            let text = format!("not refused for the full disk: {}", answer.shown());
            self.outcome.break_promise(Kind::Exit, text);
        }
        Ok(())
    }

    /// Lets the batch come to its end and judges it.
    fn conclude(&mut self) -> io::Result<()> {
        if self.scenario.recover_first {
            let answer = self.desk.call(&RECOVER)?;
            self.look(&answer);
            self.expect(&answer, "recover", &[0, 3]);
            let recovered = answer.json()["recovered"].as_array().map_or(0, Vec::len);
            if recovered > 0 {
                self.outcome.count("recovered");
            }
        }
        let answer = self.last_run()?;
        self.expect(&answer, "the last run", &[0, 3]);
        let report = answer.json();
        let Some(key) = report["key"].as_str() else {
            self.outcome.break_promise(Kind::Exit, format!("no report: {}", answer.shown()));
            return Ok(());
        };
        let shown = self.desk.call(&["show", key, "--json"])?.json();
        let found = judge(&report, &shown, self.scenario.venues, &self.desk.ledgers()?);
        self.outcome.violations.extend(found);
        self.repeat(&report, answer.code)?;
        self.count_met(&report, &shown);
        if let Some(path) = self.desk.file_with_a_secret()? {
            self.outcome.break_promise(Kind::Secret, path.display().to_string());
        }
        Ok(())
    }

    /// A venue that does not answer before admission is no ending (D4): the faults are used up after some tries.
    fn last_run(&mut self) -> io::Result<Answer> {
        let mut tries = 0;
        loop {
            let answer = self.desk.call(&RUN)?;
            self.look(&answer);
            tries += 1;
            if tries == UNREADY_MAX || !answer.is_unready() {
                return Ok(answer);
            }
            self.outcome.count("venues not ready");
            if answer.shown().contains("venue busy") {
                std::thread::sleep(BUSY_PAUSE);
            }
        }
    }

    fn repeat(&mut self, report: &Value, code: Option<i32>) -> io::Result<()> {
        let orders = self.desk.order_count();
        let again = self.desk.call(&RUN)?;
        let document = again.json();
        let same = document["legs"] == report["legs"] && document["status"] == report["status"];
        let unchanged = again.code == code && self.desk.order_count() == orders;
        if !same || !unchanged || document["duplicate"] != true {
            let text = format!("repeated: {} first: {report}", again.shown());
            self.outcome.break_promise(Kind::Repeat, text);
        }
        Ok(())
    }

    fn count_met(&mut self, report: &Value, shown: &Value) {
        self.outcome.count(if report["status"] == "done" { "done" } else { "flat" });
        let entries = shown["timeline"].as_array().cloned().unwrap_or_default();
        let met = |event: &str| entries.iter().any(|entry| entry["event"] == event);
        for (event, what) in [
            ("in_doubt", "in doubt"),
            ("absent", "absence proven"),
            ("transmission", "transmitted again"),
            ("unwind_started", "unwound"),
            ("unsent", "unsent"),
        ] {
            if met(event) {
                self.outcome.count(what);
            }
        }
        for venue in self.scenario.venues {
            self.outcome.count(venue.adapter);
        }
        if self.scenario.clock_offset_ms != 0 {
            self.outcome.count("clock offsets");
        }
        self.outcome.count(self.scenario.journal);
    }

    fn expect(&mut self, answer: &Answer, what: &str, codes: &[i32]) {
        let unready = answer.is_unready() && what != "the last run";
        if !answer.hung && !unready && answer.code.is_none_or(|code| !codes.contains(&code)) {
            self.outcome.break_promise(Kind::Exit, format!("{what}: {}", answer.shown()));
        }
    }

    /// What every answer is looked at for.
    fn look(&mut self, answer: &Answer) {
        if let Some(code) = answer.code {
            *self.outcome.codes.entry(code).or_default() += 1;
        }
        if answer.hung {
            self.outcome.break_promise(Kind::Hang, answer.shown());
        }
        if has_secret(&answer.stdout) || has_secret(answer.stderr.as_bytes()) {
            self.outcome.break_promise(Kind::Secret, answer.shown());
        }
    }
}
