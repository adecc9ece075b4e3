//! Carrying out what a saga asks for, once its records are durable.

use equipoise_core::{Command, Event, Role, Send, UnixMillis};

use super::Process;
use super::driver::Input;
use super::pace::Key;
use crate::mark::Mark;
use crate::network::Outside;
use crate::plant;

/// Why a wave was not sent (R2).
pub(crate) const WINDOW_LOST: &str = "too little of its window was left";

impl Process {
    pub(super) fn carry_out(&mut self, out: &mut Outside, batch: u8, commands: Vec<Command>) {
        let now = UnixMillis(out.env.now);
        for command in commands {
            let Some(driver) = self.drivers.get_mut(&batch) else { return };
            match command {
                Command::Send(wave) => self.send(out, batch, wave),
                Command::Prepare(tags) => {
                    let key = Key::Prepare(tags);
                    if driver.paces.may_start(&key, true, now) {
                        driver.begin_preparing(&key);
                        self.prepare(out, batch, key);
                    }
                }
                Command::Query(query) => {
                    let due = driver.paces.may_start(&Key::Query(query.tag), query.urgent, now);
                    if due || plant::starts_again(&out.env) {
                        self.look(out, batch, query);
                    }
                }
                Command::Cancel(tag) => {
                    if driver.paces.may_start(&Key::Cancel(tag), false, now) {
                        self.cancel(out, batch, tag);
                    }
                }
            }
        }
    }

    /// R2: all of a wave if every order keeps at least half its window and the journal has not failed since, else none
    /// of it.
    fn send(&mut self, out: &mut Outside, batch: u8, wave: Vec<Send>) {
        let Some(driver) = self.drivers.get_mut(&batch) else { return };
        let now = UnixMillis(out.env.now);
        let stopped = driver.stop_wanted && wave.iter().any(|send| send.tag.role == Role::Entry);
        let unwanted = self.failed || stopped;
        let lapsed = |send: &Send| {
            driver.saga.order(send.tag).is_none_or(|order| {
                let left = send.request.deadline.since(order.clock.venue_time(now));
                left < u64::from(send.request.window_ms) / 2
            })
        };
        let late = wave.iter().any(lapsed);
        if late {
            out.env.tally.hit(Mark::HalfWindowLost);
        }
        let splits = plant::splits_waves(&out.env);
        let held: Vec<bool> =
            wave.iter().map(|send| if splits { lapsed(send) } else { late }).collect();
        for (send, held) in wave.into_iter().zip(held) {
            let tag = send.tag;
            if held || unwanted {
                let why = WINDOW_LOST.to_owned();
                driver.inbox.push_back(Input::Event(Event::NotSent { tag, why }));
                continue;
            }
            driver.inbox.push_back(Input::Event(Event::Handed(tag)));
            if plant::sends_early(&out.env) {
                continue;
            }
            for request in plant::handed(&out.env, send.request) {
                out.depart(self.index, batch, tag, request);
            }
        }
    }
}
