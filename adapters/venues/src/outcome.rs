//! What an exchange's error codes mean, before asking what that means for one call.
//!
//! A code has one [`Meaning`] per product; whether a leg was refused or is in doubt then depends on what was asked.

use equipoise_core::{Refusal, RefusalKind};
use equipoise_port::{PlaceError, QueryError};

use crate::answer::BadAnswer;

/// What an exchange documents about a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Meaning {
    /// The request as it stands is impossible; nothing was done.
    Final,
    /// Nothing was done, and the cause passes.
    Transient,
    /// Outside the request window; nothing was done.
    Clock,
    /// Request rate or ban; nothing was done.
    RateLimited,
    /// Too many orders in a time; nothing was done.
    OrderRate,
    /// Key, signature, permission or region; nothing was done.
    Credentials,
    /// A reduce-only order does not fit the position; nothing was done.
    ReduceOnly,
    /// There is no such order, or none that is open.
    NoSuchOrder,
    /// An order with this client id exists: an earlier request was accepted at some time.
    DuplicateId,
    /// The order is being worked on; ask again.
    OrderBusy,
    /// The exchange does not know itself.
    Unknown,
}

/// A documented code in a well-formed answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Coded {
    pub(crate) meaning: Meaning,
    pub(crate) code: String,
    /// Shortened, without secrets.
    pub(crate) message: String,
    /// For rate limits: how long to wait.
    pub(crate) retry_after_ms: u64,
}

/// Why an answer is not the one asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It says why, in the documented form.
    Coded(Coded),
    /// No documented answer at all.
    Unreadable(String),
    /// It was not asked, or nothing came back.
    Unasked(QueryError),
}

impl Failure {
    /// Whether the host has no such page. Compatible hosts leave out account pages; what they would have said is
    /// then learned from the orders themselves, whose refusals are documented.
    pub(crate) fn is_missing_page(&self) -> bool {
        matches!(self, Self::Unreadable(why) if why == "status 404")
    }
}

impl Coded {
    /// What this code means for an order just sent (R6): refused only where nothing was done.
    fn for_order(self) -> PlaceError {
        let kind = match self.meaning {
            Meaning::Final => RefusalKind::Final,
            Meaning::Transient | Meaning::Clock => RefusalKind::Transient,
            Meaning::RateLimited | Meaning::OrderRate => {
                RefusalKind::RateLimited { retry_after_ms: self.retry_after_ms }
            }
            Meaning::Credentials => RefusalKind::Credentials,
            Meaning::ReduceOnly => RefusalKind::ReduceOnly,
            // A duplicate proves that an order exists, "no such order" answers another question than the one asked.
            Meaning::NoSuchOrder | Meaning::DuplicateId | Meaning::OrderBusy | Meaning::Unknown => {
                return PlaceError::Unknown(format!("code {}: {}", self.code, self.message));
            }
        };
        PlaceError::Refused(Refusal { kind, code: self.code, message: self.message })
    }

    /// What this code means for a question.
    fn for_query(self) -> QueryError {
        let Self { code, message, retry_after_ms, .. } = self;
        match self.meaning {
            Meaning::Credentials => QueryError::Credentials { code, message },
            Meaning::Final | Meaning::ReduceOnly | Meaning::NoSuchOrder => {
                QueryError::Refused { code, message }
            }
            Meaning::RateLimited | Meaning::OrderRate => QueryError::Busy {
                retry_after_ms: retry_after_ms.max(1),
                why: format!("code {code}: {message}"),
            },
            Meaning::Transient
            | Meaning::Clock
            | Meaning::DuplicateId
            | Meaning::OrderBusy
            | Meaning::Unknown => QueryError::Unavailable(format!("code {code}: {message}")),
        }
    }
}

impl Failure {
    /// True when the exchange documents that there is no such (open) order.
    pub(crate) fn is_no_such_order(&self) -> bool {
        matches!(self, Self::Coded(coded) if coded.meaning == Meaning::NoSuchOrder)
    }
}

impl From<BadAnswer> for Failure {
    fn from(bad: BadAnswer) -> Self {
        Self::Unreadable(bad.to_string())
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        Self::Unasked(error)
    }
}

impl From<Failure> for PlaceError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Coded(coded) => coded.for_order(),
            Failure::Unreadable(what) => Self::Unknown(what),
            Failure::Unasked(error) => Self::Unknown(error.to_string()),
        }
    }
}

impl From<Failure> for QueryError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Coded(coded) => coded.for_query(),
            Failure::Unreadable(what) => Self::Unavailable(what),
            Failure::Unasked(error) => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coded(meaning: Meaning) -> Failure {
        Failure::Coded(Coded {
            meaning,
            code: "7".to_owned(),
            message: "why".to_owned(),
            retry_after_ms: 30,
        })
    }

    #[test]
    fn only_meanings_that_prove_nothing_was_done_refuse_an_order() {
        use Meaning as M;
        let kind = |meaning| match PlaceError::from(coded(meaning)) {
            PlaceError::Refused(refusal) => Some(refusal.kind),
            _ => None,
        };
        assert_eq!(kind(M::Final), Some(RefusalKind::Final));
        assert_eq!(kind(M::Transient), Some(RefusalKind::Transient));
        assert_eq!(kind(M::Clock), Some(RefusalKind::Transient));
        let limited = Some(RefusalKind::RateLimited { retry_after_ms: 30 });
        assert_eq!(kind(M::RateLimited), limited);
        assert_eq!(kind(M::OrderRate), limited);
        assert_eq!(kind(M::Credentials), Some(RefusalKind::Credentials));
        assert_eq!(kind(M::ReduceOnly), Some(RefusalKind::ReduceOnly));
        for unknown in [M::NoSuchOrder, M::DuplicateId, M::OrderBusy, M::Unknown] {
            assert_eq!(kind(unknown), None, "{unknown:?}");
        }
        assert_eq!(
            PlaceError::from(Failure::Unreadable("x".to_owned())),
            PlaceError::Unknown("x".to_owned())
        );
    }

    #[test]
    fn a_limited_query_says_when_to_ask_again() {
        assert_eq!(
            QueryError::from(coded(Meaning::RateLimited)),
            QueryError::Busy { retry_after_ms: 30, why: "code 7: why".to_owned() }
        );
    }
}
