//! A process under way: followed, stopped, resumed, killed, and waited for, but not for ever.

use std::io::{self, BufRead as _, BufReader, Read as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Longer than any batch may take: two legs in doubt one after the other, an unwind and a timeout.
pub(crate) const PATIENCE: Duration = Duration::from_secs(150);
const POLL: Duration = Duration::from_millis(2);

/// A command that was started.
pub(crate) struct Started {
    child: Child,
    started: Instant,
    told: Arc<AtomicUsize>,
    stdout: Option<JoinHandle<Vec<u8>>>,
    stderr: Option<JoinHandle<String>>,
}

/// What a command that ended said.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// `None` when it was ended by a signal, ours or another.
    pub(crate) code: Option<i32>,
    /// The signal that ended it.
    pub(crate) signal: Option<i32>,
    /// It was killed because it did not end by itself.
    pub(crate) hung: bool,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Started {
    /// Starts a command with both outputs followed.
    pub(crate) fn start(mut command: Command) -> io::Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let told = Arc::new(AtomicUsize::new(0));
        let stdout = child.stdout.take().map(|mut pipe| {
            std::thread::spawn(move || {
                let mut bytes = Vec::new();
                // What could be read is what there is.
                let _ = pipe.read_to_end(&mut bytes);
                bytes
            })
        });
        let counted = Arc::clone(&told);
        let stderr = child.stderr.take().map(|pipe| {
            std::thread::spawn(move || {
                let mut text = String::new();
                let mut lines = BufReader::new(pipe);
                while lines.read_line(&mut text).is_ok_and(|count| count > 0) {
                    counted.fetch_add(1, Ordering::SeqCst);
                }
                text
            })
        });
        Ok(Self { child, started: Instant::now(), told, stdout, stderr })
    }

    /// Lines of progress so far.
    pub(crate) fn told(&self) -> usize {
        self.told.load(Ordering::SeqCst)
    }

    /// Time since it was started.
    pub(crate) fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// Whether it is still there.
    pub(crate) fn is_alive(&mut self) -> io::Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// Waits until something is the case; false when it ended before, or took too long.
    pub(crate) fn until(&mut self, mut is_so: impl FnMut(&Self) -> bool) -> io::Result<bool> {
        loop {
            if is_so(self) {
                return Ok(true);
            }
            if !self.is_alive()? || self.age() > PATIENCE {
                return Ok(false);
            }
            std::thread::sleep(POLL);
        }
    }

    /// Stops it where it is; false when it has ended.
    pub(crate) fn pause(&mut self) -> io::Result<bool> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on.
    pub(crate) fn resume(&mut self) -> io::Result<bool> {
        self.signal(Signal::CONT)
    }

    fn signal(&mut self, signal: Signal) -> io::Result<bool> {
        // Not waited for yet, so the number still is this process's.
        if self.is_alive()? {
            kill_process(Pid::from_child(&self.child), signal)?;
        }
        self.is_alive()
    }

    /// Kills it; false when it had ended by itself.
    pub(crate) fn kill(mut self) -> io::Result<(bool, Answer)> {
        let alive = self.is_alive()?;
        self.child.kill()?;
        Ok((alive, self.collect(false)?))
    }

    /// Waits for its end.
    pub(crate) fn finish(mut self) -> io::Result<Answer> {
        let since = Instant::now();
        let mut hung = false;
        while self.is_alive()? {
            if since.elapsed() > PATIENCE {
                hung = true;
                self.child.kill()?;
                break;
            }
            std::thread::sleep(POLL * 5);
        }
        self.collect(hung)
    }

    fn collect(&mut self, hung: bool) -> io::Result<Answer> {
        let status = self.child.wait()?;
        Ok(Answer {
            code: status.code(),
            signal: status.signal(),
            hung,
            stdout: self.stdout.take().and_then(|read| read.join().ok()).unwrap_or_default(),
            stderr: self.stderr.take().and_then(|read| read.join().ok()).unwrap_or_default(),
        })
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // After `finish` or `kill` there is nothing left to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Answer {
    /// The one JSON document on stdout, or null.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.stdout).unwrap_or_default()
    }

    /// The stable word of a failure, empty when there was none.
    pub(crate) fn failure(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }

    /// It ended before admission because a venue gave no usable answer.
    pub(crate) fn is_unready(&self) -> bool {
        let failure = self.failure();
        failure == "venue_unready" || (failure.is_empty() && self.stderr.contains("is not ready"))
    }

    /// Everything, for people.
    pub(crate) fn shown(&self) -> String {
        let stdout = String::from_utf8_lossy(&self.stdout);
        format!("code {:?}, hung {}, stdout {stdout} stderr {}", self.code, self.hung, self.stderr)
    }
}
