using Microsoft.AspNetCore.Http.HttpResults;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Http;
using PyResolve.Server.Pages;

namespace PyResolve.Server.Billing;

internal static class BillingPages
{
    public static void MapBillingPages(this IEndpointRouteBuilder routes) =>
        routes.MapGroup("/billing").ArePages().MapGet("/return", Return);

    /// <summary>Returns a person from Stripe. The token in the address is no credential, and allows nothing but a sync.</summary>
    private static async Task<RedirectHttpResult> Return(
        HttpContext http, BillingOptions options, BillingCustomers customers, ReturnSync sync, BillingLinks links)
    {
        http.Response.Headers.CacheControl = "no-store";
        string? token = http.Request.Query["customer"];
        if (!http.IsHead() && options.IsConfigured && token is { Length: 32 } && token.All(char.IsAsciiHexDigitLower)
            && await customers.FindByReturnTokenAsync(token, http.RequestAborted) is { } customer)
        {
            await sync.TryAsync(customer, http.RequestAborted);
        }

        return TypedResults.Redirect(links.AfterReturn(http.Request.Query["from"]));
    }
}
