using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Email;
using PyResolve.Server.Hosting;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;
using static PyResolve.Server.Pages.DateText;

namespace PyResolve.Server.Billing.Letters;

/// <summary>The state is read when an email is written: one whose cause has passed is not sent.</summary>
internal sealed class BillingLetterTexts(
    Database database, BillingOptions options, PlanCatalog plans, ProductOptions product, PublicUrl publicUrl, TimeProvider time)
{
    private sealed record Recipient(
        string Email, string Plan, string? Status, DateTimeOffset? PlanUntil, DateTimeOffset? GraceEndsAt, DateTimeOffset? TrialEndsAt);

    public static bool Has(string kind) =>
        kind is BillingLetters.PaymentFailed or BillingLetters.TrialEnding or BillingLetters.PlanEnding;

    public async Task<EmailMessage?> ComposeAsync(
        string kind, Guid userId, string subscriptionId, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        var found = await database.FirstAsync(
            $"""
            select p.email, c.plan, c.status, c.plan_until, c.grace_ends_at, c.trial_ends_at from billing_customers c
            join profiles p on p.id = c.user_id
            where c.origin = {options.Origin} and c.user_id = {userId} and c.subscription_id = {subscriptionId} and c.unlinked_at is null
              and p.email <> '' and p.deleted_at is null
            """,
            static row => new Recipient(
                row.Text(0), row.Text(1), row.TextOrNull(2), row.InstantOrNull(3), row.InstantOrNull(4), row.InstantOrNull(5)),
            cancellationToken);
        return (kind, found) switch
        {
            (BillingLetters.PaymentFailed, { Status: "past_due" }) => PaymentFailed(found, now),
            (BillingLetters.TrialEnding, { TrialEndsAt: { } end }) when end > now => TrialEnding(found, end),
            (BillingLetters.PlanEnding, { PlanUntil: { } end }) when end > now => PlanEnding(found, end),
            _ => null,
        };
    }

    private string Free => plans.WithoutPayment.Name;

    private string BillingPage => $"{publicUrl.Value}/billing";

    private EmailMessage PaymentFailed(Recipient recipient, DateTimeOffset now) => new(
        recipient.Email,
        "A payment for your plan failed",
        $"""
        The last payment for your {product.Name} subscription did not go through. {Consequence(recipient, now)}

        Stripe tries again by itself. To pay in another way, open the portal from your billing page:

        {BillingPage}
        """);

    private string Consequence(Recipient recipient, DateTimeOffset now) => recipient.GraceEndsAt > now
        ? $"Your {recipient.Plan} plan continues until {Day(recipient.GraceEndsAt.Value)}, and ends then unless it is paid."
        : $"Until it is paid, your account is on the {Free} plan.";

    private EmailMessage TrialEnding(Recipient recipient, DateTimeOffset end) => new(
        recipient.Email,
        $"Your trial ends on {Day(end)}",
        $"""
        {TrialEnd(recipient, end)}

        To see what it costs, to change how you pay, or to cancel, open the portal from your billing page:

        {BillingPage}
        """);

    private string TrialEnd(Recipient recipient, DateTimeOffset end) =>
        $"The trial of your {recipient.Plan} plan at {product.Name} ends on {Day(end)}, and the first payment is taken then."
        + (plans[recipient.Plan].TrialNeedsCard ? "" : " Without a way to pay, the plan pauses until there is one.");

    private EmailMessage PlanEnding(Recipient recipient, DateTimeOffset end) => new(
        recipient.Email,
        $"Your {recipient.Plan} plan ends on {Day(end)}",
        $"""
        Your {recipient.Plan} plan at {product.Name} was cancelled and ends on {Day(end)}. After that your account is on the {Free} plan.
        {plans[recipient.Plan].LastCharge}

        To keep the plan, open the portal from your billing page before that day:

        {BillingPage}
        """);
}
