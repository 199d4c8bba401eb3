using PyResolve.Server.Billing.Stripe;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Sync;

/// <summary>
/// Ties a customer that is not known here to its account: one whose profile names it already, as the rows of an earlier system do, or one
/// that was made for the account, as its metadata says. Never by e-mail.
/// </summary>
internal sealed class CustomerAdoption(Database database, BillingCustomers customers, IStripeGateway stripe, BillingOptions options)
{
    /// <returns>Whether an account has this customer now.</returns>
    public async Task<bool> TryAsync(string customerId, CancellationToken cancellationToken)
    {
        if (await customers.FindAsync(customerId, cancellationToken) is { } known)
            return known.IsLinked;
        if (await stripe.FindCustomerAsync(customerId, cancellationToken) is not { Deleted: false } customer || customer.Livemode != options.IsLive)
            return false;
        var userId = await NamedByProfileAsync(customerId, cancellationToken)
            ?? (Guid.TryParse(customer.Metadata?.GetValueOrDefault("user_id"), out var named) ? named : null);
        return userId is { } found && (await customers.LinkAsync(found, customerId, cancellationToken))?.Id == customerId;
    }

    private async Task<Guid?> NamedByProfileAsync(string customerId, CancellationToken cancellationToken) =>
        (await database.ListAsync(
            $"select id from profiles where stripe_customer_id = {customerId} and deleted_at is null", static row => row.Uuid(0), cancellationToken))
        is [var only] ? only : null;
}
