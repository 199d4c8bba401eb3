using PyResolve.Client.Wire;
using PyResolve.Server.Ledger;
using PyResolve.Server.Plans;
using PyResolve.Server.Quota;

namespace PyResolve.Server.Tests.Quota;

/// <summary>Requests of one group are decided in order of arrival, as if each were alone.</summary>
public sealed class ReservationDecisionTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 15, 12, 0, 0, TimeSpan.Zero);
    private static readonly Guid Ada = Guid.Parse("019ab3c2-7d1e-7c4a-9f0b-000000000001");

    private readonly ReservationDecisions _decisions = new(Now, givesLeases: true);

    public ReservationDecisionTests() =>
        _decisions.AddAccount(Ada, new Plan("pro", 10, LlmAllowed: true, Price: null), new MonthTotals(Used: 2, Held: 1, Extra: 0));

    [Fact]
    public void A_request_that_is_too_large_does_not_block_those_after_it()
    {
        int[] wanted = [4, 8, 2, 2, 1];

        var granted = wanted.Select(quantity => Decide(quantity) is ReservationOutcome.Granted).ToArray();

        granted.ShouldBe([true, false, true, false, true]);
        _decisions.Months.All.Single().Held.ShouldBe(7);
    }

    [Fact]
    public void Each_receipt_says_what_was_used_and_held_just_before_it()
    {
        var receipts = new[] { Decide(3), Decide(4) }.OfType<ReservationOutcome.Granted>().Select(
            granted => granted.Reservation.Receipt).ToArray();

        receipts.Select(receipt => (receipt.UsedBefore, receipt.HeldBefore)).ShouldBe([(2, 1), (2, 4)]);
    }

    [Fact]
    public void The_quota_in_an_answer_is_the_one_right_after_it()
    {
        var quotas = new[] { Decide(3), Decide(4) }.OfType<ReservationOutcome.Granted>().Select(granted => granted.Quota!).ToArray();

        quotas.Select(quota => (quota.MigrationsHeld, quota.MigrationsRemaining.Value)).ShouldBe([(4, 4L), (8, 0L)]);
    }

    [Fact]
    public void A_refusal_says_what_was_used_and_held()
    {
        Decide(7);

        Decide(1)
            .ShouldBe(
                new ReservationOutcome.QuotaExceeded(
                    "pro", 10, Used: 2, Held: 8, Asked: 1, new DateTimeOffset(2026, 12, 1, 0, 0, 0, TimeSpan.Zero)));
    }

    [Fact]
    public void A_retry_in_the_same_group_gets_the_answer_of_the_first_unless_that_was_refused()
    {
        Decide(20, "big").ShouldBeOfType<ReservationOutcome.QuotaExceeded>();
        var first = (ReservationOutcome.Granted)Decide(2, "small");

        ((ReservationOutcome.Granted)Decide(2, "small")).Reservation.Id.ShouldBe(first.Reservation.Id);
        Decide(3, "small").ShouldBeOfType<ReservationOutcome.Conflict>();
        ((ReservationOutcome.Granted)Decide(5, "big")).IsNew.ShouldBeTrue();
    }

    [Fact]
    public void Due_reservations_return_their_units_first()
    {
        var due = ((ReservationOutcome.Granted)Decide(7)).Reservation with { ExpiresAt = Now };

        _decisions.Settle(due, due.At(Now));

        Decide(7).ShouldBeOfType<ReservationOutcome.Granted>();
    }

    private ReservationOutcome Decide(int quantity, string? idempotencyKey = null) =>
        _decisions.Decide(new PendingReservation(Ada, quantity, "tier1", TimeSpan.FromMinutes(15), IdempotencyKey: idempotencyKey));
}
