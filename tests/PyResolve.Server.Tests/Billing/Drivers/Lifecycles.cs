using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Plans;

namespace PyResolve.Server.Tests.Billing;

/// <summary>One order in which the events of a lifecycle arrive.</summary>
/// <param name="States">What Stripe has, one state after the other, with an event each.</param>
/// <param name="Plan">What the last state comes to.</param>
/// <param name="Order">Which event arrives when.</param>
internal sealed record ArrivalOrder(StripeSubscription[][] States, string Plan, int[] Order)
{
    /// <summary>What else happens, by chance, is the same for the same number.</summary>
    public int Seed { get; init; }

    /// <summary>Whether a person comes back from Stripe's pages meanwhile, who waits for no lease.</summary>
    public bool ComesBack { get; init; }
}

/// <summary>What may happen to a customer's subscriptions, in up to six steps, and every order in which Stripe may tell of it.</summary>
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

    /// <summary>All orders of all lifecycles, or so many of them at even distances.</summary>
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
