using System.Security.Cryptography;
using System.Text;
using PyResolve.Server.Access;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Checkout;

/// <summary>One customer an account, however many ask for it at once: all use one idempotency key, and the first to come back is tied to it.</summary>
internal sealed class CustomerLinks(
    Database database, BillingCustomers customers, CustomerAdoption adoption, IStripeGateway stripe, BillingOptions options)
{
    public async Task<BillingCustomer> FindOrCreateAsync(Guid userId, string email, CancellationToken cancellationToken) =>
        await customers.FindLinkedAsync(userId, cancellationToken)
        ?? await AdoptAsync(userId, cancellationToken)
        ?? await CreateAsync(userId, email, cancellationToken);

    /// <summary>The customer that an earlier system made for the account, or that was gone for a while.</summary>
    public async Task<BillingCustomer?> AdoptAsync(Guid userId, CancellationToken cancellationToken)
    {
        var known = await database.ListAsync(
            $"select stripe_customer_id from profiles where id = {userId} and stripe_customer_id is not null", static row => row.Text(0), cancellationToken);
        foreach (var customerId in known.Union(await customers.ListUnlinkedAsync(userId, cancellationToken)))
        {
            if (await adoption.TryAsync(customerId, cancellationToken))
                return await customers.FindLinkedAsync(userId, cancellationToken);
        }

        return null;
    }

    private async Task<BillingCustomer> CreateAsync(Guid userId, string email, CancellationToken cancellationToken)
    {
        var earlier = await customers.CountUnlinkedAsync(userId, cancellationToken);
        // The e-mail is part of the request, and Stripe refuses one key with two requests.
        var digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(email)).AsSpan(0, 4));
        var failures = await CountFailuresAsync(userId, cancellationToken);
        var key = $"cust:{options.Origin}:{userId}:{earlier}:{digest}{(failures == 0 ? "" : $":{failures}")}";
        try
        {
            var created = await stripe.CreateCustomerAsync(userId, email, key, cancellationToken);
            return await customers.LinkAsync(userId, created.Id, cancellationToken) ?? throw AccountGone.Exception();
        }
        catch (StripeException exception) when (exception.IsKeptUnderKey)
        {
            // If it was made all the same, nobody is tied to it, and it owns nothing.
            await AddFailureAsync(userId, failures);
            throw;
        }
    }

    private async Task<long> CountFailuresAsync(Guid userId, CancellationToken cancellationToken) => await database.ReadAsync(
        session => session.NumberAsync($"select failures from billing_customer_attempts where origin = {options.Origin} and user_id = {userId}", cancellationToken),
        cancellationToken) ?? 0;

    /// <summary>The next request needs another idempotency key. Those that failed together under one count once.</summary>
    private Task<int> AddFailureAsync(Guid userId, long seen) => database.ExecuteAsync(
        $"""
        insert into billing_customer_attempts (origin, user_id, failures) values ({options.Origin}, {userId}, {seen + 1})
        on conflict (origin, user_id) do update set failures = {seen + 1} where billing_customer_attempts.failures = {seen}
        """,
        CancellationToken.None);
}
