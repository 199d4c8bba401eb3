using Microsoft.AspNetCore.Http.HttpResults;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Pages;
using static PyResolve.Server.Pages.Views;

namespace PyResolve.Server.Billing;

/// <summary>Where people come back to from Stripe.</summary>
internal static partial class BillingPages
{
    private static readonly TimeSpan LongestLook = TimeSpan.FromSeconds(10);

    public static void MapBillingPages(this IEndpointRouteBuilder routes)
    {
        var pages = routes.MapGroup("/billing").ArePages();
        pages.MapGet("", Show);
        pages.MapGet("/return", Return);
    }

    /// <summary>Looks at the subscription now, as far as that takes no time, and sends on. Whoever has the address can do no more by it.</summary>
    private static async Task<RedirectHttpResult> Return(
        HttpContext http, BillingOptions options, BillingCustomers customers, CustomerSync sync, BillingLinks links, ILogger<CustomerSync> logger)
    {
        http.Response.Headers.CacheControl = "no-store";
        string? token = http.Request.Query["customer"];
        if (options.IsConfigured && token is { Length: 32 } && token.All(char.IsAsciiHexDigitLower)
            && await customers.FindByReturnTokenAsync(token, http.RequestAborted) is { } customer)
        {
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
            deadline.CancelAfter(LongestLook);
            try
            {
                await sync.RunAsync(customer.Id, deadline.Token);
            }
            catch (Exception exception) when (exception is StripeException or OperationCanceledException && !http.RequestAborted.IsCancellationRequested)
            {
                // The webhook brings it.
                Log.NotLookedAt(logger, customer.Id, exception.Message);
            }
        }

        return TypedResults.Redirect(links.Onward(http.Request.Query["from"]));
    }

    private static PageResult Show(HttpContext http)
    {
        if (http.Request.Query.ContainsKey("success"))
        {
            return Page("Thank you", refusal: null, $"""
                <img class="mark" src="assets/approved.svg" alt="">
                <h1>Thank you</h1>
                <p>Your subscription is set up. You can close this page: <code>pyresolve status</code> shows your new plan.</p>
                """);
        }

        return http.Request.Query.ContainsKey("canceled")
            ? Page("Nothing was bought", refusal: null, $"""
                <h1>Nothing was bought</h1>
                <p>You left before paying, and nothing was charged. You can close this page.</p>
                """)
            : Page("Billing", refusal: null, $"""
                <h1>Billing</h1>
                <p>What you changed counts now. You can close this page: <code>pyresolve status</code> shows your plan.</p>
                """);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Customer {CustomerId} came back, and was not looked at: {Cause}")]
        public static partial void NotLookedAt(ILogger logger, string customerId, string cause);
    }
}
