using Microsoft.AspNetCore.Http.HttpResults;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Http;
using PyResolve.Server.Pages;
using static PyResolve.Server.Pages.Views;

namespace PyResolve.Server.Billing;

internal static partial class BillingPages
{
    private static readonly TimeSpan SyncTimeout = TimeSpan.FromSeconds(10);

    public static void MapBillingPages(this IEndpointRouteBuilder routes)
    {
        var pages = routes.MapGroup("/billing").ArePages();
        pages.MapGet("", Show);
        pages.MapGet("/return", Return);
    }

    /// <summary>
    /// Syncs, so that the plan does not wait for a webhook, but each customer only every few seconds: the token in the address is no
    /// credential, and allows nothing else.
    /// </summary>
    private static async Task<RedirectHttpResult> Return(
        HttpContext http, BillingOptions options, BillingCustomers customers, CustomerSync sync, BillingLinks links,
        ILogger<CustomerSync> logger)
    {
        http.Response.Headers.CacheControl = "no-store";
        string? token = http.Request.Query["customer"];
        if (!http.IsHead() && options.IsConfigured && token is { Length: 32 } && token.All(char.IsAsciiHexDigitLower)
            && await customers.FindByReturnTokenAsync(token, http.RequestAborted) is { } customer
            && await customers.TryReturnAsync(customer.Id, http.RequestAborted))
        {
            StripePace.ActFor(customer.UserId);
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
            deadline.CancelAfter(SyncTimeout);
            try
            {
                await sync.RunAsync(customer.Id, deadline.Token);
            }
            catch (Exception exception)
                when (exception is StripeException or OperationCanceledException && !http.RequestAborted.IsCancellationRequested)
            {
                // The webhook will start a sync.
                Log.NotSynced(logger, customer.Id, exception.Message);
            }
        }

        return TypedResults.Redirect(links.AfterReturn(http.Request.Query["from"]));
    }

    private static PageResult Show(HttpContext http)
    {
        if (http.Request.Query.ContainsKey("success"))
        {
            return Page("Thank you", problem: null, $"""
                <img class="mark" src="assets/approved.svg" alt="">
                <h1>Thank you</h1>
                <p>Your subscription is set up. You can close this page: <code>pyresolve status</code> shows your new plan.</p>
                """);
        }

        return http.Request.Query.ContainsKey("canceled")
            ? Page("Nothing was bought", problem: null, $"""
                <h1>Nothing was bought</h1>
                <p>You left before paying, and nothing was charged. You can close this page.</p>
                """)
            : Page("Billing", problem: null, $"""
                <h1>Billing</h1>
                <p>Your changes are in effect. You can close this page: <code>pyresolve status</code> shows your plan.</p>
                """);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Customer {CustomerId} returned from Stripe and was not synced: {Cause}")]
        public static partial void NotSynced(ILogger logger, string customerId, string cause);
    }
}
