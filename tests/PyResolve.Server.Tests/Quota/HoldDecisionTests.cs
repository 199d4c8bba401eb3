using PyResolve.Client.Wire;
using PyResolve.Server.Ledger;
using PyResolve.Server.Plans;
using PyResolve.Server.Quota;

namespace PyResolve.Server.Tests.Quota;

/// <summary>How a group of requests is decided: as if each were alone, in the order of arrival.</summary>
public sealed class HoldDecisionTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 15, 12, 0, 0, TimeSpan.Zero);
    private static readonly Guid Ada = Guid.Parse("019ab3c2-7d1e-7c4a-9f0b-000000000001");

    private readonly HoldDecisions _decisions = new(Now, givesLeases: true);

    public HoldDecisionTests() => _decisions.Add(Ada, new Plan("pro", 10, LlmAllowed: true, Price: null), new MonthStanding(Used: 2, Held: 1));

    [Fact]
    public void One_that_is_too_large_does_not_stand_in_the_way_of_those_after_it()
    {
        int[] wanted = [4, 8, 2, 2, 1];

        var granted = wanted.Select(quantity => Decide(quantity) is HoldOutcome.Granted).ToArray();

        granted.ShouldBe([true, false, true, false, true]);
        _decisions.Months.All.Single().Held.ShouldBe(7);
    }

    [Fact]
    public void Each_receipt_says_what_was_used_and_held_just_before_it()
    {
        var receipts = new[] { Decide(3), Decide(4) }.OfType<HoldOutcome.Granted>().Select(granted => granted.Hold.Receipt).ToArray();

        receipts.Select(receipt => (receipt.UsedBefore, receipt.HeldBefore)).ShouldBe([(2, 1), (2, 4)]);
    }

    [Fact]
    public void The_quota_in_an_answer_is_the_one_right_after_it()
    {
        var quotas = new[] { Decide(3), Decide(4) }.OfType<HoldOutcome.Granted>().Select(granted => granted.Quota!).ToArray();

        quotas.Select(quota => (quota.MigrationsHeld, quota.MigrationsRemaining.Value)).ShouldBe([(4, 4L), (8, 0L)]);
    }

    [Fact]
    public void A_refusal_says_what_stood_in_its_way()
    {
        Decide(7);

        Decide(1).ShouldBe(new HoldOutcome.QuotaExceeded("pro", 10, Used: 2, Held: 8, Asked: 1, new DateTimeOffset(2026, 12, 1, 0, 0, 0, TimeSpan.Zero)));
    }

    [Fact]
    public void A_retry_in_the_same_group_gets_the_answer_of_the_first_and_of_a_refused_first_its_own()
    {
        Decide(20, "big").ShouldBeOfType<HoldOutcome.QuotaExceeded>();
        var first = (HoldOutcome.Granted)Decide(2, "small");

        ((HoldOutcome.Granted)Decide(2, "small")).Hold.Id.ShouldBe(first.Hold.Id);
        Decide(3, "small").ShouldBeOfType<HoldOutcome.Conflict>();
        ((HoldOutcome.Granted)Decide(5, "big")).IsNew.ShouldBeTrue();
    }

    [Fact]
    public void What_is_due_makes_room_first()
    {
        var due = ((HoldOutcome.Granted)Decide(7)).Hold with { ExpiresAt = Now };

        _decisions.Settle(due, due.At(Now));

        Decide(7).ShouldBeOfType<HoldOutcome.Granted>();
    }

    private HoldOutcome Decide(int quantity, string? idempotencyKey = null) => _decisions.Decide(new HoldItem(
        Ada, new HoldRequest(quantity, "tier1", null, TimeSpan.FromMinutes(15), null, null), idempotencyKey, [(byte)quantity]));
}
