using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Plans;

namespace PyResolve.Server.Tests.Billing;

/// <summary>One order in which the events of a lifecycle arrive.</summary>
/// <param name="States">The states at Stripe in order; each causes an event.</param>
/// <param name="Plan">The plan that follows from the last state.</param>
/// <param name="Order">The numbers of the events in the order in which they arrive.</param>
internal sealed record ArrivalOrder(StripeSubscription[][] States, string Plan, int[] Order)
{
    /// <summary>The seed of everything else that happens at random.</summary>
    public int Seed { get; init; }

    /// <summary>Whether the person also returns from Stripe's pages, which reads from Stripe without a lease.</summary>
    public bool ComesBack { get; init; }
}

/// <summary>Changes of a customer's subscriptions in up to six steps, with every order in which their events may arrive.</summary>
internal static class Lifecycles
{
    private static readonly StripeSubscription Pro = Subscriptions.Pro();
    private static readonly StripeSubscription Unlimited = Subscriptions.Unlimited();

    private static readonly (StripeSubscription[][] States, string Plan)[] All =
    [
        ([[Pro], [Unlimited], [Pro], [Pro with { CancelAtPeriodEnd = true }], [Pro], [Pro.Cancelled()]], "free"),
        ([[Pro with { Status = "trialing" }], [Pro], [Pro with { Status = "past_due" }], [Pro], [Unlimited], [Pro]], "pro"),
        ([[Pro with { Status = "incomplete" }], [Pro], [Pro with { Status = "unpaid" }], [Pro.Cancelled()],
            [Pro.Cancelled(), Subscriptions.Pro(id: "sub_2")],
          [Pro.Cancelled(), Subscriptions.Unlimited(id: "sub_2")]], "unlimited"),
        ([[Unlimited], [Unlimited with { Status = "past_due" }], [Unlimited with { Status = "unpaid" }], [Unlimited],
            [Unlimited with { CancelAt = Subscriptions.PeriodEnd }]], "unlimited"),
        ([[Pro], [Pro with { Status = "paused" }], [Pro], [Pro, Subscriptions.Unlimited(id: "sub_2")],
            [Pro, Subscriptions.Unlimited(id: "sub_2").Cancelled()]], "pro"),
        ([[Unlimited], [Unlimited.Cancelled()], [Unlimited.Cancelled(), Subscriptions.Pro(id: "sub_2")],
            [Unlimited.Cancelled(), Subscriptions.Pro("canceled", "sub_2")]], "free"),
    ];

    public static int Count => All.Length;

    /// <summary>All orders of all lifecycles, or an even sample of them.</summary>
    public static List<ArrivalOrder> Orders(int most = int.MaxValue)
    {
        var all = All.SelectMany(static lifecycle => Permutations([.. Enumerable.Range(0, lifecycle.States.Length)])
            .Select(order => new ArrivalOrder(lifecycle.States, lifecycle.Plan, order))).ToList();
        var step = Math.Max(1, all.Count / most);
        return [.. all.Where((_, i) => i % step == 0).Select((order, i) => order with { Seed = i, ComesBack = i % 2 == 0 })];
    }

    private static IEnumerable<int[]> Permutations(int[] items) => items.Length <= 1
        ? [items]
        : items.SelectMany(first => Permutations([.. items.Where(item => item != first)]).Select(rest => (int[])[first, .. rest]));
}
