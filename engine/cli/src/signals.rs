//! Ctrl-C: the first asks for no new risk, the second leaves at once. SIGTERM counts the same.

use tokio::sync::watch;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Tells whether somebody asked to stop.
#[derive(Clone)]
pub(crate) struct StopRequests {
    requested: watch::Receiver<bool>,
}

impl StopRequests {
    /// Listens from now on; from then on signals no longer end the process by themselves.
    ///
    /// # Errors
    /// When the system lets nobody listen.
    pub(crate) fn listen(output: Output) -> Result<Self, Failure> {
        let mut signals = Signals::listen()?;
        let (sender, requested) = watch::channel(false);
        tokio::spawn(async move {
            signals.next().await;
            output.note("stopping: no new risk, running to neutral; once more leaves at once");
            sender.send_replace(true);
            signals.next().await;
            let message = "interrupted a second time, the journal resumes at the next start";
            output.failure(&Failure::broken("interrupted", message.to_owned()));
            Exit::Failed.leave();
        });
        Ok(Self { requested })
    }

    /// Returns once a stop was asked for. Cancel safe.
    pub(crate) async fn requested(&mut self) {
        if self.requested.wait_for(|requested| *requested).await.is_err() {
            // The listening task is gone only when the runtime is.
            std::future::pending::<()>().await;
        }
    }
}

/// Ctrl-C and SIGTERM from the moment it is made, for commands that have nothing to finish.
#[cfg(unix)]
pub(crate) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// Listens from now on.
    ///
    /// # Errors
    /// When the system lets nobody listen.
    pub(crate) fn listen() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind| {
            signal(kind)
                .map_err(|error| Failure::broken("signals", format!("no signal handler: {error}")))
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    /// Returns at the next of them. Cancel safe.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Ctrl-C, for commands that have nothing to finish.
#[cfg(not(unix))]
pub(crate) struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[allow(clippy::unnecessary_wraps, reason = "the same signature everywhere")]
    pub(crate) fn listen() -> Result<Self, Failure> {
        Ok(Self)
    }

    pub(crate) async fn next(&mut self) {
        // Without a handler there is nothing to wait for.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
