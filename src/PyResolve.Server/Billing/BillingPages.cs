using Microsoft.AspNetCore.Http.HttpResults;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Http;
using PyResolve.Server.Pages;

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

    private static PageResult Show(HttpContext http) => Message.Page(http.Request.Query switch
    {
        var query when query.ContainsKey("success") => new Message(
            "Thank you", "Your subscription is set up. Your overview shows the new plan, as “pyresolve status” does.", MessageMark.Approved)
        {
            Link = ("app", "Go to your overview"),
        },
        var query when query.ContainsKey("canceled") => new Message(
            "Nothing was bought", "You left before paying, and nothing was charged.") { Link = ("pricing", "Compare the plans") },
        _ => new Message("Billing", "Your changes are in effect. Your overview shows your plan, as “pyresolve status” does.")
        {
            Link = ("app", "Go to your overview"),
        },
    });

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Customer {CustomerId} returned from Stripe and was not synced: {Cause}")]
        public static partial void NotSynced(ILogger logger, string customerId, string cause);
    }
}
