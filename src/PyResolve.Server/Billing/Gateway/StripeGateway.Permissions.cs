using Stripe;

namespace PyResolve.Server.Billing.Gateway;

/// <summary>
/// Finds what a restricted key may do. Stripe looks at the permission before it looks for the object, so each call names one that does not
/// exist: nothing changes.
/// </summary>
internal sealed partial class StripeGateway
{
    private const string Nothing = "doesnotexist0";

    public async Task<IReadOnlyList<string>> ListMissingPermissionsAsync(CancellationToken cancellationToken)
    {
        var missing = new List<string>();
        foreach (var (permission, tryAsync) in Permissions(cancellationToken))
        {
            try
            {
                await tryAsync();
            }
            catch (StripeException exception) when (exception.Status == StatusCodes.Status403Forbidden)
            {
                missing.Add(permission);
            }
            catch (StripeException exception) when (!exception.IsTransient)
            {
                // The object does not exist: the call was allowed.
            }
        }

        return missing;
    }

    /// <summary>The calls to try, by the names that the dashboard has for their permissions.</summary>
    private IEnumerable<(string Permission, Func<Task> TryAsync)> Permissions(CancellationToken cancellationToken)
    {
        yield return ("Customers: write", () => StripeConnection.ReadAsync(
            Api.Customers.UpdateAsync($"cus_{Nothing}", new() { Description = "" }, cancellationToken: cancellationToken),
            static customer => customer.Id));
        yield return ("Checkout Sessions: write", () => ExpireCheckoutAsync($"cs_{Nothing}", cancellationToken));
        yield return ("Subscriptions: write", () => CancelSubscriptionAsync($"sub_{Nothing}", invoicesUsage: false, cancellationToken));
        yield return ("Customer portal: write",
            () => CreatePortalAsync($"cus_{Nothing}", "https://example.com", configuration: null, cancellationToken));
        yield return ("Subscription schedules: read", () => StripeConnection.ReadAsync(
            Api.SubscriptionSchedules.GetAsync($"sub_sched_{Nothing}", cancellationToken: cancellationToken),
            static schedule => schedule.Id));
        yield return ("SetupIntents: read", () => StripeConnection.ReadAsync(
            Api.SetupIntents.GetAsync($"seti_{Nothing}", cancellationToken: cancellationToken), static intent => intent.Id));
        yield return ("Prices: read", () => FindPriceAsync($"price_{Nothing}", cancellationToken));
        yield return ("Products: read", () => FindProductAsync($"prod_{Nothing}", cancellationToken));
        yield return ("Invoices: read", () => FindInvoiceAsync($"in_{Nothing}", cancellationToken));
        yield return ("Events: read", () => StripeConnection.ReadAsync(
            Api.Events.ListAsync(new() { Limit = 1 }, cancellationToken: cancellationToken), static list => list.Data.Count));
        if (options.SellsOverage)
        {
            var report = new MeterReport(Nothing, Guid.Empty, Plan: "", Units: 1, time.GetUtcNow(), Tries: 1)
            {
                CustomerId = $"cus_{Nothing}",
            };
            yield return ("Billing Meter Events: write", () => ReportUsageAsync(Nothing, report, cancellationToken));
            yield return ("Billing Meters: read", () => StripeConnection.ReadAsync(
                Api.Billing.Meters.GetAsync($"mtr_{Nothing}", cancellationToken: cancellationToken), static meter => meter.Id));
        }

        if (options.HasCredits)
        {
            yield return ("PaymentIntents: read", () => StripeConnection.ReadAsync(
                Api.PaymentIntents.GetAsync($"pi_{Nothing}", cancellationToken: cancellationToken), static intent => intent.Id));
        }

        if (!options.DisputeEndsPlan && !options.HasCredits)
            yield break;
        yield return ("Charges: read", () => FindChargeAsync($"ch_{Nothing}", cancellationToken));
        yield return ("Disputes: read", () => StripeConnection.ReadAsync(
            Api.Disputes.ListAsync(new() { Charge = $"ch_{Nothing}" }, cancellationToken: cancellationToken),
            static list => list.Data.Count));
        if (!options.DisputeEndsPlan)
            yield break;
        yield return ("Invoice payments: read", () => StripeConnection.ReadAsync(
            Api.InvoicePayments.GetAsync($"inpay_{Nothing}", cancellationToken: cancellationToken), static payment => payment.Id));
    }
}
