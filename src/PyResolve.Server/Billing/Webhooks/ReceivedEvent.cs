using System.Text.Json;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Http;

namespace PyResolve.Server.Billing.Webhooks;

/// <summary>
/// An event as it was received. Only id, type, livemode and the customer (for a dispute, the charge; in a thin event, the object that it
/// names) are read from the payload: its subscription may be out of date, and its format is that of the webhook endpoint's API version.
/// </summary>
internal sealed record ReceivedEvent(string Id, string Type, string? CustomerId, string Payload, string? IgnoredBecause)
{
    private const string ThinEvent = "v2.core.event";
    private const int MaxNameLength = 255;

    /// <summary>
    /// The note for an operator. A dispute, or a thin event of a refund, may be of credits, which a sync takes back, or of a plan, which it
    /// leaves.
    /// </summary>
    public string? NoteFor(BillingOptions options) => IgnoredBecause
        ?? ((StripeEvents.IsOfDispute(PlainType) && !options.DisputeEndsPlan) || (IsThin && PlainType == StripeEvents.Refund)
            ? BillingCustomers.ToReview
            : null);

    /// <summary>The type without the API's version, which a thin event has in front.</summary>
    public string PlainType => StripeEvents.NameOf(Type);

    private bool IsThin => PlainType != Type;

    public static ReceivedEvent? Read(string payload, BillingOptions options)
    {
        try
        {
            using var document = JsonDocument.Parse(payload);
            return Read(document.RootElement, payload, options);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: an escape is half of a surrogate pair.
            return null;
        }
    }

    public static ReceivedEvent? From(StripeEvent listed, BillingOptions options) =>
        listed.Type is { } type && listed.Data is { Object: var subject }
            ? Create(listed.Id, type, listed.Livemode, subject, subject.GetRawText(), options)
            : null;

    private static ReceivedEvent? Read(JsonElement root, string payload, BillingOptions options)
    {
        if (root.ValueKind is not JsonValueKind.Object || Name(root, "id") is not { } id || Name(root, "type") is not { } type)
            return null;
        var hasData = root.TryGetProperty("data", out var data) && data.ValueKind is JsonValueKind.Object;
        var subject = hasData && data.TryGetProperty("object", out var found) ? found : default;
        bool? livemode = root.TryGetProperty("livemode", out var value) && value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? value.GetBoolean()
            : null;
        return Name(root, "object") == ThinEvent
            ? CreateThin(id, type, livemode, root, payload, options)
            : Create(id, type, livemode, subject, payload, options);
    }

    /// <summary>Reads a thin event, which has no object, but names one.</summary>
    private static ReceivedEvent CreateThin(
        string id, string type, bool? livemode, JsonElement root, string payload, BillingOptions options)
    {
        var related = root.TryGetProperty("related_object", out var found) ? Name(found, "id") : null;
        var named = related is not null && (related.StartsWith("cus_", StringComparison.Ordinal) || StripeEvents.IsReference(related))
            ? related
            : null;
        var ignored = WhyIgnored(StripeEvents.NameOf(type), livemode, subject: default, named, options);
        return new ReceivedEvent(id, type, named, payload, ignored);
    }

    private static ReceivedEvent Create(
        string id, string type, bool? livemode, JsonElement subject, string payload, BillingOptions options)
    {
        var customerId = CustomerOf(subject);
        return new ReceivedEvent(id, type, customerId, payload, WhyIgnored(type, livemode, subject, customerId, options));
    }

    private static string? WhyIgnored(
        string type, bool? livemode, JsonElement subject, string? customerId, BillingOptions options)
    {
        if (livemode is not null && livemode != options.IsLive)
            return options.IsLive ? "of test mode" : "of live mode";
        var isOfCredits = options.HasCredits && IsOfCredits(type, subject);
        if (StripeEvents.NeedsReview(type) && !isOfCredits && !(StripeEvents.IsOfDispute(type) && options.DisputeEndsPlan))
            return BillingCustomers.ToReview;
        if (!StripeEvents.ChangesSubscriptions(type) && !StripeEvents.IsOfDispute(type) && !isOfCredits)
            return "of a type that changes no subscription";
        if (type.StartsWith("checkout.session.", StringComparison.Ordinal)
            && Name(subject, "mode") is { } mode and not ("subscription" or "setup")
            && !(mode == "payment" && options.HasCredits))
            return $"a checkout for {mode}";
        if (customerId is not null)
            return null;
        return StripeEvents.NeedsReview(type) ? BillingCustomers.ToReview : "names no customer";
    }

    /// <summary>
    /// Whether an event may be about credits. A dispute does not say what the charge paid for, and a thin event has no charge.
    /// </summary>
    private static bool IsOfCredits(string type, JsonElement subject) => StripeEvents.IsOfDispute(type)
        || (subject.ValueKind is JsonValueKind.Undefined && type == StripeEvents.Refund)
        || (subject.ValueKind is JsonValueKind.Object
            && subject.TryGetProperty("metadata", out var metadata)
            && Name(metadata, NewPurchase.UnitsKey) is not null);

    private static string? CustomerOf(JsonElement subject)
    {
        if (subject.ValueKind is not JsonValueKind.Object)
            return null;
        if (Name(subject, "object") == "customer")
            return Name(subject, "id");
        return Reference(subject, "customer") ?? (Name(subject, "object") == "dispute" ? Reference(subject, "charge") : null);
    }

    /// <summary>Reads the id of an object that may be expanded.</summary>
    private static string? Reference(JsonElement subject, string member) =>
        subject.TryGetProperty(member, out var found) && found.ValueKind is JsonValueKind.Object
            ? Name(found, "id")
            : Name(subject, member);

    /// <summary>Reads a short text that both engines can store.</summary>
    private static string? Name(JsonElement element, string member) =>
        element.ValueKind is JsonValueKind.Object
        && element.TryGetProperty(member, out var value)
        && value.ValueKind is JsonValueKind.String
        && value.GetString() is { Length: > 0 and <= MaxNameLength } text && FieldErrors.IsPlainText(text)
            ? text
            : null;
}
