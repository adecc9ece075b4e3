//! What every journal promises, whatever keeps it.

use std::sync::Arc;

use equipoise_core::{Ending, Record, UnixMillis};
use equipoise_port::{Epoch, Journal, JournalError};
use equipoise_runtime::journal::{self, JournalKind, JournalOptions, StoredJournal};
use futures::future::join_all;

use crate::samples::{
    admission, append, ended, key, largest_spec, of, one_of_each, spec, spec_for, step,
};
use crate::setup::{Place, options};

/// Runs each claim against each back end, on a current-thread and on a multi-thread runtime.
macro_rules! contract {
    ($($claim:ident),* $(,)?) => {
        contract!(@kind sled, Sled, $($claim),*);
        contract!(@kind redb, Redb, $($claim),*);
        contract!(@kind memory, Memory, $($claim),*);
    };
    (@kind $module:ident, $kind:ident, $($claim:ident),*) => {
        mod $module {
            use equipoise_runtime::journal::JournalKind;
            use crate::setup::Place;
            $(
                #[test]
                fn $claim() {
                    let one = tokio::runtime::Builder::new_current_thread().build().unwrap();
                    one.block_on(super::$claim(Place::new(JournalKind::$kind)));
                    let many = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
                    many.block_on(async { tokio::spawn(super::$claim(Place::new(JournalKind::$kind))).await.unwrap() });
                }
            )*
        }
    };
}

contract!(
    an_older_owner_is_refused_and_leaves_nothing,
    an_append_at_another_sequence_is_refused_with_what_is_there,
    a_batch_begins_with_its_own_admission_and_has_no_other,
    records_come_back_as_they_were_written_also_after_reopening,
    the_largest_plan_and_long_texts_fit,
    open_batches_are_those_without_an_end_in_order_of_admission,
    parked_batches_are_told_apart_whatever_followed_their_end,
    records_after_the_end_are_kept_and_do_not_reopen_the_batch,
    an_occasion_lists_its_batches_and_no_others,
    appends_take_effect_in_the_order_of_their_first_poll,
    one_bad_append_in_a_group_harms_no_other,
    an_append_without_records_only_checks,
    a_closed_journal_refuses_and_can_be_opened_again,
    it_is_fresh_until_a_start_finds_a_batch_in_it,
    epochs_go_on_after_reopening_and_old_ones_stay_refused,
    a_second_opening_is_refused_until_the_first_lets_go,
);

async fn records(journal: &Arc<dyn Journal>, index: u64) -> Vec<Record> {
    journal.read(key(index)).await.unwrap().unwrap()
}

async fn an_older_owner_is_refused_and_leaves_nothing(place: Place) {
    let (journal, older) = place.start().await;
    journal.append(admission(older, 1)).await.unwrap();
    let newer = journal.begin_epoch("next build").await.unwrap();
    assert_eq!((older, newer), (Epoch(1), Epoch(2)));
    let fenced = |own| Err(JournalError::Fenced { own, current: 2 });
    let late = append(older, 1, 2, vec![step(2)]);
    assert_eq!(journal.append(late).await, fenced(1));
    assert_eq!(journal.append(admission(older, 2)).await, fenced(1));
    assert_eq!(journal.append(admission(Epoch(3), 2)).await, fenced(3));
    assert_eq!(records(&journal, 1).await.len(), 2);
    assert_eq!(journal.batches().await, Ok(vec![key(1)]));
    let own = append(newer, 1, 2, vec![step(2)]);
    assert_eq!(journal.append(own).await, Ok(()));
}

async fn an_append_at_another_sequence_is_refused_with_what_is_there(place: Place) {
    let (journal, epoch) = place.start().await;
    journal.append(admission(epoch, 1)).await.unwrap();
    let refused =
        |expected, actual| Err(JournalError::OutOfSequence { batch: key(1), expected, actual });
    for expected in [0, 1, 3] {
        let wrong = append(epoch, 1, expected, vec![step(9)]);
        assert_eq!(journal.append(wrong).await, refused(expected, 2));
    }
    assert_eq!(journal.append(admission(epoch, 1)).await, refused(0, 2));
    let other = append(epoch, 2, 4, vec![step(9)]);
    assert!(matches!(
        journal.append(other).await,
        Err(JournalError::OutOfSequence { actual: 0, .. })
    ));
    assert_eq!(records(&journal, 1).await.len(), 2);
    let end = append(epoch, 1, 2, vec![ended()]);
    journal.append(end.clone()).await.unwrap();
    assert_eq!(journal.append(end).await, refused(2, 3));
}

async fn a_batch_begins_with_its_own_admission_and_has_no_other(place: Place) {
    let (journal, epoch) = place.start().await;
    let admitted = |index| Record::Admitted(Box::new(spec(index)));
    for (bad, expected) in
        [(vec![step(1)], 0), (vec![admitted(2)], 0), (vec![admitted(1), admitted(1)], 0)]
    {
        let refused = journal.append(append(epoch, 1, expected, bad)).await;
        assert!(matches!(refused, Err(JournalError::Failed(_))), "{refused:?}");
    }
    assert_eq!(journal.read(key(1)).await, Ok(None));
    journal.append(admission(epoch, 1)).await.unwrap();
    let again = journal.append(append(epoch, 1, 2, vec![admitted(1)])).await;
    assert!(matches!(again, Err(JournalError::Failed(_))));
    assert_eq!(records(&journal, 1).await.len(), 2);
}

async fn records_come_back_as_they_were_written_also_after_reopening(place: Place) {
    let (journal, epoch) = place.start().await;
    let all = one_of_each();
    let batch = key(3);
    let (first, rest) = all.split_at(5);
    let mut whole = append(epoch, 3, 0, first.to_vec());
    assert_eq!(whole.batch, batch);
    journal.append(whole.clone()).await.unwrap();
    whole.expected = 5;
    whole.records = rest.to_vec();
    journal.append(whole).await.unwrap();
    for index in 10..30 {
        journal.append(admission(epoch, index)).await.unwrap();
    }
    assert_eq!(records(&journal, 3).await, all);
    assert_eq!(records(&journal, 3).await, all, "reading changes nothing");
    let batches = journal.batches().await.unwrap();
    let open = journal.open_batches().await.unwrap();
    drop(journal);

    let journal = place.open();
    assert_eq!(records(&journal, 3).await, all);
    assert_eq!(journal.batches().await.unwrap(), batches);
    assert_eq!(journal.open_batches().await.unwrap(), open);
    assert_eq!((batches.len(), open.len()), (21, 20));
    assert_eq!(journal.read(key(99)).await, Ok(None));
}

async fn the_largest_plan_and_long_texts_fit(place: Place) {
    let (journal, epoch) = place.start().await;
    let long = Record::Unresolved {
        tag: crate::samples::tag(1),
        why: "ü".repeat(200_000),
        at: equipoise_core::UnixMillis(1),
    };
    let all = vec![Record::Admitted(Box::new(largest_spec(1))), long, step(3), ended()];
    journal.append(append(epoch, 1, 0, all.clone())).await.unwrap();
    journal.append(admission(epoch, 2)).await.unwrap();
    assert_eq!(records(&journal, 1).await, all);
    let endless = Record::Unresolved {
        tag: crate::samples::tag(1),
        why: "x".repeat(2_000_000),
        at: equipoise_core::UnixMillis(1),
    };
    let refused = journal.append(append(epoch, 2, 2, vec![endless])).await;
    assert!(matches!(refused, Err(JournalError::Failed(_))));
    assert_eq!(
        journal.append(append(epoch, 2, 2, vec![step(1)])).await,
        Ok(()),
        "only that append was refused"
    );
    drop(journal);
    let (journal, epoch) = place.start().await;
    assert_eq!(records(&journal, 1).await, all);
    let late = append(epoch, 1, 4, vec![step(5)]);
    assert_eq!(journal.append(late).await, Ok(()));
}

async fn open_batches_are_those_without_an_end_in_order_of_admission(place: Place) {
    let (journal, epoch) = place.start().await;
    for index in 0..20 {
        journal.append(admission(epoch, index)).await.unwrap();
    }
    for index in (0..20).filter(|index| index % 3 == 0) {
        let end = append(epoch, index, 2, vec![step(1), ended()]);
        journal.append(end).await.unwrap();
    }
    let all = (0..20).map(key).collect::<Vec<_>>();
    let open = (0..20).filter(|index| index % 3 != 0).map(key).collect::<Vec<_>>();
    assert_eq!(journal.batches().await.unwrap(), all);
    assert_eq!(journal.open_batches().await.unwrap(), open);
    drop(journal);
    let journal = place.open();
    assert_eq!(journal.batches().await.unwrap(), all);
    assert_eq!(journal.open_batches().await.unwrap(), open);
}

async fn parked_batches_are_told_apart_whatever_followed_their_end(place: Place) {
    let (journal, epoch) = place.start().await;
    let (ending, why) = (Ending::Parked, "the fills do not match the plan".to_owned());
    let parked = Record::Ended { ending, why, at: UnixMillis(9) };
    let ends = [vec![], vec![parked.clone()], vec![ended()], vec![step(1), parked]];
    for (index, end) in (0..).zip(ends) {
        journal.append(admission(epoch, index)).await.unwrap();
        journal.append(append(epoch, index, 2, end)).await.unwrap();
    }
    let parked = Ok(vec![key(1), key(3)]);
    assert_eq!(journal.parked_batches().await, parked);
    journal.append(append(epoch, 1, 3, vec![step(2)])).await.unwrap();
    assert_eq!(journal.parked_batches().await, parked);
    drop(journal);
    assert_eq!(place.open().parked_batches().await, parked);
}

async fn records_after_the_end_are_kept_and_do_not_reopen_the_batch(place: Place) {
    let (journal, epoch) = place.start().await;
    journal.append(admission(epoch, 1)).await.unwrap();
    let end = append(epoch, 1, 2, vec![ended()]);
    journal.append(end).await.unwrap();
    let late = append(epoch, 1, 3, vec![step(7), step(8)]);
    journal.append(late).await.unwrap();
    let later = append(epoch, 1, 5, vec![step(9)]);
    journal.append(later).await.unwrap();
    assert_eq!(journal.open_batches().await, Ok(Vec::new()));
    assert_eq!(records(&journal, 1).await[3..], [step(7), step(8), step(9)]);
    drop(journal);
    let journal = place.open();
    assert_eq!(records(&journal, 1).await.len(), 6);
    assert_eq!(journal.open_batches().await, Ok(Vec::new()));
}

async fn an_occasion_lists_its_batches_and_no_others(place: Place) {
    let (journal, epoch) = place.start().await;
    for (index, occasion) in [(5, "x"), (2, "y"), (9, "x")] {
        let admitted = Record::Admitted(Box::new(spec_for(index, occasion, 2)));
        journal.append(append(epoch, index, 0, vec![admitted])).await.unwrap();
    }
    let end = append(epoch, 5, 1, vec![ended()]);
    journal.append(end).await.unwrap();
    let strategy = of("funding-arb");
    for _ in 0..2 {
        let listed = |occasion| {
            let (journal, strategy) = (&journal, &strategy);
            async move { journal.occasion(strategy, &of(occasion)).await.unwrap() }
        };
        assert_eq!(listed("x").await, [key(5), key(9)]);
        assert_eq!(listed("y").await, [key(2)]);
        assert_eq!(listed("z").await, []);
        let other = journal.occasion(&of("other"), &of("x")).await.unwrap();
        assert_eq!(other, []);
    }
}

async fn appends_take_effect_in_the_order_of_their_first_poll(place: Place) {
    let (journal, epoch) = place.start().await;
    journal.append(admission(epoch, 1)).await.unwrap();
    // Each expects what the one before leaves; any other order would refuse some of them.
    let appends = (0..500).map(|number| {
        let append = append(epoch, 1, 2 + number, vec![step(u64::from(number))]);
        journal.append(append)
    });
    let answers = join_all(appends).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let expected = (0..500).map(step).collect::<Vec<_>>();
    assert_eq!(records(&journal, 1).await[2..], expected);
}

async fn one_bad_append_in_a_group_harms_no_other(place: Place) {
    let (journal, epoch) = place.start().await;
    let mut appends = (0..30).map(|index| admission(epoch, index)).collect::<Vec<_>>();
    appends.insert(10, append(epoch, 4, 7, vec![step(1)]));
    appends.insert(20, append(Epoch(0), 5, 2, vec![step(1)]));
    let answers = join_all(appends.into_iter().map(|append| journal.append(append))).await;
    let refused =
        answers.iter().enumerate().filter(|(_, answer)| answer.is_err()).map(|(index, _)| index);
    assert_eq!(refused.collect::<Vec<_>>(), [10, 20]);
    assert_eq!(journal.batches().await.unwrap().len(), 30);
    assert_eq!(records(&journal, 4).await.len(), 2);
    drop(journal);
    assert_eq!(place.open().batches().await.unwrap().len(), 30);
}

async fn an_append_without_records_only_checks(place: Place) {
    let (journal, epoch) = place.start().await;
    journal.append(admission(epoch, 1)).await.unwrap();
    let check = |expected| journal.append(append(epoch, 1, expected, Vec::new()));
    assert_eq!(check(2).await, Ok(()));
    assert!(matches!(check(1).await, Err(JournalError::OutOfSequence { actual: 2, .. })));
    let none = append(epoch, 2, 0, Vec::new());
    assert_eq!(journal.append(none).await, Ok(()));
    assert_eq!(journal.batches().await, Ok(vec![key(1)]));
}

async fn a_closed_journal_refuses_and_can_be_opened_again(place: Place) {
    let (journal, epoch) = place.start().await;
    journal.append(admission(epoch, 1)).await.unwrap();
    assert_eq!(journal.ready_for_batch().await, Ok(()));
    journal.close().await.unwrap();
    let closed = JournalError::Failed("journal is closed".into());
    let late = append(epoch, 1, 2, vec![step(1)]);
    assert_eq!(journal.append(late).await, Err(closed.clone()));
    assert_eq!(journal.begin_epoch("x").await, Err(closed.clone()));
    assert_eq!(journal.read(key(1)).await, Err(closed.clone()));
    assert_eq!(journal.ready_for_batch().await, Err(closed.clone()));
    assert_eq!(journal.close().await, Err(closed));
    // The closed journal is still in scope: it gave up its lock all the same.
    let (again, epoch) = place.start().await;
    assert_eq!(epoch, Epoch(2));
    assert_eq!(records(&again, 1).await.len(), 2);
}

async fn it_is_fresh_until_a_start_finds_a_batch_in_it(place: Place) {
    let (journal, _) = place.start().await;
    assert!(journal.is_fresh());
    drop(journal);
    let (journal, epoch) = place.start().await;
    assert!(journal.is_fresh(), "its first start ended before its first batch");
    journal.append(admission(epoch, 1)).await.unwrap();
    assert!(journal.is_fresh(), "what this start met does not change");
    drop(journal);
    assert!(!place.open().is_fresh());
}

async fn epochs_go_on_after_reopening_and_old_ones_stay_refused(place: Place) {
    let (journal, first) = place.start().await;
    journal.append(admission(first, 1)).await.unwrap();
    drop(journal);
    let journal = place.open();
    let late = append(first, 1, 2, vec![step(1)]);
    assert_eq!(journal.append(late.clone()).await, Ok(()), "until the next epoch begins");
    let second = journal.begin_epoch("test build").await.unwrap();
    assert_eq!(second, Epoch(2));
    assert!(matches!(journal.append(late).await, Err(JournalError::Fenced { own: 1, current: 2 })));
}

async fn a_second_opening_is_refused_until_the_first_lets_go(place: Place) {
    let first = place.open();
    assert!(matches!(place.try_open(), Err(JournalError::Locked(_))));
    drop(first);
    let (second, _) = place.start().await;
    second.close().await.unwrap();
    drop(place.open());
}

#[test]
fn nothing_is_created_where_a_journal_must_exist() {
    for kind in [JournalKind::Sled, JournalKind::Redb, JournalKind::Memory] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("none");
        let options = JournalOptions { must_exist: true, ..options() };
        let refused = journal::open(kind, &path, &options).err().unwrap();
        assert!(matches!(refused, JournalError::Unopened(_)), "{refused}");
        assert!(!path.exists());
        assert!(!journal::exists(&path));
    }
}

#[test]
fn a_journal_in_memory_is_kept_in_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none");
    let refused = StoredJournal::open(JournalKind::Memory, &path, &options()).err();
    let why = "a journal in memory is kept in no folder".to_owned();
    assert_eq!(refused, Some(JournalError::Unopened(why)));
    assert!(!path.exists());
}

#[test]
fn a_kind_is_read_as_it_is_shown() {
    for kind in [JournalKind::Sled, JournalKind::Redb, JournalKind::Memory] {
        assert_eq!(kind.to_string().parse(), Ok(kind));
    }
    assert!("Sled".parse::<JournalKind>().is_err());
}

#[tokio::test]
async fn no_batch_begins_below_the_floor_and_open_ones_can_end() {
    let place = Place::new(JournalKind::Sled);
    let scarce = JournalOptions { free_floor_bytes: u64::MAX, ..options() };
    let journal = place.try_open_with(&scarce).unwrap();
    let epoch = journal.begin_epoch("test").await.unwrap();
    assert!(matches!(
        journal.ready_for_batch().await,
        Err(JournalError::Full { floor_bytes: u64::MAX, .. })
    ));
    journal.append(admission(epoch, 1)).await.unwrap();
    let end = append(epoch, 1, 2, vec![ended()]);
    assert_eq!(journal.append(end).await, Ok(()));
}
