using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Email;
using PyResolve.Server.Hosting;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;
using static PyResolve.Server.Pages.DateText;

namespace PyResolve.Server.Billing.Emails;

/// <summary>The state is read when an email is written: one whose cause has passed is not sent.</summary>
internal sealed class BillingEmailTexts(
    Database database, BillingOptions options, PlanCatalog plans, ProductOptions product, PublicUrl publicUrl, TimeProvider time)
{
    private sealed record Subscription(
        string Plan, string? Status, DateTimeOffset? PlanUntil, string PlanThen, DateTimeOffset? GraceEndsAt, DateTimeOffset? TrialEndsAt);

    private sealed record Recipient(string Email, ProfilePlan Profile);

    public static bool Has(string kind) => kind is BillingEmails.PaymentFailed or BillingEmails.TrialEnding
        or BillingEmails.PlanEnding or BillingEmails.GivenPlanEnding;

    public async Task<EmailMessage?> ComposeAsync(string kind, Guid userId, string subject, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        var to = await database.FirstAsync(
            $"select email, {ProfilePlan.Columns} from profiles where id = {userId} and email <> '' and deleted_at is null",
            static row => new Recipient(row.Text(0), ProfilePlan.Read(row, 1)),
            cancellationToken);
        if (to is null)
            return null;
        if (kind == BillingEmails.GivenPlanEnding)
            return to.Profile is { OverrideUntil: { } end } profile && end == profile.Until && end > now ? GivenPlanEnding(to, end) : null;
        var subscription = await database.FirstAsync(
            $"""
            select plan, status, plan_until, plan_then, grace_ends_at, trial_ends_at from billing_customers
            where origin = {options.Origin} and user_id = {userId} and subscription_id = {subject} and unlinked_at is null
            """,
            static row => new Subscription(
                row.Text(0), row.TextOrNull(1), row.InstantOrNull(2), row.Text(3), row.InstantOrNull(4), row.InstantOrNull(5)),
            cancellationToken);
        return (kind, subscription) switch
        {
            (BillingEmails.PaymentFailed, { Status: "past_due" }) => PaymentFailed(to, subscription, now),
            (BillingEmails.TrialEnding, { TrialEndsAt: { } end }) when end > now => TrialEnding(to, subscription, end),
            (BillingEmails.PlanEnding, { PlanUntil: { } end }) when end > now => PlanEnding(to, subscription, end),
            _ => null,
        };
    }

    /// <summary>What the account has when the subscription's plan ends: another subscription's, or what an operator gave.</summary>
    private string Following(Recipient to, Subscription subscription, DateTimeOffset end)
    {
        var profile = to.Profile;
        var given = profile.IsSetByOperator ? profile.Plan : profile.OverrideUntil <= end ? null : profile.Override;
        return TitleOf(plans.Greater(subscription.PlanThen, given));
    }

    private string TitleOf(string plan) => plans[plan].Title;

    private string BillingPage => $"{publicUrl.Value}/billing";

    private EmailMessage PaymentFailed(Recipient to, Subscription subscription, DateTimeOffset now) => new(
        to.Email,
        "A payment for your plan failed",
        $"""
        The last payment for your {product.Name} subscription did not go through. {Consequence(to, subscription, now)}

        Stripe tries again by itself. To pay in another way, open the portal from your billing page:

        {BillingPage}
        """);

    private string Consequence(Recipient to, Subscription subscription, DateTimeOffset now)
    {
        var profile = to.Profile;
        if (subscription.GraceEndsAt is not { } end || end <= now)
            return $"Until it is paid, your account is on the {TitleOf(profile.Until <= now ? profile.Then : profile.Plan)} plan.";
        return $"Your {TitleOf(subscription.Plan)} plan continues until {Day(end)}, and ends then unless it is paid. "
            + $"After that your account is on the {Following(to, subscription, end)} plan.";
    }

    private EmailMessage TrialEnding(Recipient to, Subscription subscription, DateTimeOffset end) => new(
        to.Email,
        $"Your trial ends on {Day(end)}",
        $"""
        {TrialEnd(plans[subscription.Plan], end)}

        To see what it costs, to change how you pay, or to cancel, open the portal from your billing page:

        {BillingPage}
        """);

    private string TrialEnd(Plan plan, DateTimeOffset end) =>
        $"The trial of your {plan.Title} plan at {product.Name} ends on {Day(end)}, and the first payment is taken then."
        + (plan.TrialNeedsCard ? "" : " Without a way to pay, the plan pauses until there is one.");

    private EmailMessage PlanEnding(Recipient to, Subscription subscription, DateTimeOffset end) => new(
        to.Email,
        $"Your {TitleOf(subscription.Plan)} plan ends on {Day(end)}",
        $"""
        Your {TitleOf(subscription.Plan)} plan at {product.Name} was cancelled and ends on {Day(end)}.
        After that your account is on the {Following(to, subscription, end)} plan.
        {plans[subscription.Plan].LastCharge}

        To keep the plan, open the portal from your billing page before that day:

        {BillingPage}
        """);

    /// <summary>An operator names the last day.</summary>
    private EmailMessage GivenPlanEnding(Recipient to, DateTimeOffset end) => new(
        to.Email,
        $"Your {TitleOf(to.Profile.Plan)} plan ends on {Day(end.AddTicks(-1))}",
        $"""
        The operator of {product.Name} gave your account the {TitleOf(to.Profile.Plan)} plan until the end of {Day(end.AddTicks(-1))} (UTC).
        After that it is on the {TitleOf(to.Profile.Then)} plan.

        To see the plans that you can choose, open your billing page:

        {BillingPage}
        """);
}
