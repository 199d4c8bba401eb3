using PyResolve.Client.Wire;
using PyResolve.Server.Http;

namespace PyResolve.Server.Ledger;

internal static class RecordOutcomes
{
    /// <summary>What is answered to an event that was not stored; <see langword="null"/> where it is.</summary>
    public static Problem? ToProblem(this RecordOutcome outcome) => outcome switch
    {
        RecordOutcome.Recorded or RecordOutcome.Duplicate => null,
        RecordOutcome.Conflict => Problems.Conflict("Another usage event has this id already. Use a new id for each event."),
        RecordOutcome.NoSuchReservation => Problems.Invalid("reservation_id", "There is no such reservation."),
        RecordOutcome.OtherTier => Problems.Invalid("tier", "must be that of the reservation."),
        RecordOutcome.Refused => Problems.Invalid("body", "has a value that the store does not take. Leave out what is unusual in it, such as in metadata."),
        _ => throw new ArgumentOutOfRangeException(nameof(outcome), outcome, "Which problem is it?"),
    };
}
