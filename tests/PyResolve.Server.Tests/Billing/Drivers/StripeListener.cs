using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using PyResolve.Server.Billing.Gateway;

namespace PyResolve.Server.Tests.Billing;

/// <summary>The Stripe in memory over HTTP, for servers that are processes of their own.</summary>
internal sealed class StripeListener : IAsyncDisposable
{
    private readonly WebApplication _app;

    private StripeListener(WebApplication app) => _app = app;

    public string Address => _app.Urls.Single();

    public static async Task<StripeListener> StartAsync(StripeDouble stripe)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.MapPost("/v1/customers", async (HttpContext http) =>
        {
            var form = await http.Request.ReadFormAsync();
            var userId = Guid.Parse(form["metadata[user_id]"].ToString());
            return Json(await stripe.CreateCustomerAsync(userId, form["email"].ToString(), Key(http), http.RequestAborted), StripeJson.Default.StripeCustomer);
        });
        app.MapGet("/v1/customers/{id}", async (HttpContext http, string id) =>
            Json(await stripe.FindCustomerAsync(id, http.RequestAborted), StripeJson.Default.StripeCustomer));
        app.MapPost("/v1/checkout/sessions", async (HttpContext http) =>
        {
            var form = await http.Request.ReadFormAsync();
            var checkout = new NewCheckout(
                Guid.Parse(form["client_reference_id"].ToString()), form["customer"].ToString(), form["line_items[0][price]"].ToString(),
                form["success_url"].ToString(), form["cancel_url"].ToString(),
                long.Parse(form[$"metadata[{NewCheckout.AttemptKey}]"].ToString(), CultureInfo.InvariantCulture));
            return Json(await stripe.CreateCheckoutAsync(checkout, Key(http), http.RequestAborted), StripeJson.Default.StripeCheckoutSession);
        });
        app.MapGet("/v1/checkout/sessions/{id}", async (HttpContext http, string id) =>
            Json(await stripe.FindCheckoutAsync(id, http.RequestAborted), StripeJson.Default.StripeCheckoutSession));
        app.MapGet("/v1/checkout/sessions", async (HttpContext http, string customer) =>
            Json(new StripeList<StripeCheckoutSession>(await stripe.ListOpenCheckoutsAsync(customer, http.RequestAborted)), StripeJson.Default.StripeListStripeCheckoutSession));
        app.MapPost("/v1/checkout/sessions/{id}/expire", async (HttpContext http, string id) =>
        {
            await stripe.ExpireCheckoutAsync(id, http.RequestAborted);
            return Json(new StripeCheckoutSession(id) { Status = "expired" }, StripeJson.Default.StripeCheckoutSession);
        });
        app.MapGet("/v1/subscriptions", async (HttpContext http, string customer) =>
            Json(new StripeList<StripeSubscription>(await stripe.ListSubscriptionsAsync(customer, http.RequestAborted)), StripeJson.Default.StripeListStripeSubscription));
        app.MapDelete("/v1/subscriptions/{id}", async (HttpContext http, string id) =>
        {
            await stripe.CancelSubscriptionAsync(id, http.RequestAborted);
            return Json(new StripeSubscription(id) { Status = "canceled" }, StripeJson.Default.StripeSubscription);
        });
        await app.StartAsync();
        return new StripeListener(app);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static string Key(HttpContext http) => http.Request.Headers["Idempotency-Key"].ToString();

    private static IResult Json<T>(T? found, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
        where T : class => found is null
            ? Results.Text("""{"error":{"type":"invalid_request_error","code":"resource_missing","message":"No such thing."}}""", "application/json", statusCode: 404)
            : Results.Json(found, type);
}
