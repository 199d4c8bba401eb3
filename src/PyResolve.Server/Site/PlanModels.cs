using PyResolve.Client.Wire;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Http;
using PyResolve.Server.Plans;
using static PyResolve.Server.Pages.DateText;

namespace PyResolve.Server.Site;

/// <summary>Which of Stripe's pages a person comes back from.</summary>
internal enum ReturnFrom
{
    Nowhere,
    Checkout,
    Credits,
    CheckoutLeft,
    Portal,
}

/// <summary>What is wrong with a subscription. <c>Button</c> leads to Stripe's portal; null: the plans below are the way on.</summary>
internal sealed record Trouble(string Text, string? Button);

/// <summary>One of the plans that a page compares.</summary>
internal sealed record PlanCard(Plan Plan, bool IsCurrent)
{
    public string Each => Plan.PerSeat ? " for each seat" : "";

    public string LlmTiers => string.Join(", ", Plan.Tiers.Where(PlanTiers.CallsLlm));
}

/// <summary>The plan of an account, and the changes that it can make.</summary>
/// <param name="ForSale">The settings of prices that Stripe has; empty where nothing is sold.</param>
/// <param name="Customer">null: the account has never bought anything.</param>
internal sealed record PlanView(
    PlanCatalog Catalog,
    QuotaSnapshot Quota,
    ProfilePlan Profile,
    BillingCustomer? Customer,
    bool IsConfigured,
    IReadOnlySet<string> ForSale,
    DateTimeOffset Now)
{
    public ReturnFrom From { get; init; }

    public ProblemResult? Problem { get; init; }

    /// <summary>The plans that are shown to everyone, and the account's own.</summary>
    public IReadOnlyList<Plan> Plans => [.. Catalog.All.Where(plan => plan.IsPublic || plan.Name == Quota.Plan)];

    public Plan Current => Catalog[Quota.Plan];

    /// <summary>Whether there is a subscription that the portal changes. In place of a paused one a plan is chosen here.</summary>
    public bool HasSubscription => State.Status is not (null or "canceled" or "incomplete" or "incomplete_expired" or "paused");

    /// <summary>Whether the subscription has several prices, such as that of overage: Stripe's portal cannot change its plan.</summary>
    public bool HasExtras => HasSubscription && State.SubscriptionId is { } id
        && SubscriptionMemories.Read(State.Remembered).GetValueOrDefault(id)?.HasExtras == true;

    public bool IsCancelling => HasSubscription && State.Cancelling;

    /// <summary>Whether the browser says that it was paid, and Stripe has not said so yet.</summary>
    public bool IsAwaited => From is ReturnFrom.Checkout && !HasSubscription;

    public bool IsSetByOperator => Profile.IsSetByOperator || (Profile.Override is { } set && set == Quota.Plan && set != State.Plan);

    /// <summary>The price of the subscription that a trial without a card has paused, if it is still sold: a checkout goes on with it.
    /// </summary>
    public CatalogPrice? Paused => State is { Status: "paused", SubscriptionId: { } id }
        && Catalog.FindSold(SubscriptionMemories.Read(State.Remembered).GetValueOrDefault(id)?.Plan) is { } plan
            ? SoldBy(plan).FirstOrDefault(price => price.Interval == State.Interval)
            : null;

    public long PausedSeats => State.Quantity ?? 1;

    /// <summary>The trouble with the subscription; null: nothing is wrong.</summary>
    public Trouble? Trouble => State switch
    {
        { Status: "past_due", GraceEndsAt: { } end } when end > Now => new(
            $"The last payment failed. The {Name(State.Plan)} plan lasts until {Day(end)}: it stays if the payment arrives by then.",
            "Update the payment method"),
        { Status: "past_due" } => new(
            "The last payment failed, and the plan has ended. It comes back when the payment arrives.", "Update the payment method"),
        { Status: "unpaid" } => new(
            "An invoice was not paid, and the plan has ended. It comes back when the invoice is paid.", "Pay the invoice"),
        { Status: "paused" } when Paused is not null => new(
            "The subscription is paused: it needs a payment method to go on.", "Add a payment method"),
        { Status: "paused" } => new(
            "The subscription is paused: its trial ended without a payment method. Choose a plan to go on.", Button: null),
        { Status: "incomplete" } => new(
            "The first payment did not go through, and the plan has not begun. Choose it again, or pay in another way.", Button: null),
        _ when Has(ReviewFlags.Disputed) => new(
            "A payment was disputed at its bank, and the plan has ended. It comes back when the dispute is settled.", "See the payments"),
        _ when Has(ReviewFlags.Duplicate) => new(
            "There is more than one subscription, and each is paid for. End the one that is not needed.", "End one of them"),
        _ => null,
    };

    /// <summary>How long the plan lasts.</summary>
    public string? Term => State switch
    {
        _ when IsSetByOperator => "Set by the operator of this server; nothing is charged for it.",
        _ when Profile.Until is { } end && end > Now && Trouble is null =>
            $"Ends on {Day(end)}. From then on: the {Name(Profile.Then)} plan.{(IsCancelling ? $" {Catalog[State.Plan].LastCharge}" : "")}",
        { ScheduledPlan: { } plan, ScheduledAt: { } at } when Trouble is null && at > Now =>
            $"Until {Day(at)}. From then on: the {Name(plan)} plan, as you chose.",
        { Status: "trialing", CurrentPeriodEnd: { } end } =>
            $"A trial until {Day(end)}. The first payment is due then{(Current.TrialNeedsCard ? "" : "; without a card the plan pauses")}.",
        { Status: "active", CurrentPeriodEnd: { } end } when HasSubscription => $"Renews on {Day(end)}.",
        _ => null,
    };

    public string? Said => From switch
    {
        ReturnFrom.Checkout when HasSubscription => $"Thank you. You are on the {Name(Quota.Plan)} plan now.",
        ReturnFrom.Credits => "Thank you. Your credits are here as soon as the payment has arrived, which takes a few seconds with a card.",
        ReturnFrom.CheckoutLeft => "You left before paying, and nothing was charged.",
        ReturnFrom.Portal => "You are back from the billing portal. If a change is not shown yet, load this page again in a few seconds.",
        _ => null,
    };

    private BillingState State => Customer?.State ?? BillingState.None;

    /// <summary>The price of the own plan, as it is paid: <c>Per</c> is what for; null: nothing is paid.</summary>
    public (string Amount, string? Per) Price
    {
        get
        {
            if ((Current.FindPrice(State.Interval) ?? Current.FindPrice(null)) is not { } paid)
                return (Pricing.PriceOf(Current), null);
            var seats = Current.PerSeat ? $" for each of {Profile.Seats ?? 1:N0} seats" : "";
            return (Pricing.Money(paid.Amount, paid.Currency), $"a {(paid.IsMetered ? "unit" : paid.Interval)}{seats}");
        }
    }

    public bool IsForSale(Plan plan) => SoldBy(plan).Any();

    public IEnumerable<CatalogPrice> SoldBy(Plan plan) => plan.Prices.Where(price => ForSale.Contains(price.Variable));

    /// <summary>Whether a plan is larger than the account's.</summary>
    public bool IsMore(Plan plan) => Catalog.Rank(plan.Name) > Catalog.Rank(Quota.Plan);

    private string Name(string plan) => Catalog[plan].Title;

    private bool Has(string flag) => State.Flags.Split(' ').Contains(flag, StringComparer.Ordinal);
}
