//! What must hold of every answer of an adapter, given what the exchange said.

use std::fmt::Debug;

use equipoise_core::{OrderRequest, OrderSnapshot, RefusalKind};
use equipoise_port::{CancelAnswer, PlaceError, QueryError, TransportError};

use super::desks::{Desk, Family};
use super::exchange::{Exchange, Exchanged};
use super::verdicts::{codes, is_doubtful, is_well_formed, may_refuse};

/// Longest error, in characters: texts of an exchange are cut, bodies are not quoted.
const ERROR_CHARS_MAX: usize = 600;

impl Exchange {
    /// Refused by a documented code in a well-formed answer to the order itself, placed by such an acknowledgement, not
    /// sent only if nothing was sent, and unknown otherwise.
    pub(super) fn check_place(
        &self,
        order: &OrderRequest,
        placed: &Result<OrderSnapshot, PlaceError>,
    ) {
        let exchanged = self.exchanged();
        let mut sent =
            exchanged.iter().filter(|one| self.desk.is_placement(&one.method, &one.path));
        let first = sent.next().map(|one| &one.answer);
        assert!(sent.next().is_none(), "an order is sent once");
        match (placed, first) {
            (Err(PlaceError::NotSent(_)), None | Some(Err(TransportError::NotSent(_)))) => {}
            (Err(PlaceError::Unknown(_)), Some(_)) => {}
            // An announced ban is kept without asking: nothing was sent.
            (Err(PlaceError::Refused(refusal)), None) => {
                assert!(matches!(refusal.kind, RefusalKind::RateLimited { .. }), "{refusal:?}");
            }
            (Err(PlaceError::Refused(refusal)), Some(Ok(answer))) => {
                let (family, code) = (self.desk.family, &refusal.code);
                assert!(may_refuse(family, answer.status().as_u16()), "{refusal:?} by {answer:?}");
                assert!(codes(self.desk, answer).contains(code), "{refusal:?} by {answer:?}");
                assert!(!is_doubtful(family, code), "{refusal:?} by {answer:?}");
                self.believe();
            }
            (Ok(snapshot), Some(Ok(answer))) => {
                assert_eq!(answer.status(), 200, "placed by {answer:?}");
                assert!(is_well_formed(answer), "placed by {answer:?}");
                assert_eq!(snapshot.client_id, order.client_id, "placed is what was sent");
                self.check_snapshot(snapshot);
                self.believe();
            }
            (placed, answer) => panic!("{placed:?} from {answer:?}"),
        }
        self.check_error(placed.as_ref().err());
    }

    /// Orders and their fills stand in what the exchange said.
    pub(super) fn check_snapshots(&self, found: &Result<Vec<OrderSnapshot>, QueryError>) {
        for snapshot in found.iter().flatten() {
            self.check_snapshot(snapshot);
        }
        self.check_query(found);
    }

    fn check_snapshot(&self, snapshot: &OrderSnapshot) {
        let said = self.scalars();
        let id = snapshot.venue_order.as_str();
        assert!(said.contains(id), "order {id} is made up: {:?}", self.exchanged());
        for fill in snapshot.fills.iter().chain(&snapshot.busted) {
            let id = fill.trade.as_str();
            assert!(said.contains(id), "fill {id} is made up: {:?}", self.exchanged());
        }
    }

    /// A question is answered only by answers that can be read, every one of them.
    pub(super) fn check_query<T: Debug>(&self, answer: &Result<T, QueryError>) {
        if answer.is_ok() {
            for Exchanged { path, answer: given, .. } in self.exchanged() {
                let read = matches!(&given, Ok(given) if is_well_formed(given));
                assert!(read || Desk::may_be_stale(&path), "{answer:?} from {path}: {given:?}");
            }
            self.believe();
        }
        self.check_error(answer.as_ref().err());
    }

    /// A question some of whose answers have a documented substitute, such as fees.
    pub(super) fn check_lenient<T: Debug>(&self, answer: &Result<T, QueryError>) {
        if answer.is_ok() {
            let read = |one: &Exchanged| matches!(&one.answer, Ok(given) if is_well_formed(given));
            let exchanged = self.exchanged();
            let read = exchanged.is_empty() || exchanged.iter().any(read);
            assert!(read, "{answer:?} from {exchanged:?}");
            self.believe();
        }
        self.check_error(answer.as_ref().err());
    }

    /// A cancel is taken, or finds nothing, by what the last answer says.
    pub(super) fn check_cancel(&self, answer: &Result<CancelAnswer, QueryError>) {
        if let Ok(cancelled) = answer {
            let exchanged = self.exchanged();
            let Some(Exchanged { answer: Ok(given), .. }) = exchanged.last() else {
                panic!("{cancelled:?} from {exchanged:?}");
            };
            assert!(is_well_formed(given), "{cancelled:?} by {given:?}");
            let codes = codes(self.desk, given);
            match cancelled {
                CancelAnswer::Acknowledged => assert_eq!(given.status(), 200, "{given:?}"),
                // Without a code: a count of none, or a listing without the order.
                CancelAnswer::NotOpen if codes.is_empty() => {
                    let counts = matches!(self.desk.family, Family::Deribit | Family::Coinbase);
                    assert!(counts && given.status() == 200, "not open by {given:?}");
                }
                CancelAnswer::NotOpen => {
                    let code = &codes[0];
                    assert!(!is_doubtful(self.desk.family, code), "not open by {given:?}");
                    assert!(may_refuse(self.desk.family, given.status().as_u16()), "{given:?}");
                }
            }
        }
        self.check_error(answer.as_ref().err());
    }

    /// Errors hold nothing of the key and not much of anything else.
    fn check_error(&self, error: Option<&impl Debug>) {
        let Some(error) = error else { return };
        let shown = format!("{error:?}");
        assert!(shown.chars().count() <= ERROR_CHARS_MAX, "an error of great length: {shown}");
        // A part that lost its punctuation on the way is still a part of the key.
        let letters = letters(&shown);
        for canary in self.desk.canaries() {
            let hidden = !letters.contains(&self::letters(canary));
            assert!(hidden, "{canary} is shown: {shown}");
        }
    }
}

fn letters(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).collect()
}
