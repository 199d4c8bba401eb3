using System.Globalization;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Plans;

namespace PyResolve.Server.Operators;

/// <summary>Says why an account is on its plan, in sentences.</summary>
internal static class PlanReasons
{
    public static IReadOnlyList<string> Explain(
        ProfilePlan profile, IReadOnlyList<AccountCustomer> customers, PlanCatalog plans, DateTimeOffset now)
    {
        var reasons = new List<string>();
        var hasEnded = profile.Until <= now && !profile.IsSetByOperator;
        var plan = hasEnded ? profile.Then : profile.Plan;
        if (hasEnded)
            reasons.Add($"The plan {plans.NameOf(profile.Plan)} ended on {Day(profile.Until)}.");
        if (profile.Override is { } set)
        {
            var end = profile.OverrideUntil is { } until ? $" until {Day(until)}" : "";
            var counts = plan == set ? "" : ", which counts for less than what the account has now";
            reasons.Add($"An operator set {set}{end}{counts}.");
        }
        else if (plan == PlanCatalog.Enterprise && !profile.IsByContract)
        {
            reasons.Add("It was set in the database by hand: no subscription gives enterprise.");
        }

        if (plan != PlanCatalog.Free && plans.Find(plan) is null)
            reasons.Add($"The catalogue has no plan {plan}: the plan without payment, {plans.WithoutPayment.Name}, counts.");
        reasons.AddRange(customers.Where(static customer => customer.IsLinked).Select(customer => Explain(customer, profile.Origin)));
        if (!hasEnded && profile.Until is { } ends && !profile.IsSetByOperator)
            reasons.Add($"It ends on {Day(ends)}; then the account is on {plans.NameOf(profile.Then)}.");
        if (reasons.Count == 0)
            reasons.Add("It never subscribed, and no operator set a plan.");
        return reasons;
    }

    private static string Explain(AccountCustomer customer, string? grantedBy)
    {
        var mode = customer.Origin switch
        {
            BillingOrigins.Live => "live mode",
            BillingOrigins.Test => "test mode",
            _ => "the simulator",
        };
        if (customer.SubscriptionId is null)
            return $"The customer {customer.Id} ({mode}) has no subscription.";
        var gives = customer.Plan == PlanCatalog.Free ? "no plan" : customer.Plan;
        var counts = customer.Plan == PlanCatalog.Free || customer.Origin == grantedBy ? "" : ", which does not count here";
        var grace = customer.GraceEndsAt is { } end ? $" A payment failed; the grace ends on {Day(end)}." : "";
        var cancelling = customer.Cancelling ? $" It is cancelled, and ends on {Day(customer.PeriodEnd)}." : "";
        var review = customer.Flags.Length > 0 ? $" To be reviewed: {customer.Flags}." : "";
        return $"The subscription {customer.SubscriptionId} ({mode}) is {customer.Status} and gives {gives}{counts}."
            + $"{grace}{cancelling}{review}";
    }

    private static string Day(DateTimeOffset? instant) =>
        instant?.UtcDateTime.ToString("d MMMM yyyy HH:mm 'UTC'", CultureInfo.InvariantCulture) ?? "a day that is not known";
}
