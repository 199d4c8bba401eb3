using PyResolve.Client.Wire;

namespace PyResolve.Server.Ledger;

/// <summary>How an attempt to record an event ended. Only <see cref="Recorded"/> has stored anything.</summary>
internal enum RecordOutcome
{
    Recorded,

    /// <summary>The same event was recorded before.</summary>
    Duplicate,

    /// <summary>Another event has this id.</summary>
    Conflict,

    ReservationNotFound,
    TierMismatch,

    /// <summary>The event passed every rule, but the database does not accept it.</summary>
    RejectedByStore,
}

internal static class RecordOutcomes
{
    public static Problem? ToProblem(this RecordOutcome outcome) => outcome switch
    {
        RecordOutcome.Recorded or RecordOutcome.Duplicate => null,
        RecordOutcome.Conflict => Problems.Conflict(ProblemTexts.EventIdTaken),
        RecordOutcome.ReservationNotFound => Problems.Invalid("reservation_id", ProblemTexts.ReservationNotFound),
        RecordOutcome.TierMismatch => Problems.Invalid("tier", ProblemTexts.NotOfReservation),
        RecordOutcome.RejectedByStore => Problems.Invalid(
            "body", "has a value that the store does not take. Leave out what is unusual in it, such as in metadata."),
        _ => throw new ArgumentOutOfRangeException(nameof(outcome), outcome, "Unknown outcome."),
    };
}
