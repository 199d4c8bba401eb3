using System.Text;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http.HttpResults;
using PyResolve.Client.Wire;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Webhooks;
using PyResolve.Server.Http;

namespace PyResolve.Server.Billing;

internal static class WebhookEndpoint
{
    public static void MapWebhooks(this IEndpointRouteBuilder routes) =>
        routes.MapPost(BillingLinks.WebhooksPath, Receive).WithTags("Billing");

    private static async Task<Results<JsonAnswer<WebhookReceived>, ProblemResult>> Receive(
        HttpContext http, BillingOptions options, Inbox inbox, TimeProvider time)
    {
        if (!options.IsConfigured)
            return BillingProblems.NotConfigured("This server accepts no events: STRIPE_SECRET_KEY is not set.");
        if (options.WebhookSecrets.Count == 0)
            return BillingProblems.NotConfigured("This server accepts no events: STRIPE_WEBHOOK_SECRET is not set.");

        var body = await JsonBody.ReadBytesAsync(http.Request, http.RequestAborted);
        if (!Utf8.IsValid(body.Span))
            return new ProblemResult(Problems.Malformed("Invalid payload"));
        var payload = Encoding.UTF8.GetString(body.Span);
        if (!StripeSignature.IsValid(http.Request.Headers["Stripe-Signature"], payload, options.WebhookSecrets, time.GetUtcNow()))
        {
            return new ProblemResult(Problems.Malformed("Invalid signature"))
            {
                SecurityEvent = SecurityEvents.WebhookSignatureRefused,
            };
        }

        if (ReceivedEvent.Read(payload, options) is not { } received)
            return new ProblemResult(Problems.Malformed("Invalid payload"));

        // Not cancelled when the connection breaks: Stripe would only send the event again.
        await inbox.StoreAsync(received, CancellationToken.None);
        return Answers.Ok(new WebhookReceived("ok"));
    }
}
