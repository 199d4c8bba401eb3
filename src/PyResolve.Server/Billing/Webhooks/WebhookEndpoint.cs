using System.Text;
using System.Text.Unicode;
using PyResolve.Client.Wire;
using PyResolve.Server.Http;

namespace PyResolve.Server.Billing.Webhooks;

internal static class WebhookEndpoint
{
    public static void MapWebhooks(this IEndpointRouteBuilder routes) => routes.MapPost(BillingLinks.WebhooksPath, Receive)
        .WithTags("Billing")
        .Produces<WebhookReceived>();

    /// <summary>Stores what Stripe signed, and answers: what follows from it is done behind the answer.</summary>
    private static async Task<IResult> Receive(HttpContext http, BillingOptions options, Inbox inbox, TimeProvider time)
    {
        if (!options.IsConfigured)
            return BillingProblems.NotConfigured("This server takes no events: its operator has not set STRIPE_SECRET_KEY.");
        if (options.WebhookSecrets.Count == 0)
            return BillingProblems.NotConfigured("This server takes no events: its operator has not set STRIPE_WEBHOOK_SECRET.");

        var body = await JsonBody.ReadBytesAsync(http.Request, http.RequestAborted);
        if (!Utf8.IsValid(body.Span))
            return new ProblemResult(Problems.Malformed("Invalid payload"));
        var payload = Encoding.UTF8.GetString(body.Span);
        if (!StripeSignature.IsValid(http.Request.Headers["Stripe-Signature"], payload, options.WebhookSecrets, time.GetUtcNow()))
            return new ProblemResult(Problems.Malformed("Invalid signature"));
        if (ReceivedEvent.Read(payload, options) is not { } received)
            return new ProblemResult(Problems.Malformed("Invalid payload"));

        // Whoever hangs up now would send it again; it may as well be stored.
        await inbox.StoreAsync(received, CancellationToken.None);
        return Answers.Ok(new WebhookReceived("ok"));
    }
}
