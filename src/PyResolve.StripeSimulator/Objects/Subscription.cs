using System.Text.Json.Nodes;

namespace PyResolve.StripeSimulator.Objects;

internal sealed class SubscriptionItem : StripeObject
{
    public override string Kind => "subscription_item";

    public required string SubscriptionId { get; init; }

    public required Price Price { get; set; }

    public long Quantity { get; set; } = 1;

    public long PeriodStart { get; set; }

    public long PeriodEnd { get; set; }

    public Dictionary<string, string> Metadata { get; set; } = [];

    /// <summary>Where the usage begins that a metered price has not billed yet.</summary>
    public long UsageFrom { get; set; }

    /// <summary>The amount billed at the start of a period; metered prices are billed at its end.</summary>
    public long Amount => Price.Recurring is { IsMetered: true } ? 0 : Price.UnitAmount * Quantity;

    public override JsonObject Render()
    {
        var item = new JsonObject
        {
            ["id"] = Id,
            ["object"] = Kind,
            ["created"] = Created,
            ["current_period_end"] = PeriodEnd,
            ["current_period_start"] = PeriodStart,
            ["discounts"] = new JsonArray(),
            ["metadata"] = Shapes.Map(Metadata),
            ["price"] = Price.Render(),
            ["subscription"] = SubscriptionId,
            ["tax_rates"] = new JsonArray(),
        };
        if (Price.Recurring is not { IsMetered: true })
            item["quantity"] = Quantity;
        return item;
    }
}

/// <summary>A change of items that takes effect when its invoice is paid.</summary>
internal sealed record PendingUpdate(long ExpiresAt, IReadOnlyList<SubscriptionItem> Items, string InvoiceId);

internal sealed record PauseCollection(string Behavior, long? ResumesAt);

internal sealed class Subscription : StripeObject
{
    /// <summary>The number of items inside a subscription object; the others are in the list of items.</summary>
    public const int ItemsShown = 10;

    public override string Kind => "subscription";

    public override string EventPrefix => "customer.subscription";

    public required string CustomerId { get; init; }

    public string? TestClockId { get; init; }

    public required string Status { get; set; }

    public List<SubscriptionItem> Items { get; set; } = [];

    public required string Currency { get; init; }

    public required string BillingMode { get; init; }

    public Dictionary<string, string> Metadata { get; set; } = [];

    public string? Description { get; set; }

    public long StartDate { get; init; }

    public long BillingCycleAnchor { get; set; }

    public bool CancelAtPeriodEnd { get; set; }

    public long? CancelAt { get; set; }

    public long? CanceledAt { get; set; }

    public long? EndedAt { get; set; }

    public string? CancellationReason { get; set; }

    public string? CancellationFeedback { get; set; }

    public string? CancellationComment { get; set; }

    public long? TrialStart { get; set; }

    public long? TrialEnd { get; set; }

    public bool TrialEndNoticeSent { get; set; }

    public string MissingPaymentMethod { get; set; } = "create_invoice"; // At the end of a trial: create_invoice, cancel or pause.

    public List<Discount> Discounts { get; } = [];

    public bool HasAutomaticTax { get; set; }

    public PauseCollection? Pause { get; set; }

    public PendingUpdate? Pending { get; set; }

    public string? LatestInvoiceId { get; set; }

    public string? ScheduleId { get; set; } // A change that waits for the end of the period.

    public List<Invoice> Invoices { get; } = []; // Oldest first.

    public IEnumerable<Invoice> OpenInvoices => Invoices.Where(static invoice => invoice.Status == "open");

    public long IncompleteSince { get; set; } // When the wait for the first payment began.

    public long PendingProration { get; set; } // Prorations for the next invoice.

    public long Amount => Items.Sum(static item => item.Amount);

    public bool IsEnded => Status is "canceled" or "incomplete_expired";

    public long PeriodEnd => Items.Count == 0 ? StartDate : Items.Max(static item => item.PeriodEnd);

    public long PeriodStart => Items.Count == 0 ? StartDate : Items.Min(static item => item.PeriodStart);

    public override JsonObject Render() => new()
    {
        ["id"] = Id,
        ["object"] = Kind,
        ["application"] = null,
        ["automatic_tax"] = new JsonObject { ["enabled"] = HasAutomaticTax },
        ["billing_cycle_anchor"] = BillingCycleAnchor,
        ["billing_mode"] = new JsonObject { ["type"] = BillingMode },
        ["cancel_at"] = CancelAt,
        ["cancel_at_period_end"] = CancelAtPeriodEnd,
        ["canceled_at"] = CanceledAt,
        ["cancellation_details"] = new JsonObject
        {
            ["comment"] = CancellationComment,
            ["feedback"] = CancellationFeedback,
            ["reason"] = CancellationReason,
        },
        ["collection_method"] = "charge_automatically",
        ["created"] = Created,
        ["currency"] = Currency,
        ["customer"] = CustomerId,
        ["default_payment_method"] = null,
        ["description"] = Description,
        ["discounts"] = Shapes.Array(Discounts.Select(static discount => discount.Id)),
        ["ended_at"] = EndedAt,
        ["items"] = RenderItems(),
        ["latest_invoice"] = LatestInvoiceId,
        ["livemode"] = false,
        ["metadata"] = Shapes.Map(Metadata),
        ["pause_collection"] = Pause is not { } pause
            ? null
            : new JsonObject { ["behavior"] = pause.Behavior, ["resumes_at"] = pause.ResumesAt },
        ["pending_setup_intent"] = null,
        ["pending_update"] = Pending is not { } pending
            ? null
            : new JsonObject
            {
                ["billing_cycle_anchor"] = null,
                ["expires_at"] = pending.ExpiresAt,
                ["subscription_items"] = new JsonArray([.. pending.Items.Select(static item => item.Render())]),
                ["trial_end"] = null,
                ["trial_from_plan"] = false,
            },
        ["schedule"] = ScheduleId,
        ["start_date"] = StartDate,
        ["status"] = Status,
        ["test_clock"] = TestClockId,
        ["trial_end"] = TrialEnd,
        ["trial_settings"] = new JsonObject
        {
            ["end_behavior"] = new JsonObject { ["missing_payment_method"] = MissingPaymentMethod },
        },
        ["trial_start"] = TrialStart,
    };

    private JsonObject RenderItems()
    {
        var list = Shapes.List(
            $"/v1/subscription_items?subscription={Id}",
            Items.Take(ItemsShown).Select(static item => item.Render()),
            Items.Count > ItemsShown);
        list["total_count"] = Items.Count;
        return list;
    }
}
