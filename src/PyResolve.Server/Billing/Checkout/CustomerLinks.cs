using System.Security.Cryptography;
using System.Text;
using PyResolve.Server.Access;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Checkout;

/// <summary>
/// Finds or creates an account's customer. Concurrent requests create one: they share an idempotency key, and the first answer is linked.
/// </summary>
internal sealed class CustomerLinks(
    Database database, BillingCustomers customers, CustomerAdoption adoption, IStripeGateway stripe, BillingOptions options)
{
    /// <returns>Whether the customer was created just now: it has no subscription.</returns>
    public async Task<(BillingCustomer Customer, bool IsNew)> FindOrCreateAsync(
        Guid userId, string email, CancellationToken cancellationToken)
    {
        var known = await customers.FindLinkedAsync(userId, cancellationToken) ?? await AdoptAsync(userId, cancellationToken);
        return known is not null ? (known, false) : (await CreateAsync(userId, email, cancellationToken), true);
    }

    /// <summary>Links a customer that an earlier system created for the account, or that was unlinked and exists again.</summary>
    public async Task<BillingCustomer?> AdoptAsync(Guid userId, CancellationToken cancellationToken)
    {
        var known = await database.ListAsync(
            $"select stripe_customer_id from profiles where id = {userId} and stripe_customer_id is not null",
            static row => row.Text(0),
            cancellationToken);
        foreach (var customerId in known.Union(await customers.ListUnlinkedAsync(userId, cancellationToken)))
        {
            if (await adoption.TryAsync(customerId, cancellationToken))
                return await customers.FindLinkedAsync(userId, cancellationToken);
        }

        return null;
    }

    private async Task<BillingCustomer> CreateAsync(Guid userId, string email, CancellationToken cancellationToken)
    {
        // A customer after one that was deleted at Stripe needs another idempotency key.
        var unlinked = (await customers.ListUnlinkedAsync(userId, cancellationToken)).Count;
        // The email is part of the request, and Stripe refuses the same key for another request.
        var digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(email)).AsSpan(0, 4));
        var failures = await CountFailuresAsync(userId, cancellationToken);
        var key = $"cust:{options.Origin}:{userId}:{unlinked}:{digest}{(failures == 0 ? "" : $":{failures}")}";
        try
        {
            var created = await stripe.CreateCustomerAsync(userId, email, key, cancellationToken);
            return await customers.LinkAsync(userId, created.Id, replaces: null, cancellationToken) ?? throw AccountGone.Exception();
        }
        catch (StripeException exception) when (exception.IsKeptUnderKey)
        {
            // If Stripe did create it, that customer stays without an account and a subscription.
            await AddFailureAsync(userId, failures);
            throw;
        }
    }

    private async Task<long> CountFailuresAsync(Guid userId, CancellationToken cancellationToken) => await database.ReadAsync(
        session => session.NumberAsync(
            $"select failures from billing_customer_attempts where origin = {options.Origin} and user_id = {userId}", cancellationToken),
        cancellationToken) ?? 0;

    /// <summary>Gives the next request another idempotency key. Requests that failed together under one key count once.</summary>
    private Task<int> AddFailureAsync(Guid userId, long seen) => database.ExecuteAsync(
        $"""
        insert into billing_customer_attempts (origin, user_id, failures) values ({options.Origin}, {userId}, {seen + 1})
        on conflict (origin, user_id) do update set failures = {seen + 1} where billing_customer_attempts.failures = {seen}
        """,
        CancellationToken.None);
}
