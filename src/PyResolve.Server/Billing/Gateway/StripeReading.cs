using System.Text.Json;
using System.Text.Json.Serialization;
using Stripe;

namespace PyResolve.Server.Billing.Gateway;

/// <summary>
/// Converts Stripe.net's records to ours, which are much smaller, and have null where an instant is missing, and not 1970-01-01.
/// </summary>
internal static class StripeReading
{
    public static StripeCustomer Customer(Customer from) => new(Required(from.Id, "id"))
    {
        Deleted = from.Deleted == true,
        Livemode = from.Livemode,
        Metadata = from.Metadata,
    };

    public static StripeCheckoutSession Checkout(Stripe.Checkout.Session from) => new(Required(from.Id, "id"))
    {
        Url = from.Url,
        Status = from.Status,
        Customer = from.CustomerId,
        Subscription = from.SubscriptionId,
        ClientReferenceId = from.ClientReferenceId,
        Metadata = from.Metadata,
        ExpiresAt = Instant(from.ExpiresAt),
    };

    public static StripeSubscription Subscription(Subscription from)
    {
        var items = from.Items is null
            ? null
            : new StripeList<StripeSubscriptionItem>(from.Items.Data.ConvertAll(Item), from.Items.HasMore);
        return new StripeSubscription(Required(from.Id, "id"))
        {
            Customer = from.CustomerId,
            Status = Required(from.Status, "status"),
            Items = items,
            CancelAt = Instant(from.CancelAt),
            CancelAtPeriodEnd = from.CancelAtPeriodEnd,
            CurrentPeriodEnd = items?.Data.Any(static item => item.CurrentPeriodEnd is not null) == true
                ? null
                : Instant(from, "current_period_end"),
            PauseCollection = from.PauseCollection is null ? null : new StripePauseCollection(from.PauseCollection.Behavior),
            Created = Instant(from.Created),
            TrialEnd = Instant(from.TrialEnd),
            LatestInvoice = from.LatestInvoice is null ? null : Invoice(from.LatestInvoice),
            NextPhase = NextPhase(from.Schedule),
            Metadata = from.Metadata,
        };
    }

    private static StripePhase? NextPhase(SubscriptionSchedule? schedule)
    {
        if (Instant(schedule?.CurrentPhase?.EndDate) is not { } end)
            return null;
        var next = schedule!.Phases?.Find(phase => Instant(phase.StartDate) >= end);
        return next is null
            ? null
            : new StripePhase(Instant(next.StartDate)!.Value, [.. (next.Items ?? []).Select(static item => item.PriceId).OfType<string>()]);
    }

    public static StripeSubscriptionItem Item(SubscriptionItem from) => new(Required(from.Id, "id"))
    {
        Price = from.Price is null ? null : Price(from.Price),
        // Of a metered price it is not sent, and Stripe.net has 0.
        Quantity = from.Price?.Recurring?.UsageType == "metered" ? null : from.Quantity,
        CurrentPeriodStart = Instant(from.CurrentPeriodStart),
        CurrentPeriodEnd = Instant(from.CurrentPeriodEnd),
    };

    public static StripeInvoice Invoice(Invoice from) => new(Required(from.Id, "id"))
    {
        Customer = from.CustomerId,
        Number = from.Number,
        Created = Instant(from.Created),
        Status = from.Status,
        BillingReason = from.BillingReason,
        AmountDue = from.AmountDue,
        AmountPaid = from.AmountPaid,
        Currency = from.Currency,
        HostedUrl = from.HostedInvoiceUrl,
        PdfUrl = from.InvoicePdf,
    };

    public static StripeCharge Charge(Charge from) => new(Required(from.Id, "id"))
    {
        Customer = from.CustomerId,
        Disputed = from.Disputed,
        PaymentIntent = from.PaymentIntentId,
    };

    /// <returns>null where the invoice is not a subscription's. The invoice has to be expanded.</returns>
    public static string? SubscriptionOf(InvoicePayment from) => from.Invoice?.Parent?.SubscriptionDetails?.SubscriptionId;

    public static StripeDispute Dispute(Dispute from) =>
        new(Required(from.Id, "id")) { Status = from.Status, Created = Instant(from.Created) };

    public static StripePrice Price(Price from) => new(Required(from.Id, "id"))
    {
        LookupKey = from.LookupKey,
        Product = from.ProductId,
        Recurring = from.Recurring is null
            ? null
            : new StripeRecurring(from.Recurring.Interval, from.Recurring.UsageType) { Meter = from.Recurring.Meter },
        Plan = from.Metadata?.GetValueOrDefault("plan"),
        UnitAmount = from.UnitAmount,
        Currency = from.Currency,
        Active = from.Active,
        Livemode = from.Livemode,
    };

    public static StripeProduct Product(Product from) => new(Required(from.Id, "id"))
    {
        Name = from.Name,
        TaxCode = from.TaxCodeId,
        Metadata = from.Metadata,
    };

    public static StripePortalSession Portal(Stripe.BillingPortal.Session from) => new(Required(from.Url, "url"));

    public static StripePortalConfiguration PortalConfiguration(Stripe.BillingPortal.Configuration from) => new(Required(from.Id, "id"))
    {
        Active = from.Active,
        IsDefault = from.IsDefault,
        SwitchesPlans = from.Features?.SubscriptionUpdate?.Enabled == true,
        Prices = [.. (from.Features?.SubscriptionUpdate?.Products ?? []).SelectMany(static product => product.Prices ?? [])],
        ScheduledChanges =
            [.. (from.Features?.SubscriptionUpdate?.ScheduleAtPeriodEnd?.Conditions ?? []).Select(static condition => condition.Type)],
        Metadata = from.Metadata,
    };

    public static StripeWebhookEndpoint Endpoint(
        global::Stripe.WebhookEndpoint from) => new(Required(from.Id, "id"), Required(from.Url, "url"))
    {
        EnabledEvents = from.EnabledEvents,
        ApiVersion = from.ApiVersion,
        Status = from.Status,
        Secret = from.Secret,
    };

    public static StripeEvent Event(JsonElement from) => new(Required(Text(from, "id"), "id"))
    {
        Object = Text(from, "object"),
        Type = Text(from, "type"),
        Livemode = from.TryGetProperty("livemode", out var livemode) && livemode.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? livemode.GetBoolean()
            : null,
        Created = from.TryGetProperty("created", out var created) ? DateTimeOffset.FromUnixTimeSeconds(created.GetInt64()) : null,
        Data = from.TryGetProperty("data", out var data) && data.TryGetProperty("object", out var subject) ? new(subject.Clone()) : null,
    };

    private static string? Text(JsonElement from, string member) => from.TryGetProperty(member, out var value) ? value.GetString() : null;

    private static string Required(string? value, string member) => value ?? throw new JsonException($"The member {member} is missing.");

    private static DateTimeOffset? Instant(DateTime? from) =>
        from is { } instant && instant > DateTime.UnixEpoch ? new DateTimeOffset(instant, TimeSpan.Zero) : null;

    /// <summary>Reads an instant that only earlier API versions have: Stripe.net's type has no property for it.</summary>
    private static DateTimeOffset? Instant(StripeEntity from, string member) =>
        from.RawJsonElement is { } json && json.TryGetProperty(member, out var value) && value.TryGetInt64(out var seconds)
            ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            : null;
}

/// <summary>
/// A page of events as Stripe wrote them, in the API version of their time, which Stripe.net's types may not be able to read.
/// </summary>
internal sealed class EventPage : IStripeEntity
{
    [JsonPropertyName("data")]
    public List<JsonElement> Data { get; init; } = [];

    [JsonPropertyName("has_more")]
    public bool HasMore { get; init; }

    [JsonIgnore]
    public StripeResponse? StripeResponse { get; set; }
}
