using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Sync;

/// <summary>
/// Links a customer to its account: to the one whose profile names it, as rows of an earlier system do, or that is named at Stripe, by the
/// customer's metadata, by those of a subscription to a plan, or by the checkout that it was bought in, such as a payment link's.
/// </summary>
internal sealed class CustomerAdoption(
    Database database, BillingCustomers customers, PriceMap prices, IStripeGateway stripe, BillingOptions options)
{
    private const string UserKey = "user_id";

    public async Task<bool> TryAsync(string customerId, CancellationToken cancellationToken)
    {
        if (await customers.FindAsync(customerId, cancellationToken) is { IsLinked: true })
            return true;
        return await FindAccountAsync(customerId, cancellationToken) is { } found
            && (await customers.LinkAsync(found, customerId, replaces: null, cancellationToken))?.Id == customerId;
    }

    /// <summary>
    /// Replaces an account's customer on an operator's command: its customer so far, if it has one, is its own no longer.
    /// </summary>
    public async Task<bool> ReplaceAsync(Guid userId, BillingCustomer other, string customerId, CancellationToken cancellationToken)
    {
        try
        {
            foreach (var session in await stripe.ListOpenCheckoutsAsync(other.Id, cancellationToken))
                await stripe.ExpireCheckoutAsync(session.Id, cancellationToken);
        }
        catch (StripeException exception) when (exception.IsMissing)
        {
            // Stripe closes the pages of a customer that it deletes.
        }

        return (await customers.LinkAsync(userId, customerId, replaces: other.Id, cancellationToken))?.Id == customerId;
    }

    /// <summary>The subscriptions of ours that a customer has now.</summary>
    public async Task<IReadOnlyList<StripeSubscription>> ListOursAsync(BillingCustomer customer, CancellationToken cancellationToken)
    {
        try
        {
            var subscriptions = await stripe.ListSubscriptionsAsync(customer.Id, cancellationToken);
            var planOfPrice = await prices.ResolveAsync(subscriptions, cancellationToken);
            return PlanRules.OursInForce(subscriptions, planOfPrice, customer.State.Remembered);
        }
        catch (StripeException exception) when (exception.IsMissing)
        {
            return [];
        }
    }

    /// <returns>null where there is no account, or it has another customer.</returns>
    public async Task<Guid?> FindAccountAsync(string customerId, CancellationToken cancellationToken) =>
        await FindNamedAccountAsync(customerId, cancellationToken) is { } found
            && (await customers.FindLinkedAsync(found, cancellationToken) is not { } linked || linked.Id == customerId)
            ? found
            : null;

    /// <summary>
    /// Finds the account of an unlinked customer, which may exist again, for example after the server ran with a key of another Stripe
    /// account.
    /// </summary>
    /// <returns>The account may have another customer; null where there is none.</returns>
    public async Task<Guid?> FindNamedAccountAsync(string customerId, CancellationToken cancellationToken)
    {
        var known = await customers.FindAsync(customerId, cancellationToken);
        if (known is { IsLinked: true })
            return known.UserId;
        var customer = await stripe.FindCustomerAsync(customerId, cancellationToken);
        if (customer is not { Deleted: false } || customer.Livemode != options.IsLive)
            return null;
        return known?.UserId
            ?? await FindNamedByProfileAsync(customerId, cancellationToken)
            ?? Parse(customer.Metadata?.GetValueOrDefault(UserKey))
            ?? await FindNamedByPurchaseAsync(customerId, cancellationToken);
    }

    /// <summary>Lists customers that profiles name, as rows of an earlier system do, and that were never linked.</summary>
    public async Task<IReadOnlySet<string>> ListNamedByProfilesAsync(CancellationToken cancellationToken) => (await database.ListAsync(
        $"""
        select p.stripe_customer_id from profiles p
        where p.stripe_customer_id is not null and p.deleted_at is null
          and not exists (select 1 from billing_customers b where b.origin = {options.Origin} and b.customer_id = p.stripe_customer_id)
        """,
        static row => row.Text(0),
        cancellationToken)).ToHashSet(StringComparer.Ordinal);

    /// <summary>Finds the account of a customer who pays for a plan. Other customers are ignored.</summary>
    private async Task<Guid?> FindNamedByPurchaseAsync(string customerId, CancellationToken cancellationToken)
    {
        var subscriptions = await stripe.ListSubscriptionsAsync(customerId, cancellationToken);
        var planOfPrice = await prices.ResolveAsync(subscriptions, cancellationToken);
        var ours = PlanRules.OursInForce(subscriptions, planOfPrice, remembered: "");
        if (ours.Count == 0)
            return null;
        var named = ours.Select(static subscription => Parse(subscription.Metadata?.GetValueOrDefault(UserKey)));
        if (named.FirstOrDefault(static id => id is not null) is { } userId)
            return userId;
        var checkouts = await stripe.ListCompletedCheckoutsAsync(customerId, cancellationToken);
        return checkouts
            .Where(session => ours.Any(subscription => subscription.Id == session.Subscription))
            .Select(static session => Parse(session.ClientReferenceId))
            .FirstOrDefault(static reference => reference is not null);
    }

    private async Task<Guid?> FindNamedByProfileAsync(string customerId, CancellationToken cancellationToken) =>
        (await database.ListAsync(
            $"select id from profiles where stripe_customer_id = {customerId} and deleted_at is null",
            static row => row.Uuid(0),
            cancellationToken))
        is [var only] ? only : null;

    private static Guid? Parse(string? text) => Guid.TryParse(text, out var userId) ? userId : null;
}
