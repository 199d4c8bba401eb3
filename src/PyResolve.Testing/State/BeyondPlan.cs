using PyResolve.Client.Wire;

namespace PyResolve.Testing.State;

/// <summary>Prepaid credits of an account, and the overage that it allows itself.</summary>
internal sealed class BeyondPlan(AccountState account)
{
    /// <summary>Ever given; <see langword="null"/>: the account's plan does not draw on credits.</summary>
    private long? _given;
    private (string Plan, long Units)? _cap;

    /// <summary>Setting it gives or takes what is missing.</summary>
    public long? Credits
    {
        get => _given is { } given ? Math.Max(0, given - CoveredByCredits(month: null)) : null;
        set => _given = value is { } left ? left + CoveredByCredits(month: null) : null;
    }

    /// <summary>It counts for the plan that the account had when it was set, for as long as a subscription bills it.</summary>
    public long Cap => account.Subscription is not null && _cap is { } cap && cap.Plan == account.Plan ? cap.Units : 0;

    public void SetCap(long units) => _cap = units == 0 ? null : (account.Plan, units);

    /// <summary>Of the units that are used or held.</summary>
    /// <param name="month">Default: of all months.</param>
    public long CoveredByCredits(string? month) => Of(month).Sum(reservation => reservation.Covered(Spent(reservation)).Credits);

    /// <inheritdoc cref="CoveredByCredits"/>
    public long Overage(string month) => Of(month).Sum(reservation => reservation.Covered(Spent(reservation)).Overage);

    /// <summary>What a reservation has to draw, of what the plan does not cover: credits first.</summary>
    /// <returns>null where that is not enough.</returns>
    public (int Credits, int Overage)? Draw(int missing, string month)
    {
        var credits = (int)Math.Min(missing, Credits ?? 0);
        var overage = missing - credits;
        return overage <= Left(month) ? (credits, overage) : null;
    }

    public ReservationReceipt ReceiptOf(FakeReservation reservation) => reservation.ReceiptAfter(Spent(reservation));

    public long Left(string month) => Math.Max(0, Cap - Overage(month));

    private IEnumerable<FakeReservation> Of(string? month) => account.Reservations.Where(
        reservation => reservation is { Credits: > 0 } or { Overage: > 0 } && (month is null || reservation.Month == month));

    private int Spent(FakeReservation reservation) => account.Events
        .Where(recorded => recorded.Event.ReservationId == reservation.Id)
        .Sum(static recorded => recorded.Migrations);
}
