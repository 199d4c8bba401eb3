using PyResolve.Server.Billing.Gateway;

namespace PyResolve.Server.Tests.Billing;

internal sealed partial class StripeDouble
{
    /// <summary>The ways to pay by which a subscription was resumed, and whether Stripe takes them.</summary>
    public List<string> ResumedBy { get; } = [];

    public bool DeclinesResumptions { get; set; }

    public async Task ResumeSubscriptionAsync(
        string id, string customerId, string paymentMethod, string idempotencyKey, CancellationToken cancellationToken)
    {
        // A refusal is answered again under its key, too.
        var answer = await OnceAsync<object>(idempotencyKey, () =>
        {
            ResumedBy.Add(paymentMethod);
            if (DeclinesResumptions)
                return new StripeException("Your card was declined.") { Status = 402, Type = "card_error" };
            var all = _subscriptions[customerId];
            var at = all.FindIndex(subscription => subscription.Id == id && subscription.Status == "paused");
            if (at >= 0)
                all[at] = all[at] with { Status = "active" };
            return id;
        });
        if (answer is StripeException refusal)
            throw refusal;
    }

    public async Task<IReadOnlyList<StripeSubscription>> ListSubscriptionsAsync(string customerId, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _reads);
        var readers = _readers.AddOrUpdate(customerId, 1, static (_, count) => count + 1);
        _mostReaders.AddOrUpdate(customerId, readers, (_, most) => Math.Max(most, readers));
        try
        {
            await OnReadSubscriptions(customerId, cancellationToken);
            var found = await ListOf(customerId, () => SubscriptionsOf(customerId));
            await OnReadSubscriptions(customerId, cancellationToken);
            return found;
        }
        finally
        {
            _readers.AddOrUpdate(customerId, 0, static (_, count) => count - 1);
        }
    }

    public Task<StripeSubscription?> FindSubscriptionAsync(string id, CancellationToken cancellationToken) =>
        Answer(() => _subscriptions.Values.SelectMany(static all => all).FirstOrDefault(subscription => subscription.Id == id));

    public async IAsyncEnumerable<IReadOnlyList<StripeSubscription>> ListAllSubscriptionsAsync(
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        List<List<StripeSubscription>> pages;
        lock (_gate)
        {
            pages =
            [
                .. _subscriptions
                    .Where(all => !OnTestClocks.Contains(all.Key))
                    .SelectMany(static all => all.Value)
                    .Chunk(3)
                    .Select(static page => page.ToList()),
            ];
        }

        foreach (var page in pages)
            yield return await Answer(() => page);
    }

    public Task<StripeList<StripeInvoice>?> ListInvoicesAsync(
        string customerId, string? status, string? after, int count, CancellationToken cancellationToken) => Answer(() =>
    {
        var all = (Invoices.GetValueOrDefault(customerId) ?? []).FindAll(invoice => status is null || invoice.Status == status);
        var start = after is null ? 0 : all.FindIndex(invoice => invoice.Id == after) + 1;
        return after is not null && start == 0
            ? null
            : new StripeList<StripeInvoice>([.. all.Skip(start).Take(count)], HasMore: all.Count > start + count);
    });

    public Task<StripeInvoice?> FindInvoiceAsync(string id, CancellationToken cancellationToken) =>
        Answer(() => Invoices.Values.SelectMany(static all => all).FirstOrDefault(invoice => invoice.Id == id));

    public Task<StripeCharge?> FindChargeAsync(string id, CancellationToken cancellationToken) =>
        Answer(() => Charges.Find(charge => charge.Id == id));

    public Task<IReadOnlyList<StripeDispute>> ListDisputesAsync(
        string customerId, DateTimeOffset since, CancellationToken cancellationToken) =>
        Answer<IReadOnlyList<StripeDispute>>(
            () => ChargedAt >= since && Charges.Exists(charge => charge.Customer == customerId) ? [.. Disputes] : []);

    /// <summary>Subscriptions that were cancelled with a last invoice of what was used.</summary>
    public List<string> InvoicedAtEnd { get; } = [];

    public Task CancelSubscriptionAsync(string id, bool invoicesUsage, CancellationToken cancellationToken) => Answer(() =>
    {
        if (invoicesUsage)
            InvoicedAtEnd.Add(id);
        foreach (var all in _subscriptions.Values)
        {
            var at = all.FindIndex(subscription => subscription.Id == id);
            if (at >= 0)
                all[at] = all[at] with { Status = "canceled" };
        }

        return id;
    });
}
