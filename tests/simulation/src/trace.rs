//! What happened: always as a hash, and as text when someone wants to read it.

/// Order-sensitive digest of everything that happens, and its text if asked for.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    hash: u64,
    text: Option<Vec<String>>,
}

impl Trace {
    pub(crate) fn new(readable: bool) -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, text: readable.then(Vec::new) }
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.hash = (self.hash ^ number).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23);
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.number(u64::from_le_bytes(*word));
        }
        for byte in rest {
            self.number(u64::from(*byte));
        }
    }

    /// A line for people; costs nothing unless someone reads.
    pub(crate) fn line(&mut self, now: u64, text: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.text {
            let text = text();
            lines.push(format!("{:>8} {text}", now.saturating_sub(crate::world::START)));
        }
    }

    pub(crate) const fn hash(&self) -> u64 {
        self.hash
    }

    pub(crate) fn take_text(&mut self) -> Vec<String> {
        self.text.take().unwrap_or_default()
    }
}
