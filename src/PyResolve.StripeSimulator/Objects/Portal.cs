using System.Text.Json.Nodes;

namespace PyResolve.StripeSimulator.Objects;

/// <param name="ProductId">Of the product.</param>
/// <param name="PriceIds">Among which customers choose.</param>
/// <param name="Seats">null: customers cannot change the quantity.</param>
internal sealed record PortalProduct(string ProductId, IReadOnlyList<string> PriceIds, SeatRange? Seats);

internal sealed record SeatRange(long Minimum, long Maximum)
{
    public bool Contains(long quantity) => quantity >= Minimum && quantity <= Maximum;
}

internal sealed record PortalFeatures
{
    public const int MostProducts = 10;

    public bool CanUpdatePaymentMethod { get; init; }

    public bool CanSeeInvoices { get; init; }

    public bool CanUpdateCustomer { get; init; }

    public IReadOnlyList<string> AllowedCustomerUpdates { get; init; } = [];

    public bool CanCancel { get; init; }

    public string CancelMode { get; init; } = "at_period_end"; // at_period_end or immediately

    public string CancelProration { get; init; } = "none"; // none or create_prorations

    public bool AsksCancelReason { get; init; }

    public IReadOnlyList<string> CancelReasons { get; init; } = [];

    public bool CanUpdateSubscription { get; init; }

    public IReadOnlyList<string> AllowedSubscriptionUpdates { get; init; } = [];

    public IReadOnlyList<PortalProduct> Products { get; init; } = [];

    public string Proration { get; init; } = "none"; // none, create_prorations or always_invoice

    public string TrialUpdate { get; init; } = "end_trial"; // What a change does to a trial: end_trial or continue_trial

    /// <summary><c>decreasing_item_amount</c>, <c>shortening_interval</c>: such changes wait for the end of the period.</summary>
    public IReadOnlyList<string> ScheduledChanges { get; init; } = [];

    public bool WaitsForPeriodEnd(SubscriptionItem before, SubscriptionItem after) =>
        (ScheduledChanges.Contains("decreasing_item_amount", StringComparer.Ordinal)
            && after.Price.UnitAmount * after.Quantity < before.Price.UnitAmount * before.Quantity)
        || (ScheduledChanges.Contains("shortening_interval", StringComparer.Ordinal)
            && after.Price.Recurring!.After(0) < before.Price.Recurring!.After(0));

    public bool AllowsPrice(string priceId) =>
        CanUpdateSubscription && AllowedSubscriptionUpdates.Contains("price", StringComparer.Ordinal)
        && Products.Any(product => product.PriceIds.Contains(priceId, StringComparer.Ordinal));

    /// <summary>How many of a price customers may choose; null: as many as they have.</summary>
    public SeatRange? SeatsOf(string priceId) =>
        CanUpdateSubscription && AllowedSubscriptionUpdates.Contains("quantity", StringComparer.Ordinal)
            ? Products.FirstOrDefault(product => product.PriceIds.Contains(priceId, StringComparer.Ordinal))?.Seats
            : null;

    public JsonObject Render() => new()
    {
        ["customer_update"] = new JsonObject
        {
            ["allowed_updates"] = Shapes.Array(AllowedCustomerUpdates), ["enabled"] = CanUpdateCustomer,
        },
        ["invoice_history"] = new JsonObject { ["enabled"] = CanSeeInvoices },
        ["payment_method_update"] = new JsonObject { ["enabled"] = CanUpdatePaymentMethod },
        ["subscription_cancel"] = new JsonObject
        {
            ["cancellation_reason"] = new JsonObject { ["enabled"] = AsksCancelReason, ["options"] = Shapes.Array(CancelReasons) },
            ["enabled"] = CanCancel,
            ["mode"] = CancelMode,
            ["proration_behavior"] = CancelProration,
        },
        ["subscription_update"] = new JsonObject
        {
            ["default_allowed_updates"] = Shapes.Array(AllowedSubscriptionUpdates),
            ["enabled"] = CanUpdateSubscription,
            ["products"] = new JsonArray([.. Products.Select(static product => new JsonObject
            {
                ["adjustable_quantity"] = new JsonObject
                {
                    ["enabled"] = product.Seats is not null,
                    ["maximum"] = product.Seats?.Maximum,
                    ["minimum"] = product.Seats?.Minimum ?? 1,
                },
                ["prices"] = Shapes.Array(product.PriceIds),
                ["product"] = product.ProductId,
            })]),
            ["proration_behavior"] = Proration,
            ["schedule_at_period_end"] = new JsonObject
            {
                ["conditions"] = new JsonArray([.. ScheduledChanges.Select(static type => new JsonObject { ["type"] = type })]),
            },
            ["trial_update_behavior"] = TrialUpdate,
        },
    };
}

internal sealed class PortalConfiguration : StripeObject
{
    public override string Kind => "billing_portal.configuration";

    public required PortalFeatures Features { get; set; }

    public string? Headline { get; set; }

    public string? PrivacyPolicyUrl { get; set; }

    public string? TermsOfServiceUrl { get; set; }

    public string? DefaultReturnUrl { get; set; }

    public bool HasLoginPage { get; set; }

    public bool IsActive { get; set; } = true;

    public bool IsDefault { get; init; }

    public Dictionary<string, string> Metadata { get; set; } = [];

    public long Updated { get; set; }

    public override JsonObject Render() => new()
    {
        ["id"] = Id,
        ["object"] = Kind,
        ["active"] = IsActive,
        ["application"] = null,
        ["business_profile"] = new JsonObject
        {
            ["headline"] = Headline,
            ["privacy_policy_url"] = PrivacyPolicyUrl,
            ["terms_of_service_url"] = TermsOfServiceUrl,
        },
        ["created"] = Created,
        ["default_return_url"] = DefaultReturnUrl,
        ["features"] = Features.Render(),
        ["is_default"] = IsDefault,
        ["livemode"] = false,
        ["login_page"] = new JsonObject { ["enabled"] = HasLoginPage, ["url"] = null },
        ["metadata"] = Shapes.Map(Metadata),
        ["updated"] = Updated,
    };
}

internal sealed record PortalFlow(string Type, string? SubscriptionId, string? PriceId, long? Quantity);

internal sealed class PortalSession : StripeObject
{
    public override string Kind => "billing_portal.session";

    public required string Url { get; init; }

    public required string CustomerId { get; init; }

    public required string ConfigurationId { get; init; }

    public string? ReturnUrl { get; init; }

    public string? Locale { get; init; }

    public PortalFlow? Flow { get; init; }

    public override JsonObject Render() => new()
    {
        ["id"] = Id,
        ["object"] = Kind,
        ["configuration"] = ConfigurationId,
        ["created"] = Created,
        ["customer"] = CustomerId,
        ["flow"] = Flow is not { } flow ? null : new JsonObject { ["type"] = flow.Type },
        ["livemode"] = false,
        ["locale"] = Locale,
        ["on_behalf_of"] = null,
        ["return_url"] = ReturnUrl,
        ["url"] = Url,
    };
}
