//! Orders that leave before their intent is durable.

use equipoise_core::Command;

use crate::network::Outside;
use crate::process::Process;

impl Process {
    /// Hands over at once what was to wait for the append of its intent.
    pub(crate) fn hand_over_early(&mut self, out: &mut Outside, batch: u8, commands: &[Command]) {
        for command in commands {
            if let Command::Send(wave) = command {
                for send in wave {
                    out.depart(self.index, batch, send.tag, send.request.clone());
                }
            }
        }
    }
}
