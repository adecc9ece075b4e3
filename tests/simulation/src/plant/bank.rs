//! The rows of the bank.

use serde::{Deserialize, Serialize};

use crate::check::Claim;
use crate::fault::Fault;

/// One row: a planted bug and what must come of it.
#[derive(Debug, Clone, Copy)]
pub struct Planted {
    /// Which.
    pub plant: Plant,
    /// What it breaks.
    pub breaks: &'static str,
    /// The rule of the failure model it goes against.
    pub rule: &'static str,
    /// Faults switched on beside those of the seed, without which the bug would hardly ever act.
    pub with: &'static [Fault],
    /// Claims of which one must be what notices it.
    pub by: &'static [Claim],
    /// Seeds within which it must be noticed.
    pub within: u64,
}

macro_rules! bank {
    ($($name:ident: $breaks:literal, $rule:literal, with [$($fault:ident)*], by [$($claim:ident)*], within $within:literal;)+) => {
        /// One planted bug.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Plant {
            $(#[doc = $breaks] $name,)+
        }

        impl Plant {
            /// The whole bank, in order of declaration.
            pub const BANK: &[Planted] = &[$(Planted {
                plant: Plant::$name,
                breaks: $breaks,
                rule: $rule,
                with: &[$(Fault::$fault),*],
                by: &[$(Claim::$claim),*],
                within: $within,
            },)+];
        }
    };
}

bank! {
    SendBeforeSync: "Orders leave before their intent is durable.", "S3", with [], by [S3], within 20;
    AcknowledgeBeforeSync: "Appends are reported durable as soon as they are written.", "S3", with [], by [S3], within 20;
    FullDeviceIgnored: "An append that met a full device is reported durable.", "P4", with [DiskFull], by [S3], within 300;
    EpochNotChecked: "The owner epoch of an append is not checked.", "R3", with [TakeOver], by [Sequence S3], within 30;
    DeadlineAtSend: "The deadline is computed again when an order is sent.", "R2", with [], by [S3], within 10;
    RoundedAgainAtSend: "The quantity is rounded once more when an order is sent.", "R1", with [], by [S3], within 10;
    HandOverTwice: "An order is handed over twice.", "R9", with [], by [S1], within 10;
    HalfWave: "Each order of a wave goes by its own window, so half a wave leaves.", "R2", with [SlowSync], by [R2], within 300;
    UnknownAsRefused: "An answer that says nothing, a 5xx, is taken for a refusal.", "R6", with [AcceptedThenUnknown], by [R6], within 30;
    LostReplyAsRefused: "A lost answer is taken for a refusal.", "R6", with [LostReply], by [R6], within 30;
    LostReplyAsUnsent: "A lost answer is taken for an order that never left.", "R2", with [LostReply], by [R2], within 30;
    RateLimitAsFinal: "A rate limit is taken for a final refusal.", "V5", with [Ban], by [R6], within 20;
    BanIgnored: "The wait that a rate limit announces is dropped.", "V5", with [Ban], by [R6], within 20;
    NotFoundAsRejected: "An order that is not found is taken for rejected.", "R4", with [QueryLag], by [R4], within 50;
    OneSearchRound: "One search proves absence instead of two.", "R4", with [LostRequest], by [R4], within 50;
    AbsenceByLocalClock: "The venue's time is taken from a clock that runs ahead.", "R4", with [SlowMatching], by [R4 S4 V15], within 150;
    BeyondLookupWindow: "Absence is judged after the venue stopped listing orders that old.", "R4", with [ShortLookup], by [R4 S4], within 150;
    TimeoutDecidesDoubt: "The leg timeout decides an order in doubt.", "R6", with [LostReply], by [R4], within 50;
    NewIdBeforeOldIsClosed: "A further attempt is written before the one before is closed.", "R5", with [LostReply], by [R5], within 50;
    SentAgainOnClassB: "The same id is sent again where the venue does not remember ids.", "R4", with [LostReply], by [S1 V15 R4], within 30;
    HorizonIgnored: "The same id is sent again after the venue has forgotten it.", "R4", with [ShortMemory], by [S1 R4], within 150;
    DoubtIgnored: "An order in doubt holds back no wave.", "K1", with [LostReply], by [K1], within 30;
    UnwindsWhileInDoubt: "One leg is taken back while another is in doubt.", "K1", with [LostReply], by [K1], within 50;
    CancelAsNothingFilled: "A cancel acknowledgement is taken for an end without fills.", "V8", with [SlowCancel], by [S4 S2], within 30;
    PartialAsWhole: "A partly filled order is taken for one that has ended.", "V3", with [ThinBook], by [S4 S2], within 30;
    ExecutedMayFall: "An older answer takes back what a newer one said was executed.", "V4", with [StaleStatus], by [S4 S2 K1 R5 Memory], within 150;
    SecondOrderDropped: "Only the first order under an id is looked at.", "V15", with [Duplicate], by [V15 S4], within 30;
    AuditBeforeMargin: "An order counts as audited as soon as it has ended.", "V15", with [LateDuplicate], by [V15 S4 S2], within 20;
    HalfListingAsWhole: "A look without its listing counts as complete.", "R4", with [QueryFailure], by [V15 S4 S2 R4], within 500;
    LateFillDropped: "What fills after its attempt was closed is not recorded.", "R8", with [LateDuplicate], by [V15 S4], within 20;
    AbsentIsFinal: "What executes after its absence was proven is not recorded.", "R8", with [ExecutedBeyondMargin LostReply], by [V15 S4], within 1000;
    LateFillUnalarmed: "What executes after its absence was proven is recorded without an alarm.", "V15", with [ExecutedBeyondMargin LostReply], by [V15], within 500;
    LastTradeDropped: "The last trade of an order is left out.", "S4", with [], by [S4 S2], within 30;
    TradeCountedTwice: "A trade that two listings name differently counts twice.", "R8", with [], by [S4 Memory], within 20;
    ActBeforeAsking: "A start acts before it has asked.", "R11", with [Kill], by [Liveness S4], within 100;
    CompensatesTwice: "A start takes back once more what was taken back.", "P1", with [Kill], by [K2 K3], within 60;
    JournalRounds: "The journal keeps another quantity than the live batch.", "P1", with [], by [Shadow], within 20;
    PositionTurned: "The account's position is read with its sign turned.", "K5", with [], by [FalseDrift], within 150;
    ReduceOnlyAlways: "Every unwind order carries the reduce-only flag.", "K5", with [], by [K5], within 30;
    UnwindRaisesDelta: "An unwind order trades in the direction of the residual.", "K3", with [], by [K3 K2], within 30;
    UnwindFromAccount: "Unwind orders are sized by the account's position.", "K2", with [], by [K2 K3], within 50;
    GrossSpotUnwind: "Fees taken from the base asset are not counted.", "K2", with [], by [K2 S2 K3], within 30;
    HedgesPlannedSize: "A follower is sized by what its source was to fill.", "K2", with [ThinBook], by [K2], within 30;
    RoundingUp: "Quantities are rounded up to lots.", "R12", with [], by [K2 S2 K3], within 30;
    FloatSum: "Received quantities are summed as floating point numbers.", "R12", with [], by [S2 FalseDrift K2], within 20;
    InverseAtFillPrice: "Inverse delta is converted fill by fill, at each one's own price.", "K7", with [WildPrices], by [Needless S2 K3 Liveness], within 30;
    DustTradable: "What could still be traded is called dust.", "K6", with [ThinBook], by [S2], within 30;
    DoneThoughShort: "A batch whose legs fell short is called done.", "S2", with [], by [S2], within 30;
    AnyFeeExcuses: "An excess as large as any spot fee, whatever it was paid in, is called done.", "S2", with [BareBook], by [S2], within 500;
    ParkedWithoutRange: "A parked report with an order in doubt names no range.", "S2", with [], by [S2], within 300;
    RecordsRepeated: "Whatever a look shows is recorded, news or not.", "P9", with [QueryFailure], by [Memory], within 30;
    DoubtRepeated: "A look that finds nothing is recorded as a doubt, again and again.", "P9", with [LostRequest QueryLag], by [Memory Bounds], within 30;
    AlarmRepeated: "An alarm is raised again at each look.", "V15", with [Duplicate], by [Memory], within 30;
    OverAskedAbout: "Orders that are over are asked about for ever.", "R10", with [], by [Memory], within 10;
    UnwindPausesForgotten: "A fruitless unwind order is followed by the next at once.", "R10", with [NotConnected], by [Bounds], within 30;
    StartedAgain: "A look is started while the one before is under way.", "R9", with [LostReply], by [Memory], within 30;
    WakingsQueued: "Wakings queue up while an append is under way.", "P3", with [SlowSync], by [Memory], within 30;
    WakesItself: "Each waking records something, so that another one follows at once.", "P3", with [], by [Rest], within 10;
    FoundAsMissing: "A look that shows an order is recorded as a search that found nothing.", "R4", with [], by [Apply], within 20;
    LastAppendUnread: "A start does not read the last append.", "P1", with [Kill], by [Replay], within 50;
    OrderAtEachStart: "Each start writes one more attempt before it has asked.", "R11", with [Kill], by [ResumeTwice], within 150;
    EntryAfterStop: "A leg is tried again although the user has stopped.", "O4", with [UserStop], by [Order], within 300;
    PausesIgnored: "A fruitless query is repeated without a pause.", "R9", with [QueryFailure], by [Bounds], within 30;
}
