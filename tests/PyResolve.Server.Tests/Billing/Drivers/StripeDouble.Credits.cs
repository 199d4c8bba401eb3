using System.Collections.Concurrent;
using PyResolve.Server.Billing.Gateway;

namespace PyResolve.Server.Tests.Billing;

internal sealed partial class StripeDouble
{
    /// <summary>What was reported to meters, each identifier once.</summary>
    public ConcurrentDictionary<string, (string Meter, MeterReport Report)> Metered { get; } = new(StringComparer.Ordinal);

    /// <summary>Runs before a report is counted; what it throws is the answer.</summary>
    public Func<MeterReport, Task> OnReport { get; set; } = static _ => Task.CompletedTask;

    /// <summary>Whether reports are counted, and the answers are lost.</summary>
    public bool LosesAnswersToReports { get; set; }

    /// <summary>By customer.</summary>
    public Dictionary<string, List<PaidCredits>> PaidCredits { get; } = [];

    public List<NewPurchase> Purchases { get; } = [];

    public List<(string Subscription, string Price)> MeteredItems { get; } = [];

    /// <summary>The ids, by event name. Metered items that are added bill the first.</summary>
    public Dictionary<string, string> Meters { get; } = new() { ["pyresolve_pro_overage"] = "mtr_overage" };

    public Task<StripeCheckoutSession> CreatePurchaseAsync(
        NewPurchase purchase, string idempotencyKey, CancellationToken cancellationToken) => Answer(() =>
        {
            Purchases.Add(purchase);
            var id = Id("cs");
            return _checkouts[id] = new StripeCheckoutSession(id)
            {
                Url = $"https://checkout.example/{id}",
                Status = StripeCheckoutSession.Open,
                Customer = purchase.CustomerId,
            };
        });

    /// <summary>Runs after credits were read, and before the answer is returned.</summary>
    public Func<Task> OnReadCredits { get; set; } = static () => Task.CompletedTask;

    public async Task<IReadOnlyList<PaidCredits>> ListPaidCreditsAsync(string customerId, CancellationToken cancellationToken)
    {
        var paid = await ListOf<PaidCredits>(customerId, () => [.. PaidCredits.GetValueOrDefault(customerId) ?? []]);
        await OnReadCredits();
        return paid;
    }

    /// <summary>Whether metered items are not added, as where Stripe repeats an earlier answer.</summary>
    public bool RepeatsAnswersToItems { get; set; }

    /// <summary>How often a meter was looked up.</summary>
    public int MetersRead { get; private set; }

    public Task<string?> FindMeterAsync(string eventName, CancellationToken cancellationToken) => Answer(() =>
    {
        MetersRead++;
        return Meters.GetValueOrDefault(eventName);
    });

    public Task<string> CreateMeterAsync(string eventName, string title, CancellationToken cancellationToken) =>
        Answer(() => Meters[eventName] = Id("mtr"));

    public Task AddMeteredItemAsync(
        string subscriptionId, string price, string idempotencyKey, CancellationToken cancellationToken) => Answer(() =>
        {
            MeteredItems.Add((subscriptionId, price));
            foreach (var all in _subscriptions.Values)
            {
                var at = all.FindIndex(subscription => subscription.Id == subscriptionId);
                if (at >= 0 && !RepeatsAnswersToItems)
                {
                    var sold = new StripePrice(price) { Recurring = new("month", "metered") { Meter = Meters.Values.First() } };
                    var added = new StripeSubscriptionItem(Id("si")) { Price = sold };
                    all[at] = all[at] with { Items = new([.. all[at].Items?.Data ?? [], added]) };
                }
            }

            return price;
        });

    public async Task ReportUsageAsync(string meter, MeterReport report, CancellationToken cancellationToken)
    {
        if (_answers.GetValueOrDefault(report.IdempotencyKey) is StripeException kept)
            throw kept;
        try
        {
            await OnReport(report);
        }
        catch (StripeException refusal) when (refusal.IsKeptUnderKey)
        {
            _answers[report.IdempotencyKey] = refusal;
            throw;
        }

        if (!Metered.TryAdd(report.Identifier, (meter, report)))
            throw new StripeException($"An event already exists with identifier {report.Identifier}.") { Status = 400 };
        if (LosesAnswersToReports)
            throw new StripeException("Stripe did not answer.");
    }
}
