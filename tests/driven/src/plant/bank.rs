//! The rows of the bank.

/// One row: a planted bug and what must come of it.
#[derive(Debug, Clone, Copy)]
pub struct Planted {
    /// Which.
    pub plant: Plant,
    /// What it breaks.
    pub breaks: &'static str,
    /// The rule of the failure model it goes against.
    pub rule: &'static str,
    /// Beginnings of the claims of which one must be what notices it.
    pub by: &'static [&'static str],
    /// Seeds within which it must be noticed.
    pub within: u64,
}

macro_rules! bank {
    ($($name:ident: $breaks:literal, $rule:literal, by [$($claim:literal),*], within $within:literal;)+) => {
        /// One planted bug.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Plant {
            $(#[doc = $breaks] $name,)+
        }

        impl Plant {
            /// The whole bank, in order of declaration.
            pub const BANK: &[Planted] = &[$(Planted {
                plant: Plant::$name,
                breaks: $breaks,
                rule: $rule,
                by: &[$($claim),*],
                within: $within,
            },)+];
        }
    };
}

bank! {
    AnswersBeforeSync: "The journal answers before the device has synced.", "S3", by ["S3"], within 20;
    AdmissionNotSynced: "The admission and its first wave are not waited for.", "S3", by ["S3"], within 20;
    EndedForgotten: "The journal does not find batches that have ended.", "D1", by ["D1"], within 20;
    OccasionNotIndexed: "The index of occasions is empty.", "D3", by ["D3"], within 20;
    FreshNotNoticed: "A journal that knows no batch does not say so.", "D5", by ["D5"], within 20;
    OpenBatchesSkipped: "A start does not see the batches that are open.", "R11", by ["a batch goes on", "batches end"], within 50;
    LastRecordLost: "Reading leaves the last record of a batch out.", "P1", by ["batches end", "a batch goes on"], within 50;
    UnknownAsRefused: "An outcome that is unknown is taken for a refusal.", "R6", by ["S1", "S2", "S4", "R4"], within 200;
    NoAnswerAsNotSent: "A request without an answer is taken for one that never left.", "R2", by ["S1", "S2", "S4", "R4"], within 200;
    RepeatedByTransport: "The transport repeats a request that got no answer.", "R9", by ["S1"], within 200;
    QuestionsRepeated: "The transport asks every question ten times at once.", "V5", by ["V5"], within 20;
    ExecutedCreeps: "An order is shown a little further executed at each look.", "P9", by ["P9"], within 20;
    PlacedTwice: "The adapter sends an order twice.", "R9", by ["S1"], within 50;
    DeadlineAtSend: "The adapter adds to an order's deadline.", "R2", by ["S3"], within 20;
    RoundedUpAtSend: "The adapter rounds a quantity up.", "R12", by ["S3"], within 20;
    FlagAtSend: "The adapter sets the reduce-only flag on every order.", "K5", by ["S3"], within 20;
    SentAgainOnClassB: "An adapter promises that ids stay unique where they do not.", "R4", by ["S1", "V15"], within 300;
    MarginIgnored: "An adapter declares no margin after the deadline.", "R4", by ["R4 what was closed", "S1", "S2", "S4"], within 20;
    ListingErrorAsEmpty: "A listing that failed is taken for an empty one.", "R4", by ["V15", "R4", "S2", "S4"], within 200;
    SecondOrderDropped: "Only the first order under an id is shown.", "V15", by ["V15", "S2", "S4"], within 200;
    LastTradeDropped: "The last trade of an order is left out.", "S4", by ["S4", "S2"], within 100;
    TradesUnderOneId: "All trades of an order share one id.", "R8", by ["S4", "S2"], within 100;
    FeeAssetMistaken: "Fees are reported in the quote asset.", "K2", by ["S4"], within 50;
    ContractSizeForgotten: "A contract is taken for one base unit or one dollar.", "K7", by ["S2"], within 50;
    InverseAsLinear: "An inverse contract is taken for a linear one.", "K7", by ["S2"], within 50;
    FeesLeftOut: "Fees are not reported.", "K2", by ["S4"], within 20;
    PositionTurned: "The account's position is read with its sign turned.", "K5", by ["a calm world parks nothing"], within 300;
    CancelNotSent: "A cancel is acknowledged and not sent.", "V8", by ["a calm world parks nothing"], within 300;
    SecretInRequest: "The secret is sent along.", "A5", by ["A5"], within 20;
    SecretLogged: "The secret is logged.", "A5", by ["A5"], within 20;
}
