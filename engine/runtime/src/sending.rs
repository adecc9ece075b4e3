//! What comes before a stamp, and handing over what is durable (R2, S3).

use std::sync::Arc;

use equipoise_core::{Amount, BookTop, ClockOffset, Event};
use equipoise_core::{LegSpec, OrderTag, Positions, Prepared, RefusalKind, Role, Send, VenueName};
use equipoise_port::{PlaceError, Purpose, QueryError};
use futures::future::try_join_all;

use crate::activity::{Outcome, entry_of};
use crate::batch::BatchCell;
use crate::engine::Inner;
use crate::guard::{guarded, guarded_query};
use crate::pace::Key;
use crate::venues::VenueEntry;

type Failed = (VenueName, QueryError);

/// Rate tokens, a fresh clock and, for unwinds, book and position: everything that comes before the stamp (R2).
///
/// Tokens are taken for the whole wave before anything is read, because waiting for them makes readings old.
pub(crate) async fn prepare(
    engine: Arc<Inner>,
    cell: Arc<BatchCell>,
    key: Key,
    tags: Vec<OrderTag>,
) -> Outcome {
    let orders = tags.iter().map(|tag| Some((*tag, entry_of(&engine, &cell, *tag)?)));
    let Some(orders) = orders.collect::<Option<Vec<_>>>() else {
        return Outcome::Fruitless(key, None);
    };
    let prepared = async {
        let tokens = orders.iter().map(|(tag, (entry, _))| {
            let purpose = match tag.role {
                Role::Entry => Purpose::Entry,
                Role::Unwind => Purpose::Unwind,
            };
            of_venue(&engine, entry, async move { entry.venue.reserve(purpose).await })
        });
        try_join_all(tokens).await?;
        let readings = orders.iter().map(|(tag, (entry, leg))| {
            of_venue(&engine, entry, read(&engine, &cell, *tag, entry, leg))
        });
        try_join_all(readings).await
    };
    match prepared.await {
        Ok(prepared) => Outcome::Prepared(key, prepared),
        Err((venue, error)) => Outcome::Unprepared { key, venue, error },
    }
}

async fn of_venue<T>(
    engine: &Inner,
    entry: &VenueEntry,
    query: impl Future<Output = Result<T, QueryError>>,
) -> Result<T, Failed> {
    let answer = guarded_query(&*engine.clock, query).await;
    answer.map_err(|error| (entry.name.clone(), error))
}

async fn read(
    engine: &Inner,
    cell: &BatchCell,
    tag: OrderTag,
    entry: &VenueEntry,
    leg: &LegSpec,
) -> Result<Prepared, QueryError> {
    let others_hold = cell.is_contended(&leg.venue, &leg.instrument.symbol);
    let clock = entry.clock.fresh(&*entry.venue, &*engine.clock);
    let (clock, (book, position)): (ClockOffset, _) = match tag.role {
        Role::Entry => (clock.await?, (None, None)),
        Role::Unwind => futures::try_join!(clock, read_market(entry, leg, others_hold))?,
    };
    Ok(Prepared { tag, clock, book, position, others_hold })
}

/// A fresh book and, where it can be attributed to this batch, the account's position (K4, K5).
async fn read_market(
    entry: &VenueEntry,
    leg: &LegSpec,
    others_hold: bool,
) -> Result<(Option<BookTop>, Option<Amount>), QueryError> {
    let venue = &*entry.venue;
    let symbol = &leg.instrument.symbol;
    let book = async { venue.quote(symbol).await.map(|quote| Some(quote.book)) };
    let attributable =
        leg.positions == Positions::Exclusive && leg.baseline.is_some() && !others_hold;
    let position = async {
        if attributable {
            let position = venue.position(symbol).await?;
            Ok(Some(position.net()))
        } else {
            Ok(None)
        }
    };
    futures::try_join!(book, position)
}

/// Hands one order to its venue, once. Its intent is durable, so a driver that is gone changes nothing.
pub(crate) async fn hand_over(engine: Arc<Inner>, entry: Arc<VenueEntry>, send: Send) -> Outcome {
    let tag = send.tag;
    // The call is made inside the guarded future: an adapter may also panic before it returns a future.
    let placed = guarded(&*engine.clock, async { entry.venue.place(&send.request).await });
    Outcome::Sent(match placed.await {
        Ok(Ok(snapshot)) => Event::Placed { tag, snapshot },
        Ok(Err(PlaceError::NotSent(why))) => Event::NotSent { tag, why },
        Ok(Err(PlaceError::Refused(refusal))) => {
            // Perhaps the account is not what it was.
            entry.standing.forget();
            if refusal.kind == RefusalKind::Transient {
                // Possibly a stamp the venue found off: measure its clock again before the next one.
                entry.clock.forget();
            }
            Event::Refused { tag, refusal }
        }
        Ok(Err(PlaceError::Unknown(why))) => Event::Doubtful { tag, why },
        Err(lost) => Event::Doubtful { tag, why: lost.why().to_owned() },
    })
}
