using PyResolve.Server.Access;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Plans;

namespace PyResolve.Server.Billing.Checkout;

/// <summary>Opens pages that sell credits. Each page that is paid gives its credits once, so any number may be open.</summary>
internal sealed class CreditCheckouts(
    BillingCustomers customers, CustomerLinks links, CustomerSync sync, IStripeGateway stripe, BillingLinks urls, TimeProvider time)
{
    public async Task<string> StartAsync(
        Guid userId, string email, CreditPack pack, string priceId, CancellationToken cancellationToken)
    {
        var (customer, isNew) = await links.FindOrCreateAsync(userId, email, cancellationToken);
        if (!isNew && await sync.RunAsync(customer.Id, cancellationToken) is null or { IsGone: true })
            (customer, _) = await links.FindOrCreateAsync(userId, email, cancellationToken);
        var purchase = new NewPurchase(
            userId, customer.Id, priceId, urls.AfterCredits(customer.ReturnToken), urls.CheckoutCancelled)
        {
            Units = pack.Units,
            ValidDays = pack.ValidDays,
        };
        var page = await stripe.CreatePurchaseAsync(purchase, $"cr:{Guid.CreateVersion7(time.GetUtcNow())}", cancellationToken);
        // The sync after the deletion may have run before this page existed.
        if (await customers.FindProfileAsync(userId, cancellationToken) is null)
        {
            await stripe.ExpireCheckoutAsync(page.Id, cancellationToken);
            throw AccountGone.Exception();
        }

        await customers.ResetReturnIntervalAsync(customer.Id, cancellationToken);
        return page.Url!;
    }
}
