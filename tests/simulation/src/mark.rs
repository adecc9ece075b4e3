//! Situations that a run must reach sometimes: a check that is never exercised proves nothing.

use crate::fault::Fault;

macro_rules! marks {
    ($($(#[$doc:meta])* $name:ident,)+) => {
        /// One situation beside the faults themselves.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Mark {
            $($(#[$doc])* $name,)+
        }

        impl Mark {
            /// Every situation, in order of declaration.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The name in output.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }
        }
    };
}

marks! {
    /// A batch ended done.
    Done,
    /// A batch ended flat after something had executed.
    Flat,
    /// A batch ended flat because nothing executed.
    Untouched,
    /// A batch was parked with everything known.
    ParkedExactly,
    /// A batch was parked with an order unresolved.
    ParkedInDoubt,
    /// A batch parked in doubt had a second effect that nobody had looked for yet.
    ParkedWithSecondEffect,
    /// A batch ended flat with dust left.
    DustLeft,
    /// A batch was parked because unwinding took too many attempts or too long.
    ParkedAtLimit,
    /// A batch was parked because unwinding could lose too much.
    ParkedForLoss,
    /// An order in doubt was found.
    FoundAfterDoubt,
    /// An order was proven absent.
    ProvenAbsent,
    /// A further entry attempt followed a proven absence.
    AttemptAfterAbsence,
    /// The same id was transmitted again.
    SentAgain,
    /// An intent was given up unsent.
    Unsent,
    /// A wave was not sent because too little of a window was left (R2).
    HalfWindowLost,
    /// A further attempt followed a passing refusal.
    AttemptAfterRefusal,
    /// A leg was partly filled.
    PartlyFilled,
    /// A wave of several entries was stamped.
    EntryWave,
    /// An unwind wave took back both sides.
    MatchedWave,
    /// An unwind wave took back the excess of one side.
    ExcessWave,
    /// An unwind wave left more than there was, below dust, because lots do not divide each other.
    RaisedWithinDust,
    /// An unwind order carried the reduce-only flag.
    ReduceOnlyUnwind,
    /// An unwind order was in doubt.
    UnwindInDoubt,
    /// A leg needed a second unwind order.
    SecondUnwind,
    /// A leg was sized by what another filled.
    FollowerSized,
    /// A leg was not sent because the one it follows filled nothing.
    FollowerSkipped,
    /// A resting order was cancelled at the leg's timeout.
    RestingCancelled,
    /// A resting order filled.
    RestingFilled,
    /// A fill came after its cancel had been acknowledged.
    FillAfterCancelAck,
    /// A request arrived past its deadline and was refused.
    RefusedLate,
    /// A class A venue refused a known id.
    RefusedDuplicate,
    /// A class A venue answered a known id with its first order.
    EchoedDuplicate,
    /// One request had two effects.
    ExecutedTwice,
    /// A second effect was found in a listing.
    SecondEffectFound,
    /// The overfill alarm.
    OverfillAlarm,
    /// The late fill alarm.
    LateFillAlarm,
    /// An execution beyond the margin of its venue was noticed after its absence had been proven, and taken back.
    TakenBackBeyondMargin,
    /// An execution beyond the margin of its venue came when its batch had ended: nobody could notice it.
    ExecutedAfterTheEnd,
    /// A trade that was taken back was noticed.
    TradeBustNoticed,
    /// The alarm for one.
    BustAlarm,
    /// The drift alarm.
    DriftAlarm,
    /// A position contradicted a batch's fills.
    Contradicted,
    /// The process died with an intent that might have left.
    DiedWithIntent,
    /// The process died with an order in doubt.
    DiedInDoubt,
    /// The process died with an order known to be open.
    DiedWithOpenOrder,
    /// The process died while a batch was unwinding.
    DiedUnwinding,
    /// A batch was submitted again because its admission was never durable.
    SubmittedAgain,
    /// A batch was resumed.
    Resumed,
    /// A batch was resumed more than once.
    ResumedAgain,
    /// A stale owner's append was refused.
    StaleOwnerRefused,
    /// A stale owner handed over an order after another had taken the journal.
    StaleOwnerSent,
    /// A torn write was cut off.
    TornTailCut,
    /// Records that were written but not synced were lost.
    UnsyncedLost,
    /// Records that were written but not synced survived.
    UnsyncedSurvived,
    /// One sync made several appends durable.
    GroupSync,
    /// A batch was admitted although others fill the device: what they leave is above the floor.
    AdmittedAboveFloor,
    /// An append fitted below the floor, where no batch is admitted any more.
    AppendedBelowFloor,
    /// An admission was refused for want of room.
    AdmissionWaited,
    /// An append met a full device and ended its owner.
    FullDeviceMet,
    /// An append that was refused on a full device was on it all the same at the next start.
    RefusedAppendSurvived,
    /// A start found no room and gave up the ballast.
    BallastGivenUp,
    /// A batch came to its end on the place of the ballast.
    EndedOnBallast,
    /// The place of the ballast was used up too: a start was refused until there was room.
    StartWithoutRoom,
    /// A look was refused for credentials, and answered again before that was believed.
    RefusalPassed,
    /// Looks at an order were refused for so long that it was given up.
    RefusalBelieved,
    /// The user stopped a running batch.
    Stopped,
    /// A leg on an inverse contract filled.
    InverseFilled,
    /// A spot leg filled with its fee in the base asset.
    SpotFilled,
    /// A batch was done with a lot or more off its plan, because of spot fees that were not the expected ones.
    DoneBesideFees,
    /// A follower of a batch that was done matched a lot or more of such a difference.
    FeeDifferenceMatched,
    /// A leg on a hedge mode account filled.
    HedgeModeFilled,
    /// A leg on a shared account filled.
    SharedAccountFilled,
    /// Two batches traded one instrument at the same time.
    Contended,
    /// An order could not be resolved because the venue no longer lists it.
    LookupWindowPassed,
    /// A wait was announced while unwinding.
    BanWhileUnwinding,
    /// A batch on a class C venue was resolved by finding its order.
    ClassCFound,
    /// A plan was refused before admission.
    PlanRefused,
}

/// How often each situation and each fault was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    marks: Vec<u64>,
    faults: Vec<u64>,
}

impl Default for Tally {
    fn default() -> Self {
        Self { marks: vec![0; Mark::ALL.len()], faults: vec![0; Fault::ALL.len()] }
    }
}

impl Tally {
    pub(crate) fn hit(&mut self, mark: Mark) {
        self.marks[mark as usize] += 1;
    }

    pub(crate) fn add_faults(&mut self, struck: &[u64]) {
        for (count, more) in self.faults.iter_mut().zip(struck) {
            *count += more;
        }
    }

    /// Adds another tally.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.marks.iter_mut().zip(&other.marks) {
            *count += more;
        }
        self.add_faults(&other.faults);
    }

    /// Every situation and fault with its count.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let marks = Mark::ALL.iter().map(|mark| mark.name()).zip(self.marks.iter().copied());
        let faults = Fault::ALL.iter().map(|fault| fault.name()).zip(self.faults.iter().copied());
        marks.chain(faults)
    }

    /// Names of what was never reached.
    #[must_use]
    pub fn missed(&self) -> Vec<&'static str> {
        self.counts().filter(|(_, count)| *count == 0).map(|(name, _)| name).collect()
    }
}
