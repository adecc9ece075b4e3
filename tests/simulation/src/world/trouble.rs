//! What hosts and venues get into until everything is healed.

use super::{MISCHIEF_EVERY_MS, START, World};
use crate::env::Happening;
use crate::exchange::VenueEvent;
use crate::fault::Fault;

impl World {
    /// Hosts and venues may get into trouble now.
    pub(super) fn mischief(&mut self) {
        if self.out.env.faults.is_healed() {
            return;
        }
        let at = self.out.env.now + MISCHIEF_EVERY_MS;
        self.out.env.queue.push(at, Happening::Mischief);
        self.trouble_venues();
        let alive = self.processes.last().is_some_and(|process| process.alive);
        if alive {
            self.trouble_hosts();
        }
    }

    fn trouble_venues(&mut self) {
        let env = &mut self.out.env;
        for (venue, held_until) in self.out.venues.iter_mut().zip(&mut self.out.held_until) {
            if env.faults.strikes_with(Fault::Outage, 12) {
                venue.out_until = env.now + env.faults.size(Fault::Outage, 200..=25_000);
            }
            if env.faults.strikes_with(Fault::CredentialsRevoked, 4) {
                venue.revoked_until =
                    env.now + env.faults.size(Fault::CredentialsRevoked, 500..=20_000);
            }
            if env.faults.strikes_with(Fault::Hold, 20) {
                *held_until = env.now + env.faults.size(Fault::Hold, 100..=8_000);
            }
            if env.faults.strikes_with(Fault::ClockJump, 15) {
                let jump = env.faults.size(Fault::ClockJump, 0..=700);
                // Never back: a venue whose clock goes back breaks what R4 stands on.
                venue.jump(env.now, jump);
            }
            if env.faults.strikes_with(Fault::ForeignTrade, 60) {
                env.later(env.now + 1, venue.index, VenueEvent::Foreign);
            }
        }
    }

    fn trouble_hosts(&mut self) {
        let env = &mut self.out.env;
        let recent = env.now - self.started_at < 2_000;
        self.out.disk.room.trouble(env, 15);
        if recent && env.faults.strikes_with(Fault::KillInRecovery, 150) {
            return self.kill(true);
        }
        if env.faults.strikes_with(Fault::Kill, 25) {
            return self.kill(false);
        }
        if env.faults.strikes_with(Fault::PowerLoss, 25) {
            return self.kill(true);
        }
        if env.faults.strikes_with(Fault::UserStop, 6)
            && let Some(process) =
                self.processes.last_mut().filter(|process| process.paused_until <= env.now)
        {
            process.stop(&mut self.out);
        }
        self.stand_still();
    }

    fn stand_still(&mut self) {
        let env = &mut self.out.env;
        let paused = env.faults.strikes_with(Fault::Pause, 25);
        let taken_over = env.faults.strikes_with(Fault::TakeOver, 12);
        let Some(process) = self.processes.last_mut() else { return };
        if (!paused && !taken_over) || process.paused_until > env.now {
            return;
        }
        // A replaced owner that wakes soon may still have something to send that is durable.
        let longest = if taken_over && env.rng.bool() { 400 } else { 9_000 };
        let until = env.now + env.faults.size(Fault::Pause, 5..=longest);
        process.paused_until = until;
        let index = process.index;
        env.queue.push(until, Happening::Unpause { process: index });
        env.trace.line(env.now, || format!("process {index} stands still until {}", until - START));
        if taken_over {
            let (from, to) = self.out.disk.settle(&mut self.out.env);
            self.durable(from, to);
            self.start();
        }
    }
}
